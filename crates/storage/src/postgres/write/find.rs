use std::collections::{BTreeMap, BTreeSet, HashMap};

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, FromRow};
use tenantry_core::{
    Account, Batch, Change, Currency, Guard, Key, KeyOwner, MeterKey, Record, RoleKey, TenantId, Timestamp,
    UsagePeriod, UserId, WorkKind,
};
use uuid::Uuid;

use super::fault::Fault;
use super::transaction::{Prepared, Terms};
use super::vector::{Column, Lock, Section, Shape, union};
use crate::sql::{KeyRow, SqlError, Statement, look, target_texts};

/// Something that a batch looks at before it writes, in the order in which every writer takes its locks: by kind,
/// then by key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Look {
    /// A tenant's row: its epoch and its version.
    Tenant(TenantId),
    /// The fence of pending work.
    Work(TenantId, WorkKind, Uuid),
    /// The version of another row, or of a name.
    Row(Table, Key),
    /// What was used.
    Usage(TenantId, MeterKey, UsagePeriod),
    /// The balance of an account that has a floor.
    Balance(TenantId, Account, Currency),
    /// An idempotency key that hasn't expired.
    Request(KeyOwner),
}

/// The tables of rows that have keys, in the order in which they are locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Table {
    Realms,
    Users,
    Roles,
    Memberships,
    Assignments,
    Orders,
    OrderSides,
    Inbox,
    Slugs,
    Emails,
    Teams,
    TeamMembers,
    ServiceAccounts,
    ApiKeys,
}

impl Look {
    /// Where the row or the name with this key is found.
    pub(super) fn at(key: &Key) -> Self {
        let table = match key {
            Key::Tenant(tenant) => return Self::Tenant(*tenant),
            Key::Realm(_, _) => Table::Realms,
            Key::User(_, _) => Table::Users,
            Key::Role(_, _) => Table::Roles,
            Key::Membership(_, _) => Table::Memberships,
            Key::Assignment(_, _, _, _) => Table::Assignments,
            Key::Team(_, _) => Table::Teams,
            Key::TeamMember(_, _, _) => Table::TeamMembers,
            Key::ServiceAccount(_, _) => Table::ServiceAccounts,
            Key::ApiKey(_, _) => Table::ApiKeys,
            Key::Order(_, _) => Table::Orders,
            Key::OrderSide(_, _, _) => Table::OrderSides,
            Key::Inbox(_, _) => Table::Inbox,
            Key::Slug(_) => Table::Slugs,
            Key::Email(_, _) => Table::Emails,
        };
        Self::Row(table, key.clone())
    }

    fn section(&self) -> i32 {
        match self {
            Self::Tenant(_) => TENANTS,
            Self::Work(_, _, _) => 1,
            Self::Row(table, _) => match table {
                Table::Realms => 2,
                Table::Users => 3,
                Table::Roles => 4,
                Table::Memberships => MEMBERSHIPS,
                Table::Assignments => ASSIGNMENTS,
                Table::Orders => 9,
                Table::OrderSides => 10,
                Table::Inbox => 11,
                Table::Slugs => 15,
                Table::Emails => 16,
                Table::Teams => 17,
                Table::TeamMembers => 18,
                Table::ServiceAccounts => 19,
                Table::ApiKeys => 20,
            },
            Self::Usage(_, _, _) => 12,
            Self::Balance(_, _, _) => 13,
            Self::Request(_) => REQUESTS,
        }
    }

    fn statement(&self, now: Timestamp) -> Statement {
        match self {
            Self::Tenant(tenant) => Statement::new(
                "SELECT epoch, version FROM tenantry_tenants WHERE tenant_id = $1",
                [(*tenant).into()],
            ),
            Self::Work(tenant, kind, subject) => look::fence(*tenant, *kind, *subject),
            Self::Row(_, key) => look::key(key),
            Self::Usage(tenant, meter, period) => look::used(*tenant, meter, *period),
            Self::Balance(tenant, account, currency) => look::balance(*tenant, *account, *currency),
            Self::Request(owner) => look::unexpired_key(owner, now),
        }
    }

    /// Names aren't locked: their unique index decides. Counters and work are only looked at to be changed.
    fn lock(&self, is_changed: bool) -> Lock {
        match self {
            Self::Row(Table::Slugs | Table::Emails, _) => Lock::Nothing,
            Self::Tenant(_) | Self::Row(_, _) if !is_changed => Lock::Share,
            _ => Lock::Change,
        }
    }
}

const TENANTS: i32 = 0;
const MEMBERSHIPS: i32 = 5;
const ASSIGNMENTS: i32 = 6;
const HOLDERS: i32 = 7;
const LEAVERS: i32 = 8;
const REQUESTS: i32 = 14;

/// What some batches look at.
#[derive(Debug, Default)]
pub(super) struct Needs {
    /// By section. Whether a batch changes it.
    looks: BTreeMap<i32, BTreeMap<Look, bool>>,
    /// Roles that must remain with somebody, and who leaves them.
    holders: BTreeSet<(TenantId, RoleKey)>,
    leavers: BTreeSet<(TenantId, RoleKey, UserId)>,
}

impl Needs {
    pub(super) fn of<'b>(batches: impl IntoIterator<Item = &'b Batch>) -> Self {
        let mut needs = Self::default();
        for batch in batches {
            batch.guards().iter().for_each(|guard| needs.guard(guard));
            batch.changes().iter().for_each(|change| needs.change(change));
            if let Some(keyed) = batch.keyed() {
                needs.look(Look::Request(keyed.owner.clone()), true);
            }
        }
        needs
    }

    fn is_empty(&self) -> bool {
        self.looks.is_empty() && self.holders.is_empty()
    }

    fn look(&mut self, look: Look, is_changed: bool) {
        let looks = self.looks.entry(look.section()).or_default();
        *looks.entry(look).or_default() |= is_changed;
    }

    fn guard(&mut self, guard: &Guard) {
        match guard {
            Guard::Epoch { tenant, .. } => self.look(Look::Tenant(*tenant), false),
            Guard::Claimed { tenant, kind, subject, .. } => {
                self.look(Look::Work(*tenant, *kind, *subject), true);
            }
            Guard::Absent(key) | Guard::Present(key) | Guard::Version { key, .. } => {
                self.look(Look::at(key), false);
            }
            Guard::Consume { tenant, meter, period, .. } => {
                self.look(Look::Usage(*tenant, meter.clone(), *period), true);
            }
            Guard::Floor { operator, account, currency } => {
                self.look(Look::Balance(*operator, *account, *currency), true);
            }
            Guard::Remain { tenant, role, leaving, .. } => {
                self.holders.insert((*tenant, role.clone()));
                self.leavers.insert((*tenant, role.clone(), *leaving));
            }
        }
    }

    fn change(&mut self, change: &Change) {
        match change {
            Change::Insert(record) => {
                self.look(Look::at(&record.key()), true);
                if let Some(name) = name_of(record) {
                    self.look(Look::at(&name), false);
                }
            }
            Change::Update(record) => self.look(Look::at(&record.key()), true),
            Change::Delete(key) => self.look(Look::at(key), true),
            Change::MoveEpoch(tenant) => self.look(Look::Tenant(*tenant), true),
            Change::GiveBack { tenant, meter, period, .. } => {
                self.look(Look::Usage(*tenant, meter.clone(), *period), true);
            }
            Change::Post(transfer) => {
                for posting in transfer.postings().iter().filter(|posting| posting.account.has_floor()) {
                    let look = Look::Balance(transfer.operator(), posting.account, transfer.currency());
                    self.look(look, true);
                }
            }
            Change::Statement(_) => {}
            Change::Schedule(item) => self.look(Look::Work(item.tenant, item.kind, item.subject), true),
            Change::Unschedule { tenant, kind, subject } => {
                self.look(Look::Work(*tenant, *kind, *subject), true);
            }
        }
    }

    fn sections(&self, now: Timestamp) -> Result<Vec<Section>, SqlError> {
        let mut numbers: BTreeSet<i32> = self.looks.keys().copied().collect();
        if !self.holders.is_empty() {
            numbers.retain(|number| ![MEMBERSHIPS, ASSIGNMENTS].contains(number));
            numbers.insert(HOLDERS);
        }
        numbers.into_iter().map(|number| self.section(number, now)).collect()
    }

    fn section(&self, number: i32, now: Timestamp) -> Result<Section, SqlError> {
        if number == HOLDERS {
            return self.holders();
        }
        let looks = self.of_section(number);
        let is_changed = looks.clone().any(|(_, is_changed)| *is_changed);
        let lock = looks.clone().next().map_or(Lock::Nothing, |(look, _)| look.lock(is_changed));
        let statements: Vec<_> = looks.map(|(look, _)| look.statement(now)).collect();
        let sql = statements.first().map_or("", |statement| statement.sql);
        let rows = statements.into_iter().map(|statement| statement.values).collect();
        Section::of(sql, Shape::Find { lock, number, answers: Answers::of(number).columns() }, rows)
    }

    fn of_section(&self, number: i32) -> impl Iterator<Item = (&Look, &bool)> + Clone {
        self.looks.get(&number).into_iter().flatten()
    }

    /// Memberships and assignments where a role must remain with somebody: its holders are locked with those that
    /// are looked at by key.
    fn holders(&self) -> Result<Section, SqlError> {
        let of_keys = |section: i32| {
            self.of_section(section).filter_map(|(look, _)| match look {
                Look::Row(_, key) => Some(key),
                _ => None,
            })
        };
        let members: Vec<_> = of_keys(MEMBERSHIPS)
            .filter_map(|key| match key {
                Key::Membership(tenant, user) => Some((tenant, user)),
                _ => None,
            })
            .collect();
        let assigned: Vec<_> = of_keys(ASSIGNMENTS)
            .filter_map(|key| match key {
                Key::Assignment(tenant, assignee, role, on) => {
                    Some((tenant, assignee, role, target_texts(on)))
                }
                _ => None,
            })
            .collect();
        Section::verbatim(
            include_str!("holders.sql"),
            vec![
                Column::ids(members.iter().map(|(tenant, _)| tenant.as_uuid())),
                Column::ids(members.iter().map(|(_, user)| user.as_uuid())),
                Column::ids(assigned.iter().map(|(tenant, _, _, _)| tenant.as_uuid())),
                Column::texts(assigned.iter().map(|(_, assignee, _, _)| assignee.kind())),
                Column::ids(assigned.iter().map(|(_, assignee, _, _)| assignee.as_uuid())),
                Column::texts(assigned.iter().map(|(_, _, role, _)| role.as_str())),
                Column::texts(assigned.iter().map(|(_, _, _, (of, _))| of.as_str())),
                Column::texts(assigned.iter().map(|(_, _, _, (_, id))| id.as_str())),
                Column::ids(self.holders.iter().map(|(tenant, _)| tenant.as_uuid())),
                Column::texts(self.holders.iter().map(|(_, role)| role.as_str())),
                Column::ids(self.leavers.iter().map(|(tenant, _, _)| tenant.as_uuid())),
                Column::texts(self.leavers.iter().map(|(_, role, _)| role.as_str())),
                Column::ids(self.leavers.iter().map(|(_, _, user)| user.as_uuid())),
            ],
        )
    }
}

/// The columns that a section answers.
enum Answers {
    Number,
    TwoNumbers,
    Request,
}

impl Answers {
    fn of(section: i32) -> Self {
        match section {
            TENANTS => Self::TwoNumbers,
            REQUESTS => Self::Request,
            _ => Self::Number,
        }
    }

    /// In the shape that all sections share: two numbers and two strings of bytes.
    fn columns(&self) -> (&'static str, &'static str) {
        match self {
            Self::Number => ("a", "a, NULL::int8 AS b, NULL::bytea AS c, NULL::bytea AS d"),
            Self::TwoNumbers => ("a, b", "a, b, NULL::bytea AS c, NULL::bytea AS d"),
            Self::Request => ("c, a, d", "a, NULL::int8 AS b, c, d"),
        }
    }
}

/// What was found, under lock.
#[derive(Debug, Default)]
pub(super) struct Found {
    numbers: HashMap<Look, i64>,
    epochs: HashMap<TenantId, i64>,
    requests: HashMap<KeyOwner, KeyRow>,
    holders: HashMap<(TenantId, RoleKey), i64>,
    leavers: HashMap<(TenantId, RoleKey, UserId), i64>,
}

#[derive(Debug, FromRow)]
struct FoundRow {
    s: i32,
    n: i64,
    a: Option<i64>,
    b: Option<i64>,
    c: Option<Vec<u8>>,
    d: Option<Vec<u8>>,
}

impl Found {
    pub(super) fn number(&self, look: &Look) -> Option<i64> {
        self.numbers.get(look).copied()
    }

    pub(super) fn epoch(&self, tenant: TenantId) -> Option<i64> {
        self.epochs.get(&tenant).copied()
    }

    pub(super) fn request(&self, owner: &KeyOwner) -> Option<&KeyRow> {
        self.requests.get(owner)
    }

    /// How many hold a role.
    pub(super) fn holders(&self, tenant: TenantId, role: &RoleKey) -> i64 {
        self.holders.get(&(tenant, role.clone())).copied().unwrap_or(0)
    }

    /// 1 if the user holds the role.
    pub(super) fn holds(&self, tenant: TenantId, role: &RoleKey, user: UserId) -> i64 {
        self.leavers.get(&(tenant, role.clone(), user)).copied().unwrap_or(0)
    }

    #[cfg(test)]
    pub(super) fn with(numbers: impl IntoIterator<Item = (Look, i64)>) -> Self {
        let mut found = Self::default();
        for (look, number) in numbers {
            if let Look::Tenant(tenant) = look {
                found.epochs.insert(tenant, number);
            }
            found.numbers.insert(look, number);
        }
        found
    }

    fn take(rows: Vec<FoundRow>, needs: &Needs) -> Option<Self> {
        let looks: HashMap<i32, Vec<&Look>> =
            needs.looks.iter().map(|(section, looks)| (*section, looks.keys().collect())).collect();
        let holders: Vec<_> = needs.holders.iter().collect();
        let leavers: Vec<_> = needs.leavers.iter().collect();
        let mut found = Self::default();
        for row in rows {
            let place = usize::try_from(row.n).ok()?.checked_sub(1);
            match (row.s, place) {
                (_, None) => {}
                (HOLDERS, Some(n)) => {
                    found.holders.insert((*holders.get(n)?).clone(), row.a?);
                }
                (LEAVERS, Some(n)) => {
                    found.leavers.insert((*leavers.get(n)?).clone(), row.a?);
                }
                (section, Some(n)) => match *looks.get(&section)?.get(n)? {
                    Look::Request(owner) => {
                        let stored = KeyRow { fingerprint: row.c?, status: row.a?, body: row.d? };
                        found.requests.insert(owner.clone(), stored);
                    }
                    Look::Tenant(tenant) => {
                        found.epochs.insert(*tenant, row.a?);
                        found.numbers.insert(Look::Tenant(*tenant), row.b?);
                    }
                    look => {
                        found.numbers.insert(look.clone(), row.a?);
                    }
                },
            }
        }
        Some(found)
    }
}

/// Finds and locks everything that is needed, in one statement.
pub(super) async fn find(
    connection: &mut PgConnection,
    needs: &Needs,
    terms: &Terms,
) -> Result<Found, Fault> {
    if needs.is_empty() {
        return Ok(Found::default());
    }
    let (text, arguments) = union(needs.sections(terms.now)?)?;
    let query = sqlx::query_as_with(AssertSqlSafe(text), arguments);
    let rows: Vec<FoundRow> =
        query.persistent(terms.statements == Prepared::Once).fetch_all(connection).await?;
    Found::take(rows, needs).ok_or_else(|| Fault::broken("what was found can't be told apart"))
}

/// The name that a row claims among all rows.
pub(super) fn name_of(record: &Record) -> Option<Key> {
    match record {
        Record::Tenant(tenant) => Some(Key::Slug(tenant.slug.clone())),
        Record::User(user) => Some(Key::Email(user.realm, user.email.clone())),
        _ => None,
    }
}
