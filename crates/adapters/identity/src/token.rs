use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::crypto::{self, rust_crypto};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, encode};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use tenantry_core::{RealmId, TenantId, Timestamp, UserId};
use uuid::Uuid;

use crate::key::SigningKey;

const MOST_BYTES: usize = 4096;
const ALGORITHM: &str = "HS256";
const DEFAULT_LIFETIME: Duration = Duration::from_secs(15 * 60);
const TOLERATED_SKEW: Duration = Duration::from_secs(60);

/// Issues and checks access tokens: signed statements that a user of a realm has signed in at one tenant.
///
/// A token says who somebody is, never what they may do: roles are read from the current membership, so
/// that a token from before a demotion doesn't outlive it. Cheap to clone.
///
/// # The format
/// A JSON Web Token (RFC 7519) signed with HMAC-SHA-256. Its header holds `alg` (always `HS256`; anything
/// else is refused), `typ` and `kid` ([`SigningKey::id`]; it picks a key and does nothing else). All of its
/// claims are required: `iss` and `aud` (one string each), `sub` (the user), `realm`, `tenant`, `iat` and
/// `exp` (whole seconds since 1970) and `jti`; `nbf` is honoured where present, and others are ignored.
///
/// # Rotation
/// New tokens are signed with the current key; those of previous keys are good until they expire. To rotate,
/// first give the new key to every process as a previous one, then make it the current one, and drop the old
/// one a [`AccessTokens::lifetime`] later.
///
/// ```
/// use std::time::Duration;
/// use tenantry_core::{RealmId, TenantId, Timestamp, UserId};
/// use tenantry_identity::{AccessTokens, SigningKey, TokenSubject, TokenError};
///
/// let tokens = AccessTokens::new("https://id.example.com", "marketplace", SigningKey::generate()?, &[]);
/// let subject =
///     TokenSubject { tenant: TenantId::generate(), realm: RealmId::generate(), user: UserId::generate() };
///
/// let now: Timestamp = "2026-01-31T12:00:00Z".parse()?;
/// let token = tokens.issue(&subject, now)?;
/// assert_eq!(tokens.verify(&token, now)?.tenant, subject.tenant);
///
/// let later = now.after(Duration::from_secs(15 * 60));
/// assert_eq!(tokens.verify(&token, later), Err(TokenError::Expired));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct AccessTokens {
    shared: Arc<Shared>,
}

#[derive(Clone)]
struct Shared {
    issuer: String,
    audience: String,
    lifetime: Duration,
    header: Header,
    signing: EncodingKey,
    verifying: Vec<(String, DecodingKey)>,
}

impl AccessTokens {
    /// Issues tokens of `issuer` for `audience` with the key `current`, and checks those of `current` and
    /// `previous`. They live 15 minutes.
    ///
    /// Installs jsonwebtoken's `rust_crypto` provider for the process unless it has one. An application that
    /// wants another installs it before.
    pub fn new(
        issuer: impl Into<String>,
        audience: impl Into<String>,
        current: SigningKey,
        previous: &[SigningKey],
    ) -> Self {
        let _ = rust_crypto::DEFAULT_PROVIDER.install_default();
        let (issuer, audience) = (issuer.into(), audience.into());
        let mut header = Header::new(Algorithm::HS256);
        header.kid = Some(current.id().to_owned());
        let signing = EncodingKey::from_secret(current.secret());
        let keys = std::iter::once(current).chain(previous.iter().cloned());
        let verifying =
            keys.map(|key| (key.id().to_owned(), DecodingKey::from_secret(key.secret()))).collect();
        let lifetime = DEFAULT_LIFETIME;
        let shared = Shared { issuer, audience, lifetime, header, signing, verifying };
        Self { shared: Arc::new(shared) }
    }

    /// The same, with new tokens living `lifetime` (whole seconds of it).
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        Arc::make_mut(&mut self.shared).lifetime = Duration::from_secs(lifetime.as_secs());
        self
    }

    /// How long a new token lives: what a sign-in answers as `expires_in`.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.shared.lifetime
    }

    /// A token for `subject`, valid from `now`, rounded down to the second, for [`AccessTokens::lifetime`].
    ///
    /// # Errors
    /// [`IssueError`].
    pub fn issue(&self, subject: &TokenSubject, now: Timestamp) -> Result<String, IssueError> {
        let Shared { issuer, audience, lifetime, header, signing, .. } = &*self.shared;
        let issued_at = now.as_seconds();
        let lifetime = i64::try_from(lifetime.as_secs()).map_err(|_| IssueError::OutOfRange)?;
        let expires_at = issued_at.checked_add(lifetime).ok_or(IssueError::OutOfRange)?;
        if from_seconds(issued_at).and(from_seconds(expires_at)).is_none() {
            return Err(IssueError::OutOfRange);
        }
        let claims = Claims {
            iss: issuer,
            aud: audience,
            sub: subject.user,
            realm: subject.realm,
            tenant: subject.tenant,
            iat: issued_at,
            exp: expires_at,
            jti: Uuid::now_v7(),
        };
        encode(header, &claims, signing).map_err(|error| IssueError::Signing(error.to_string()))
    }

    /// What `token` says, when it is one of ours and valid at `now`: that is until just before its expiry,
    /// and not issued more than 60 seconds in the future.
    ///
    /// # Errors
    /// [`TokenError`]. Nothing of a token is looked at but its header before its signature was found right.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<AccessClaims, TokenError> {
        if token.len() > MOST_BYTES {
            return Err(TokenError::TooLong);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(TokenError::Malformed)?;
        let (header, claims) = message.split_once('.').ok_or(TokenError::Malformed)?;
        if claims.contains('.') {
            return Err(TokenError::Malformed);
        }
        let key = self.key_of(&decoded(header)?)?;
        match crypto::verify(signature, message.as_bytes(), key, Algorithm::HS256) {
            Ok(true) => self.admit(parsed(&decoded(claims)?)?, now),
            Ok(false) => Err(TokenError::BadSignature),
            Err(error) if matches!(error.kind(), ErrorKind::Base64(_)) => Err(TokenError::Malformed),
            Err(_) => Err(TokenError::Unverifiable),
        }
    }

    fn key_of(&self, header: &[u8]) -> Result<&DecodingKey, TokenError> {
        let header: PresentedHeader<'_> = parsed(header)?;
        if header.crit.is_some() {
            return Err(TokenError::Malformed);
        }
        if header.alg != ALGORITHM {
            return Err(TokenError::WrongAlgorithm);
        }
        let Text(id) = header.kid.ok_or(TokenError::UnknownKey)?;
        let named = self.shared.verifying.iter().find(|(known, _)| *known == id);
        named.map(|(_, key)| key).ok_or(TokenError::UnknownKey)
    }

    fn admit(&self, claims: PresentedClaims<'_>, now: Timestamp) -> Result<AccessClaims, TokenError> {
        let Text(issuer) = claims.iss.ok_or(TokenError::MissingClaim("iss"))?;
        let Text(audience) = claims.aud.ok_or(TokenError::MissingClaim("aud"))?;
        let user = claims.sub.ok_or(TokenError::MissingClaim("sub"))?;
        let realm = claims.realm.ok_or(TokenError::MissingClaim("realm"))?;
        let tenant = claims.tenant.ok_or(TokenError::MissingClaim("tenant"))?;
        let token_id = claims.jti.ok_or(TokenError::MissingClaim("jti"))?;
        let issued_at = instant(claims.iat.ok_or(TokenError::MissingClaim("iat"))?)?;
        let expires_at = instant(claims.exp.ok_or(TokenError::MissingClaim("exp"))?)?;
        let not_before = claims.nbf.map(instant).transpose()?;
        if issuer != self.shared.issuer {
            return Err(TokenError::WrongIssuer);
        }
        if audience != self.shared.audience {
            return Err(TokenError::WrongAudience);
        }
        if now >= expires_at {
            return Err(TokenError::Expired);
        }
        if issued_at > now.after(TOLERATED_SKEW) || not_before.is_some_and(|start| now < start) {
            return Err(TokenError::NotYetValid);
        }
        Ok(AccessClaims { tenant, realm, user, issued_at, expires_at, token_id })
    }
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Shared { issuer, audience, lifetime, .. } = &*self.shared;
        f.debug_struct("AccessTokens")
            .field("issuer", issuer)
            .field("audience", audience)
            .field("lifetime", lifetime)
            .finish_non_exhaustive()
    }
}

/// Whom a token is issued to, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenSubject {
    /// The one tenant that the token is good for.
    pub tenant: TenantId,
    /// The realm that the user belongs to.
    pub realm: RealmId,
    /// The user.
    pub user: UserId,
}

/// What a valid token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct AccessClaims {
    /// The one tenant that the token is good for.
    pub tenant: TenantId,
    /// The realm that the user belongs to.
    pub realm: RealmId,
    /// The user.
    pub user: UserId,
    /// When it was issued, to the second.
    pub issued_at: Timestamp,
    /// The first instant at which it is no longer valid.
    pub expires_at: Timestamp,
    /// The token's own id: another for each.
    pub token_id: Uuid,
}

/// Why a token is refused.
///
/// All but [`TokenError::Unverifiable`] are the bearer's: over HTTP 401, without telling which. That one is
/// ours: 503.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// More than 4 KiB.
    #[error("the token is longer than 4 KiB: sign in again")]
    TooLong,
    /// Not three parts of base64url, not JSON, a claim twice, or a claim of another type than it has to be.
    #[error("the token is damaged or none of ours: sign in again")]
    Malformed,
    /// Signed, or pretending to be, with anything but HS256.
    #[error("the token names another algorithm than HS256: sign in again")]
    WrongAlgorithm,
    /// Signed with a key that isn't among the current and previous ones, or doesn't say with which.
    #[error("the token was signed with a key that is not, or no longer, in use: sign in again")]
    UnknownKey,
    /// The signature isn't one of the key that the token names.
    #[error("the token's signature is wrong: sign in again")]
    BadSignature,
    /// A claim that every token has to have.
    #[error("the token has no claim `{0}`: sign in again")]
    MissingClaim(&'static str),
    /// Issued by somebody else.
    #[error("the token is of another issuer: sign in here")]
    WrongIssuer,
    /// Issued for somebody else.
    #[error("the token is for another audience: sign in here")]
    WrongAudience,
    /// No longer valid.
    #[error("the token has expired: sign in again")]
    Expired,
    /// Issued in the future, or valid only then.
    #[error("the token is not valid yet: compare the servers' clocks")]
    NotYetValid,
    /// The process's crypto provider couldn't check it, so nothing is known about it.
    #[error("the token couldn't be checked: install a jsonwebtoken crypto provider that knows HS256")]
    Unverifiable,
}

impl TokenError {
    /// A stable name for programs, such as `token_expired`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLong => "token_too_long",
            Self::Malformed => "token_malformed",
            Self::WrongAlgorithm => "token_wrong_algorithm",
            Self::UnknownKey => "token_unknown_key",
            Self::BadSignature => "token_bad_signature",
            Self::MissingClaim(_) => "token_missing_claim",
            Self::WrongIssuer => "token_wrong_issuer",
            Self::WrongAudience => "token_wrong_audience",
            Self::Expired => "token_expired",
            Self::NotYetValid => "token_not_yet_valid",
            Self::Unverifiable => "token_unverifiable",
        }
    }
}

/// Why no token was issued.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssueError {
    /// It would expire after the last instant that there is.
    #[error("the token would outlive the calendar: choose a shorter lifetime")]
    OutOfRange,
    /// The process's crypto provider couldn't sign.
    #[error("the token couldn't be signed, install a jsonwebtoken crypto provider that knows HS256: {0}")]
    Signing(String),
}

impl IssueError {
    /// A stable name for programs: `token_out_of_range` or `token_signing_failed`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::OutOfRange => "token_out_of_range",
            Self::Signing(_) => "token_signing_failed",
        }
    }
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: UserId,
    realm: RealmId,
    tenant: TenantId,
    iat: i64,
    exp: i64,
    jti: Uuid,
}

#[derive(Deserialize)]
struct PresentedClaims<'a> {
    #[serde(borrow)]
    iss: Option<Text<'a>>,
    #[serde(borrow)]
    aud: Option<Text<'a>>,
    sub: Option<UserId>,
    realm: Option<RealmId>,
    tenant: Option<TenantId>,
    iat: Option<i64>,
    exp: Option<i64>,
    nbf: Option<i64>,
    jti: Option<Uuid>,
}

#[derive(Deserialize)]
struct PresentedHeader<'a> {
    #[serde(borrow)]
    alg: Cow<'a, str>,
    #[serde(borrow)]
    kid: Option<Text<'a>>,
    crit: Option<IgnoredAny>,
}

/// A text that is borrowed where nothing in it is escaped, which `Option<Cow<str>>` never is.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

fn decoded(part: &str) -> Result<Vec<u8>, TokenError> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Malformed)
}

/// What a JSON object says; serde would take a list of its values for one, too.
fn parsed<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, TokenError> {
    if !json.trim_ascii_start().starts_with(b"{") {
        return Err(TokenError::Malformed);
    }
    serde_json::from_slice(json).map_err(|_| TokenError::Malformed)
}

fn instant(seconds: i64) -> Result<Timestamp, TokenError> {
    from_seconds(seconds).ok_or(TokenError::Malformed)
}

fn from_seconds(seconds: i64) -> Option<Timestamp> {
    seconds.checked_mul(1_000_000).map(Timestamp::from_micros)
}
