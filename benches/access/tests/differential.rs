//! The same random tenants in tenantry's evaluator, in casbin and in Cedar: every question gets one answer.
//!
//! Tenants have roles of their own, of which some include others and some deny; users are in several tenants. casbin is
//! asked what it can express, which leaves conditions to Cedar.

#[cfg(test)]
mod agreement {
    use tenantry_bench_access::{
        Model, Ours, Question, key,
        peers::{Casbin, Cedar},
    };
    use tenantry_core::Reason;

    /// How often an evaluator allowed and denied.
    #[derive(Default)]
    struct Count {
        allowed: usize,
        denied: usize,
    }

    impl Count {
        fn of(&mut self, is_allowed: bool) {
            let count = if is_allowed { &mut self.allowed } else { &mut self.denied };
            *count += 1;
        }

        fn is_told(&self, who: &str) {
            println!("{who}: {} allowed, {} denied", self.allowed, self.denied);
            let fifth = (self.allowed + self.denied) / 5;
            assert!(self.allowed >= fifth && self.denied >= fifth, "{who} says mostly one thing");
        }
    }

    const MODELS: u64 = 60;
    const QUESTIONS: usize = 400;

    fn said(model: &Model, question: &Question) -> String {
        let membership = &model.memberships[question.membership];
        let document = question.document.map(|place| &model.documents[place]);
        format!("{membership:?} {} {document:?}", key(question.permission))
    }

    #[test]
    fn roles_in_tenants_are_those_of_casbin_and_cedar() {
        let (mut own, mut of_casbin, mut of_cedar) = (Count::default(), Count::default(), Count::default());
        let (mut denials, mut included) = (0, 0);
        for seed in 0..MODELS {
            let model = Model::random(seed, false);
            let ours = Ours::new(&model).unwrap();
            let casbin = Casbin::of_tenants(&model).unwrap();
            let cedar = Cedar::of_tenants(&model).unwrap();
            denials += model.roles.iter().flat_map(|role| &role.lines).filter(|line| line.denies).count();
            included += model.roles.iter().map(|role| role.juniors.len()).sum::<usize>();
            for question in model.questions(seed, QUESTIONS, false) {
                let is_allowed = ours.allows(&model, &question);
                let by_casbin = casbin.allows(&model, &question).unwrap();
                let by_cedar = cedar.answer(&model, &question).unwrap();
                let said = || format!("seed {seed}: {}", said(&model, &question));
                assert_eq!(is_allowed, by_casbin, "casbin, {}", said());
                assert_eq!((is_allowed, 0), (by_cedar.is_allowed, by_cedar.skipped), "Cedar, {}", said());
                own.of(is_allowed);
                of_casbin.of(by_casbin);
                of_cedar.of(by_cedar.is_allowed);
            }
        }
        println!(
            "roles in tenants: {MODELS} models, {denials} lines that deny, {included} roles that include another"
        );
        own.is_told("tenantry");
        of_casbin.is_told("casbin");
        of_cedar.is_told("Cedar");
        assert!(denials > 100 && included > 50);
    }

    /// One difference, which `differences.rs` pins: Cedar skips a policy whose condition can't be told, also one that
    /// forbids. It is counted here, and has to be that one.
    #[test]
    fn conditions_are_those_of_cedar() {
        let (mut own, mut of_cedar, mut explained) = (Count::default(), Count::default(), 0);
        for seed in 0..MODELS {
            let model = Model::random(1_000 + seed, true);
            let ours = Ours::new(&model).unwrap();
            let cedar = Cedar::of_tenants(&model).unwrap();
            for question in model.questions(seed, QUESTIONS, true) {
                let is_allowed = ours.allows(&model, &question);
                let by_cedar = cedar.answer(&model, &question).unwrap();
                own.of(is_allowed);
                of_cedar.of(by_cedar.is_allowed);
                if is_allowed != by_cedar.is_allowed {
                    let reason = reason(&ours, &model, &question);
                    let said = said(&model, &question);
                    assert_eq!(reason, Reason::DenialUnknown, "seed {seed}: {said}: {by_cedar:?}");
                    assert!(by_cedar.is_allowed && by_cedar.skipped > 0, "seed {seed}: {said}: {by_cedar:?}");
                    explained += 1;
                }
            }
        }
        println!("conditions: {MODELS} models, {explained} denials that Cedar skipped, the rest alike");
        own.is_told("tenantry");
        of_cedar.is_told("Cedar");
        assert!((1..=own.denied / 20).contains(&explained), "{explained}");
    }

    fn reason(ours: &Ours, model: &Model, question: &Question) -> Reason {
        let (authority, permission) =
            (&ours.authorities[question.membership], ours.indexes[question.permission]);
        let told = match question.document {
            Some(place) => authority.explain(permission, &model.documents[place], &ours.request),
            None => authority.explain_tenant(permission, &ours.request),
        };
        told.unwrap().reason
    }
}
