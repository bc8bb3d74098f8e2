use std::fmt;

use crate::{Access, DeclaredPermission};

/// Every route of a service and who may use it, ordered by path: to be printed, kept, and written into an OpenAPI
/// document.
///
/// It has one line a route, so that a change of policy is a change of a line:
///
/// ```
/// # #[cfg(feature = "axum")] {
/// use tenantry_core::{Catalog, permissions};
/// use tenantry_http::axum::{Routes, get};
/// use tenantry_http::{Access, Public, Require};
///
/// permissions! {
///     /// Read listings.
///     pub ListingRead = "listing:read";
/// }
///
/// async fn alive(_: Public) {}
/// async fn listings(_: Require<ListingRead>) {}
///
/// let catalog = Catalog::builder().permission::<ListingRead>().build()?;
/// let routes = Routes::<()>::new().route("/listings", get(listings)).route("/healthz", get(alive));
/// let table = routes.table(&catalog)?;
/// assert_eq!(
///     table.to_string(),
///     "GET  /healthz   public\n\
///      GET  /listings  listing:read  Read listings.\n"
/// );
/// let security: Vec<_> = table.iter().map(|route| route.access() != Access::Public).collect();
/// assert_eq!(security, [false, true]);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteTable(Vec<DeclaredRoute>);

impl RouteTable {
    #[cfg(any(feature = "axum", feature = "actix"))]
    pub(crate) fn new(mut routes: Vec<DeclaredRoute>) -> Self {
        routes.sort_by(|one, other| (&one.path, &one.method).cmp(&(&other.path, &other.method)));
        Self(routes)
    }

    /// Every route, ordered by path, then by method.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &DeclaredRoute> {
        self.0.iter()
    }

    /// Who may use the route, as its path was written; `None` where there is no such route.
    #[must_use]
    pub fn access(&self, method: &str, path: &str) -> Option<Access> {
        self.iter().find(|route| route.method == method && route.path == path).map(DeclaredRoute::access)
    }
}

/// One line a route: method, path, who may use it, and what the permission allows.
impl fmt::Display for RouteTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widest = |of: fn(&DeclaredRoute) -> usize| self.iter().map(of).max().unwrap_or_default();
        let method = widest(|route| route.method.chars().count());
        let path = widest(|route| route.path.chars().count());
        let access = widest(|route| route.access.to_string().chars().count());
        for route in self.iter() {
            let allows = route.access.asked().map(DeclaredPermission::description).unwrap_or_default();
            let line =
                format!("{:method$}  {:path$}  {:access$}  {allows}", route.method, route.path, route.access);
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// A route and who may use it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredRoute {
    method: String,
    path: String,
    access: Access,
}

impl DeclaredRoute {
    #[cfg(any(feature = "axum", feature = "actix"))]
    pub(crate) fn new(method: String, path: String, access: Access) -> Self {
        Self { method, path, access }
    }

    /// Its method, in capitals; `*` for any.
    #[must_use]
    pub fn method(&self) -> &str {
        &self.method
    }

    /// Its whole path as it was written, with the framework's placeholders; `*` for what no other route is for.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Who may use it.
    #[must_use]
    pub fn access(&self) -> Access {
        self.access
    }
}
