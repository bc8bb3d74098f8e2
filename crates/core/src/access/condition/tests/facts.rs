use super::*;

fn caller() -> CallerFacts {
    CallerFacts::of(
        PrincipalId::ApiKey(ApiKeyId::from_uuid(Uuid::from_u128(1))),
        TenantId::from_uuid(Uuid::from_u128(2)),
    )
}

fn request(micros: i64) -> RequestFacts {
    RequestFacts::new(Timestamp::from_micros(micros), None)
}

fn numbered(count: usize) -> Vec<(String, Literal)> {
    (0..count).map(|n| (format!("a{n}"), Literal::Integer(1))).collect()
}

#[test]
fn attributes_are_found_by_their_names() {
    let given =
        [("zone", Literal::Bool(true)), ("area", Literal::Text("x".into())), ("level", Literal::Integer(3))];
    let caller = caller().with_attributes(given).unwrap();
    assert_eq!(caller.attribute("zone"), Some(Value::Bool(true)));
    assert_eq!(caller.attribute("area"), Some(Value::Text("x")));
    assert_eq!(caller.attribute("level"), Some(Value::Integer(3)));
    assert_eq!(caller.attribute("id"), None);
    assert_eq!(caller.attributes().map(|(name, _)| name).collect::<Vec<_>>(), ["area", "level", "zone"]);
    assert_eq!((caller.principal().kind(), caller.principal().as_uuid()), ("api_key", Uuid::from_u128(1)));
}

#[test]
fn attributes_that_no_condition_can_name_are_refused() {
    use InvalidAttributes::{BuiltIn, Name, Repeated, Text, TooMany};

    let literal = |text: &str| Literal::Text(text.into());
    let of_caller = |attributes: Vec<(&str, Literal)>| caller().with_attributes(attributes).map(drop);
    let of_request = |attributes: Vec<(&str, Literal)>| request(0).with_attributes(attributes).map(drop);
    for name in ["id", "kind", "tenant"] {
        assert_eq!(
            of_caller(vec![("a", literal("")), (name, literal(""))]),
            Err(BuiltIn { position: 2 }),
            "{name}"
        );
        assert_eq!(Declared::new(&[(name, Kind::Id)], &[]), Err(BuiltIn { position: 1 }), "{name}");
        assert_eq!(of_request(vec![(name, literal(""))]), Ok(()), "{name}");
    }
    for name in ["time", "mfa_age", "time_of_day", "weekday"] {
        assert_eq!(of_request(vec![(name, literal(""))]), Err(BuiltIn { position: 1 }), "{name}");
        assert_eq!(Declared::new(&[], &[(name, Kind::Time)]), Err(BuiltIn { position: 1 }), "{name}");
        assert_eq!(of_caller(vec![(name, literal(""))]), Ok(()), "{name}");
    }
    for name in
        ["", "A", "1a", "_a", "a-b", "a.b", "ä", "and", "or", "not", "in", "true", "false", &"a".repeat(49)]
    {
        assert_eq!(of_caller(vec![(name, literal(""))]), Err(Name { position: 1 }), "{name}");
        assert!(format!("caller.{name} = 1").parse::<Condition>().is_err(), "{name}");
    }
    assert_eq!(
        of_caller(vec![("a", literal("")), ("b", literal("")), ("a", literal(""))]),
        Err(Repeated { position: 3 })
    );
    assert_eq!(Declared::new(&[("a", Kind::Id), ("a", Kind::Text)], &[]), Err(Repeated { position: 2 }));
    for text in ["\0", "a\tb", &"x".repeat(1_001)] {
        assert_eq!(of_request(vec![("a", literal(text))]), Err(Text { position: 1 }), "{text}");
    }
    assert_eq!(of_request(vec![("a", literal(&"x".repeat(1_000)))]), Ok(()));

    assert_eq!(
        caller().with_attributes(numbered(32)).unwrap().attributes().count(),
        CallerFacts::MAX_ATTRIBUTES
    );
    assert_eq!(caller().with_attributes(numbered(33)), Err(TooMany));
    assert_eq!(
        request(0).with_attributes(numbered(32)).unwrap().attributes().count(),
        RequestFacts::MAX_ATTRIBUTES
    );
    assert_eq!(request(0).with_attributes(numbered(33)), Err(TooMany));
}

#[test]
fn a_second_factor_has_an_age_once_it_was_proved() {
    let age = |now: i64, at: i64| {
        RequestFacts::new(Timestamp::from_micros(now), Some(Timestamp::from_micros(at))).mfa_age()
    };
    assert_eq!(request(0).mfa_age(), None);
    assert_eq!(age(0, 0), Some(0));
    assert_eq!(age(999_999, 0), Some(0));
    assert_eq!(age(1_000_000, 0), Some(1));
    assert_eq!(age(0, -1_500_000), Some(1));
    assert_eq!(age(0, 1), None);
    assert_eq!(age(i64::MAX, i64::MIN), Some(i64::MAX / 1_000_000));
    assert_eq!(age(i64::MIN, i64::MAX), None);
}

#[test]
fn the_clock_is_that_of_utc() {
    let clock = |text: &str| {
        let request = RequestFacts::new(text.parse().unwrap(), None);
        (request.time_of_day(), request.weekday())
    };
    assert_eq!(clock("1970-01-01T00:00:00Z"), (0, 4));
    assert_eq!(clock("1969-12-31T23:59:59.999999Z"), (1439, 3));
    assert_eq!(clock("2026-01-04T17:00:59Z"), (1020, 7));
    assert_eq!(clock("2026-01-05T00:30:00+02:00"), (1350, 7));
    for edge in [i64::MIN, i64::MAX] {
        let request = request(edge);
        assert!((0..1440).contains(&request.time_of_day()) && (1..=7).contains(&request.weekday()));
    }
}

proptest! {
    #[test]
    fn the_calendar_agrees(micros in -60_000_000_000_000_000_i64..200_000_000_000_000_000) {
        let at = Timestamp::from_micros(micros).to_jiff().unwrap().to_zoned(jiff::tz::TimeZone::UTC);
        prop_assert_eq!(request(micros).weekday(), i64::from(at.weekday().to_monday_one_offset()));
        prop_assert_eq!(request(micros).time_of_day(), i64::from(at.hour()) * 60 + i64::from(at.minute()));
    }
}
