//! The same behind the gate.

use std::sync::Arc;

use tenantry::http::axum::Guarded;
use tenantry::http::{Gate, InvalidToken, TokenVerifier, VerifiedToken};
use tenantry::{MemoryCounters, Timestamp};
use tenantry_identity::AccessTokens;

use crate::Fault;
use crate::routes::gated;
use crate::world::{BASE, World};

/// What the gate keeps of hosts and tokens that it has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Memory {
    /// All of them.
    All,
    /// None: every request reads the store, which is in memory here, and verifies its token.
    None,
}

struct Verifier(AccessTokens);

impl TokenVerifier for Verifier {
    fn verify(&self, token: &str, now: Timestamp) -> Result<VerifiedToken, InvalidToken> {
        let claims = self.0.verify(token, now).map_err(|_| InvalidToken)?;
        let (tenant, realm, user) = (claims.tenant, claims.realm, claims.user);
        Ok(VerifiedToken { tenant, realm, user, expires_at: claims.expires_at, mfa_at: None })
    }
}

/// The service.
///
/// # Errors
/// A route without a guard.
pub(crate) fn service(world: &World, memory: Memory) -> Result<Guarded, Fault> {
    let verifier = Arc::new(Verifier(world.tokens.clone()));
    let counters = Arc::new(MemoryCounters::default());
    let kept = match memory {
        Memory::All => 4 * world.members.len() as u64,
        Memory::None => 0,
    };
    let gate = Gate::builder(world.app.clone(), BASE.parse()?, "platform".parse()?, verifier, counters)
        .cache_capacity(kept);
    Ok(gated(&gate.build())?.with_state(()))
}
