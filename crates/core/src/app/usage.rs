use async_trait::async_trait;
use serde_json::json;

use super::operation::sealed::Sealed;
use super::{Actor, Attempt, Command, Failure, Operation, Tenantry};
use crate::store::{Change, Guard};
use crate::{
    Batch, Caller, GiveBack, GuardFailure, MeterKey, QuotaError, QuotaExceeded, Tenant, Unavailable, Usage,
    Use, allowances, plan_give_back, plan_use,
};

impl Tenantry {
    /// What the caller's tenant uses of its plan.
    #[must_use]
    pub fn usage<'a>(&'a self, caller: &'a Caller) -> UsageAccount<'a> {
        UsageAccount { app: self, caller }
    }
}

/// What a tenant uses of its plan.
#[derive(Debug, Clone, Copy)]
pub struct UsageAccount<'a> {
    app: &'a Tenantry,
    caller: &'a Caller,
}

impl<'a> UsageAccount<'a> {
    /// Uses `amount` of a meter, as one conditional write: never over the plan's limit, whatever the
    /// concurrency. Refused with [`UsageRefusal::Exceeded`].
    pub fn consume(
        &self,
        meter: MeterKey,
        amount: i64,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = UsageRefusal> + use<>> {
        self.command(meter, amount, Direction::Consume)
    }

    /// Gives back `amount` of a gauge.
    pub fn give_back(
        &self,
        meter: MeterKey,
        amount: i64,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = UsageRefusal> + use<>> {
        self.command(meter, amount, Direction::GiveBack)
    }

    /// Every meter of the tenant's plan with its limit and what is used of it.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    pub async fn all(&self) -> Result<Vec<Usage>, Unavailable> {
        let tenant = self.caller.tenant().tenant();
        let allowed = allowances(self.app.plans(), &tenant.plan, &tenant.cycle, self.app.now())
            .map_err(|error| Unavailable::new("compute what the plan allows", error))?;
        let meters: Vec<_> = allowed.iter().map(|allowed| (allowed.meter.clone(), allowed.period)).collect();
        let used = self.app.store().used(self.caller.scope(), &meters).await?;
        Ok(allowed.into_iter().zip(used).map(|(allowed, used)| allowed.usage(used)).collect())
    }

    fn command(&self, meter: MeterKey, amount: i64, direction: Direction) -> Command<'a, UseMeter> {
        Command::new(self.app, self.caller.into(), UseMeter { meter, amount, direction })
    }
}

/// Why nothing is used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UsageRefusal {
    /// It would go over the plan's limit.
    #[error(transparent)]
    Exceeded(#[from] QuotaExceeded),
    /// The meter or the amount can't be used.
    #[error(transparent)]
    Invalid(QuotaError),
}

#[derive(Debug, Clone, Copy)]
enum Direction {
    Consume,
    GiveBack,
}

struct UseMeter {
    meter: MeterKey,
    amount: i64,
    direction: Direction,
}

impl Sealed for UseMeter {}

#[async_trait]
impl Operation for UseMeter {
    type Outcome = ();
    type Refusal = UsageRefusal;

    async fn attempt(
        &self,
        app: &Tenantry,
        by: &Actor,
        batch: &mut Batch,
    ) -> Result<Attempt<()>, Failure<UsageRefusal>> {
        let Actor::Caller(caller) = by else {
            return Err(Failure::AuthorityChanged);
        };
        let tenant = caller.tenant().tenant();
        match self.direction {
            Direction::Consume => self.consume(app, by, tenant, batch),
            Direction::GiveBack => self.give_back(app, by, tenant, batch),
        }
        .map_err(|error| Failure::Refused(UsageRefusal::Invalid(error)))?;
        Ok(Attempt::Write(()))
    }

    fn refusal(&self, by: &Actor, failures: &[GuardFailure]) -> Option<UsageRefusal> {
        let Actor::Caller(caller) = by else {
            return None;
        };
        failures.iter().find_map(|failure| match &failure.guard {
            Guard::Consume { meter, amount, ceiling, period, .. } => {
                let cycle = &caller.tenant().tenant().cycle;
                Some(UsageRefusal::Exceeded(QuotaExceeded {
                    meter: meter.clone(),
                    limit: *ceiling,
                    used: failure.found.unwrap_or(0),
                    requested: *amount,
                    resets_at: period.resets_at(cycle),
                }))
            }
            _ => None,
        })
    }
}

impl UseMeter {
    fn consume(&self, app: &Tenantry, by: &Actor, of: &Tenant, batch: &mut Batch) -> Result<(), QuotaError> {
        let now = batch.at();
        let planned = plan_use(app.plans(), &of.plan, &of.cycle, of.id, &self.meter, self.amount, now)?;
        let Use { tenant, meter, period, amount, ceiling, .. } = planned;
        batch.guard(Guard::Consume { tenant, meter, period, amount, ceiling });
        self.note(by, batch, "usage.consume");
        Ok(())
    }

    fn give_back(
        &self,
        app: &Tenantry,
        by: &Actor,
        of: &Tenant,
        batch: &mut Batch,
    ) -> Result<(), QuotaError> {
        let planned = plan_give_back(app.plans(), of.id, &self.meter, self.amount)?;
        let GiveBack { tenant, meter, period, amount } = planned;
        batch.change(Change::GiveBack { tenant, meter, period, amount });
        self.note(by, batch, "usage.give_back");
        Ok(())
    }

    fn note(&self, by: &Actor, batch: &mut Batch, action: &str) {
        let target = format!("meter:{}", self.meter.as_str());
        by.audit(batch, action, target, json!({ "amount": self.amount }));
    }
}
