use std::fmt;
use std::str::FromStr;

use tenantry_core::{TenantId, Timestamp};

use super::scram::mac;

/// How long a seal lives, in seconds: longer than a transaction may take, shorter than the ten minutes that the
/// database admits.
const LIFE: i64 = 300;

/// The key of sealed mode: who has it can make the database believe a tenant. Keep it as you keep passwords.
///
/// Written as 64 hexadecimal digits.
#[derive(Clone, PartialEq, Eq)]
pub struct SealingKey([u8; 32]);

impl SealingKey {
    pub(super) fn generate() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// The key as text, for an environment file that only its owner reads.
    #[must_use]
    pub fn expose(&self) -> String {
        hex(&self.0)
    }

    /// The key xored with the two pads of HMAC (RFC 2104), as the database keeps it.
    pub(super) fn pads(&self) -> [Vec<u8>; 2] {
        let pad = |with: u8| (0..64).map(|at| self.0.get(at).copied().unwrap_or(0) ^ with).collect();
        [pad(0x36), pad(0x5c)]
    }

    pub(super) fn from_inner_pad(pad: &[u8]) -> Option<Self> {
        let key: Vec<u8> = pad.iter().take(32).map(|byte| byte ^ 0x36).collect();
        key.try_into().ok().map(Self)
    }

    /// What the setting `app.tenant_seal` must be for a tenant's transaction that begins `now`.
    pub(super) fn seal(&self, tenant: TenantId, now: Timestamp) -> String {
        let expires = now.as_micros().div_euclid(1_000_000).saturating_add(LIFE);
        let message = format!("tenant:{tenant}:{expires}");
        format!("{expires}.{}", hex(&mac(&self.0, message.as_bytes())))
    }

    /// The MAC under which the database believes a batch.
    pub(super) fn batch_mac(&self, document: &str) -> [u8; 32] {
        mac(&self.0, format!("batch:{document}").as_bytes())
    }
}

impl FromStr for SealingKey {
    type Err = InvalidSealingKey;

    fn from_str(text: &str) -> Result<Self, InvalidSealingKey> {
        unhex(text).and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or(InvalidSealingKey)
    }
}

impl fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingKey(…)")
    }
}

/// The text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a sealing key is 64 hexadecimal digits: take it from the file that the migration wrote")]
pub struct InvalidSealingKey;

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written_and_never_shown() {
        let key = SealingKey::generate().unwrap();
        assert_eq!(key.expose().parse::<SealingKey>().unwrap(), key);
        assert_eq!(format!("{key:?}"), "SealingKey(…)");
        let [inner, outer] = key.pads();
        assert_eq!((inner.len(), outer.len()), (64, 64));
        assert_eq!(SealingKey::from_inner_pad(&inner), Some(key));
        for wrong in ["", "ab", "é", &"g".repeat(64), &"a".repeat(66)] {
            assert_eq!(wrong.parse::<SealingKey>(), Err(InvalidSealingKey), "{wrong}");
        }
    }
}
