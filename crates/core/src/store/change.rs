use uuid::Uuid;

use super::{Key, Record, WorkItem};
use crate::{MeterKey, StatementLine, TenantId, Transfer, UsagePeriod, WorkKind};

/// What a batch writes.
///
/// Exhaustive on purpose, as [`Guard`](super::Guard) is. What several batches may change at once (usage,
/// balances) is written as a difference, never as an absolute value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// A new row. The batch guards that its key is free.
    Insert(Record),
    /// A row in place of the one with its key. The batch guards its version.
    Update(Record),
    /// No row with this key any more.
    Delete(Key),
    /// The tenant's epoch is one higher: what is cached of it is stale.
    MoveEpoch(TenantId),
    /// Gives back what a gauge holds: `used` becomes `used - amount`, but not below zero.
    GiveBack {
        /// Whose quota.
        tenant: TenantId,
        /// Of what.
        meter: MeterKey,
        /// The period that the use was counted in.
        period: UsagePeriod,
        /// How much, above zero.
        amount: i64,
    },
    /// Posts a transfer; accounts that have a floor must not end up overdrawn.
    Post(Transfer),
    /// A line of a party's statement, and its balance with it.
    Statement(StatementLine),
    /// Work that becomes due; in place of one with the same tenant, kind and subject.
    Schedule(WorkItem),
    /// No such work any more: it is done, or there is nothing left to do.
    Unschedule {
        /// The tenant whose work it is.
        tenant: TenantId,
        /// The kind of work.
        kind: WorkKind,
        /// What it is about.
        subject: Uuid,
    },
}

impl Change {
    /// The tenant whose rows the change writes.
    #[must_use]
    pub fn tenant(&self) -> Option<TenantId> {
        match self {
            Self::Insert(record) | Self::Update(record) => record.key().tenant(),
            Self::Delete(key) => key.tenant(),
            Self::MoveEpoch(tenant) | Self::GiveBack { tenant, .. } | Self::Unschedule { tenant, .. } => {
                Some(*tenant)
            }
            Self::Post(transfer) => Some(transfer.operator()),
            Self::Statement(line) => Some(line.tenant),
            Self::Schedule(item) => Some(item.tenant),
        }
    }
}
