use std::fmt;
use std::rc::Rc;

use actix_web::guard::{Guard, GuardContext};
use actix_web::http::Method as Verb;
use actix_web::{FromRequest, Handler, Responder, Route, web};

use super::declared::Declared;
use crate::routes::Line;
use crate::{Access, DeclaringArguments, Gate};

/// What a path answers, method by method, each with its own declaration: see [`get`].
///
/// ```
/// use tenantry_http::actix::{Methods, get};
/// use tenantry_http::{Principal, Public};
///
/// async fn show(_: Public) -> &'static str {
///     "for anybody"
/// }
///
/// async fn change(_: Principal) -> &'static str {
///     "for members"
/// }
///
/// let methods: Methods = get(show).put(change);
/// ```
#[must_use = "methods do nothing until they are given to Routes::route"]
pub struct Methods {
    methods: Vec<Method>,
    guards: Vec<Shared>,
}

struct Method {
    name: String,
    declared: Option<Access>,
    handler: Option<Access>,
    route: Route,
}

impl Methods {
    const NONE: Self = Self { methods: Vec::new(), guards: Vec::new() };

    /// A `Route` of actix-web as it is: what its handler asks for can't be read from it, so the route has to
    /// say who may use it by [`declared`](Self::declared). The declaration is decided on before the handler
    /// runs, and one that asks for something else answers 500 `route_contradicted`. It is listed with any
    /// method, whatever its guards, and asked after the methods that are known: one that a guard is to choose
    /// before these gets it by [`guard`](Self::guard).
    ///
    /// ```
    /// use actix_web::web;
    /// use tenantry_http::Access;
    /// use tenantry_http::actix::{Methods, Routes};
    ///
    /// let plain = web::get().to(|| async { "hello, whoever signed in" });
    /// let routes = Routes::new().route("/hello", Methods::plain(plain).declared(Access::Member));
    /// ```
    pub fn plain(route: Route) -> Self {
        Self::NONE.and(Method { name: ANY.to_owned(), declared: None, handler: None, route })
    }

    /// Says who may use these methods, whatever their handlers ask for. A handler's own declaration has to be
    /// the same; where this asks for a permission on everything, it may be content with any member or ask for
    /// the permission on what it loads.
    pub fn declared(mut self, access: Access) -> Self {
        self.methods.iter_mut().for_each(|method| method.declared = Some(access));
        self
    }

    /// Answers only requests that `guard` lets through; the next routes that match are asked for the others, and at
    /// last the fallback.
    pub fn guard(mut self, guard: impl Guard + 'static) -> Self {
        self.guards.push(Shared(Rc::new(guard)));
        self
    }

    /// Answers one more method: see [`on`](fn@on).
    pub fn on<H, Args, Place>(self, method: Verb, handler: H) -> Self
    where
        H: Handler<Args>,
        Args: FromRequest + DeclaringArguments<Place> + 'static,
        H::Output: Responder + 'static,
    {
        let (name, route) = (method.to_string(), web::method(method).to(handler));
        self.and(Method { name, declared: None, handler: Some(Args::ACCESS), route })
    }

    fn and(mut self, method: Method) -> Self {
        self.methods.push(method);
        self
    }

    pub(super) fn guarded_too(&mut self, guard: &Shared) {
        self.guards.push(guard.clone());
    }

    /// Whether it answers every request to its path.
    pub(super) fn is_sure(&self) -> bool {
        self.guards.is_empty()
    }

    pub(super) fn merge(&mut self, other: Self) {
        self.methods.extend(other.methods);
    }

    pub(super) fn take_guards(&mut self) -> Vec<Shared> {
        std::mem::take(&mut self.guards)
    }

    pub(super) fn lines(&self, path: &str) -> impl Iterator<Item = Line> {
        self.methods.iter().map(move |method| Line {
            method: method.name.clone(),
            path: path.to_owned(),
            declared: method.declared,
            handler: method.handler,
            is_conditional: !self.is_sure() || method.handler.is_none(),
        })
    }

    /// With what each method declares put on it. actix-web asks them in turn: a method of its own comes
    /// first, as in axum, and what answers any last.
    pub(super) fn gated(mut self, gate: &Gate) -> impl Iterator<Item = Route> {
        self.methods.sort_by_key(|method| (method.name == ANY, method.handler.is_some()));
        self.methods.into_iter().map(|method| match (method.declared, method.handler) {
            (None, Some(_)) => method.route,
            (declared, _) => {
                method.route.wrap(Declared::new(declared.and_then(|declared| gate.ruling(declared))))
            }
        })
    }
}

impl fmt::Debug for Methods {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |method: &Method| (method.name.clone(), method.declared.or(method.handler));
        f.debug_list().entries(self.methods.iter().map(said)).finish()
    }
}

/// A guard that several routes have.
#[derive(Clone)]
pub(super) struct Shared(pub(super) Rc<dyn Guard>);

impl Guard for Shared {
    fn check(&self, context: &GuardContext<'_>) -> bool {
        self.0.check(context)
    }
}

macro_rules! method {
    ($name:ident, $verb:ident) => {
        #[doc = concat!("Answers ", stringify!($verb), " by `handler`, one of whose arguments says who may use the route.")]
        pub fn $name<H, Args, Place>(handler: H) -> Methods
        where
            H: Handler<Args>,
            Args: FromRequest + DeclaringArguments<Place> + 'static,
            H::Output: Responder + 'static,
        {
            Methods::NONE.$name(handler)
        }

        impl Methods {
            #[doc = concat!("Answers ", stringify!($verb), " too: see [`", stringify!($name), "`](fn@", stringify!($name), ").")]
            pub fn $name<H, Args, Place>(self, handler: H) -> Self
            where
                H: Handler<Args>,
                Args: FromRequest + DeclaringArguments<Place> + 'static,
                H::Output: Responder + 'static,
            {
                self.on(Verb::$verb, handler)
            }
        }
    };
}

method!(get, GET);
method!(post, POST);
method!(put, PUT);
method!(patch, PATCH);
method!(delete, DELETE);
method!(head, HEAD);
method!(options, OPTIONS);

/// Answers `method` by `handler`, one of whose arguments says who may use the route.
pub fn on<H, Args, Place>(method: Verb, handler: H) -> Methods
where
    H: Handler<Args>,
    Args: FromRequest + DeclaringArguments<Place> + 'static,
    H::Output: Responder + 'static,
{
    Methods::NONE.on(method, handler)
}

/// Answers any method by `handler`, one of whose arguments says who may use the route.
pub fn any<H, Args, Place>(handler: H) -> Methods
where
    H: Handler<Args>,
    Args: FromRequest + DeclaringArguments<Place> + 'static,
    H::Output: Responder + 'static,
{
    let (name, route) = (ANY.to_owned(), web::to(handler));
    Methods::NONE.and(Method { name, declared: None, handler: Some(Args::ACCESS), route })
}

/// Stands for every method.
const ANY: &str = "*";
