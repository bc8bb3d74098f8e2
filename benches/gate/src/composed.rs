//! What a service puts together today: jsonwebtoken, casbin and tower_governor under axum, each as its documentation has it.
//!
//! - The token: `jsonwebtoken::decode` with a key and a `Validation` made once,
//!   <https://docs.rs/jsonwebtoken/11.1.0/jsonwebtoken/fn.decode.html>.
//! - The permission: `CachedEnforcer`, <https://docs.rs/casbin/2.20.0/casbin/struct.CachedEnforcer.html>, of the model of
//!   <https://casbin.org/docs/rbac-with-domains> with rules that name no domain, since all tenants have the same roles, and
//!   with the cheap comparisons first. It is shared without a lock, so that its policy can't change while it serves.
//! - The rate: `GovernorLayer` with a key of its own, <https://docs.rs/tower_governor/0.8.0/tower_governor/>.
//! - Both layers in one `ServiceBuilder`, <https://docs.rs/axum/0.8.9/axum/middleware/index.html#applying-multiple-middleware>.
//! - The tenant of a host: a `HashMap` by hand, which nothing changes either.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, HOST};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use casbin::{
    Adapter as _, CachedApi as _, CachedEnforcer, CoreApi as _, DefaultCache, DefaultModel, MemoryAdapter,
};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use moka::sync::Cache;
use serde::Deserialize;
use tower::ServiceBuilder;
use tower_governor::governor::GovernorConfigBuilder;
use tower_governor::key_extractor::KeyExtractor;
use tower_governor::{GovernorError, GovernorLayer};

use crate::Fault;
use crate::routes::{ROUTES, enforced};
use crate::world::{AUDIENCE, ISSUER, ROLES, SECRET, World};

const MODEL: &str = "[request_definition]\nr = sub, dom, obj, act\n[policy_definition]\np = sub, obj, act\n\
    [role_definition]\ng = _, _, _\n[policy_effect]\ne = some(where (p.eft == allow))\n\
    [matchers]\nm = r.act == p.act && r.obj == p.obj && g(r.sub, p.sub, r.dom)";

/// Whether a token is verified each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tokens {
    /// It is, as the documentation has it.
    Verified,
    /// Only once: what it said is kept in a `moka` cache by hand, <https://docs.rs/moka/0.12.16/moka/sync/struct.Cache.html>.
    Remembered,
}

/// How many requests a tenant may make at once, and how long it takes until there is room for another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bucket {
    pub(crate) burst: u32,
    pub(crate) period: Duration,
}

/// What the layers and the handlers share.
#[derive(Clone)]
pub(crate) struct Composed {
    shared: Arc<Shared>,
}

struct Shared {
    tenants: HashMap<String, Arc<str>>,
    key: DecodingKey,
    validation: Validation,
    enforcer: CachedEnforcer,
    remembered: Option<Cache<String, Admitted>>,
}

/// Who makes a request.
#[derive(Debug, Clone)]
pub(crate) struct Admitted {
    tenant: Arc<str>,
    user: Arc<str>,
    expires_at: u64,
}

#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    tenant: String,
    exp: u64,
}

/// The service.
///
/// # Errors
/// Whatever casbin refuses, and a rate that governor does.
pub(crate) async fn service(world: &World, tokens: Tokens, bucket: Bucket) -> Result<Router, Fault> {
    let composed = Composed::of(world, tokens).await?;
    let limits = GovernorConfigBuilder::default()
        .period(bucket.period)
        .burst_size(bucket.burst)
        .key_extractor(ByTenant)
        .finish()
        .ok_or("not a rate")?;
    let layers = ServiceBuilder::new()
        .layer(from_fn_with_state(composed.clone(), admit))
        .layer(GovernorLayer::new(limits));
    Ok(enforced().layer(layers).with_state(composed))
}

impl Composed {
    async fn of(world: &World, tokens: Tokens) -> Result<Self, Fault> {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        let tenants =
            world.tenants.iter().map(|tenant| (tenant.host.clone(), tenant.name().into())).collect();
        let mut enforcer =
            CachedEnforcer::new(DefaultModel::from_str(MODEL).await?, policy(world).await?).await?;
        enforcer.set_cache(Box::new(DefaultCache::new(2 * ROUTES.len() * world.members.len())));
        let remembered = (tokens == Tokens::Remembered).then(|| Cache::new(2 * world.members.len() as u64));
        let key = DecodingKey::from_secret(SECRET);
        Ok(Self { shared: Arc::new(Shared { tenants, key, validation, enforcer, remembered }) })
    }

    /// Whether the caller may do that where it is.
    pub(crate) fn permit(&self, caller: &Admitted, area: &str, action: &str) -> Result<(), StatusCode> {
        match self.shared.enforcer.enforce((&*caller.user, &*caller.tenant, area, action)) {
            Ok(true) => Ok(()),
            Ok(false) => Err(StatusCode::FORBIDDEN),
            Err(_) => Err(StatusCode::SERVICE_UNAVAILABLE),
        }
    }

    fn admitted(&self, headers: &HeaderMap) -> Result<Admitted, StatusCode> {
        let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
        let tenant = text(HOST).and_then(|host| self.shared.tenants.get(host));
        let tenant = tenant.ok_or(StatusCode::NOT_FOUND)?;
        let token = text(AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
        let caller = self.caller(token.ok_or(StatusCode::UNAUTHORIZED)?)?;
        if caller.tenant == *tenant { Ok(caller) } else { Err(StatusCode::FORBIDDEN) }
    }

    fn caller(&self, token: &str) -> Result<Admitted, StatusCode> {
        let Shared { key, validation, remembered, .. } = &*self.shared;
        if let Some(known) = remembered.as_ref().and_then(|cache| cache.get(token)) {
            return if seconds() < known.expires_at { Ok(known) } else { Err(StatusCode::UNAUTHORIZED) };
        }
        let Claims { sub, tenant, exp } = match decode(token, key, validation) {
            Ok(decoded) => decoded.claims,
            Err(_) => return Err(StatusCode::UNAUTHORIZED),
        };
        let caller = Admitted { tenant: tenant.into(), user: sub.into(), expires_at: exp };
        if let Some(cache) = remembered {
            cache.insert(token.to_owned(), caller.clone());
        }
        Ok(caller)
    }
}

/// The host's tenant and the token's caller, one layer for both.
async fn admit(
    State(composed): State<Composed>,
    mut request: Request,
    next: Next,
) -> Result<Response, StatusCode> {
    let caller = composed.admitted(request.headers())?;
    request.extensions_mut().insert(caller);
    Ok(next.run(request).await)
}

/// Requests are counted by their tenant.
#[derive(Debug, Clone)]
struct ByTenant;

impl KeyExtractor for ByTenant {
    type Key = Arc<str>;

    fn extract<T>(&self, request: &axum::http::Request<T>) -> Result<Self::Key, GovernorError> {
        let caller = request.extensions().get::<Admitted>();
        caller.map(|caller| Arc::clone(&caller.tenant)).ok_or(GovernorError::UnableToExtractKey)
    }
}

async fn policy(world: &World) -> Result<MemoryAdapter, casbin::Error> {
    let mut adapter = MemoryAdapter::default();
    let rules = (0..ROLES).flat_map(|role| {
        let routes = World::routes_of(role);
        routes.map(move |route| vec![role_name(role), route.area.to_owned(), route.action.to_owned()])
    });
    adapter.add_policies("p", "p", rules.collect()).await?;
    let links = world.members.iter().flat_map(|member| {
        let tenant = world.tenants[member.tenant].name();
        member.roles.iter().map(move |role| vec![member.user.to_string(), role_name(*role), tenant.clone()])
    });
    adapter.add_policies("g", "g", links.collect()).await?;
    Ok(adapter)
}

fn role_name(role: usize) -> String {
    format!("role{role}")
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(u64::MAX, |since| since.as_secs())
}
