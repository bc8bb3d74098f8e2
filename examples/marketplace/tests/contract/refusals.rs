//! The table of refusals, in its order: where two apply, the first answers.

use serde_json::{Value, json};

use crate::shared::{admin, server};
use crate::support::{Member, Reply, Site, listing};

const GUARDED: [(&str, &str); 22] = [
    ("GET", "/api/me"),
    ("GET", "/api/balance"),
    ("GET", "/api/usage"),
    ("POST", "/api/platform/create"),
    ("GET", "/api/listings"),
    ("GET", "/api/listings/x"),
    ("PUT", "/api/listings/x"),
    ("DELETE", "/api/listings/x"),
    ("POST", "/api/listings/x/publish"),
    ("POST", "/api/listings/x/unpublish"),
    ("POST", "/api/orders"),
    ("GET", "/api/orders"),
    ("GET", "/api/orders/x"),
    ("POST", "/api/orders/x/accept"),
    ("POST", "/api/orders/x/cancel"),
    ("POST", "/api/orders/x/dispute"),
    ("GET", "/api/investors/performance"),
    ("GET", "/api/admin/tenants"),
    ("POST", "/api/admin/tenants/x/suspend"),
    ("POST", "/api/admin/tenants/x/approve"),
    ("GET", "/api/admin/audit"),
    ("GET", "/api/admin/ledger"),
];

/// A request that says that more than 1 MiB follows.
fn huge(site: &Site, method: &str, path: &str) -> Reply {
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
         Content-Length: 1048577\r\nConnection: close\r\n",
        site.host()
    );
    if let Some(token) = site.bearer() {
        head.push_str(&format!("Authorization: Bearer {token}\r\n"));
    }
    site.raw(format!("{head}\r\n").as_bytes())
}

fn send(site: &Site, method: &str, path: &str) -> Reply {
    site.request(method, path).send()
}

fn place(buyer: &Member, key: &str, body: &str) -> Reply {
    let request = buyer.request("POST", "/api/orders").header("content-type", "application/json");
    request.header("Idempotency-Key", key).bytes(body).send()
}

#[test]
fn an_unknown_host_comes_first() {
    let token = admin().bearer().unwrap();
    let port = server().address().port();
    for host in [
        format!("nobody.localhost:{port}"),
        "localhost.example".to_owned(),
        "example.com".to_owned(),
        format!("127.0.0.1:{port}"),
        "a.b.localhost".to_owned(),
        "platform.localhost".to_owned(),
        "www.localhost".to_owned(),
    ] {
        let there = server().on(&host).token(token);
        for (method, path) in GUARDED {
            send(&there, method, path).refused(404, "tenant_unknown");
            send(&there.signed_out(), method, path).refused(404, "tenant_unknown");
        }
        there.get("/api/nothing").refused(404, "tenant_unknown");
        huge(&there, "POST", "/api/orders").refused(404, "tenant_unknown");
    }
}

#[test]
fn hosts_are_read_without_case_and_port() {
    let member = server().register("buyer", "ref-host");
    for host in ["ref-host.localhost", "REF-HOST.LocalHost:80", "ref-host.localhost.", "ref-host.localhost:1"]
    {
        let there = member.elsewhere(&server().on(host));
        assert_eq!(there.get("/api/me").expect(200)["tenant"]["slug"], "ref-host", "{host}");
    }
    let none = "GET /api/me HTTP/1.0\r\nConnection: close\r\n\r\n";
    server().platform().raw(none.as_bytes()).refused(404, "tenant_unknown");
    let two =
        "GET /api/me HTTP/1.1\r\nHost: localhost\r\nHost: ref-host.localhost\r\nConnection: close\r\n\r\n";
    assert!(matches!(server().platform().raw(two.as_bytes()).status, 400 | 404));
}

#[test]
fn then_a_missing_or_bad_token() {
    let member = server().register("buyer", "ref-token");
    for (method, path) in GUARDED.iter().filter(|(_, path)| !path.starts_with("/api/admin")) {
        for site in [member.signed_out(), member.token("rubbish")] {
            let reply = send(&site, method, path);
            reply.refused(401, "unauthenticated");
            assert!(reply.header("www-authenticate").starts_with("Bearer"), "{reply}");
        }
    }
    for (method, path) in GUARDED.iter().filter(|(_, path)| path.starts_with("/api/admin")) {
        send(&server().platform(), method, path).refused(401, "unauthenticated");
    }
    huge(&member.signed_out(), "POST", "/api/orders").refused(401, "unauthenticated");
}

#[test]
fn then_a_token_of_another_tenant() {
    let (member, other) = (server().register("buyer", "ref-mis-a"), server().register("seller", "ref-mis-b"));
    for (method, path) in GUARDED.iter().filter(|(_, path)| !path.starts_with("/api/admin")) {
        let there = member.elsewhere(&other);
        send(&there, method, path).refused(403, "tenant_mismatch");
        send(&member.elsewhere(&server().platform()), method, path).refused(403, "tenant_mismatch");
        send(&admin().elsewhere(&other), method, path).refused(403, "tenant_mismatch");
    }
    let there = member.elsewhere(&other);
    huge(&there, "POST", "/api/orders").refused(403, "tenant_mismatch");
    admin().act("/api/admin/tenants/ref-mis-b/suspend").expect(200);
    there.get("/api/me").refused(403, "tenant_mismatch");
    other.signed_out().get("/api/me").refused(401, "unauthenticated");
}

#[test]
fn then_a_suspended_tenant_then_a_large_body() {
    let seller = server().register("seller", "ref-susp");
    huge(&seller, "POST", "/api/platform/create").refused(413, "too_large");
    huge(&seller, "POST", "/api/orders").refused(413, "too_large");
    admin().act("/api/admin/tenants/ref-susp/suspend").expect(200);
    for (method, path) in GUARDED.iter().filter(|(_, path)| !path.starts_with("/api/admin")) {
        send(&seller, method, path).refused(403, "tenant_suspended");
    }
    huge(&seller, "POST", "/api/platform/create").refused(403, "tenant_suspended");
    let sign_in = json!({ "email": seller.email, "password": seller.password });
    seller.signed_out().post("/api/auth/login", sign_in).refused(403, "tenant_suspended");
}

#[test]
fn then_the_role_then_the_body() {
    let buyer = server().register("buyer", "ref-role");
    let seller = server().register("seller", "ref-role-s");
    seller.sell("ref-role-shop", 100);
    let raw = |site: &Site, path: &str, kind: &str, body: &str| {
        site.request("POST", path).header("content-type", kind).bytes(body).send()
    };
    let create = "/api/platform/create";
    raw(&buyer, create, "application/json", "{").refused(403, "forbidden");
    raw(&seller, create, "application/json", "{").refused(400, "malformed");
    raw(&seller, create, "application/json", "").refused(400, "malformed");
    raw(&seller, create, "application/json", "\u{feff}{}").refused(400, "malformed");
    seller
        .request("POST", create)
        .header("content-type", "application/json")
        .bytes([b'"', 0xff, b'"'])
        .send()
        .refused(400, "malformed");
    for kind in ["text/plain", "application/x-www-form-urlencoded"] {
        let reply = raw(&seller, create, kind, &listing("ref-role-type", 1).to_string());
        assert!(matches!(reply.status, 400 | 415), "{reply}");
    }
    raw(&seller, create, "application/json; charset=utf-8", "{}").refused(422, "invalid");
    raw(&seller, create, "application/json", "[]").refused(422, "invalid");
    raw(&seller, create, "application/json", "null").refused(422, "invalid");
    let mut unknown = listing("ref-role-unknown", 1);
    unknown["surprise"] = json!(1);
    seller.post(create, unknown).invalid(&["surprise"]);
    raw(&buyer, "/api/orders", "application/json", "{").refused(400, "malformed");
    place(&buyer, "k1", "{\"listing\": 5}").invalid(&["listing"]);
    let deep = "[".repeat(100_000);
    raw(&seller, create, "application/json", &deep).refused(400, "malformed");
}

#[test]
fn then_the_key_then_what_is_there_then_its_state_then_the_quota() {
    let seller = server().register("seller", "ref-key-s");
    let buyer = server().register("buyer", "ref-key-b");
    seller.sell("ref-key-shop", 100);
    place(&buyer, "k1", "{\"listing\": \"ref-key-shop\"}").expect(201);
    place(&buyer, "k1", "{\"listing\": \"\"}").refused(422, "invalid");
    place(&buyer, "k1", "{\"listing\": \"ref-key-absent\"}").refused(409, "idempotency_mismatch");
    place(&buyer, "k1", "{\"listing\":\"ref-key-shop\"}").expect(201);
    place(&buyer, "k2", "{\"listing\": \"ref-key-absent\"}").refused(404, "not_found");
    let absent = format!("/api/orders/{}/dispute", uuid::Uuid::now_v7());
    buyer.post(&absent, json!({ "reason": "" })).invalid(&["reason"]);
    buyer.post(&absent, json!({ "reason": "gone" })).refused(404, "not_found");
    let stale = seller.request("PUT", "/api/listings/ref-key-absent").header("If-Match", "\"9.9.9\"");
    stale.json(listing("ref-key-absent", 1)).send().refused(404, "not_found");
}

#[test]
fn a_route_that_is_not_there_says_so_in_the_same_form() {
    let member = server().register("buyer", "ref-none");
    let absent = member.get("/api/listings/absent").refused(404, "not_found");
    for path in ["/", "/api", "/api/nothing", "/api/me/", "/api//me", "/API/me", "/api/orders/x/y/z"] {
        assert_eq!(member.get(path).refused(404, "not_found"), absent, "{path}");
    }
    for (method, path) in [("DELETE", "/api/me"), ("PATCH", "/api/orders"), ("GET", "/api/auth/login")] {
        let reply = send(&member, method, path);
        assert_eq!(reply.status, 405, "{reply}");
        assert_eq!(reply.header("content-type"), "application/problem+json", "{reply}");
    }
}

#[test]
fn admin_routes_are_at_the_platform_only_whatever_the_token() {
    let seller = server().register("seller", "ref-admin");
    let routes = [
        ("GET", "/api/admin/tenants"),
        ("POST", "/api/admin/tenants/ref-admin/suspend"),
        ("POST", "/api/admin/tenants/ref-admin/reactivate"),
        ("POST", "/api/admin/tenants/ref-admin/approve"),
        ("GET", "/api/admin/audit"),
        ("GET", "/api/admin/ledger"),
    ];
    let absent = seller.get("/api/nothing").refused(404, "not_found");
    for (method, path) in routes {
        for site in [
            seller.signed_out(),
            seller.token("rubbish"),
            seller.elsewhere(&seller),
            admin().elsewhere(&seller),
        ] {
            assert_eq!(send(&site, method, path).refused(404, "not_found"), absent, "{method} {path}");
        }
        let there = seller.elsewhere(&server().platform());
        send(&there, method, path).refused(403, "tenant_mismatch");
    }
    assert_eq!(seller.get("/api/me").expect(200)["tenant"]["status"], "active");
}

#[test]
fn every_answer_has_a_request_id() {
    let member = server().register("buyer", "ref-id");
    let mut seen = std::collections::HashSet::new();
    let answers: [Reply; 9] = [
        member.get("/api/me"),
        member.get("/api/listings/absent"),
        member.signed_out().get("/api/me"),
        server().at("nobody").get("/api/me"),
        member.get("/nothing"),
        member.act("/api/me"),
        member.get("/healthz"),
        member.get("/openapi.json"),
        server().on("127.0.0.1").act("/api/payments/events"),
    ];
    for reply in &answers {
        let id = reply.header("x-request-id").to_owned();
        assert!(!id.is_empty(), "no id: {reply} {:?}", reply.headers);
        assert!(seen.insert(id), "an id twice: {reply}");
    }
    let named = member.request("GET", "/api/me").header("x-request-id", "my-own-1").send();
    assert_eq!(named.header("x-request-id"), "my-own-1");
}

#[test]
fn some_requests_are_answered_on_any_host() {
    let port = server().address().port();
    for host in [
        "localhost",
        "nobody.localhost",
        "example.com",
        "127.0.0.1",
        &format!("127.0.0.1:{port}"),
        "[::1]:80",
    ] {
        let there = server().on(host);
        there.get("/healthz").expect(200);
        there.get("/readyz").expect(200);
        there.get("/openapi.json").expect(200);
        there.post("/api/payments/events", Value::Null).refused(400, "malformed");
    }
    let none = "GET /healthz HTTP/1.0\r\nConnection: close\r\n\r\n";
    server().platform().raw(none.as_bytes()).expect(200);
}
