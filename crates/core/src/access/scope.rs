//! Patterns over permissions.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::permission_key::PermissionKey;

/// A pattern over permissions: what a role, a plan or an API key lists.
///
/// 1 to 8 segments separated by `:`, each a literal (as in a [`PermissionKey`]) or `*`. A `*` at the end
/// stands for all that remains, at least one segment; a `*` anywhere else stands for exactly one.
///
/// | scope | matches | doesn't match |
/// | --- | --- | --- |
/// | `*` | everything | |
/// | `api:*` | `api:read`, `api:keys:read` | `api`, `web:read` |
/// | `*:read` | `listing:read`, `billing:read` | `billing:invoice:read`, `read` |
/// | `billing:read` | `billing:read` | `billing:invoice:read` |
///
/// Two scopes are equal exactly when they match the same permissions.
///
/// ```
/// use tenantry_core::Scope;
///
/// let scope: Scope = "api:*".parse()?;
/// assert!(scope.matches(&"api:keys:read".parse()?));
/// assert!(!scope.matches(&"api".parse()?));
/// assert!(scope.covers(&"api:*:read".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope(Arc<str>);

/// What a segment of the text stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Segment<'a> {
    Literal(&'a str),
    /// A `*` that isn't the last segment.
    One,
    /// A `*` that is.
    Rest,
}

impl Scope {
    /// `*`, which matches every permission, also those that a later version of the application adds.
    #[must_use]
    pub fn all() -> Self {
        Self("*".into())
    }

    /// Whether the permission falls under this pattern.
    #[must_use]
    pub fn matches(&self, key: &PermissionKey) -> bool {
        let mut named = key.segments();
        for segment in self.segments() {
            match (segment, named.next()) {
                (_, None) => return false,
                (Segment::Rest, Some(_)) => return true,
                (Segment::One, Some(_)) => {}
                (Segment::Literal(literal), Some(name)) if literal == name => {}
                (Segment::Literal(_), Some(_)) => return false,
            }
        }
        named.next().is_none()
    }

    /// Whether every permission that `other` matches, now or in any later catalog, is matched by this
    /// pattern too.
    ///
    /// Exact for one pattern against one. It is exact for a set of patterns as well, asked one by one: a set
    /// that is written down misses some literal, so what none of its patterns covers alone, they don't cover
    /// together.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let mut theirs = other.segments();
        for mine in self.segments() {
            match (mine, theirs.next()) {
                (_, None) => return false,
                (Segment::Rest, Some(_)) => return true,
                (Segment::One, Some(Segment::One | Segment::Literal(_))) => {}
                (Segment::Literal(literal), Some(Segment::Literal(other))) if literal == other => {}
                (Segment::One | Segment::Literal(_), Some(_)) => return false,
            }
        }
        theirs.next().is_none()
    }

    /// The pattern that matches exactly what both match; `None` when no permission falls under both.
    ///
    /// ```
    /// use tenantry_core::Scope;
    ///
    /// let both = "api:*".parse::<Scope>()?.intersection(&"*:read".parse()?);
    /// assert_eq!(both, Some("api:read".parse()?));
    /// # Ok::<(), tenantry_core::InvalidScope>(())
    /// ```
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let segments: [Vec<Segment<'_>>; 2] = [self.segments().collect(), other.segments().collect()];
        let [mut mine, mut theirs] = segments.each_ref().map(Vec::as_slice);
        let mut both = Vec::with_capacity(mine.len().max(theirs.len()));
        loop {
            match (mine, theirs) {
                ([], []) => break,
                ([Segment::Rest, ..], rest @ [_, ..]) | (rest @ [_, ..], [Segment::Rest, ..]) => {
                    both.extend_from_slice(rest);
                    break;
                }
                ([one, mine_after @ ..], [two, theirs_after @ ..]) => {
                    both.push(one.narrower(*two)?);
                    (mine, theirs) = (mine_after, theirs_after);
                }
                _ => return None,
            }
        }
        let texts: Vec<&str> = both.into_iter().map(Segment::as_str).collect();
        Some(Self(texts.join(":").into()))
    }

    /// Whether the pattern contains a `*`, and so may match permissions that don't exist yet.
    #[must_use]
    pub fn has_wildcard(&self) -> bool {
        self.segments().any(|segment| !matches!(segment, Segment::Literal(_)))
    }

    /// The first segment of every key that it matches; empty where that may be any.
    pub(super) fn begins(&self) -> &str {
        if let Some(Segment::Literal(first)) = self.segments().next() { first } else { "" }
    }

    fn segments(&self) -> impl Iterator<Item = Segment<'_>> {
        let mut rest = Some(&*self.0);
        std::iter::from_fn(move || {
            let text = rest.take()?;
            let Some((first, after)) = text.split_once(':') else {
                return Some(if text == "*" { Segment::Rest } else { Segment::Literal(text) });
            };
            rest = Some(after);
            Some(if first == "*" { Segment::One } else { Segment::Literal(first) })
        })
    }

    /// The scopes as a sentence lists them.
    pub(super) fn list(scopes: &[Self]) -> String {
        scopes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }

    /// The scopes that no other of them covers, each once, in the order in which they came.
    pub(super) fn widest(scopes: impl IntoIterator<Item = Self>) -> Vec<Self> {
        let mut widest: Vec<Self> = Vec::new();
        for scope in scopes {
            if !widest.iter().any(|kept| kept.covers(&scope)) {
                widest.retain(|kept| !scope.covers(kept));
                widest.push(scope);
            }
        }
        widest
    }
}

impl<'a> Segment<'a> {
    fn narrower(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Literal(one), Self::Literal(two)) if one != two => None,
            (Self::Literal(_), _) => Some(self),
            (Self::One | Self::Rest, _) => Some(other),
        }
    }

    const fn as_str(self) -> &'a str {
        match self {
            Self::Literal(literal) => literal,
            Self::One | Self::Rest => "*",
        }
    }
}

/// The scope that matches this permission alone.
impl From<&PermissionKey> for Scope {
    fn from(key: &PermissionKey) -> Self {
        Self(key.as_str().into())
    }
}

impl FromStr for Scope {
    type Err = InvalidScope;

    fn from_str(text: &str) -> Result<Self, InvalidScope> {
        for (part, position) in text.split(':').zip(1_usize..) {
            if position > PermissionKey::MAX_SEGMENTS {
                return Err(InvalidScope::TooDeep);
            }
            if part != "*" && !PermissionKey::is_valid(part) {
                return Err(InvalidScope::Segment { position });
            }
        }
        Ok(Self(text.into()))
    }
}

impl TryFrom<String> for Scope {
    type Error = InvalidScope;

    fn try_from(text: String) -> Result<Self, InvalidScope> {
        text.parse()
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        (*scope.0).to_owned()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scope({self})")
    }
}

/// The text is no scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidScope {
    /// More segments than a permission can have.
    #[error("a scope has at most 8 segments: remove those after the eighth, or end it with '*'")]
    TooDeep,
    /// A segment is neither a literal nor `*`.
    #[error("segment {position} of the scope must be '*', or 1 to 32 of a-z, 0-9, '_' and '-'")]
    Segment {
        /// Which one, counted from 1.
        position: usize,
    },
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scope(text: &str) -> Scope {
        text.parse().unwrap()
    }

    fn key(text: &str) -> PermissionKey {
        text.parse().unwrap()
    }

    /// Every text of up to `depth` segments over `names`, with `last` instead of `names` in the last place.
    fn texts(names: &[&str], last: &[&str], depth: usize) -> Vec<String> {
        let mut prefixes = vec![String::new()];
        let mut all = Vec::new();
        for _ in 0..depth {
            all.extend(prefixes.iter().flat_map(|p| last.iter().map(move |n| format!("{p}{n}"))));
            prefixes = prefixes.iter().flat_map(|p| names.iter().map(move |n| format!("{p}{n}:"))).collect();
        }
        all
    }

    /// Keys know one literal, `c`, that no scope of the tests names, and one more segment than scopes have.
    fn small_keys(depth: usize) -> Vec<PermissionKey> {
        texts(&["a", "b", "c"], &["a", "b", "c"], depth).iter().map(|text| key(text)).collect()
    }

    fn small_scope(depth: usize) -> impl Strategy<Value = Scope> {
        prop::sample::select(texts(&["a", "b", "*"], &["a", "b", "*"], depth)).prop_map(|text| scope(&text))
    }

    #[test]
    fn wildcards_match_as_documented() {
        let table = [
            ("*", "read", true),
            ("*", "api:keys:read", true),
            ("*", "a:b:c:d:e:f:g:h", true),
            ("api:*", "api:read", true),
            ("api:*", "api:keys:read", true),
            ("api:*", "api", false),
            ("api:*", "apis:read", false),
            ("api:*", "web:read", false),
            ("*:read", "listing:read", true),
            ("*:read", "billing:read", true),
            ("*:read", "listing:write", false),
            ("*:read", "read", false),
            ("*:read", "billing:invoice:read", false),
            ("*:*", "read", false),
            ("*:*", "listing:read", true),
            ("*:*", "billing:invoice:read", true),
            ("api:*:read", "api:keys:read", true),
            ("api:*:read", "api:read", false),
            ("api:*:read", "api:keys:old:read", false),
            ("billing:read", "billing:read", true),
            ("billing:read", "billing:invoice:read", false),
            ("billing:invoice:read", "billing:read", false),
            ("read", "read:read", false),
        ];
        for (pattern, name, expected) in table {
            assert_eq!(scope(pattern).matches(&key(name)), expected, "{pattern} against {name}");
        }
    }

    #[test]
    fn bad_text_is_refused_with_the_place() {
        let long = format!("a:{}", "b".repeat(33));
        for (text, position) in [
            ("", 1),
            (":read", 1),
            ("api:", 2),
            ("a::b", 2),
            ("api:**", 2),
            ("api:re*d", 2),
            ("API:read", 1),
            (" api", 1),
            ("api:réad", 2),
            (&long, 2),
        ] {
            assert_eq!(text.parse::<Scope>(), Err(InvalidScope::Segment { position }), "{text}");
        }
        assert!("a:b:c:d:e:f:g:*".parse::<Scope>().is_ok());
        assert_eq!("a:b:c:d:e:f:g:h:*".parse::<Scope>(), Err(InvalidScope::TooDeep));
        assert_eq!(":".repeat(100_000).parse::<Scope>(), Err(InvalidScope::Segment { position: 1 }));
        assert!(serde_json::from_str::<Scope>(r#""a:**""#).is_err());
    }

    /// Exhaustive, for all pairs of scopes of up to three segments.
    #[test]
    fn covering_and_intersection_are_those_of_the_matches() {
        let keys = small_keys(4);
        let scopes: Vec<(Scope, Vec<bool>)> = texts(&["a", "b", "*"], &["a", "b", "*"], 3)
            .iter()
            .map(|text| scope(text))
            .map(|scope| (scope.clone(), keys.iter().map(|key| scope.matches(key)).collect()))
            .collect();
        for (one, of_one) in &scopes {
            for (two, of_two) in &scopes {
                let covered = of_one.iter().zip(of_two).all(|(one, two)| *one || !*two);
                assert_eq!(one.covers(two), covered, "{one} covers {two}");
                assert_eq!(one == two, of_one == of_two, "{one} is {two}");
                let shared: Vec<bool> = of_one.iter().zip(of_two).map(|(one, two)| *one && *two).collect();
                let both = one.intersection(two);
                match &both {
                    None => assert!(!shared.contains(&true), "{one} and {two}"),
                    Some(both) => {
                        let of_both: Vec<bool> = keys.iter().map(|key| both.matches(key)).collect();
                        assert_eq!(of_both, shared, "{one} and {two} make {both}");
                        assert_eq!(both.to_string().parse(), Ok(both.clone()));
                    }
                }
            }
        }
    }

    #[test]
    fn the_depth_limit_makes_no_gap() {
        assert!(!scope("a:a:a:a:a:a:a:a").covers(&scope("a:a:a:a:a:a:a:*")));
        assert!(scope("a:*").covers(&scope("a:a:a:a:a:a:a:*")));
        assert!(!scope("*:*:*:*:*:*:*:a").covers(&scope("*:*:*:*:*:*:*:*")));
    }

    fn deep_segment(names: &'static [&'static str]) -> impl Strategy<Value = Vec<&'static str>> {
        prop::collection::vec(prop::sample::select(names), 1..=8)
    }

    proptest! {
        #[test]
        fn text_reads_back(text in r"([a-z0-9_-]{1,32}|\*)(:([a-z0-9_-]{1,32}|\*)){0,7}") {
            let parsed = scope(&text);
            prop_assert_eq!(parsed.to_string(), &*text);
            prop_assert_eq!(format!("{parsed:?}"), format!("Scope({text})"));
            let json = serde_json::to_string(&parsed).unwrap();
            prop_assert_eq!(serde_json::from_str::<Scope>(&json).unwrap(), parsed);
        }

        #[test]
        fn at_any_depth_what_is_covered_is_matched(
            one in deep_segment(&["a", "*", "*"]),
            two in deep_segment(&["a", "a", "*"]),
            name in deep_segment(&["a", "a", "a", "c"]),
        ) {
            let (one, two, name) = (scope(&one.join(":")), scope(&two.join(":")), key(&name.join(":")));
            prop_assert!(!(one.covers(&two) && two.matches(&name)) || one.matches(&name));
            let both = one.intersection(&two).is_some_and(|both| both.matches(&name));
            prop_assert_eq!(both, one.matches(&name) && two.matches(&name));
        }

        #[test]
        fn a_set_covers_only_what_one_of_it_covers(
            set in prop::collection::vec(small_scope(3), 0..6),
            asked in small_scope(3),
        ) {
            let by_one = set.iter().any(|scope| scope.covers(&asked));
            let by_all = small_keys(4).iter().filter(|key| asked.matches(key))
                .all(|key| set.iter().any(|scope| scope.matches(key)));
            prop_assert_eq!(by_one, by_all);
            let widest = Scope::widest(set.clone());
            prop_assert!(set.iter().all(|scope| widest.iter().any(|kept| kept.covers(scope))));
            prop_assert!(widest.iter().all(|kept| widest.iter().filter(|other| other.covers(kept)).count() == 1));
        }

        #[test]
        fn a_permission_is_the_scope_of_itself_alone(name in prop::sample::select(small_keys(3)), other in prop::sample::select(small_keys(3))) {
            let own = Scope::from(&name);
            prop_assert!(!own.has_wildcard());
            prop_assert_eq!(own.matches(&other), name == other);
            prop_assert!(Scope::all().covers(&own));
        }
    }
}
