//! Who may use a route, said once and in one place: declarations, the list of them, and what is wrong with it.

mod access;
mod declares;
#[cfg(any(feature = "axum", feature = "actix"))]
mod draft;
mod fault;
mod table;

pub use access::{Access, DeclaredPermission};
pub use declares::{At, Declares, DeclaringArguments};
pub use fault::{RouteFault, UnguardedRoutes};
pub use table::{DeclaredRoute, RouteTable};

#[cfg(any(feature = "tower", feature = "actix"))]
pub(crate) use access::Ruling;
#[cfg(any(feature = "axum", feature = "actix"))]
pub(crate) use draft::{Draft, Line, below};
