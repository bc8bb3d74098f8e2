use std::fmt;
use std::str::FromStr;

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

const FEWEST_CHARACTERS: usize = 12;
const MOST_CHARACTERS: usize = 128;
const MOST_BYTES_OF_AN_ATTEMPT: usize = 1024;
const FEWEST_BYTES_OF_OUTPUT: usize = 16;

/// A password in plain text, on its way to be hashed or checked.
///
/// It never shows in `Debug` output and is wiped from memory when dropped. Two passwords are the same when
/// their bytes are: no Unicode normalisation is applied.
///
/// ```
/// use tenantry_identity::{Password, PasswordError};
///
/// assert!(Password::new("correct horse battery").is_ok());
/// assert_eq!(Password::new("too short").unwrap_err(), PasswordError::TooShort);
/// assert_eq!(format!("{:?}", Password::attempt("hunter2")), "Password([redacted])");
/// ```
#[derive(Clone)]
pub struct Password {
    /// None: longer than any password can be, hence wrong whatever it says.
    text: Option<Zeroizing<String>>,
}

impl Password {
    /// A password that somebody chooses: 12 to 128 characters (Unicode scalar values), any of them.
    ///
    /// # Errors
    /// [`PasswordError`] when there are fewer or more.
    pub fn new(text: impl Into<String>) -> Result<Self, PasswordError> {
        let text = Zeroizing::new(text.into());
        match text.chars().count() {
            ..FEWEST_CHARACTERS => Err(PasswordError::TooShort),
            FEWEST_CHARACTERS..=MOST_CHARACTERS => Ok(Self { text: Some(text) }),
            _ => Err(PasswordError::TooLong),
        }
    }

    /// A password that somebody signs in with: any text.
    ///
    /// The rules for new passwords don't apply, since they may have changed since it was chosen. More than
    /// 1024 bytes are not looked at: such an attempt is wrong, and takes as long as any other to be so.
    #[must_use]
    pub fn attempt(text: impl Into<String>) -> Self {
        let text = Zeroizing::new(text.into());
        Self { text: (text.len() <= MOST_BYTES_OF_AN_ATTEMPT).then_some(text) }
    }

    /// None when the attempt was too long to be anybody's password.
    pub(crate) fn text(&self) -> Option<&str> {
        self.text.as_ref().map(|text| text.as_str())
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password([redacted])")
    }
}

/// Why a text can't be chosen as a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PasswordError {
    /// Fewer than 12 characters.
    #[error("the password is too short: choose at least 12 characters")]
    TooShort,
    /// More than 128 characters.
    #[error("the password is too long: choose at most 128 characters")]
    TooLong,
}

impl PasswordError {
    /// A stable name for programs: `password_too_short` or `password_too_long`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooShort => "password_too_short",
            Self::TooLong => "password_too_long",
        }
    }
}

/// What one hashing costs: argon2id's three parameters (RFC 9106 §3.1).
///
/// ```
/// use tenantry_identity::Cost;
///
/// assert_eq!(Cost::default(), Cost::OWASP);
/// assert_eq!(Cost::OWASP.memory_kib(), 19 * 1024);
/// let cheap_for_tests = Cost::new(8, 1, 1)?;
/// # Ok::<(), tenantry_identity::InvalidCost>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Cost {
    /// 19 MiB, two passes, one lane: the minimum that OWASP's Password Storage Cheat Sheet names.
    pub const OWASP: Self = Self { memory_kib: 19 * 1024, passes: 2, lanes: 1 };

    /// The most memory a hash may ask for: 1 GiB.
    const MOST_MEMORY_KIB: u32 = 1024 * 1024;
    const MOST_PASSES: u32 = 64;
    const MOST_LANES: u32 = 64;

    /// `memory_kib` KiB filled `passes` times in `lanes` lanes.
    ///
    /// # Errors
    /// [`InvalidCost`] outside 8 KiB a lane to 1 GiB, 1 to 64 passes, 1 to 64 lanes.
    pub const fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, InvalidCost> {
        let lanes_fit = 1 <= lanes && lanes <= Self::MOST_LANES;
        let passes_fit = 1 <= passes && passes <= Self::MOST_PASSES;
        if lanes_fit && passes_fit && lanes * 8 <= memory_kib && memory_kib <= Self::MOST_MEMORY_KIB {
            Ok(Self { memory_kib, passes, lanes })
        } else {
            Err(InvalidCost)
        }
    }

    /// Memory that one hashing fills, in KiB.
    #[must_use]
    pub const fn memory_kib(&self) -> u32 {
        self.memory_kib
    }

    /// How often it fills it.
    #[must_use]
    pub const fn passes(&self) -> u32 {
        self.passes
    }

    /// Into how many lanes it divides it. They are computed one after the other.
    #[must_use]
    pub const fn lanes(&self) -> u32 {
        self.lanes
    }

    pub(crate) fn argon2(self) -> Result<Argon2<'static>, argon2::Error> {
        let params = Params::new(self.memory_kib, self.passes, self.lanes, None)?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }
}

impl Default for Cost {
    fn default() -> Self {
        Self::OWASP
    }
}

/// The parameters can't be hashed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cost out of range: 8 KiB a lane to 1 GiB of memory, 1 to 64 passes, 1 to 64 lanes")]
pub struct InvalidCost;

/// A password's hash, in the PHC string format (`$argon2id$v=19$m=19456,t=2,p=1$salt$hash`).
///
/// Store what [`PasswordHash::as_str`] gives and parse it back when somebody signs in. It never shows in
/// `Debug` output, since whoever has it can try passwords against it at leisure.
#[derive(Clone)]
pub struct PasswordHash {
    text: String,
    phc: phc::PasswordHash,
    cost: Cost,
}

impl PasswordHash {
    pub(crate) fn from_phc(phc: phc::PasswordHash) -> Result<Self, InvalidPasswordHash> {
        let params = Params::try_from(&phc).map_err(|_| InvalidPasswordHash)?;
        let cost =
            Cost::new(params.m_cost(), params.t_cost(), params.p_cost()).map_err(|_| InvalidPasswordHash)?;
        let long_enough = phc.hash.as_ref().is_some_and(|output| output.len() >= FEWEST_BYTES_OF_OUTPUT);
        let plain = params.keyid().is_empty() && params.data().is_empty();
        let algorithm_fits = phc.algorithm == argon2::ARGON2ID_IDENT && phc.version == Some(19);
        if algorithm_fits && plain && long_enough && phc.salt.is_some() {
            Ok(Self { text: phc.to_string(), phc, cost })
        } else {
            Err(InvalidPasswordHash)
        }
    }

    /// The PHC string, for storing it: at most 256 ASCII characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What it cost to make, and costs to check.
    #[must_use]
    pub const fn cost(&self) -> Cost {
        self.cost
    }

    /// Whether hashing the password again today, at `cost`, would give a hash of another form.
    pub(crate) fn is_outdated(&self, cost: Cost) -> bool {
        let output = self.phc.hash.as_ref().map(phc::Output::len);
        self.cost != cost || output != Some(Params::DEFAULT_OUTPUT_LEN)
    }

    pub(crate) const fn phc(&self) -> &phc::PasswordHash {
        &self.phc
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash([redacted])")
    }
}

impl FromStr for PasswordHash {
    type Err = InvalidPasswordHash;

    fn from_str(text: &str) -> Result<Self, InvalidPasswordHash> {
        Self::from_phc(phc::PasswordHash::new(text).map_err(|_| InvalidPasswordHash)?)
    }
}

/// The text is no hash that can be checked: another algorithm or version, a cost outside [`Cost::new`]'s
/// range, or damaged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a password hash: expected $argon2id$v=19$m=…,t=…,p=…$salt$hash with a cost in range")]
pub struct InvalidPasswordHash;

#[cfg(test)]
mod tests {
    use super::*;

    const PARSES: &str = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$\
                          MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE";

    #[test]
    fn characters_are_counted_and_not_bytes() {
        assert!(Password::new("é".repeat(12)).is_ok());
        assert!(Password::new("🔑".repeat(128)).is_ok());
        assert_eq!(Password::new("é".repeat(11)).unwrap_err().code(), "password_too_short");
        assert_eq!(Password::new("é".repeat(129)).unwrap_err().code(), "password_too_long");
    }

    #[test]
    fn whatever_can_be_chosen_can_be_attempted() {
        let longest = "🔑".repeat(128);
        assert_eq!(Password::attempt(longest.clone()).text(), Some(longest.as_str()));
        assert!(Password::attempt("x".repeat(1024)).text().is_some());
        assert!(Password::attempt("x".repeat(1025)).text().is_none());
    }

    #[test]
    fn hashes_read_back_and_do_not_show() {
        let hash: PasswordHash = PARSES.parse().unwrap();
        assert_eq!(hash.as_str(), PARSES);
        assert_eq!(hash.cost(), Cost::OWASP);
        assert_eq!(format!("{hash:?}"), "PasswordHash([redacted])");
    }

    #[test]
    fn hashes_that_would_cost_too_much_or_prove_too_little_are_refused() {
        for (instead, of) in [
            ("argon2i$", "argon2id$"),
            ("argon2d$", "argon2id$"),
            ("$v=16$", "$v=19$"),
            ("$", "$v=19$"),
            ("m=4194304,", "m=19456,"),
            ("m=7,", "m=19456,"),
            ("t=4000000000,", "t=2,"),
            ("t=0,", "t=2,"),
            ("p=1,keyid=AAAA", "p=1"),
            ("$MDEyMzQ1Njc4OTAx", "$MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE"),
            ("", "$MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE"),
        ] {
            let text = PARSES.replace(of, instead);
            assert_ne!(text, PARSES, "{of} isn't in it");
            assert_eq!(text.parse::<PasswordHash>().unwrap_err(), InvalidPasswordHash, "{text}");
        }
        assert!(
            "$2b$12$LQv3c1yqBWVHxkd0LHAkCOYz6TtxMQJqhN8/LewY5GyYqWnk8QvZm".parse::<PasswordHash>().is_err()
        );
        assert!("".parse::<PasswordHash>().is_err());
    }

    #[test]
    fn a_hash_of_another_form_is_outdated() {
        let hash: PasswordHash = PARSES.parse().unwrap();
        assert!(!hash.is_outdated(Cost::OWASP));
        assert!(hash.is_outdated(Cost::new(19 * 1024, 3, 1).unwrap()));
        let short: PasswordHash = PARSES
            .replace("MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE", "MDEyMzQ1Njc4OTAxMjM0NQ")
            .parse()
            .unwrap();
        assert!(short.is_outdated(Cost::OWASP));
    }
}
