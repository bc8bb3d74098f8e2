//! The routes, from the served document, and what the document doesn't say of them.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use tenantry_testing::{Route, Routes};

use crate::support::{Server, listing};

/// Every route that the router has; fails unless the served document lists the same.
pub(super) fn of(server: &Server) -> Routes {
    let document = server.platform().get("/openapi.json").expect(200);
    let routes = Routes::from_openapi(&document).unwrap();
    let served: BTreeSet<String> = routes.iter().map(ToString::to_string).collect();
    let documented = marketplace::documented_routes();
    let documented: BTreeSet<String> =
        documented.iter().map(|(method, path)| format!("{method} {path}")).collect();
    assert_eq!(documented, served, "the router's routes and the served document's");
    routes.iter().map(|route| taught(route.clone())).collect()
}

fn taught(route: Route) -> Route {
    match route.to_string().as_str() {
        "POST /api/auth/register" => route.json(json!({
            "email": "{new:email}", "password": "a long enough password",
            "name": "Somebody", "kind": "seller", "tenant": "{new:tenant}",
        })),
        "POST /api/auth/login" => route
            .json(json!({ "email": "{email}", "password": "not the password" }))
            .sparing()
            .unproved("the password is wrong on purpose: with the right one anybody is let in"),
        "POST /api/platform/create" => {
            route.json(draft("{new:listing}")).undone_by("DELETE", "/api/listings/{/slug}")
        }
        "PUT /api/listings/{slug}" => route.header("If-Match", "\"1.0.0\"").json(draft("swept")),
        "POST /api/orders" => route.json(json!({ "listing": "{listing}" })),
        "POST /api/orders/{id}/dispute" => route.json(json!({ "reason": "a sweep" })),
        "POST /api/orders/{id}/resolve" => route.json(json!({ "outcome": "refund" })),
        "POST /api/payments/events" => route
            .json(json!({ "type": "checkout.paid", "reference": "{order}" }))
            .unproved("what the provider didn't sign is refused before it is looked at"),
        "POST /api/listings/{slug}/unpublish" | "POST /api/admin/tenants/{slug}/suspend" => route.last(),
        "GET /api/me" | "GET /api/usage" | "GET /api/balance" | "GET /api/admin/ledger" => route.steady(),
        _ => route,
    }
}

fn draft(slug: &str) -> Value {
    let mut draft = listing(slug, 4_900);
    draft["publish"] = json!(false);
    draft
}
