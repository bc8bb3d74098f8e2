use std::fmt;
use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::available_parallelism;

use argon2::password_hash::{self, PasswordHasher as _, PasswordVerifier as _};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::password::{Cost, Password, PasswordHash};

/// Hashes new passwords and checks attempts, a bounded number at a time.
///
/// Cheap to clone; clones share their bounds. A flood of sign-ins can exhaust neither threads nor memory: so
/// many run at once, so many more wait, and the rest are told [`HashingError::Busy`] at once (see
/// [`Limits`]). A caller that goes away while its password is hashed gives its place back only when the
/// hashing has ended. The hashing runs on tokio's blocking threads, so [`Passwords::hash`] and
/// [`Passwords::verify`] are awaited inside a tokio runtime.
///
/// ```
/// use tenantry_identity::{Cost, Password, Passwords, Verdict};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let passwords = Passwords::new(Cost::OWASP)?;
/// let hash = passwords.hash(Password::new("correct horse battery")?).await?;
///
/// let attempt = Password::attempt("correct horse battery");
/// assert_eq!(passwords.verify(attempt.clone(), Some(&hash)).await?, Verdict::Right);
/// assert_eq!(passwords.verify(attempt, None).await?, Verdict::Wrong);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Passwords {
    shared: Arc<Shared>,
}

struct Shared {
    cost: Cost,
    nobodys: PasswordHash,
    places: Arc<Semaphore>,
    turns: Arc<Semaphore>,
    hashings: AtomicU64,
}

impl Passwords {
    /// Hashes at `cost` within the default [`Limits`]. Takes as long as one hashing.
    ///
    /// # Errors
    /// [`HashingError::Failed`] without memory for one hashing or without random bytes.
    pub fn new(cost: Cost) -> Result<Self, HashingError> {
        Self::with_limits(cost, Limits::default())
    }

    /// Hashes at `cost` within `limits`. Takes as long as one hashing.
    ///
    /// # Errors
    /// As [`Passwords::new`].
    pub fn with_limits(cost: Cost, limits: Limits) -> Result<Self, HashingError> {
        let at_once = usize::from(limits.at_once.get());
        let mut unguessable = [0_u8; 32];
        getrandom::fill(&mut unguessable).map_err(|error| HashingError::Failed(error.to_string()))?;
        let shared = Shared {
            cost,
            nobodys: hash(&unguessable, cost)?,
            places: Arc::new(Semaphore::new(at_once + usize::from(limits.waiting))),
            turns: Arc::new(Semaphore::new(at_once)),
            hashings: AtomicU64::new(1),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// What a new hash costs, and the check of an unknown user's password.
    #[must_use]
    pub fn cost(&self) -> Cost {
        self.shared.cost
    }

    /// How often argon2 has run to its end since this was made, the run that made it included.
    ///
    /// For metrics, and to see that a check that can't succeed does the same work as one that can.
    #[must_use]
    pub fn hashings(&self) -> u64 {
        self.shared.hashings.load(Ordering::Relaxed)
    }

    /// The hash of a new password, or of one that was just found [`Verdict::RightButOutdated`].
    ///
    /// # Errors
    /// [`HashingError::TooLong`] for an attempt of more than 1024 bytes; otherwise as [`Passwords::verify`].
    pub async fn hash(&self, password: Password) -> Result<PasswordHash, HashingError> {
        if password.text().is_none() {
            return Err(HashingError::TooLong);
        }
        self.in_turn(move |shared| shared.hash(&password)).await
    }

    /// Whether `password` is the one that `hash` was made of.
    ///
    /// No hash means that nobody by that name is known. The answer is then [`Verdict::Wrong`], found by
    /// checking the password against a hash of the current cost that nobody knows the password of. So the
    /// time it takes doesn't tell who has an account (it may for a hash of another cost, until its owner has
    /// signed in and it was replaced).
    ///
    /// # Errors
    /// [`HashingError::Busy`] when as many are waiting as may; [`HashingError::Failed`] without memory, or
    /// while the runtime shuts down. Neither says anything about the password: answer 503.
    pub async fn verify(
        &self,
        password: Password,
        hash: Option<&PasswordHash>,
    ) -> Result<Verdict, HashingError> {
        let known = hash.is_some();
        let hash = hash.unwrap_or(&self.shared.nobodys).clone();
        let outdated = hash.is_outdated(self.shared.cost);
        let right = self.in_turn(move |shared| shared.matches(&password, &hash)).await?;
        Ok(match (known && right, outdated) {
            (false, _) => Verdict::Wrong,
            (true, false) => Verdict::Right,
            (true, true) => Verdict::RightButOutdated,
        })
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> Result<T, HashingError> + Send + 'static,
    ) -> Result<T, HashingError> {
        let shared = Arc::clone(&self.shared);
        let place = Arc::clone(&shared.places).try_acquire_owned().map_err(|_| HashingError::Busy)?;
        let turn = Arc::clone(&shared.turns).acquire_owned().await.map_err(|_| HashingError::Busy)?;
        let working = spawn_blocking(move || {
            let result = work(&shared);
            drop((turn, place));
            result
        });
        working.await.map_err(|error| HashingError::Failed(error.to_string()))?
    }
}

impl fmt::Debug for Passwords {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Passwords").field("cost", &self.shared.cost).finish_non_exhaustive()
    }
}

impl Shared {
    fn hash(&self, password: &Password) -> Result<PasswordHash, HashingError> {
        let text = password.text().ok_or(HashingError::TooLong)?;
        let hash = hash(text.as_bytes(), self.cost)?;
        self.count();
        Ok(hash)
    }

    fn matches(&self, password: &Password, hash: &PasswordHash) -> Result<bool, HashingError> {
        let text = password.text();
        let argon2 = hash.cost().argon2().map_err(failed)?;
        let right = match argon2.verify_password(text.unwrap_or_default().as_bytes(), hash.phc()) {
            Ok(()) => text.is_some(),
            Err(password_hash::Error::PasswordInvalid) => false,
            Err(error) => return Err(failed(error)),
        };
        self.count();
        Ok(right)
    }

    fn count(&self) {
        self.hashings.fetch_add(1, Ordering::Relaxed);
    }
}

/// How many hashings run at once, and how many more may wait for their turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many run at once, each on a thread of its own and in [`Cost::memory_kib`] of memory. Default: one
    /// for each core.
    pub at_once: NonZeroU16,
    /// How many wait beyond that before callers are refused. Default: 256.
    pub waiting: u16,
}

impl Default for Limits {
    fn default() -> Self {
        let cores = available_parallelism().ok().and_then(|cores| NonZeroU16::try_from(cores).ok());
        Self { at_once: cores.unwrap_or(NonZeroU16::MIN), waiting: 256 }
    }
}

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "whoever doesn't look lets everybody in"]
pub enum Verdict {
    /// The password is right.
    Right,
    /// The password is right, and its hash should be replaced: hash it again and store the new one.
    RightButOutdated,
    /// The password is wrong, or nobody by that name is known.
    Wrong,
}

/// Why a password was neither hashed nor checked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HashingError {
    /// As many callers wait as may.
    #[error("too many sign-ins at once: try again in a moment")]
    Busy,
    /// The password is longer than any that can be chosen.
    #[error("the password is too long: choose at most 128 characters")]
    TooLong,
    /// The machine couldn't do it.
    #[error("the password couldn't be hashed, look at the server's memory and shutdown: {0}")]
    Failed(String),
}

impl HashingError {
    /// A stable name for programs: `password_hashing_busy`, `password_too_long` or `password_hashing_failed`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Busy => "password_hashing_busy",
            Self::TooLong => "password_too_long",
            Self::Failed(_) => "password_hashing_failed",
        }
    }
}

fn hash(password: &[u8], cost: Cost) -> Result<PasswordHash, HashingError> {
    let phc = cost.argon2().map_err(failed)?.hash_password(password).map_err(failed)?;
    PasswordHash::from_phc(phc).map_err(failed)
}

fn failed(error: impl fmt::Display) -> HashingError {
    HashingError::Failed(error.to_string())
}
