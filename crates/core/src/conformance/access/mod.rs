//! Published models of access control, as tables of what each of them decides.
//!
//! Each [`Model`] is one file of `tests/golden/access` of this crate: who may do what to which resource, written down
//! by hand from the source that its head names. A store runs them against its own SQL with [`run_filters`]: it makes a
//! table of each [`Table`], fills it, and is asked which rows every [`Listing`]'s [`filter`](Listing::filter) keeps; those
//! have to be the [`expected`](Listing::expected) ones.
//!
//! ```
//! use tenantry_core::conformance::access;
//!
//! for model in access::models()? {
//!     for case in model.cases() {
//!         assert_eq!(case.check(), case.expected(), "{}: {case}", model.name());
//!     }
//!     for listing in model.listings() {
//!         let filter = listing.filter();
//!         let kept = listing.table().items().iter().filter(|item| listing.table().keeps(&filter, item));
//!         assert!(kept.map(|item| item.id()).eq(listing.expected()), "{}: {listing}", model.name());
//!     }
//! }
//! # Ok::<(), access::Unreadable>(())
//! ```

mod applications;
mod case;
mod filters;
mod handover;
mod items;
mod page;
mod people;
mod reading;
mod values;
mod world;

use applications::APPLICATIONS;
pub use case::{Case, Listing};
pub use filters::{FilterCounts, FilterFailures, FilterHarness, FilterSummary, NoAnswer, run_filters};
pub use handover::Handover;
pub use items::{Item, Table};
pub use page::Unreadable;

use crate::{Catalog, Grant};

/// A published model: an application's permissions and types of resources, and tables of decisions about them.
#[derive(Debug)]
pub struct Model {
    pub(in crate::conformance::access) name: &'static str,
    pub(in crate::conformance::access) head: String,
    pub(in crate::conformance::access) catalog: Catalog,
    pub(in crate::conformance::access) tables: Vec<std::sync::Arc<Table>>,
    pub(in crate::conformance::access) grants: Vec<Grant>,
    pub(in crate::conformance::access) cases: Vec<Case>,
    pub(in crate::conformance::access) handovers: Vec<Handover>,
}

/// Every published model, in the order of their names.
///
/// # Errors
/// [`Unreadable`] when a table isn't written as its reader wants it.
pub fn models() -> Result<Vec<Model>, Unreadable> {
    APPLICATIONS.iter().map(reading::model).collect()
}

impl Model {
    /// What its file is called, without the ending.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What stands before its tables: the source, and what is modelled in another way here, and why.
    #[must_use]
    pub fn head(&self) -> &str {
        &self.head
    }

    /// Its permissions and types of resources.
    #[must_use]
    pub const fn catalog(&self) -> &Catalog {
        &self.catalog
    }

    /// Its resources: a table for each type in each tenant that has one.
    pub fn tables(&self) -> impl ExactSizeIterator<Item = &Table> {
        self.tables.iter().map(|table| &**table)
    }

    /// Every line of its roles, all of which [fit](Catalog::check_grants) the catalog.
    #[must_use]
    pub fn grants(&self) -> &[Grant] {
        &self.grants
    }

    /// Its decisions, in the order of the file.
    #[must_use]
    pub fn cases(&self) -> &[Case] {
        &self.cases
    }

    /// The same decisions, as the lists that they come to: one for each principal, permission and request that is
    /// asked about the resources of a table. Cases without a resource are in none.
    #[must_use]
    pub fn listings(&self) -> Vec<Listing<'_>> {
        Listing::of(&self.cases)
    }

    /// What may and may not be handed on, in the order of the file.
    #[must_use]
    pub fn handovers(&self) -> &[Handover] {
        &self.handovers
    }
}
