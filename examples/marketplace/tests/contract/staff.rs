//! Members besides the owner: authors of a seller, purchasers of a buyer.

use serde_json::{Value, json};

use crate::shared::server;
use crate::support::{Member, PATIENCE, Reply, listing, wait_until};

fn draft(slug: &str) -> Value {
    let mut body = listing(slug, 100);
    body["publish"] = json!(false);
    body
}

fn put(who: &Member, slug: &str, body: Value) -> Reply {
    who.request("PUT", &format!("/api/listings/{slug}")).header("If-Match", "1.0.0").json(body).send()
}

fn slugs(who: &Member, limit: u16) -> Vec<String> {
    let listed = who.all("/api/listings", limit);
    listed.iter().map(|item| item["slug"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn authors_see_the_published_and_change_what_they_wrote() {
    let owner = server().register("seller", "staff-press");
    let [ann, ben] = ["ann", "ben"].map(|name| {
        let user = server().register("buyer", &format!("staff-{name}"));
        server().hire(&owner, &user, "author")
    });
    let me = ann.get("/api/me").expect(200);
    assert_eq!((&me["roles"], &me["permissions"]), (&json!(["author"]), &json!(["listing:create"])));
    owner.sell("staff-owners", 100);
    owner.post("/api/platform/create", draft("staff-owners-draft")).expect(201);
    ann.sell("staff-anns", 100);
    ann.post("/api/platform/create", draft("staff-anns-draft")).expect(201);
    ben.sell("staff-bens", 100);

    for limit in [1, 2, 50] {
        let published = ["staff-anns", "staff-bens", "staff-owners"];
        assert_eq!(slugs(&ann, limit), ["staff-anns", "staff-anns-draft", "staff-bens", "staff-owners"]);
        assert_eq!(slugs(&ben, limit), published);
        assert_eq!(slugs(&owner, limit).len(), 5);
    }
    let absent = ben.get("/api/listings/staff-absent").refused(404, "not_found");
    for hidden in ["staff-anns-draft", "staff-owners-draft"] {
        let at = format!("/api/listings/{hidden}");
        assert_eq!(ben.get(&at).refused(404, "not_found"), absent);
        assert_eq!(put(&ben, hidden, draft(hidden)).refused(404, "not_found"), absent);
        assert_eq!(ben.act(&format!("{at}/publish")).refused(404, "not_found"), absent);
        assert_eq!(ben.delete(&at).refused(404, "not_found"), absent);
    }
    for seen in ["staff-anns", "staff-owners"] {
        let at = format!("/api/listings/{seen}");
        ben.get(&at).expect(200);
        put(&ben, seen, listing(seen, 1)).refused(403, "forbidden");
        ben.act(&format!("{at}/unpublish")).refused(403, "forbidden");
        ben.delete(&at).refused(403, "forbidden");
    }

    assert_eq!(put(&ann, "staff-anns", listing("staff-anns", 7)).expect(200)["price"]["amount"], 7);
    ann.delete("/api/listings/staff-anns").refused(403, "forbidden");
    assert_eq!(ann.act("/api/listings/staff-anns/unpublish").expect(200)["published"], false);
    ben.get("/api/listings/staff-anns").refused(404, "not_found");
    assert_eq!(put(&owner, "staff-anns", draft("staff-anns")).expect(200)["price"]["amount"], 100);
    assert_eq!(put(&ann, "staff-anns", listing("staff-anns", 9)).expect(200)["published"], true);
    ann.act("/api/listings/staff-anns/unpublish").expect(200);
    ann.delete("/api/listings/staff-anns").expect(204);
    owner.delete("/api/listings/staff-bens").expect(204);
    ann.get("/api/balance").refused(403, "forbidden");
    ann.get("/api/orders").refused(403, "forbidden");
}

#[test]
fn a_listing_of_nobody_that_is_known_is_the_owners() {
    let owner = server().register("seller", "staff-old");
    let user = server().register("buyer", "staff-old-author");
    let author = server().hire(&owner, &user, "author");
    for slug in ["staff-old-draft", "staff-old-shop"] {
        author.post("/api/platform/create", draft(slug)).expect(201);
    }
    author.act("/api/listings/staff-old-shop/publish").expect(200);
    let forget = "UPDATE listings SET author = NULL WHERE slug LIKE 'staff-old-%'";
    assert_eq!(server().database().alter("listings", forget), 2);
    assert_eq!(slugs(&author, 50), ["staff-old-shop"]);
    author.get("/api/listings/staff-old-draft").refused(404, "not_found");
    author.act("/api/listings/staff-old-draft/publish").refused(404, "not_found");
    author.act("/api/listings/staff-old-shop/unpublish").refused(403, "forbidden");
    owner.act("/api/listings/staff-old-draft/publish").expect(200);
    owner.act("/api/listings/staff-old-shop/unpublish").expect(200);
}

#[test]
fn whoever_loses_a_role_loses_what_it_allowed() {
    let owner = server().register("seller", "staff-leave");
    let user = server().register("buyer", "staff-leaver");
    let author = server().hire(&owner, &user, "author");
    author.sell("staff-leave-shop", 100);
    put(&author, "staff-leave-shop", listing("staff-leave-shop", 2)).expect(200);
    server().demote(&owner, &user, "author");
    wait_until("this process to hear that the role is gone", PATIENCE, || {
        let changed = put(&author, "staff-leave-shop", listing("staff-leave-shop", 3));
        assert!([403, 503].contains(&changed.status), "at once, by the commit: {changed}");
        let seen = author.get("/api/listings/staff-leave-shop");
        (changed.status == 403 && seen.status == 403).then_some(())
    });
    assert_eq!(owner.get("/api/listings/staff-leave-shop").expect(200)["price"]["amount"], 2);
    author.get("/api/me").expect(200);
    owner.get("/api/listings/staff-leave-shop").expect(200);
}

#[test]
fn purchasers_see_and_review_what_they_ordered() {
    let seller = server().register("seller", "staff-seller");
    let owner = server().register("buyer", "staff-firm");
    let [pat, pia] = ["pat", "pia"].map(|name| {
        let user = server().register("buyer", &format!("staff-{name}"));
        server().hire(&owner, &user, "purchaser")
    });
    seller.sell("staff-goods", 1_000);
    let (first, second) = (pat.buy_and_pay("staff-goods").order, pat.buy("staff-goods").order);
    let absent = pia.get("/api/orders/no-order").refused(404, "not_found");
    for order in [&first, &second] {
        let at = format!("/api/orders/{order}");
        for step in ["accept", "cancel"] {
            assert_eq!(pia.act(&format!("{at}/{step}")).refused(404, "not_found"), absent);
        }
        assert_eq!(pia.get(&at).refused(404, "not_found"), absent);
        assert_eq!(pia.dispute(order, "not mine").refused(404, "not_found"), absent);
        for party in [&pat, &owner, &seller] {
            assert_eq!(party.get(&at).expect(200)["buyer"], "staff-firm");
        }
    }
    assert_eq!(pat.take(&first, "accept").expect(200)["state"], "released");
    assert_eq!(owner.take(&second, "cancel").expect(200)["state"], "cancelled");
    let mut listed = owner.all("/api/orders", 1);
    listed.retain(|order| [&first, &second].iter().any(|id| order["id"] == **id));
    assert_eq!(listed.len(), 2);
    assert_eq!(pat.all("/api/orders", 1), listed, "what pat ordered, and no more of it than the owner sees");
    assert_eq!(pia.all("/api/orders", 1), [json!(null); 0], "pia ordered nothing");
    let own = owner.buy("staff-goods").order;
    assert_eq!(owner.all("/api/orders", 1)[0]["id"], *own);
    assert_eq!(pat.all("/api/orders", 1), listed, "not what the owner ordered");
    let page = pat.get("/api/orders?limit=2").expect(200);
    assert_eq!((&page["items"], &page["next"]), (&json!(listed), &json!(null)), "full, and the last one");
    pat.get("/api/balance").refused(403, "forbidden");
}

#[test]
fn an_auditor_of_the_platform_is_listed_what_it_may_see() {
    let seller = server().register("seller", "staff-audited");
    let buyer = server().register("buyer", "staff-audited-buyer");
    let user = server().register("buyer", "staff-auditor");
    let admin = server().admin();
    server().define(&admin, "auditor", &["order:read when resource.amount >= 777000"]);
    let auditor = server().hire(&admin, &user, "auditor");
    seller.sell("staff-cheap", 776_999);
    seller.sell("staff-dear", 777_000);
    let orders = ["staff-cheap", "staff-dear", "staff-cheap", "staff-dear", "staff-cheap"];
    let [first, dear, _, dearer, _] = orders.map(|slug| buyer.buy(slug).order);
    let listed: Vec<Value> = auditor.all("/api/orders", 1).iter().map(|order| order["id"].clone()).collect();
    assert_eq!(listed, [json!(dearer), json!(dear)], "the newest first");
    assert_eq!(auditor.get(&format!("/api/orders/{dear}")).expect(200)["seller"], "staff-audited");
    auditor.get(&format!("/api/orders/{first}")).refused(404, "not_found");
    admin.get(&format!("/api/orders/{first}")).expect(200);
}

#[test]
fn a_purchasers_request_is_answered_again_and_its_key_is_its_own() {
    let seller = server().register("seller", "staff-again-seller");
    let owner = server().register("buyer", "staff-again");
    let user = server().register("buyer", "staff-again-pat");
    let pat = server().hire(&owner, &user, "purchaser");
    seller.sell("staff-again-goods", 1_000);
    let (mine, theirs) = (pat.buy("staff-again-goods").order, owner.buy("staff-again-goods").order);
    let cancel = |who: &Member, order: &str| {
        who.request("POST", &format!("/api/orders/{order}/cancel"))
            .header("Idempotency-Key", "staff-1")
            .send()
    };
    assert_eq!(cancel(&pat, &theirs).refused(404, "not_found")["code"], "not_found");
    let once = cancel(&pat, &mine).expect(200);
    assert_eq!(cancel(&pat, &mine).expect(200), once);
    cancel(&pat, &theirs).refused(409, "idempotency_mismatch");
    cancel(&pat, "019a0000-0000-7000-8000-000000000000").refused(409, "idempotency_mismatch");
    assert_eq!(cancel(&owner, &theirs).expect(200)["state"], "cancelled");
}

#[test]
fn whoever_may_write_and_not_publish_writes_drafts() {
    let owner = server().register("seller", "staff-desk");
    let user = server().register("buyer", "staff-editor");
    server().define(&owner, "editor", &["listing:read", "listing:create", "listing:write"]);
    let editor = server().hire(&owner, &user, "editor");
    editor.post("/api/platform/create", listing("staff-desk-a", 100)).refused(403, "forbidden");
    assert_eq!(owner.listings_used(), 0);
    editor.post("/api/platform/create", draft("staff-desk-a")).expect(201);
    put(&editor, "staff-desk-a", listing("staff-desk-a", 200)).refused(403, "forbidden");
    assert_eq!(put(&editor, "staff-desk-a", draft("staff-desk-a")).expect(200)["published"], false);
    editor.act("/api/listings/staff-desk-a/publish").refused(403, "forbidden");
    owner.act("/api/listings/staff-desk-a/publish").expect(200);
    put(&editor, "staff-desk-a", draft("staff-desk-a")).refused(403, "forbidden");
    assert_eq!(put(&editor, "staff-desk-a", listing("staff-desk-a", 300)).expect(200)["published"], true);
}

#[test]
fn what_is_to_be_made_has_to_meet_the_conditions() {
    let owner = server().register("seller", "staff-cheap");
    let user = server().register("buyer", "staff-clerk");
    let line = "listing:create when resource.amount <= 500 and resource.published = false";
    server().define(&owner, "clerk", &[line]);
    let clerk = server().hire(&owner, &user, "clerk");
    let at = |amount: i64| {
        let mut body = draft(&format!("staff-cheap-{amount}"));
        body["price"]["amount"] = json!(amount);
        body
    };
    clerk.post("/api/platform/create", at(501)).refused(403, "forbidden");
    clerk.post("/api/platform/create", listing("staff-cheap-public", 1)).refused(403, "forbidden");
    assert_eq!(owner.listings_used(), 0);
    clerk.post("/api/platform/create", at(500)).expect(201);
    clerk.get("/api/listings/staff-cheap-500").refused(403, "forbidden");
}

#[test]
fn a_condition_on_what_is_published_holds_for_the_list_and_for_each() {
    let seller = server().register("seller", "staff-market");
    let owner = server().register("buyer", "staff-thrifty");
    let user = server().register("buyer", "staff-saver");
    let line = "listing:read when resource.published = true and resource.amount <= 77";
    server().define(&owner, "saver", &[line]);
    let saver = server().hire(&owner, &user, "saver");
    for (slug, amount) in [("staff-market-a", 77), ("staff-market-b", 78), ("staff-market-c", 1)] {
        seller.sell(slug, amount);
    }
    let of_market = |who: &Member, limit| {
        let mut slugs = slugs(who, limit);
        slugs.retain(|slug| slug.starts_with("staff-market-"));
        slugs
    };
    for limit in [1, 50] {
        assert_eq!(of_market(&saver, limit), ["staff-market-a", "staff-market-c"]);
        assert_eq!(of_market(&owner, limit), ["staff-market-a", "staff-market-b", "staff-market-c"]);
    }
    let absent = saver.get("/api/listings/staff-market-z").refused(404, "not_found");
    assert_eq!(saver.get("/api/listings/staff-market-b").refused(404, "not_found"), absent);
    assert_eq!(saver.get("/api/listings/staff-market-a").expect(200)["price"]["amount"], 77);
}
