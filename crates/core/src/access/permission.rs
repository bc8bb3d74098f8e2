//! What can be done, as types.

use serde::{Deserialize, Serialize};

/// A permission that an application declares, as a type, so that a check names it without text.
///
/// Mostly declared by [`permissions!`](crate::permissions).
///
/// ```
/// use tenantry_core::Permission;
///
/// struct ListingEdit;
///
/// impl Permission for ListingEdit {
///     const KEY: &'static str = "listing:edit";
///     const DESCRIPTION: &'static str = "Change listings.";
///     const IMPLIES: &'static [&'static str] = &["listing:read"];
/// }
/// ```
pub trait Permission: Send + Sync + 'static {
    /// Its name, a [`PermissionKey`](crate::PermissionKey).
    const KEY: &'static str;
    /// What it allows, for whoever puts a role together.
    const DESCRIPTION: &'static str;
    /// What harm it can do, for whoever reviews who holds it.
    const DANGER: Danger = Danger::Ordinary;
    /// The permissions that whoever holds this one holds too, and what those imply: keys of the same catalog.
    const IMPLIES: &'static [&'static str] = &[];
}

/// What harm a permission can do in the wrong hands. It changes no decision: reviews sort and colour by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Danger {
    /// What everybody's daily work takes.
    #[default]
    Ordinary,
    /// Shows or changes what is private or costs money.
    Sensitive,
    /// Hands out rights, destroys for good, or moves money out.
    Critical,
}

impl Danger {
    /// Its name, as documents write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ordinary => "ordinary",
            Self::Sensitive => "sensitive",
            Self::Critical => "critical",
        }
    }
}
