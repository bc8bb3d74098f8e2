//! A purchase and the usual refusals.

use serde_json::json;

use crate::support::{Member, Reply, Server, listing};

/// The answers to each operation: right, and wrong in the usual ways.
pub(crate) fn drive(server: &Server) -> Vec<Reply> {
    let (seller, buyer) = (server.register("seller", "api-s"), server.register("buyer", "api-b"));
    let investor = server.register("investor", "api-i");
    let admin = server.admin();
    let mut seen = anyone(server, &buyer);
    seen.extend(selling(&seller, &buyer));
    seen.extend(buying(server, &seller, &buyer, &admin));
    seen.extend(reading(&seller, &buyer, &investor, &admin));
    seen.extend(strangers(server, &buyer));
    seen.extend(ending(server, &seller, &admin));
    seen
}

fn anyone(server: &Server, buyer: &Member) -> Vec<Reply> {
    let wanted = |slug: &str| {
        json!({
            "email": format!("{slug}@example.com"), "password": "long enough for this", "name": "New",
            "kind": "buyer", "tenant": slug,
        })
    };
    let (platform, here) = (server.platform(), buyer.signed_out());
    vec![
        platform.get("/healthz"),
        platform.get("/readyz"),
        platform.act("/api/payments/events"),
        platform.post("/api/auth/register", wanted("api-new")),
        platform.post("/api/auth/register", wanted("api-new")),
        platform.post("/api/auth/register", wanted("www")),
        platform.request("POST", "/api/auth/register").json(json!({})).send(),
        platform.act("/api/auth/register"),
        here.post("/api/auth/register", wanted("api-there")),
        here.post("/api/auth/login", json!({ "email": buyer.email, "password": buyer.password })),
        here.post("/api/auth/login", json!({ "email": buyer.email, "password": "wrong" })),
        here.post("/api/auth/login", json!({})),
        here.act("/api/auth/login"),
        server.at("nobody").post("/api/auth/login", json!({ "email": "x", "password": "x" })),
    ]
}

fn selling(seller: &Member, buyer: &Member) -> Vec<Reply> {
    let create = |body| seller.post("/api/platform/create", body);
    let put = |version: &str, body| {
        seller.request("PUT", "/api/listings/api-shop").header("If-Match", version).json(body).send()
    };
    let mut wrong = listing("api-wrong", 0);
    wrong["businessAssets"]["businessPlan"] = json!("../plan.pdf");
    let mut seen = vec![
        create(listing("api-shop", 1_000)),
        create(listing("api-shop", 1_000)),
        create(wrong.clone()),
        seller.act("/api/platform/create"),
        put("\"1.0.0\"", listing("api-shop", 1_200)),
        put("\"0.0.1\"", listing("api-shop", 1_200)),
        put("\"1.0.0\"", wrong),
        seller.act("/api/listings/api-shop/unpublish"),
        seller.act("/api/listings/api-shop/publish"),
        seller.act("/api/listings/absent/publish"),
        seller.act("/api/listings/absent/unpublish"),
        seller.delete("/api/listings/absent"),
        seller
            .request("PUT", "/api/listings/absent")
            .header("If-Match", "1.0.0")
            .json(listing("x", 1))
            .send(),
        seller.get("/api/listings"),
        seller.get("/api/listings?limit=0"),
        seller.get("/api/listings/api-shop"),
        buyer.get("/api/listings"),
        buyer.get("/api/listings/api-shop"),
        buyer.get("/api/listings/absent"),
    ];
    seen.extend((0..10).map(|nth| create(listing(&format!("api-more-{nth}"), 100))));
    seen.push(seller.delete("/api/listings/api-more-0"));
    seen
}

fn buying(server: &Server, seller: &Member, buyer: &Member, admin: &Member) -> Vec<Reply> {
    let mut seen = vec![
        buyer.place("absent", "k0"),
        buyer.place("api-shop", "k1"),
        buyer.place("absent", "k1"),
        buyer.post("/api/orders", json!({ "listing": "api-shop" })),
        buyer.post("/api/orders", json!({ "list": 1 })),
    ];
    let unpaid = buyer.buy("api-shop");
    seen.push(buyer.take(&unpaid.order, "accept"));
    seen.push(buyer.take(&unpaid.order, "cancel"));
    seen.push(buyer.take(&unpaid.order, "cancel"));
    let kept = buyer.buy("api-shop");
    kept.pay("paid");
    buyer.until_state(&kept.order, "in_review");
    seen.push(buyer.get(&format!("/api/orders/{}", kept.order)));
    seen.push(buyer.take(&kept.order, "accept"));
    seen.push(buyer.dispute(&kept.order, "too late"));
    let back = buyer.buy_and_pay("api-shop");
    seen.push(admin.resolve(&back.order, "refund"));
    seen.push(buyer.dispute(&back.order, ""));
    seen.push(buyer.dispute(&back.order, "it doesn't run"));
    for reader in [buyer, seller, admin] {
        seen.push(reader.get(&format!("/api/orders/{}", back.order)));
        seen.push(reader.get("/api/orders"));
    }
    seen.push(admin.resolve(&back.order, "both"));
    seen.push(admin.resolve(&back.order, "refund"));
    let absent = uuid::Uuid::now_v7().to_string();
    seen.extend(["accept", "cancel"].map(|step| buyer.take(&absent, step)));
    seen.push(buyer.dispute(&absent, "absent"));
    seen.push(admin.resolve(&absent, "refund"));
    seen.push(buyer.get(&format!("/api/orders/{absent}")));
    seen.push(buyer.get("/api/orders?cursor=%00"));
    let (key, body) = (server.provider_key(), json!({ "type": "checkout.failed", "data": {} }).to_string());
    let now = jiff::Timestamp::now().as_second();
    let mut report = server.platform().request("POST", "/api/payments/events");
    for (name, value) in crate::support::signed_headers(&key, "evt_driven", now, body.as_bytes()) {
        report = report.header(name, &value);
    }
    seen.push(report.json(json!({ "type": "checkout.failed", "data": {} })).send());
    seen
}

fn reading(seller: &Member, buyer: &Member, investor: &Member, admin: &Member) -> Vec<Reply> {
    let mut seen = Vec::new();
    for member in [seller, buyer, investor, admin] {
        for path in ["/api/me", "/api/balance", "/api/usage", "/api/investors/performance"] {
            seen.push(member.get(path));
        }
    }
    seen.push(admin.act("/api/admin/tenants/api-i/approve"));
    seen.push(investor.get("/api/investors/performance"));
    for path in ["/api/admin/tenants", "/api/admin/tenants?limit=2", "/api/admin/audit", "/api/admin/ledger"]
    {
        seen.push(admin.get(path));
        seen.push(seller.get(path.split('?').next().unwrap_or(path)));
    }
    for step in ["suspend", "reactivate", "approve"] {
        seen.push(admin.act(&format!("/api/admin/tenants/absent/{step}")));
        seen.push(admin.act(&format!("/api/admin/tenants/platform/{step}")));
    }
    seen
}

/// Each guarded operation without a token, with another tenant's, and with a role that may not.
fn strangers(server: &Server, buyer: &Member) -> Vec<Reply> {
    let guarded = [
        ("GET", "/api/me"),
        ("GET", "/api/balance"),
        ("GET", "/api/usage"),
        ("POST", "/api/platform/create"),
        ("GET", "/api/listings"),
        ("GET", "/api/listings/x"),
        ("PUT", "/api/listings/x"),
        ("DELETE", "/api/listings/x"),
        ("POST", "/api/listings/x/publish"),
        ("POST", "/api/listings/x/unpublish"),
        ("POST", "/api/orders"),
        ("GET", "/api/orders"),
        ("GET", "/api/orders/x"),
        ("POST", "/api/orders/x/accept"),
        ("POST", "/api/orders/x/cancel"),
        ("POST", "/api/orders/x/dispute"),
        ("POST", "/api/orders/x/resolve"),
        ("GET", "/api/investors/performance"),
        ("GET", "/api/admin/tenants"),
        ("POST", "/api/admin/tenants/x/suspend"),
        ("POST", "/api/admin/tenants/x/reactivate"),
        ("POST", "/api/admin/tenants/x/approve"),
        ("GET", "/api/admin/audit"),
        ("GET", "/api/admin/ledger"),
    ];
    let mut seen = Vec::new();
    for (method, path) in guarded {
        let platform = server.platform();
        seen.push(platform.request(method, path).send());
        seen.push(buyer.elsewhere(&platform).request(method, path).send());
        seen.push(server.at("nobody").request(method, path).send());
    }
    let limited = server.register("buyer", "api-limited");
    while limited.get("/api/me").status != 429 {}
    for (method, path) in guarded {
        seen.push(limited.request(method, path).send());
    }
    seen
}

fn ending(server: &Server, seller: &Member, admin: &Member) -> Vec<Reply> {
    let sign_in = json!({ "email": seller.email, "password": seller.password });
    vec![
        admin.act("/api/admin/tenants/api-s/suspend"),
        seller.get("/api/me"),
        server.at("api-s").post("/api/auth/login", sign_in),
        admin.act("/api/admin/tenants/api-s/reactivate"),
        seller.get("/api/balance"),
    ]
}
