//! A marketplace in a process of its own, with files of its own, and a client that speaks to it over HTTP only.
//!
//! ```text
//! let server = Server::start(Options::new().flag("--review-period", "2s"));
//! let (seller, buyer) = (server.register("seller", "corner"), server.register("buyer", "ada"));
//! seller.sell("shop", 4_900);
//! let placed = buyer.buy("shop");
//! placed.pay("paid");
//! buyer.until_state(&placed.order, "in_review");
//! ```

#![expect(unused, reason = "each test program uses a part of it")]

mod client;
mod database;
mod people;
mod process;
mod provider;
mod staff;

use std::time::{Duration, Instant};

pub(crate) use client::{Reply, Request, Site};
pub(crate) use database::{Database, OnServer, is_on_postgres};
pub(crate) use people::{Member, Placed, listing, pay};
pub(crate) use process::{Options, Printed, Server, run};
pub(crate) use provider::{Provider, mac, signed_headers};

/// How long anything that happens by itself may take before a test fails: generous, since it is waited for, not
/// slept through.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Asks again until there is an answer; fails after `bound`, saying what it waited for.
pub(crate) fn wait_until<T>(what: &str, bound: Duration, mut ask: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(began.elapsed() < bound, "waited {bound:?} for {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
