//! Why a catalog can't be built, and what it doesn't know.

use crate::Scope;

/// A catalog that can't be built: a mistake in the application, found when it starts.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CatalogError {
    /// A key is malformed.
    #[error(
        "{key:?} is no permission: write 1 to 8 segments separated by ':', each 1 to 32 of a-z, 0-9, '_' and '-'"
    )]
    InvalidKey {
        /// What was declared.
        key: &'static str,
    },
    /// A key was declared twice.
    #[error("the permission {key} is declared twice: add each permission once, under a key of its own")]
    Duplicate {
        /// The key.
        key: &'static str,
    },
    /// A permission implies one that isn't declared.
    #[error(
        "the permission {key} implies {implied}, which the catalog doesn't have: add it, or correct the key"
    )]
    UnknownImplied {
        /// The permission.
        key: &'static str,
        /// What it implies.
        implied: &'static str,
    },
    /// A permission implies itself, through others or at once.
    #[error(
        "the permission {key} implies itself: break the circle, or declare one permission instead of both"
    )]
    Circular {
        /// The permission.
        key: &'static str,
    },
    /// More permissions than a set holds.
    #[error("{declared} permissions are declared, but a catalog holds 256: merge some of them")]
    TooMany {
        /// How many were declared.
        declared: usize,
    },
}

/// Scopes that match no permission of the catalog.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no permission is matched by {}: correct or remove what isn't in the catalog", Scope::list(scopes))]
#[non_exhaustive]
pub struct UnknownScope {
    /// Which ones, in the order given.
    pub scopes: Vec<Scope>,
}
