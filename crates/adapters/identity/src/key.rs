use std::fmt;
use std::io;

use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

/// The shortest secret that HS256 may be used with, in bytes (RFC 7518 §3.2).
const SHORTEST: usize = 32;

/// Sets the hash that a key id is apart from every other hash over the same secret.
const KEY_ID_LABEL: &[u8] = b"tenantry signing key id, version 1\0";

/// A secret that signs access tokens, with the id by which a token names it.
///
/// The id is derived from the secret, so that every process that holds the secret names it alike, and it
/// says nothing about it. The secret never shows in `Debug` output and is wiped from memory when dropped.
///
/// ```
/// use tenantry_identity::SigningKey;
///
/// let key = SigningKey::from_bytes(b"thirty-two bytes are the minimum")?;
/// assert_eq!(key.id(), SigningKey::from_bytes(b"thirty-two bytes are the minimum")?.id());
/// assert!(SigningKey::from_bytes(b"too short").is_err());
/// # Ok::<(), tenantry_identity::WeakKey>(())
/// ```
#[derive(Clone)]
pub struct SigningKey {
    secret: Zeroizing<Vec<u8>>,
    id: String,
}

impl SigningKey {
    /// The key made of `secret`: at least 32 bytes, random ones.
    ///
    /// # Errors
    /// [`WeakKey`] when there are fewer.
    pub fn from_bytes(secret: &[u8]) -> Result<Self, WeakKey> {
        if secret.len() < SHORTEST {
            return Err(WeakKey);
        }
        Ok(Self { id: key_id(secret), secret: Zeroizing::new(secret.to_vec()) })
    }

    /// A new key of 32 random bytes from the operating system.
    ///
    /// Tokens signed with it are refused after a restart, unless the key is kept: see
    /// [`SecretFile`](crate::SecretFile).
    ///
    /// # Errors
    /// When the operating system has no random bytes to give.
    pub fn generate() -> io::Result<Self> {
        let mut secret = Zeroizing::new(vec![0_u8; SHORTEST]);
        getrandom::fill(&mut secret).map_err(|error| io::Error::other(error.to_string()))?;
        Ok(Self { id: key_id(&secret), secret })
    }

    /// What a token's `kid` says when this key signed it: 16 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn secret(&self) -> &[u8] {
        &self.secret
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("id", &self.id).finish_non_exhaustive()
    }
}

/// The secret is too short to sign with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the signing secret is too short: give at least 32 random bytes")]
pub struct WeakKey;

fn key_id(secret: &[u8]) -> String {
    let digest = Sha256::new().chain_update(KEY_ID_LABEL).chain_update(secret).finalize();
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_does_not_show() {
        let key = SigningKey::from_bytes(&[0x41; 32]).unwrap();
        let shown = format!("{key:?}");
        assert_eq!(shown, format!("SigningKey {{ id: \"{}\", .. }}", key.id()));
        assert_eq!(key.id().len(), 16);
    }

    #[test]
    fn every_key_has_its_own_id() {
        assert_ne!(SigningKey::generate().unwrap().id(), SigningKey::generate().unwrap().id());
        assert_eq!(SigningKey::from_bytes(&[7; 31]).unwrap_err(), WeakKey);
    }
}
