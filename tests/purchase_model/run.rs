//! One run: the model and every store, step by step.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tenantry::{Clock as _, Currency, ManualClock, MemoryStore, Store};

use super::action::{Action, Offer};
use super::deal::{Deal, Phase};
use super::market::{Claimed, Market, REVIEW, WINDOW};
use super::model::{Model, OPERATOR, Ticket};

const LEASE: Duration = Duration::from_secs(90);

/// How often which answer was given to what.
pub(crate) type Answers = BTreeMap<(&'static str, String), u64>;

pub(crate) struct Run {
    model: Model,
    markets: Vec<Market>,
    /// What workers that stalled have claimed: by the model, and by each market.
    stalled: Vec<(Ticket, Vec<Claimed>)>,
    answers: Answers,
}

impl Run {
    pub(crate) async fn in_memory() -> Self {
        let clock = clock();
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(clock.clone()));
        Self {
            model: Model::at(clock.now().as_micros()),
            markets: vec![Market::open("memory", store, clock).await],
            stalled: vec![],
            answers: Answers::new(),
        }
    }

    /// The same in a new file of this folder too.
    #[cfg(feature = "sqlite")]
    pub(crate) async fn and_in_sqlite(mut self, folder: &std::path::Path) -> Self {
        let clock = clock();
        let options = tenantry::SqliteOptions::default().with_clock(clock.clone());
        let store = tenantry::SqliteStore::open_with(folder.join("market.db"), options).await.unwrap();
        self.markets.push(Market::open("sqlite", Arc::new(store), clock).await);
        self
    }

    pub(crate) async fn step(&mut self, action: &Action) {
        match action {
            Action::Place { by, order } => {
                let expected = self.model.place(*by, deal(order), i64::try_from(WINDOW.as_micros()).unwrap());
                for market in &self.markets {
                    assert_eq!(market.place(*by, order).await, expected, "{action:?}");
                }
                self.answered("place", expected);
            }
            Action::Buyer { order, stranger, step } => {
                let by = stranger.unwrap_or_else(|| self.model.deals.get(order).map_or(2, |deal| deal.buyer));
                let command = step.command();
                let expected = self.model.ask(by, true, *order, &command);
                for market in &self.markets {
                    assert_eq!(market.ask(by, true, *order, &command).await, expected, "{action:?}");
                }
                self.answered("buyer", expected);
            }
            Action::Operate { order, stranger, step } => {
                let by = stranger.unwrap_or(OPERATOR);
                let currency = self.model.deals.get(order).map_or(Currency::USD, |deal| deal.currency);
                let command = step.command(currency);
                let expected = self.model.ask(by, false, *order, &command);
                for market in &self.markets {
                    assert_eq!(market.ask(by, false, *order, &command).await, expected, "{action:?}");
                }
                self.answered("operator", expected);
            }
            Action::SetActive { by, tenant, active } => {
                let expected = self.model.set_active(*by, *tenant, *active);
                for market in &self.markets {
                    assert_eq!(market.set_active(*by, *tenant, *active).await, expected, "{action:?}");
                }
                self.answered("tenant", expected);
            }
            Action::Receive(report) => {
                let expected = self.model.receive(report);
                for market in &mut self.markets {
                    assert_eq!(market.receive(report).await, expected, "{action:?}");
                }
                self.answered("receive", expected);
            }
            Action::Wait { minutes } => {
                self.model.wait(*minutes);
                self.markets.iter().for_each(|market| market.wait(*minutes));
            }
            Action::RunDue => loop {
                let claimed = self.claim().await;
                if claimed.is_empty() {
                    break;
                }
                self.work(claimed).await;
            },
            Action::Stall => {
                let claimed = self.claim().await;
                self.stalled.extend(claimed);
            }
            Action::Wake => {
                let claimed = std::mem::take(&mut self.stalled);
                self.work(claimed).await;
            }
        }
        self.check().await;
    }

    pub(crate) async fn end(mut self) -> Answers {
        let unpaid = self.model.unpaid;
        self.answers.insert(("seller", "not paid while suspended".to_owned()), unpaid);
        for market in &self.markets {
            market.check_events(&self.model).await;
        }
        self.answers
    }

    /// The same work, claimed from everybody.
    async fn claim(&mut self) -> Vec<(Ticket, Vec<Claimed>)> {
        let tickets = self.model.claim(i64::try_from(LEASE.as_micros()).unwrap());
        let mut claimed: Vec<_> = tickets.into_iter().map(|ticket| (ticket, vec![])).collect();
        for market in &self.markets {
            let found = market.claim(LEASE).await;
            let jobs: Vec<_> = found.iter().map(|claim| (claim.due, claim.job.clone())).collect();
            let expected: Vec<_> =
                claimed.iter().map(|(ticket, _)| (ticket.due, ticket.job.clone())).collect();
            assert_eq!(jobs, expected, "the work that is due");
            for ((_, claims), claim) in claimed.iter_mut().zip(found) {
                claims.push(claim);
            }
        }
        claimed
    }

    async fn work(&mut self, claimed: Vec<(Ticket, Vec<Claimed>)>) {
        for (ticket, claims) in claimed {
            let expected = self.model.work(&ticket);
            for (market, claim) in self.markets.iter().zip(&claims) {
                assert_eq!(market.work(claim).await, expected, "{ticket:?}");
            }
            self.answered("work", expected);
            self.check().await;
        }
    }

    async fn check(&self) {
        for market in &self.markets {
            market.check(&self.model).await;
        }
    }

    fn answered(&mut self, what: &'static str, answer: String) {
        *self.answers.entry((what, answer)).or_default() += 1;
    }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at("2026-01-31T12:00:00Z".parse().unwrap()))
}

fn deal(offer: &Offer) -> Deal {
    Deal {
        number: offer.number,
        buyer: OPERATOR,
        seller: offer.seller,
        currency: if offer.euro { Currency::EUR } else { Currency::USD },
        gross: offer.gross,
        fee_points: i64::from(offer.fee_points),
        review: i64::try_from(REVIEW.as_micros()).unwrap(),
        deployed: offer.deployed,
        phase: Phase::Awaiting,
        dispute: None,
        stop: None,
        suspension: None,
        payment_due: None,
        payment: None,
        watch: None,
        refunds: vec![],
        version: 1,
    }
}
