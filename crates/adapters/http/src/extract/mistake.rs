//! What is wrong with the service, not with the request: loud, each of them.

use crate::Problem;
#[cfg(any(feature = "tower", feature = "actix"))]
use crate::routes::Ruling;

#[cfg(any(feature = "tower", feature = "actix"))]
pub(crate) fn no_gate(asked: &'static str) -> Problem {
    tracing::error!(extractor = asked, "a handler was reached past the gate: put the gate around its route");
    Problem::new(500, "no_gate", "this route stands outside the gate: it has been logged")
}

#[cfg(any(feature = "tower", feature = "actix"))]
pub(crate) fn contradicted(declared: Ruling, asked: Ruling) -> Problem {
    tracing::error!(
        ?declared,
        ?asked,
        "a route declares one thing and its handler asks for another: leave one of them out"
    );
    Problem::new(500, "route_contradicted", "this route contradicts itself: it has been logged")
}

#[cfg(any(feature = "axum", feature = "actix"))]
pub(crate) fn undeclared_route(method: &str, pattern: Option<&str>) -> Problem {
    tracing::error!(
        method,
        route = pattern,
        "a route that says neither a permission nor that it is public: add it to the Routes instead"
    );
    Problem::new(500, "route_undeclared", "nobody has said who may use this route: it has been logged")
}

#[cfg(feature = "actix")]
pub(crate) fn unmountable(pattern: &str) -> Problem {
    tracing::error!(
        route = pattern,
        "guarded routes inside a scope, whose guards may lead past them: give them to the App itself, and write \
         the prefix with Routes::nest"
    );
    Problem::new(
        500,
        "route_undeclared",
        "these routes don't stand where the gate can see them: it has been logged",
    )
}

#[cfg(any(feature = "tower", feature = "actix"))]
pub(crate) fn undeclared(permission: &'static str) -> Problem {
    tracing::error!(permission, "a handler requires a permission that the catalog doesn't have: declare it");
    Problem::new(500, "permission_undeclared", "this route requires a permission that nobody declared")
}

#[cfg(feature = "axum")]
pub(crate) fn misordered(asked: &'static str) -> Problem {
    tracing::error!(
        extractor = asked,
        "a handler looks into the request before the gate has let it pass: put this extractor before Query and \
         Paging"
    );
    Problem::new(500, "misordered", "this route looks before it checks: it has been logged")
}

#[cfg(any(feature = "axum", feature = "actix"))]
pub(crate) fn no_address() -> Problem {
    tracing::error!(
        "the address of the client isn't known: serve with into_make_service_with_connect_info::<SocketAddr>()"
    );
    Problem::new(500, "no_address", "the address of the client isn't known: it has been logged")
}
