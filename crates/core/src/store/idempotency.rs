use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use sha2::{Digest as _, Sha256};

use crate::{PrincipalId, TenantId, Timestamp};

/// What a client names a request by, so that sending it again does it once: 1 to 200 visible ASCII characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// How long a key is remembered: 24 hours.
    pub const LIFETIME: Duration = Duration::from_secs(24 * 3600);

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for IdempotencyKey {
    type Err = InvalidIdempotencyKey;

    fn from_str(text: &str) -> Result<Self, InvalidIdempotencyKey> {
        let fits = (1..=200).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidIdempotencyKey) }
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdempotencyKey({})", self.0)
    }
}

/// The text is no idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key has 1 to 200 visible ASCII characters")]
pub struct InvalidIdempotencyKey;

/// What makes two requests the same: a SHA-256 over their length-prefixed parts.
///
/// ```
/// use tenantry_core::Fingerprint;
///
/// let first = Fingerprint::of(&[b"POST", b"/api/orders", br#"{"listing":"shop"}"#]);
/// assert_eq!(first, Fingerprint::of(&[b"POST", b"/api/orders", br#"{"listing":"shop"}"#]));
/// assert_ne!(first, Fingerprint::of(&[b"POST", b"/api/orders", br#"{"listing":"other"}"#]));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a request.
    #[must_use]
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hash = Sha256::new();
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    /// The fingerprint that a store holds.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for storing them.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Whose key it is: keys of other tenants, principals and operations have nothing to do with it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyOwner {
    /// The tenant.
    pub tenant: TenantId,
    /// Who asks.
    pub principal: PrincipalId,
    /// What is asked, such as `order.place`.
    pub operation: &'static str,
    /// The key.
    pub key: IdempotencyKey,
}

/// A key with the request that it stands for and the answer that the batch gives: stored with the batch, so that
/// the same request gets the same answer again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyed {
    /// Whose key.
    pub owner: KeyOwner,
    /// The request.
    pub fingerprint: Fingerprint,
    /// The answer.
    pub answer: Answer,
    /// When it is forgotten.
    pub expires_at: Timestamp,
}

/// An answer as the client got it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status, in the words of whoever gave it: over HTTP its number.
    pub status: u16,
    /// The body, to the byte; at most 64 KiB.
    pub body: Vec<u8>,
}
