use std::fmt;

use ::axum::handler::Handler;
use ::axum::routing::{self, MethodFilter, MethodRouter};

use super::guarded::Gated;
use crate::routes::Line;
use crate::{Access, DeclaringArguments, Gate};

/// What a path answers, method by method, each with its own declaration: see [`get`].
///
/// ```
/// use tenantry_http::axum::{Methods, get};
/// use tenantry_http::{Principal, Public};
///
/// async fn show(_: Public) {}
/// async fn change(_: Principal) {}
///
/// let methods: Methods = get(show).put(change);
/// ```
#[must_use = "methods do nothing until they are given to Routes::route"]
pub struct Methods<S = ()>(Vec<Method<S>>);

struct Method<S> {
    names: Vec<&'static str>,
    declared: Option<Access>,
    handler: Option<Access>,
    router: MethodRouter<S>,
}

impl<S: Clone + Send + Sync + 'static> Methods<S> {
    /// A `MethodRouter` of axum as it is: what its handlers ask for can't be read from it, so the route has to say who
    /// may use it by [`declared`](Self::declared). The declaration is decided on before any of them runs, and one that
    /// asks for something else answers 500 `route_contradicted`.
    ///
    /// ```
    /// use tenantry_http::Access;
    /// use tenantry_http::axum::{Methods, Routes};
    ///
    /// let plain = axum::routing::get(|| async { "hello, whoever signed in" });
    /// let routes: Routes = Routes::new().route("/hello", Methods::plain(plain).declared(Access::Member));
    /// ```
    pub fn plain(router: MethodRouter<S>) -> Self {
        Self(vec![Method { names: vec![ANY], declared: None, handler: None, router }])
    }

    /// Says who may use these methods, whatever their handlers ask for. A handler's own declaration has to be
    /// the same; where this asks for a permission on everything, it may be content with any member or ask for
    /// the permission on what it loads.
    pub fn declared(mut self, access: Access) -> Self {
        self.0.iter_mut().for_each(|method| method.declared = Some(access));
        self
    }

    /// Answers the methods of `filter` too: see [`on`](fn@on).
    pub fn on<H, T, Place>(self, filter: MethodFilter, handler: H) -> Self
    where
        H: Handler<T, S>,
        T: DeclaringArguments<Place> + 'static,
    {
        self.and(names_of(filter), T::ACCESS, routing::on(filter, handler))
    }

    fn and(mut self, names: Vec<&'static str>, handler: Access, router: MethodRouter<S>) -> Self {
        self.0.push(Method { names, declared: None, handler: Some(handler), router });
        self
    }

    pub(super) fn lines(&self, path: &str) -> impl Iterator<Item = Line> {
        self.0.iter().flat_map(move |method| {
            method.names.iter().map(move |name| Line {
                method: (*name).to_owned(),
                path: path.to_owned(),
                declared: method.declared,
                handler: method.handler,
                is_conditional: false,
            })
        })
    }

    /// With the gate on each method.
    pub(super) fn gated(self, gate: &Gate) -> MethodRouter<S> {
        self.0.into_iter().fold(MethodRouter::new(), |all, method| {
            let gated = match (method.declared, method.handler) {
                (None, Some(_)) => Gated::by_handler(gate),
                (declared, _) => Gated::by_route(gate, declared),
            };
            all.merge(method.router.layer(gated))
        })
    }
}

impl<S> fmt::Debug for Methods<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |method: &Method<S>| (method.names.clone(), method.declared.or(method.handler));
        f.debug_list().entries(self.0.iter().map(said)).finish()
    }
}

macro_rules! method {
    ($name:ident, $capitals:literal) => {
        #[doc = concat!("Answers ", $capitals, " by `handler`, one of whose arguments says who may use the route.")]
        pub fn $name<H, T, S, Place>(handler: H) -> Methods<S>
        where
            H: Handler<T, S>,
            T: DeclaringArguments<Place> + 'static,
            S: Clone + Send + Sync + 'static,
        {
            Methods(Vec::new()).$name(handler)
        }

        impl<S: Clone + Send + Sync + 'static> Methods<S> {
            #[doc = concat!("Answers ", $capitals, " too: see [`", stringify!($name), "`](fn@", stringify!($name), ").")]
            pub fn $name<H, T, Place>(self, handler: H) -> Self
            where
                H: Handler<T, S>,
                T: DeclaringArguments<Place> + 'static,
            {
                self.and(vec![$capitals], T::ACCESS, routing::$name(handler))
            }
        }
    };
}

method!(get, "GET");
method!(post, "POST");
method!(put, "PUT");
method!(patch, "PATCH");
method!(delete, "DELETE");
method!(head, "HEAD");
method!(options, "OPTIONS");

/// Answers the methods of `filter` by `handler`, one of whose arguments says who may use the route.
pub fn on<H, T, S, Place>(filter: MethodFilter, handler: H) -> Methods<S>
where
    H: Handler<T, S>,
    T: DeclaringArguments<Place> + 'static,
    S: Clone + Send + Sync + 'static,
{
    Methods(Vec::new()).on(filter, handler)
}

/// Answers any method by `handler`, one of whose arguments says who may use the route.
pub fn any<H, T, S, Place>(handler: H) -> Methods<S>
where
    H: Handler<T, S>,
    T: DeclaringArguments<Place> + 'static,
    S: Clone + Send + Sync + 'static,
{
    Methods(Vec::new()).and(vec![ANY], T::ACCESS, routing::any(handler))
}

/// Stands for every method.
const ANY: &str = "*";

fn names_of(filter: MethodFilter) -> Vec<&'static str> {
    let names = [
        (MethodFilter::CONNECT, "CONNECT"),
        (MethodFilter::DELETE, "DELETE"),
        (MethodFilter::GET, "GET"),
        (MethodFilter::HEAD, "HEAD"),
        (MethodFilter::OPTIONS, "OPTIONS"),
        (MethodFilter::PATCH, "PATCH"),
        (MethodFilter::POST, "POST"),
        (MethodFilter::PUT, "PUT"),
        (MethodFilter::TRACE, "TRACE"),
    ];
    names.into_iter().filter(|(one, _)| filter.or(*one) == filter).map(|(_, name)| name).collect()
}
