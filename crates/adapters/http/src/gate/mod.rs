//! The gate: from what a request carries to who makes it.

mod check;
mod counted;
mod facts;
mod known;
#[cfg(any(feature = "tower", feature = "actix"))]
mod passage;
mod refusal;
mod request_id;
mod token;
mod view;

use std::fmt;
use std::sync::Arc;

use tenantry_core::{BaseDomain, Counters, Slug, TenantCtx, Tenantry};

use facts::Attributes;
use known::Known;

pub use check::Admission;
pub use counted::Counted;
#[cfg(any(feature = "tower", feature = "actix"))]
pub(crate) use passage::Passage;
pub use refusal::{BadToken, Refusal};
pub use request_id::RequestId;
pub use token::{InvalidToken, TokenVerifier, VerifiedToken};
pub use view::{Credentials, RequestView};
#[cfg(any(feature = "tower", feature = "actix"))]
pub(crate) use view::{one_host, only};

/// Who may pass: from a host to a tenant, from a token to a caller, and within the rate of the tenant's plan.
///
/// It knows no framework: see [`Gate::read`] and [`Gate::check`]. Cheap to clone; all clones share what they
/// have seen. A request whose host and token were seen before is decided from memory, and a change of the
/// tenant, its members or their roles shows with the next request.
///
/// ```no_run
/// use std::sync::Arc;
/// use tenantry_core::{Counters, Tenantry};
/// use tenantry_http::{Credentials, Gate, Refusal, RequestView, TokenVerifier};
///
/// fn gate(
///     tenantry: Tenantry,
///     verifier: Arc<dyn TokenVerifier>,
///     counters: Arc<dyn Counters>,
/// ) -> Result<Gate, Box<dyn std::error::Error>> {
///     let (base, platform) = ("example.com".parse()?, "platform".parse()?);
///     Ok(Gate::builder(tenantry, base, platform, verifier, counters).body_limit(64 * 1024).build())
/// }
///
/// async fn who(gate: &Gate, request: &impl RequestView) -> Result<String, Refusal> {
///     let credentials = Gate::read(request);
///     let admission = gate.check(credentials, None).await?;
///     Ok(admission.caller().tenant().tenant().name.clone())
/// }
/// ```
#[derive(Clone)]
pub struct Gate {
    inner: Arc<Inner>,
}

struct Inner {
    tenantry: Tenantry,
    base: BaseDomain,
    platform: Slug,
    verifier: Arc<dyn TokenVerifier>,
    counters: Arc<dyn Counters>,
    body_limit: u64,
    attributes: Option<Attributes>,
    known: Known,
}

impl Gate {
    /// The largest body unless told otherwise: 1 MiB.
    pub const BODY_LIMIT: u64 = 1024 * 1024;
    /// How many hosts, and how many tokens, are remembered unless told otherwise.
    pub const CACHE_CAPACITY: u64 = 10_000;

    /// A gate for the tenants of `tenantry`, whose addresses are the subdomains of `base`; `base` itself is the
    /// address of the tenant `platform`.
    pub fn builder(
        tenantry: Tenantry,
        base: BaseDomain,
        platform: Slug,
        verifier: Arc<dyn TokenVerifier>,
        counters: Arc<dyn Counters>,
    ) -> GateBuilder {
        let (body_limit, cache_capacity) = (Self::BODY_LIMIT, Self::CACHE_CAPACITY);
        let attributes = None;
        GateBuilder { tenantry, base, platform, verifier, counters, body_limit, attributes, cache_capacity }
    }

    /// What a request shows at the gate, borrowed.
    #[must_use]
    pub fn read<R: RequestView + ?Sized>(request: &R) -> Credentials<'_> {
        Credentials::of(request)
    }

    /// The library behind the gate.
    #[must_use]
    pub fn tenantry(&self) -> &Tenantry {
        &self.inner.tenantry
    }

    /// The largest body in bytes.
    #[must_use]
    pub fn body_limit(&self) -> u64 {
        self.inner.body_limit
    }

    /// What a declaration comes to here; `None` for a permission that the catalog doesn't have.
    #[cfg(any(feature = "tower", feature = "actix"))]
    pub(crate) fn ruling(&self, access: crate::Access) -> Option<crate::routes::Ruling> {
        access.ruling(self.tenantry().catalog())
    }

    /// Whether this tenant is the platform: the one at the base domain itself.
    #[must_use]
    pub fn is_platform(&self, tenant: &TenantCtx) -> bool {
        tenant.tenant().slug == self.inner.platform
    }

    /// How many hosts and how many tokens are remembered at the moment, about.
    #[must_use]
    pub fn remembered(&self) -> (u64, u64) {
        self.inner.known.sizes()
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("base", &self.inner.base)
            .field("platform", &self.inner.platform)
            .field("body_limit", &self.inner.body_limit)
            .finish_non_exhaustive()
    }
}

/// A [`Gate`] to be built.
#[must_use = "a builder does nothing until it is built"]
pub struct GateBuilder {
    tenantry: Tenantry,
    base: BaseDomain,
    platform: Slug,
    verifier: Arc<dyn TokenVerifier>,
    counters: Arc<dyn Counters>,
    body_limit: u64,
    attributes: Option<Attributes>,
    cache_capacity: u64,
}

impl GateBuilder {
    /// The largest body in bytes.
    pub fn body_limit(mut self, bytes: u64) -> Self {
        self.body_limit = bytes;
        self
    }

    /// How many hosts, and how many tokens, are remembered at the most: some 200 bytes a host, and some 700 a token of
    /// 420 bytes, besides the tenants and callers themselves. 0 remembers nothing, so that every request reads the
    /// store.
    pub fn cache_capacity(mut self, entries: u64) -> Self {
        self.cache_capacity = entries;
        self
    }

    /// The gate.
    #[must_use]
    pub fn build(self) -> Gate {
        let Self { tenantry, base, platform, verifier, counters, body_limit, attributes, cache_capacity } =
            self;
        let known = Known::with_capacity(cache_capacity);
        Gate {
            inner: Arc::new(Inner {
                tenantry,
                base,
                platform,
                verifier,
                counters,
                body_limit,
                attributes,
                known,
            }),
        }
    }
}

impl fmt::Debug for GateBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GateBuilder")
            .field("base", &self.base)
            .field("platform", &self.platform)
            .field("body_limit", &self.body_limit)
            .field("cache_capacity", &self.cache_capacity)
            .finish_non_exhaustive()
    }
}
