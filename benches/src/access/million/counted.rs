//! What the server touches for a cold resolve, as it counts it itself: what its definer functions read, too, which an
//! `EXPLAIN` of the statement that calls them leaves out.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;
use sqlx::{Connection as _, PgConnection};
use tenantry_bench_measure::Draw;

use super::super::Fault;
use super::filled::Filled;

/// How long a session of the server's may keep its counts to itself once it has nothing to do, and a little more.
const TOLD: Duration = Duration::from_secs(12);

/// What a resolve touched, on average.
#[derive(Debug, Serialize)]
pub(super) struct Counted {
    /// Rows that were found by an index.
    pub(super) by_index: f64,
    /// Rows of tables that were read from end to end, by table.
    pub(super) read_through: Vec<(String, f64)>,
    /// Pages of tables and indexes.
    pub(super) pages: f64,
    /// Those of them that weren't in the server's own memory.
    pub(super) fetched: f64,
}

/// The server's counts of one table: rows by index and read through, pages found and fetched.
type Counts = BTreeMap<String, [i64; 4]>;

/// Resolves a tenant and admits a member of it, both drawn, so often among each.
///
/// # Errors
/// Whatever keeps it from counting.
pub(super) async fn count(both: [&Filled; 2], times: u32) -> Result<[Counted; 2], Fault> {
    let mut draw = Draw::new(13);
    tokio::time::sleep(TOLD).await;
    let before = counts(both).await?;
    for _ in 0..times {
        for filled in both {
            filled.drawn(&mut draw).admitted(filled).await?;
        }
    }
    tokio::time::sleep(TOLD).await;
    let after = counts(both).await?;
    let [[few, many], [few_after, many_after]] = [before, after];
    Ok([Counted::between(&few, &few_after, times), Counted::between(&many, &many_after, times)])
}

async fn counts([few, many]: [&Filled; 2]) -> Result<[Counts; 2], Fault> {
    Ok([counts_of(few).await?, counts_of(many).await?])
}

async fn counts_of(filled: &Filled) -> Result<Counts, Fault> {
    let mut owner = PgConnection::connect(&filled.database().owner_address()).await?;
    let asked = "SELECT relname::text, coalesce(idx_tup_fetch, 0), coalesce(seq_tup_read, 0), \
        heap_blks_hit + coalesce(idx_blks_hit, 0), heap_blks_read + coalesce(idx_blks_read, 0) \
        FROM pg_stat_user_tables JOIN pg_statio_user_tables USING (relid, relname)";
    let rows: Vec<(String, i64, i64, i64, i64)> = sqlx::query_as(asked).fetch_all(&mut owner).await?;
    owner.close().await?;
    let by_table =
        rows.into_iter().map(|(table, by_index, through, hit, read)| (table, [by_index, through, hit, read]));
    Ok(by_table.collect())
}

impl Counted {
    #[expect(clippy::float_arithmetic, clippy::cast_precision_loss, reason = "a measurement, not money")]
    fn between(before: &Counts, after: &Counts, times: u32) -> Self {
        let mut counted = Self { by_index: 0.0, read_through: vec![], pages: 0.0, fetched: 0.0 };
        for (table, after) in after {
            let before = before.get(table).copied().unwrap_or_default();
            let each = |place: usize| {
                let of = |counts: &[i64; 4]| counts.get(place).copied().unwrap_or(0);
                (of(after) - of(&before)) as f64 / f64::from(times)
            };
            counted.by_index += each(0);
            counted.pages += each(2) + each(3);
            counted.fetched += each(3);
            if each(1) > 0.0 {
                counted.read_through.push((table.clone(), each(1)));
            }
        }
        counted
    }

    /// The tables that were read through, as a report says it.
    pub(super) fn told_of_read_through(&self) -> String {
        if self.read_through.is_empty() {
            return "none".to_owned();
        }
        let each = self.read_through.iter().map(|(table, rows)| format!("{rows:.0} of {table}"));
        each.collect::<Vec<_>>().join(", ")
    }
}
