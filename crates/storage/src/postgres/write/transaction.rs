use std::collections::BTreeSet;
use std::future::Future;
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, PgPool};
use tenantry_core::{Batch, CommitError, TenantId, Timestamp};

use super::apply::{Pace, Writes};
use super::fault::Fault;
use super::find::{Needs, find};
use super::judge::Judge;
use super::vector::{Column, Section, union};

/// A connection of the writer's, for one transaction after another.
pub(super) struct Held {
    connection: PgConnection,
    /// Whether it may be inside a transaction. True from before the first command until after the last.
    is_inside: bool,
    used: Instant,
    /// How many transactions it has had.
    transactions: u32,
}

/// What a transaction is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    /// How long it waits for any one lock.
    pub(super) lock_wait: Duration,
    pub(super) statements: Prepared,
    pub(super) now: Timestamp,
    pub(super) pace: Pace,
}

/// Whether a connection keeps the statements that it has prepared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prepared {
    Once,
    /// The next transaction may be on another of the server's connections.
    Never,
}

/// An answer for each batch.
pub(super) type Answers = Vec<Result<(), CommitError>>;

/// How long a connection may lie idle.
const IDLE_FOR: Duration = Duration::from_secs(60);
/// How long one statement may take.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(30);
/// How long the server's answer to it is waited for.
const ANSWERS_WITHIN: Duration = Duration::from_secs(35);

/// The write door looks rows up by their keys, each by its index. Plans are kept, since making one takes longer than
/// following it; but one that was made while a table was empty may use the wrong index of it, and is forgotten after
/// 1, 4, 16, 64, … transactions. (Later the server's own statistics see to that.)
const PLANS: &str = "SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off; \
    SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL jit = off";

impl Held {
    pub(super) async fn take(pool: &PgPool) -> Result<Self, Fault> {
        let connection = pool.acquire().await?.detach();
        Ok(Self { connection, is_inside: false, used: Instant::now(), transactions: 0 })
    }

    /// Finds and locks, judges, writes and commits, in the transaction that has begun. A batch that is refused is
    /// left out.
    ///
    /// # Errors
    /// [`Fault`]; nothing was written, except that after [`Fault::Unsure`] nobody can say.
    pub(super) async fn commit(&mut self, batches: &[&Batch], terms: &Terms) -> Result<Answers, Fault> {
        let applied = self.apply(batches, terms).await;
        match applied {
            Ok(answers) if answers.iter().any(Result::is_ok) => {
                match self.command("COMMIT".to_owned()).await {
                    Ok(()) => {
                        self.is_inside = false;
                        Ok(answers)
                    }
                    Err(Fault::Lost(error)) => Err(Fault::Unsure(error, answers)),
                    Err(fault) => Err(fault),
                }
            }
            undone => {
                self.leave().await;
                undone
            }
        }
    }

    /// Whether all audit entries of the batches are there: whether they were applied.
    pub(super) async fn are_applied(&mut self, batches: &[&Batch], terms: &Terms) -> Result<bool, Fault> {
        let entries = || batches.iter().flat_map(|batch| batch.audit());
        let columns = vec![
            Column::ids(entries().map(|entry| entry.tenant.as_uuid())),
            Column::ids(entries().map(|entry| entry.id.as_uuid())),
        ];
        let asked = entries().count();
        if asked == 0 {
            return Ok(false);
        }
        let count = "SELECT count(*) FROM unnest($1::uuid[], $2::uuid[]) AS v(c1, c2) \
            JOIN tenantry_audit AS entry ON entry.tenant_id = v.c1 AND entry.audit_id = v.c2";
        let (text, arguments) = union(vec![Section::verbatim(count, columns)?])?;
        let ask = sqlx::query_scalar_with(AssertSqlSafe(text), arguments)
            .persistent(terms.statements == Prepared::Once)
            .fetch_one(&mut self.connection);
        let found: Result<i64, Fault> = in_time(async { ask.await.map_err(Fault::from) }).await;
        self.leave().await;
        Ok(usize::try_from(found?) == Ok(asked))
    }

    /// Whether the connection can be used again. One that lay idle for long may be dead without knowing it.
    pub(super) fn is_sound(&self) -> bool {
        !self.is_inside && self.used.elapsed() < IDLE_FOR
    }

    async fn apply(&mut self, batches: &[&Batch], terms: &Terms) -> Result<Answers, Fault> {
        let needs = Needs::of(batches.iter().copied());
        let connection = &mut self.connection;
        let found = in_time(find(connection, &needs, terms)).await?;
        let mut judge = Judge::new(&found);
        let answers: Answers = batches.iter().map(|batch| judge.admit(batch)).collect();
        let judged = batches.iter().copied().zip(&answers);
        let admitted: Vec<_> = judged.filter(|(_, answer)| answer.is_ok()).map(|(batch, _)| batch).collect();
        if !admitted.is_empty() {
            let counters = judge.into_counters();
            let writes = Writes::of(&admitted, &counters, &found, terms.now, terms.pace)?;
            in_time(writes.run(connection, terms.statements)).await?;
        }
        Ok(answers)
    }

    /// Begins a transaction that is admitted to the rows of the batches' tenants.
    pub(super) async fn begin(&mut self, batches: &[&Batch], terms: &Terms) -> Result<(), Fault> {
        let named = batches.iter().flat_map(|batch| batch.tenants());
        let owners = batches.iter().filter_map(|batch| batch.keyed()).map(|keyed| &keyed.owner.tenant);
        let tenants: BTreeSet<TenantId> = named.chain(owners).copied().collect();
        let tenants: Vec<_> = tenants.iter().map(|tenant| tenant.as_uuid().to_string()).collect();
        let milliseconds = |limit: Duration| limit.as_millis().clamp(1, 2_000_000_000);
        let (lock, statement) = (milliseconds(terms.lock_wait), milliseconds(STATEMENT_TIMEOUT));
        self.is_inside = true;
        self.used = Instant::now();
        self.transactions = self.transactions.saturating_add(1);
        let forget = if is_power_of_four(self.transactions) { "; DISCARD PLANS" } else { "" };
        self.command(format!(
            "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL app.write_tenants = '{}'; \
             SET LOCAL lock_timeout = {lock}; SET LOCAL statement_timeout = {statement}; {PLANS}{forget}",
            tenants.join(",")
        ))
        .await
    }

    /// Ends the transaction without a trace. Where that fails, the connection is closed.
    async fn leave(&mut self) {
        if self.command("ROLLBACK".to_owned()).await.is_ok() {
            self.is_inside = false;
        }
    }

    /// A string of commands without values, sent at once.
    async fn command(&mut self, commands: String) -> Result<(), Fault> {
        let run = sqlx::raw_sql(AssertSqlSafe(commands)).execute(&mut self.connection);
        in_time(async { run.await.map(drop).map_err(Fault::from) }).await
    }
}

fn is_power_of_four(number: u32) -> bool {
    number.is_power_of_two() && number.trailing_zeros().is_multiple_of(2)
}

/// A server that doesn't answer at all is lost.
async fn in_time<T>(step: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    tokio::time::timeout(ANSWERS_WITHIN, step).await.map_err(|_| {
        let silence = std::io::Error::new(std::io::ErrorKind::TimedOut, "the database doesn't answer");
        Fault::Lost(sqlx::Error::Io(silence))
    })?
}
