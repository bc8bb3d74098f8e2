use super::*;

/// Each text that is accepted, and the form it takes.
const ACCEPTED: &[(&str, &str)] = &[
    (
        "resource.owner = caller.id and resource.amount <= 100000 and resource.state in ('draft', 'paused')",
        "resource.owner = caller.id and resource.amount <= 100000 and resource.state in ('draft', 'paused')",
    ),
    ("request.mfa_age<=900", "request.mfa_age <= 900"),
    ("request.time >= time('2026-01-01T02:00:00+02:00')", "request.time >= time('2026-01-01T00:00:00Z')"),
    (
        " request.time_of_day>=540\n\tand request.time_of_day<1020\r\n",
        "request.time_of_day >= 540 and request.time_of_day < 1020",
    ),
    ("request.weekday in(6,7)", "request.weekday in (6, 7)"),
    ("not resource.locked = true", "not resource.locked = true"),
    ("not(resource.locked=true)", "not resource.locked = true"),
    ("not not resource.a != false", "not not resource.a != false"),
    ("((resource.a = 1))", "resource.a = 1"),
    (
        "(resource.a = 1 and resource.b = 2) and resource.c = 3",
        "resource.a = 1 and resource.b = 2 and resource.c = 3",
    ),
    (
        "resource.a = 1 or (resource.b = 2 or resource.c = 3)",
        "resource.a = 1 or resource.b = 2 or resource.c = 3",
    ),
    (
        "resource.a = 1 or (resource.b = 2 and resource.c = 3)",
        "resource.a = 1 or resource.b = 2 and resource.c = 3",
    ),
    (
        "(resource.a = 1 or resource.b = 2) and resource.c = 3",
        "(resource.a = 1 or resource.b = 2) and resource.c = 3",
    ),
    ("not resource.a = 1 and resource.b = 2", "not resource.a = 1 and resource.b = 2"),
    ("not (resource.a = 1 and resource.b = 2)", "not (resource.a = 1 and resource.b = 2)"),
    ("not (resource.a = 1 or resource.b = 2)", "not (resource.a = 1 or resource.b = 2)"),
    ("resource.a = -9223372036854775808", "resource.a = -9223372036854775808"),
    ("resource.a > 9223372036854775807", "resource.a > 9223372036854775807"),
    ("resource.a = -0", "resource.a = 0"),
    ("resource.a = 007", "resource.a = 7"),
    ("resource.a = ''", "resource.a = ''"),
    ("resource.a = ''''", "resource.a = ''''"),
    ("resource.a = 'it''s 100 % ä 🦀 and \"so\"'", "resource.a = 'it''s 100 % ä 🦀 and \"so\"'"),
    (
        "resource.owner = id('0197A1F0000070008000000000000001')",
        "resource.owner = id('0197a1f0-0000-7000-8000-000000000001')",
    ),
    (
        "caller.kind = 'user'and caller.tenant=resource.tenant",
        "caller.kind = 'user' and caller.tenant = resource.tenant",
    ),
    ("caller.kinder = request.times", "caller.kinder = request.times"),
    ("resource.id = resource.time", "resource.id = resource.time"),
    ("resource.android = 1 and resource.order = 2", "resource.android = 1 and resource.order = 2"),
];

/// Each text that is refused, the byte at which it is, and a part of what the refusal says.
const REFUSED: &[(&str, usize, &str)] = &[
    ("", 0, "an attribute first"),
    ("   ", 3, "an attribute first"),
    ("and", 0, "an attribute: 'resource.'"),
    ("resource", 0, "an attribute: 'resource.'"),
    ("owner = caller.id", 0, "an attribute: 'resource.'"),
    ("user.id = caller.id", 0, "an attribute: 'resource.'"),
    ("Resource.owner = caller.id", 0, "an attribute: 'resource.'"),
    ("resource. owner = 1", 0, "an attribute's name"),
    ("resource.Owner = 1", 0, "an attribute's name"),
    ("resource.1 = 1", 0, "an attribute's name"),
    ("resource._a = 1", 0, "an attribute's name"),
    ("resource.a.b = 1", 0, "an attribute's name"),
    ("resource.and = 1", 0, "an attribute's name"),
    ("caller.not = 1", 0, "an attribute's name"),
    ("request.in = 1", 0, "an attribute's name"),
    ("resource.true = 1", 0, "an attribute's name"),
    ("resource.locked", 15, "after the attribute"),
    ("resource.locked and resource.a = 1", 16, "after the attribute"),
    ("resource.a is 1", 11, "after the attribute"),
    ("resource.a AND 1", 11, "after the attribute"),
    ("resource.a not in (1)", 11, "after the attribute"),
    ("1 = resource.a", 0, "an attribute first"),
    ("'a' = resource.a", 0, "an attribute first"),
    ("resource.a == 1", 12, "an attribute, true"),
    ("resource.a <> 1", 12, "an attribute, true"),
    ("resource.a ! 1", 11, "a sign"),
    ("resource.a =", 12, "an attribute, true"),
    ("resource.a = TRUE", 13, "an attribute, true"),
    ("resource.a = null", 13, "an attribute, true"),
    ("resource.a = caller", 13, "an attribute, true"),
    ("resource.a = other.b", 13, "an attribute: 'resource.'"),
    ("resource.a = caller.B", 13, "an attribute's name"),
    ("resource.a = 1.5", 13, "a whole number"),
    ("resource.a = 1e3", 13, "a whole number"),
    ("resource.a = 1_000", 13, "a whole number"),
    ("resource.a = 1and resource.b = 2", 13, "a whole number"),
    ("resource.a = -", 13, "a whole number"),
    ("resource.a = --1", 13, "a whole number"),
    ("resource.a = +1", 13, "a value"),
    ("resource.a = 9223372036854775808", 13, "a whole number"),
    ("resource.a = -9223372036854775809", 13, "a whole number"),
    ("resource.a = 'open", 13, "ends with a quote"),
    ("resource.a = 'open''", 13, "ends with a quote"),
    ("resource.a = '", 13, "ends with a quote"),
    ("resource.a = 'a\nb'", 13, "without control characters"),
    ("resource.a = 'a\0'", 13, "without control characters"),
    ("resource.a = \"a\"", 13, "a value"),
    ("resource.a = id", 15, "'(' after id"),
    ("resource.a = id(1)", 16, "a UUID"),
    ("resource.a = id('seller-one')", 16, "a UUID"),
    ("resource.a = id('0197a1f0-0000-7000-8000-000000000001'", 54, "')'"),
    ("resource.a = time 'x'", 18, "'(' after time"),
    ("resource.a = time('yesterday')", 18, "an instant"),
    ("resource.a = time('2026-01-01')", 18, "an instant"),
    ("resource.a in 1", 14, "'(' after 'in'"),
    ("resource.a in ()", 15, "true, false"),
    ("resource.a in (caller.id)", 15, "true, false"),
    ("resource.a in (1,)", 17, "true, false"),
    ("resource.a in (1 2)", 17, "','"),
    ("resource.a in (1", 16, "','"),
    ("resource.a in (1, '1')", 18, "same kind"),
    ("resource.a = 1 resource.b = 2", 15, "or the end"),
    ("resource.a = 1)", 14, "or the end"),
    ("resource.a = 1 in (1)", 15, "or the end"),
    ("(resource.a = 1", 15, "or ')'"),
    ("()", 1, "an attribute first"),
    ("resource.a = 1 and", 18, "an attribute first"),
    ("resource.a = 1 or or resource.b = 1", 18, "an attribute: 'resource.'"),
    ("not", 3, "an attribute first"),
    ("resource.a = 1; drop", 14, "a sign"),
    ("resource.a = 1 -- x", 15, "or the end"),
    ("résource.a = 1", 0, "an attribute: 'resource.'"),
    ("ärger = 1", 0, "a sign"),
    ("resource.a = 1 \u{a0}", 15, "a sign"),
    ("resource.ä = 1", 0, "an attribute's name"),
    ("resource.a = 'ä' x", 18, "or the end"),
];

#[test]
fn what_is_accepted_takes_one_form() {
    for (text, form) in ACCEPTED {
        let parsed = condition(text);
        assert_eq!(parsed.to_string(), *form, "{text}");
        assert_eq!(condition(form), parsed);
        assert_eq!(format!("{parsed:?}"), format!("Condition({form})"));
        let json = serde_json::to_string(&parsed).unwrap();
        assert_eq!(json, serde_json::to_string(form).unwrap());
        assert_eq!(serde_json::from_str::<Condition>(&json).unwrap(), parsed);
    }
}

#[test]
fn what_is_refused_says_where_and_what_it_wants() {
    for (text, position, expected) in REFUSED {
        let refused = text.parse::<Condition>().unwrap_err();
        assert_eq!(refused.position(), *position, "{text}: {refused}");
        assert!(refused.to_string().contains(expected), "{text}: {refused}");
        assert!(refused.to_string().starts_with(&format!("byte {position} ")), "{text}: {refused}");
    }
    assert!(serde_json::from_str::<Condition>("\"resource.a\"").is_err());
}

/// Joined by `or` so that it stays one list.
fn comparisons(count: usize) -> String {
    vec!["resource.a = 1"; count].join(" or ")
}

fn list(count: usize) -> String {
    format!("resource.a in ({})", vec!["1"; count].join(", "))
}

#[test]
fn bounds_are_met_and_not_passed() {
    assert_eq!(condition(&comparisons(32)).to_string(), comparisons(32));
    let position = comparisons(32).len() + " or ".len();
    assert_eq!(comparisons(33).parse::<Condition>(), Err(InvalidCondition::Comparisons { position }));
    let lists = vec!["resource.a in (1)"; 33].join(" or ");
    assert!(matches!(lists.parse::<Condition>(), Err(InvalidCondition::Comparisons { .. })));

    assert_eq!(condition(&list(64)).to_string(), list(64));
    let position = list(64).len() - 1 + ", ".len();
    assert_eq!(list(65).parse::<Condition>(), Err(InvalidCondition::Values { position }));

    let longest = "a".repeat(48);
    assert!(format!("resource.{longest} = 1").parse::<Condition>().is_ok());
    assert!(format!("resource.{longest}a = 1").parse::<Condition>().is_err());
}

#[test]
fn depth_is_bounded_however_it_is_made() {
    let nested = |depth: usize| format!("{}resource.a = 1{}", "(".repeat(depth), ")".repeat(depth));
    assert_eq!(condition(&nested(8)), condition("resource.a = 1"));
    assert_eq!(nested(9).parse::<Condition>(), Err(InvalidCondition::Depth { position: 8 }));

    let negated = |depth: usize| format!("{}resource.a = 1", "not ".repeat(depth));
    assert_eq!(condition(&negated(8)).to_string(), negated(8));
    assert_eq!(negated(9).parse::<Condition>(), Err(InvalidCondition::Depth { position: 32 }));

    let both = |depth: usize| {
        let open = "not (resource.a = 1 or ".repeat(depth);
        format!("{open}resource.b = 2{}", ")".repeat(depth))
    };
    assert_eq!(condition(&both(4)).to_string(), both(4));
    let position = both(4).find("resource.b").unwrap_or_default();
    assert_eq!(both(5).parse::<Condition>(), Err(InvalidCondition::Depth { position }));

    assert_eq!("(".repeat(2_000).parse::<Condition>(), Err(InvalidCondition::Depth { position: 8 }));
    assert_eq!("not ".repeat(500).parse::<Condition>(), Err(InvalidCondition::Depth { position: 32 }));
    for text in ["(".repeat(100_000), "not ".repeat(100_000), " ".repeat(100_000), "'".repeat(100_000)] {
        assert_eq!(text.parse::<Condition>(), Err(InvalidCondition::Length));
    }
}

#[test]
fn the_longest_text_reads_back() {
    let padded = |length: usize| format!("{:length$}", "resource.a = 1");
    assert_eq!(condition(&padded(2_000)), condition("resource.a = 1"));
    assert_eq!(padded(2_001).parse::<Condition>(), Err(InvalidCondition::Length));

    let dense = |length: usize| format!("resource.a='{}'", "x".repeat(length - "resource.a=''".len()));
    assert_eq!(condition(&dense(1_998)).to_string().len(), 2_000);
    assert_eq!(dense(1_999).parse::<Condition>(), Err(InvalidCondition::Length));
    assert_eq!(InvalidCondition::Length.position(), 2_000);
}

/// Pieces of conditions, and of what isn't one.
const PIECES: [&str; 24] = [
    "resource.a",
    "caller.id",
    "request.time",
    "and",
    "or",
    "not",
    "in",
    "(",
    ")",
    ",",
    "=",
    "!=",
    "<",
    ">=",
    "1",
    "-",
    "'a'",
    "'",
    "id(",
    "time('",
    "true",
    " ",
    "ä",
    "\0",
];

proptest! {
    #[test]
    fn a_condition_reads_back(parsed in any_condition()) {
        let text = parsed.to_string();
        prop_assert_eq!(&condition(&text), &parsed);
        prop_assert_eq!(String::from(parsed), text);
    }

    #[test]
    fn no_text_does_harm(
        pieces in prop::collection::vec(some_of(&PIECES), 0..24),
        join in some_of(&["", " "]),
        any_text in ".{0,40}",
    ) {
        for text in [pieces.join(join), any_text] {
            match text.parse::<Condition>() {
                Ok(parsed) => prop_assert_eq!(parsed.to_string().parse(), Ok(parsed)),
                Err(refused) => prop_assert!(text.is_char_boundary(refused.position()), "{}", refused),
            }
        }
    }

    #[test]
    fn any_text_can_be_a_value(text in "\\PC{0,60}") {
        let parsed = condition(&format!("resource.a = {}", Literal::Text(text.as_str().into())));
        let expected = Literal::Text(text.into());
        let Node::Compare { right: Operand::Literal(literal), .. } = &*parsed.0 else { panic!("{parsed}") };
        prop_assert_eq!(literal, &expected);
    }
}
