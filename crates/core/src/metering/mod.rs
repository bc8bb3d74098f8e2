//! What a tenant may use: meters, plans, quotas that a store keeps, and rates that counters guard.
//!
//! A quota is a promise and lives in the store: [`plan_use`] turns a use into one conditional write. A rate is
//! a guard and lives in [`Counters`]: it may be lost with the process, and never stands in for a quota.

mod billing;
mod counters;
mod key;
mod limits;
mod meter;
mod plan;
mod quota;
mod rate;

pub use billing::{BillingCycle, CycleError, Interval};
pub use counters::{Counters, CountersUnavailable, Limit, RateKey, sign_in_limits};
pub use key::InvalidKey;
pub use limits::{Bucket, Rate, RateError};
pub use meter::{Meter, MeterKey, MeterKind};
pub use plan::{Plan, PlanError, PlanKey, PlanRef, Plans, PlansBuilder, Quota};
pub use quota::{
    Allowance, GiveBack, QuotaError, QuotaExceeded, Usage, UsagePeriod, Use, allowance, allowances,
    plan_give_back, plan_use,
};
pub use rate::{RateDecision, SlidingWindow};
