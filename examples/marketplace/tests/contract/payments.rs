//! Payments: what the provider reports, and what others pretend to report.

use serde_json::json;

use crate::support::{Member, Options, Placed, Reply, Server, pay, signed_headers};

fn pair(server: &Server, name: &str) -> (Member, Member, String) {
    let seller = server.register("seller", &format!("{name}-s"));
    let buyer = server.register("buyer", &format!("{name}-b"));
    let slug = format!("{name}-shop");
    seller.sell(&slug, 1_000);
    (seller, buyer, slug)
}

fn report(server: &Server, headers: &[(&str, String)], body: &[u8]) -> Reply {
    let mut request = server.on("127.0.0.1").request("POST", "/api/payments/events");
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.header("content-type", "application/json").bytes(body).send()
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn paid_event(placed: &Placed, checkout: &str) -> Vec<u8> {
    let event = json!({
        "id": "evt_forged", "type": "checkout.paid", "created": jiff::Timestamp::now().to_string(),
        "data": { "reference": placed.order, "checkout": checkout, "amount": 1_000, "currency": "USD" },
    });
    event.to_string().into_bytes()
}

#[test]
fn a_report_that_the_provider_did_not_sign_changes_nothing() {
    let server = Server::start(Options::new());
    let (seller, buyer, shop) = pair(&server, "forged");
    let placed = buyer.buy(&shop);
    let provider = server.provider(&placed.checkout_url);
    let checkout = provider.checkout(&placed.order)["id"].as_str().unwrap().to_owned();
    provider.controls(json!({ "hold": true }));
    let (key, body) = (server.provider_key(), paid_event(&placed, &checkout));
    let signed = signed_headers(&key, "evt_1", now(), &body);
    let without =
        |missing: &str| signed.iter().filter(|(name, _)| *name != missing).cloned().collect::<Vec<_>>();
    for missing in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        report(&server, &without(missing), &body).refused(400, "malformed");
    }
    report(&server, &[], &body).refused(400, "malformed");
    for age in [-301, -100_000, 301, 100_000] {
        let stale = signed_headers(&key, "evt_1", now() + age + age.signum() * 5, &body);
        report(&server, &stale, &body).refused(400, "malformed");
    }
    let mut altered = body.clone();
    altered.push(b' ');
    report(&server, &signed, &altered).refused(400, "malformed");
    report(&server, &signed, &body[..body.len() - 1]).refused(400, "malformed");
    let other_key = signed_headers(&[7; 32], "evt_1", now(), &body);
    report(&server, &other_key, &body).refused(400, "malformed");
    let mut other_id = signed.clone();
    other_id[0].1 = "evt_2".to_owned();
    report(&server, &other_id, &body).refused(400, "malformed");
    let mut other_version = signed.clone();
    other_version[2].1 = other_version[2].1.replace("v1,", "v2,");
    report(&server, &other_version, &body).refused(400, "malformed");

    assert_eq!(buyer.order(&placed.order)["state"], "awaiting_payment");
    let signed = signed_headers(&key, "evt_lie", now(), &body);
    report(&server, &signed, &body).expect(204);
    assert_eq!(
        buyer.order(&placed.order)["state"],
        "awaiting_payment",
        "it believed the report, not the provider"
    );
    assert_eq!(seller.money(), (0, 0));

    placed.pay("paid");
    provider.controls(json!({ "hold": false }));
    buyer.until_state(&placed.order, "in_review");
    provider.until_delivered();
    report(&server, &signed, &body).expect(204);
    let signed = signed_headers(&key, "evt_late_copy", now(), &body);
    report(&server, &signed, &body).expect(204);
    assert_eq!(seller.money(), (0, 920), "paid once");
}

#[test]
fn a_signed_report_about_nothing_does_no_harm() {
    let server = Server::start(Options::new());
    let key = server.provider_key();
    for (id, body) in [
        ("evt_a", "{}".to_owned()),
        ("evt_b", json!({ "type": "checkout.paid", "data": { "reference": "no order" } }).to_string()),
        ("evt_c", json!({ "type": "who.knows", "data": { "reference": uuid::Uuid::now_v7() } }).to_string()),
    ] {
        let answer = report(&server, &signed_headers(&key, id, now(), body.as_bytes()), body.as_bytes());
        assert!(matches!(answer.status, 204 | 400), "{answer}");
    }
    let no_json = b"not json";
    report(&server, &signed_headers(&key, "evt_d", now(), no_json), no_json).refused(400, "malformed");
    server.on("127.0.0.1").get("/readyz").expect(200);
}

#[test]
fn reports_twice_late_and_out_of_order_come_to_the_same() {
    let server = Server::start(Options::new());
    let (seller, buyer, shop) = pair(&server, "unruly");
    let first = buyer.buy(&shop);
    let provider = server.provider(&first.checkout_url);
    provider.controls(json!({ "duplicate": 2, "reorder": true, "delay_ms": 50, "hold": true }));
    let second = buyer.buy(&shop);
    let third = buyer.buy(&shop);
    for outcome in ["failed", "failed", "paid"] {
        first.pay(outcome);
    }
    second.pay("paid");
    third.pay("failed");
    assert_eq!(buyer.order(&first.order)["state"], "awaiting_payment");
    provider.controls(json!({ "hold": false }));
    buyer.until_state(&first.order, "in_review");
    buyer.until_state(&second.order, "in_review");
    provider.until_delivered();
    assert_eq!(buyer.order(&third.order)["state"], "awaiting_payment", "a failed payment leaves it");
    assert_eq!(seller.money(), (0, 2 * 920));
    buyer.take(&first.order, "accept").expect(200);
    let requeued = provider.redeliver_all();
    assert!(requeued["queued"].as_u64().unwrap() >= 5, "{requeued}");
    provider.until_delivered();
    assert_eq!(buyer.order(&first.order)["state"], "released");
    assert_eq!(seller.money(), (920, 920));
    third.pay("paid");
    buyer.until_state(&third.order, "in_review");
    assert_eq!(pay(&third.checkout_url, "failed").status, 409);
    assert_eq!(server.admin().get("/api/admin/ledger").expect(200)["balanced"], true);
}

#[test]
fn a_payment_that_comes_after_the_cancellation_goes_back() {
    let server = Server::start(Options::new());
    let (seller, buyer, shop) = pair(&server, "crossed");
    let placed = buyer.buy(&shop);
    let provider = server.provider(&placed.checkout_url);
    provider.controls(json!({ "hold": true }));
    placed.pay("paid");
    assert_eq!(buyer.take(&placed.order, "cancel").expect(200)["state"], "cancelled");
    provider.controls(json!({ "hold": false }));
    crate::support::wait_until("the refund", crate::support::PATIENCE, || {
        (buyer.order(&placed.order)["state"] == "refunded").then_some(())
    });
    assert_eq!(seller.money(), (0, 0));
    crate::support::wait_until("the provider's refund", crate::support::PATIENCE, || {
        provider.events().iter().any(|event| event["type"] == "refund.succeeded").then_some(())
    });
    provider.until_delivered();
    let ledger = server.admin().get("/api/admin/ledger").expect(200);
    assert_eq!(ledger["balanced"], true);
    let open: Vec<_> =
        ledger["items"].as_array().unwrap().iter().filter(|item| item["balance"] != 0).collect();
    assert!(open.is_empty(), "everything went back: {open:?}");
}
