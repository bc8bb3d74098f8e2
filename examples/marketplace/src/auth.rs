//! Registration and sign-in.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use axum::Json;
use axum::extract::{ConnectInfo, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use tenantry::http::{Body, FieldErrors, Problem, Public, Tenant, Validate};
use tenantry::{
    AdmitError, Bucket, Email, InvalidEmail, RateDecision, RateKey, Registration, RegistrationRefusal, Slug,
    StoredSecret, TenantCtx, User, sign_in_limits,
};
use tenantry_identity::{HashingError, Password, PasswordHash, TokenSubject, Verdict};
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::account::{TenantView, UserView};
use crate::model::Kind;
use crate::routes::AtPlatform;
use crate::state::Marketplace;
use crate::wire::{Refusal, broken};

/// Answers to a registration come at multiples of this time, so that one that was refused takes as long as one
/// that wasn't.
const ANSWER_GRID: Duration = Duration::from_millis(250);
/// The most registrations and sign-ins, right or wrong, that one address may start in a minute.
const ATTEMPTS: u32 = 600;

/// A new tenant and its owner.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Register {
    /// The owner's address.
    #[schema(example = "ada@example.com")]
    email: String,
    /// 12 to 128 characters.
    #[schema(format = Password)]
    password: String,
    /// The tenant's name, and its owner's.
    name: String,
    /// `seller`, `buyer` or `investor`.
    #[schema(example = "seller")]
    kind: String,
    /// The slug that the tenant is to have.
    #[schema(example = "corner-shop")]
    tenant: String,
}

impl Validate for Register {
    fn validate(&self, errors: &mut FieldErrors) {
        if let Err(invalid) = self.email.parse::<Email>() {
            errors.push("email", invalid.to_string());
        }
        if let Err(invalid) = Password::new(self.password.as_str()) {
            errors.push("password", invalid.to_string());
        }
        if let Err(invalid) = tenantry::Tenant::valid_name(&self.name) {
            errors.push("name", invalid.to_string());
        }
        errors.check("kind", Kind::open(&self.kind).is_some(), "seller, buyer or investor");
        if let Err(invalid) = self.tenant.parse::<Slug>().and_then(Slug::unreserved) {
            errors.push("tenant", invalid.to_string());
        }
    }
}

/// What registration made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Registered {
    tenant: TenantView,
    user: UserView,
}

/// Registers a tenant and its owner, at the platform.
#[utoipa::path(
    post,
    path = "/api/auth/register",
    tag = "auth",
    request_body = Register,
    responses(
        (status = 201, body = Registered),
        (status = 404, body = Refusal, content_type = "application/problem+json", description = "not at the platform"),
        (status = 409, body = Refusal, content_type = "application/problem+json", description = "the slug or the address is taken"),
        (status = 422, body = Refusal, content_type = "application/problem+json"),
        (status = 429, body = Refusal, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn register(
    State(market): State<Marketplace>,
    _: Public,
    at: AtPlatform,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Body(wanted): Body<Register>,
) -> Result<(StatusCode, Json<Registered>), Problem> {
    let began = Instant::now();
    pace(&market, peer.ip()).await?;
    let secret = hash(&market, &wanted.password).await?;
    let made = market.app.register(at.tenant(), registration(&wanted, secret)?).await;
    let waited = began.elapsed().as_millis().div_ceil(ANSWER_GRID.as_millis());
    let grid = ANSWER_GRID.saturating_mul(u32::try_from(waited).unwrap_or(1));
    tokio::time::sleep_until(began + grid).await;
    let made = made.map_err(|failure| {
        Problem::from_failure(failure, |refusal| match refusal {
            RegistrationRefusal::SlugTaken | RegistrationRefusal::EmailTaken => {
                Problem::conflict(refusal.to_string())
            }
            other => broken("register a tenant", &other),
        })
    })?;
    let (tenant, user) = (TenantView::from(&made.tenant), UserView::from(&made.user));
    Ok((StatusCode::CREATED, Json(Registered { tenant, user })))
}

/// Who wants to sign in.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Login {
    #[schema(example = "ada@example.com")]
    email: String,
    #[schema(format = Password)]
    password: String,
}

impl Validate for Login {}

/// An access token.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Token {
    access_token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds.
    #[schema(example = 900)]
    expires_in: u64,
}

/// Signs a member of the host's tenant in.
#[utoipa::path(
    post,
    path = "/api/auth/login",
    tag = "auth",
    request_body = Login,
    responses(
        (status = 200, body = Token),
        (status = 401, body = Refusal, content_type = "application/problem+json", description = "unknown address or wrong password"),
        (status = 403, body = Refusal, content_type = "application/problem+json", description = "the tenant is suspended"),
        (status = 404, body = Refusal, content_type = "application/problem+json", description = "no tenant has this host"),
        (status = 422, body = Refusal, content_type = "application/problem+json"),
        (status = 429, body = Refusal, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn login(
    State(market): State<Marketplace>,
    _: Public,
    at: Tenant,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Body(wanted): Body<Login>,
) -> Result<Json<Token>, Problem> {
    let tenant = &at.0;
    pace(&market, peer.ip()).await?;
    let limits = sign_in_limits(tenant.tenant().realm, &wanted.email, peer.ip());
    let now = || market.app.now();
    refuse_excess(market.counters().standing_all(&limits, now()).await)?;
    let Some(user) = verified(&market, tenant, &wanted).await? else {
        refuse_excess(market.counters().admit_all(&limits, now()).await)?;
        return Err(Problem::unauthenticated().with_detail("unknown address or wrong password"));
    };
    refuse_excess(market.counters().standing_all(&limits, now()).await)?;
    let subject = TokenSubject { tenant: tenant.id(), realm: user.realm, user: user.id };
    let access_token =
        market.tokens.issue(&subject, now()).map_err(|error| broken("issue a token", &error))?;
    let expires_in = market.tokens.lifetime().as_secs();
    Ok(Json(Token { access_token, token_type: "Bearer", expires_in }))
}

/// The member of the tenant who knows the password. It takes as long when there is none.
async fn verified(market: &Marketplace, tenant: &TenantCtx, login: &Login) -> Result<Option<User>, Problem> {
    let email: Result<Email, InvalidEmail> = login.email.parse();
    let realm = tenant.tenant().realm;
    let user = match &email {
        Ok(email) => market.app.store().user_by_email(realm, email).await?,
        Err(InvalidEmail) => None,
    };
    let member = match &user {
        Some(user) => match market.app.admit(tenant, realm, user.id).await {
            Ok(_) => true,
            Err(AdmitError::Unavailable(unavailable)) => return Err(unavailable.into()),
            Err(_) => false,
        },
        None => false,
    };
    let user = user.filter(|_| member);
    let hash: Option<PasswordHash> =
        user.as_ref().and_then(|user| user.secret.as_ref()).and_then(|secret| secret.expose().parse().ok());
    let attempt = Password::attempt(login.password.as_str());
    let verdict = market.passwords.verify(attempt, hash.as_ref()).await.map_err(|error| hashing(&error))?;
    Ok(user.filter(|_| verdict != Verdict::Wrong))
}

/// Slows an address down that starts more work than people do, right or wrong.
async fn pace(market: &Marketplace, from: IpAddr) -> Result<(), Problem> {
    let bucket =
        Bucket::new(ATTEMPTS, Duration::from_secs(60)).map_err(|error| broken("pace sign-ins", &error))?;
    let taken = market.counters().take(RateKey::address(from), bucket, market.app.now()).await;
    refuse_excess(taken.map(Some))
}

fn refuse_excess(
    decided: Result<Option<RateDecision>, tenantry::CountersUnavailable>,
) -> Result<(), Problem> {
    match decided {
        Ok(Some(decision)) if !decision.admitted => {
            Err(Problem::rate_limited(decision.retry_after_seconds().unwrap_or(1)))
        }
        Ok(_) => Ok(()),
        Err(unavailable) => Err(unavailable.into()),
    }
}

/// The hash of a new password.
pub(crate) async fn hash(market: &Marketplace, password: &str) -> Result<StoredSecret, Problem> {
    let password =
        Password::new(password).map_err(|invalid| Problem::invalid_field("password", invalid.to_string()))?;
    let hash = market.passwords.hash(password).await.map_err(|error| hashing(&error))?;
    Ok(StoredSecret::new(hash.as_str().to_owned()))
}

fn hashing(error: &HashingError) -> Problem {
    broken("hash a password", error)
}

fn registration(wanted: &Register, secret: StoredSecret) -> Result<Registration, Problem> {
    let wrong = |error: &dyn std::fmt::Display| broken("read a registration", error);
    let kind = Kind::open(&wanted.kind).ok_or_else(|| Problem::invalid_field("kind", "unknown"))?;
    new_tenant(kind, &wanted.tenant, &wanted.name, &wanted.email, secret).map_err(|error| wrong(&error))
}

/// What is registered for a new tenant of a kind.
pub(crate) fn new_tenant(
    kind: Kind,
    slug: &str,
    name: &str,
    email: &str,
    secret: StoredSecret,
) -> Result<Registration, Box<dyn std::error::Error + Send + Sync>> {
    let name = tenantry::Tenant::valid_name(name)?;
    Ok(Registration {
        slug: slug.parse()?,
        user_name: name.clone(),
        name,
        kind: kind.tenant_kind()?,
        plan: kind.first_plan()?,
        roles: kind.roles()?,
        email: email.parse()?,
        secret,
        reach: tenantry::Reach::Here,
    })
}
