//! The provider's signatures: Standard Webhooks, HMAC-SHA256 over `id.timestamp.body`.

use std::path::Path;
use std::time::Duration;
use std::{fmt, io};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use tenantry::Timestamp;

/// How far the provider's clock may be from ours, and how long an altered or stolen report could be replayed.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);
/// The shortest key.
const MIN_BYTES: usize = 32;

/// The secret that is shared with the provider.
#[derive(Clone)]
pub(crate) struct SharedSecret(Vec<u8>);

impl SharedSecret {
    /// Reads the secret from its file: hex, at least 32 bytes.
    pub(crate) fn read(path: &Path) -> io::Result<Self> {
        let text = std::fs::read_to_string(path)?;
        let bytes = hex::decode(text.trim()).ok().filter(|bytes| bytes.len() >= MIN_BYTES);
        let invalid = || io::Error::new(io::ErrorKind::InvalidData, "not hex of at least 32 bytes");
        bytes.map(Self).ok_or_else(invalid)
    }

    /// What the provider wants to see in `Authorization`.
    pub(crate) fn api_key(&self) -> Option<String> {
        Some(hex::encode(self.mac(&[b"api-key"])?.finalize().into_bytes()))
    }

    /// Whether a report is the provider's, unaltered and fresh.
    pub(crate) fn admits(&self, signed: &SignedHeaders<'_>, body: &[u8], now: Timestamp) -> bool {
        let Ok(seconds) = signed.timestamp.parse::<i64>() else { return false };
        let age = now.as_seconds().abs_diff(seconds);
        if age > TOLERANCE.as_secs() {
            return false;
        }
        signed.signature.split(' ').filter_map(|one| one.strip_prefix("v1,")).any(|one| {
            let parts = [signed.id.as_bytes(), b".", signed.timestamp.as_bytes(), b".", body];
            match (STANDARD.decode(one), self.mac(&parts)) {
                (Ok(signature), Some(mac)) => mac.verify_slice(&signature).is_ok(),
                _ => false,
            }
        })
    }

    fn mac(&self, parts: &[&[u8]]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).ok()?;
        for part in parts {
            mac.update(part);
        }
        Some(mac)
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(…)")
    }
}

/// What a report is signed with.
pub(crate) struct SignedHeaders<'a> {
    pub(crate) id: &'a str,
    pub(crate) timestamp: &'a str,
    pub(crate) signature: &'a str,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign(secret: &SharedSecret, id: &str, timestamp: &str, body: &[u8]) -> String {
        let parts = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body];
        format!("v1,{}", STANDARD.encode(secret.mac(&parts).unwrap().finalize().into_bytes()))
    }

    #[test]
    fn only_what_the_provider_signed_just_now_is_admitted() {
        let secret = SharedSecret(vec![7; 32]);
        let now: Timestamp = "2026-01-31T12:00:00Z".parse().unwrap();
        let stamp = now.as_seconds().to_string();
        let signature = sign(&secret, "evt_1", &stamp, b"{}");
        let headers = |id, timestamp, signature| SignedHeaders { id, timestamp, signature };
        let admits = |secret: &SharedSecret, id, stamp, signature, body: &[u8], now| {
            secret.admits(&headers(id, stamp, signature), body, now)
        };
        assert!(admits(&secret, "evt_1", &stamp, &signature, b"{}", now));
        let rotated = format!("v1,AAAA {signature}");
        assert!(admits(&secret, "evt_1", &stamp, &rotated, b"{}", now));
        assert!(!admits(&secret, "evt_2", &stamp, &signature, b"{}", now), "another id");
        assert!(!admits(&secret, "evt_1", &stamp, &signature, b"{ }", now), "another body");
        assert!(!admits(&SharedSecret(vec![8; 32]), "evt_1", &stamp, &signature, b"{}", now), "another key");
        assert!(!admits(&secret, "evt_1", &stamp, &signature, b"{}", now.after(Duration::from_secs(301))));
        let later = (now.as_seconds() + 1).to_string();
        assert!(!admits(&secret, "evt_1", &later, &signature, b"{}", now), "another time");
        for wrong in ["", "v1,", "v1", "v2,AAAA", "AAAA"] {
            assert!(!admits(&secret, "evt_1", &stamp, wrong, b"{}", now), "{wrong}");
        }
    }
}
