//! The name of one permission.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The name of one permission, such as `listing:read`: never a pattern.
///
/// 1 to 8 segments separated by `:`, each 1 to 32 of `a-z`, `0-9`, `_` and `-`. Ordered as text. Cheap to
/// clone.
///
/// ```
/// use tenantry_core::PermissionKey;
///
/// let key: PermissionKey = "billing:invoice:read".parse()?;
/// assert_eq!(key.segments().collect::<Vec<_>>(), ["billing", "invoice", "read"]);
/// assert!("billing:*".parse::<PermissionKey>().is_err());
/// # Ok::<(), tenantry_core::InvalidPermissionKey>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PermissionKey(Arc<str>);

impl PermissionKey {
    /// The most segments that a key or a scope has.
    pub const MAX_SEGMENTS: usize = 8;

    /// The most characters that a segment has.
    pub const MAX_SEGMENT_LENGTH: usize = 32;

    /// Whether `text` is a permission's name; callable in a constant, so that a wrong name doesn't compile.
    ///
    /// ```
    /// use tenantry_core::PermissionKey;
    ///
    /// const _: () = assert!(PermissionKey::is_valid("listing:read"));
    /// ```
    #[must_use]
    pub const fn is_valid(text: &str) -> bool {
        let mut rest = text.as_bytes();
        let (mut segments, mut length) = (1, 0);
        while let [byte, tail @ ..] = rest {
            match *byte {
                b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' => length += 1,
                b':' if length > 0 => {
                    segments += 1;
                    length = 0;
                }
                _ => return false,
            }
            if segments > Self::MAX_SEGMENTS || length > Self::MAX_SEGMENT_LENGTH {
                return false;
            }
            rest = tail;
        }
        length > 0
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The segments, in order; at least one.
    pub fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split(':')
    }
}

impl FromStr for PermissionKey {
    type Err = InvalidPermissionKey;

    fn from_str(text: &str) -> Result<Self, InvalidPermissionKey> {
        if Self::is_valid(text) { Ok(Self(text.into())) } else { Err(InvalidPermissionKey) }
    }
}

impl TryFrom<String> for PermissionKey {
    type Error = InvalidPermissionKey;

    fn try_from(text: String) -> Result<Self, InvalidPermissionKey> {
        text.parse()
    }
}

impl From<PermissionKey> for String {
    fn from(key: PermissionKey) -> Self {
        key.as_str().to_owned()
    }
}

impl AsRef<str> for PermissionKey {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl Borrow<str> for PermissionKey {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for PermissionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for PermissionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PermissionKey({self})")
    }
}

/// The text names no permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a permission: write 1 to 8 segments separated by ':', each 1 to 32 of a-z, 0-9, '_' and '-', such as \
     listing:read"
)]
pub struct InvalidPermissionKey;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_literal_and_bounded() {
        let longest = "a".repeat(32);
        for text in ["a", "listing:read", "api:keys:read", "a_b-9:0", "a:b:c:d:e:f:g:h", &longest] {
            assert_eq!(text.parse::<PermissionKey>().unwrap().as_str(), text);
        }
        let too_long = "a".repeat(33);
        for text in [
            "",
            ":",
            "a:",
            ":a",
            "a::b",
            "*",
            "a:*",
            "*:read",
            "A:read",
            "a b",
            "é",
            "a:b:c:d:e:f:g:h:i",
            &too_long,
        ] {
            assert_eq!(text.parse::<PermissionKey>(), Err(InvalidPermissionKey), "{text}");
        }
    }

    #[test]
    fn it_is_found_by_its_text() {
        let key: PermissionKey = "listing:read".parse().unwrap();
        let known = std::collections::BTreeSet::from([key.clone()]);
        assert!(known.contains("listing:read") && !known.contains("listing:write"));
        assert_eq!((key.as_ref(), &*format!("{key:?}")), ("listing:read", "PermissionKey(listing:read)"));
    }

    #[test]
    fn json_is_checked_too() {
        let key: PermissionKey = serde_json::from_str(r#""listing:read""#).unwrap();
        assert_eq!(serde_json::to_string(&key).unwrap(), r#""listing:read""#);
        assert!(serde_json::from_str::<PermissionKey>(r#""listing:*""#).is_err());
    }

    proptest! {
        #[test]
        fn text_is_kept_as_it_was(text in "[a-z0-9_-]{1,32}(:[a-z0-9_-]{1,32}){0,7}") {
            prop_assert_eq!(text.parse::<PermissionKey>().unwrap().to_string(), text);
        }

        #[test]
        fn validity_is_the_grammar(text in "[ab*:A]{0,12}") {
            let segments: Vec<&str> = text.split(':').collect();
            let expected = segments.len() <= 8
                && segments.iter().all(|s| !s.is_empty() && s.chars().all(|c| c.is_ascii_lowercase()));
            prop_assert_eq!(PermissionKey::is_valid(&text), expected);
        }
    }
}
