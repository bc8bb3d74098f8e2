//! What investors see of the marketplace.

use serde_json::json;

use crate::support::{Options, Server};

#[test]
fn figures_are_for_approved_investors_and_from_three_orders_on() {
    let server = Server::start(Options::new());
    let (seller, buyer) = (server.register("seller", "inv-s"), server.register("buyer", "inv-b"));
    let investor = server.register("investor", "inv-i");
    let admin = server.admin();
    let figures = "/api/investors/performance";
    investor.get(figures).refused(403, "forbidden");
    for other in [&seller, &buyer] {
        other.get(figures).refused(403, "forbidden");
    }
    admin.act("/api/admin/tenants/inv-s/approve").refused(409, "conflict");
    admin.act("/api/admin/tenants/inv-i/approve").expect(200);
    admin.act("/api/admin/tenants/inv-i/approve").expect(200);
    assert_eq!(investor.get(figures).expect(200)["items"], json!([]));
    seller.sell("inv-shop", 1_999);
    for _ in 0..2 {
        let placed = buyer.buy_and_pay("inv-shop");
        buyer.take(&placed.order, "accept").expect(200);
    }
    let back = buyer.buy_and_pay("inv-shop");
    buyer.dispute(&back.order, "no").expect(200);
    admin.resolve(&back.order, "refund").expect(200);
    assert_eq!(investor.get(figures).expect(200)["items"], json!([]), "two orders tell of single ones");
    let third = buyer.buy_and_pay("inv-shop");
    buyer.take(&third.order, "accept").expect(200);
    let told = investor.get(figures).expect(200);
    let month = told["items"][0].clone();
    assert_eq!(month["month"], jiff::Timestamp::now().strftime("%Y-%m").to_string());
    let dollars = |amount: i64| json!({ "amount": amount, "currency": "USD" });
    assert_eq!((&month["volume"], &month["fees"]), (&dollars(3 * 1_999), &dollars(3 * 159)));
    assert_eq!(month["orders"], 3);
    assert_eq!(told["items"].as_array().unwrap().len(), 1);
    for name in ["inv-s", "inv-b", "inv-shop", &third.order] {
        assert!(!told.to_string().contains(name), "an identity: {told}");
    }
    assert_eq!(investor.get(figures).expect(200), told, "read twice, counted once");
    let seen = server.login("inv-i", &investor.email, &investor.password);
    seen.get("/api/listings/inv-shop").expect(200);
    seen.get("/api/balance").expect(200);
    seen.get("/api/usage").expect(200);
}
