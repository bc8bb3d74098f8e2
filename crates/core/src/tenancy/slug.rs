use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Names that a platform needs for itself: no tenant may take one.
const RESERVED: &[&str] = &[
    "abuse",
    "account",
    "accounts",
    "admin",
    "administrator",
    "api",
    "app",
    "apps",
    "assets",
    "auth",
    "autoconfig",
    "autodiscover",
    "billing",
    "blog",
    "cdn",
    "console",
    "dashboard",
    "dev",
    "dns",
    "docs",
    "ftp",
    "healthz",
    "help",
    "host",
    "hostmaster",
    "imap",
    "internal",
    "invite",
    "localhost",
    "login",
    "logout",
    "mail",
    "media",
    "metrics",
    "mta-sts",
    "mx",
    "ns",
    "ns1",
    "ns2",
    "oauth",
    "ops",
    "pay",
    "payments",
    "platform",
    "pop",
    "postmaster",
    "public",
    "readyz",
    "register",
    "root",
    "security",
    "signin",
    "signup",
    "smtp",
    "sso",
    "staging",
    "static",
    "status",
    "support",
    "system",
    "test",
    "webhook",
    "webhooks",
    "webmaster",
    "well-known",
    "wpad",
    "www",
];

/// A tenant's name in addresses: one lower-case DNS label (RFC 1123 §2.1), 1 to 63 characters of `a-z`, `0-9`
/// and `-`, with no `-` at either end and no punycode prefix.
///
/// ```
/// use tenantry_core::{InvalidSlug, Slug};
///
/// assert_eq!("seller-one".parse::<Slug>()?.as_str(), "seller-one");
/// assert_eq!("Seller".parse::<Slug>(), Err(InvalidSlug::Character));
/// assert_eq!("www".parse::<Slug>()?.unreserved(), Err(InvalidSlug::Reserved));
/// # Ok::<(), InvalidSlug>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(Arc<str>);

impl Slug {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// This slug, unless it is one that the platform keeps for itself (`www`, `api`, `admin`, `mail`, …).
    ///
    /// # Errors
    /// [`InvalidSlug::Reserved`].
    pub fn unreserved(self) -> Result<Self, InvalidSlug> {
        if RESERVED.binary_search(&self.as_str()).is_ok() { Err(InvalidSlug::Reserved) } else { Ok(self) }
    }
}

impl FromStr for Slug {
    type Err = InvalidSlug;

    fn from_str(text: &str) -> Result<Self, InvalidSlug> {
        if text.is_empty() || text.len() > 63 {
            return Err(InvalidSlug::Length);
        }
        if !text.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-')) {
            return Err(InvalidSlug::Character);
        }
        if text.starts_with('-') || text.ends_with('-') || text.starts_with("xn--") {
            return Err(InvalidSlug::Hyphen);
        }
        Ok(Self(Arc::from(text)))
    }
}

impl TryFrom<String> for Slug {
    type Error = InvalidSlug;

    fn try_from(text: String) -> Result<Self, InvalidSlug> {
        text.parse()
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.as_str().to_owned()
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Slug({})", self.as_str())
    }
}

/// Why a text is no slug that a tenant can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidSlug {
    /// Empty, or longer than a DNS label.
    #[error("a slug has 1 to 63 characters")]
    Length,
    /// A character that no host name has.
    #[error("a slug is made of a-z, 0-9 and -")]
    Character,
    /// A hyphen where a host name can't have one.
    #[error("a slug neither begins nor ends with -, nor begins with xn--")]
    Hyphen,
    /// Kept by the platform.
    #[error("this slug is reserved: choose another")]
    Reserved,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reserved_names_are_sorted_slugs() {
        assert!(RESERVED.is_sorted());
        for name in RESERVED {
            assert_eq!(name.parse::<Slug>().unwrap().unreserved(), Err(InvalidSlug::Reserved), "{name}");
        }
    }

    #[test]
    fn only_host_labels_pass() {
        for text in ["a", "a-b", "0", &"a".repeat(63)] {
            assert!(text.parse::<Slug>().is_ok(), "{text}");
        }
        for text in ["", "-a", "a-", "A", "a_b", "a.b", "a b", "é", "xn--a", &"a".repeat(64)] {
            assert!(text.parse::<Slug>().is_err(), "{text}");
        }
    }
}
