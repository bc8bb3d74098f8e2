use super::*;

fn with_id() -> Vec<(&'static str, Kind)> {
    Paper::ATTRIBUTES.iter().copied().chain([("id", Paper::ID)]).collect()
}

fn check(text: &str) -> Result<(), UnfitCondition> {
    condition(text).fits(&with_id(), &declared())
}

#[test]
fn what_exists_and_can_be_compared_fits() {
    for text in [
        "resource.owner = caller.id",
        "caller.tenant != resource.editor",
        "resource.amount < resource.limit and resource.due <= request.time",
        "resource.state = caller.state or not resource.state in ('draft', 'paused')",
        "resource.locked = false",
        "resource.id in (1, 2)",
        "request.mfa_age <= 900 and request.time_of_day >= 540 and request.weekday in (1, 2)",
        "caller.kind in ('user', 'service_account', 'api_key') and caller.kind = resource.state",
        "caller.level >= request.risk",
    ] {
        assert_eq!(check(text), Ok(()), "{text}");
    }
}

#[test]
fn what_can_never_be_known_is_unfit() {
    let unknown = |attribute: &str| UnfitCondition::Unknown { attribute: attribute.into() };
    let kinds =
        |attribute: &str, kind, other| UnfitCondition::Kinds { attribute: attribute.into(), kind, other };
    let order = |attribute: &str, kind| UnfitCondition::Order { attribute: attribute.into(), kind };
    let table = [
        ("resource.missing = 1", unknown("resource.missing")),
        (
            "resource.amount = 1 or not (resource.missing = 1 and resource.amount = 2)",
            unknown("resource.missing"),
        ),
        ("resource.level = 1", unknown("resource.level")),
        ("caller.amount = 1", unknown("caller.amount")),
        ("caller.risk = 1", unknown("caller.risk")),
        ("request.level = 1", unknown("request.level")),
        ("resource.amount = request.missing", unknown("request.missing")),
        ("resource.missing in (1)", unknown("resource.missing")),
        ("resource.amount = '1'", kinds("resource.amount", Kind::Integer, Kind::Text)),
        ("resource.amount in ('1')", kinds("resource.amount", Kind::Integer, Kind::Text)),
        ("resource.owner = 'me'", kinds("resource.owner", Kind::Id, Kind::Text)),
        ("caller.id = resource.state", kinds("caller.id", Kind::Id, Kind::Text)),
        ("request.time > 5", kinds("request.time", Kind::Time, Kind::Integer)),
        ("request.mfa_age < request.time", kinds("request.mfa_age", Kind::Integer, Kind::Time)),
        ("resource.state < 'z'", order("resource.state", Kind::Text)),
        ("resource.owner >= caller.id", order("resource.owner", Kind::Id)),
        ("resource.locked <= true", order("resource.locked", Kind::Bool)),
        ("caller.kind != 'usr'", UnfitCondition::CallerKind),
        ("caller.kind in ('user', 'robot')", UnfitCondition::CallerKind),
    ];
    for (text, expected) in table {
        assert_eq!(check(text), Err(expected), "{text}");
    }
    assert_eq!(
        condition("resource.owner = caller.id").fits(&[], &Declared::default()),
        Err(unknown("resource.owner")),
    );
    assert_eq!(
        check("resource.amount = '1'").unwrap_err().to_string(),
        "resource.amount is of kind integer, so compare it with one of that kind and not of kind text",
    );
}

proptest! {
    #[test]
    fn what_fits_is_known_where_everything_has_a_value(condition in any_condition()) {
        if condition.fits(&with_id(), &declared()).is_ok() {
            prop_assert!(World::full().says(&condition).is_some(), "{}", condition);
        }
    }

    #[test]
    fn what_fits_is_filtered_as_it_stands(condition in any_condition(), world in world()) {
        if condition.fits(&with_id(), &declared()).is_ok() {
            let predicate = condition.predicate(&world.facts());
            prop_assert_eq!(predicate.clone().fitted::<Paper>(), predicate);
        }
    }
}
