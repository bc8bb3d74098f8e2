//! The names that an application gives to its meters and plans.

/// The text is no key of a meter or a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a key: use 1 to 48 of a-z, 0-9, '_', '.' and '-', with a letter first")]
pub struct InvalidKey;

/// Whether `text` is `[a-z][a-z0-9_.-]{0,47}`.
pub(super) fn is_key(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= 48
        && bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-'))
}

macro_rules! key {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// Text form: `[a-z][a-z0-9_.-]{0,47}`. Cloning shares the text.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// The key that `text` spells.
            ///
            /// # Errors
            /// [`InvalidKey`](crate::InvalidKey) when it isn't `[a-z][a-z0-9_.-]{0,47}`.
            pub fn new(text: &str) -> Result<Self, $crate::metering::key::InvalidKey> {
                if $crate::metering::key::is_key(text) {
                    Ok(Self(text.into()))
                } else {
                    Err($crate::metering::key::InvalidKey)
                }
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::metering::key::InvalidKey;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = $crate::metering::key::InvalidKey;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::new(&text)
            }
        }

        impl From<$name> for String {
            fn from(key: $name) -> Self {
                key.as_str().to_owned()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

pub(super) use key;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MeterKey;

    #[test]
    fn keys_are_short_lower_case_and_start_with_a_letter() {
        for good in ["a", "listings", "ai_calls", "ai.calls-2", &"x".repeat(48)] {
            assert!(is_key(good), "{good}");
        }
        for bad in ["", "1a", "_a", "Listings", "a b", "a/b", "é", &"x".repeat(49)] {
            assert!(!is_key(bad), "{bad}");
        }
        assert_eq!("Listings".parse::<MeterKey>(), Err(InvalidKey));
        assert!(serde_json::from_str::<MeterKey>("\"-\"").is_err());
        assert_eq!(serde_json::to_string(&MeterKey::new("ai.calls").unwrap()).unwrap(), "\"ai.calls\"");
    }
}
