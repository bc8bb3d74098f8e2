use super::*;

/// What each condition is in the [full](World::full) world, which is 2026-01-01T00:00:00Z, a Thursday.
const MEANINGS: &[(&str, Option<bool>)] = &[
    ("resource.owner = caller.id", Some(true)),
    ("caller.id = resource.owner", Some(true)),
    ("resource.editor = caller.id", Some(false)),
    ("resource.editor != caller.id", Some(true)),
    ("resource.owner = id('00000000-0000-0000-0000-000000000001')", Some(true)),
    ("caller.tenant = resource.editor", Some(true)),
    ("caller.tenant = caller.id", Some(false)),
    ("caller.kind = 'user'", Some(true)),
    ("caller.kind in ('api_key', 'service_account')", Some(false)),
    ("caller.state = resource.state", Some(true)),
    ("caller.level >= resource.amount", Some(true)),
    ("caller.level > resource.amount", Some(false)),
    ("caller.missing = 1", None),
    ("resource.amount < resource.limit", Some(true)),
    ("resource.amount <= 5 and resource.amount >= 5", Some(true)),
    ("resource.state in ('paused', 'draft')", Some(true)),
    ("resource.state in (1, 2)", None),
    ("resource.state = 5", None),
    ("resource.state < 'z'", None),
    ("resource.state != 'Draft'", Some(true)),
    ("resource.locked = false", Some(true)),
    ("resource.locked < true", None),
    ("not resource.locked = true", Some(true)),
    ("resource.id = 5 and resource.id in (1, 5)", Some(true)),
    ("resource.id = resource.amount", Some(true)),
    ("resource.missing = 1", None),
    ("not resource.missing = 1", None),
    ("resource.missing = resource.missing", None),
    ("resource.missing = 1 or resource.amount = 5", Some(true)),
    ("resource.missing = 1 and resource.amount = 6", Some(false)),
    ("resource.amount = 5 or resource.amount = 6 and resource.amount = 7", Some(true)),
    ("(resource.amount = 5 or resource.amount = 6) and resource.amount = 7", Some(false)),
    ("not resource.amount = 6 and resource.amount = 7", Some(false)),
    ("not (resource.amount = 6 and resource.amount = 7)", Some(true)),
    ("request.mfa_age = 60", Some(true)),
    ("request.mfa_age < 60", Some(false)),
    ("request.time >= time('2026-01-01T00:00:00Z')", Some(true)),
    ("request.time > time('2026-01-01T00:00:00Z')", Some(false)),
    ("resource.due <= request.time", Some(true)),
    ("request.time_of_day = 0 and request.weekday = 4", Some(true)),
    ("request.risk <= 0", Some(true)),
    ("request.missing != 0", None),
];

/// All three ways of asking, which have to agree.
fn answer(condition: &Condition, world: &World) -> Option<bool> {
    let direct = world.says(condition);
    let predicate = condition.predicate(&world.facts());
    assert_eq!(predicate.evaluate(&world.paper), direct, "{condition} in {world:?}");
    assert_eq!(predicate.fitted::<Paper>().evaluate(&world.paper), direct, "{condition} in {world:?}");
    direct
}

#[test]
fn conditions_mean_what_they_say() {
    for (text, expected) in MEANINGS {
        assert_eq!(answer(&condition(text), &World::full()), *expected, "{text}");
    }
}

/// Exhaustive, over true, false and unknown on both sides.
#[test]
fn unknown_is_joined_as_in_sql() {
    let (both, either) = (
        "resource.locked = true and resource.shared = true",
        "resource.locked = true or resource.shared = true",
    );
    let (t, f, u) = (Some(true), Some(false), None);
    let table = [
        (t, t, t, t),
        (t, f, f, t),
        (t, u, u, t),
        (f, t, f, t),
        (f, f, f, f),
        (f, u, f, u),
        (u, t, u, t),
        (u, f, f, u),
        (u, u, u, u),
    ];
    for (locked, shared, and, or) in table {
        let world = World { paper: Paper { locked, shared, ..Paper::default() }, ..World::full() };
        assert_eq!(answer(&condition(both), &world), and, "{locked:?} and {shared:?}");
        assert_eq!(answer(&condition(either), &world), or, "{locked:?} or {shared:?}");
        assert_eq!(answer(&condition(&format!("not ({both})")), &world), and.map(|known| !known));
        assert_eq!(answer(&condition("not resource.locked = true"), &world), locked.map(|known| !known));
    }
}

#[test]
fn without_a_resource_its_attributes_are_unknown() {
    let world = World::full();
    let says = |text: &str| condition(text).evaluate(None::<&Paper>, &world.facts());
    assert_eq!(says("resource.owner = caller.id"), None);
    assert_eq!(says("resource.owner = caller.id or caller.kind = 'user'"), Some(true));
    assert_eq!(says("resource.state in ('draft') and caller.kind = 'api_key'"), Some(false));
}

#[test]
fn a_predicate_keeps_only_what_asks_for_the_resource() {
    let world = World::full();
    let of = |text: &str| condition(text).predicate(&world.facts());
    let amount = |comparison, value| Predicate::Compare {
        attribute: "amount".into(),
        comparison,
        value: Literal::Integer(value),
    };
    let unknown = Predicate::Constant(None);

    assert_eq!(of("caller.level <= resource.amount"), amount(Comparison::AtLeast, 5));
    assert_eq!(of("caller.kind = 'user' and resource.amount < 9"), amount(Comparison::Less, 9));
    assert_eq!(of("caller.kind = 'api_key' or resource.amount < 9"), amount(Comparison::Less, 9));
    assert_eq!(of("caller.kind = 'user' or resource.amount < 9"), Predicate::Constant(Some(true)));
    assert_eq!(of("caller.kind = 'api_key' and resource.amount < 9"), Predicate::Constant(Some(false)));
    assert_eq!(of("caller.missing = resource.amount"), unknown);
    assert_eq!(of("resource.state >= 'a'"), unknown);
    assert_eq!(of("not caller.missing in (1)"), unknown);
    assert_eq!(
        of("caller.missing = 1 and resource.amount < 9 and request.missing = 1"),
        Predicate::All(vec![amount(Comparison::Less, 9), unknown.clone()]),
    );
    assert_eq!(of("caller.missing = 1 or caller.kind = 'api_key'"), unknown);
    assert_eq!(of("not not resource.amount < 9"), amount(Comparison::Less, 9));
    assert_eq!(of("not caller.kind = 'user' or not resource.amount < 9"), !amount(Comparison::Less, 9));
    assert_eq!(
        of(
            "(caller.kind = 'api_key' or resource.amount > 1 and resource.amount < 9) and resource.amount != 5"
        ),
        Predicate::All(vec![
            amount(Comparison::More, 1),
            amount(Comparison::Less, 9),
            amount(Comparison::NotEqual, 5),
        ]),
    );
    assert_eq!(
        of("resource.amount < resource.limit"),
        Predicate::CompareAttributes {
            left: "amount".into(),
            comparison: Comparison::Less,
            right: "limit".into(),
        },
    );
    assert_eq!(
        of("resource.amount in (1, 2)"),
        Predicate::In { attribute: "amount".into(), values: vec![Literal::Integer(1), Literal::Integer(2)] },
    );
    assert_eq!(
        (Predicate::all([]), Predicate::any([])),
        (Predicate::Constant(Some(true)), Predicate::Constant(Some(false)))
    );
}

#[test]
fn what_a_database_would_compare_in_its_own_way_is_unknown() {
    let world = World::full();
    let fitted = |text: &str| condition(text).predicate(&world.facts()).fitted::<Paper>();
    for text in [
        "resource.amount = '5'",
        "resource.amount = resource.state",
        "resource.amount in ('5')",
        "resource.state < resource.state",
        "resource.owner >= resource.editor",
        "not resource.missing = 1",
        "resource.missing = resource.amount",
        "resource.id = 'x'",
        "resource.id in ('x', 'y')",
    ] {
        assert_eq!(fitted(text), Predicate::Constant(None), "{text}");
    }
    assert_eq!(
        fitted("resource.amount = 5 or resource.amount = '5' and resource.missing = 1"),
        Predicate::Any(vec![
            Predicate::is_in("amount", vec![Literal::Integer(5)]),
            Predicate::Constant(None),
        ])
    );
}

#[test]
fn what_is_joined_the_same_way_twice_is_one_list() {
    let present = |name: &str| Predicate::Present { attribute: name.into() };
    let three = || vec![present("a"), present("b"), present("c")];
    let (all, any) =
        (Predicate::all([present("a"), present("b")]), Predicate::any([present("a"), present("b")]));
    assert_eq!(Predicate::all([all.clone(), present("c")]), Predicate::All(three()));
    assert_eq!(Predicate::any([any.clone(), present("c")]), Predicate::Any(three()));
    assert_eq!(Predicate::all([any.clone(), present("c")]), Predicate::All(vec![any, present("c")]));
    assert_eq!(Predicate::any([all.clone(), present("c")]), Predicate::Any(vec![all, present("c")]));
}

#[test]
fn a_list_of_one_is_a_comparison_and_of_none_is_never() {
    let numbers = |count: i64| (0..count).map(Literal::Integer).collect::<Vec<_>>();
    assert_eq!(Predicate::is_in("amount", numbers(0)), Predicate::Constant(Some(false)));
    assert_eq!(
        Predicate::is_in("amount", numbers(1)),
        Predicate::Compare {
            attribute: "amount".into(),
            comparison: Comparison::Equal,
            value: Literal::Integer(0),
        },
    );
    assert_eq!(
        Predicate::is_in("amount", numbers(3)),
        Predicate::In { attribute: "amount".into(), values: numbers(3) },
    );
}

#[test]
fn a_condition_that_looks_at_the_caller_is_known_by_it() {
    for (text, expected) in [
        ("resource.owner = caller.id", true),
        ("caller.kind = 'user'", true),
        ("resource.amount = 1 and (resource.amount = 2 or not caller.tenant = resource.owner)", true),
        ("resource.amount <= caller.level", true),
        ("caller.state in ('draft')", true),
        ("resource.owner = resource.editor", false),
        ("request.mfa_age <= 900 or resource.state in ('caller')", false),
        ("resource.caller = 'caller.id'", false),
    ] {
        assert_eq!(condition(text).mentions_caller(), expected, "{text}");
    }
}

#[test]
fn implication_is_that_of_the_parts() {
    let implies = |one: &str, other: &str| condition(one).implies(&condition(other));
    let three = "resource.a = 1 and (resource.b = 2 and not resource.c = 3)";
    assert!(implies(three, three));
    assert!(implies(three, "not resource.c = 3 and resource.a = 1"));
    assert!(implies(three, "resource.b = 2"));
    assert!(!implies("resource.b = 2", three));
    assert!(!implies(three, "resource.c = 3"));
    assert!(!implies("resource.a = 1 or resource.b = 2", "resource.a = 1"));
    assert!(!implies("not (resource.a = 1 and resource.b = 2)", "not resource.a = 1"));
    assert!(implies(
        "(resource.a = 1 or resource.b = 2) and resource.c = 3",
        "resource.a = 1 or resource.b = 2"
    ));
    assert!(!implies("resource.a = '1'", "resource.a = 1"));
}

/// What two conditions make: pairs of these often look alike, and mean different things.
fn made_of(one: &Condition, two: &Condition) -> Vec<Condition> {
    [
        format!("{one}"),
        format!("{two}"),
        format!("({one}) and ({two})"),
        format!("({two}) and ({one})"),
        format!("({one}) or ({two})"),
        format!("not ({one})"),
        format!("not (({one}) and ({two}))"),
        format!("not (({one}) or ({two}))"),
        format!("({one}) and not ({two})"),
    ]
    .iter()
    .filter_map(|text| text.parse().ok())
    .collect()
}

/// What no condition makes: constants, and joins of none or of one.
fn any_predicate() -> impl Strategy<Value = Predicate> {
    let leaf = prop_oneof![
        any::<Option<bool>>().prop_map(Predicate::Constant),
        some_of(&["locked", "shared"]).prop_map(|attribute| Predicate::Compare {
            attribute: attribute.into(),
            comparison: Comparison::Equal,
            value: Literal::Bool(true),
        }),
    ];
    leaf.prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Predicate::All),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Predicate::Any),
            inner.prop_map(|part| Predicate::Not(Box::new(part))),
        ]
    })
}

proptest! {
    #[test]
    fn evaluating_and_filtering_agree(
        condition in any_condition(),
        worlds in prop::collection::vec(world(), 8),
    ) {
        for world in &worlds {
            answer(&condition, world);
        }
    }

    #[test]
    fn simplifying_changes_no_answer(parts in prop::collection::vec(any_predicate(), 0..4), paper in paper()) {
        let says = |predicate: Predicate| predicate.evaluate(&paper);
        prop_assert_eq!(says(Predicate::all(parts.clone())), says(Predicate::All(parts.clone())));
        prop_assert_eq!(says(Predicate::any(parts.clone())), says(Predicate::Any(parts.clone())));
        for part in parts {
            prop_assert_eq!(says(!part.clone()), says(Predicate::Not(Box::new(part))));
        }
    }

    #[test]
    fn implication_is_never_wrong(
        one in any_condition(),
        two in any_condition(),
        worlds in prop::collection::vec(world(), 16),
    ) {
        let made = made_of(&one, &two);
        for (a, b) in made.iter().flat_map(|a| made.iter().map(move |b| (a, b))) {
            let wrong = |world: &World| world.says(a) == Some(true) && world.says(b) != Some(true);
            prop_assert!(!(a.implies(b) && worlds.iter().any(wrong)), "{} doesn't imply {}", a, b);
        }
        for whole in made.iter().skip(2).take(2) {
            prop_assert!(whole.implies(&one) && whole.implies(&two), "{} implies {} and {}", whole, one, two);
        }
    }
}
