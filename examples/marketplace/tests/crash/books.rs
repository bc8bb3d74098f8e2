//! What has to be true once everything has come to rest.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::purchases::{Ended, INVESTOR, Market, Purchase};
use crate::support::{Member, Server, wait_until};

/// How long orders may take to end after the last restart: work that a killed server had claimed is claimed anew
/// after a minute, and what failed in between is put off for some seconds more.
const REST: Duration = Duration::from_secs(150);
const PAGE: u16 = 37;

/// That the ledger balances now, with orders under way.
pub(super) fn balance_now(market: &Market) {
    let mut reply = market.admin.site().get("/api/admin/ledger");
    if reply.status == 401 {
        market.admin.sign_in().unwrap();
        reply = market.admin.site().get("/api/admin/ledger");
    }
    let ledger = reply.expect(200);
    assert_eq!(ledger["balanced"], true, "{ledger}");
}

/// Waits until every order has ended, then checks the books against what the clients know.
pub(super) fn close(server: &Server, purchases: &[Purchase]) -> String {
    let admin = server.admin();
    let orders = ended_orders(&admin, purchases);
    known_once(purchases, &orders);
    ended_as_answered(purchases, &orders);
    let released: Vec<&Value> = orders.iter().filter(|order| order["state"] == "released").collect();
    money(server, &admin, &orders, &released);
    trail(&admin, &orders);
    parties(server, &orders);
    let states = orders.iter().fold(BTreeMap::new(), |mut counts: BTreeMap<&str, usize>, order| {
        *counts.entry(text(&order["state"])).or_default() += 1;
        counts
    });
    format!("{} orders: {states:?}", orders.len())
}

/// Waits until no order has anything before it. What was paid is never left expired or cancelled: a payment that
/// is heard of too late is paid back.
fn ended_orders(admin: &Member, purchases: &[Purchase]) -> Vec<Value> {
    let paid: BTreeSet<&str> =
        purchases.iter().filter(|purchase| purchase.paid).map(|purchase| purchase.order.as_str()).collect();
    let has_ended = |order: &Value| match text(&order["state"]) {
        "released" | "refunded" => true,
        "cancelled" | "expired" => !paid.contains(text(&order["id"])),
        _ => false,
    };
    let began = Instant::now();
    loop {
        let orders = admin.all("/api/orders", PAGE);
        let stuck: Vec<_> = orders.iter().filter(|order| !has_ended(order)).collect();
        let owed = owed(admin);
        if stuck.is_empty() && owed == 0 {
            return orders;
        }
        assert!(began.elapsed() < REST, "refunds of {owed}, and stuck after {REST:?}: {stuck:#?}");
        std::thread::sleep(Duration::from_millis(300));
    }
}

/// Refunds that the provider hasn't settled.
fn owed(admin: &Member) -> i64 {
    accounts(admin).get("refunds").copied().unwrap_or(0)
}

fn accounts(admin: &Member) -> HashMap<String, i64> {
    let ledger = admin.get("/api/admin/ledger").expect(200);
    assert_eq!(ledger["balanced"], true, "{ledger}");
    let items = ledger["items"].as_array().unwrap();
    items.iter().map(|item| (text(&item["account"]).to_owned(), number(&item["balance"]))).collect()
}

/// Every purchase whose order was answered is there, none twice, and none that nobody asked for.
fn known_once(purchases: &[Purchase], orders: &[Value]) {
    let listed: BTreeSet<&str> = orders.iter().map(|order| text(&order["id"])).collect();
    assert_eq!(listed.len(), orders.len(), "an order is listed twice");
    let answered: BTreeSet<&str> = purchases.iter().map(|purchase| purchase.order.as_str()).collect();
    assert_eq!(answered.len(), purchases.len(), "two keys were answered with one order");
    let lost: Vec<_> = answered.difference(&listed).collect();
    assert!(lost.is_empty(), "answered with 201, and lost: {lost:?}");
    let doubled: Vec<_> = listed.difference(&answered).collect();
    assert!(doubled.is_empty(), "orders beyond one for each key: {doubled:?}");
}

/// What was answered with 200 is so, and what was paid ended with somebody having the money.
fn ended_as_answered(purchases: &[Purchase], orders: &[Value]) {
    let by_id: HashMap<&str, &Value> = orders.iter().map(|order| (text(&order["id"]), order)).collect();
    for purchase in purchases {
        let order = by_id[purchase.order.as_str()];
        let state = text(&order["state"]);
        let expected: &[&str] = match purchase.ended {
            Some(Ended::Accepted | Ended::Released) => &["released"],
            Some(Ended::Refunded) => &["refunded"],
            Some(Ended::Cancelled) => &["cancelled"],
            None if purchase.paid => &["released", "refunded"],
            None => &["expired"],
        };
        assert!(expected.contains(&state), "{purchase:?} ended as {order}");
        assert_eq!(number(&order["amount"]["amount"]), purchase.amount, "{order}");
        assert_eq!((text(&order["listing"]), text(&order["buyer"])), (&*purchase.listing, &*purchase.buyer));
        assert_eq!(order["holds"], serde_json::json!([]), "{order}");
    }
}

/// The ledger, the sellers' balances and the figures say what the released orders add up to.
fn money(server: &Server, admin: &Member, orders: &[Value], released: &[&Value]) {
    let fee = |order: &Value| number(&order["fee"]["amount"]);
    let gross = |order: &Value| number(&order["amount"]["amount"]);
    let (volume, fees): (i64, i64) =
        released.iter().fold((0, 0), |sums, order| (sums.0 + gross(order), sums.1 + fee(order)));
    let mut accounts = accounts(admin);
    let mut account = |name: &str| accounts.remove(name).unwrap_or(0);
    assert_eq!(account("fees"), -fees, "the platform's fees");
    assert_eq!(account("provider"), volume, "what lies with the provider");
    assert_eq!(account("refunds"), 0, "refunds that weren't settled");

    let mut payable = 0;
    for seller in sellers(orders) {
        let member = sign_in(server, &seller);
        let own = released.iter().filter(|order| order["seller"] == *seller);
        let net: i64 = own.clone().map(|order| gross(order) - fee(order)).sum();
        assert_eq!(member.money(), (net, 0), "available and held of {seller}");
        let entries = entries(&member);
        let paid = entries.iter().filter(|entry| entry["kind"] == "released");
        assert_eq!(paid.clone().count(), own.count(), "a line of {seller}'s statement for each release");
        assert_eq!(paid.map(|entry| number(&entry["amount"]["amount"])).sum::<i64>(), net);
        payable += net;
    }
    assert_eq!(payable, volume - fees);
    for (name, balance) in accounts.iter().filter(|(name, _)| name.starts_with("escrow:")) {
        assert_eq!(*balance, 0, "{name} holds money after its order's end");
    }
    let owed: i64 =
        accounts.iter().filter(|(name, _)| name.starts_with("payable:")).map(|(_, balance)| balance).sum();
    assert_eq!(owed, -payable, "what the books owe the sellers");

    let figures = sign_in(server, INVESTOR).get("/api/investors/performance").expect(200);
    let months = figures["items"].as_array().unwrap();
    let sum = |what: &str| months.iter().map(|month| number(month.pointer(what).unwrap())).sum::<i64>();
    let counted = (sum("/orders"), sum("/volume/amount"), sum("/fees/amount"));
    assert_eq!(counted, (i64::try_from(released.len()).unwrap(), volume, fees), "{figures}");
}

fn entries(member: &Member) -> Vec<Value> {
    let mut entries = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = member.get(&format!("/api/balance?limit={PAGE}{cursor}")).expect(200);
        entries.extend(page["entries"]["items"].as_array().unwrap().iter().cloned());
        match page["entries"]["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return entries,
        }
    }
}

/// The platform's trail has no gap, and says of each order once that it was placed.
fn trail(admin: &Member, orders: &[Value]) {
    let placed = |audit: &[Value]| -> Vec<String> {
        let places = audit.iter().filter(|entry| entry["action"] == "order.place");
        places.map(|entry| text(&entry["target"]).trim_start_matches("order:").to_owned()).collect()
    };
    let audit = wait_until("the trail to be sealed", REST, || {
        let audit = admin.all("/api/admin/audit", 200);
        (placed(&audit).len() >= orders.len()).then_some(audit)
    });
    let numbers: Vec<u64> = audit.iter().map(|entry| entry["seq"].as_u64().unwrap()).collect();
    let last = u64::try_from(numbers.len()).unwrap();
    assert_eq!(numbers, (1..=last).rev().collect::<Vec<_>>(), "the trail has gaps");
    let hashes: BTreeSet<&str> = audit.iter().map(|entry| text(&entry["hash"])).collect();
    assert_eq!(hashes.len(), audit.len(), "two entries have one hash");
    let mut placed = placed(&audit);
    placed.sort_unstable();
    let mut expected: Vec<String> = orders.iter().map(|order| text(&order["id"]).to_owned()).collect();
    expected.sort_unstable();
    assert_eq!(placed, expected, "each order is placed once in the trail");
}

/// Each party sees of its own orders what the platform sees.
fn parties(server: &Server, orders: &[Value]) {
    let buyers: BTreeSet<String> = orders.iter().map(|order| text(&order["buyer"]).to_owned()).collect();
    for (party, slugs) in [("buyer", buyers), ("seller", sellers(orders))] {
        for slug in slugs {
            let own = sign_in(server, &slug).all("/api/orders", PAGE);
            let states = |orders: &[Value]| -> BTreeMap<String, String> {
                let own = orders.iter().filter(|order| order[party] == *slug);
                own.map(|order| (text(&order["id"]).to_owned(), text(&order["state"]).to_owned())).collect()
            };
            assert_eq!(own.len(), states(&own).len(), "{slug} sees an order twice, or somebody else's");
            assert_eq!(states(&own), states(orders), "what {slug} sees");
        }
    }
}

fn sellers(orders: &[Value]) -> BTreeSet<String> {
    orders.iter().map(|order| text(&order["seller"]).to_owned()).collect()
}

fn sign_in(server: &Server, slug: &str) -> Member {
    server.login(slug, &format!("owner@{slug}.example"), &format!("the password of {slug}"))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap_or_else(|| panic!("no whole number: {value}"))
}
