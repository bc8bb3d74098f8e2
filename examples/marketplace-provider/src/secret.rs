//! The shared secret and everything that is derived from it.

use std::path::Path;
use std::{fmt, fs, io};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::values::{CheckoutId, EventId, Reference};

const LEAST_BYTES: usize = 32;
const API_KEY_LABEL: &[u8] = b"api-key";

/// The secret that the provider and the marketplace share.
///
/// The file holds hex; the key of every HMAC is the bytes that the hex stands for. It never appears in
/// `Debug` output.
///
/// ```
/// use marketplace_provider::Secret;
///
/// let secret = Secret::from_hex(&"4f".repeat(32))?;
/// let key = secret.api_key();
/// assert_eq!(key.len(), 64);
/// assert!(secret.admits(&key));
/// assert!(!secret.admits("4f4f"));
/// # Ok::<(), marketplace_provider::SecretError>(())
/// ```
#[derive(Clone)]
pub struct Secret(Hmac<Sha256>);

/// Why a secret was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SecretError {
    /// The file could not be read.
    #[error("the secret file could not be read: {0}")]
    Unreadable(#[from] io::Error),
    /// The text is not hex.
    #[error("the secret is not hex: write two hex digits a byte, as `openssl rand -hex 32` does")]
    NotHex,
    /// The key is too short to be safe.
    #[error("the secret has {0} bytes: give at least 32, as `openssl rand -hex 32` does")]
    TooShort(usize),
}

impl Secret {
    /// Reads the secret from a file; white space around it is ignored.
    ///
    /// # Errors
    /// When the file cannot be read, and as [`Secret::from_hex`].
    pub fn read(file: &Path) -> Result<Self, SecretError> {
        Self::from_hex(&fs::read_to_string(file)?)
    }

    /// The secret that a hex text stands for.
    ///
    /// # Errors
    /// When it is not hex or stands for fewer than 32 bytes.
    pub fn from_hex(text: &str) -> Result<Self, SecretError> {
        let bytes = hex::decode(text.trim()).map_err(|_| SecretError::NotHex)?;
        if bytes.len() < LEAST_BYTES {
            return Err(SecretError::TooShort(bytes.len()));
        }
        Hmac::new_from_slice(&bytes).map(Self).map_err(|_| SecretError::TooShort(bytes.len()))
    }

    /// The key that callers of `/v1` present: the hex form of HMAC-SHA256 of `api-key`.
    #[must_use]
    pub fn api_key(&self) -> String {
        hex::encode(self.over(&[API_KEY_LABEL]).finalize().into_bytes())
    }

    /// Whether a presented key is the [api key](Self::api_key), compared in constant time.
    #[must_use]
    pub fn admits(&self, presented: &str) -> bool {
        hex::decode(presented).is_ok_and(|key| self.over(&[API_KEY_LABEL]).verify_slice(&key).is_ok())
    }

    /// The value of `webhook-signature` for one attempt, as Standard Webhooks has it: `v1,` and the
    /// base64 form of HMAC-SHA256 over `{id}.{timestamp}.{body}`.
    ///
    /// `timestamp` is in Unix seconds.
    #[must_use]
    pub fn signature(&self, id: &EventId, timestamp: i64, body: &[u8]) -> String {
        let timestamp = timestamp.to_string();
        let mac = self.over(&[id.as_str().as_bytes(), b".", timestamp.as_bytes(), b".", body]);
        format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
    }

    /// The id of a checkout: stable for its reference, and not to be guessed without the secret.
    #[must_use]
    pub fn checkout_id(&self, reference: &Reference) -> CheckoutId {
        let mac = self.over(&[b"checkout:", reference.as_str().as_bytes()]).finalize().into_bytes();
        CheckoutId::from_digest(&mac.into())
    }

    fn over(&self, parts: &[&[u8]]) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        for part in parts {
            mac.update(part);
        }
        mac
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The published vector of Standard Webhooks' reference implementations.
    #[test]
    fn signs_as_the_standard_does() {
        let key = STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        assert_eq!(key.len(), 24);
        let secret = Secret(Hmac::new_from_slice(&key).unwrap());
        let id = EventId::from_text("msg_p5jXN8AQM9LWM0D4loKWxJek");
        let signature = secret.signature(&id, 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn weak_secrets_are_refused() {
        assert!(matches!(Secret::from_hex("not hex"), Err(SecretError::NotHex)));
        assert!(matches!(Secret::from_hex(""), Err(SecretError::TooShort(0))));
        assert!(matches!(Secret::from_hex(&"00".repeat(31)), Err(SecretError::TooShort(31))));
        assert!(Secret::from_hex(&format!("{}\n", "00".repeat(32))).is_ok());
    }

    #[test]
    fn checkout_ids_follow_the_reference_and_the_secret() {
        let (one, other) =
            (Secret::from_hex(&"01".repeat(32)).unwrap(), Secret::from_hex(&"02".repeat(32)).unwrap());
        let reference = Reference::try_from("order-1".to_owned()).unwrap();
        assert_eq!(one.checkout_id(&reference), one.checkout_id(&reference));
        assert_ne!(one.checkout_id(&reference), other.checkout_id(&reference));
    }

    #[test]
    fn debug_keeps_it() {
        assert_eq!(format!("{:?}", Secret::from_hex(&"01".repeat(32)).unwrap()), "Secret(…)");
    }
}
