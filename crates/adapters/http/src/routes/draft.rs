use tenantry_core::Catalog;

use super::{DeclaredRoute, RouteFault, RouteTable, UnguardedRoutes};
use crate::Access;

/// Routes as they were added, before anybody has looked whether they may stand.
#[derive(Debug, Default)]
pub(crate) struct Draft(Vec<Line>);

impl Draft {
    pub(crate) fn add(&mut self, line: Line) {
        self.0.push(line);
    }

    /// The list, if each route says who may use it.
    pub(crate) fn table(&self, catalog: &Catalog) -> Result<RouteTable, UnguardedRoutes> {
        let (mut routes, mut faults) = (Vec::new(), Vec::new());
        for (place, line) in self.0.iter().enumerate() {
            match line.judged(catalog) {
                Ok(route) => routes.push(route),
                Err(fault) => faults.push(*fault),
            }
            if self.0.iter().take(place).any(|earlier| earlier.is_same(line)) {
                let (method, path) = (line.method.clone(), line.path.clone());
                faults.push(RouteFault::Twice { method, path });
            }
        }
        if faults.is_empty() { Ok(RouteTable::new(routes)) } else { Err(UnguardedRoutes { faults }) }
    }
}

/// A route as it was added.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) method: String,
    pub(crate) path: String,
    /// What the route says.
    pub(crate) declared: Option<Access>,
    /// What its handler asks for, where it can be read.
    pub(crate) handler: Option<Access>,
    /// Whether something besides method and path decides about it, so that there may be several of them.
    pub(crate) is_conditional: bool,
}

impl Line {
    fn is_same(&self, other: &Self) -> bool {
        let is_sure = !self.is_conditional && !other.is_conditional;
        is_sure && (&self.method, &self.path) == (&other.method, &other.path)
    }

    fn judged(&self, catalog: &Catalog) -> Result<DeclaredRoute, Box<RouteFault>> {
        let (method, path) = (self.method.clone(), self.path.clone());
        let fault = match (self.declared, self.handler) {
            (Some(Access::PermissionOn(permission)), None | Some(Access::Member)) => {
                RouteFault::Unchecked { method, path, key: permission.key() }
            }
            (Some(declared), Some(handler)) if !handler.fits(&declared) => {
                RouteFault::Contradicted { method, path, declared, handler }
            }
            (None, None) => RouteFault::Undeclared { method, path },
            (Some(access), _) | (None, Some(access)) => match access.asked() {
                Some(permission) if permission.index(catalog).is_none() => {
                    RouteFault::UnknownPermission { method, path, key: permission.key() }
                }
                _ => return Ok(DeclaredRoute::new(method, path, access)),
            },
        };
        Err(Box::new(fault))
    }
}

/// The path of a route below a prefix: `/` below `/api` is `/api` itself.
pub(crate) fn below(prefix: &str, path: &str) -> String {
    let prefix = prefix.trim_end_matches('/');
    if path == "/" && !prefix.is_empty() { prefix.to_owned() } else { format!("{prefix}{path}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_below_another_has_one_slash_between() {
        assert_eq!(below("/api", "/listings"), "/api/listings");
        assert_eq!(below("/api/", "/listings"), "/api/listings");
        assert_eq!(below("/api", "/"), "/api");
        assert_eq!(below("/", "/listings"), "/listings");
        assert_eq!(below("", "/"), "/");
    }
}
