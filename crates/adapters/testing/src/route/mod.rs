mod bind;
mod draft;
mod openapi;
mod template;

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

pub(crate) use draft::Fill;
pub(crate) use openapi::Guess;
pub use openapi::RouteError;
pub(crate) use template::Hole;

use crate::client::Body;

/// A route of the service under test: a method, a template of its path, and how to fill the rest of a request to it.
///
/// Text in braces is a place that the walk fills, in the path, the query, headers and strings of the body alike:
///
/// | written | filled with |
/// | --- | --- |
/// | `{order}` | an identifier of kind `order`: the caller's own, another tenant's, or a name of nothing |
/// | `{new:order}` | a new name of that kind, for what a request creates; also another tenant's, to see whether a unique key tells |
/// | `{mark}` | a text made up for the calling tenant, which no other tenant may ever read; not for what it shows to others, such as the text of a dispute |
///
/// In a path, `{id}`, `{slug}` and the like stand for a thing of the collection before them (`/orders/{id}`: an
/// `order`), and `{order_id}` for an `order`; [`names`](Self::names) says otherwise. A string of the body that is
/// nothing but a place takes the identifier's own JSON type.
///
/// ```
/// use serde_json::json;
/// use tenantry_testing::Route;
///
/// let place_order = Route::post("/orders")
///     .header("Idempotency-Key", "{new:idempotency-key}")
///     .json(json!({ "listing": "{listing}", "remark": "{mark}" }));
/// let list = Route::get("/orders").query("cursor", "{cursor}");
/// let close = Route::post("/account/close").last();
/// assert_eq!(place_order.to_string(), "POST /orders");
/// # drop((list, close));
/// ```
#[derive(Debug, Clone)]
pub struct Route {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) kinds: BTreeMap<String, String>,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<Body>,
    pub(crate) guesses: Vec<Guess>,
    pub(crate) undo: Option<(String, String)>,
    pub(crate) is_last: bool,
    pub(crate) is_steady: bool,
    pub(crate) is_sparing: bool,
    pub(crate) unproved: Option<String>,
}

impl Route {
    /// A route by its method and the template of its path.
    #[must_use]
    pub fn new(method: impl AsRef<str>, path: impl Into<String>) -> Self {
        Self {
            method: method.as_ref().to_uppercase(),
            path: path.into(),
            kinds: BTreeMap::new(),
            query: Vec::new(),
            headers: Vec::new(),
            body: None,
            guesses: Vec::new(),
            undo: None,
            is_last: false,
            is_steady: false,
            is_sparing: false,
            unproved: None,
        }
    }

    /// A GET route.
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self::new("GET", path)
    }

    /// A POST route.
    #[must_use]
    pub fn post(path: impl Into<String>) -> Self {
        Self::new("POST", path)
    }

    /// A PUT route.
    #[must_use]
    pub fn put(path: impl Into<String>) -> Self {
        Self::new("PUT", path)
    }

    /// A PATCH route.
    #[must_use]
    pub fn patch(path: impl Into<String>) -> Self {
        Self::new("PATCH", path)
    }

    /// A DELETE route.
    #[must_use]
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new("DELETE", path)
    }

    /// Says what kind of thing a parameter of the path names.
    #[must_use]
    pub fn names(mut self, parameter: impl Into<String>, kind: impl Into<String>) -> Self {
        self.kinds.insert(parameter.into(), kind.into());
        self
    }

    /// A parameter of the query. One that names something is left out where there is nothing to name.
    #[must_use]
    pub fn query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        self.query.retain(|(known, _)| *known != name);
        self.query.push((name, value.into()));
        self
    }

    /// A header that the route takes.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into();
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(&name));
        self.headers.push((name, value.into()));
        self
    }

    /// The JSON body that it takes.
    #[must_use]
    pub fn json(self, body: Value) -> Self {
        Self { body: Some(Body::Json(body)), guesses: Vec::new(), ..self }
    }

    /// The form that it takes, as a JSON object of its fields.
    #[must_use]
    pub fn form(self, fields: Value) -> Self {
        Self { body: Some(Body::Form(fields)), guesses: Vec::new(), ..self }
    }

    /// Asked as its owner after all others, since it ends something that they need: closing the account, signing out.
    #[must_use]
    pub fn last(self) -> Self {
        Self { is_last: true, ..self }
    }

    /// What takes back a success of this route, where quotas or unique names would stop the walk: a method, and a path
    /// in which `{/slug}` stands for what a JSON pointer finds in the answer.
    ///
    /// ```
    /// use serde_json::json;
    /// use tenantry_testing::Route;
    ///
    /// let create = Route::post("/listings").json(json!({ "slug": "{new:listing}" }));
    /// let create = create.undone_by("DELETE", "/listings/{/slug}");
    /// # drop(create);
    /// ```
    #[must_use]
    pub fn undone_by(self, method: impl Into<String>, path: impl Into<String>) -> Self {
        Self { undo: Some((method.into(), path.into())), ..self }
    }

    /// What this route shows a tenant changes through that tenant's own requests only, as a balance does: it is
    /// compared before and after others had their way. What a path names is compared without saying so.
    #[must_use]
    pub fn steady(self) -> Self {
        Self { is_steady: true, ..self }
    }

    /// For a route that counts failures, as signing in does: each caller names one thing of others at each host,
    /// another each time, and in no other form.
    #[must_use]
    pub fn sparing(self) -> Self {
        Self { is_sparing: true, ..self }
    }

    /// Lets the walk be clean although it can't exercise this route, for a reason that the report shows. A walk that
    /// can exercise it after all fails, so that the reason doesn't outlive its cause.
    #[must_use]
    pub fn unproved(self, reason: impl Into<String>) -> Self {
        Self { unproved: Some(reason.into()), ..self }
    }

    pub(crate) fn reads(&self) -> bool {
        matches!(self.method.as_str(), "GET" | "HEAD")
    }

    pub(crate) fn deletes(&self) -> bool {
        self.method == "DELETE"
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// The routes of a service.
///
/// ```
/// use serde_json::json;
/// use tenantry_testing::{Route, Routes};
///
/// let document = json!({
///     "openapi": "3.1.0",
///     "paths": { "/orders/{id}": { "get": {}, "delete": {} }, "/orders": { "post": {} } },
/// });
/// let routes = Routes::from_openapi(&document)?
///     .with("POST", "/orders", |route| route.json(json!({ "listing": "{listing}" })))?
///     .and(Route::get("/health").unproved("the same for everybody"));
/// assert_eq!(routes.len(), 4);
/// # Ok::<(), tenantry_testing::RouteError>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Routes(Vec<Route>);

impl Routes {
    /// No routes yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a route, in place of one with the same method and path.
    #[must_use]
    pub fn and(mut self, route: Route) -> Self {
        self.0.retain(|known| (&known.method, &known.path) != (&route.method, &route.path));
        self.0.push(route);
        self
    }

    /// Says more about a route that is there: its body, what its parameters name.
    ///
    /// # Errors
    /// [`RouteError::Unknown`] when there is none with this method and path.
    pub fn with(
        mut self,
        method: &str,
        path: &str,
        more: impl FnOnce(Route) -> Route,
    ) -> Result<Self, RouteError> {
        let found = self.0.iter_mut().find(|route| route.method == method && route.path == path);
        let Some(route) = found else {
            return Err(RouteError::Unknown { route: format!("{method} {path}") });
        };
        *route = more(route.clone());
        Ok(self)
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &Route> {
        self.0.iter()
    }

    pub(crate) fn into_vec(self) -> Vec<Route> {
        self.0
    }
}

impl FromIterator<Route> for Routes {
    fn from_iter<I: IntoIterator<Item = Route>>(routes: I) -> Self {
        routes.into_iter().fold(Self::new(), Self::and)
    }
}
