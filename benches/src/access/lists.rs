//! Pages of lists: what they find, what they touch, and how long they take beside a statement by hand.

use std::num::NonZeroU16;

use serde::Serialize;
use sqlx::QueryBuilder;
use tenantry::{Predicate, ResourceId, TenantId};
use tenantry_bench_measure::median;
use tenantry_storage::filter::{FilterDialect, list};
use uuid::Uuid;

use super::documents::{Document, SEEN, Seen, listed};
use super::shelf::{PAGE, Shelf, Store};
use super::{Effort, Fault};

/// Which part of a list is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Part {
    /// The first fifty.
    First,
    /// The last fifty.
    Last,
    /// A thousand at once.
    Thousand,
}

impl Part {
    const EACH: [Self; 3] = [Self::First, Self::Last, Self::Thousand];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::First => "first 50",
            Self::Last => "last 50",
            Self::Thousand => "1,000",
        }
    }

    const fn limit(self) -> u16 {
        match self {
            Self::First | Self::Last => 50,
            Self::Thousand => 1_000,
        }
    }
}

/// One page of one list, asked in both ways.
#[derive(Debug, Serialize)]
pub(crate) struct Paged {
    pub(crate) store: Store,
    pub(crate) among: i64,
    pub(crate) seen: Seen,
    pub(crate) part: Part,
    /// How many the page has.
    pub(crate) rows: i64,
    /// By `filter::list`, and by hand.
    pub(crate) touched: [i64; 2],
    /// Nanoseconds, in the same order.
    pub(crate) took: [f64; 2],
}

impl Paged {
    /// How many rows more than the page has a list may touch: one for each way to merge, and where they end.
    pub(crate) const CONSTANT: i64 = 16;

    /// Whether it touches a page and a constant; nothing where no index serves it.
    pub(crate) fn is_met(&self) -> Option<bool> {
        self.seen.is_indexed().then_some(self.touched[0] <= self.rows + Self::CONSTANT)
    }
}

/// Asks for every part of every list.
///
/// # Errors
/// A page that isn't what checks of every document allow, too.
pub(crate) async fn measure<S: Shelf>(shelf: &S, among: i64, effort: Effort) -> Result<Vec<Paged>, Fault> {
    let mut found = vec![];
    for seen in Seen::EACH {
        let (filter, allowed) = seen.found(among)?;
        for part in Part::EACH {
            let limit = part.limit();
            let from = if part == Part::Last { allowed.len().saturating_sub(limit.into()) } else { 0 };
            let expected = allowed.get(from..).unwrap_or_default();
            let expected = expected.get(..usize::from(limit)).unwrap_or(expected);
            let after = from.checked_sub(1).and_then(|last| allowed.get(last)).copied();
            let asked = Asking { tenant: shelf.tenant(), among, seen, filter: &filter, after, limit };
            let ours = || asked.ours::<S::Database>("documents");
            let by_hand = || asked.by_hand::<S::Database>("documents");
            let answers = shelf.ask(&[&ours, &by_hand], effort).await?;
            for answer in &answers {
                if answer.ids != expected {
                    let (name, part) = (seen.name(), part.name());
                    return Err(format!("{name}, {part}: not what a check of each document allows").into());
                }
            }
            let rows = i64::try_from(expected.len())?;
            let touched = [
                shelf.touched(&ours, &|| asked.ours(PAGE), expected).await?,
                shelf.touched(&by_hand, &|| asked.by_hand(PAGE), expected).await?,
            ];
            let [ours, theirs] = <[_; 2]>::try_from(answers).map_err(|_| "two ways")?;
            let took = [median(ours.took), median(theirs.took)];
            found.push(Paged { store: S::STORE, among, seen, part, rows, touched, took });
        }
    }
    Ok(found)
}

struct Asking<'a> {
    tenant: TenantId,
    among: i64,
    seen: Seen,
    filter: &'a Predicate,
    after: Option<Uuid>,
    limit: u16,
}

impl Asking<'_> {
    fn ours<DB: FilterDialect>(&self, table: &'static str) -> Result<QueryBuilder<DB>, Fault> {
        let limit = NonZeroU16::new(self.limit).ok_or("a page of nothing")?;
        let after = self.after.map(ResourceId::Id);
        Ok(list::<DB, Document>(&listed(table), self.tenant, self.filter, after.as_ref(), limit)?)
    }

    fn by_hand<DB: FilterDialect>(&self, table: &'static str) -> Result<QueryBuilder<DB>, Fault> {
        let mut query = QueryBuilder::new("SELECT * FROM ");
        query.push(table).push(" WHERE tenant_id = ");
        DB::bind(&mut query, self.tenant.as_uuid().into());
        if let Some(after) = self.after {
            query.push(" AND document_id > ");
            DB::bind(&mut query, after.into());
        }
        self.seen.by_hand(self.among, &mut query);
        query.push(" ORDER BY document_id LIMIT ").push(self.limit);
        Ok(query)
    }
}

const _: () = assert!(SEEN == 1_000, "names of what is seen say a thousand");
