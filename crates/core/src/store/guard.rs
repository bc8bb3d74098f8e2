use super::{GuardFailure, Key};
use crate::{Account, Currency, Epoch, MeterKey, RoleKey, TenantId, UsagePeriod, UserId, WorkKind};

/// What must hold for a batch to be applied. A store checks all of them and lists those that fail.
///
/// Exhaustive on purpose: a store that skipped a guard that it doesn't know would lose money. Guards are ordered
/// by kind and key; a store that takes locks takes them in this order.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Guard {
    /// The tenant is still at this epoch: what the request was allowed by hasn't changed.
    Epoch {
        /// Whose.
        tenant: TenantId,
        /// The epoch that the request was admitted at.
        epoch: Epoch,
    },
    /// The work is still claimed under this fence.
    Claimed {
        /// The tenant whose work it is.
        tenant: TenantId,
        /// The kind of work.
        kind: WorkKind,
        /// What it is about.
        subject: uuid::Uuid,
        /// The number of the claim.
        fence: u64,
    },
    /// Nothing has this key.
    Absent(Key),
    /// The row with this key is there.
    Present(Key),
    /// The row with this key is at this version.
    Version {
        /// The row's key.
        key: Key,
        /// The version that the decision was made on.
        version: u64,
    },
    /// `used + amount <= ceiling`; when it holds, `used` becomes `used + amount` in the same conditional write.
    Consume {
        /// Whose quota.
        tenant: TenantId,
        /// Of what.
        meter: MeterKey,
        /// The period that the use is counted in.
        period: UsagePeriod,
        /// How much, above zero.
        amount: i64,
        /// The limit.
        ceiling: i64,
    },
    /// The account is not overdrawn once the batch's transfers are posted: implied by each posting to an
    /// account that has a floor, and named in the refusal.
    Floor {
        /// Whose books.
        operator: TenantId,
        /// The account.
        account: Account,
        /// The currency.
        currency: Currency,
    },
    /// After the batch, at least `least` members of the tenant hold the role themselves, on the whole tenant.
    Remain {
        /// The tenant.
        tenant: TenantId,
        /// The role, such as `owner`.
        role: RoleKey,
        /// How many must remain.
        least: u32,
        /// The membership that the batch takes the role from.
        leaving: UserId,
    },
}

impl Guard {
    /// The tenant whose rows the guard looks at, or `None` for names that are unique among all tenants.
    #[must_use]
    pub fn tenant(&self) -> Option<TenantId> {
        match self {
            Self::Epoch { tenant, .. }
            | Self::Claimed { tenant, .. }
            | Self::Consume { tenant, .. }
            | Self::Floor { operator: tenant, .. }
            | Self::Remain { tenant, .. } => Some(*tenant),
            Self::Absent(key) | Self::Present(key) | Self::Version { key, .. } => key.tenant(),
        }
    }

    /// The judgement of what a store found where this guard looks: `None` when the guard holds.
    ///
    /// `found` is what [`GuardFailure::found`] describes: the epoch, the fence, the version (or any number for a
    /// row that has none), the amount used before, the balance after, or the number that remain after the batch;
    /// `None` where there is nothing. Every store asks here, so that all of them mean the same.
    #[must_use]
    pub fn judge(&self, found: Option<i64>) -> Option<GuardFailure> {
        let is = |number: u64| found.is_some_and(|found| u64::try_from(found) == Ok(number));
        let holds = match self {
            Self::Epoch { epoch, .. } => is(epoch.number()),
            Self::Claimed { fence, .. } => is(*fence),
            Self::Absent(_) => found.is_none(),
            Self::Present(_) => found.is_some(),
            Self::Version { version, .. } => is(*version),
            Self::Consume { amount, ceiling, .. } => {
                ceiling.checked_sub(*amount).is_some_and(|most| found.unwrap_or(0) <= most)
            }
            Self::Floor { .. } => found.unwrap_or(0) <= 0,
            Self::Remain { least, .. } => found.unwrap_or(0) >= i64::from(*least),
        };
        if holds { None } else { Some(GuardFailure { guard: self.clone(), found }) }
    }
}
