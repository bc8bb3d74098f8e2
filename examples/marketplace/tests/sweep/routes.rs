//! The routes, from the router itself, and where a request to each of them can name something.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::world::Kind;
use crate::support::{Reply, Server, Site, listing};

/// A route as the router has it.
#[derive(Debug, Clone)]
pub(super) struct Route {
    pub(super) method: String,
    pub(super) path: String,
    /// Whether it wants a token, as its document says.
    pub(super) is_guarded: bool,
    takes_a_key: bool,
    pub(super) takes_a_cursor: bool,
    takes_a_body: bool,
}

/// Where a request names something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// Nowhere.
    Nothing,
    /// The parameter of the path.
    Path(Kind),
    /// A member of the body.
    Body(&'static str, Kind),
    /// The header `Idempotency-Key`.
    Key,
    /// The parameter `cursor`.
    Cursor,
}

impl Slot {
    pub(super) fn kind(self) -> Option<Kind> {
        match self {
            Self::Nothing => None,
            Self::Path(kind) | Self::Body(_, kind) => Some(kind),
            Self::Key => Some(Kind::Key),
            Self::Cursor => Some(Kind::Cursor),
        }
    }
}

impl std::fmt::Display for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// Every route that the router has; fails unless the served document lists the same.
pub(super) fn of(server: &Server) -> Vec<Route> {
    let document = server.platform().get("/openapi.json").expect(200);
    let mut served = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            served.insert((method.to_uppercase(), path.clone()));
        }
    }
    let documented: BTreeSet<(String, String)> = marketplace::documented_routes().into_iter().collect();
    assert_eq!(documented, served, "the router's routes and the served document's");
    documented
        .into_iter()
        .map(|(method, path)| {
            let operation = &document["paths"][&path][method.to_lowercase()];
            let takes = |place: &str, name: &str| {
                operation["parameters"].as_array().is_some_and(|parameters| {
                    parameters.iter().any(|parameter| parameter["in"] == place && parameter["name"] == name)
                })
            };
            Route {
                is_guarded: operation["security"] != json!([{}]),
                takes_a_key: takes("header", "Idempotency-Key"),
                takes_a_cursor: takes("query", "cursor"),
                takes_a_body: !operation["requestBody"].is_null(),
                method,
                path,
            }
        })
        .collect()
}

impl Route {
    /// Where a request to it can name something of somebody's. Fails for a route that this test doesn't know how
    /// to call: it has to be taught.
    pub(super) fn slots(&self) -> Vec<Slot> {
        let mut slots = Vec::new();
        for (start, kind) in [
            ("/api/orders/{id}", Kind::Order),
            ("/api/listings/{slug}", Kind::Listing),
            ("/api/admin/tenants/{slug}", Kind::Tenant),
        ] {
            if self.path.starts_with(start) {
                slots.push(Slot::Path(kind));
            }
        }
        assert_eq!(slots.len(), self.path.matches('{').count(), "{self}: what does its parameter name?");
        assert_eq!(self.takes_a_body, self.body().is_some(), "{self}: what is its body?");
        match self.path.as_str() {
            "/api/orders" if self.method == "POST" => slots.push(Slot::Body("listing", Kind::Listing)),
            "/api/platform/create" => slots.push(Slot::Body("slug", Kind::Listing)),
            "/api/auth/register" => {
                slots.extend([Slot::Body("tenant", Kind::Tenant), Slot::Body("email", Kind::Email)]);
            }
            "/api/auth/login" => slots.push(Slot::Body("email", Kind::Email)),
            "/api/payments/events" => slots.push(Slot::Body("reference", Kind::Order)),
            _ => {}
        }
        if self.takes_a_key {
            slots.push(Slot::Key);
        }
        if self.takes_a_cursor {
            slots.push(Slot::Cursor);
        }
        if slots.is_empty() { vec![Slot::Nothing] } else { slots }
    }

    /// A request to it that names something in one place, and otherwise nothing that exists.
    pub(super) fn send(&self, site: &Site, slot: Slot, name: &str) -> Reply {
        let unknown = uuid::Uuid::now_v7().to_string();
        let in_path = if let Slot::Path(_) = slot { encoded(name) } else { unknown.clone() };
        let mut path = self.path.replace("{id}", &in_path).replace("{slug}", &in_path);
        if slot == Slot::Cursor {
            path = format!("{path}?limit=200&cursor={}", encoded(name));
        }
        let mut request = site.request(&self.method, &path);
        if self.takes_a_key {
            request = request.header("Idempotency-Key", if slot == Slot::Key { name } else { &unknown });
        }
        if self.method == "PUT" {
            request = request.header("If-Match", "\"1.0.0\"");
        }
        if let Some(mut body) = self.body() {
            if let Slot::Body(member, _) = slot {
                body[member] = json!(name);
            }
            request = request.json(body);
        }
        request.send()
    }

    /// A body that it takes.
    fn body(&self) -> Option<Value> {
        Some(match (self.method.as_str(), self.path.as_str()) {
            ("POST", "/api/auth/register") => json!({
                "email": "somebody@new.example", "password": "a long enough password",
                "name": "Somebody", "kind": "seller", "tenant": "corner",
            }),
            ("POST", "/api/auth/login") => {
                json!({ "email": "somebody@new.example", "password": "not the password" })
            }
            ("POST", "/api/platform/create") | ("PUT", "/api/listings/{slug}") => {
                let mut draft = listing("swept", 4_900);
                draft["publish"] = json!(false);
                draft
            }
            ("POST", "/api/orders") => json!({ "listing": "corner-open" }),
            ("POST", "/api/orders/{id}/dispute") => json!({ "reason": "a sweep" }),
            ("POST", "/api/orders/{id}/resolve") => json!({ "outcome": "refund" }),
            ("POST", "/api/payments/events") => json!({ "type": "checkout.paid", "reference": "?" }),
            _ => return None,
        })
    }
}

/// A part of a path, in which everything but letters, digits, `-`, `.`, `_`, `~` is written in hex; what is in hex
/// already stays so.
fn encoded(part: &str) -> String {
    part.bytes()
        .map(|byte| match byte {
            b'-' | b'.' | b'_' | b'~' | b'%' => char::from(byte).to_string(),
            byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
