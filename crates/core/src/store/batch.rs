use super::{AuditEntry, Change, CommitError, Event, Guard, Keyed, Record};
use crate::{BatchId, TenantId, Timestamp};

/// One atomic write: typed changes with their guards, the audit entries, the events and the idempotency key.
///
/// It has no public constructor: decisions make it, and the tenants that it names come from contexts. A store
/// reads it through its accessors and applies it whole or not at all.
///
/// ```compile_fail
/// use tenantry_core::{Batch, BatchId, TenantId, Timestamp};
///
/// fn forge(id: BatchId, home: TenantId, at: Timestamp) -> Batch {
///     Batch::new(id, home, at)
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    id: BatchId,
    home: TenantId,
    at: Timestamp,
    tenants: Vec<TenantId>,
    guards: Vec<Guard>,
    changes: Vec<Change>,
    audit: Vec<AuditEntry>,
    events: Vec<Event>,
    keyed: Option<Keyed>,
    derived: u32,
}

impl Batch {
    /// The most changes, and the most guards.
    pub const MAX_CHANGES: usize = 1_000;

    pub(crate) fn new(id: BatchId, home: TenantId, at: Timestamp) -> Self {
        Self {
            id,
            home,
            at,
            tenants: vec![home],
            guards: vec![],
            changes: vec![],
            audit: vec![],
            events: vec![],
            keyed: None,
            derived: 0,
        }
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> BatchId {
        self.id
    }

    /// The tenant on whose behalf it is written.
    #[must_use]
    pub fn home(&self) -> TenantId {
        self.home
    }

    /// The store's time when it was decided.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// Every tenant whose rows it looks at or writes, in ascending order. Known before the transaction begins.
    #[must_use]
    pub fn tenants(&self) -> &[TenantId] {
        &self.tenants
    }

    /// The guards.
    #[must_use]
    pub fn guards(&self) -> &[Guard] {
        &self.guards
    }

    /// The changes, in the order in which they are applied.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// The audit entries; at least one.
    #[must_use]
    pub fn audit(&self) -> &[AuditEntry] {
        &self.audit
    }

    /// The events.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// The idempotency key with its answer.
    #[must_use]
    pub fn keyed(&self) -> Option<&Keyed> {
        self.keyed.as_ref()
    }

    /// The tenants whose epoch it moves: those that a store tells its [`Epochs`](crate::Epochs) once the batch
    /// is durable.
    pub fn moved_epochs(&self) -> impl Iterator<Item = TenantId> {
        self.changes.iter().filter_map(|change| match change {
            Change::MoveEpoch(tenant) => Some(*tenant),
            _ => None,
        })
    }

    /// Whether a store can take it at all.
    ///
    /// # Errors
    /// [`CommitError::TooLarge`] above [`Batch::MAX_CHANGES`] changes or guards.
    pub fn check_size(&self) -> Result<(), CommitError> {
        let largest = self.guards.len().max(self.changes.len()).max(self.audit.len()).max(self.events.len());
        if largest > Self::MAX_CHANGES { Err(CommitError::TooLarge) } else { Ok(()) }
    }

    /// Whether it may join a transaction of the application's that was begun for `tenant`: it looks at and
    /// writes nothing but that tenant's usage, trail and keys. Money, members and tenants have the write door to
    /// themselves.
    ///
    /// # Errors
    /// [`CommitError::OtherTenant`], [`CommitError::NotJoinable`], [`CommitError::TooLarge`].
    pub fn check_joins(&self, tenant: TenantId) -> Result<(), CommitError> {
        self.check_size()?;
        if self.tenants != [tenant] {
            return Err(CommitError::OtherTenant);
        }
        let guards_are_local =
            self.guards.iter().all(|guard| matches!(guard, Guard::Epoch { .. } | Guard::Consume { .. }));
        let changes_are_local = self.changes.iter().all(|change| matches!(change, Change::GiveBack { .. }));
        if guards_are_local && changes_are_local { Ok(()) } else { Err(CommitError::NotJoinable) }
    }

    pub(crate) fn next_id(&mut self) -> uuid::Uuid {
        self.derived += 1;
        self.id.derive(self.derived)
    }

    pub(crate) fn guard(&mut self, guard: Guard) {
        if let Some(tenant) = guard.tenant() {
            self.name(tenant);
        }
        match self.guards.binary_search(&guard) {
            Ok(at) if matches!(guard, Guard::Consume { .. }) => self.guards.insert(at, guard),
            Ok(_) => {}
            Err(at) => self.guards.insert(at, guard),
        }
    }

    pub(crate) fn change(&mut self, change: Change) {
        if let Some(tenant) = change.tenant() {
            self.name(tenant);
        }
        self.changes.push(change);
    }

    /// A new row, guarded to be new.
    pub(crate) fn insert(&mut self, record: Record) {
        self.guard(Guard::Absent(record.key()));
        self.change(Change::Insert(record));
    }

    /// A row in place of the one that was read at `version`.
    pub(crate) fn update(&mut self, record: Record, version: u64) {
        self.guard(Guard::Version { key: record.key(), version });
        self.change(Change::Update(record));
    }

    pub(crate) fn audit_entry(&mut self, entry: AuditEntry) {
        self.name(entry.tenant);
        self.audit.push(entry);
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.name(event.tenant);
        self.events.push(event);
    }

    pub(crate) fn key(&mut self, keyed: Keyed) {
        self.keyed = Some(keyed);
    }

    pub(crate) fn audit_mut(&mut self) -> &mut [AuditEntry] {
        &mut self.audit
    }

    fn name(&mut self, tenant: TenantId) {
        if let Err(at) = self.tenants.binary_search(&tenant) {
            self.tenants.insert(at, tenant);
        }
    }
}
