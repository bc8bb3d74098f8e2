//! Requests an hour and tenant.

use crate::shared::{admin, server};
use crate::support::{Options, Reply, Server};

fn left(reply: &Reply) -> u32 {
    let state = reply.header("ratelimit");
    let left = state.split(';').find_map(|part| part.trim().strip_prefix("r="));
    left.unwrap_or_else(|| panic!("RateLimit: {state:?} in {reply}")).parse().unwrap()
}

#[test]
fn guarded_answers_tell_what_is_left() {
    let seller = server().register("seller", "rate-told");
    let first = seller.get("/api/me");
    assert!(first.header("ratelimit-policy").contains("q=1000"), "{:?}", first.headers);
    assert!(first.header("ratelimit-policy").contains("w=3600"), "{:?}", first.headers);
    assert_eq!(left(&first), 999);
    assert_eq!(left(&seller.get("/api/listings/absent")), 998, "404 counts");
    assert_eq!(left(&seller.post("/api/platform/create", serde_json::json!({}))), 997, "422 counts");
    assert_eq!(left(&seller.get("/api/me")), 996);
    let buyer = server().register("buyer", "rate-told-buyer");
    assert_eq!(left(&buyer.get("/api/me")), 499);
    let investor = server().register("investor", "rate-told-investor");
    assert_eq!(left(&investor.get("/api/me")), 499, "other kinds as buyers");
    assert!(admin().get("/api/me").header("ratelimit-policy").contains("q=500"));
}

#[test]
fn over_the_rate_is_429_for_that_tenant_only() {
    let server = Server::start(Options::new().flag("--seller-rate", "5").flag("--buyer-rate", "3"));
    let (seller, buyer) = (server.register("seller", "rate-s"), server.register("buyer", "rate-b"));
    seller.signed_out().get("/api/me").refused(401, "unauthenticated");
    seller.elsewhere(&buyer).get("/api/me").refused(403, "tenant_mismatch");
    for left_then in (0..5).rev() {
        let reply = if left_then == 3 {
            seller.post("/api/orders", serde_json::json!({}))
        } else {
            seller.get("/api/me")
        };
        assert_eq!(reply.status, if left_then == 3 { 403 } else { 200 }, "{reply}");
        assert_eq!(left(&reply), left_then, "{reply}");
    }
    let over = seller.get("/api/me");
    over.refused(429, "rate_limited");
    let wait: u64 = over.header("retry-after").parse().unwrap();
    assert!((3_500..=3_600).contains(&wait), "an exact sliding window: {wait}");
    assert_eq!(left(&over), 0);
    assert!(over.header("ratelimit-policy").contains("q=5"));
    let again = server.login("rate-s", &seller.email, &seller.password);
    again.get("/api/me").refused(429, "rate_limited");
    for _ in 0..3 {
        buyer.get("/api/me").expect(200);
    }
    buyer.get("/api/me").refused(429, "rate_limited");
    seller.get("/healthz").expect(200);
    seller.signed_out().get("/api/me").refused(401, "unauthenticated");
    seller.elsewhere(&buyer).get("/api/me").refused(403, "tenant_mismatch");
    let head = format!(
        "POST /api/platform/create HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 1048577\r\nConnection: close\r\n\r\n",
        seller.host(),
        seller.bearer().unwrap()
    );
    seller.raw(head.as_bytes()).refused(413, "too_large");
    seller.post("/api/orders", serde_json::json!({})).refused(429, "rate_limited");
}
