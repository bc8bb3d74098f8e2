use std::fmt;

use uuid::Uuid;

/// What names one request in logs and in its answer: the client's own name for it where it sends a sane one in
/// `X-Request-Id`, else a UUID of version 7.
///
/// ```
/// use tenantry_http::RequestId;
///
/// assert_eq!(RequestId::accept("deploy-7.step_2").map(|id| id.to_string()), Some("deploy-7.step_2".into()));
/// assert!(RequestId::accept("a b").is_none());
/// assert_eq!(RequestId::generate().as_str().len(), 36);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId {
    text: [u8; Self::LONGEST],
    length: u8,
}

impl RequestId {
    /// The longest name that is accepted, in characters.
    pub const LONGEST: usize = 64;

    /// The client's name for a request, if it has 1 to [`RequestId::LONGEST`] letters, digits, `.`, `_` and `-`.
    #[must_use]
    pub fn accept(text: &str) -> Option<Self> {
        let sane = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if text.is_empty() || !sane { None } else { Self::copied(text) }
    }

    /// A new name.
    #[must_use]
    pub fn generate() -> Self {
        let mut buffer = Uuid::encode_buffer();
        let text = Uuid::now_v7().hyphenated().encode_lower(&mut buffer);
        Self::copied(text).unwrap_or(Self { text: [0; Self::LONGEST], length: 0 })
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let text = self.text.get(..usize::from(self.length)).unwrap_or_default();
        std::str::from_utf8(text).unwrap_or_default()
    }

    fn copied(text: &str) -> Option<Self> {
        let mut bytes = [0; Self::LONGEST];
        bytes.get_mut(..text.len())?.copy_from_slice(text.as_bytes());
        Some(Self { text: bytes, length: u8::try_from(text.len()).ok()? })
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RequestId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_sane_names_are_accepted() {
        let longest = "a".repeat(64);
        assert_eq!(RequestId::accept(&longest).unwrap().as_str(), longest);
        for text in ["", "a b", "a\nb", "é", "a/b", &"a".repeat(65)] {
            assert!(RequestId::accept(text).is_none(), "{text:?}");
        }
        assert_ne!(RequestId::generate(), RequestId::generate());
    }
}
