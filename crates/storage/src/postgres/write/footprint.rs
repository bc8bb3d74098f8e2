use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher as _};

use tenantry_core::{Batch, Change, Guard, Key, TenantId};

use super::find::{Look, name_of};

/// Which rows a batch looks at and writes: what tells whether two batches can share a transaction, and whether
/// two transactions would wait for each other.
///
/// Rows are known by a hash of their keys. That two different ones have the same is unlikely, and only makes one
/// batch wait for another.
#[derive(Debug, Clone, Default)]
pub(super) struct Footprint {
    /// Rows that it writes whole, and names that it takes.
    writes: Vec<Row>,
    /// Rows that must stay as they are.
    reads: Vec<Row>,
    /// Counters: written as differences, so that several batches of one transaction can.
    counts: Vec<Row>,
    /// How many rows it is about, roughly.
    weight: usize,
}

type Row = u64;

#[derive(Hash)]
enum Place<'b> {
    At(Look),
    /// The memberships and roles that a tenant's members lose.
    Holders(TenantId),
    PartyBalance(TenantId, &'b str),
}

impl Footprint {
    pub(super) fn of(batch: &Batch) -> Self {
        let mut footprint = Self {
            weight: batch.guards().len() + batch.changes().len() + batch.audit().len() + batch.events().len(),
            ..Self::default()
        };
        batch.guards().iter().for_each(|guard| footprint.guard(guard));
        batch.changes().iter().for_each(|change| footprint.change(change));
        if let Some(keyed) = batch.keyed() {
            footprint.write(Look::Request(keyed.owner.clone()));
        }
        footprint
    }

    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    fn guard(&mut self, guard: &Guard) {
        match guard {
            Guard::Epoch { tenant, .. } => self.reads.push(row(&Place::At(Look::Tenant(*tenant)))),
            Guard::Claimed { tenant, kind, subject, .. } => self.write(Look::Work(*tenant, *kind, *subject)),
            Guard::Absent(name @ (Key::Slug(_) | Key::Email(_, _))) => self.write(Look::at(name)),
            Guard::Absent(key) | Guard::Present(key) | Guard::Version { key, .. } => {
                self.reads.push(row(&Place::At(Look::at(key))));
            }
            Guard::Consume { tenant, meter, period, .. } => {
                self.count(&Place::At(Look::Usage(*tenant, meter.clone(), *period)));
            }
            Guard::Floor { operator, account, currency } => {
                self.count(&Place::At(Look::Balance(*operator, *account, *currency)));
            }
            Guard::Remain { tenant, .. } => self.writes.push(row(&Place::Holders(*tenant))),
        }
    }

    fn change(&mut self, change: &Change) {
        match change {
            Change::Insert(record) | Change::Update(record) => {
                self.write(Look::at(&record.key()));
                if let Some(name) = name_of(record) {
                    self.write(Look::at(&name));
                }
            }
            Change::Delete(key) => {
                self.write(Look::at(key));
                if let Key::Membership(tenant, _) | Key::Assignment(tenant, _, _, _) = key {
                    self.writes.push(row(&Place::Holders(*tenant)));
                }
            }
            Change::MoveEpoch(tenant) => self.write(Look::Tenant(*tenant)),
            Change::GiveBack { tenant, meter, period, .. } => {
                self.count(&Place::At(Look::Usage(*tenant, meter.clone(), *period)));
            }
            Change::Post(transfer) => {
                for posting in transfer.postings().iter().filter(|posting| posting.account.has_floor()) {
                    let look = Look::Balance(transfer.operator(), posting.account, transfer.currency());
                    self.count(&Place::At(look));
                }
            }
            Change::Statement(line) => self.count(&Place::PartyBalance(line.tenant, line.currency.as_str())),
            Change::Schedule(item) => self.write(Look::Work(item.tenant, item.kind, item.subject)),
            Change::Unschedule { tenant, kind, subject } => {
                self.write(Look::Work(*tenant, *kind, *subject));
            }
        }
    }

    fn write(&mut self, look: Look) {
        self.writes.push(row(&Place::At(look)));
    }

    fn count(&mut self, place: &Place<'_>) {
        self.counts.push(row(place));
    }
}

fn row(place: &Place<'_>) -> Row {
    let mut hasher = DefaultHasher::new();
    place.hash(&mut hasher);
    hasher.finish()
}

/// The footprints of several batches.
#[derive(Debug, Default)]
pub(super) struct Ground {
    writes: HashSet<Row>,
    reads: HashSet<Row>,
    counts: HashSet<Row>,
}

impl Ground {
    pub(super) fn add(&mut self, footprint: &Footprint) {
        self.writes.extend(&footprint.writes);
        self.reads.extend(&footprint.reads);
        self.counts.extend(&footprint.counts);
    }

    /// Whether one looks at or writes whole what the other writes whole: they can't be judged together.
    pub(super) fn clashes(&self, with: &Footprint) -> bool {
        let is_held = |row: &Row| self.writes.contains(row) || self.reads.contains(row);
        with.writes.iter().any(is_held) || with.reads.iter().any(|row| self.writes.contains(row))
    }

    /// Whether they count in the same row.
    pub(super) fn counts_with(&self, other: &Footprint) -> bool {
        other.counts.iter().any(|row| self.counts.contains(row))
    }
}

/// The rows of the transactions that are under way, with how many of those are about each.
#[derive(Debug, Default)]
pub(super) struct UnderWay {
    changed: HashMap<Row, usize>,
    read: HashMap<Row, usize>,
}

impl UnderWay {
    pub(super) fn begin(&mut self, ground: &Ground) {
        for row in ground.writes.iter().chain(&ground.counts) {
            *self.changed.entry(*row).or_default() += 1;
        }
        for row in &ground.reads {
            *self.read.entry(*row).or_default() += 1;
        }
    }

    pub(super) fn end(&mut self, ground: &Ground) {
        for row in ground.writes.iter().chain(&ground.counts) {
            release(&mut self.changed, *row);
        }
        for row in &ground.reads {
            release(&mut self.read, *row);
        }
    }

    /// Whether the batch would wait for one of them, or one of them for it.
    pub(super) fn holds_up(&self, batch: &Footprint) -> bool {
        let is_changed = |row: &Row| self.changed.contains_key(row);
        let is_read = |row: &Row| self.read.contains_key(row);
        batch.writes.iter().any(|row| is_changed(row) || is_read(row))
            || batch.reads.iter().any(is_changed)
            || batch.counts.iter().any(is_changed)
    }
}

fn release(rows: &mut HashMap<Row, usize>, row: Row) {
    if let Some(count) = rows.get_mut(&row) {
        *count -= 1;
        if *count == 0 {
            rows.remove(&row);
        }
    }
}
