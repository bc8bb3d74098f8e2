use std::collections::BTreeMap;

use tenantry_core::{Account, Batch, Change, CommitError, Currency, TenantId, Unavailable};

/// What a batch posts to each account that has a floor.
pub(crate) type Posted = BTreeMap<(TenantId, Account, Currency), i64>;

/// The sums of a batch's postings.
pub(crate) fn posted(batch: &Batch) -> Result<Posted, CommitError> {
    let mut posted = Posted::new();
    for change in batch.changes() {
        let Change::Post(transfer) = change else { continue };
        for posting in transfer.postings().iter().filter(|posting| posting.account.has_floor()) {
            let sum = posted.entry((transfer.operator(), posting.account, transfer.currency())).or_default();
            let total = sum.checked_add(posting.amount);
            *sum =
                total.ok_or_else(|| Unavailable::new("apply a batch", "a number would be out of range"))?;
        }
    }
    Ok(posted)
}
