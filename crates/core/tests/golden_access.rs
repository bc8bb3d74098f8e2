//! What published models of access control decide, row by row: check, explain, filter, list, and what may be handed on.
//!
//! The rows are written by hand, from the sources that their files name: `tests/golden/access/*.md`. No run of this test
//! rewrites them.
#![cfg(feature = "conformance")]

#[cfg(test)]
mod golden {
    use std::collections::BTreeSet;

    use tenantry_core::Reason;
    use tenantry_core::conformance::access::{self, Case, Item, Model};

    fn models() -> Vec<Model> {
        access::models().unwrap()
    }

    /// A table in which next to everything has the same outcome proves next to nothing.
    fn counted(what: &str, outcomes: impl Iterator<Item = bool>) -> [usize; 2] {
        let (yes, no): (Vec<bool>, Vec<bool>) = outcomes.partition(|is_yes| *is_yes);
        let (yes, no) = (yes.len(), no.len());
        assert!(
            yes * 5 >= yes + no && no * 5 >= yes + no,
            "{what}: {yes} to {no}, each should be at least a fifth"
        );
        [yes, no]
    }

    #[test]
    fn checks_and_explanations_say_what_the_rows_say() {
        let (mut rows, mut of_tenants) = (0, 0);
        for model in models() {
            let mut wrong = Vec::new();
            for case in model.cases() {
                assert_eq!(case.expected().is_allowed(), case.reason() == Reason::Granted, "{case}");
                let told = case.explain().unwrap();
                let answers = (case.check(), told.decision(), told.reason);
                if answers != (case.expected(), case.expected(), case.reason()) {
                    wrong.push(format!("{case}\n  but {answers:?}: {told}"));
                }
                wrong.extend(contradiction(case));
            }
            assert!(wrong.is_empty(), "{}.md:\n{}", model.name(), wrong.join("\n"));
            if model.cases().is_empty() {
                continue;
            }
            let [allowed, denied] =
                counted(model.name(), model.cases().iter().map(|case| case.expected().is_allowed()));
            println!("{}: {allowed} allowed, {denied} denied", model.name());
            rows += allowed + denied;
            of_tenants += model.cases().iter().filter(|case| case.asked_of().is_none()).count();
        }
        println!("{rows} rows, {of_tenants} of them about a tenant as a whole");
        assert!(rows >= 500, "only {rows} rows");
    }

    /// What an authority knows without being asked about a resource, where it doesn't fit the row.
    fn contradiction(case: &Case) -> Option<String> {
        let authority = case.authority();
        let holds = authority.holds(case.permission()) && !case.expected().is_allowed();
        let may_not = !authority.may_hold(case.permission()) && case.expected().is_allowed();
        (holds || may_not).then(|| format!("{case}\n  but holds and may_hold say otherwise"))
    }

    #[test]
    fn filters_keep_what_the_rows_allow() {
        let mut rows = 0;
        for model in models() {
            for case in model.cases() {
                if let Some(((table, item), filter)) = case.asked_of().zip(case.filter()) {
                    assert_eq!(
                        table.keeps(&filter, item),
                        case.expected().is_allowed(),
                        "{}: {case}\n{filter:?}",
                        model.name()
                    );
                    rows += 1;
                }
            }
        }
        println!("{rows} rows");
        assert!(rows >= 500, "only {rows} rows");
    }

    #[test]
    fn lists_hold_exactly_the_resources_that_the_rows_allow() {
        let (mut lists, mut whole, mut empty) = (0, 0, 0);
        for model in models() {
            for listing in model.listings() {
                let (table, filter) = (listing.table(), listing.filter());
                let asked: Vec<_> =
                    listing.cases().iter().filter_map(|case| Some(case.asked_of()?.1.id())).collect();
                let each: BTreeSet<_> = asked.iter().collect();
                assert_eq!(
                    (asked.len(), each.len()),
                    (table.items().len(), table.items().len()),
                    "{}: {listing}: a row for each",
                    model.name()
                );
                let kept: Vec<_> =
                    table.items().iter().filter(|item| table.keeps(&filter, item)).map(Item::id).collect();
                let expected: Vec<_> = listing.expected().collect();
                assert_eq!(kept, expected, "{}: {listing}\n{filter:?}", model.name());
                lists += 1;
                whole += usize::from(kept.len() == table.items().len());
                empty += usize::from(kept.is_empty());
            }
        }
        println!("{lists} lists: {whole} whole, {empty} empty, {} in between", lists - whole - empty);
        assert!(lists >= 150, "only {lists} lists");
    }

    #[test]
    fn nobody_hands_on_more_than_the_rows_grant() {
        let mut rows = 0;
        for model in models() {
            for handover in model.handovers() {
                assert_eq!(handover.attempt(), handover.lacking(), "{}: {handover}", model.name());
            }
            if model.handovers().is_empty() {
                continue;
            }
            let granted = model.handovers().iter().map(|handover| handover.lacking().is_empty());
            let [granted, lacking] = counted(model.name(), granted);
            println!("{}: {granted} granted, {lacking} lacking", model.name());
            rows += granted + lacking;
        }
        assert!(rows >= 60, "only {rows} rows");
    }

    #[test]
    fn every_reason_is_in_some_row() {
        let models = models();
        let seen: BTreeSet<Reason> =
            models.iter().flat_map(|model| model.cases().iter().map(Case::reason)).collect();
        assert_eq!(seen.len(), 10, "{seen:?}");
    }

    #[test]
    fn every_model_names_its_source_and_fits_its_catalog() {
        let models = models();
        let files = std::fs::read_dir("tests/golden/access").unwrap().count();
        assert_eq!(models.len(), files, "a file that no model reads");
        for model in models {
            assert!(
                model.head().starts_with("# ") && model.head().contains("\nSource: "),
                "{}",
                model.name()
            );
            assert!(model.head().contains("What is modelled in another way, and why:"), "{}", model.name());
            model.catalog().check_grants(model.grants()).unwrap();
            let ids: BTreeSet<_> = model
                .tables()
                .flat_map(|table| {
                    let of = table.items().iter().map(|item| (table.tenant_name(), table.of(), item.id()));
                    of.collect::<Vec<_>>()
                })
                .collect();
            assert_eq!(
                ids.len(),
                model.tables().map(|table| table.items().len()).sum::<usize>(),
                "{}",
                model.name()
            );
        }
    }
}
