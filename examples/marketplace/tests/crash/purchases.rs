//! Clients that buy without end, and keep to one rule: a request whose answer didn't come is sent again, with the
//! same key.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::{Member, Reply, Request, Server, Site};

/// How long a client waits for an order's review before it leaves the order to the timers: work that a killed
/// server had claimed comes up again a minute later.
const REVIEW_WAIT: Duration = Duration::from_secs(4);
/// Who sees the figures.
pub(super) const INVESTOR: &str = "fund";
const PAUSE: Duration = Duration::from_millis(10);

/// A keyed request, as the store names it: the operation and the key.
pub(super) type Keyed = (&'static str, String);

/// What a client knows of one purchase: what was answered, and nothing else.
#[derive(Debug, Clone, Default)]
pub(super) struct Purchase {
    pub(super) buyer: String,
    pub(super) listing: String,
    pub(super) order: String,
    pub(super) amount: i64,
    pub(super) paid: bool,
    pub(super) ended: Option<Ended>,
}

/// How a purchase ended, by an answer with 200.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    Accepted,
    Cancelled,
    Released,
    Refunded,
}

/// What a client means to do with an order.
#[derive(Debug, Clone, Copy)]
enum Fate {
    Accept,
    LeaveToTheTimer,
    Dispute(&'static str, Ended),
    Cancel,
    Abandon,
    FailFirst,
}

impl Fate {
    fn draw(random: &mut StdRng) -> Self {
        match random.random_range(0..100) {
            0..40 => Self::Accept,
            40..60 => Self::LeaveToTheTimer,
            60..70 => Self::Dispute("release", Ended::Released),
            70..82 => Self::Dispute("refund", Ended::Refunded),
            82..89 => Self::Cancel,
            89..93 => Self::Abandon,
            _ => Self::FailFirst,
        }
    }
}

/// What the clients share.
#[derive(Debug)]
pub(super) struct Market {
    pub(super) listings: Vec<(String, i64)>,
    pub(super) buyers: Vec<Account>,
    pub(super) admin: Account,
    is_up: AtomicBool,
    is_over: AtomicBool,
    is_abandoned: AtomicBool,
    keyed: Mutex<KeyedRequests>,
    purchases: Mutex<Vec<Purchase>>,
}

#[derive(Debug, Default)]
struct KeyedRequests {
    in_flight: usize,
    unanswered: HashSet<Keyed>,
}

/// Somebody who signs in again when the token has run out.
#[derive(Debug)]
pub(super) struct Account {
    member: Member,
    site: RwLock<Site>,
}

impl Account {
    pub(super) fn new(member: Member) -> Self {
        Self { site: RwLock::new((*member).clone()), member }
    }

    pub(super) fn slug(&self) -> &str {
        &self.member.slug
    }

    /// The site as it is signed in now.
    pub(super) fn site(&self) -> Site {
        self.site.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Signs in anew and goes on with that token.
    pub(super) fn sign_in(&self) -> Result<(), reqwest::Error> {
        let wanted = json!({ "email": self.member.email, "password": self.member.password });
        let site = self.site().signed_out();
        let reply = site.request("POST", "/api/auth/login").json(wanted).try_send()?;
        let token = reply.expect(200)["access_token"].as_str().unwrap().to_owned();
        *self.site.write().unwrap_or_else(PoisonError::into_inner) = site.token(&token);
        Ok(())
    }
}

impl Market {
    /// Two sellers with two listings each, three buyers, and an investor who was approved.
    pub(super) fn set_up(server: &Server) -> Self {
        let mut listings = Vec::new();
        for (seller, first, second) in [("corner", 4_900, 129_999), ("desk", 79_901, 333)] {
            let member = server.register("seller", seller);
            for (nth, amount) in [("one", first), ("two", second)] {
                let slug = format!("{seller}-{nth}");
                member.sell(&slug, amount);
                listings.push((slug, amount));
            }
        }
        server.register("investor", INVESTOR);
        let admin = server.admin();
        admin.act(&format!("/api/admin/tenants/{INVESTOR}/approve")).expect(200);
        let buyers = ["ada", "grace", "edsger"].map(|slug| Account::new(server.register("buyer", slug)));
        Self {
            listings,
            buyers: buyers.into(),
            admin: Account::new(admin),
            is_up: AtomicBool::new(true),
            is_over: AtomicBool::new(false),
            is_abandoned: AtomicBool::new(false),
            keyed: Mutex::default(),
            purchases: Mutex::default(),
        }
    }

    /// Buys until [`Market::close`]; what was begun is finished.
    pub(super) fn buy_without_end(&self, client: u64, seed: u64) {
        let mut random = StdRng::seed_from_u64(seed ^ client);
        let buyer = &self.buyers[usize::try_from(client).unwrap() % self.buyers.len()];
        while !self.is_over.load(Ordering::Acquire) {
            let purchase = self.buy(buyer, &mut random);
            locked(&self.purchases).push(purchase);
        }
    }

    /// Tells the clients that the server serves again. What was unanswered until now is somebody else's.
    pub(super) fn open(&self) {
        locked(&self.keyed).unanswered.clear();
        self.is_up.store(true, Ordering::Release);
    }

    /// Tells the clients that the server is gone, waits until they know it of every request of theirs, and answers
    /// which keyed requests got no answer.
    pub(super) fn shut(&self) -> HashSet<Keyed> {
        self.is_up.store(false, Ordering::Release);
        let began = Instant::now();
        while locked(&self.keyed).in_flight > 0 {
            assert!(began.elapsed() < Duration::from_secs(10), "a request to a dead server doesn't end");
            std::thread::sleep(Duration::from_millis(1));
        }
        locked(&self.keyed).unanswered.clone()
    }

    /// How many keyed requests wait for their answers.
    pub(super) fn keyed_in_flight(&self) -> usize {
        locked(&self.keyed).in_flight
    }

    /// Lets the clients finish.
    pub(super) fn close(&self) {
        self.is_over.store(true, Ordering::Release);
    }

    /// What the clients know of the purchases they finished.
    pub(super) fn purchases(&self) -> Vec<Purchase> {
        locked(&self.purchases).clone()
    }

    /// What lets the clients end when the test fails before they are told to.
    pub(super) fn abandon_on_drop(&self) -> Abandon<'_> {
        Abandon(self)
    }

    fn buy(&self, buyer: &Account, random: &mut StdRng) -> Purchase {
        let fate = Fate::draw(random);
        let (listing, amount) = self.listings[random.random_range(0..self.listings.len())].clone();
        let placed = self
            .keyed(buyer, "order.place", |site, key| {
                let request = site.request("POST", "/api/orders").header("Idempotency-Key", key);
                request.json(json!({ "listing": listing }))
            })
            .expect(201);
        let order = placed["order"]["id"].as_str().unwrap().to_owned();
        let checkout = placed["checkout_url"].as_str().unwrap();
        let buyer_name = buyer.slug().to_owned();
        let mut purchase = Purchase { buyer: buyer_name, listing, order, amount, paid: false, ended: None };
        match fate {
            Fate::Abandon => return purchase,
            Fate::Cancel => {
                let reply = self.step(buyer, "order.cancel", &purchase.order, None);
                reply.expect(200);
                purchase.ended = Some(Ended::Cancelled);
                return purchase;
            }
            Fate::FailFirst => self.pay(checkout, "failed"),
            Fate::Accept | Fate::LeaveToTheTimer | Fate::Dispute(_, _) => {}
        }
        self.pay(checkout, "paid");
        purchase.paid = true;
        if !self.comes_to_review(buyer, &purchase.order) {
            return purchase;
        }
        match fate {
            Fate::Accept => purchase.ended = self.accept(buyer, &purchase.order),
            Fate::Dispute(outcome, ended) => {
                purchase.ended = self.dispute(buyer, &purchase.order, outcome).then_some(ended);
            }
            _ => {}
        }
        purchase
    }

    fn accept(&self, buyer: &Account, order: &str) -> Option<Ended> {
        let reply = self.step(buyer, "order.accept", order, None);
        if was_too_late(&reply) {
            return None;
        }
        assert_eq!(reply.expect(200)["state"], "released");
        Some(Ended::Accepted)
    }

    /// Whether the timer wasn't faster.
    fn dispute(&self, buyer: &Account, order: &str, outcome: &'static str) -> bool {
        let reason = json!({ "reason": "it doesn't run" });
        let reply = self.step(buyer, "order.dispute", order, Some(&reason));
        if was_too_late(&reply) {
            return false;
        }
        assert_eq!(reply.expect(200)["holds"][0]["kind"], "dispute");
        let wanted = json!({ "outcome": outcome });
        let resolved = self.step(&self.admin, "order.resolve", order, Some(&wanted)).expect(200);
        let expected = if outcome == "refund" { "refunded" } else { "released" };
        assert_eq!(resolved["state"], expected, "{resolved}");
        true
    }

    fn step(&self, who: &Account, operation: &'static str, order: &str, body: Option<&Value>) -> Reply {
        let step = operation.trim_start_matches("order.");
        self.keyed(who, operation, |site, key| {
            let request = site.request("POST", &format!("/api/orders/{order}/{step}"));
            let request = request.header("Idempotency-Key", key);
            match body {
                Some(body) => request.json(body.clone()),
                None => request,
            }
        })
    }

    /// Sends a request under a key of its own, again and again until the marketplace answers it.
    fn keyed(
        &self,
        who: &Account,
        operation: &'static str,
        request: impl Fn(&Site, &str) -> Request,
    ) -> Reply {
        let key: Keyed = (operation, Uuid::now_v7().to_string());
        loop {
            self.wait_until_up();
            locked(&self.keyed).in_flight += 1;
            let sent = request(&who.site(), &key.1).try_send();
            let mut keyed = locked(&self.keyed);
            keyed.in_flight -= 1;
            if sent.is_err() {
                keyed.unanswered.insert(key.clone());
            } else {
                keyed.unanswered.remove(&key);
            }
            drop(keyed);
            match sent {
                Ok(reply) if reply.status == 401 => drop(who.sign_in()),
                Ok(reply) if reply.status != 503 => return reply,
                Ok(_) | Err(_) => std::thread::sleep(PAUSE),
            }
        }
    }

    /// Pays at the provider, which comes and goes with the marketplace.
    fn pay(&self, checkout: &str, outcome: &str) {
        let client = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
        loop {
            self.wait_until_up();
            let sent = client.post(checkout).json(&json!({ "outcome": outcome })).send();
            match sent.map(|response| response.status().as_u16()) {
                Ok(200) => return,
                Ok(status) => panic!("the provider answers {status}"),
                Err(_) => std::thread::sleep(PAUSE),
            }
        }
    }

    fn comes_to_review(&self, buyer: &Account, order: &str) -> bool {
        let began = Instant::now();
        while began.elapsed() < REVIEW_WAIT {
            self.wait_until_up();
            match buyer.site().request("GET", &format!("/api/orders/{order}")).try_send() {
                Ok(reply) if reply.status == 200 && reply.json()["state"] == "in_review" => return true,
                Ok(reply) if reply.status == 401 => drop(buyer.sign_in()),
                Ok(reply) => assert!(matches!(reply.status, 200 | 503), "{reply}"),
                Err(_) => {}
            }
            std::thread::sleep(PAUSE);
        }
        false
    }

    fn wait_until_up(&self) {
        assert!(!self.is_abandoned.load(Ordering::Acquire), "the test has failed elsewhere");
        while !self.is_up.load(Ordering::Acquire) {
            std::thread::sleep(Duration::from_millis(2));
            assert!(!self.is_abandoned.load(Ordering::Acquire), "the test has failed elsewhere");
        }
    }
}

/// Lets the clients fail rather than wait for ever when the test does.
#[derive(Debug)]
pub(super) struct Abandon<'a>(&'a Market);

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        self.0.is_abandoned.store(true, Ordering::Release);
    }
}

fn was_too_late(reply: &Reply) -> bool {
    reply.status == 409 && reply.json()["code"] == "conflict"
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
