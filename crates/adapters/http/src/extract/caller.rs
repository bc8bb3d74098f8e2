use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;
use std::ops::Deref;

use tenantry_core::{Caller, Permission, TenantCtx};

/// That the route is for anybody, signed in or not: the word without which such a route doesn't exist.
///
/// ```
/// use tenantry_http::{Public, Tenant};
///
/// async fn alive(_: Public) -> &'static str {
///     "alive"
/// }
///
/// async fn welcome(_: Public, tenant: Tenant) -> String {
///     format!("welcome to {}", tenant.tenant().name)
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Public;

/// The tenant at whose host the request is: for routes that need no sign-in, such as signing in.
///
/// It doesn't say who may use the route: a public one takes [`Public`] too.
/// A route for members takes [`Principal`] or [`Require`] and has the tenant from there
/// ([`Caller::tenant`]): those refuse a bad token before a suspended tenant, and count.
#[derive(Debug, Clone)]
pub struct Tenant(pub TenantCtx);

impl Deref for Tenant {
    type Target = TenantCtx;

    fn deref(&self) -> &TenantCtx {
        &self.0
    }
}

/// A member of the tenant at whose host the request is, whatever its roles; counted against the rate of the
/// tenant's plan, once for each request however many extractors ask.
///
/// It is never optional: a handler for members and others alike doesn't compile in axum,
///
/// ```compile_fail
/// # #[cfg(not(feature = "axum"))] compile_error!("shows what axum refuses");
/// use tenantry_http::Principal;
///
/// async fn greet(_who: Option<Principal>) {}
///
/// let _: axum::Router = axum::Router::new().route("/", axum::routing::get(greet));
/// ```
///
/// and in actix-web, where `Option<Principal>` does compile, a refusal is answered before such a handler runs.
#[derive(Debug, Clone)]
pub struct Principal {
    caller: Caller,
}

impl Principal {
    #[cfg(any(feature = "tower", feature = "actix"))]
    pub(crate) fn new(caller: Caller) -> Self {
        Self { caller }
    }

    /// Who makes the request.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Who makes the request.
    #[must_use]
    pub fn into_caller(self) -> Caller {
        self.caller
    }
}

impl Deref for Principal {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

/// A member who holds the permission `P`, within the tenant's plan; otherwise as [`Principal`].
///
/// It is for what a role allows on everything in the tenant and in every request. Whoever holds `P` under a condition, or
/// on one resource, is refused: where the handler loads what `P` is done to, it takes [`RequireOn`](crate::RequireOn).
///
/// A permission that the application's catalog doesn't have is a mistake of the service: 500, and an error in
/// the log.
pub struct Require<P> {
    caller: Caller,
    held: PhantomData<fn() -> P>,
}

impl<P: Permission> Require<P> {
    #[cfg(any(feature = "tower", feature = "actix"))]
    pub(crate) fn new(caller: Caller) -> Self {
        Self { caller, held: PhantomData }
    }

    /// Who makes the request.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Who makes the request.
    #[must_use]
    pub fn into_caller(self) -> Caller {
        self.caller
    }
}

impl<P> Deref for Require<P> {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl<P> Clone for Require<P> {
    fn clone(&self) -> Self {
        Self { caller: self.caller.clone(), held: PhantomData }
    }
}

impl<P: Permission> fmt::Debug for Require<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Require").field("permission", &P::KEY).field("caller", &self.caller).finish()
    }
}

/// The address of whoever is at the other end of the connection: what failed sign-ins are counted by.
///
/// Behind a proxy it is the proxy's; `X-Forwarded-For` is not looked at, since anybody can send it. In axum the
/// server has to be started with `into_make_service_with_connect_info::<SocketAddr>()`, or the answer is 500
/// `no_address`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub IpAddr);
