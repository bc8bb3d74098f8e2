//! Check, explain and filter give one answer: that of the definitions, which are written out below, slowly.

use std::cell::Cell;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tenantry_core::{
    Authority, CallerFacts, Catalog, Decision, Effect, Facts, Grant, Holding, Literal, PermissionKey,
    Predicate, RequestFacts, Resource as _, Scope, Target,
};

use crate::model::{
    Document, DocumentRead, HOME, caller, catalog, document, held, holder, holdings, index, request,
    some_request, some_scopes,
};

/// What the definitions say, read off the documentation of grants and holdings: nothing is compiled or remembered.
struct Definitions<'a> {
    catalog: &'a Catalog,
    caller: &'a CallerFacts,
    request: &'a RequestFacts,
    holdings: &'a [Holding],
    limits: &'a [&'a [Scope]],
}

impl Definitions<'_> {
    fn allow(&self, asked: &PermissionKey, document: Option<&Document>) -> bool {
        let lines = || {
            let reaching = self.holdings.iter().filter(|holding| reaches(holding, document));
            reaching.flat_map(|holding| holding.role.grants())
        };
        let is_true = |grant: &Grant| self.condition(grant, document);
        let denied = lines().filter(|grant| grant.effect() == Effect::Deny && grant.scope().matches(asked));
        let allowed = lines().filter(|grant| grant.effect() == Effect::Allow);
        let is_denied = denied.into_iter().any(|grant| is_true(grant) != Some(false));
        let is_allowed =
            allowed.into_iter().any(|grant| self.gives(grant.scope(), asked) && is_true(grant) == Some(true));
        let is_within = self.limits.iter().all(|scopes| scopes.iter().any(|scope| self.gives(scope, asked)));
        is_allowed && !is_denied && is_within
    }

    /// Whether the scope matches the permission, or one that implies it.
    fn gives(&self, scope: &Scope, asked: &PermissionKey) -> bool {
        let index = self.catalog.by_key(asked.as_str()).unwrap();
        self.catalog.iter().any(|known| scope.matches(known.key) && known.implied.contains(index))
    }

    fn condition(&self, grant: &Grant, document: Option<&Document>) -> Option<bool> {
        let facts = Facts { caller: self.caller, request: self.request };
        grant.condition().map_or(Some(true), |condition| condition.evaluate(document, &facts))
    }
}

fn reaches(holding: &Holding, document: Option<&Document>) -> bool {
    let is_here = holding.tenant == HOME;
    let Target::Resource(on) = &holding.on else { return is_here || holding.descends };
    let Some(document) = document else { return false };
    let is_it = on.of() == "document" && on.id().value() == document.id();
    let folder = document.folder.map(tenantry_core::Value::Integer);
    let is_its_folder = on.of() == "folder" && Some(on.id().value()) == folder && holding.descends;
    is_here && (is_it || is_its_folder)
}

/// Runs one body for many random cases, and says how often it was allowed: a run that allowed or denied next to
/// nothing proved nothing.
fn for_many<S: Strategy>(name: &str, strategy: &S, body: impl Fn(S::Value) -> [u64; 2]) {
    let counted = Cell::new([0_u64, 0]);
    let mut runner = TestRunner::new(Config::with_cases(2_000));
    let ran = runner.run(strategy, |value| {
        let ([allowed, denied], [more, fewer]) = (counted.get(), body(value));
        counted.set([allowed + more, denied + fewer]);
        Ok(())
    });
    if let Err(error) = ran {
        panic!("{name}: {error}");
    }
    let [allowed, denied] = counted.get();
    println!("{name}: {allowed} allowed, {denied} denied");
    let fifth = (allowed + denied) / 5;
    assert!(allowed >= fifth && denied >= fifth, "{name}: {allowed} allowed, {denied} denied");
}

#[test]
fn every_question_has_the_answer_of_the_definitions() {
    let cases = (holdings(), some_scopes(), prop::option::of(some_scopes()), some_request());
    let cases = (cases, prop::collection::vec(document(), 1..6));
    for_many("checks, explanations and filters", &cases, |((held, plan, carried, request), documents)| {
        let catalog = catalog();
        let who = caller(1);
        let authority = Authority::of(&catalog, who.clone(), held.clone(), &plan);
        let authority = carried.as_ref().map_or(authority.clone(), |scopes| authority.narrowed_to(scopes));
        let limits: Vec<&[Scope]> = std::iter::once(&*plan).chain(carried.as_deref()).collect();
        let definitions = Definitions {
            catalog: &catalog,
            caller: &who,
            request: &request,
            holdings: &held,
            limits: &limits,
        };
        let mut counts = [0, 0];
        for known in catalog.iter() {
            let index = catalog.by_key(known.key.as_str()).unwrap();
            let filter = authority.filter::<Document>(index, &request);
            for document in &documents {
                let expected = Decision::from(definitions.allow(known.key, Some(document)));
                assert_eq!(
                    authority.check(index, document, &request),
                    expected,
                    "{} {document:?}",
                    known.key
                );
                let told = authority.explain(index, document, &request).unwrap();
                assert_eq!(told.decision(), expected, "{told}");
                assert_eq!(
                    filter.evaluate(document) == Some(true),
                    expected.is_allowed(),
                    "{filter:?} {document:?}"
                );
                assert!(expected.is_allowed() || !authority.holds(index));
                assert!(!expected.is_allowed() || authority.may_hold(index));
                counts[usize::from(!expected.is_allowed())] += 1;
            }
            let expected = Decision::from(definitions.allow(known.key, None));
            assert_eq!(authority.check_tenant(index, &request), expected, "{}", known.key);
            assert_eq!(authority.explain_tenant(index, &request).unwrap().decision(), expected);
        }
        counts
    });
}

#[test]
fn acting_as_another_is_never_wider_than_either() {
    let cases = (holdings(), holdings(), some_request(), document());
    for_many("impersonations", &cases, |(mut one, mut two, request, document)| {
        let everything = Holding::of(
            crate::model::role("all", &["document:*"]),
            tenantry_core::Assignee::User(crate::model::user(1)),
        );
        one.push(everything.clone());
        two.push(everything);
        let catalog = catalog();
        let whole = [Scope::all()];
        let as_whom = Authority::of(&catalog, caller(1), one, &whole);
        let actor = Authority::of(&catalog, caller(2), two, &whole);
        let both = as_whom.limited_to(&actor);
        let mut counts = [0, 0];
        for known in catalog.iter() {
            let index = catalog.by_key(known.key.as_str()).unwrap();
            let of = |authority: &Authority| authority.check(index, &document, &request).is_allowed();
            let expected = of(&as_whom) && of(&actor);
            assert_eq!(of(&both), expected, "{}", known.key);
            let told = both.explain(index, &document, &request).unwrap();
            assert_eq!(told.is_allowed, expected, "{told}");
            let filter = both.filter::<Document>(index, &request);
            assert_eq!(filter.evaluate(&document) == Some(true), expected, "{filter:?}");
            assert!(!both.holds(index) || (as_whom.holds(index) && actor.holds(index)));
            counts[usize::from(!expected)] += 1;
        }
        counts
    });
}

#[test]
fn a_filter_names_a_resource_once_however_many_lines_name_the_permission() {
    let lines = ["*", "document:*", "*:read", "document:read"];
    let one = || "document/00000000-0000-0000-0000-000000000001".parse().unwrap();
    let authority = holder(vec![held(&lines).on(one()), held(&lines[..2]).on(one())]);
    let filter = authority.filter::<Document>(index::<DocumentRead>(), &request());
    let only = Predicate::is_in("id", vec![Literal::Id(uuid::Uuid::from_u128(1))]);
    assert_eq!(filter, only);
}
