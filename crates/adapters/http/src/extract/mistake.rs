//! What is wrong with the service, not with the request: loud, each of them.

use crate::Problem;

pub(crate) fn no_gate(asked: &'static str) -> Problem {
    tracing::error!(extractor = asked, "a handler was reached past the gate: put the gate around its route");
    Problem::new(500, "no_gate", "this route stands outside the gate: it has been logged")
}

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
