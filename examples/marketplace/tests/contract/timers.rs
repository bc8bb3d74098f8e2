//! What happens by itself: expiry and release.

use serde_json::{Value, json};

use crate::support::{Options, PATIENCE, Server, wait_until};

#[test]
fn an_unpaid_order_expires_and_a_late_payment_goes_back() {
    let server = Server::start(Options::new().flag("--payment-window", "2s"));
    let (seller, buyer) = (server.register("seller", "expiry-s"), server.register("buyer", "expiry-b"));
    seller.sell("expiry-shop", 1_000);
    let placed = buyer.buy("expiry-shop");
    let expired = buyer.until_state(&placed.order, "expired");
    assert_eq!(expired["actions"], json!([]));
    buyer.take(&placed.order, "cancel").refused(409, "conflict");
    placed.pay("paid");
    wait_until("the late payment to go back", PATIENCE, || {
        (buyer.order(&placed.order)["state"] == "refunded").then_some(())
    });
    assert_eq!(seller.money(), (0, 0));
    let provider = server.provider(&placed.checkout_url);
    wait_until("the provider's refund", PATIENCE, || {
        provider.events().iter().any(|event| event["type"] == "refund.succeeded").then_some(())
    });
    assert_eq!(server.admin().get("/api/admin/ledger").expect(200)["balanced"], true);
}

#[test]
fn a_paid_order_does_not_expire_because_its_report_was_lost() {
    let server = Server::start(Options::new().flag("--payment-window", "3s"));
    let (seller, buyer) = (server.register("seller", "lost-s"), server.register("buyer", "lost-b"));
    seller.sell("lost-shop", 1_000);
    let placed = buyer.buy("lost-shop");
    let provider = server.provider(&placed.checkout_url);
    provider.controls(json!({ "hold": true }));
    placed.pay("paid");
    assert_eq!(buyer.order(&placed.order)["state"], "awaiting_payment", "no report has come");
    buyer.until_state(&placed.order, "in_review");
    provider.controls(json!({ "hold": false }));
    provider.until_delivered();
    assert_eq!(buyer.order(&placed.order)["state"], "in_review", "the report that comes late does no harm");
    assert_eq!(seller.money(), (0, 920));
}

#[test]
fn the_review_ends_by_itself_unless_it_is_held() {
    let server = Server::start(Options::new().flag("--review-period", "2s").flag("--fee-bps", "1500"));
    let (seller, buyer) = (server.register("seller", "review-s"), server.register("buyer", "review-b"));
    let other = server.register("seller", "review-other");
    seller.sell("review-shop", 999);
    other.sell("review-else", 1_000);
    let disputed = buyer.buy_and_pay("review-shop");
    buyer.dispute(&disputed.order, "hold it").expect(200);
    let suspended = buyer.buy_and_pay("review-else");
    let admin = server.admin();
    admin.act("/api/admin/tenants/review-other/suspend").expect(200);
    let left = buyer.buy_and_pay("review-shop");
    assert_eq!(buyer.order(&left.order)["fee"]["amount"], 149, "floor(999 × 1500 / 10000)");
    buyer.until_state(&left.order, "released");
    assert_eq!(seller.money(), (850, 850));
    for held in [&disputed.order, &suspended.order] {
        let order = buyer.order(held);
        assert_eq!((&order["state"], &order["review_ends_at"]), (&json!("in_review"), &Value::Null));
    }
    assert_eq!(admin.order(&suspended.order)["holds"][0]["kind"], "operator");
    buyer.take(&suspended.order, "accept").refused(409, "conflict");
    admin.act("/api/admin/tenants/review-other/reactivate").expect(200);
    buyer.until_state(&suspended.order, "released");
    let other = server.login("review-other", &other.email, &other.password);
    assert_eq!(other.money(), (850, 0));
    assert_eq!(buyer.order(&disputed.order)["state"], "in_review");
    admin.resolve(&disputed.order, "release").expect(200);
    assert_eq!(admin.get("/api/admin/ledger").expect(200)["balanced"], true);
}

#[test]
fn what_was_due_while_it_was_off_happens_once_it_is_on() {
    let server = Server::start(Options::new().flag("--review-period", "2s").flag("--payment-window", "2s"));
    let (seller, buyer) = (server.register("seller", "due-s"), server.register("buyer", "due-b"));
    seller.sell("due-shop", 1_000);
    let (paid, unpaid) = (buyer.buy("due-shop"), buyer.buy("due-shop"));
    paid.pay("paid");
    buyer.until_state(&paid.order, "in_review");
    server.restart();
    buyer.until_state(&paid.order, "released");
    buyer.until_state(&unpaid.order, "expired");
    assert_eq!(seller.money(), (920, 0));
}
