use std::collections::{BTreeMap, BTreeSet};

use tenantry_core::{
    Account, Batch, Change, CommitError, Currency, Guard, GuardFailure, Key, MeterKey, RoleKey, TenantId,
    Unavailable, UsagePeriod,
};

use super::find::{Found, Look, name_of};
use crate::sql::{Posted, posted};

/// The judgement of the batches that share a transaction, one after another: each is judged on what was found
/// under lock and on what those before it, if they were admitted, have made of the counters. No two of them
/// otherwise look at what the other writes.
#[derive(Debug)]
pub(super) struct Judge<'f> {
    found: &'f Found,
    counters: Counters,
}

/// The counters that are no longer as they were found.
#[derive(Debug, Clone, Default)]
pub(super) struct Counters {
    pub(super) used: BTreeMap<(TenantId, MeterKey, UsagePeriod), i64>,
    pub(super) balances: BTreeMap<(TenantId, Account, Currency), i64>,
}

impl<'f> Judge<'f> {
    pub(super) fn new(found: &'f Found) -> Self {
        Self { found, counters: Counters::default() }
    }

    pub(super) fn into_counters(self) -> Counters {
        self.counters
    }

    /// Admits a batch, and counts what it uses and posts.
    ///
    /// # Errors
    /// What the batch is refused with: all guards that fail are listed.
    pub(super) fn admit(&mut self, batch: &Batch) -> Result<(), CommitError> {
        self.compare_key(batch)?;
        let mut draft = Draft { found: self.found, before: &self.counters, after: Counters::default() };
        draft.judge(batch)?;
        draft.change(batch)?;
        let after = draft.after;
        self.counters.used.extend(after.used);
        self.counters.balances.extend(after.balances);
        Ok(())
    }

    fn compare_key(&self, batch: &Batch) -> Result<(), CommitError> {
        let Some(keyed) = batch.keyed() else { return Ok(()) };
        let Some(stored) = self.found.request(&keyed.owner) else { return Ok(()) };
        match stored.clone().answer_to(&keyed.fingerprint).map_err(Unavailable::from)? {
            Some(answer) => Err(CommitError::Answered(answer)),
            None => Err(CommitError::KeyMismatch),
        }
    }
}

/// One batch on its way in.
struct Draft<'a> {
    found: &'a Found,
    before: &'a Counters,
    after: Counters,
}

impl Draft<'_> {
    fn judge(&mut self, batch: &Batch) -> Result<(), CommitError> {
        let posted = posted(batch)?;
        let mut failures = Vec::new();
        for guard in batch.guards() {
            failures.extend(self.judge_one(guard, batch, &posted)?);
        }
        for (operator, account, currency) in posted.keys().copied() {
            let guard = Guard::Floor { operator, account, currency };
            if !batch.guards().contains(&guard) {
                failures.extend(self.judge_one(&guard, batch, &posted)?);
            }
        }
        for (account, amount) in posted {
            let after = self.balance(&account).unwrap_or(0).checked_add(amount).ok_or_else(out_of_range)?;
            self.after.balances.insert(account, after);
        }
        if failures.is_empty() { Ok(()) } else { Err(CommitError::Refused(failures)) }
    }

    fn judge_one(
        &mut self,
        guard: &Guard,
        batch: &Batch,
        posted: &Posted,
    ) -> Result<Option<GuardFailure>, CommitError> {
        let found = match guard {
            Guard::Epoch { tenant, .. } => self.found.epoch(*tenant),
            Guard::Claimed { tenant, kind, subject, .. } => {
                self.found.number(&Look::Work(*tenant, *kind, *subject))
            }
            Guard::Absent(key) | Guard::Present(key) | Guard::Version { key, .. } => {
                self.found.number(&Look::at(key))
            }
            Guard::Consume { tenant, meter, period, amount, .. } => {
                let meter = (*tenant, meter.clone(), *period);
                let found = self.used(&meter);
                let failure = guard.judge(found);
                if failure.is_none() {
                    let after = found.unwrap_or(0).checked_add(*amount).ok_or_else(out_of_range)?;
                    self.after.used.insert(meter, after);
                }
                return Ok(failure);
            }
            Guard::Floor { operator, account, currency } => {
                let account = (*operator, *account, *currency);
                let posted = posted.get(&account).copied().unwrap_or(0);
                let before = self.balance(&account).unwrap_or(0);
                Some(before.checked_add(posted).ok_or_else(out_of_range)?)
            }
            Guard::Remain { tenant, role, .. } => Some(self.remaining(batch, *tenant, role)),
        };
        Ok(guard.judge(found))
    }

    /// How many members hold the role once the batch has taken it from those who leave.
    fn remaining(&self, batch: &Batch, of: TenantId, which: &RoleKey) -> i64 {
        let leaving: BTreeSet<_> = batch
            .guards()
            .iter()
            .filter_map(|guard| match guard {
                Guard::Remain { tenant, role, leaving, .. } if *tenant == of && role == which => {
                    Some(*leaving)
                }
                _ => None,
            })
            .collect();
        let lost: i64 = leaving.into_iter().map(|user| self.found.holds(of, which, user)).sum();
        self.found.holders(of, which).saturating_sub(lost)
    }

    /// Follows the changes: each must find what it changes, and nothing where it adds.
    fn change(&mut self, batch: &Batch) -> Result<(), CommitError> {
        let mut is_there: BTreeMap<Key, bool> = BTreeMap::new();
        let mut frees_names = false;
        for change in batch.changes() {
            let found = |key: &Key, is_there: &BTreeMap<Key, bool>| {
                let now = is_there.get(key).copied();
                now.unwrap_or_else(|| self.found.number(&Look::at(key)).is_some())
            };
            frees_names |= match change {
                Change::Update(record) => name_of(record).is_some(),
                Change::Delete(key) => matches!(key, Key::Tenant(_) | Key::User(_, _)),
                _ => false,
            };
            match change {
                Change::Insert(record) => {
                    let key = record.key();
                    if found(&key, &is_there) {
                        return Err(broken("a new row is there already"));
                    }
                    is_there.insert(key, true);
                    let name = name_of(record).filter(|_| !frees_names);
                    if name.is_some_and(|name| found(&name, &is_there)) {
                        return Err(broken("a new name is taken"));
                    }
                }
                Change::Update(record) if !found(&record.key(), &is_there) => {
                    return Err(broken("a changed row isn't there"));
                }
                Change::Delete(Key::Slug(_) | Key::Email(_, _)) => {
                    return Err(broken("a name can't be deleted without its row"));
                }
                Change::Delete(key) => {
                    if !found(key, &is_there) {
                        return Err(broken("a deleted row isn't there"));
                    }
                    is_there.insert(key.clone(), false);
                }
                Change::MoveEpoch(tenant) if !found(&Key::Tenant(*tenant), &is_there) => {
                    return Err(broken("a tenant whose epoch moves isn't there"));
                }
                Change::GiveBack { tenant, meter, period, amount } => {
                    let meter = (*tenant, meter.clone(), *period);
                    if let Some(used) = self.used(&meter) {
                        self.after.used.insert(meter, used.saturating_sub(*amount).max(0));
                    }
                }
                Change::Update(_)
                | Change::MoveEpoch(_)
                | Change::Post(_)
                | Change::Statement(_)
                | Change::Schedule(_)
                | Change::Unschedule { .. } => {}
            }
        }
        Ok(())
    }

    fn used(&self, meter: &(TenantId, MeterKey, UsagePeriod)) -> Option<i64> {
        let used = self.after.used.get(meter).or_else(|| self.before.used.get(meter)).copied();
        used.or_else(|| self.found.number(&Look::Usage(meter.0, meter.1.clone(), meter.2)))
    }

    fn balance(&self, account: &(TenantId, Account, Currency)) -> Option<i64> {
        let balance = self.after.balances.get(account).or_else(|| self.before.balances.get(account)).copied();
        balance.or_else(|| self.found.number(&Look::Balance(account.0, account.1, account.2)))
    }
}

fn broken(why: &'static str) -> CommitError {
    Unavailable::new("apply a batch", why).into()
}

fn out_of_range() -> CommitError {
    broken("a number would be out of range")
}

#[cfg(test)]
mod tests {
    use super::super::sample::Shop;
    use super::*;

    #[tokio::test]
    async fn batches_are_judged_on_what_those_before_them_counted() {
        let shop = Shop::open().await;
        let [first, second, third] = [shop.call(5).await, shop.call(4).await, shop.call(2).await];
        let usage = shop.usage_of(&first);
        let found = Found::with([(usage, 1)].into_iter().chain(shop.epochs()));
        let mut judge = Judge::new(&found);
        judge.admit(&first).unwrap();
        let refused = judge.admit(&second);
        assert!(refused.is_ok(), "1 + 5 + 4 of 10: {refused:?}");
        let Err(CommitError::Refused(failures)) = judge.admit(&third) else { panic!("10 + 2 of 10") };
        assert_eq!(failures.iter().map(|failure| failure.found).collect::<Vec<_>>(), [Some(10)]);
        assert_eq!(judge.into_counters().used.into_values().collect::<Vec<_>>(), [10]);
    }

    #[tokio::test]
    async fn a_refused_batch_leaves_no_count() {
        let shop = Shop::open().await;
        let batch = shop.call(5).await;
        let found = Found::with([(shop.usage_of(&batch), 1)]);
        let mut judge = Judge::new(&found);
        let Err(CommitError::Refused(failures)) = judge.admit(&batch) else { panic!("no epoch was found") };
        assert!(matches!(failures.as_slice(), [GuardFailure { guard: Guard::Epoch { .. }, found: None }]));
        assert!(judge.into_counters().used.is_empty());
    }
}
