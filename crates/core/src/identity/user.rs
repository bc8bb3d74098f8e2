use std::fmt;

use serde::{Deserialize, Serialize};

use super::Email;
use crate::{RealmId, TenantId, Timestamp, UserId};

/// A name space of users: the platform's, or one that a tenant keeps to itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Realm {
    /// Its id.
    pub id: RealmId,
    /// The tenant that keeps it.
    pub owner: TenantId,
}

/// A person, in one realm.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// The user's id.
    pub id: UserId,
    /// The realm in which the address is unique.
    pub realm: RealmId,
    /// The tenant that keeps the realm: the row is its row.
    pub owner: TenantId,
    /// The address to sign in with.
    pub email: Email,
    /// The name for people.
    pub name: String,
    /// The hashed password, if the user has one and it was asked for by address.
    pub secret: Option<StoredSecret>,
    /// Moves with each write of this row.
    pub version: u64,
    /// When the user was made.
    pub created_at: Timestamp,
}

impl User {
    /// The longest name, in characters.
    pub const MAX_NAME: usize = 200;

    /// `name` without surrounding space, if it can be a user's.
    ///
    /// # Errors
    /// [`InvalidUser`] when it is empty, longer than [`User::MAX_NAME`] or has control characters.
    pub fn valid_name(name: &str) -> Result<String, InvalidUser> {
        let name = name.trim();
        if name.is_empty() || name.chars().count() > Self::MAX_NAME || name.chars().any(char::is_control) {
            return Err(InvalidUser);
        }
        Ok(name.to_owned())
    }
}

/// A value that no user can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a user's name has 1 to 200 characters and no control characters")]
pub struct InvalidUser;

/// A hashed password in the format of whoever hashed it (a PHC string). Never printed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StoredSecret(String);

impl StoredSecret {
    /// Wraps a hash.
    #[must_use]
    pub fn new(hash: String) -> Self {
        Self(hash)
    }

    /// The hash, for whoever verifies it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for StoredSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredSecret(…)")
    }
}

/// That a user belongs to a tenant. Roles hang on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The tenant.
    pub tenant: TenantId,
    /// The user.
    pub user: UserId,
    /// The user's realm.
    pub realm: RealmId,
    /// Since when.
    pub joined_at: Timestamp,
}
