//! The names and quantities that go over the wire, each checked where it enters.

use std::fmt;

use serde::{Deserialize, Serialize};

const LONGEST_REFERENCE: usize = 200;

/// A caller's name for a checkout or a refund: 1 to 200 letters, digits and `-._~:`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(try_from = "String")]
#[sqlx(transparent)]
pub struct Reference(String);

impl Reference {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Reference {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte);
        if (1..=LONGEST_REFERENCE).contains(&text.len()) && text.bytes().all(known) {
            Ok(Self(text))
        } else {
            Err("a reference is 1 to 200 letters, digits and -._~:")
        }
    }
}

/// An amount above zero, in minor units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, sqlx::Type)]
#[serde(try_from = "i64")]
#[sqlx(transparent)]
pub struct Amount(i64);

impl Amount {
    /// The amount in minor units.
    #[must_use]
    pub fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for Amount {
    type Error = &'static str;

    fn try_from(minor: i64) -> Result<Self, Self::Error> {
        if minor > 0 { Ok(Self(minor)) } else { Err("an amount is above zero, in minor units") }
    }
}

/// A currency: three capital letters, as ISO 4217 has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(try_from = "String")]
#[sqlx(transparent)]
pub struct Currency(String);

impl Currency {
    /// The three letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Currency {
    type Error = &'static str;

    fn try_from(code: String) -> Result<Self, Self::Error> {
        if code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase()) {
            Ok(Self(code))
        } else {
            Err("a currency is three capital letters, as USD")
        }
    }
}

/// The provider's id of a checkout: `co_` and 32 hex digits that nobody guesses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct CheckoutId(String);

impl CheckoutId {
    pub(crate) fn from_digest(digest: &[u8; 32]) -> Self {
        let (half, _) = digest.split_at(16);
        Self(format!("co_{}", hex::encode(half)))
    }

    pub(crate) fn from_text(text: String) -> Self {
        Self(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The id of an event: `evt_` and a version 7 UUID.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, sqlx::Type)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct EventId(String);

impl EventId {
    pub(crate) fn fresh() -> Self {
        Self(format!("evt_{}", uuid::Uuid::now_v7().simple()))
    }

    #[cfg(test)]
    pub(crate) fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_say_what_they_may_be() {
        assert!(Reference::try_from(String::new()).is_err());
        assert!(Reference::try_from("a/b".to_owned()).is_err());
        assert!(Reference::try_from("x".repeat(201)).is_err());
        assert!(Reference::try_from("0197b0e2-7a:refund.1".to_owned()).is_ok());
        assert!(Amount::try_from(0).is_err());
        assert!(Amount::try_from(-1).is_err());
        assert!(Currency::try_from("usd".to_owned()).is_err());
        assert!(Currency::try_from("USDT".to_owned()).is_err());
    }
}
