//! The model, the decisions and the storage traits of tenantry.

mod id;
mod money;
mod time;

pub use id::{
    AuditId, BatchId, EventId, InvalidId, OrderId, RealmId, RefundId, TenantId, TransferId, UserId,
};
pub use money::{BasisPoints, Currency, Money, MoneyError};
pub use time::{InvalidTimestamp, Period, Timestamp};
