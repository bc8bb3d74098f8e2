//! A seller who is suspended, and what goes on.

use std::time::Duration;

use serde_json::{Value, json};

use crate::shared::{admin, server};
use crate::support::{Member, Options, PATIENCE, Server, wait_until};

/// Waits until an order has so many holds: they follow the seller's status.
fn until_holds(reader: &Member, order: &str, count: usize) -> Value {
    wait_until("the holds to follow", PATIENCE, || {
        let order = reader.order(order);
        (order["holds"].as_array().unwrap().len() == count).then_some(order)
    })
}

#[test]
fn suspending_a_seller_stops_it_and_refunds_go_on() {
    let seller = server().register("seller", "susp-s");
    let buyer = server().register("buyer", "susp-b");
    for slug in ["susp-one", "susp-two"] {
        seller.sell(slug, 1_000);
    }
    seller.post("/api/platform/create", {
        let mut draft = crate::support::listing("susp-draft", 1_000);
        draft["publish"] = json!(false);
        draft
    });
    let review = buyer.buy_and_pay("susp-one");
    let disputed = buyer.buy_and_pay("susp-one");
    buyer.dispute(&disputed.order, "broken").expect(200);
    let unpaid = buyer.buy("susp-two");
    let suspended = admin().act("/api/admin/tenants/susp-s/suspend").expect(200);
    assert_eq!((&suspended["slug"], &suspended["status"]), (&json!("susp-s"), &json!("suspended")));
    admin().act("/api/admin/tenants/susp-s/suspend").expect(200);

    seller.get("/api/me").refused(403, "tenant_suspended");
    seller.get("/api/balance").refused(403, "tenant_suspended");
    let login = json!({ "email": seller.email, "password": seller.password });
    server().at("susp-s").post("/api/auth/login", login).refused(403, "tenant_suspended");
    for slug in ["susp-one", "susp-two", "susp-draft"] {
        for reader in [&buyer, admin()] {
            reader.get(&format!("/api/listings/{slug}")).refused(404, "not_found");
        }
        buyer.place(slug, slug).refused(404, "not_found");
    }
    assert!(buyer.all("/api/listings", 200).iter().all(|item| item["seller"] != "susp-s"));

    let held = until_holds(&buyer, &review.order, 1);
    assert_eq!((&held["state"], &held["holds"][0]["kind"]), (&json!("in_review"), &json!("operator")));
    assert_eq!(held["review_ends_at"], Value::Null);
    buyer.take(&review.order, "accept").refused(409, "conflict");
    until_holds(&buyer, &disputed.order, 2);
    admin().resolve(&disputed.order, "release").refused(409, "conflict");
    let refunded = admin().resolve(&disputed.order, "refund").expect(200);
    assert_eq!(refunded["state"], "refunded");
    assert_eq!(buyer.order(&unpaid.order)["state"], "awaiting_payment");
    unpaid.pay("paid");
    let paid = buyer.until_state(&unpaid.order, "in_review");
    assert_eq!(paid["holds"][0]["kind"], "operator", "paid meanwhile: {paid}");
    buyer.dispute(&review.order, "in the meantime").expect(200);
    assert_eq!(admin().resolve(&review.order, "refund").expect(200)["state"], "refunded");

    let active = admin().act("/api/admin/tenants/susp-s/reactivate").expect(200);
    assert_eq!(active["status"], "active");
    admin().act("/api/admin/tenants/susp-s/reactivate").expect(200);
    seller.get("/api/me").expect(200);
    let lifted = until_holds(&buyer, &unpaid.order, 0);
    assert!(lifted["review_ends_at"].is_string(), "the clock runs again: {lifted}");
    assert_eq!(buyer.take(&unpaid.order, "accept").expect(200)["state"], "released");
    assert_eq!(seller.money(), (920, 0));
    buyer.get("/api/listings/susp-one").expect(200);
    buyer.get("/api/listings/susp-draft").refused(404, "not_found");
    buyer.buy("susp-two");
}

#[test]
fn suspending_a_buyer_stops_the_buyer_only() {
    let seller = server().register("seller", "susp-bs");
    let buyer = server().register("buyer", "susp-bb");
    seller.sell("susp-b-shop", 1_000);
    let placed = buyer.buy_and_pay("susp-b-shop");
    admin().act("/api/admin/tenants/susp-bb/suspend").expect(200);
    buyer.get("/api/orders").refused(403, "tenant_suspended");
    assert_eq!(seller.order(&placed.order)["holds"], json!([]));
    seller.get("/api/listings/susp-b-shop").expect(200);
    admin().act("/api/admin/tenants/susp-bb/reactivate").expect(200);
    buyer.take(&placed.order, "accept").expect(200);
}

#[test]
fn the_platform_itself_stays() {
    for path in ["suspend", "approve"] {
        admin().act(&format!("/api/admin/tenants/platform/{path}")).refused(409, "conflict");
    }
    let absent = admin().act("/api/admin/tenants/susp-absent/suspend").refused(404, "not_found");
    assert_eq!(admin().act("/api/admin/tenants/No%20Slug/suspend").refused(404, "not_found"), absent);
    admin().act("/api/admin/tenants/susp-absent/reactivate").refused(404, "not_found");
    admin().act("/api/admin/tenants/susp-absent/approve").refused(404, "not_found");
    admin().get("/api/me").expect(200);
}

/// Follow-ups of several changes are done side by side; none may be in another's way until its claim runs out.
#[test]
fn sellers_suspended_at_once_are_all_followed_soon() {
    const SOON: Duration = Duration::from_secs(10);
    let server = Server::start(Options::new().flag("--buyer-rate", "10000"));
    let (buyer, admin) = (server.register("buyer", "once-b"), &server.admin());
    let orders: Vec<_> = (0..4)
        .map(|nth| {
            let seller = server.register("seller", &format!("once-{nth}"));
            seller.sell(&format!("once-shop-{nth}"), 1_000);
            (seller.slug, buyer.buy_and_pay(&format!("once-shop-{nth}")).order)
        })
        .collect();
    for (last, holds) in [("suspend", 1), ("reactivate", 0)] {
        std::thread::scope(|scope| {
            for (slug, _) in &orders {
                let step = move |step| admin.act(&format!("/api/admin/tenants/{slug}/{step}")).expect(200);
                scope.spawn(move || {
                    for _ in 0..10 {
                        step("reactivate");
                        step("suspend");
                    }
                    step(last)
                });
            }
        });
        for (slug, order) in &orders {
            wait_until(&format!("the order of {slug} after {last}"), SOON, || {
                (buyer.order(order)["holds"].as_array().unwrap().len() == holds).then_some(())
            });
        }
    }
    assert!(!server.logged().contains("put off"), "{}", server.logged());
}
