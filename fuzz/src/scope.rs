//! Scopes: what is read is written as it was, and what two of them match, cover and share fits together.

use tenantry_core::{InvalidScope, PermissionKey, Scope};

/// The most lines of a text that are compared with one another.
const MAX_LINES: usize = 4;

/// One more literal than two scopes can name.
const STRANGE: [&str; 17] =
    ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p", "q"];

/// Reads each line as a scope and as a permission's name, by the grammar that is written out here, and compares every
/// two scopes on every key that could tell them apart.
pub fn scope(text: &str) {
    let lines = || text.split('\n').take(MAX_LINES);
    lines().for_each(is_read_by_the_grammar);
    let scopes: Vec<Scope> = lines().filter_map(|line| line.parse().ok()).collect();
    for one in &scopes {
        for two in &scopes {
            compare(one, two);
        }
    }
}

fn is_read_by_the_grammar(line: &str) {
    let segments: Vec<&str> = line.split(':').collect();
    let first_wrong = segments.iter().position(|segment| *segment != "*" && !is_literal(segment));
    let expected = match first_wrong {
        Some(place) if place < 8 => Err(InvalidScope::Segment { position: place + 1 }),
        _ if segments.len() > 8 => Err(InvalidScope::TooDeep),
        _ => Ok(()),
    };
    let read = line.parse::<Scope>();
    assert_eq!(read.clone().map(drop), expected, "{line:?}");
    let is_name = segments.len() <= 8 && segments.iter().all(|segment| is_literal(segment));
    assert_eq!(PermissionKey::is_valid(line), is_name, "{line:?}");
    let name = line.parse::<PermissionKey>();
    assert_eq!(name.is_ok(), is_name, "{line:?}");
    let json = serde_json::Value::from(line);
    assert_eq!(serde_json::from_value::<Scope>(json).ok(), read.clone().ok(), "{line:?}");
    let Ok(scope) = read else { return };
    assert_eq!(scope.to_string(), line);
    assert_eq!(serde_json::to_value(&scope).ok(), Some(line.into()));
    assert_eq!(scope.has_wildcard(), !is_name, "{line}");
    if let Ok(name) = name {
        assert_eq!(Scope::from(&name), scope);
        assert!(name.segments().eq(segments));
    }
}

fn is_literal(segment: &str) -> bool {
    let is_part = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    (1..=32).contains(&segment.len()) && segment.bytes().all(is_part)
}

/// A key tells two scopes apart, if any does, where each of its segments is one that a scope names in that place, or one
/// that none does: so these keys decide what the scopes cover and share, exactly.
fn compare(one: &Scope, two: &Scope) {
    let (first, second) = (one.to_string(), two.to_string());
    let patterns = [first.split(':').collect::<Vec<_>>(), second.split(':').collect()];
    let [ours, theirs] = &patterns;
    let mut keys = instances(ours, theirs);
    keys.extend(instances(theirs, ours));
    let both = one.intersection(two);
    if let Some(both) = &both {
        assert_eq!(both.to_string().parse().as_ref(), Ok(both), "{one} and {two}");
        assert!(one.covers(both) && two.covers(both), "{one} and {two} share {both}");
    }
    let (mut covers, mut shares) = (true, false);
    for key in &keys {
        let segments: Vec<&str> = key.segments().collect();
        let [by_one, by_two] = [falls_under(ours, &segments), falls_under(theirs, &segments)];
        assert_eq!(one.matches(key), by_one, "{one} and {key}");
        assert_eq!(two.matches(key), by_two, "{two} and {key}");
        let by_both = both.as_ref().is_some_and(|both| both.matches(key));
        assert_eq!(by_both, by_one && by_two, "{one} and {two} share {both:?}, {key}");
        covers &= by_one || !by_two;
        shares |= by_one && by_two;
    }
    assert_eq!(one.covers(two), covers, "{one} covers {two}");
    assert_eq!(both.is_some(), shares, "{one} and {two} share {both:?}");
    assert_eq!(two.intersection(one), both, "{one} and {two}");
    assert_eq!(one == two, one.covers(two) && two.covers(one), "{one} and {two}");
    assert!(!covers || both.as_ref() == Some(two), "{one} covers {two}, but shares {both:?}");
    assert!(Scope::all().covers(one) && (*one == Scope::all() || !one.covers(&Scope::all())));
}

/// The table in the documentation of [`Scope`], as a rule.
fn falls_under(pattern: &[&str], key: &[&str]) -> bool {
    match (pattern, key) {
        (["*"], [_, ..]) | ([], []) => true,
        ([first, pattern @ ..], [name, key @ ..]) => {
            (*first == "*" || first == name) && falls_under(pattern, key)
        }
        _ => false,
    }
}

/// Every key that `pattern` matches and whose segments are what it names, what `other` names, or what neither does.
fn instances(pattern: &[&str], other: &[&str]) -> Vec<PermissionKey> {
    let is_named = |literal: &&str| pattern.contains(literal) || other.contains(literal);
    let strange = STRANGE.iter().find(|literal| !is_named(literal)).copied().unwrap_or_default();
    let mut keys = Vec::new();
    let mut begun = vec![Vec::<&str>::new()];
    for place in 0..PermissionKey::MAX_SEGMENTS {
        let is_open = pattern.last() == Some(&"*");
        let Some(segment) = pattern.get(place).or(is_open.then_some(&"*")) else { break };
        let choice: Vec<&str> = match (*segment, other.get(place)) {
            ("*", Some(named)) if *named != "*" => vec![strange, named],
            ("*", _) => vec![strange],
            (literal, _) => vec![literal],
        };
        begun = begun
            .iter()
            .flat_map(|key| choice.iter().map(|next| key.iter().copied().chain([*next]).collect()))
            .collect();
        if place + 1 >= pattern.len() {
            keys.extend(begun.iter().filter_map(|key| key.join(":").parse().ok()));
        }
    }
    keys
}
