use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

/// As many rounds as PostgreSQL itself takes.
const ROUNDS: u32 = 4096;

/// What PostgreSQL keeps of a password (`SCRAM-SHA-256`, RFC 5803): setting this in place of the password keeps that
/// out of the server's log.
pub(super) fn verifier(password: &str, salt: &[u8; 16]) -> String {
    let salted = salted(password, salt);
    let client_key = mac(&salted, b"Client Key");
    let stored_key = Sha256::digest(client_key);
    let server_key = mac(&salted, b"Server Key");
    let text = |bytes: &[u8]| BASE64_STANDARD.encode(bytes);
    format!("SCRAM-SHA-256${ROUNDS}:{}${}:{}", text(salt), text(&stored_key), text(&server_key))
}

/// `Hi` of RFC 5802: PBKDF2 with one block.
fn salted(password: &str, salt: &[u8; 16]) -> [u8; 32] {
    let mut block = mac(password.as_bytes(), &[salt.as_slice(), &[0, 0, 0, 1]].concat());
    let mut sum = block;
    for _ in 1..ROUNDS {
        block = mac(password.as_bytes(), &block);
        for (sum, byte) in sum.iter_mut().zip(block) {
            *sum ^= byte;
        }
    }
    sum
}

/// HMAC-SHA256.
pub(super) fn mac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    hmac.update(message);
    hmac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verifier_is_the_one_of_rfc_7677() {
        let salt: [u8; 16] = BASE64_STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap().try_into().unwrap();
        let verifier = verifier("pencil", &salt);
        assert_eq!(
            verifier,
            "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:\
             wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
        );
    }
}
