use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Row as _};
use tenantry_core::{Batch, Change, Currency, Key, Record, TenantId, Timestamp, WorkKind};
use uuid::Uuid;

use super::fault::{Fault, Overtaken};
use super::find::{Found, Look};
use super::judge::Counters;
use super::transaction::Prepared;
use super::vector::{Column, Section, Shape, at_once};
use crate::sql::{Statement, Value, write};

/// In what order the changes of a batch reach the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pace {
    /// All that don't touch the same row at once.
    AtOnce,
    /// One after another: for a batch in which one row takes the name that another gives up.
    InOrder,
}

/// What the admitted batches of a transaction write: a statement for each step, and nearly always there is one
/// step. Within a step no row is written twice; a second change of a row waits for the next step.
#[derive(Debug)]
pub(super) struct Writes {
    steps: Vec<Step>,
    /// What is forgotten by the way, with the first step.
    forgotten: Vec<(&'static str, Vec<Column>)>,
}

type Step = BTreeMap<(Kind, Cow<'static, str>), Rows>;

#[derive(Debug, Default)]
struct Rows {
    values: Vec<Vec<Value>>,
    wanted: Wanted,
}

/// How many rows must have been written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Wanted {
    /// As many as were asked for.
    #[default]
    Each,
    Any,
}

/// Names are given up before they are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Delete,
    Update,
    Insert,
}

const MOVE_EPOCH: &str = "UPDATE tenantry_tenants SET epoch = epoch + $2 WHERE tenant_id = $1";

/// What lies above a tenant, where the door finds it.
const LINEAGE: &str = "INSERT INTO tenantry_lineages (tenant_id, above) VALUES ($1, $2)";

const FORGET_LINEAGE: &str = "DELETE FROM tenantry_lineages WHERE tenant_id = $1";

const ANNOUNCE: &str = "INSERT INTO tenantry_changes (tenant_id, at) VALUES ($1, $2)";

/// What told other processes so before. This sees none of what its own transaction has told.
const FORGET_CHANGES: &str = "DELETE FROM tenantry_changes WHERE tenant_id = $1";

const SCHEDULE: &str = "INSERT INTO tenantry_work (tenant_id, kind, subject, due, ready, fence, attempts) \
    VALUES ($1, $2, $3, $4, $4, nextval('tenantry_directory.tenantry_fence'), 0) \
    ON CONFLICT (tenant_id, kind, subject) \
    DO UPDATE SET due = excluded.due, ready = excluded.ready, \
    fence = nextval('tenantry_directory.tenantry_fence'), attempts = 0";

/// Entries and events are placed by the database, in the order of the rows.
const AUDIT: &str = "INSERT INTO tenantry_audit (tenant_id, audit_id, at, actor, action, target, detail) \
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

const EVENT: &str = "INSERT INTO tenantry_events (tenant_id, event_id, aggregate_kind, aggregate_id, version, \
    kind, payload, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

const USED_FIRST: &str = "INSERT INTO tenantry_usage (tenant_id, meter, period, used) \
    VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";

const USED: &str = "UPDATE tenantry_usage SET used = $4 \
    WHERE tenant_id = $1 AND meter = $2 AND period = $3 AND used = $5";

const BALANCE_FIRST: &str = "INSERT INTO tenantry_account_balances (tenant_id, account, currency, balance) \
    VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";

const BALANCE: &str = "UPDATE tenantry_account_balances SET balance = $4 \
    WHERE tenant_id = $1 AND account = $2 AND currency = $3 AND balance = $5";

/// Some expired keys of each tenant that stores one go: more than one, so that they run out.
const FORGET_KEYS: &str = "DELETE FROM tenantry_keys AS gone USING \
    (SELECT old.* FROM unnest($1::uuid[]) AS v(c1) CROSS JOIN LATERAL \
    (SELECT k.tenant_id, k.principal_id, k.operation, k.key FROM tenantry_keys AS k \
    WHERE k.tenant_id = v.c1 AND k.expires_at <= $2 ORDER BY k.expires_at LIMIT 16 \
    FOR UPDATE SKIP LOCKED) AS old) AS old \
    WHERE gone.tenant_id = old.tenant_id AND gone.principal_id = old.principal_id \
    AND gone.operation = old.operation AND gone.key = old.key RETURNING 1";

impl Writes {
    pub(super) fn of(
        batches: &[&Batch],
        counters: &Counters,
        found: &Found,
        now: Timestamp,
        pace: Pace,
    ) -> Result<Self, Fault> {
        let mut writes = Self { steps: vec![Step::new()], forgotten: vec![] };
        let mut parties: BTreeMap<(TenantId, Currency), (i64, i64)> = BTreeMap::new();
        for batch in batches {
            writes.changes(batch, &mut parties, pace)?;
        }
        for ((tenant, currency), (available, held)) in parties {
            writes.add(0, write::party_balance(tenant, currency, available, held));
        }
        writes.counters(counters, found);
        for batch in batches {
            writes.trail(batch, now);
        }
        writes.forget(batches, now);
        Ok(writes)
    }

    /// The audit entries, the events, the key, and who has to be told of what moved.
    fn trail(&mut self, batch: &Batch, now: Timestamp) {
        for tenant in batch.moved_epochs() {
            self.add(0, Statement::new(ANNOUNCE, [tenant.into(), now.into()]));
            self.put(0, FORGET_CHANGES.into(), vec![tenant.into()], Wanted::Any);
        }
        for entry in batch.audit() {
            self.add(0, Statement { sql: AUDIT, ..write::audit(entry) });
        }
        for event in batch.events() {
            self.add(0, Statement { sql: EVENT, ..write::event(event) });
        }
        if let Some(keyed) = batch.keyed() {
            let [_, Statement { sql, mut values }] = write::key(keyed, now);
            values.push(now.into());
            let sql = format!("{sql} WHERE tenantry_keys.expires_at <= $9");
            self.put(0, sql.into(), values, Wanted::Each);
        }
    }

    fn forget(&mut self, batches: &[&Batch], now: Timestamp) {
        let owners: BTreeSet<_> =
            batches.iter().filter_map(|batch| batch.keyed()).map(|keyed| keyed.owner.tenant).collect();
        if !owners.is_empty() {
            let tenants = Column::ids(owners.iter().map(TenantId::as_uuid));
            self.forgotten.push((FORGET_KEYS, vec![tenants, Column::Number(now.as_micros())]));
        }
    }

    /// The counters whose rows were found are set, and stay locked since; the others are added, unless somebody
    /// else has added them meanwhile.
    fn counters(&mut self, counters: &Counters, found: &Found) {
        for ((tenant, meter, period), used) in &counters.used {
            let before = found.number(&Look::Usage(*tenant, meter.clone(), *period));
            let key = [(*tenant).into(), Value::text(meter.as_str()), period.start().into()];
            self.counter(key, *used, before, (USED, USED_FIRST));
        }
        for ((operator, account, currency), balance) in &counters.balances {
            let before = found.number(&Look::Balance(*operator, *account, *currency));
            let key = [(*operator).into(), Value::Text(account.to_string()), Value::text(currency.as_str())];
            self.counter(key, *balance, before, (BALANCE, BALANCE_FIRST));
        }
    }

    fn counter(
        &mut self,
        key: [Value; 3],
        now: i64,
        before: Option<i64>,
        (again, first): (&'static str, &'static str),
    ) {
        let mut values = Vec::from(key);
        values.push(Value::Number(now));
        match before {
            Some(before) if before == now => {}
            Some(before) => {
                values.push(Value::Number(before));
                self.add(0, Statement::new(again, values));
            }
            None => self.add(0, Statement::new(first, values)),
        }
    }

    /// The changes of a batch that aren't counters, in as few steps as their order allows.
    fn changes(
        &mut self,
        batch: &Batch,
        parties: &mut BTreeMap<(TenantId, Currency), (i64, i64)>,
        pace: Pace,
    ) -> Result<(), Fault> {
        let mut step = 0;
        let mut touched: HashSet<Key> = HashSet::new();
        let mut epochs: HashMap<TenantId, i64> = HashMap::new();
        let mut tenant_rows: HashMap<TenantId, Vec<Value>> = HashMap::new();
        let mut work: BTreeMap<(TenantId, WorkKind, Uuid), Statement> = BTreeMap::new();
        for change in batch.changes() {
            if let Some(key) = written_row(change) {
                let waits = match change {
                    Change::MoveEpoch(tenant) => touched.contains(&key) && !tenant_rows.contains_key(tenant),
                    Change::Delete(Key::Tenant(tenant)) if epochs.contains_key(tenant) => true,
                    _ => touched.contains(&key) || pace == Pace::InOrder,
                };
                if waits {
                    self.tenants(step, &mut epochs, &mut tenant_rows);
                    step += 1;
                    touched.clear();
                }
                if !matches!(change, Change::MoveEpoch(_)) {
                    touched.insert(key);
                }
            }
            match change {
                Change::Insert(record) => {
                    for statement in write::insert(record)? {
                        self.add(step, statement);
                    }
                    if let Record::Tenant(tenant) = record {
                        let values = [tenant.id.into(), Value::Text(write::above(tenant))];
                        self.add(step, Statement::new(LINEAGE, values));
                    }
                }
                Change::Update(record) => {
                    let statements = write::update(record)?;
                    for (n, statement) in statements.into_iter().enumerate() {
                        match record {
                            Record::Tenant(tenant) if n == 0 => {
                                tenant_rows.insert(tenant.id, statement.values);
                            }
                            _ => self.add(step, statement),
                        }
                    }
                }
                Change::Delete(key) => {
                    for statement in write::delete(key) {
                        self.add(step, statement);
                    }
                    if let Key::Tenant(tenant) = key {
                        self.add(step, Statement::new(FORGET_LINEAGE, [(*tenant).into()]));
                    }
                }
                Change::MoveEpoch(tenant) => *epochs.entry(*tenant).or_default() += 1,
                Change::GiveBack { .. } => {}
                Change::Post(transfer) => {
                    for statement in write::entries(transfer) {
                        self.add(0, statement);
                    }
                }
                Change::Statement(line) => {
                    self.add(0, write::statement_line(line));
                    let (available, held) = parties.entry((line.tenant, line.currency)).or_default();
                    *available = available.checked_add(line.available).ok_or_else(out_of_range)?;
                    *held = held.checked_add(line.held).ok_or_else(out_of_range)?;
                }
                Change::Schedule(item) => {
                    let Statement { mut values, .. } = write::schedule(item, 0);
                    values.truncate(4);
                    work.insert((item.tenant, item.kind, item.subject), Statement::new(SCHEDULE, values));
                }
                Change::Unschedule { tenant, kind, subject } => {
                    let key = (*tenant, *kind, *subject);
                    work.insert(key, write::unschedule(*tenant, *kind, *subject));
                }
            }
        }
        self.tenants(step, &mut epochs, &mut tenant_rows);
        for statement in work.into_values() {
            let wanted = if statement.sql == SCHEDULE { Wanted::Each } else { Wanted::Any };
            self.put(0, statement.sql.into(), statement.values, wanted);
        }
        Ok(())
    }

    /// Writes tenants' rows with their epochs: a row is written once in a step.
    fn tenants(
        &mut self,
        step: usize,
        epochs: &mut HashMap<TenantId, i64>,
        rows: &mut HashMap<TenantId, Vec<Value>>,
    ) {
        for (tenant, mut values) in rows.drain() {
            values.push(Value::Number(epochs.remove(&tenant).unwrap_or(0)));
            let sql = write::UPDATE_TENANT.replacen(" SET ", " SET epoch = epoch + $11, ", 1);
            self.put(step, sql.into(), values, Wanted::Each);
        }
        for (tenant, moves) in epochs.drain() {
            self.add(step, Statement::new(MOVE_EPOCH, [tenant.into(), Value::Number(moves)]));
        }
    }

    fn add(&mut self, step: usize, statement: Statement) {
        self.put(step, statement.sql.into(), statement.values, Wanted::Each);
    }

    fn put(&mut self, step: usize, sql: Cow<'static, str>, values: Vec<Value>, wanted: Wanted) {
        while self.steps.len() <= step {
            self.steps.push(Step::new());
        }
        let kind = match sql.get(..6) {
            Some("DELETE") => Kind::Delete,
            Some("UPDATE") => Kind::Update,
            _ => Kind::Insert,
        };
        if let Some(step) = self.steps.get_mut(step) {
            let rows = step.entry((kind, sql)).or_default();
            rows.values.push(values);
            rows.wanted = wanted;
        }
    }

    /// Writes it all, one statement for each step.
    pub(super) async fn run(self, connection: &mut PgConnection, statements: Prepared) -> Result<(), Fault> {
        let mut forgotten = self.forgotten;
        for step in self.steps {
            let (mut sections, mut wanted) = (Vec::new(), Vec::new());
            for ((_, sql), rows) in step {
                let asked = u64::try_from(rows.values.len()).ok();
                wanted.push(asked.filter(|_| rows.wanted == Wanted::Each));
                sections.push(Section::of(&sql, Shape::Write, rows.values)?);
            }
            for (sql, columns) in forgotten.drain(..) {
                wanted.push(None);
                sections.push(Section::verbatim(sql, columns)?);
            }
            if sections.is_empty() {
                continue;
            }
            let (text, arguments) = at_once(sections)?;
            let query = sqlx::query_with(AssertSqlSafe(text), arguments);
            let query = query.persistent(statements == Prepared::Once);
            let answer = query.fetch_all(&mut *connection).await?;
            let counts = answer.first().ok_or(Fault::Overtaken(Overtaken::Rows))?;
            for (n, wanted) in wanted.into_iter().enumerate() {
                let written: i64 = counts.try_get(n)?;
                if wanted.is_some_and(|wanted| u64::try_from(written) != Ok(wanted)) {
                    return Err(Fault::Overtaken(Overtaken::Rows));
                }
            }
        }
        Ok(())
    }
}

/// The row that a change writes whole, or whose epoch it moves.
fn written_row(change: &Change) -> Option<Key> {
    match change {
        Change::Insert(record) | Change::Update(record) => Some(record.key()),
        Change::Delete(key) => Some(key.clone()),
        Change::MoveEpoch(tenant) => Some(Key::Tenant(*tenant)),
        _ => None,
    }
}

fn out_of_range() -> Fault {
    Fault::broken("a number would be out of range")
}
