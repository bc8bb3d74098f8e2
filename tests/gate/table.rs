//! Requests, and what both servers have to answer.

use super::{Ask, BODY_LIMIT, ask};

/// Fields of an answer that are there in this situation, and not in others.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Says {
    Nothing,
    Challenge,
    Counted,
    RetryCounted,
}

pub(crate) struct Row {
    pub(crate) when: &'static str,
    pub(crate) ask: Ask,
    pub(crate) status: u16,
    pub(crate) code: &'static str,
    pub(crate) says: Says,
    pub(crate) errors: &'static [&'static str],
}

fn row(when: &'static str, ask: Ask, status: u16, code: &'static str, says: Says) -> Row {
    Row { when, ask, status, code, says, errors: &[] }
}

pub(crate) const GOOD: &str = r#"{"name": "shop", "price": {"amount": 1}}"#;

fn at(name: &str) -> String {
    format!("{name}.localhost")
}

pub(crate) fn me(host: &str, token: &str) -> Ask {
    ask("GET", "/me").at(&at(host)).token(token)
}

pub(crate) fn write(host: &str, token: &str) -> Ask {
    ask("POST", "/listings").at(&at(host)).token(token)
}

pub(crate) fn keyed(host: &str, token: &str, name: &str) -> Ask {
    let body = GOOD.replace("shop", name);
    write(host, token).field("Idempotency-Key", "k-1").json(&body)
}

/// Each situation alone, and together with the one that comes after it.
pub(crate) fn table() -> Vec<Row> {
    let too_large = BODY_LIMIT + 1;
    let mut rows = hosts();
    rows.extend([
        row("public", ask("GET", "/public").at(&at("a")), 200, "", Says::Nothing),
        row(
            "public, body too large",
            ask("POST", "/public").at(&at("a")).announced(too_large),
            413,
            "too_large",
            Says::Nothing,
        ),
        row(
            "public, suspended",
            ask("GET", "/public").at(&at("suspended")),
            403,
            "tenant_suspended",
            Says::Nothing,
        ),
        row(
            "public, suspended, body too large",
            ask("POST", "/public").at(&at("suspended")).announced(too_large),
            403,
            "tenant_suspended",
            Says::Nothing,
        ),
        row("no token", ask("GET", "/me").at(&at("a")), 401, "unauthenticated", Says::Challenge),
        row(
            "another scheme",
            ask("GET", "/me").at(&at("a")).field("Authorization", "Basic YTpi"),
            401,
            "unauthenticated",
            Says::Challenge,
        ),
        row("two tokens", me("a", "a-owner").token("a-owner"), 401, "unauthenticated", Says::Challenge),
        row("bad token", me("a", "nonsense"), 401, "unauthenticated", Says::Challenge),
        row("bad token of another tenant", me("a", "b-expired"), 401, "unauthenticated", Says::Challenge),
        row("bad token, suspended", me("suspended", "nonsense"), 401, "unauthenticated", Says::Challenge),
        row("unknown host, bad token", me("nobody", "nonsense"), 404, "tenant_unknown", Says::Nothing),
        row("unknown host, good token", me("nobody", "a-owner"), 404, "tenant_unknown", Says::Nothing),
        row("token of another tenant", me("a", "b-owner"), 403, "tenant_mismatch", Says::Nothing),
        row(
            "token of another tenant, suspended",
            me("suspended", "b-owner"),
            403,
            "tenant_mismatch",
            Says::Nothing,
        ),
        row(
            "token of a tenant, at the platform",
            ask("GET", "/me").at("localhost").token("a-owner"),
            403,
            "tenant_mismatch",
            Says::Nothing,
        ),
        row(
            "the platform's token at a tenant",
            me("a", "platform-owner"),
            403,
            "tenant_mismatch",
            Says::Nothing,
        ),
        row("suspended", me("suspended", "suspended-owner"), 403, "tenant_suspended", Says::Nothing),
        row("closed", me("closed", "closed-owner"), 403, "tenant_suspended", Says::Nothing),
        row(
            "suspended, body too large",
            write("suspended", "suspended-owner").announced(too_large),
            403,
            "tenant_suspended",
            Says::Nothing,
        ),
        row("body too large", write("a", "a-owner").announced(too_large), 413, "too_large", Says::Nothing),
        row(
            "body too large, over the rate",
            write("spent", "spent-owner").announced(too_large),
            413,
            "too_large",
            Says::Nothing,
        ),
        row("over the rate", me("spent", "spent-owner"), 429, "rate_limited", Says::RetryCounted),
        row(
            "over the rate, forbidden",
            write("spent", "spent-reader").json(GOOD),
            429,
            "rate_limited",
            Says::RetryCounted,
        ),
        row("forbidden", keyed("a", "a-reader", "shop"), 403, "forbidden", Says::Counted),
        row("forbidden, not JSON", write("a", "a-reader").json("{"), 403, "forbidden", Says::Counted),
        row(
            "not JSON",
            write("a", "a-owner").field("Idempotency-Key", "k-1").json("{\"name\": 1,"),
            400,
            "malformed",
            Says::Counted,
        ),
        row("not JSON, no key", write("a", "a-owner").json("{"), 400, "malformed", Says::Counted),
        row("not called JSON", write("a", "a-owner").bytes(GOOD.as_bytes()), 400, "malformed", Says::Counted),
        row("no body", write("a", "a-owner"), 400, "malformed", Says::Counted),
        row(
            "too large in chunks, which nobody announced",
            write("a", "a-owner").chunked(&[b' '; 1500]),
            413,
            "too_large",
            Says::Counted,
        ),
        row(
            "same key, other request",
            keyed("a", "a-owner", "mismatch"),
            409,
            "idempotency_mismatch",
            Says::Counted,
        ),
        row("absent", keyed("a", "a-owner", "absent"), 404, "not_found", Says::Counted),
        row("taken", keyed("a", "a-owner", "taken"), 409, "conflict", Says::Counted),
        row("over the quota", keyed("a", "a-owner", "full"), 402, "quota_exceeded", Says::Counted),
        row("store away in a handler", keyed("a", "a-owner", "away"), 503, "unavailable", Says::RetryCounted),
        row("done", keyed("a", "a-owner", "shop"), 201, "", Says::Counted),
        row(
            "done in chunks",
            write("a", "a-owner").field("Idempotency-Key", "k").chunked(GOOD.as_bytes()),
            201,
            "",
            Says::Counted,
        ),
        row("of a tenant without a rate", me("free", "free-owner"), 200, "", Says::Nothing),
        row(
            "the platform",
            ask("GET", "/me").at("localhost").token("platform-owner"),
            200,
            "",
            Says::Counted,
        ),
        row(
            "two extractors and more",
            ask("GET", "/twice").at(&at("a")).token("a-reader"),
            200,
            "",
            Says::Counted,
        ),
        row("raw", ask("POST", "/raw").at("whoever").bytes(&[7; 1000]), 200, "", Says::Nothing),
        row(
            "raw, too large",
            ask("POST", "/raw").at("whoever").announced(too_large),
            413,
            "too_large",
            Says::Nothing,
        ),
        row(
            "raw, too large in chunks",
            ask("POST", "/raw").at("whoever").chunked(&[7; 1001]),
            413,
            "too_large",
            Says::Nothing,
        ),
        row("no such route", ask("GET", "/nowhere").at(&at("a")), 404, "not_found", Says::Nothing),
        row("no such method", ask("DELETE", "/me").at(&at("a")), 405, "method_not_allowed", Says::Nothing),
        row(
            "a permission that nobody declared",
            ask("GET", "/forgotten").at(&at("a")).token("a-owner"),
            500,
            "permission_undeclared",
            Says::Nothing,
        ),
    ]);
    rows.extend(fields());
    rows
}

fn hosts() -> Vec<Row> {
    let good = |host: &str| ask("GET", "/public").at(host);
    let known =
        ["a.localhost:3000", "A.LOCALHOST", "a.localhost.", "a.localhost.:80", "localhost", "LocalHost:1"];
    let unknown = [
        "nobody.localhost",
        "platform.localhost",
        "b.a.localhost",
        "a.localhost.evil.org",
        "evil.org",
        "127.0.0.1",
        "[::1]",
        "a.localhost:",
        "a.localhost:8x",
        "a@localhost",
        ".localhost",
        "a..localhost",
        "www.localhost",
        "",
    ];
    let mut rows: Vec<Row> = known
        .iter()
        .map(|host| row("a host, however it is spelled", good(host), 200, "", Says::Nothing))
        .chain(
            unknown
                .iter()
                .map(|host| row("an unknown host", good(host), 404, "tenant_unknown", Says::Nothing)),
        )
        .collect();
    let public = || ask("GET", "/public");
    rows.extend([
        row(
            "absolute target, same host",
            ask("GET", "http://a.localhost/public").at("a.localhost"),
            200,
            "",
            Says::Nothing,
        ),
        row(
            "absolute target, other host",
            ask("GET", "http://a.localhost/public").at("b.localhost"),
            404,
            "tenant_unknown",
            Says::Nothing,
        ),
        row(
            "absolute target, no tenant's host",
            ask("GET", "http://evil.org/public").at("a.localhost"),
            404,
            "tenant_unknown",
            Says::Nothing,
        ),
        row(
            "forwarded host",
            public().at("nobody.localhost").field("X-Forwarded-Host", "a.localhost"),
            404,
            "tenant_unknown",
            Says::Nothing,
        ),
        row(
            "forwarded host of another",
            public()
                .at("a.localhost")
                .field("X-Forwarded-Host", "b.localhost")
                .field("Forwarded", "host=b.localhost"),
            200,
            "",
            Says::Nothing,
        ),
    ]);
    rows
}

fn fields() -> Vec<Row> {
    let invalid = |when, ask, errors| Row { errors, ..row(when, ask, 422, "invalid", Says::Counted) };
    let write = || write("a", "a-owner");
    let get = |target| ask("GET", target).at("a.localhost").token("a-reader");
    let put = || ask("PUT", "/listings/shop").at("a.localhost").token("a-owner");
    vec![
        invalid("no key", write().json(GOOD), &["Idempotency-Key"]),
        invalid(
            "no key to a request that would mismatch",
            write().json(&GOOD.replace("shop", "mismatch")),
            &["Idempotency-Key"],
        ),
        invalid(
            "two keys",
            write().field("Idempotency-Key", "a").field("Idempotency-Key", "a").json(GOOD),
            &["Idempotency-Key"],
        ),
        invalid(
            "a field of another type, no key",
            write().json(r#"{"name": "a", "price": {"amount": "1"}}"#),
            &["Idempotency-Key", "price.amount"],
        ),
        invalid(
            "a field missing",
            write().field("Idempotency-Key", "k").json(r#"{"name": "a", "price": {}}"#),
            &["price.amount"],
        ),
        invalid(
            "a field that nobody knows",
            write().field("Idempotency-Key", "k").json(r#"{"name": "a", "price": {"amount": 1}, "x": 1}"#),
            &["x"],
        ),
        invalid(
            "all that is wrong",
            write().field("Idempotency-Key", "k").json(r#"{"name": "", "price": {"amount": 0}}"#),
            &["name", "price.amount"],
        ),
        invalid(
            "fields wrong under a key that would mismatch",
            write().field("Idempotency-Key", "k").json(r#"{"name": "mismatch", "price": {"amount": 0}}"#),
            &["price.amount"],
        ),
        invalid("no version", put().json(GOOD), &["If-Match"]),
        invalid("no version of a tag", put().field("If-Match", "*").json(GOOD), &["If-Match"]),
        row("a version", put().field("If-Match", "\"3\"").json(GOOD), 200, "", Says::Counted),
        row("no version, not JSON", put().json("nonsense"), 400, "malformed", Says::Counted),
        invalid("no such page", get("/listings?limit=0"), &["limit"]),
        invalid("no such cursor", get("/listings?limit=201&cursor=%00"), &["limit", "cursor"]),
        row("a page", get("/listings?limit=200"), 200, "", Says::Counted),
        invalid("a filter", get("/found?least=x"), &["least"]),
        row("a filter that fits", get("/found?least=7"), 200, "", Says::Counted),
        row(
            "no such page, bad token",
            ask("GET", "/listings?limit=0").at("a.localhost"),
            401,
            "unauthenticated",
            Says::Challenge,
        ),
    ]
}
