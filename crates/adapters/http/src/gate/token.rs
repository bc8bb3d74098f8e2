use tenantry_core::{RealmId, TenantId, Timestamp, UserId};

/// Whoever can tell a good token from a bad one: a service's own, over the format that it issues.
///
/// The gate remembers a good answer until the token expires, so that it asks once for each token. A token is
/// bad or it isn't: a verifier that has to ask elsewhere keeps what it needs at hand.
pub trait TokenVerifier: Send + Sync + 'static {
    /// Whom the token names, if it is good at `now`.
    ///
    /// # Errors
    /// [`InvalidToken`] for one that is malformed, forged, meant for somebody else, expired or not yet valid.
    fn verify(&self, token: &str, now: Timestamp) -> Result<VerifiedToken, InvalidToken>;
}

/// What a good token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct VerifiedToken {
    /// The one tenant that it is good for.
    pub tenant: TenantId,
    /// The realm of the user.
    pub realm: RealmId,
    /// The user.
    pub user: UserId,
    /// The instant from which on it is good no more.
    pub expires_at: Timestamp,
    /// When the user last proved a second factor, where the token says so: `request.mfa_age` in conditions.
    pub mfa_at: Option<Timestamp>,
}

/// The token is no good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the token is not valid: sign in again")]
pub struct InvalidToken;
