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

#[cfg(test)]
mod filters {
    use std::num::NonZeroU16;

    use async_trait::async_trait;
    use tenantry_core::conformance::access::{self, FilterHarness, Item, Model, NoAnswer, Table};
    use tenantry_core::{Predicate, ResourceId};

    /// A store of no rows, that keeps what the filter keeps in memory, or does it wrong.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    enum Memory {
        Keeps,
        KeepsAll,
        KeepsUnknown,
        FindsTwice,
        FindsOthers,
        BeginsAnew,
        SkipsOne,
        PagesTooLarge,
        IsDown,
    }

    impl Memory {
        fn kept_of(self, table: &Table, filter: &Predicate) -> Vec<ResourceId> {
            let keeps = |item: &&Item| match self {
                Self::KeepsAll => true,
                Self::KeepsUnknown => !table.keeps(&!filter.clone(), item),
                _ => table.keeps(filter, item),
            };
            let mut kept: Vec<ResourceId> =
                table.items().iter().filter(keeps).map(Item::id).cloned().collect();
            kept.sort();
            kept
        }
    }

    #[async_trait]
    impl FilterHarness for Memory {
        async fn fill(&self, model: &Model) -> Result<(), NoAnswer> {
            if *self == Self::IsDown { Err(format!("no place for {}", model.name()).into()) } else { Ok(()) }
        }

        async fn kept(&self, table: &Table, filter: &Predicate) -> Result<Vec<ResourceId>, NoAnswer> {
            let mut kept = self.kept_of(table, filter);
            match self {
                Self::FindsTwice => kept.extend(kept.first().cloned()),
                Self::FindsOthers => kept.push(ResourceId::Integer(-1)),
                _ => {}
            }
            Ok(kept)
        }

        async fn page(
            &self,
            table: &Table,
            filter: &Predicate,
            after: Option<&ResourceId>,
            limit: NonZeroU16,
        ) -> Result<Vec<ResourceId>, NoAnswer> {
            let after = after.filter(|_| *self != Self::BeginsAnew);
            let mut kept = self.kept_of(table, filter);
            kept.retain(|id| after.is_none_or(|after| id > after));
            if *self == Self::SkipsOne && after.is_some() && !kept.is_empty() {
                kept.remove(0);
            }
            kept.truncate(usize::from(limit.get()) + usize::from(*self == Self::PagesTooLarge));
            Ok(kept)
        }
    }

    #[tokio::test]
    async fn a_store_that_keeps_what_the_rows_allow_passes() {
        let summary = access::run_filters(&Memory::Keeps).await.unwrap();
        println!("{summary}");
        let total = summary.total();
        assert!(total.lists >= 150 && total.allowed + total.denied >= 500, "{total}");
    }

    #[tokio::test]
    async fn one_that_does_not_is_told_where() {
        for (memory, told) in [
            (Memory::KeepsAll, "but its filter allows it, and a check denies it"),
            (Memory::KeepsUnknown, "condition_unknown"),
            (Memory::FindsTwice, "finds 1 rows again"),
            (Memory::FindsOthers, "1 that aren't the tenant's"),
            (Memory::BeginsAnew, "more rows than the tenant"),
            (Memory::SkipsOne, "but its list denies it, and a check allows it"),
            (Memory::PagesTooLarge, "a page of 2 has 3 rows"),
            (Memory::IsDown, "no place for photos"),
        ] {
            let failures = access::run_filters(&memory).await.unwrap_err().to_string();
            assert!(failures.contains(told), "{memory:?}: {failures}");
        }
    }
}
