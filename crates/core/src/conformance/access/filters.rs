//! Whether a store's SQL keeps the rows that the published models allow.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;
use std::num::NonZeroU16;

use async_trait::async_trait;

use super::{Listing, Model, Table, models};
use crate::{Predicate, ResourceId};

/// What [`run_filters`] needs of a store: tables, and what its filter finds in them.
#[async_trait]
pub trait FilterHarness: Send + Sync {
    /// Makes a table for each type of resource of the model, and puts into it every [`Item`](super::Item) of each
    /// [`Table`] of that type, as a row of that table's tenant.
    ///
    /// # Errors
    /// Whatever kept it from being filled: no list of the model is asked for then.
    async fn fill(&self, model: &Model) -> Result<(), NoAnswer>;

    /// The ids of the rows of the table's tenant that the filter keeps, each as often as the store found it, in any
    /// order: what a statement of the application's own with the filter in it finds.
    ///
    /// # Errors
    /// Whatever kept it from being asked.
    async fn kept(&self, table: &Table, filter: &Predicate) -> Result<Vec<ResourceId>, NoAnswer>;

    /// The ids of the first `limit` of these rows that come after the id `after`, or of the first of all, in the
    /// store's order of ids: a page of a list.
    ///
    /// # Errors
    /// Whatever kept it from being asked.
    async fn page(
        &self,
        table: &Table,
        filter: &Predicate,
        after: Option<&ResourceId>,
        limit: NonZeroU16,
    ) -> Result<Vec<ResourceId>, NoAnswer>;
}

/// Why a store gave no answer.
pub type NoAnswer = Box<dyn Error + Send + Sync>;

/// Asks a store for every list of every published [`Model`], once whole and once page by page, and holds what it finds
/// against what the model's file says of each resource, and against what [`Authority::check`](crate::Authority::check)
/// says of it.
///
/// ```
/// use tenantry_core::conformance::access::{self, FilterFailures, FilterHarness};
///
/// async fn my_filters_conform(harness: &dyn FilterHarness) -> Result<(), FilterFailures> {
///     let summary = access::run_filters(harness).await?;
///     println!("{summary}");
///     Ok(())
/// }
/// ```
///
/// # Errors
/// [`FilterFailures`] lists every row on which they differ, and what couldn't be asked. A run whose rows were nearly all
/// allowed, or nearly all denied, proves nothing, and has failed too.
pub async fn run_filters(harness: &dyn FilterHarness) -> Result<FilterSummary, FilterFailures> {
    let mut run = Run { harness, counted: Vec::new(), wrong: Vec::new() };
    match models() {
        Ok(models) => {
            for model in &models {
                run.model(model).await;
            }
        }
        Err(error) => run.wrong.push(error.to_string()),
    }
    run.ended()
}

/// What a run of [`run_filters`] without a failure counted. Displayed, it is one line for each model, and their sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterSummary {
    /// Each model that has resources, in the order of [`models`].
    pub models: Vec<(&'static str, FilterCounts)>,
}

impl FilterSummary {
    /// Of all models together.
    #[must_use]
    pub fn total(&self) -> FilterCounts {
        self.models.iter().fold(FilterCounts::default(), |sum, (_, counts)| FilterCounts {
            lists: sum.lists + counts.lists,
            allowed: sum.allowed + counts.allowed,
            denied: sum.denied + counts.denied,
        })
    }
}

impl fmt::Display for FilterSummary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.models.iter().try_for_each(|(model, counts)| writeln!(f, "{model}: {counts}"))?;
        write!(f, "{} models, {}", self.models.len(), self.total())
    }
}

/// How much was compared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FilterCounts {
    /// Lists that were asked for.
    pub lists: usize,
    /// Decisions that allow: the row was found.
    pub allowed: usize,
    /// Decisions that deny: the row wasn't.
    pub denied: usize,
}

impl FilterCounts {
    /// Whether there is something of each: at least a fifth.
    fn proves(self) -> bool {
        let fifth = (self.allowed + self.denied) / 5;
        self.allowed > 0 && self.denied > 0 && self.allowed >= fifth && self.denied >= fifth
    }
}

impl fmt::Display for FilterCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { lists, allowed, denied } = self;
        write!(f, "{lists} lists of {} rows: {allowed} allowed, {denied} denied", allowed + denied)
    }
}

/// Where a store and the models differ. Displayed, it is one line for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilterFailures {
    /// What is wrong, in the order of [`models`].
    pub failed: Vec<String>,
}

impl fmt::Display for FilterFailures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failed.iter().try_for_each(|failed| writeln!(f, "{failed}"))?;
        write!(f, "{} failures", self.failed.len())
    }
}

impl Error for FilterFailures {}

struct Run<'a> {
    harness: &'a dyn FilterHarness,
    counted: Vec<(&'static str, FilterCounts)>,
    wrong: Vec<String>,
}

impl Run<'_> {
    async fn model(&mut self, model: &Model) {
        let name = model.name();
        let listings = model.listings();
        if listings.is_empty() {
            return;
        }
        if let Err(error) = self.harness.fill(model).await {
            self.wrong.push(format!("{name}: it couldn't be filled: {error}"));
            return;
        }
        let mut counts = FilterCounts::default();
        for listing in &listings {
            let filter = listing.filter();
            match found(self.harness, listing.table(), &filter).await {
                Ok([kept, paged]) => {
                    let differing = differences(listing, &kept, &paged);
                    self.wrong.extend(differing.map(|why| format!("{name}: {why}\n  with {filter:?}")));
                    let allowed = listing.cases().iter().filter(|case| case.expected().is_allowed()).count();
                    counts.lists += 1;
                    counts.allowed += allowed;
                    counts.denied += listing.cases().len() - allowed;
                }
                Err(error) => self.wrong.push(format!("{name}: {listing}: {error}\n  with {filter:?}")),
            }
        }
        self.counted.push((name, counts));
    }

    fn ended(mut self) -> Result<FilterSummary, FilterFailures> {
        let summary = FilterSummary { models: self.counted };
        let total = summary.total();
        if self.wrong.is_empty() && !total.proves() {
            self.wrong.push(format!("{total}: each should be at least a fifth"));
        }
        if self.wrong.is_empty() { Ok(summary) } else { Err(FilterFailures { failed: self.wrong }) }
    }
}

/// What the store finds whole, and page by page.
async fn found(
    harness: &dyn FilterHarness,
    table: &Table,
    filter: &Predicate,
) -> Result<[Vec<ResourceId>; 2], NoAnswer> {
    let kept = harness.kept(table, filter).await?;
    let mut paged: Vec<ResourceId> = Vec::new();
    loop {
        let page = harness.page(table, filter, paged.last(), PAGE).await?;
        let is_last = page.len() < usize::from(PAGE.get());
        if page.len() > usize::from(PAGE.get()) {
            return Err(format!("a page of {PAGE} has {} rows", page.len()).into());
        }
        paged.extend(page);
        if paged.len() > table.items().len() {
            return Err("the pages have more rows than the tenant".into());
        }
        if is_last {
            return Ok([kept, paged]);
        }
    }
}

/// Small, so that most lists have several.
const PAGE: NonZeroU16 = NonZeroU16::MIN.saturating_add(1);

/// Where what was found isn't what the model's file says, nor what a check does.
fn differences<'a>(
    listing: &'a Listing<'_>,
    kept: &'a [ResourceId],
    paged: &'a [ResourceId],
) -> impl Iterator<Item = String> + 'a {
    let whole = [("its filter", kept), ("its list", paged)];
    whole.into_iter().flat_map(move |(by, ids)| {
        let each: BTreeSet<&ResourceId> = ids.iter().collect();
        let again = ids.len() - each.len();
        let is_known = |id: &&&ResourceId| listing.table().items().iter().any(|item| item.id() == **id);
        let unknown = each.iter().filter(|id| !is_known(id)).count();
        let strange = (again + unknown > 0).then(|| {
            format!("{listing}: {by} finds {again} rows again and {unknown} that aren't the tenant's")
        });
        let wrong = listing.cases().iter().filter_map(move |case| {
            let (_, item) = case.asked_of()?;
            let (found, checked) = (each.contains(item.id()), case.check().is_allowed());
            let agree = found == checked && checked == case.expected().is_allowed();
            let said = |is_allowed| if is_allowed { "allows" } else { "denies" };
            (!agree)
                .then(|| format!("{case}\n  but {by} {} it, and a check {} it", said(found), said(checked)))
        });
        strange.into_iter().chain(wrong)
    })
}
