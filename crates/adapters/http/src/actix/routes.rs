use std::fmt;
use std::rc::Rc;

use actix_web::guard::Guard;
use actix_web::{FromRequest, Handler, Responder, Route, web};
use tenantry_core::Catalog;

use super::methods::Shared;
use super::{Methods, method_not_allowed, not_found};
use crate::routes::{Draft, Line, below};
use crate::{Access, DeclaringArguments, RouteTable, UnguardedRoutes};

/// The routes of a service in actix-web, each with a declaration of who may use it.
///
/// It takes the place of actix-web's scopes and resources while routes are being added;
/// [`Guarded::behind`](super::Guarded::behind) looks whether each of them may stand, and puts the gate around them.
///
/// ```
/// use actix_web::{guard, web};
/// use tenantry_core::{Catalog, permissions};
/// use tenantry_http::actix::{Methods, Routes, get};
/// use tenantry_http::{Public, Require};
///
/// permissions! {
///     /// Read listings.
///     pub ListingRead = "listing:read";
///     /// Change listings.
///     pub ListingWrite = "listing:write";
/// }
///
/// async fn alive(_: Public) -> &'static str {
///     "alive"
/// }
///
/// async fn list(_: Require<ListingRead>) -> &'static str {
///     "listings"
/// }
///
/// async fn create(_: Require<ListingWrite>) -> &'static str {
///     "one more"
/// }
///
/// let catalog = Catalog::builder().permission::<ListingRead>().permission::<ListingWrite>().build()?;
/// let listings = Routes::new().route("/", get(list).post(create));
/// let inside = Routes::new().route("/alive", get(alive)).guard(guard::Header("x-inside", "yes"));
/// let routes = Routes::new().nest("/listings", listings).merge(inside);
/// assert_eq!(routes.table(&catalog)?.iter().len(), 3);
///
/// let forgotten = routes.route("/forgotten", Methods::plain(web::get().to(|| async { "for whom?" })));
/// let refused = forgotten.table(&catalog).unwrap_err();
/// assert!(refused.to_string().contains("* /forgotten declares nothing"), "{refused}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "routes do nothing until they are put behind a gate"]
#[derive(Default)]
pub struct Routes {
    pub(super) entries: Vec<Entry>,
    fallback: Option<Fallback>,
    wrong_method: Option<Fallback>,
}

pub(super) struct Entry {
    pub(super) path: String,
    pub(super) methods: Methods,
}

#[derive(Clone)]
struct Fallback {
    path: &'static str,
    access: Access,
    route: Rc<dyn Fn() -> Route>,
}

impl Routes {
    /// No routes yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Answers `path`, written as actix-web writes it (`/listings/{slug}`), by `methods`. A slash that isn't
    /// there at its beginning is added, as actix-web does.
    ///
    /// Those of several calls add up. Of one path, those with guards are asked before those without, in the
    /// order in which they are added; then each method of its own, then [plain](Methods::plain) routes, then
    /// what answers [any](fn@super::any), whatever their order. Of different paths that match a request, the
    /// first is asked.
    pub fn route(mut self, path: &str, methods: Methods) -> Self {
        let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
        let is_same = |entry: &Entry| entry.path == path && entry.methods.is_sure();
        let same = self.entries.iter().position(is_same).unwrap_or(self.entries.len());
        match self.entries.get_mut(same).filter(|_| methods.is_sure()) {
            Some(entry) => entry.methods.merge(methods),
            None => self.entries.insert(same, Entry { path, methods }),
        }
        self
    }

    /// All routes of `other` too.
    pub fn merge(mut self, other: Self) -> Self {
        self.fallback = self.fallback.or(other.fallback);
        self.wrong_method = self.wrong_method.or(other.wrong_method);
        other.entries.into_iter().fold(self, |all, entry| all.route(&entry.path, entry.methods))
    }

    /// All routes of `other` too, below `prefix`; its route `/` is at the prefix itself. What is for no route is
    /// answered as everywhere: a fallback of `other` counts only where this has none.
    pub fn nest(self, prefix: &str, mut other: Self) -> Self {
        for entry in &mut other.entries {
            entry.path = below(prefix, &entry.path);
        }
        self.merge(other)
    }

    /// Answers only requests that `guard` lets through, at each of the routes that are there so far: see
    /// [`Methods::guard`].
    pub fn guard(mut self, guard: impl Guard + 'static) -> Self {
        let guard = Shared(Rc::new(guard));
        self.entries.iter_mut().for_each(|entry| entry.methods.guarded_too(&guard));
        self
    }

    /// Answers what no route is for by `handler`, in place of [`not_found`].
    pub fn fallback<H, Args, Place>(mut self, handler: H) -> Self
    where
        H: Handler<Args>,
        Args: FromRequest + DeclaringArguments<Place> + 'static,
        H::Output: Responder + 'static,
    {
        let route = Rc::new(move || web::to(handler.clone()));
        self.fallback = Some(Fallback { path: "*", access: Args::ACCESS, route });
        self
    }

    /// Answers what there is a route for, but not with this method, by `handler`, in place of [`method_not_allowed`].
    pub fn method_not_allowed_fallback<H, Args, Place>(mut self, handler: H) -> Self
    where
        H: Handler<Args>,
        Args: FromRequest + DeclaringArguments<Place> + 'static,
        H::Output: Responder + 'static,
    {
        let route = Rc::new(move || web::to(handler.clone()));
        self.wrong_method = Some(Fallback { path: "* (another method)", access: Args::ACCESS, route });
        self
    }

    /// Every route and who may use it, with the fallbacks that were given, in an application with this catalog. Routes
    /// with guards may be there several times.
    ///
    /// # Errors
    /// [`UnguardedRoutes`], which names every route that doesn't say who may use it, contradicts its handler, is there
    /// twice, or asks for a permission that the catalog doesn't have.
    pub fn table(&self, catalog: &Catalog) -> Result<RouteTable, UnguardedRoutes> {
        let mut draft = Draft::default();
        for Entry { path, methods } in &self.entries {
            methods.lines(path).for_each(|line| draft.add(line));
        }
        for fallback in self.fallback.iter().chain(&self.wrong_method) {
            let (method, path) = ("*".to_owned(), fallback.path.to_owned());
            let handler = Some(fallback.access);
            draft.add(Line { method, path, declared: None, handler, is_conditional: false });
        }
        draft.table(catalog)
    }

    /// What answers where no route does.
    pub(super) fn fallback_route(&self) -> Route {
        self.fallback.as_ref().map_or_else(|| web::to(not_found), |fallback| (fallback.route)())
    }

    /// What answers where a route is for another method.
    pub(super) fn wrong_method_route(&self) -> Route {
        self.wrong_method.as_ref().map_or_else(|| web::to(method_not_allowed), |fallback| (fallback.route)())
    }
}

impl fmt::Debug for Routes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.entries.iter().map(|entry| &entry.path)).finish()
    }
}
