use std::convert::Infallible;
use std::fmt;

use ::axum::extract::Request;
use ::axum::handler::Handler;
use ::axum::response::IntoResponse;
use ::axum::routing::{MethodRouter, Router};
use tenantry_core::Catalog;
use tower_service::Service;

use super::guarded::Gated;
use super::{Guarded, Methods, method_not_allowed, not_found};
use crate::routes::{Draft, Line, below};
use crate::{Access, DeclaringArguments, Gate, RouteTable, UnguardedRoutes};

/// The routes of a service in axum, each with a declaration of who may use it.
///
/// It takes the place of axum's `Router` while routes are being added; [`behind`](Self::behind) looks whether each of
/// them may stand, and puts the gate on each.
///
/// ```
/// use tenantry_core::{Catalog, permissions};
/// use tenantry_http::axum::{Methods, Routes, get, post};
/// use tenantry_http::{Public, Require};
///
/// permissions! {
///     /// Read listings.
///     pub ListingRead = "listing:read";
///     /// Change listings.
///     pub ListingWrite = "listing:write";
/// }
///
/// async fn alive(_: Public) {}
/// async fn list(_: Require<ListingRead>) {}
/// async fn create(_: Require<ListingWrite>) {}
///
/// let catalog = Catalog::builder().permission::<ListingRead>().permission::<ListingWrite>().build()?;
/// let listings = Routes::<()>::new().route("/", get(list).post(create));
/// let routes = Routes::new().route("/healthz", get(alive)).nest("/listings", listings);
/// assert_eq!(routes.table(&catalog)?.iter().len(), 3);
///
/// let forgotten = routes.route("/forgotten", Methods::plain(axum::routing::get(|| async {})));
/// let refused = forgotten.table(&catalog).unwrap_err();
/// assert!(refused.to_string().contains("* /forgotten declares nothing"), "{refused}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "routes do nothing until they are put behind a gate"]
pub struct Routes<S = ()> {
    entries: Vec<Entry<S>>,
    fallback: Option<Fallback<S>>,
    wrong_method: Option<Fallback<S>>,
}

struct Entry<S> {
    path: String,
    answer: Answer<S>,
}

enum Answer<S> {
    Methods(Methods<S>),
    Service { access: Access, add: Add<S> },
    Nested { access: Access, add: Add<S> },
}

/// Adds a service, behind the gate on it, to a router.
type Add<S> = Box<dyn FnOnce(Router<S>, &str, Gated) -> Router<S> + Send>;

struct Fallback<S> {
    path: &'static str,
    access: Access,
    add: Box<dyn FnOnce(Router<S>, Gated) -> Router<S> + Send>,
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    /// No routes yet.
    pub fn new() -> Self {
        Self { entries: Vec::new(), fallback: None, wrong_method: None }
    }

    /// Answers `path`, written as axum writes it (`/listings/{slug}`), by `methods`; those of several calls add up.
    pub fn route(mut self, path: &str, methods: Methods<S>) -> Self {
        self.entries.push(Entry { path: path.to_owned(), answer: Answer::Methods(methods) });
        self
    }

    /// Answers `path` by a service, for those whom `access` lets pass.
    pub fn service<T>(self, path: &str, access: Access, service: T) -> Self
    where
        T: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
        T::Response: IntoResponse,
        T::Future: Send + 'static,
    {
        let service = MethodRouter::new().fallback_service(service);
        let add: Add<S> = Box::new(move |router, path, gated| router.route(path, service.layer(gated)));
        self.entry(path, Answer::Service { access, add })
    }

    /// Answers `path` and all that is below it by a service, such as a folder of files or a `Router` of axum's own, for
    /// those whom `access` lets pass. The service sees the rest of the path.
    pub fn nest_service<T>(self, path: &str, access: Access, service: T) -> Self
    where
        T: Service<Request, Error = Infallible> + Clone + Send + Sync + 'static,
        T::Response: IntoResponse,
        T::Future: Send + 'static,
    {
        let service = MethodRouter::<()>::new().fallback_service(service);
        let add: Add<S> =
            Box::new(move |router, path, gated| router.nest_service(path, service.layer(gated)));
        self.entry(path, Answer::Nested { access, add })
    }

    fn entry(mut self, path: &str, answer: Answer<S>) -> Self {
        self.entries.push(Entry { path: path.to_owned(), answer });
        self
    }

    /// All routes of `other` too.
    pub fn merge(mut self, other: Self) -> Self {
        self.entries.extend(other.entries);
        self.fallback = self.fallback.or(other.fallback);
        self.wrong_method = self.wrong_method.or(other.wrong_method);
        self
    }

    /// All routes of `other` too, below `prefix`; its route `/` is at the prefix itself. Their handlers see the whole
    /// path. What is for no route is answered as everywhere: a fallback of `other` counts only where this has none.
    pub fn nest(self, prefix: &str, mut other: Self) -> Self {
        for entry in &mut other.entries {
            entry.path = below(prefix, &entry.path);
        }
        self.merge(other)
    }

    /// Answers what no route is for by `handler`, in place of [`not_found`].
    pub fn fallback<H, T, Place>(mut self, handler: H) -> Self
    where
        H: Handler<T, S> + Sync,
        T: DeclaringArguments<Place> + Send + 'static,
        Place: 'static,
    {
        let add = Box::new(|router: Router<S>, gated| router.fallback(handler.layer(gated)));
        self.fallback = Some(Fallback { path: "*", access: T::ACCESS, add });
        self
    }

    /// Answers what there is a route for, but not with this method, by `handler`, in place of [`method_not_allowed`].
    pub fn method_not_allowed_fallback<H, T, Place>(mut self, handler: H) -> Self
    where
        H: Handler<T, S> + Sync,
        T: DeclaringArguments<Place> + Send + 'static,
        Place: 'static,
    {
        let add =
            Box::new(|router: Router<S>, gated| router.method_not_allowed_fallback(handler.layer(gated)));
        self.wrong_method = Some(Fallback { path: "* (another method)", access: T::ACCESS, add });
        self
    }

    /// Every route and who may use it, with the fallbacks that were given, in an application with this catalog.
    ///
    /// # Errors
    /// [`UnguardedRoutes`], which names every route that doesn't say who may use it, contradicts its handler, is there
    /// twice, or asks for a permission that the catalog doesn't have.
    pub fn table(&self, catalog: &Catalog) -> Result<RouteTable, UnguardedRoutes> {
        let mut draft = Draft::default();
        for entry in &self.entries {
            entry.lines().into_iter().for_each(|line| draft.add(line));
        }
        for fallback in self.fallback.iter().chain(&self.wrong_method) {
            let handled = line(fallback.path.to_owned(), fallback.access);
            draft.add(Line { declared: None, handler: handled.declared, ..handled });
        }
        draft.table(catalog)
    }

    /// The routes behind the gate, to be served.
    ///
    /// The gate stands on each route and each fallback by itself, and each says who may use it: a request comes to a
    /// handler only where that has been decided, or where the handler's own arguments decide it.
    ///
    /// ```no_run
    /// use tenantry_http::Gate;
    /// use tenantry_http::axum::Routes;
    ///
    /// async fn serve(gate: &Gate, routes: Routes) -> Result<(), Box<dyn std::error::Error>> {
    ///     let guarded = routes.behind(gate)?;
    ///     print!("{}", guarded.table());
    ///     let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    ///     axum::serve(listener, guarded.into_make_service()).await?;
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`UnguardedRoutes`], as of [`table`](Self::table).
    ///
    /// # Panics
    /// As axum's `Router::route` does, where a path isn't one or two of them can't be told apart.
    pub fn behind(self, gate: &Gate) -> Result<Guarded<S>, UnguardedRoutes> {
        let table = self.table(gate.tenantry().catalog())?;
        let mut router = Router::new();
        for Entry { path, answer } in self.entries {
            router = match answer {
                Answer::Methods(methods) => router.route(&path, methods.gated(gate)),
                Answer::Service { access, add } | Answer::Nested { access, add } => {
                    add(router, &path, Gated::by_route(gate, Some(access)))
                }
            };
        }
        let by_handler = || Gated::by_handler(gate);
        let router = match self.fallback {
            Some(fallback) => (fallback.add)(router, by_handler()),
            None => router.fallback(not_found.layer(by_handler())),
        };
        let router = match self.wrong_method {
            Some(fallback) => (fallback.add)(router, by_handler()),
            None => router.method_not_allowed_fallback(method_not_allowed.layer(by_handler())),
        };
        Ok(Guarded::new(router, table))
    }
}

impl<S> Entry<S>
where
    S: Clone + Send + Sync + 'static,
{
    fn lines(&self) -> Vec<Line> {
        match &self.answer {
            Answer::Methods(methods) => methods.lines(&self.path).collect(),
            Answer::Service { access, .. } => vec![line(self.path.clone(), *access)],
            Answer::Nested { access, .. } => vec![line(below(&self.path, "/*"), *access)],
        }
    }
}

/// A line of what answers to any method.
fn line(path: String, access: Access) -> Line {
    Line { method: "*".to_owned(), path, declared: Some(access), handler: None, is_conditional: false }
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> fmt::Debug for Routes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.entries.iter().map(|entry| &entry.path)).finish()
    }
}
