//! Orders: placing, replaying, and what their parties do with them.

use serde_json::{Value, json};

use crate::shared::{admin, server};
use crate::support::{Member, Site, listing};

fn pair(name: &str, amount: i64) -> (Member, Member, String) {
    let seller = server().register("seller", &format!("{name}-s"));
    let buyer = server().register("buyer", &format!("{name}-b"));
    let slug = format!("{name}-shop");
    seller.sell(&slug, amount);
    (seller, buyer, slug)
}

fn actions(order: &Value) -> Vec<&str> {
    order["actions"].as_array().unwrap().iter().map(|action| action["name"].as_str().unwrap()).collect()
}

fn is_time(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.parse::<jiff::Timestamp>().is_ok())
}

#[test]
fn a_purchase_goes_from_placing_to_release() {
    let (seller, buyer, shop) = pair("ord-whole", 4_999);
    let placed = buyer.buy(&shop);
    let order = &placed.reply.json()["order"];
    assert_eq!(order["state"], "awaiting_payment");
    assert_eq!(order["amount"], json!({ "amount": 4_999, "currency": "USD" }));
    assert_eq!(order["fee"], json!({ "amount": 399, "currency": "USD" }), "floor(4999 × 800 / 10000)");
    assert_eq!((&order["buyer"], &order["seller"]), (&json!("ord-whole-b"), &json!("ord-whole-s")));
    assert_eq!((&order["listing"], &order["holds"]), (&json!(shop), &json!([])));
    assert_eq!(order["review_ends_at"], Value::Null);
    assert_eq!(actions(order), ["cancel"]);
    assert!(is_time(&order["actions"][0]["until"]), "{order}");
    assert!(placed.checkout_url.starts_with("http://"), "absolute: {}", placed.checkout_url);
    assert_eq!(seller.money(), (0, 0));

    placed.pay("paid");
    let review = buyer.until_state(&placed.order, "in_review");
    assert!(is_time(&review["review_ends_at"]), "{review}");
    let mut can = actions(&review);
    can.sort_unstable();
    assert_eq!(can, ["accept", "dispute"]);
    assert_eq!(actions(&seller.order(&placed.order)), [""; 0]);
    assert_eq!(seller.money(), (0, 4_600));

    let released = buyer.take(&placed.order, "accept").expect(200);
    assert_eq!((&released["state"], &released["id"]), (&json!("released"), &json!(placed.order)));
    assert_eq!(actions(&released), [""; 0]);
    assert_eq!(released["review_ends_at"], Value::Null);
    assert_eq!(seller.money(), (4_600, 0));
}

#[test]
fn the_statement_tells_what_came_and_when() {
    let (seller, buyer, shop) = pair("ord-statement", 1_000);
    let kept = buyer.buy_and_pay(&shop);
    buyer.take(&kept.order, "accept").expect(200);
    let back = buyer.buy_and_pay(&shop);
    buyer.dispute(&back.order, "empty").expect(200);
    admin().resolve(&back.order, "refund").expect(200);
    let balance = seller.get("/api/balance").expect(200);
    assert_eq!(balance["items"], json!([{ "currency": "USD", "available": 920, "held": 0 }]));
    let entries = balance["entries"]["items"].as_array().unwrap();
    let mut told: Vec<_> = entries
        .iter()
        .map(|entry| {
            assert!(is_time(&entry["at"]), "{entry}");
            assert_eq!(entry["amount"]["currency"], "USD");
            (
                entry["order"].as_str().unwrap() == kept.order,
                entry["kind"].as_str().unwrap(),
                entry["amount"]["amount"].as_i64().unwrap(),
            )
        })
        .collect();
    told.sort_unstable();
    let wanted =
        [(false, "held", 920), (false, "refunded", -920), (true, "held", 920), (true, "released", 920)];
    assert_eq!(told, wanted, "{balance}");
    let page = seller.get("/api/balance?limit=3").expect(200);
    let next = page["entries"]["next"].as_str().unwrap();
    let rest = seller.get(&format!("/api/balance?limit=3&cursor={next}")).expect(200);
    let paged = [&page, &rest].map(|page| page["entries"]["items"].as_array().unwrap().clone()).concat();
    assert_eq!(&paged, entries);
    assert_eq!(buyer.get("/api/balance").expect(200)["entries"]["next"], Value::Null);
}

#[test]
fn a_replay_answers_the_same_to_the_byte() {
    let (seller, buyer, shop) = pair("ord-replay", 1_000);
    let first = buyer.place(&shop, "replay-1");
    first.expect(201);
    let again = buyer.place(&shop, "replay-1");
    assert_eq!((again.status, &again.body), (201, &first.body));
    assert_eq!(again.header("content-type"), first.header("content-type"));
    buyer.place("another", "replay-1").refused(409, "idempotency_mismatch");
    seller.delete(&format!("/api/listings/{shop}")).expect(204);
    let gone = buyer.place(&shop, "replay-1");
    assert_eq!((gone.status, &gone.body), (201, &first.body), "the listing is gone meanwhile");
    let order = first.json()["order"]["id"].as_str().unwrap().to_owned();
    buyer.take(&order, "cancel").expect(200);
    let after = buyer.place(&shop, "replay-1");
    assert_eq!((after.status, &after.body), (201, &first.body), "the order was cancelled meanwhile");
    assert_eq!(buyer.all("/api/orders", 50).len(), 1);
    let other = server().register("buyer", "ord-replay-other");
    other.place(&shop, "replay-1").refused(404, "not_found");
}

#[test]
fn one_key_sent_at_once_places_one_order() {
    let (_, buyer, shop) = pair("ord-once", 1_000);
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let (buyer, shop) = (buyer.clone(), shop.clone());
            std::thread::spawn(move || buyer.place(&shop, "all at once".replace(' ', "-").as_str()))
        })
        .collect();
    let replies: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    for reply in &replies {
        assert_eq!((reply.status, &reply.body), (201, &replies[0].body));
    }
    assert_eq!(buyer.all("/api/orders", 50).len(), 1);
}

#[test]
fn a_refused_request_does_not_use_its_key() {
    let (seller, buyer, shop) = pair("ord-free", 1_000);
    seller.act(&format!("/api/listings/{shop}/unpublish")).expect(200);
    buyer.place(&shop, "free-1").refused(404, "not_found");
    seller.act(&format!("/api/listings/{shop}/publish")).expect(200);
    buyer.place(&shop, "free-1").expect(201);
}

#[test]
fn an_order_needs_a_key_and_a_listing() {
    let (_, buyer, shop) = pair("ord-needs", 1_000);
    buyer.post("/api/orders", json!({ "listing": shop })).invalid(&["Idempotency-Key"]);
    buyer.post("/api/orders", json!({})).refused(422, "invalid");
    let long = "k".repeat(201);
    for key in ["", long.as_str(), "two words"] {
        buyer.place(&shop, key).refused(422, "invalid");
    }
    buyer.place(&shop, &"k".repeat(200)).expect(201);
    buyer.place("ord-needs-absent", "k1").refused(404, "not_found");
    buyer.place("No Slug", "k2").refused(404, "not_found");
    buyer.post("/api/orders", json!({ "listing": "" })).refused(422, "invalid");
}

#[test]
fn only_buyers_buy() {
    let (seller, _, shop) = pair("ord-who", 1_000);
    let investor = server().register("investor", "ord-who-investor");
    for somebody in [&seller, &investor, admin()] {
        somebody.place(&shop, "k").refused(403, "forbidden");
    }
}

#[test]
fn an_order_is_seen_by_its_parties_and_the_platform() {
    let (seller, buyer, shop) = pair("ord-seen", 1_000);
    let placed = buyer.buy_and_pay(&shop);
    let order = buyer.order(&placed.order);
    for reader in [&seller, admin()] {
        let theirs = reader.order(&placed.order);
        for field in ["id", "state", "holds", "listing", "buyer", "seller", "amount", "fee", "review_ends_at"]
        {
            assert_eq!(theirs[field], order[field], "{field}");
        }
        let listed = reader.all("/api/orders", 2);
        assert!(listed.iter().any(|item| item["id"] == order["id"]));
    }
    let other_buyer = server().register("buyer", "ord-seen-other");
    let other_seller = server().register("seller", "ord-seen-third");
    let investor = server().register("investor", "ord-seen-investor");
    let strange = [
        format!("/api/orders/{}", placed.order),
        format!("/api/orders/{}", uuid::Uuid::now_v7()),
        "/api/orders/no-id".to_owned(),
        "/api/orders/%00".to_owned(),
    ];
    for reader in [&other_buyer, &other_seller] {
        let answers: Vec<_> = strange.iter().map(|path| reader.get(path)).collect();
        for answer in &answers {
            answer.refused(404, "not_found");
            assert_eq!(answer.body, answers[0].body, "they differ: {answer}");
        }
        assert!(reader.all("/api/orders", 50).is_empty());
    }
    investor.get("/api/orders").refused(403, "forbidden");
    for step in ["accept", "cancel"] {
        other_buyer.take(&placed.order, step).refused(404, "not_found");
        seller.take(&placed.order, step).refused(403, "forbidden");
        admin().take(&placed.order, step).refused(403, "forbidden");
        buyer.take("no-id", step).refused(404, "not_found");
    }
    other_buyer.dispute(&placed.order, "mine").refused(404, "not_found");
    seller.dispute(&placed.order, "mine").refused(403, "forbidden");
    buyer.resolve(&placed.order, "release").refused(403, "forbidden");
}

#[test]
fn orders_come_in_pages() {
    let (_, buyer, shop) = pair("ord-page", 1_000);
    let placed: Vec<_> = (0..7).map(|_| buyer.buy(&shop).order).collect();
    for limit in [1, 2, 3, 7, 8] {
        let mut seen: Vec<_> = buyer
            .all("/api/orders", limit)
            .iter()
            .map(|order| order["id"].as_str().unwrap().to_owned())
            .collect();
        seen.reverse();
        assert_eq!(seen, placed, "with {limit} a page");
    }
}

#[test]
fn cancelling_is_for_before_the_payment() {
    let (seller, buyer, shop) = pair("ord-cancel", 1_000);
    let placed = buyer.buy(&shop);
    assert_eq!(buyer.take(&placed.order, "cancel").expect(200)["state"], "cancelled");
    for step in ["cancel", "accept"] {
        buyer.take(&placed.order, step).refused(409, "conflict");
    }
    buyer.dispute(&placed.order, "too late").refused(409, "conflict");
    let paid = buyer.buy_and_pay(&shop);
    buyer.take(&paid.order, "cancel").refused(409, "conflict");
    assert_eq!(seller.money(), (0, 920));
    let waiting = buyer.buy(&shop);
    buyer.take(&waiting.order, "accept").refused(409, "conflict");
    buyer.dispute(&waiting.order, "not paid").refused(409, "conflict");
}

#[test]
fn a_dispute_holds_the_money_until_it_is_resolved() {
    let (seller, buyer, shop) = pair("ord-dispute", 1_000);
    let placed = buyer.buy_and_pay(&shop);
    for reason in ["", "  ", &"x".repeat(2_001)] {
        buyer.dispute(&placed.order, reason).invalid(&["reason"]);
    }
    admin().resolve(&placed.order, "release").refused(409, "conflict");
    let disputed = buyer.dispute(&placed.order, "it doesn't run").expect(200);
    assert_eq!(disputed["state"], "in_review");
    let hold = &disputed["holds"][0];
    assert_eq!((&hold["kind"], &hold["reason"]), (&json!("dispute"), &json!("it doesn't run")));
    assert!(is_time(&hold["since"]), "{disputed}");
    assert_eq!(disputed["review_ends_at"], Value::Null, "the timer stops");
    assert_eq!(actions(&disputed), [""; 0]);
    buyer.take(&placed.order, "accept").refused(409, "conflict");
    buyer.dispute(&placed.order, "again").refused(409, "conflict");
    assert_eq!(actions(&admin().order(&placed.order)), ["resolve"]);
    let wrong = admin().resolve(&placed.order, "both");
    wrong.invalid(&["outcome"]);
    let released = admin().resolve(&placed.order, "release").expect(200);
    assert_eq!((&released["state"], &released["holds"]), (&json!("released"), &json!([])));
    assert_eq!(seller.money(), (920, 0));
    admin().resolve(&placed.order, "refund").refused(409, "conflict");
    buyer.dispute(&placed.order, "after release").refused(409, "conflict");
}

#[test]
fn a_dispute_can_end_with_the_money_going_back() {
    let (seller, buyer, shop) = pair("ord-refund", 1_000);
    let placed = buyer.buy_and_pay(&shop);
    buyer.dispute(&placed.order, "it doesn't run").expect(200);
    let refunded = admin().resolve(&placed.order, "refund").expect(200);
    assert_eq!(refunded["state"], "refunded", "at once");
    assert_eq!(seller.money(), (0, 0));
    let provider = server().provider(&placed.checkout_url);
    crate::support::wait_until("the refund at the provider", crate::support::PATIENCE, || {
        let told = provider.events();
        let mine = told.iter().filter(|event| event["reference"] == placed.order.as_str());
        mine.into_iter().any(|event| event["type"] == "refund.succeeded").then_some(())
    });
}

#[test]
fn resolving_is_at_the_platform() {
    let (_, buyer, shop) = pair("ord-resolve", 1_000);
    let placed = buyer.buy_and_pay(&shop);
    buyer.dispute(&placed.order, "hm").expect(200);
    let path = format!("/api/orders/{}/resolve", placed.order);
    let there: Site = admin().elsewhere(&server().at("ord-resolve-b"));
    there.post(&path, json!({ "outcome": "refund" })).refused(403, "tenant_mismatch");
    admin().resolve(&placed.order, "refund").expect(200);
}

#[test]
fn a_step_with_a_key_is_done_once() {
    let (_, buyer, shop) = pair("ord-step", 1_000);
    let (first, second) = (buyer.buy_and_pay(&shop), buyer.buy_and_pay(&shop));
    let accept = |order: &str| {
        let path = format!("/api/orders/{order}/accept");
        buyer.request("POST", &path).header("Idempotency-Key", "step-1").send()
    };
    let done = accept(&first.order);
    done.expect(200);
    assert_eq!(accept(&first.order).body, done.body);
    accept(&second.order).refused(409, "idempotency_mismatch");
    assert_eq!(buyer.order(&second.order)["state"], "in_review");
}

#[test]
fn an_order_stays_at_the_price_at_which_it_was_placed() {
    let (seller, buyer, shop) = pair("ord-price", 1_000);
    let placed = buyer.buy(&shop);
    let mut dearer = listing(&shop, 9_000);
    dearer["version"] = json!("2.0.0");
    let put = seller.request("PUT", &format!("/api/listings/{shop}")).header("If-Match", "\"1.0.0\"");
    put.json(dearer).send().expect(200);
    placed.pay("paid");
    assert_eq!(buyer.until_state(&placed.order, "in_review")["amount"]["amount"], 1_000);
    assert_eq!(seller.money(), (0, 920));
    assert_eq!(buyer.buy(&shop).reply.json()["order"]["amount"]["amount"], 9_000);
}
