//! A table of documents, and what a list of it has to be.

use std::num::NonZeroU16;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use sqlx::QueryBuilder;
use tenantry_core::{Authority, Holding, Predicate, RequestFacts, ResourceId, TenantId};
use tenantry_storage::filter::{Columns, FilterDialect, Listed, list};
use uuid::Uuid;

use crate::model::{
    Document, DocumentRead, HOME, PARENT, caller, catalog, document, held, holder, holdings, index, request,
    some_request, some_scopes,
};

pub(crate) const ROWS: u128 = 120;
const PAGE: NonZeroU16 = NonZeroU16::new(7).unwrap();

pub(crate) const LISTED: Listed = Listed {
    table: "documents",
    select: "*",
    columns: Columns::new("document_id").named(&[("owner", "owner_id")]),
};

fn runner() -> TestRunner {
    TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

/// The rows of two tenants, with the same ids.
pub(crate) fn rows() -> Vec<(TenantId, Document)> {
    let mut runner = runner();
    let numbered = (1..=ROWS).flat_map(|id| [(HOME, id), (PARENT, id)]);
    let mut made = |(tenant, id)| {
        let some = document().new_tree(&mut runner).unwrap().current();
        (tenant, Document { id: Uuid::from_u128(id), ..some })
    };
    numbered.map(&mut made).collect()
}

/// The statements for a list, and whether it is done: each page is asked after the last row of the one before.
pub(crate) struct Pages<'a> {
    filter: &'a Predicate,
    pub(crate) found: Vec<Uuid>,
}

impl<'a> Pages<'a> {
    pub(crate) fn of(filter: &'a Predicate) -> Self {
        Self { filter, found: Vec::new() }
    }

    pub(crate) fn next<DB: FilterDialect>(&self) -> QueryBuilder<DB> {
        let after = self.found.last().map(|id| ResourceId::Id(*id));
        list::<DB, Document>(&LISTED, HOME, self.filter, after.as_ref(), PAGE).unwrap()
    }

    /// Takes a page; tells whether there may be another.
    pub(crate) fn take(&mut self, page: Vec<Uuid>) -> bool {
        assert!(page.len() <= usize::from(PAGE.get()), "{page:?}");
        let is_full = page.len() == usize::from(PAGE.get());
        self.found.extend(page);
        is_full
    }
}

/// Asks for lists of random principals, and compares each with the checks of every row.
pub(crate) fn compare(
    cases: u32,
    rows: &[(TenantId, Document)],
    mut ask: impl FnMut(&Predicate) -> Vec<Uuid>,
) {
    let strategy = (holdings(), some_scopes(), some_request());
    let (mut runner, mut listed, mut left_out, mut asked) = (runner(), 0_usize, 0_usize, 0_usize);
    for _ in 0..cases {
        let (held, plan, request) = strategy.new_tree(&mut runner).unwrap().current();
        let catalog = catalog();
        let authority = Authority::of(&catalog, caller(1), held, &plan);
        for known in catalog.iter().filter(|known| known.key.as_str().starts_with("document:")) {
            let index = catalog.by_key(known.key.as_str()).unwrap();
            let filter = authority.filter::<Document>(index, &request);
            let allowed = |document: &Document, request: &RequestFacts| {
                authority.check(index, document, request).is_allowed()
            };
            let own = rows.iter().filter(|(tenant, _)| *tenant == HOME);
            let expected: Vec<Uuid> = own
                .filter(|(_, document)| allowed(document, &request))
                .map(|(_, document)| document.id)
                .collect();
            assert_eq!(ask(&filter), expected, "{} {filter:?}", known.key);
            listed += expected.len();
            left_out += usize::try_from(ROWS).unwrap() - expected.len();
            asked += 1;
        }
    }
    println!("{asked} lists: {listed} rows listed, {left_out} left out");
    let fifth = (listed + left_out) / 5;
    assert!(listed >= fifth && left_out >= fifth, "{listed} listed, {left_out} left out");
}

/// Asks for the lists of owners who are let into some folders too, one of them twice, and compares each with the checks
/// of every row: up to more folders than are asked one by one.
pub(crate) fn compare_folders(rows: &[(TenantId, Document)], mut ask: impl FnMut(&Predicate) -> Vec<Uuid>) {
    let own = rows.iter().filter(|(tenant, _)| *tenant == HOME).map(|(_, document)| document);
    for last in 1..12 {
        let folders = (0..=last).chain([1]).map(|number| folder(number % 6 + number / 6 * 100));
        for holdings in [folders.clone().collect(), folders.chain([owned()]).collect::<Vec<_>>()] {
            let authority = holder(holdings);
            let allowed = |document: &&Document| {
                authority.check(index::<DocumentRead>(), *document, &request()).is_allowed()
            };
            let expected: Vec<Uuid> = own.clone().filter(allowed).map(|document| document.id).collect();
            assert!(!expected.is_empty() && expected.len() < rows.len() / 2, "{last}: {expected:?}");
            let filter = authority.filter::<Document>(index::<DocumentRead>(), &request());
            assert_eq!(ask(&filter), expected, "{filter:?}");
        }
    }
}

/// The filters of some principals: an owner of some, one who is let into a folder, one who is both, one who is let into
/// four folders, one of them by two roles, and one who is that and an owner.
pub(crate) fn usual() -> Vec<Predicate> {
    let of = |held| holder(held).filter::<Document>(index::<DocumentRead>(), &request());
    let four = || [2, 3, 4, 5, 3].map(folder).to_vec();
    let both = || four().into_iter().chain([owned()]).collect();
    vec![of(vec![owned()]), of(vec![folder(2)]), of(vec![owned(), folder(2)]), of(four()), of(both())]
}

fn owned() -> Holding {
    held(&["document:read when resource.owner = caller.id"])
}

fn folder(number: u32) -> Holding {
    held(&["document:read"]).on(format!("folder/{number}").parse().unwrap()).descending()
}
