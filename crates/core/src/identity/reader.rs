use async_trait::async_trait;

use super::{Email, PrincipalFacts, User};
use crate::{PrincipalId, ReadScope, RealmId, Unavailable, UserId};

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

    /// Who a principal is in the scope's tenant and all that it holds there, read at one instant. A store hands what it
    /// finds to [`PrincipalFacts::of_found`].
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    async fn principal(
        &self,
        scope: ReadScope,
        principal: PrincipalId,
    ) -> Result<Option<PrincipalFacts>, Unavailable>;
}
