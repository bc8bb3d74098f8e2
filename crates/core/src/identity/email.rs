use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An e-mail address, as people type it: trimmed and lower-cased, so that one person has one account.
///
/// Only the shape is checked (one `@`, a dotless or dotted domain, no space, at most 254 bytes, RFC 5321
/// §4.5.3.1); that it can receive mail is known only once it has.
///
/// ```
/// use tenantry_core::Email;
///
/// assert_eq!(" Ada@Example.com ".parse::<Email>()?.as_str(), "ada@example.com");
/// assert!("ada".parse::<Email>().is_err());
/// # Ok::<(), tenantry_core::InvalidEmail>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

impl Email {
    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = InvalidEmail;

    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        let address = text.trim().to_lowercase();
        let (local, domain) = address.rsplit_once('@').ok_or(InvalidEmail)?;
        let fits = (1..=64).contains(&local.len())
            && !domain.is_empty()
            && address.len() <= 254
            && !local.contains('@')
            && !domain.starts_with(['.', '-'])
            && !domain.ends_with(['.', '-'])
            && !address.chars().any(|c| c.is_whitespace() || c.is_control());
        if fits { Ok(Self(address)) } else { Err(InvalidEmail) }
    }
}

impl TryFrom<String> for Email {
    type Error = InvalidEmail;

    fn try_from(text: String) -> Result<Self, InvalidEmail> {
        text.parse()
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(…)")
    }
}

/// The text is no e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address: expected name@domain, at most 254 characters")]
pub struct InvalidEmail;
