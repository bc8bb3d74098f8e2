//! Roles that a tenant defines.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::grant::{Effect, Grant};
use crate::id::TenantId;
use crate::name::is_readable;

/// A role of one tenant: a name for what it allows and denies.
///
/// Roles have a name space of their own: a user called `admin` has nothing to do with the role `admin`.
///
/// ```
/// use tenantry_core::{Role, TenantId};
///
/// let tenant = TenantId::generate();
/// let role = Role::new(tenant, "editor".parse()?, "Editor", vec!["listing:*".parse()?, "deny listing:delete".parse()?], 1)?;
/// assert_eq!(role.key().as_str(), "editor");
/// assert!(Role::new(tenant, "editor".parse()?, "", vec![], 1).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Fields")]
pub struct Role {
    pub(crate) tenant: TenantId,
    pub(crate) key: RoleKey,
    name: String,
    grants: Arc<[Grant]>,
    version: u64,
}

impl Role {
    /// The most roles of a tenant.
    pub const MAX: usize = 500;
    /// The most lines that a role has.
    pub const MAX_GRANTS: usize = 64;

    /// A role at `version`, which a store's guard compares.
    ///
    /// `name` is what people read: 1 to 100 characters, not all blank, none of them a control character.
    /// `grants` may be empty, at most 64. That they match something is for
    /// [`Catalog::check_grants`](crate::Catalog::check_grants) to say, when the role is stored.
    ///
    /// # Errors
    /// [`InvalidRole`] with what is out of bounds.
    pub fn new(
        tenant: TenantId,
        key: RoleKey,
        name: impl Into<String>,
        grants: Vec<Grant>,
        version: u64,
    ) -> Result<Self, InvalidRole> {
        let name = name.into();
        if !is_readable(&name) {
            return Err(InvalidRole::Name);
        }
        if grants.len() > Self::MAX_GRANTS {
            return Err(InvalidRole::Grants { count: grants.len() });
        }
        Ok(Self { tenant, key, name, grants: grants.into(), version })
    }

    /// The tenant that defined it.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// What names it within its tenant.
    #[must_use]
    pub const fn key(&self) -> &RoleKey {
        &self.key
    }

    /// What people read.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it allows and denies.
    #[must_use]
    pub fn grants(&self) -> &[Grant] {
        &self.grants
    }

    /// The same role without the lines that deny.
    pub(super) fn without_denials(role: &Arc<Self>) -> Arc<Self> {
        if role.grants.iter().all(|line| line.effect() == Effect::Allow) {
            return Arc::clone(role);
        }
        let allowing = role.grants.iter().filter(|line| line.effect() == Effect::Allow);
        Arc::new(Self { grants: allowing.cloned().collect(), ..(**role).clone() })
    }

    pub(super) const fn lines(&self) -> &Arc<[Grant]> {
        &self.grants
    }

    /// Takes `lines` in place of its own, where they are equal: its own are given back to the allocator.
    pub(super) fn share(&mut self, lines: &Arc<[Grant]>) {
        if self.grants == *lines {
            self.grants = Arc::clone(lines);
        }
    }

    /// Counts its changes.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }
}

#[derive(Deserialize)]
struct Fields {
    tenant: TenantId,
    key: RoleKey,
    name: String,
    grants: Vec<Grant>,
    version: u64,
}

impl TryFrom<Fields> for Role {
    type Error = InvalidRole;

    fn try_from(fields: Fields) -> Result<Self, InvalidRole> {
        Self::new(fields.tenant, fields.key, fields.name, fields.grants, fields.version)
    }
}

/// What names a role within its tenant: a letter, then up to 47 of `a-z`, `0-9`, `_` and `-`.
///
/// ```
/// use tenantry_core::RoleKey;
///
/// assert_eq!("owner".parse(), Ok(RoleKey::owner()));
/// assert!("Owner".parse::<RoleKey>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RoleKey(Cow<'static, str>);

impl RoleKey {
    /// `owner`: the role that at least one member of a tenant always has.
    #[must_use]
    pub const fn owner() -> Self {
        Self(Cow::Borrowed("owner"))
    }

    /// Whether this is [`RoleKey::owner`].
    #[must_use]
    pub fn is_owner(&self) -> bool {
        *self == Self::owner()
    }

    /// The key as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RoleKey {
    type Err = InvalidRole;

    fn from_str(text: &str) -> Result<Self, InvalidRole> {
        text.to_owned().try_into()
    }
}

impl TryFrom<String> for RoleKey {
    type Error = InvalidRole;

    fn try_from(text: String) -> Result<Self, InvalidRole> {
        match text.as_bytes() {
            [b'a'..=b'z', rest @ ..]
                if rest.len() <= 47
                    && rest.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-')) =>
            {
                Ok(Self(Cow::Owned(text)))
            }
            _ => Err(InvalidRole::Key),
        }
    }
}

impl From<RoleKey> for String {
    fn from(key: RoleKey) -> Self {
        key.0.into_owned()
    }
}

impl AsRef<str> for RoleKey {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for RoleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for RoleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RoleKey({self})")
    }
}

/// A role, or its key, that is out of bounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidRole {
    /// The key is malformed.
    #[error("a role's key starts with one of a-z, followed by at most 47 of a-z, 0-9, '_' and '-'")]
    Key,
    /// The name can't be shown.
    #[error("a role's name has 1 to 100 characters, not all blank and without control characters")]
    Name,
    /// Too many lines.
    #[error("a role has at most 64 lines, not {count}: use a wildcard, or split the role")]
    Grants {
        /// How many were given.
        count: usize,
    },
    /// A new tenant would begin with too many roles.
    #[error("a tenant has at most 500 roles, not {count}")]
    Roles {
        /// How many were given.
        count: usize,
    },
    /// Two roles of a new tenant have one key.
    #[error("no two roles of a tenant have the same key: give each its own")]
    SameKey,
    /// A new tenant would have nobody who owns it.
    #[error("a tenant's roles include one with the key owner: add NewRole::owner(), or your own")]
    NoOwner,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Scope;

    fn role(name: &str, grants: usize) -> Result<Role, InvalidRole> {
        Role::new(TenantId::generate(), RoleKey::owner(), name, vec![Scope::all().into(); grants], 3)
    }

    #[test]
    fn bounds_are_kept() {
        assert!(role(&"é".repeat(100), 64).is_ok());
        assert!(role("A", 0).is_ok());
        for name in ["", "  ", "a\nb", &"é".repeat(101)] {
            assert_eq!(role(name, 0), Err(InvalidRole::Name), "{name:?}");
        }
        assert_eq!(role("A", 65), Err(InvalidRole::Grants { count: 65 }));
    }

    #[test]
    fn what_is_read_back_is_checked_again() {
        let editor = role("Editor", 2).unwrap();
        assert_eq!(editor.version(), 3);
        let json = serde_json::to_value(&editor).unwrap();
        assert_eq!(json["grants"], serde_json::json!(["*", "*"]));
        assert_eq!(serde_json::from_value::<Role>(json.clone()).unwrap(), editor);
        for (field, bad) in [("name", ""), ("key", "Owner"), ("grants", "*")] {
            let mut json = json.clone();
            json[field] = bad.into();
            assert!(serde_json::from_value::<Role>(json).is_err(), "{field}");
        }
    }

    #[test]
    fn keys_are_lower_case_names() {
        assert!(RoleKey::owner().is_owner());
        assert!(serde_json::from_str::<RoleKey>(r#""owner""#).unwrap().is_owner());
        assert!(!"owners".parse::<RoleKey>().unwrap().is_owner());
        assert_eq!(RoleKey::owner().as_ref(), "owner");
        assert_eq!(format!("{:?}", RoleKey::owner()), "RoleKey(owner)");
        let long = "a".repeat(49);
        for text in ["", "1a", "-a", "Admin", "a b", "a:b", "*", "é", &long] {
            assert_eq!(text.parse::<RoleKey>(), Err(InvalidRole::Key), "{text}");
        }
    }

    proptest! {
        #[test]
        fn keys_read_back(text in "[a-z][a-z0-9_-]{0,47}") {
            let key: RoleKey = text.parse().unwrap();
            prop_assert_eq!(key.to_string(), &*text);
            let json = serde_json::to_string(&key).unwrap();
            prop_assert_eq!(serde_json::from_str::<RoleKey>(&json).unwrap(), key);
        }
    }
}
