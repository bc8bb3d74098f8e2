use async_trait::async_trait;

use super::{Email, Membership, User};
use crate::{ReadScope, RealmId, Role, RoleKey, Tenant, Unavailable, UserId};

/// What sign-in and admission read.
#[async_trait]
pub trait IdentityReader: Send + Sync {
    /// The user of a realm who signs in with an address: a look-up by key, before a tenant is known. It alone hands out
    /// the [`secret`](User::secret).
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    async fn user_by_email(&self, realm: RealmId, email: &Email) -> Result<Option<User>, Unavailable>;

    /// A member's own user record, without its [`secret`](User::secret): a tenant that a user is a member of need not be
    /// the one that keeps the user. What is read here isn't written back.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    async fn user(&self, scope: ReadScope, user: UserId) -> Result<Option<User>, Unavailable>;

    /// The scope's tenant, the membership of `user` in it and the roles that hang on it, read at one instant.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    async fn member(&self, scope: ReadScope, user: UserId) -> Result<Option<Member>, Unavailable>;

    /// A role of the scope's tenant.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    async fn role(&self, scope: ReadScope, key: &RoleKey) -> Result<Option<Role>, Unavailable>;
}

/// A member of a tenant, as of one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The tenant, whatever its status.
    pub tenant: Tenant,
    /// The membership.
    pub membership: Membership,
    /// The roles assigned to it, by key.
    pub roles: Vec<Role>,
}
