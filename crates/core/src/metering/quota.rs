//! Decisions about quotas: what a store is asked to count, and what a refusal says.

use serde::{Deserialize, Serialize};

use super::billing::{BillingCycle, CycleError};
use super::meter::{MeterKey, MeterKind};
use super::plan::{Plan, PlanRef, Plans};
use crate::{TenantId, Timestamp};

/// Decides what a store counts when `tenant` uses `amount` of `meter` at `now`.
///
/// The answer is one conditional write; whether it passes is the store's to say ([`Use::apply`]). A meter that
/// the plan doesn't name has a ceiling of 0, so that its use is refused like any other that goes too far.
///
/// ```
/// use tenantry_core::*;
///
/// let plans = Plans::builder()
///     .meter(Meter::gauge("listings".parse()?))
///     .plan(Plan::new("seller@1".parse()?, Interval::Month).with_quota("listings".parse()?, 10))
///     .build()?;
/// let (plan, tenant, meter) = ("seller@1".parse()?, TenantId::generate(), "listings".parse()?);
/// let now: Timestamp = "2026-03-15T00:00:00Z".parse()?;
/// let cycle = BillingCycle::utc(now, Interval::Month);
///
/// let asked = plan_use(&plans, &plan, &cycle, tenant, &meter, 1, now)?;
/// assert_eq!((asked.ceiling, asked.period), (10, UsagePeriod::HELD));
/// assert_eq!(asked.apply(9), Ok(10));
/// assert_eq!(asked.apply(10).unwrap_err().limit, 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`QuotaError`] when the question itself is wrong.
pub fn plan_use(
    plans: &Plans,
    plan: &PlanRef,
    cycle: &BillingCycle,
    tenant: TenantId,
    meter: &MeterKey,
    amount: i64,
    now: Timestamp,
) -> Result<Use, QuotaError> {
    let Allowance { meter, limit, period, resets_at, .. } = allowance(plans, plan, cycle, meter, now)?;
    let amount = positive(amount)?;
    Ok(Use { tenant, meter, period, amount, ceiling: limit, resets_at })
}

/// Decides what a store takes off the count when `tenant` gives back `amount` that it held.
///
/// It asks for no plan: what was taken can be given back under any.
///
/// # Errors
/// [`QuotaError::NotHeld`] for a counter, whose uses are gone; otherwise [`QuotaError`] when the question
/// itself is wrong.
pub fn plan_give_back(
    plans: &Plans,
    tenant: TenantId,
    meter: &MeterKey,
    amount: i64,
) -> Result<GiveBack, QuotaError> {
    match plans.meter(meter) {
        None => Err(QuotaError::UnknownMeter(meter.clone())),
        Some(MeterKind::Counter) => Err(QuotaError::NotHeld(meter.clone())),
        Some(MeterKind::Gauge) => {
            let amount = positive(amount)?;
            Ok(GiveBack { tenant, meter: meter.clone(), period: UsagePeriod::HELD, amount })
        }
    }
}

/// What a plan allows of one meter at `now`, and where a store counts it.
///
/// A subscription has no period before its first: what is used at an instant before the cycle's anchor counts there.
/// Otherwise a process whose clock is a moment behind that of the process that subscribed would count into a period
/// that ends at once, and the tenant would have its quota twice.
///
/// # Errors
/// [`QuotaError`] when the application has no such plan or meter, or the cycle no period at `now`.
pub fn allowance(
    plans: &Plans,
    plan: &PlanRef,
    cycle: &BillingCycle,
    meter: &MeterKey,
    now: Timestamp,
) -> Result<Allowance, QuotaError> {
    let plan = known(plans, plan)?;
    let kind = plans.meter(meter).ok_or_else(|| QuotaError::UnknownMeter(meter.clone()))?;
    let (period, resets_at) = match kind {
        MeterKind::Gauge => (UsagePeriod::HELD, None),
        MeterKind::Counter => {
            let period = cycle.period_at(now.max(cycle.anchor()))?;
            (UsagePeriod(period.start), Some(period.end))
        }
    };
    Ok(Allowance { meter: meter.clone(), kind, limit: plan.limit(meter), period, resets_at })
}

/// The allowances of every meter that a plan names, in its order: what a list of usage is made from.
///
/// # Errors
/// As [`allowance`].
pub fn allowances(
    plans: &Plans,
    plan: &PlanRef,
    cycle: &BillingCycle,
    now: Timestamp,
) -> Result<Vec<Allowance>, QuotaError> {
    let quotas = &known(plans, plan)?.quotas;
    quotas.iter().map(|quota| allowance(plans, plan, cycle, &quota.meter, now)).collect()
}

fn known<'a>(plans: &'a Plans, plan: &PlanRef) -> Result<&'a Plan, QuotaError> {
    plans.plan(plan).ok_or_else(|| QuotaError::UnknownPlan(plan.clone()))
}

fn positive(amount: i64) -> Result<i64, QuotaError> {
    if amount > 0 { Ok(amount) } else { Err(QuotaError::Amount(amount)) }
}

/// A use that a store counts in one conditional write, or refuses.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Use {
    /// Whose use.
    pub tenant: TenantId,
    /// Of what.
    pub meter: MeterKey,
    /// The period it is counted in.
    pub period: UsagePeriod,
    /// How much: at least 1.
    pub amount: i64,
    /// The most that may have been used afterwards: at least 0.
    pub ceiling: i64,
    /// When the count starts again: `None` for things held.
    pub resets_at: Option<Timestamp>,
}

impl Use {
    /// What has been used once this use is counted on top of `used`.
    ///
    /// In SQL: `UPDATE … SET used = used + :amount WHERE used <= :ceiling - :amount`. Written that way neither
    /// side can leave the range of 64 bits.
    ///
    /// # Errors
    /// [`QuotaExceeded`] when it would go past the ceiling.
    pub fn apply(&self, used: i64) -> Result<i64, QuotaExceeded> {
        used.checked_add(self.amount).filter(|&after| after <= self.ceiling).ok_or_else(|| self.refused(used))
    }

    /// The refusal of this use, where `used` is what the store had counted.
    #[must_use]
    pub fn refused(&self, used: i64) -> QuotaExceeded {
        QuotaExceeded {
            meter: self.meter.clone(),
            limit: self.ceiling,
            used,
            requested: self.amount,
            resets_at: self.resets_at,
        }
    }
}

/// Units held that go back: a store takes them off the count, which never falls below zero.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct GiveBack {
    /// Who gives back.
    pub tenant: TenantId,
    /// What.
    pub meter: MeterKey,
    /// The period it was counted in: [`UsagePeriod::HELD`].
    pub period: UsagePeriod,
    /// How much: at least 1.
    pub amount: i64,
}

/// The period that a use is counted in, named by its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UsagePeriod(Timestamp);

impl UsagePeriod {
    /// Things held have no period: they are counted in one for ever, named by [`Timestamp::EPOCH`].
    pub const HELD: Self = Self(Timestamp::EPOCH);

    /// The period that begins at `start`.
    #[must_use]
    pub const fn starting(start: Timestamp) -> Self {
        Self(start)
    }

    /// Its start: what a store keeps.
    #[must_use]
    pub const fn start(self) -> Timestamp {
        self.0
    }

    /// When the count starts again in `cycle`: `None` for [`HELD`](Self::HELD).
    #[must_use]
    pub fn resets_at(self, cycle: &BillingCycle) -> Option<Timestamp> {
        let period = if self == Self::HELD { None } else { cycle.period_at(self.0).ok() };
        period.map(|period| period.end)
    }
}

/// What a plan allows of a meter, before a store has said how much of it is used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Allowance {
    /// The meter.
    pub meter: MeterKey,
    /// How it is counted.
    pub kind: MeterKind,
    /// The most that may be used.
    pub limit: i64,
    /// The period that a use is counted in.
    pub period: UsagePeriod,
    /// When the count starts again: `None` for things held.
    pub resets_at: Option<Timestamp>,
}

impl Allowance {
    /// The usage, where `used` is what the store has counted in [`period`](Self::period).
    #[must_use]
    pub fn usage(self, used: i64) -> Usage {
        Usage { meter: self.meter, kind: self.kind, limit: self.limit, used, resets_at: self.resets_at }
    }
}

/// How much of a meter a tenant has used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// The meter.
    pub meter: MeterKey,
    /// How it is counted.
    pub kind: MeterKind,
    /// The most that may be used.
    pub limit: i64,
    /// What is used; more than the limit after a change to a smaller plan.
    pub used: i64,
    /// When the count starts again: `None` for things held.
    pub resets_at: Option<Timestamp>,
}

impl Usage {
    /// What is left: at least 0.
    #[must_use]
    pub fn remaining(&self) -> i64 {
        self.limit.saturating_sub(self.used).max(0)
    }
}

/// The use would go past the plan's limit. Nothing was counted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{requested} more of {meter} does not fit: {used} of {limit} used; {}", self.advice())]
pub struct QuotaExceeded {
    /// The meter.
    pub meter: MeterKey,
    /// The most that may be used.
    pub limit: i64,
    /// What was used when it was asked.
    pub used: i64,
    /// How much was asked for.
    pub requested: i64,
    /// When the count starts again: `None` for things held.
    pub resets_at: Option<Timestamp>,
}

impl QuotaExceeded {
    /// The first instant at which the same use passes without anybody doing anything: `None` for things held,
    /// and for more than the whole limit.
    #[must_use]
    pub fn passes_at(&self) -> Option<Timestamp> {
        self.resets_at.filter(|_| self.requested <= self.limit)
    }

    fn advice(&self) -> String {
        match self.passes_at() {
            Some(at) => format!("wait until {at}, or change to a larger plan"),
            None if self.requested > self.limit => "change to a larger plan".to_owned(),
            None => "give some back, or change to a larger plan".to_owned(),
        }
    }
}

/// The question about a quota is wrong: a mistake in the application, or a plan that it no longer declares.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum QuotaError {
    /// No such version of a plan is declared.
    #[error("plan {0} is not declared: keep every version that a subscription pins")]
    UnknownPlan(PlanRef),
    /// No such meter is declared.
    #[error("meter {0} is not declared: add it to the plans")]
    UnknownMeter(MeterKey),
    /// The amount is zero or less.
    #[error("an amount of {0} cannot be used or given back: it has to be at least 1")]
    Amount(i64),
    /// A counter's uses can't be given back.
    #[error("meter {0} counts what is used up: only things held are given back")]
    NotHeld(MeterKey),
    /// The billing cycle has no period at that instant.
    #[error(transparent)]
    Cycle(#[from] CycleError),
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Interval, Meter};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn key(text: &str) -> MeterKey {
        text.parse().unwrap()
    }

    fn seller() -> PlanRef {
        "seller@1".parse().unwrap()
    }

    fn plans() -> Plans {
        Plans::builder()
            .meter(Meter::counter(key("calls")))
            .meter(Meter::gauge(key("listings")))
            .meter(Meter::gauge(key("domains")))
            .plan(
                Plan::new(seller(), Interval::Month)
                    .with_quota(key("listings"), 10)
                    .with_quota(key("calls"), 100),
            )
            .build()
            .unwrap()
    }

    fn cycle() -> BillingCycle {
        BillingCycle::utc(at("2026-01-31T00:00:00Z"), Interval::Month)
    }

    const MARCH: &str = "2026-03-15T00:00:00Z";

    fn asked(meter: &str, amount: i64) -> Result<Use, QuotaError> {
        plan_use(&plans(), &seller(), &cycle(), TenantId::generate(), &key(meter), amount, at(MARCH))
    }

    #[test]
    fn counters_are_counted_in_their_period_and_things_held_in_one_for_ever() {
        let calls = asked("calls", 3).unwrap();
        assert_eq!(calls.period, UsagePeriod::starting(at("2026-02-28T00:00:00Z")));
        assert_eq!(calls.resets_at, Some(at("2026-03-31T00:00:00Z")));
        assert_eq!(calls.period.resets_at(&cycle()), calls.resets_at);
        let listings = asked("listings", 1).unwrap();
        assert_eq!((listings.period.start(), listings.resets_at), (Timestamp::EPOCH, None));
        assert_eq!(listings.period.resets_at(&cycle()), None);
    }

    #[test]
    fn a_refusal_says_what_would_help() {
        let refused =
            |meter, amount, used| asked(meter, amount).unwrap().apply(used).unwrap_err().to_string();
        assert_eq!(
            refused("calls", 2, 99),
            "2 more of calls does not fit: 99 of 100 used; wait until 2026-03-31T00:00:00Z, or change to a larger plan"
        );
        assert_eq!(
            refused("calls", 101, 0),
            "101 more of calls does not fit: 0 of 100 used; change to a larger plan"
        );
        assert_eq!(
            refused("listings", 1, 10),
            "1 more of listings does not fit: 10 of 10 used; give some back, or change to a larger plan"
        );
        assert_eq!(
            refused("domains", 1, 0),
            "1 more of domains does not fit: 0 of 0 used; change to a larger plan"
        );
    }

    #[test]
    fn the_last_unit_fits() {
        let calls = asked("calls", 2).unwrap();
        assert_eq!((calls.apply(98), calls.apply(99)), (Ok(100), Err(calls.refused(99))));
    }

    #[test]
    fn wrong_questions_are_told_apart() {
        assert_eq!(asked("calls", 0), Err(QuotaError::Amount(0)));
        assert_eq!(asked("calls", i64::MIN), Err(QuotaError::Amount(i64::MIN)));
        assert_eq!(asked("seats", 1), Err(QuotaError::UnknownMeter(key("seats"))));
        let tenant = TenantId::generate();
        let back = |meter: &str, amount| plan_give_back(&plans(), tenant, &key(meter), amount);
        assert_eq!(back("calls", 1), Err(QuotaError::NotHeld(key("calls"))));
        assert_eq!(back("listings", 0), Err(QuotaError::Amount(0)));
        assert_eq!(back("listings", 1).unwrap().period, UsagePeriod::HELD);
        let gone: PlanRef = "seller@2".parse().unwrap();
        assert_eq!(allowances(&plans(), &gone, &cycle(), at(MARCH)), Err(QuotaError::UnknownPlan(gone)));
    }

    #[test]
    fn usage_lists_what_the_plan_names_and_never_a_negative_rest() {
        let listed = allowances(&plans(), &seller(), &cycle(), at(MARCH)).unwrap();
        let usage: Vec<Usage> = listed.into_iter().map(|allowance| allowance.usage(12)).collect();
        let shown = usage.iter().map(|usage| (usage.meter.as_str(), usage.remaining(), usage.resets_at));
        let month_end = at("2026-03-31T00:00:00Z");
        assert_eq!(shown.collect::<Vec<_>>(), [("listings", 0, None), ("calls", 88, Some(month_end))]);
    }

    proptest! {
        #[test]
        fn a_use_is_counted_exactly_when_it_fits(
            used in 0_i64..=i64::MAX, amount in 1_i64..=i64::MAX, ceiling in 0_i64..=i64::MAX,
        ) {
            let asked = Use { amount, ceiling, ..asked("calls", 1).unwrap() };
            let fits = i128::from(used) + i128::from(amount) <= i128::from(ceiling);
            prop_assert_eq!(asked.apply(used).is_ok(), fits);
            prop_assert_eq!(used <= ceiling - amount, fits);
        }
    }
}
