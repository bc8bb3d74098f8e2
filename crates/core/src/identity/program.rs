use serde::{Deserialize, Serialize};

use crate::name::{InvalidName, is_readable};
use crate::{ApiKeyId, Scope, ServiceAccountId, TenantId, Timestamp};

/// A program that a tenant runs, and that acts for itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceAccount {
    /// The tenant whose program it is.
    pub tenant: TenantId,
    /// Its id.
    pub id: ServiceAccountId,
    /// The name for people.
    pub name: String,
    /// When it was made.
    pub created_at: Timestamp,
}

impl ServiceAccount {
    /// The most service accounts of a tenant.
    pub const MAX: usize = 1_000;

    /// A new one.
    ///
    /// # Errors
    /// [`InvalidName`] when nobody could read the name.
    pub fn new(
        tenant: TenantId,
        id: ServiceAccountId,
        name: impl Into<String>,
        created_at: Timestamp,
    ) -> Result<Self, InvalidName> {
        let name = name.into();
        if is_readable(&name) { Ok(Self { tenant, id, name, created_at }) } else { Err(InvalidName) }
    }
}

/// A key that a tenant made for a program: what it may do is what its roles allow, within what the key carries. How
/// the key is proved (its secret) is another matter, and not here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiKey {
    /// The tenant that made it.
    pub tenant: TenantId,
    /// Its id.
    pub id: ApiKeyId,
    /// The name for people.
    pub name: String,
    /// What it carries: whatever its roles say, nothing else.
    pub scopes: Vec<Scope>,
    /// From when on it is nobody.
    pub expires_at: Timestamp,
    /// When it was made.
    pub created_at: Timestamp,
}

impl ApiKey {
    /// The most keys of a tenant, expired ones included.
    pub const MAX: usize = 1_000;
    /// The most scopes that a key carries.
    pub const MAX_SCOPES: usize = 64;

    /// Whether it is somebody at `now`.
    #[must_use]
    pub fn is_valid_at(&self, now: Timestamp) -> bool {
        now < self.expires_at
    }

    /// Whether a store can keep it.
    ///
    /// # Errors
    /// [`InvalidApiKey`] with what is out of bounds.
    pub fn check(&self) -> Result<(), InvalidApiKey> {
        if !is_readable(&self.name) {
            return Err(InvalidApiKey::Name(InvalidName));
        }
        if self.scopes.is_empty() || self.scopes.len() > Self::MAX_SCOPES {
            return Err(InvalidApiKey::Scopes { count: self.scopes.len() });
        }
        if self.expires_at <= self.created_at {
            return Err(InvalidApiKey::Expired);
        }
        Ok(())
    }
}

/// A key that is out of bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidApiKey {
    /// Nobody could read the name.
    #[error(transparent)]
    Name(InvalidName),
    /// Nothing, or too much, to carry.
    #[error("a key carries 1 to 64 scopes, not {count}: `*` for all that its roles allow")]
    Scopes {
        /// How many were given.
        count: usize,
    },
    /// It would never be anybody.
    #[error("a key expires after it is made: choose a later instant")]
    Expired,
}
