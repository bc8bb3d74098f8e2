//! Listings: what one is, who sees it, who changes it.

use serde_json::{Value, json};

use crate::shared::{admin, server};
use crate::support::{Member, Reply, listing};

fn create(seller: &Member, change: impl FnOnce(&mut Value)) -> Reply {
    let mut body = listing("listing-wrong", 100);
    change(&mut body);
    seller.post("/api/platform/create", body)
}

fn draft(slug: &str) -> Value {
    let mut body = listing(slug, 100);
    body["publish"] = json!(false);
    body
}

fn put(seller: &Member, slug: &str, version: &str, body: Value) -> Reply {
    let request = seller.request("PUT", &format!("/api/listings/{slug}")).header("If-Match", version);
    request.json(body).send()
}

#[test]
fn a_listing_is_what_was_sent() {
    let seller = server().register("seller", "list-made");
    let made = seller.sell("list-made-shop", 4_900);
    let sent = listing("list-made-shop", 4_900);
    for field in ["name", "slug", "version", "summary", "price", "cloudflare", "businessAssets"] {
        assert_eq!(made[field], sent[field], "{field}");
    }
    assert_eq!(made["published"], true);
    assert_eq!(made["seller"], "list-made");
    for time in ["created_at", "updated_at"] {
        assert!(made[time].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{made}");
    }
    assert_eq!(seller.get("/api/listings/list-made-shop").expect(200), made);
    let buyer = server().register("buyer", "list-made-buyer");
    let public = buyer.get("/api/listings/list-made-shop").expect(200);
    assert_eq!(public["price"], json!({ "amount": 4_900, "currency": "USD" }));
    assert!(public.get("businessAssets").is_none(), "documents are the seller's: {public}");
    let mut least = listing("list-made-least", 1);
    for optional in ["publish", "cloudflare", "businessAssets"] {
        least.as_object_mut().unwrap().remove(optional);
    }
    assert_eq!(seller.post("/api/platform/create", least).expect(201)["published"], true);
}

#[test]
fn what_is_wrong_with_a_listing_is_said_field_by_field() {
    let seller = server().register("seller", "list-wrong");
    let cases: [(&str, Value, &str); 16] = [
        ("/name", json!(""), "name"),
        ("/slug", json!("Not a slug"), "slug"),
        ("/version", json!("1.0"), "version"),
        ("/version", json!("01.0.0"), "version"),
        ("/version", json!("v1.0.0"), "version"),
        ("/price/amount", json!(0), "price.amount"),
        ("/price/amount", json!(-1), "price.amount"),
        ("/price/currency", json!("dollars"), "price.currency"),
        ("/businessAssets/businessPlan", json!("/etc/passwd"), "businessAssets.businessPlan"),
        ("/businessAssets/businessPlan", json!("a/../../b"), "businessAssets.businessPlan"),
        ("/businessAssets/marketResearch", json!("..\\b"), "businessAssets.marketResearch"),
        ("/price/amount", json!("4900"), "price.amount"),
        ("/price/amount", json!(49.5), "price.amount"),
        ("/price", Value::Null, "price"),
        ("/cloudflare/workers", json!("api"), "cloudflare.workers"),
        ("/publish", json!("yes"), "publish"),
    ];
    for (pointer, value, field) in cases {
        create(&seller, |body| *body.pointer_mut(pointer).unwrap() = value).invalid(&[field]);
    }
    let several = create(&seller, |body| {
        body["version"] = json!("one");
        body["price"]["amount"] = json!(0);
        body["businessAssets"]["businessPlan"] = json!("../plan.pdf");
    });
    several.invalid(&["version", "price.amount", "businessAssets.businessPlan"]);
    let named = create(&seller, |body| body["cloudflare"]["dns_records"] = json!(["www", ""]));
    named.refused(422, "invalid");
    create(&seller, |body| drop(body.as_object_mut().unwrap().remove("price"))).invalid(&["price"]);
    create(&seller, |body| body["price"]["amount"] = json!(u64::MAX)).invalid(&["price.amount"]);
    assert_eq!(seller.listings_used(), 0, "what was refused counted");
    assert_eq!(seller.all("/api/listings", 50), Vec::<Value>::new());
}

#[test]
fn a_seller_sees_its_own_with_drafts_and_others_see_the_published() {
    let seller = server().register("seller", "list-see");
    let other = server().register("seller", "list-see-other");
    let buyer = server().register("buyer", "list-see-buyer");
    seller.sell("list-see-public", 100);
    seller.post("/api/platform/create", draft("list-see-draft")).expect(201);
    let slugs = |items: Vec<Value>| -> Vec<String> {
        let mine = items.iter().filter_map(|item| item["slug"].as_str());
        mine.filter(|slug| slug.starts_with("list-see-")).map(str::to_owned).collect()
    };
    assert_eq!(slugs(seller.all("/api/listings", 50)), ["list-see-draft", "list-see-public"]);
    assert_eq!(slugs(other.all("/api/listings", 50)), [""; 0], "another seller sees its own only");
    for reader in [&buyer, admin()] {
        assert_eq!(slugs(reader.all("/api/listings", 50)), ["list-see-public"]);
        reader.get("/api/listings/list-see-public").expect(200);
        let hidden = reader.get("/api/listings/list-see-draft").refused(404, "not_found");
        assert_eq!(hidden, reader.get("/api/listings/list-see-absent").refused(404, "not_found"));
        assert_eq!(hidden, reader.get("/api/listings/No%20Slug!").refused(404, "not_found"));
    }
    other.get("/api/listings/list-see-draft").refused(404, "not_found");
}

#[test]
fn only_its_seller_changes_a_listing() {
    let seller = server().register("seller", "list-only");
    let other = server().register("seller", "list-only-other");
    let buyer = server().register("buyer", "list-only-buyer");
    seller.sell("list-only-shop", 100);
    let at = "/api/listings/list-only-shop";
    for path in [format!("{at}/publish"), format!("{at}/unpublish")] {
        other.act(&path).refused(404, "not_found");
        buyer.act(&path).refused(403, "forbidden");
        admin().act(&path).refused(403, "forbidden");
    }
    other.delete(at).refused(404, "not_found");
    buyer.delete(at).refused(403, "forbidden");
    put(&other, "list-only-shop", "\"1.0.0\"", listing("list-only-shop", 1)).refused(404, "not_found");
    put(&buyer, "list-only-shop", "\"1.0.0\"", listing("list-only-shop", 1)).refused(403, "forbidden");
    buyer.post("/api/platform/create", listing("list-only-bought", 1)).refused(403, "forbidden");
    admin().post("/api/platform/create", listing("list-only-bought", 1)).refused(403, "forbidden");
    assert_eq!(buyer.get(at).expect(200)["price"]["amount"], 100);
}

#[test]
fn publishing_claims_a_slug_and_drafts_block_nobody() {
    let first = server().register("seller", "list-claim-a");
    let second = server().register("seller", "list-claim-b");
    let buyer = server().register("buyer", "list-claim-buyer");
    for seller in [&first, &second] {
        seller.post("/api/platform/create", draft("list-claim")).expect(201);
    }
    first.post("/api/platform/create", draft("list-claim")).refused(409, "conflict");
    let published = second.act("/api/listings/list-claim/publish").expect(200);
    assert_eq!(published["published"], true);
    second.act("/api/listings/list-claim/publish").expect(200);
    first.act("/api/listings/list-claim/publish").refused(409, "conflict");
    assert_eq!(first.get("/api/listings/list-claim").expect(200)["published"], false);
    assert_eq!(buyer.get("/api/listings/list-claim").expect(200)["seller"], "list-claim-b");
    let third = server().register("seller", "list-claim-c");
    third.post("/api/platform/create", listing("list-claim", 1)).refused(409, "conflict");
    assert_eq!(third.listings_used(), 0);
    assert_eq!(second.act("/api/listings/list-claim/unpublish").expect(200)["published"], false);
    buyer.get("/api/listings/list-claim").refused(404, "not_found");
    first.act("/api/listings/list-claim/publish").expect(200);
    assert_eq!(buyer.get("/api/listings/list-claim").expect(200)["seller"], "list-claim-a");
    second.delete("/api/listings/list-claim").expect(204);
    assert_eq!(buyer.get("/api/listings/list-claim").expect(200)["seller"], "list-claim-a");
    first.act("/api/listings/list-claim-absent/publish").refused(404, "not_found");
}

#[test]
fn replacing_names_the_version_that_it_replaces() {
    let seller = server().register("seller", "list-put");
    let buyer = server().register("buyer", "list-put-buyer");
    seller.sell("list-put-shop", 100);
    let mut next = listing("list-put-shop", 200);
    next["version"] = json!("1.1.0");
    let without = seller.request("PUT", "/api/listings/list-put-shop").json(next.clone()).send();
    without.invalid(&["If-Match"]);
    put(&seller, "list-put-shop", "\"0.9.0\"", next.clone()).refused(409, "conflict");
    let replaced = put(&seller, "list-put-shop", "\"1.0.0\"", next.clone()).expect(200);
    assert_eq!((&replaced["version"], &replaced["price"]["amount"]), (&json!("1.1.0"), &json!(200)));
    put(&seller, "list-put-shop", "\"1.0.0\"", next.clone()).refused(409, "conflict");
    assert_eq!(buyer.get("/api/listings/list-put-shop").expect(200)["price"]["amount"], 200);
    next["version"] = json!("two");
    put(&seller, "list-put-shop", "\"1.1.0\"", next.clone()).invalid(&["version"]);
    next["version"] = json!("2.0.0");
    put(&seller, "list-put-absent", "\"1.1.0\"", next.clone()).refused(404, "not_found");
    next["publish"] = json!(false);
    put(&seller, "list-put-shop", "1.1.0", next.clone()).expect(200);
    buyer.get("/api/listings/list-put-shop").refused(404, "not_found");
    seller.sell("list-put-taken", 100);
    next["slug"] = json!("list-put-taken");
    put(&seller, "list-put-shop", "\"2.0.0\"", next.clone()).refused(409, "conflict");
    next["slug"] = json!("list-put-renamed");
    put(&seller, "list-put-shop", "\"2.0.0\"", next).expect(200);
    seller.get("/api/listings/list-put-shop").refused(404, "not_found");
    assert_eq!(seller.listings_used(), 2);
}

#[test]
fn open_orders_keep_their_copy() {
    let seller = server().register("seller", "list-copy");
    let buyer = server().register("buyer", "list-copy-buyer");
    seller.sell("list-copy-shop", 500);
    let placed = buyer.buy_and_pay("list-copy-shop");
    seller.delete("/api/listings/list-copy-shop").expect(204);
    seller.delete("/api/listings/list-copy-shop").refused(404, "not_found");
    let kept = buyer.order(&placed.order);
    assert_eq!((&kept["listing"], &kept["amount"]["amount"]), (&json!("list-copy-shop"), &json!(500)));
    assert_eq!(buyer.take(&placed.order, "accept").expect(200)["state"], "released");
    buyer.place("list-copy-shop", "gone").refused(404, "not_found");
}

#[test]
fn lists_come_in_pages_without_gaps_or_repeats() {
    let seller = server().register("seller", "list-page");
    let mut slugs: Vec<_> = (0..9).map(|nth| format!("list-page-{nth}")).collect();
    for slug in slugs.iter().rev() {
        seller.sell(slug, 100);
    }
    for limit in [1, 2, 3, 4, 9, 10, 200] {
        let seen: Vec<_> =
            seller.all("/api/listings", limit).iter().map(|item| item["slug"].clone()).collect();
        assert_eq!(seen, slugs, "with {limit} a page");
    }
    let first = seller.get("/api/listings?limit=4").expect(200);
    let cursor = first["next"].as_str().unwrap();
    seller.delete("/api/listings/list-page-1").expect(204);
    seller.delete("/api/listings/list-page-4").expect(204);
    slugs.remove(4);
    let rest = seller.get(&format!("/api/listings?limit=200&cursor={cursor}")).expect(200);
    let rest: Vec<_> = rest["items"].as_array().unwrap().iter().map(|item| item["slug"].clone()).collect();
    assert_eq!(rest, slugs[4..], "the page after one that changed");
    let whole = seller.get("/api/listings").expect(200);
    assert_eq!(whole["next"], Value::Null);
}

#[test]
fn a_page_has_1_to_200_items() {
    let buyer = server().register("buyer", "list-limit");
    for limit in ["0", "201", "-1", "x", "", "1.5", "99999999999"] {
        buyer.get(&format!("/api/listings?limit={limit}")).invalid(&["limit"]);
        buyer.get(&format!("/api/orders?limit={limit}")).invalid(&["limit"]);
    }
    for limit in ["1", "200"] {
        buyer.get(&format!("/api/listings?limit={limit}")).expect(200);
    }
    admin().get("/api/admin/tenants?limit=201").invalid(&["limit"]);
    admin().get("/api/admin/audit?limit=0").invalid(&["limit"]);
    buyer.get("/api/balance?limit=0").invalid(&["limit"]);
    let tenants = admin().all("/api/admin/tenants", 3);
    assert!(tenants.iter().any(|tenant| tenant["slug"] == "list-limit"));
}

#[test]
fn of_changes_made_at_once_one_wins_and_a_unit_comes_back_once() {
    let seller = server().register("seller", "list-race");
    for round in 0..3 {
        let slug = format!("list-race-shop-{round}");
        seller.sell(&slug, 100);
        let at_once = |change: &(dyn Fn() -> u16 + Sync)| -> Vec<u16> {
            let mut answers = std::thread::scope(|scope| {
                let sent: Vec<_> = (0..6).map(|_| scope.spawn(change)).collect();
                sent.into_iter().map(|sent| sent.join().unwrap()).collect::<Vec<_>>()
            });
            answers.sort_unstable();
            answers
        };
        let mut next = listing(&slug, 200);
        next["version"] = json!("1.1.0");
        let replaced = at_once(&|| put(&seller, &slug, "1.0.0", next.clone()).status);
        assert_eq!(replaced, [200, 409, 409, 409, 409, 409]);
        let deleted = at_once(&|| seller.delete(&format!("/api/listings/{slug}")).status);
        assert_eq!(deleted, [204, 404, 404, 404, 404, 404]);
        assert_eq!(seller.listings_used(), 0);
    }
}
