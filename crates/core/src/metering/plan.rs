//! Plans: what a subscription allows.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::billing::Interval;
use super::key::{InvalidKey, key};
use super::limits::Rate;
use super::meter::{Meter, MeterKey, MeterKind};
use crate::Scope;

/// The meters and plans of an application, checked once when it starts.
///
/// Cloning shares them.
///
/// ```
/// use tenantry_core::{Interval, Meter, Plan, PlanRef, Plans, Rate};
///
/// let seller: PlanRef = "seller@1".parse()?;
/// let plans = Plans::builder()
///     .meter(Meter::gauge("listings".parse()?))
///     .plan(
///         Plan::new(seller.clone(), Interval::Month)
///             .with_quota("listings".parse()?, 10)
///             .with_rate(Rate::per_hour(1000)),
///     )
///     .build()?;
/// assert_eq!(plans.plan(&seller).and_then(|plan| plan.rate), Some(Rate::per_hour(1000)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Plans(Arc<Registered>);

#[derive(Debug)]
struct Registered {
    meters: HashMap<MeterKey, MeterKind>,
    plans: HashMap<PlanKey, BTreeMap<u32, Plan>>,
}

impl Plans {
    /// Nothing yet.
    #[must_use]
    pub fn builder() -> PlansBuilder {
        PlansBuilder::default()
    }

    /// That version of that plan.
    #[must_use]
    pub fn plan(&self, reference: &PlanRef) -> Option<&Plan> {
        self.0.plans.get(&reference.key)?.get(&reference.version)
    }

    /// The highest version of a plan: what a new subscription gets.
    #[must_use]
    pub fn latest(&self, key: &PlanKey) -> Option<&Plan> {
        self.0.plans.get(key)?.values().next_back()
    }

    /// How a meter is counted.
    #[must_use]
    pub fn meter(&self, key: &MeterKey) -> Option<MeterKind> {
        self.0.meters.get(key).copied()
    }
}

/// Collects meters and plans for [`Plans`].
#[derive(Debug, Clone, Default)]
pub struct PlansBuilder {
    meters: Vec<Meter>,
    plans: Vec<Plan>,
}

impl PlansBuilder {
    /// Adds a meter.
    #[must_use]
    pub fn meter(mut self, meter: Meter) -> Self {
        self.meters.push(meter);
        self
    }

    /// Adds a version of a plan.
    #[must_use]
    pub fn plan(mut self, plan: Plan) -> Self {
        self.plans.push(plan);
        self
    }

    /// Checks what was added.
    ///
    /// # Errors
    /// The first [`PlanError`] that was found.
    pub fn build(self) -> Result<Plans, PlanError> {
        let mut meters = HashMap::new();
        for meter in self.meters {
            if meters.insert(meter.key.clone(), meter.kind).is_some() {
                return Err(PlanError::DuplicateMeter(meter.key));
            }
        }
        let mut plans: HashMap<PlanKey, BTreeMap<u32, Plan>> = HashMap::new();
        for plan in self.plans {
            plan.check(&meters)?;
            let versions = plans.entry(plan.reference.key.clone()).or_default();
            if versions.contains_key(&plan.reference.version) {
                return Err(PlanError::DuplicatePlan(plan.reference));
            }
            versions.insert(plan.reference.version, plan);
        }
        Ok(Plans(Arc::new(Registered { meters, plans })))
    }
}

/// One version of a plan. Versions are immutable: to change a plan, add the next one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Which plan, and which version of it.
    pub reference: PlanRef,
    /// How often its counters start again, for subscriptions made from now on.
    pub interval: Interval,
    /// How much of each meter; a meter that isn't named has a limit of 0.
    pub quotas: Vec<Quota>,
    /// How many requests a tenant may make; `None` is unlimited.
    pub rate: Option<Rate>,
    /// What a member's roles may reach under this plan at most: `*` is everything, an empty list is nothing.
    pub allows: Vec<Scope>,
}

impl Plan {
    /// A plan without quotas, without a rate, and that allows all access (`*`).
    #[must_use]
    pub fn new(reference: PlanRef, interval: Interval) -> Self {
        Self { reference, interval, quotas: Vec::new(), rate: None, allows: vec![Scope::all()] }
    }

    /// Adds at most `limit` of `meter`.
    #[must_use]
    pub fn with_quota(mut self, meter: MeterKey, limit: i64) -> Self {
        self.quotas.push(Quota { meter, limit });
        self
    }

    /// Sets the rate.
    #[must_use]
    pub const fn with_rate(mut self, rate: Rate) -> Self {
        self.rate = Some(rate);
        self
    }

    /// Allows access to `scopes` only.
    #[must_use]
    pub fn with_access(mut self, scopes: impl IntoIterator<Item = Scope>) -> Self {
        self.allows = scopes.into_iter().collect();
        self
    }

    /// The limit of a meter: 0 when the plan doesn't name it.
    #[must_use]
    pub fn limit(&self, meter: &MeterKey) -> i64 {
        self.quotas.iter().find(|quota| quota.meter == *meter).map_or(0, |quota| quota.limit)
    }

    fn check(&self, meters: &HashMap<MeterKey, MeterKind>) -> Result<(), PlanError> {
        let mut named = HashSet::new();
        for quota in &self.quotas {
            let (plan, meter) = (self.reference.clone(), quota.meter.clone());
            if !meters.contains_key(&quota.meter) {
                return Err(PlanError::UnknownMeter { plan, meter });
            }
            if quota.limit < 0 {
                return Err(PlanError::NegativeLimit { plan, meter, limit: quota.limit });
            }
            if !named.insert(&quota.meter) {
                return Err(PlanError::DuplicateQuota { plan, meter });
            }
        }
        Ok(())
    }
}

/// At most so much of a meter.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Quota {
    /// The meter.
    pub meter: MeterKey,
    /// The most that may be used in a period, or held: at least 0.
    pub limit: i64,
}

key! {
    /// The name of a plan, such as `starter`.
    PlanKey
}

/// One version of a plan, written `starter@2`: what a subscription pins.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PlanRef {
    /// The plan.
    pub key: PlanKey,
    /// The version, from 1 up.
    pub version: u32,
}

impl PlanRef {
    /// Version `version` of `key`.
    #[must_use]
    pub const fn new(key: PlanKey, version: u32) -> Self {
        Self { key, version }
    }
}

impl fmt::Display for PlanRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.key, self.version)
    }
}

impl FromStr for PlanRef {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let (key, version) = text.split_once('@').ok_or(InvalidKey)?;
        let reference = Self { key: key.parse()?, version: version.parse().map_err(|_| InvalidKey)? };
        if reference.to_string() == text { Ok(reference) } else { Err(InvalidKey) }
    }
}

impl TryFrom<String> for PlanRef {
    type Error = InvalidKey;

    fn try_from(text: String) -> Result<Self, InvalidKey> {
        text.parse()
    }
}

impl From<PlanRef> for String {
    fn from(reference: PlanRef) -> Self {
        reference.to_string()
    }
}

/// The meters and plans of an application don't fit together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// Two meters have one key.
    #[error("meter {0} is declared twice: remove one")]
    DuplicateMeter(MeterKey),
    /// One version of a plan is declared twice.
    #[error("plan {0} is declared twice: give the changed one the next version")]
    DuplicatePlan(PlanRef),
    /// A plan has two quotas of one meter.
    #[error("plan {plan} has two quotas of meter {meter}: keep one")]
    DuplicateQuota {
        /// The plan.
        plan: PlanRef,
        /// The meter.
        meter: MeterKey,
    },
    /// A quota's meter isn't declared.
    #[error("plan {plan} has a quota of meter {meter}, which is not declared: add the meter")]
    UnknownMeter {
        /// The plan.
        plan: PlanRef,
        /// The meter.
        meter: MeterKey,
    },
    /// A quota is below zero.
    #[error("plan {plan} limits meter {meter} to {limit}: a limit is at least 0")]
    NegativeLimit {
        /// The plan.
        plan: PlanRef,
        /// The meter.
        meter: MeterKey,
        /// The limit.
        limit: i64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meter(key: &str) -> MeterKey {
        key.parse().unwrap()
    }

    fn plan(reference: &str) -> Plan {
        Plan::new(reference.parse().unwrap(), Interval::Month)
    }

    fn build(plans: impl IntoIterator<Item = Plan>) -> Result<Plans, PlanError> {
        let builder =
            Plans::builder().meter(Meter::counter(meter("calls"))).meter(Meter::gauge(meter("seats")));
        plans.into_iter().fold(builder, PlansBuilder::plan).build()
    }

    #[test]
    fn versions_are_kept_apart_and_the_highest_is_the_latest() {
        let plans = build([
            plan("starter@10").with_quota(meter("calls"), 3),
            plan("starter@9").with_quota(meter("calls"), 2),
            plan("growth@1"),
        ])
        .unwrap();
        let limit = |reference: &str| plans.plan(&reference.parse().unwrap()).unwrap().limit(&meter("calls"));
        assert_eq!((limit("starter@9"), limit("starter@10"), limit("growth@1")), (2, 3, 0));
        assert_eq!(plans.latest(&"starter".parse().unwrap()).unwrap().reference.version, 10);
        assert_eq!(plans.plan(&"starter@1".parse().unwrap()), None);
        assert_eq!(plans.meter(&meter("seats")), Some(MeterKind::Gauge));
        assert_eq!(plans.meter(&meter("domains")), None);
    }

    #[test]
    fn what_does_not_fit_together_is_refused() {
        let refused = |plans: Vec<Plan>| build(plans).map(|_| ()).unwrap_err().to_string();
        assert_eq!(
            refused(vec![plan("a@1").with_quota(meter("domains"), 1)]),
            "plan a@1 has a quota of meter domains, which is not declared: add the meter"
        );
        assert_eq!(
            refused(vec![plan("a@1").with_quota(meter("calls"), -1)]),
            "plan a@1 limits meter calls to -1: a limit is at least 0"
        );
        assert_eq!(
            refused(vec![plan("a@1").with_quota(meter("calls"), 1).with_quota(meter("calls"), 2)]),
            "plan a@1 has two quotas of meter calls: keep one"
        );
        assert_eq!(
            refused(vec![plan("a@1"), plan("a@1").with_rate(Rate::per_hour(1))]),
            "plan a@1 is declared twice: give the changed one the next version"
        );
        let twice =
            Plans::builder().meter(Meter::counter(meter("a"))).meter(Meter::gauge(meter("a"))).build();
        assert_eq!(twice.map(|_| ()), Err(PlanError::DuplicateMeter(meter("a"))));
    }

    #[test]
    fn references_have_one_spelling_and_plans_read_back() {
        assert_eq!("starter@2".parse::<PlanRef>().unwrap().to_string(), "starter@2");
        for bad in ["starter", "starter@", "starter@02", "starter@+2", "@2", "starter@4294967296"] {
            assert_eq!(bad.parse::<PlanRef>(), Err(InvalidKey), "{bad}");
        }
        assert_eq!(plan("a@1").allows, [Scope::all()]);
        let written = plan("a@1").with_access(["orders:*".parse().unwrap()]);
        let text = serde_json::to_string(&written).unwrap();
        assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), written);
    }
}
