//! Registration, sign-in and who is signed in.

use std::time::Instant;

use serde_json::{Value, json};

use crate::shared::{admin, server};
use crate::support::{Options, Server, Site};

fn wanted(slug: &str, kind: &str) -> Value {
    json!({
        "email": format!("owner@{slug}.example"), "password": "long enough for this",
        "name": format!("Owner of {slug}"), "kind": kind, "tenant": slug,
    })
}

fn changed(slug: &str, field: &str, value: Value) -> Value {
    let mut body = wanted(slug, "buyer");
    body[field] = value;
    body
}

fn register(body: Value) -> crate::support::Reply {
    server().platform().post("/api/auth/register", body)
}

fn sign_in(at: &Site, email: &str, password: &str) -> crate::support::Reply {
    at.post("/api/auth/login", json!({ "email": email, "password": password }))
}

#[test]
fn registering_makes_a_tenant_and_its_owner() {
    for kind in ["seller", "buyer", "investor"] {
        let slug = format!("auth-new-{kind}");
        let made = register(wanted(&slug, kind)).expect(201);
        assert_eq!(made["tenant"]["slug"], slug);
        assert_eq!(made["tenant"]["kind"], kind);
        assert_eq!(made["user"]["email"], format!("owner@{slug}.example"));
        assert!(
            made["tenant"]["id"].is_string() && made["user"]["id"].is_string(),
            "ids are strings: {made}"
        );
        let created = made["tenant"]["created_at"].as_str().unwrap();
        assert!(created.parse::<jiff::Timestamp>().is_ok() && created.ends_with('Z'), "{created}");
        assert!(!made.to_string().contains("long enough"), "the password comes back: {made}");
    }
}

#[test]
fn taken_names_are_refused_after_as_long_as_success_takes() {
    let began = Instant::now();
    register(wanted("auth-taken", "seller")).expect(201);
    let success = began.elapsed();
    let mut other_slug = wanted("auth-taken-too", "buyer");
    other_slug["email"] = json!("owner@auth-taken.example");
    let mut shouted = other_slug.clone();
    shouted["email"] = json!("OWNER@auth-taken.example");
    let mut other_email = wanted("auth-taken", "seller");
    other_email["email"] = json!("somebody@else.example");
    for body in [wanted("auth-taken", "seller"), other_slug, shouted, other_email] {
        let began = Instant::now();
        register(body).refused(409, "conflict");
        let refused = began.elapsed();
        assert!(refused.as_millis() >= 250 && success.as_millis() >= 250, "{success:?}, {refused:?}");
    }
    server().at("auth-taken-too").get("/api/me").refused(404, "tenant_unknown");
}

#[test]
fn two_at_once_for_one_slug_make_one_tenant() {
    let together: Vec<_> = (0..4)
        .map(|nth| {
            let body = changed("auth-race", "email", json!(format!("racer-{nth}@race.example")));
            std::thread::spawn(move || register(body).status)
        })
        .collect();
    let mut answers: Vec<u16> = together.into_iter().map(|thread| thread.join().unwrap()).collect();
    answers.sort_unstable();
    assert_eq!(answers, [201, 409, 409, 409]);
}

#[test]
fn what_is_wrong_with_a_registration_is_said_field_by_field() {
    for (field, value) in [
        ("email", json!("nobody")),
        ("password", json!("eleven char")),
        ("password", json!("x".repeat(129))),
        ("name", json!("")),
        ("kind", json!("platform")),
        ("kind", json!("admin")),
        ("tenant", json!("Upper")),
        ("tenant", json!("")),
        ("tenant", json!("-dash")),
        ("tenant", json!("a.b")),
    ] {
        register(changed("auth-wrong", field, value)).invalid(&[field]);
    }
    let all = json!({ "email": "", "password": "", "name": "", "kind": "", "tenant": "" });
    register(all).invalid(&["email", "password", "name", "kind", "tenant"]);
    register(json!({})).refused(422, "invalid");
    register(changed("auth-wrong", "email", json!(7))).invalid(&["email"]);
    register(changed("auth-wrong", "tenant", Value::Null)).invalid(&["tenant"]);
    register(changed("auth-length", "password", json!("x".repeat(128)))).expect(201);
    register(changed("auth-length-2", "password", json!("ü".repeat(12)))).expect(201);
}

#[test]
fn reserved_slugs_are_refused() {
    for slug in ["www", "api", "admin", "app", "platform", "static", "mail"] {
        register(changed("auth-reserved", "tenant", json!(slug))).invalid(&["tenant"]);
    }
}

#[test]
fn registration_is_at_the_platform_only() {
    let seller = server().register("seller", "auth-elsewhere");
    for at in [server().at("auth-elsewhere"), seller.token("rubbish"), seller.signed_out()] {
        at.post("/api/auth/register", wanted("auth-there", "buyer")).refused(404, "not_found");
    }
    server().at("nobody-there").post("/api/auth/register", json!({})).refused(404, "tenant_unknown");
}

#[test]
fn signing_in_is_for_the_members_of_the_host() {
    let member = server().register("seller", "auth-member");
    server().register("buyer", "auth-other");
    let here = server().at("auth-member");
    let token = sign_in(&here, &member.email, &member.password).expect(200);
    assert_eq!(token["token_type"], "Bearer");
    assert_eq!(token["expires_in"], 900);
    assert!(token["access_token"].is_string());
    sign_in(&here, &member.email.to_uppercase(), &member.password).expect(200);
    let wrong = sign_in(&here, &member.email, "not the password").refused(401, "unauthenticated");
    let unknown = sign_in(&here, "nobody@auth-member.example", "not the password");
    assert_eq!(wrong, unknown.refused(401, "unauthenticated"), "it tells who is known");
    sign_in(&here, "no address", "x").refused(401, "unauthenticated");
    sign_in(&server().at("auth-other"), &member.email, &member.password).refused(401, "unauthenticated");
    sign_in(&server().platform(), &member.email, &member.password).refused(401, "unauthenticated");
    sign_in(&here, "admin@localhost", server().admin_password()).refused(401, "unauthenticated");
    sign_in(&server().platform(), "admin@localhost", server().admin_password()).expect(200);
    sign_in(&server().at("nobody-there"), "a@b.example", "x").refused(404, "tenant_unknown");
    here.post("/api/auth/login", json!({ "email": member.email })).invalid(&["password"]);
}

#[test]
fn me_says_who_and_what_they_may() {
    let seller = server().register("seller", "auth-me");
    let me = seller.get("/api/me").expect(200);
    assert_eq!(me["tenant"]["slug"], "auth-me");
    assert_eq!(me["tenant"]["status"], "active");
    assert_eq!(me["user"]["email"], seller.email);
    assert_eq!(me["roles"], json!(["owner"]));
    let permissions = me["permissions"].as_array().unwrap();
    assert!(permissions.contains(&json!("listing:write")) && !permissions.contains(&json!("order:place")));
    assert_eq!(me["limits"]["rate"], json!({ "requests": 1000, "window": 3600 }));
    assert_eq!(me["limits"]["quotas"], json!([{ "meter": "listings", "limit": 10 }]));
    let buyer = server().register("buyer", "auth-me-buyer").get("/api/me").expect(200);
    assert_eq!(buyer["limits"]["rate"]["requests"], 500);
    assert!(buyer["permissions"].as_array().unwrap().contains(&json!("order:place")));
    assert_eq!(admin().get("/api/me").expect(200)["limits"]["rate"]["requests"], 500);
}

#[test]
fn tokens_that_are_not_ours_are_refused() {
    let member = server().register("buyer", "auth-tokens");
    let token = member.bearer().unwrap().to_owned();
    let (head, rest) = token.split_once('.').unwrap();
    let (claims, signature) = rest.split_once('.').unwrap();
    let flipped = if signature.starts_with('A') { "B" } else { "A" }.to_owned() + &signature[1..];
    let none = "eyJhbGciOiJub25lIn0";
    for bad in [
        String::new(),
        "x".to_owned(),
        format!("{head}.{claims}.{flipped}"),
        format!("{head}.{claims}."),
        format!("{none}.{claims}."),
        format!("{none}.{claims}.{signature}"),
        format!("{token}x"),
    ] {
        let reply = member.token(&bad).get("/api/me");
        reply.refused(401, "unauthenticated");
        assert!(reply.header("www-authenticate").starts_with("Bearer"), "{reply}");
    }
    let basic = member.signed_out().request("GET", "/api/me").header("Authorization", "Basic YTpi").send();
    basic.refused(401, "unauthenticated");
    let other = Server::start(Options::new());
    let stranger = other.register("buyer", "auth-tokens");
    member.token(stranger.bearer().unwrap()).get("/api/me").refused(401, "unauthenticated");
}

#[test]
fn ten_failures_close_an_account_and_fifty_an_address() {
    let server = Server::start(Options::new());
    let member = server.register("buyer", "locked");
    let here = member.signed_out().from_address([127, 0, 1, 1]);
    for _ in 0..10 {
        sign_in(&here, &member.email, "a wrong password").refused(401, "unauthenticated");
    }
    let closed = sign_in(&here, &member.email, &member.password);
    closed.refused(429, "rate_limited");
    let wait: u64 = closed.header("retry-after").parse().unwrap();
    assert!((1..=900).contains(&wait), "{closed}");
    let elsewhere = member.signed_out().from_address([127, 0, 1, 2]);
    sign_in(&elsewhere, &member.email, &member.password).refused(429, "rate_limited");
    member.get("/api/me").expect(200);
    for nth in 0..40 {
        let account = format!("{nth}@locked.example");
        sign_in(&here, &account, "a wrong password").refused(401, "unauthenticated");
    }
    let other = server.register("buyer", "not-locked");
    let there = other.signed_out();
    sign_in(&there.from_address([127, 0, 1, 1]), &other.email, &other.password).refused(429, "rate_limited");
    sign_in(&there.from_address([127, 0, 1, 3]), &other.email, &other.password).expect(200);
}
