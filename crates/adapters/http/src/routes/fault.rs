use std::fmt;

use crate::Access;

/// Routes for which it isn't known who may use them: a service that has one doesn't start.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", Listed(faults))]
#[non_exhaustive]
pub struct UnguardedRoutes {
    /// What is wrong with each, in the order in which they were added.
    pub faults: Vec<RouteFault>,
}

/// What is wrong with a route, each time with its method (`*` for any) and its path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RouteFault {
    /// It says neither a permission nor that it is public.
    #[error(
        "{method} {path} declares nothing: let its handler take Public, Principal, Require<P> or \
         RequireOn<P>, or call `declared(Access::…)` on the route"
    )]
    Undeclared {
        /// Its method.
        method: String,
        /// Its path.
        path: String,
    },
    /// It says one thing and its handler asks for another.
    #[error("{method} {path} declares {declared} and its handler asks for {handler}: leave one of them out")]
    Contradicted {
        /// Its method.
        method: String,
        /// Its path.
        path: String,
        /// What the route says.
        declared: Access,
        /// What its handler asks for.
        handler: Access,
    },
    /// It lets in whoever holds a permission on something, and what answers there isn't known to check on what.
    #[error(
        "{method} {path} declares {key} on resource, and what answers there can't be seen to check the resource: \
         give it a handler that takes RequireOn<P>, or declare the permission itself"
    )]
    Unchecked {
        /// Its method.
        method: String,
        /// Its path.
        path: String,
        /// The permission's name.
        key: &'static str,
    },
    /// The application's catalog has no such permission, so that nobody could hold it.
    #[error("{method} {path} asks for {key}, which the catalog doesn't have: add the permission to it")]
    UnknownPermission {
        /// Its method.
        method: String,
        /// Its path.
        path: String,
        /// The permission's name.
        key: &'static str,
    },
    /// There are two of it.
    #[error("{method} {path} is there twice: leave one of them out")]
    Twice {
        /// Its method.
        method: String,
        /// Its path.
        path: String,
    },
}

struct Listed<'a>(&'a [RouteFault]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the routes aren't guarded")?;
        for (place, fault) in self.0.iter().enumerate() {
            write!(f, "{} {fault}", if place == 0 { ":" } else { ";" })?;
        }
        Ok(())
    }
}
