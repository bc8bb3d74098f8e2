//! The plan's ten listings.

use serde_json::{Value, json};

use crate::shared::server;
use crate::support::listing;

#[test]
fn a_seller_holds_ten_listings() {
    let seller = server().register("seller", "quota-ten");
    let other = server().register("seller", "quota-other");
    other.sell("quota-taken", 100);
    let used = seller.get("/api/usage").expect(200);
    let unused = json!({ "meter": "listings", "limit": 10, "used": 0, "remaining": 10, "resets_at": null });
    assert_eq!(used["items"], json!([unused]));
    for nth in 0..9 {
        let mut body = listing(&format!("quota-{nth}"), 100);
        body["publish"] = json!(nth % 2 == 0);
        seller.post("/api/platform/create", body).expect(201);
    }
    seller.post("/api/platform/create", listing("quota-0", 100)).refused(409, "conflict");
    seller.post("/api/platform/create", listing("quota-taken", 100)).refused(409, "conflict");
    assert_eq!(seller.listings_used(), 9, "a refused one counts for nothing");
    seller.sell("quota-9", 100);
    let full = seller.post("/api/platform/create", listing("quota-10", 100)).refused(402, "quota_exceeded");
    assert_eq!(
        (&full["meter"], &full["limit"], &full["used"], full.get("resets_at")),
        (&json!("listings"), &json!(10), &json!(10), Some(&Value::Null))
    );
    seller.get("/api/listings/quota-10").refused(404, "not_found");
    seller.post("/api/platform/create", listing("quota-0", 100)).refused(409, "conflict");
    seller.delete("/api/listings/quota-3").expect(204);
    assert_eq!(seller.get("/api/usage").expect(200)["items"][0]["remaining"], 1);
    seller.sell("quota-10", 100);
    assert_eq!(seller.listings_used(), 10);
    seller.act("/api/listings/quota-0/unpublish").expect(200);
    assert_eq!(seller.listings_used(), 10, "drafts are held too");
    assert_eq!(other.listings_used(), 1, "it is each seller's own");
    let buyer = server().register("buyer", "quota-buyer");
    buyer.get("/api/usage").expect(200);
}

#[test]
fn ten_at_once_take_the_last_place_once() {
    let seller = server().register("seller", "quota-race");
    for nth in 0..9 {
        seller.sell(&format!("quota-race-{nth}"), 100);
    }
    let threads: Vec<_> = (0..10)
        .map(|nth| {
            let seller = seller.clone();
            let body = listing(&format!("quota-race-last-{nth}"), 100);
            std::thread::spawn(move || seller.post("/api/platform/create", body).status)
        })
        .collect();
    let mut answers: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    answers.sort_unstable();
    assert_eq!(answers, [201, 402, 402, 402, 402, 402, 402, 402, 402, 402]);
    assert_eq!(seller.listings_used(), 10);
    assert_eq!(seller.all("/api/listings", 200).len(), 10);
}
