//! The platform's books.

use crate::support::{Options, Server};
use serde_json::{Value, json};

#[test]
fn the_books_add_up_and_say_so_when_they_do_not() {
    let server = Server::start(Options::new().flag("--fee-bps", "1000"));
    let (seller, buyer) = (server.register("seller", "led-s"), server.register("buyer", "led-b"));
    let admin = server.admin();
    assert_eq!(admin.get("/api/admin/ledger").expect(200)["balanced"], true);
    seller.sell("led-shop", 1_005);
    let kept = buyer.buy_and_pay("led-shop");
    let _held = buyer.buy_and_pay("led-shop");
    buyer.take(&kept.order, "accept").expect(200);
    let ledger = admin.get("/api/admin/ledger").expect(200);
    assert_eq!(ledger["balanced"], true);
    let items = ledger["items"].as_array().unwrap();
    assert!(items.iter().all(|item| item["currency"] == "USD"), "{ledger}");
    let sum: i64 = items.iter().map(|item| item["balance"].as_i64().unwrap()).sum();
    assert_eq!(sum, 0, "debits less credits: {ledger}");
    let mut balances: Vec<_> = items.iter().map(|item| item["balance"].as_i64().unwrap()).collect();
    balances.sort_unstable();
    balances.retain(|balance| *balance != 0);
    assert_eq!(
        balances,
        [-1_005, -905, -100, 2_010],
        "escrow, seller, fee, what the provider holds: {ledger}"
    );
    assert!(ledger.get("next").is_none(), "not paged");

    let alter = |sql: &str| server.database().alter("tenantry_entries", sql);
    assert_eq!(alter("UPDATE tenantry_entries SET amount = amount + 1 WHERE amount IN (905, -905)"), 1);
    let altered = admin.get("/api/admin/ledger").expect(200);
    assert_eq!(altered["balanced"], false, "{altered}");
    server.restart();
    assert_eq!(admin.get("/api/admin/ledger").expect(200)["balanced"], false);
    assert_eq!(alter("UPDATE tenantry_entries SET amount = amount - 1 WHERE amount IN (906, -904)"), 1);
    assert_eq!(admin.get("/api/admin/ledger").expect(200), ledger);
}

#[test]
fn fees_are_rounded_down_at_each_end() {
    for (points, amount, fee) in [("0", 100, 0), ("10000", 100, 100), ("1", 9_999, 0), ("3333", 10, 3)] {
        let server = Server::start(Options::new().flag("--fee-bps", points));
        let (seller, buyer) = (server.register("seller", "fee-s"), server.register("buyer", "fee-b"));
        seller.sell("fee-shop", amount);
        let placed = buyer.buy_and_pay("fee-shop");
        assert_eq!(buyer.order(&placed.order)["fee"], json!({ "amount": fee, "currency": "USD" }));
        assert_eq!(seller.money(), (0, amount - fee));
        buyer.take(&placed.order, "accept").expect(200);
        assert_eq!(seller.money(), (amount - fee, 0));
        let books: Value = server.admin().get("/api/admin/ledger").expect(200);
        assert_eq!(books["balanced"], true, "{books}");
    }
}
