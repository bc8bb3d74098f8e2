//! Who takes part, and what they do most.

use std::ops::Deref;

use reqwest::blocking::Client;
use serde_json::{Value, json};

use super::{PATIENCE, Reply, Server, Site, wait_until};

/// Somebody who is signed in at a tenant's host. It is also the [`Site`] that they speak to.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    pub(crate) slug: String,
    pub(crate) email: String,
    pub(crate) password: String,
    site: Site,
}

impl Deref for Member {
    type Target = Site;

    fn deref(&self) -> &Site {
        &self.site
    }
}

/// An order as it was placed.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) order: String,
    pub(crate) checkout_url: String,
    pub(crate) key: String,
    pub(crate) reply: Reply,
}

impl Placed {
    /// Pays, or tries to: `paid` or `failed`.
    pub(crate) fn pay(&self, outcome: &str) -> Value {
        pay(&self.checkout_url, outcome).expect(200)
    }
}

/// What a checkout page's buttons do: `paid` or `failed`.
pub(crate) fn pay(checkout_url: &str, outcome: &str) -> Reply {
    let client = Client::builder().no_proxy().build().unwrap();
    let sent = client.post(checkout_url).json(&json!({ "outcome": outcome })).send();
    let response = sent.unwrap();
    Reply {
        method: "POST".to_owned(),
        path: checkout_url.to_owned(),
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        body: response.bytes().unwrap().to_vec(),
    }
}

/// A listing as a seller sends it, in dollars.
pub(crate) fn listing(slug: &str, amount: i64) -> Value {
    json!({
        "name": format!("Business {slug}"),
        "slug": slug,
        "version": "1.0.0",
        "summary": "Ready to run.",
        "price": { "amount": amount, "currency": "USD" },
        "publish": true,
        "cloudflare": {
            "workers": ["api"], "d1_databases": ["main"], "r2_buckets": ["files"], "dns_records": ["www"],
        },
        "businessAssets": { "marketResearch": "docs/research.pdf", "businessPlan": "docs/plan.pdf" },
    })
}

impl Server {
    /// Registers a tenant of a kind and signs its owner in. Takes at least 250 ms.
    pub(crate) fn register(&self, kind: &str, slug: &str) -> Member {
        let (email, password) = (format!("owner@{slug}.example"), format!("the password of {slug}"));
        let wanted =
            json!({ "email": email, "password": password, "name": slug, "kind": kind, "tenant": slug });
        self.platform().post("/api/auth/register", wanted).expect(201);
        self.login(slug, &email, &password)
    }

    /// Signs in at a tenant's host; `platform` is the platform's.
    pub(crate) fn login(&self, slug: &str, email: &str, password: &str) -> Member {
        let host = if slug == "platform" { self.platform() } else { self.at(slug) };
        let signed_in = host.post("/api/auth/login", json!({ "email": email, "password": password }));
        let token = signed_in.expect(200)["access_token"].as_str().unwrap().to_owned();
        Member {
            slug: slug.to_owned(),
            email: email.to_owned(),
            password: password.to_owned(),
            site: host.token(&token),
        }
    }

    /// The platform's admin, signed in.
    pub(crate) fn admin(&self) -> Member {
        self.login("platform", "admin@localhost", self.admin_password())
    }
}

impl Member {
    /// Publishes a listing at this price in cents; the listing.
    pub(crate) fn sell(&self, slug: &str, amount: i64) -> Value {
        self.post("/api/platform/create", listing(slug, amount)).expect(201)
    }

    /// Orders a listing under a key.
    pub(crate) fn place(&self, slug: &str, key: &str) -> Reply {
        let request = self.request("POST", "/api/orders").header("Idempotency-Key", key);
        request.json(json!({ "listing": slug })).send()
    }

    /// Orders a listing, under a key of its own.
    pub(crate) fn buy(&self, slug: &str) -> Placed {
        let key = uuid::Uuid::now_v7().to_string();
        let reply = self.place(slug, &key);
        let body = reply.expect(201);
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Placed { order: text(&body["order"]["id"]), checkout_url: text(&body["checkout_url"]), key, reply }
    }

    /// Orders a listing, pays it, and waits until its review has begun.
    pub(crate) fn buy_and_pay(&self, slug: &str) -> Placed {
        let placed = self.buy(slug);
        placed.pay("paid");
        self.until_state(&placed.order, "in_review");
        placed
    }

    /// An order as this member sees it.
    pub(crate) fn order(&self, id: &str) -> Value {
        self.get(&format!("/api/orders/{id}")).expect(200)
    }

    /// Does something to an order: `accept`, `cancel`.
    pub(crate) fn take(&self, id: &str, step: &str) -> Reply {
        self.act(&format!("/api/orders/{id}/{step}"))
    }

    /// Objects to an order.
    pub(crate) fn dispute(&self, id: &str, reason: &str) -> Reply {
        self.post(&format!("/api/orders/{id}/dispute"), json!({ "reason": reason }))
    }

    /// Ends a dispute: `release` or `refund`.
    pub(crate) fn resolve(&self, id: &str, outcome: &str) -> Reply {
        self.post(&format!("/api/orders/{id}/resolve"), json!({ "outcome": outcome }))
    }

    /// Waits until an order is in a state; the order then.
    pub(crate) fn until_state(&self, id: &str, state: &str) -> Value {
        let mut last = Value::Null;
        wait_until(&format!("order {id} to be {state}"), PATIENCE, || {
            last = self.order(id);
            assert!(last["state"] == state || !is_over(&last["state"]), "{last} can't become {state}");
            (last["state"] == state).then(|| last.clone())
        })
    }

    /// What is available and what is held, in dollars' minor units.
    pub(crate) fn money(&self) -> (i64, i64) {
        let balance = self.get("/api/balance").expect(200);
        let items = balance["items"].as_array().unwrap();
        let dollars = items.iter().find(|item| item["currency"] == "USD");
        dollars.map_or((0, 0), |item| (item["available"].as_i64().unwrap(), item["held"].as_i64().unwrap()))
    }

    /// What is used of the plan's listings.
    pub(crate) fn listings_used(&self) -> i64 {
        let usage = self.get("/api/usage").expect(200);
        let items = usage["items"].as_array().unwrap();
        let listings = items.iter().find(|item| item["meter"] == "listings");
        listings.unwrap_or_else(|| panic!("no meter of listings: {usage}"))["used"].as_i64().unwrap()
    }

    /// Every item of a list, page by page.
    pub(crate) fn all(&self, path: &str, limit: u16) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let page = self.get(&format!("{path}?limit={limit}{cursor}")).expect(200);
            let found = page["items"].as_array().unwrap();
            assert!(found.len() <= usize::from(limit), "more than {limit} items: {page}");
            items.extend(found.iter().cloned());
            match page["next"].as_str() {
                Some(next) => {
                    assert!(!found.is_empty(), "an empty page with a next one: {page}");
                    cursor = format!("&cursor={next}");
                }
                None => return items,
            }
        }
    }
}

fn is_over(state: &Value) -> bool {
    ["released", "refunded", "cancelled"].iter().any(|over| state == over)
}
