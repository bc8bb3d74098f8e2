//! What the benches are measured in: a platform with one tenant, its member's token, and a gate.

use std::error::Error;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use tenantry::http::axum::{Guarded, Routes, get as guarded_get};
use tenantry::http::{Gate, InvalidToken, Require, TokenVerifier, UnguardedRoutes, VerifiedToken};
use tenantry::{
    Caller, Catalog, Founding, Interval, MemoryCounters, Meter, MeterKey, NewRole, Plan, Plans, Rate,
    Registration, RoleKey, Store, StoredSecret, Tenantry, Timestamp,
};
use tenantry_identity::{AccessTokens, SigningKey, TokenSubject};

tenantry::permissions! {
    /// Be answered.
    pub(crate) Ping = "ping:read";
}

/// The host at which the tenant is.
pub(crate) const HOST: &str = "acme.example.com";
/// How many hosts the gate remembers: more than any bench has.
const REMEMBERED: u64 = 40_000;
/// What the handler answers.
pub(crate) const PONG: &str = "pong";

pub(crate) struct World {
    pub(crate) app: Tenantry,
    pub(crate) gate: Gate,
    pub(crate) counters: Arc<MemoryCounters>,
    pub(crate) caller: Caller,
    pub(crate) tokens: AccessTokens,
    pub(crate) token: String,
}

struct Verifier(AccessTokens);

impl TokenVerifier for Verifier {
    fn verify(&self, token: &str, now: Timestamp) -> Result<VerifiedToken, InvalidToken> {
        let claims = self.0.verify(token, now).map_err(|_| InvalidToken)?;
        let (tenant, realm, user) = (claims.tenant, claims.realm, claims.user);
        Ok(VerifiedToken { tenant, realm, user, expires_at: claims.expires_at, mfa_at: None })
    }
}

/// The meter whose quota is measured.
pub(crate) fn calls() -> Result<MeterKey, Box<dyn Error>> {
    Ok(MeterKey::new("calls")?)
}

impl World {
    /// Over this store; with a rate, requests are counted in an exact sliding window that never fills up.
    pub(crate) async fn over(store: Arc<dyn Store>, rate: Option<Rate>) -> Result<Self, Box<dyn Error>> {
        let catalog = Catalog::builder().permission::<Ping>().build()?;
        let mut plan = Plan::new("plan@1".parse()?, Interval::Month).with_quota(calls()?, 1_000_000_000_000);
        if let Some(rate) = rate {
            plan = plan.with_rate(rate);
        }
        let plans = Plans::builder().meter(Meter::counter(calls()?)).plan(plan).build()?;
        let app = Tenantry::new(store, catalog, plans);
        let owner =
            NewRole { key: RoleKey::owner(), name: "Owner".to_owned(), grants: vec!["ping:*".parse()?] };
        let secret = StoredSecret::new("no password".to_owned());
        app.found(&Founding {
            slug: "platform".parse()?,
            name: "Platform".to_owned(),
            kind: "platform".parse()?,
            plan: "plan@1".parse()?,
            roles: vec![owner.clone()],
            email: "admin@example.com".parse()?,
            user_name: "Admin".to_owned(),
            secret: secret.clone(),
            reach: tenantry::Reach::Here,
        })
        .await?;
        let platform = app.resolve(&"platform".parse()?).await?;
        let made = app
            .register(
                &platform,
                Registration {
                    slug: "acme".parse()?,
                    name: "Acme".to_owned(),
                    kind: "team".parse()?,
                    plan: "plan@1".parse()?,
                    roles: vec![owner],
                    email: "owner@acme.example".parse()?,
                    user_name: "Owner".to_owned(),
                    secret,
                    reach: tenantry::Reach::Here,
                },
            )
            .await?;
        let tenant = app.resolve_id(made.tenant.id).await?;
        let caller = app.admit(&tenant, made.user.realm, made.user.id).await?;
        let tokens = AccessTokens::new("https://example.com", "bench", SigningKey::generate()?, &[]);
        let subject = TokenSubject { tenant: tenant.id(), realm: made.user.realm, user: made.user.id };
        let token = tokens.issue(&subject, app.now())?;
        let counters = Arc::new(MemoryCounters::default());
        let verifier = Arc::new(Verifier(tokens.clone()));
        let gate = Gate::builder(
            app.clone(),
            "example.com".parse()?,
            "platform".parse()?,
            verifier,
            counters.clone(),
        )
        .cache_capacity(REMEMBERED)
        .build();
        Ok(Self { app, gate, counters, caller, tokens, token })
    }
}

/// The handler with nothing around it.
pub(crate) fn bare() -> Router {
    Router::new().route("/ping", get(|| async { PONG }))
}

/// The same handler behind the gate, with a permission.
pub(crate) fn gated(gate: &Gate) -> Result<Guarded, UnguardedRoutes> {
    Routes::new().route("/ping", guarded_get(|_: Require<Ping>| async { PONG })).behind(gate)
}
