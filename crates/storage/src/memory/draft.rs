use std::collections::BTreeMap;

use tenantry_core::{
    Assignee, Balance, Batch, Change, CommitError, Currency, Epoch, Guard, Key, Record, RoleKey,
    StatementLine, Target, Tenant, TenantId, Transfer, TransferId, Unavailable, User, UserId,
};

use super::data::{Data, Guarded, Job, Line, Meter, Pending, WrittenRows};
use super::layer::Layer;

/// A batch on its way in: judged by and applied over what is there, and taken over only as a whole.
pub(super) struct Draft<'a> {
    data: &'a Data,
    rows: Layer<'a, Key, Record>,
    names: Layer<'a, Key, Key>,
    used: Layer<'a, Meter, i64>,
    transfers: Layer<'a, (TenantId, TransferId), Transfer>,
    guarded: Layer<'a, Guarded, i64>,
    lines: Layer<'a, Line, StatementLine>,
    totals: Layer<'a, (TenantId, Currency), Balance>,
    jobs: Layer<'a, Job, Pending>,
    fences: u64,
}

impl<'a> Draft<'a> {
    pub(super) fn over(data: &'a Data) -> Self {
        Self {
            data,
            rows: Layer::over(&data.rows),
            names: Layer::over(&data.names),
            used: Layer::over(&data.used),
            transfers: Layer::over(&data.transfers),
            guarded: Layer::over(&data.guarded),
            lines: Layer::over(&data.lines),
            totals: Layer::over(&data.totals),
            jobs: Layer::over(&data.jobs),
            fences: data.fences,
        }
    }

    /// Judges every guard, those that postings imply included, and counts each use that fits.
    pub(super) fn judge(&mut self, batch: &Batch) -> Result<(), CommitError> {
        let posted = posted(batch)?;
        let mut failures = Vec::new();
        let mut judge = |guard: &Guard, found: Option<i64>| {
            let failure = guard.judge(found);
            let holds = failure.is_none();
            failures.extend(failure);
            holds
        };
        for guard in batch.guards() {
            let found = self.find(guard, batch, &posted)?;
            if let (true, Guard::Consume { tenant, meter, period, amount, .. }) = (judge(guard, found), guard)
            {
                let after = found.unwrap_or(0).checked_add(*amount).ok_or_else(out_of_range)?;
                self.used.put((*tenant, meter.clone(), *period), after);
            }
        }
        for (operator, account, currency) in posted.keys().copied() {
            let guard = Guard::Floor { operator, account, currency };
            if !batch.guards().contains(&guard) {
                judge(&guard, self.find(&guard, batch, &posted)?);
            }
        }
        if failures.is_empty() { Ok(()) } else { Err(CommitError::Refused(failures)) }
    }

    pub(super) fn change(&mut self, change: &Change) -> Result<(), CommitError> {
        match change {
            Change::Insert(record) => self.insert(record),
            Change::Update(record) => self.update(record),
            Change::Delete(key) => self.delete(key),
            Change::MoveEpoch(tenant) => self.move_epoch(*tenant),
            Change::GiveBack { tenant, meter, period, amount } => {
                let meter = (*tenant, meter.clone(), *period);
                let left = self.used.get(&meter).copied().unwrap_or(0).saturating_sub(*amount).max(0);
                self.used.put(meter, left);
                Ok(())
            }
            Change::Post(transfer) => self.post(transfer),
            Change::Statement(line) => self.line(line),
            Change::Schedule(item) => {
                self.fences = self.fences.checked_add(1).ok_or_else(out_of_range)?;
                let pending = Pending { due: item.due, claimed_until: None, fence: self.fences, attempts: 0 };
                self.jobs.put((item.tenant, item.kind, item.subject), pending);
                Ok(())
            }
            Change::Unschedule { tenant, kind, subject } => {
                self.jobs.remove(&(*tenant, *kind, *subject));
                Ok(())
            }
        }
    }

    pub(super) fn finish(self) -> WrittenRows {
        WrittenRows {
            rows: self.rows.finish(),
            names: self.names.finish(),
            used: self.used.finish(),
            transfers: self.transfers.finish(),
            guarded: self.guarded.finish(),
            lines: self.lines.finish(),
            totals: self.totals.finish(),
            jobs: self.jobs.finish(),
            fences: self.fences,
        }
    }

    /// What is there where the guard looks, in its units.
    fn find(
        &self,
        guard: &Guard,
        batch: &Batch,
        posted: &BTreeMap<Guarded, i64>,
    ) -> Result<Option<i64>, CommitError> {
        let number = |number: u64| i64::try_from(number).map_err(|_| out_of_range());
        match guard {
            Guard::Epoch { tenant, .. } => {
                self.tenant(*tenant).map(|tenant| number(tenant.epoch.number())).transpose()
            }
            Guard::Claimed { tenant, kind, subject, .. } => {
                self.jobs.get(&(*tenant, *kind, *subject)).map(|job| number(job.fence)).transpose()
            }
            Guard::Absent(key) | Guard::Present(key) | Guard::Version { key, .. } => {
                self.version(key).map(number).transpose()
            }
            Guard::Consume { tenant, meter, period, .. } => {
                Ok(self.used.get(&(*tenant, meter.clone(), *period)).copied())
            }
            Guard::Floor { operator, account, currency } => {
                let key = (*operator, *account, *currency);
                let before = self.guarded.get(&key).copied().unwrap_or(0);
                let posted = posted.get(&key).copied().unwrap_or(0);
                before.checked_add(posted).map(Some).ok_or_else(out_of_range)
            }
            Guard::Remain { tenant, role, .. } => {
                let stay = |user: &UserId| !leaves(batch, *tenant, *user, role);
                let hold = |user: &UserId| self.rows.get(&held_by(*tenant, *user, role)).is_some();
                let remaining = self.data.members(*tenant).filter(stay).filter(hold).count();
                i64::try_from(remaining).map(Some).map_err(|_| out_of_range())
            }
        }
    }

    /// The version of the row or the name with this key; 1 where it has none.
    fn version(&self, key: &Key) -> Option<u64> {
        if let Key::Slug(_) | Key::Email(_, _) = key {
            return self.names.get(key).map(|_| 1);
        }
        self.rows.get(key).map(|record| match record {
            Record::Tenant(tenant) => tenant.version,
            Record::User(user) => user.version,
            Record::Role(role) => role.version(),
            Record::Order(order) => order.version,
            Record::OrderSide(side) => side.order.version,
            Record::Team(team) => team.version,
            Record::Realm(_)
            | Record::Membership(_)
            | Record::TeamMember(_)
            | Record::ServiceAccount(_)
            | Record::ApiKey(_)
            | Record::Assignment(_)
            | Record::Inbox(_) => 1,
        })
    }

    fn tenant(&self, id: TenantId) -> Option<&Tenant> {
        match self.rows.get(&Key::Tenant(id)) {
            Some(Record::Tenant(tenant)) => Some(tenant),
            _ => None,
        }
    }

    fn insert(&mut self, record: &Record) -> Result<(), CommitError> {
        let key = record.key();
        if self.rows.get(&key).is_some() {
            return Err(broken("a new row is there already"));
        }
        self.claim_name(record, &key)?;
        self.rows.put(key, record.clone());
        Ok(())
    }

    fn update(&mut self, record: &Record) -> Result<(), CommitError> {
        let key = record.key();
        let before = self.rows.get(&key).cloned().ok_or_else(|| broken("a changed row isn't there"))?;
        if let Some(name) = name_of(&before) {
            self.names.remove(&name);
        }
        self.claim_name(record, &key)?;
        let record = match (record, before) {
            (Record::Tenant(tenant), Record::Tenant(before)) => {
                Record::Tenant(Tenant { epoch: before.epoch, above: before.above, ..tenant.clone() })
            }
            (record, _) => record.clone(),
        };
        self.rows.put(key, record);
        Ok(())
    }

    fn delete(&mut self, key: &Key) -> Result<(), CommitError> {
        let name = self.rows.get(key).and_then(name_of);
        if let Some(name) = name {
            self.names.remove(&name);
        }
        if self.rows.remove(key) { Ok(()) } else { Err(broken("a deleted row isn't there")) }
    }

    fn claim_name(&mut self, record: &Record, key: &Key) -> Result<(), CommitError> {
        let Some(name) = name_of(record) else { return Ok(()) };
        if self.names.get(&name).is_some() {
            return Err(broken("a new name is taken"));
        }
        self.names.put(name, key.clone());
        Ok(())
    }

    fn move_epoch(&mut self, id: TenantId) -> Result<(), CommitError> {
        let tenant = self.tenant(id).ok_or_else(|| broken("a tenant whose epoch moves isn't there"))?;
        let number = tenant.epoch.number().checked_add(1).ok_or_else(out_of_range)?;
        let moved = Tenant { epoch: Epoch::from_number(number), ..tenant.clone() };
        self.rows.put(Key::Tenant(id), Record::Tenant(moved));
        Ok(())
    }

    fn post(&mut self, transfer: &Transfer) -> Result<(), CommitError> {
        let key = (transfer.operator(), transfer.id());
        if self.transfers.get(&key).is_some() {
            return Err(broken("a new transfer is there already"));
        }
        for posting in transfer.postings().iter().filter(|posting| posting.account.has_floor()) {
            let account = (transfer.operator(), posting.account, transfer.currency());
            let before = self.guarded.get(&account).copied().unwrap_or(0);
            let after = before.checked_add(posting.amount).ok_or_else(out_of_range)?;
            self.guarded.put(account, after);
        }
        self.transfers.put(key, transfer.clone());
        Ok(())
    }

    fn line(&mut self, line: &StatementLine) -> Result<(), CommitError> {
        let key = (line.tenant, line.at, line.transfer);
        if self.lines.get(&key).is_some() {
            return Err(broken("a new statement line is there already"));
        }
        let of = (line.tenant, line.currency);
        let nothing = Balance { currency: line.currency, available: 0, held: 0 };
        let before = self.totals.get(&of).copied().unwrap_or(nothing);
        let after = Balance {
            currency: line.currency,
            available: before.available.checked_add(line.available).ok_or_else(out_of_range)?,
            held: before.held.checked_add(line.held).ok_or_else(out_of_range)?,
        };
        self.totals.put(of, after);
        self.lines.put(key, *line);
        Ok(())
    }
}

/// What the batch posts to each account that has a floor.
fn posted(batch: &Batch) -> Result<BTreeMap<Guarded, i64>, CommitError> {
    let mut posted: BTreeMap<Guarded, i64> = BTreeMap::new();
    for change in batch.changes() {
        let Change::Post(transfer) = change else { continue };
        for posting in transfer.postings().iter().filter(|posting| posting.account.has_floor()) {
            let sum = posted.entry((transfer.operator(), posting.account, transfer.currency())).or_default();
            *sum = sum.checked_add(posting.amount).ok_or_else(out_of_range)?;
        }
    }
    Ok(posted)
}

/// The key of a role that a member has on the whole tenant.
fn held_by(tenant: TenantId, user: UserId, role: &RoleKey) -> Key {
    Key::Assignment(tenant, Assignee::User(user), role.clone(), Target::Tenant)
}

/// Whether the batch takes the role from the member.
fn leaves(batch: &Batch, of: TenantId, who: UserId, which: &RoleKey) -> bool {
    batch.guards().iter().any(|guard| match guard {
        Guard::Remain { tenant, role, leaving, .. } => *tenant == of && role == which && *leaving == who,
        _ => false,
    })
}

/// The name that a row claims among all rows.
fn name_of(record: &Record) -> Option<Key> {
    match record {
        Record::Tenant(tenant) => Some(Key::Slug(tenant.slug.clone())),
        Record::User(User { realm, email, .. }) => Some(Key::Email(*realm, email.clone())),
        _ => None,
    }
}

fn broken(why: &'static str) -> CommitError {
    Unavailable::new("apply a batch", why).into()
}

fn out_of_range() -> CommitError {
    broken("a number would be out of range")
}
