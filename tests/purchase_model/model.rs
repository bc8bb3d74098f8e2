//! The marketplace as the model keeps it: orders, statements and a work queue, in plain collections.

use std::collections::{BTreeMap, BTreeSet};

use tenantry::{Currency, OrderCommand, RefundId, RefundState, StatementKind};

use super::action::{Job, Report};
use super::deal::{Deal, Effects, MINUTE, Micros, Phase, Told, order_id};

pub(crate) const PARTIES: usize = 4;
/// The number of the tenant above the four.
pub(crate) const OPERATOR: usize = 4;

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Line {
    pub(crate) at: Micros,
    pub(crate) order: u8,
    pub(crate) kind: &'static str,
    pub(crate) currency: Currency,
    pub(crate) available: i64,
    pub(crate) held: i64,
}

#[derive(Debug, Clone)]
struct Slot {
    due: Micros,
    fence: u64,
    claimed_until: Option<Micros>,
}

/// A claim of the model's queue.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Ticket {
    pub(crate) due: Micros,
    pub(crate) job: Job,
    fence: u64,
}

#[derive(Debug)]
pub(crate) struct Model {
    pub(crate) now: Micros,
    pub(crate) active: [bool; PARTIES],
    pub(crate) deals: BTreeMap<u8, Deal>,
    pub(crate) lines: [Vec<Line>; PARTIES],
    /// How often a seller would have been paid, had it been active.
    pub(crate) unpaid: u64,
    queue: BTreeMap<Job, Slot>,
    received: BTreeSet<Report>,
    fences: u64,
}

impl Model {
    pub(crate) fn at(now: Micros) -> Self {
        Self {
            now,
            active: [true; PARTIES],
            deals: BTreeMap::new(),
            lines: Default::default(),
            unpaid: 0,
            queue: BTreeMap::new(),
            received: BTreeSet::new(),
            fences: 0,
        }
    }

    pub(crate) fn place(&mut self, by: usize, deal: Deal, window: Micros) -> String {
        let seller = deal.seller;
        let refusal = match () {
            () if by == OPERATOR => Some("NoOperator"),
            () if seller == by => Some("Own"),
            () if !self.active[seller] => Some("Seller"),
            () if self.deals.contains_key(&deal.number) => Some("Exists"),
            () => None,
        };
        if let Some(refusal) = refusal {
            return format!("Refused({refusal})");
        }
        if !self.active[by] {
            return "AuthorityChanged".to_owned();
        }
        let due = self.now + window;
        self.schedule(Job::PaymentWindow(deal.number), due);
        self.deals.insert(deal.number, Deal { payment_due: Some(due), buyer: by, ..deal });
        "Ok".to_owned()
    }

    /// A step that the member of a tenant asks for: as the buyer, or as the operator.
    pub(crate) fn ask(&mut self, by: usize, as_buyer: bool, order: u8, command: &OrderCommand) -> String {
        let seen = self.deals.get(&order);
        let Some(deal) =
            seen.cloned().filter(|deal| if as_buyer { deal.buyer == by } else { by == OPERATOR })
        else {
            return "Refused(NotFound)".to_owned();
        };
        let is_reported = matches!(
            command,
            OrderCommand::Pay { .. }
                | OrderCommand::PaymentFailed
                | OrderCommand::WindowEnds
                | OrderCommand::ReviewEnds
                | OrderCommand::RefundSent { .. }
                | OrderCommand::RefundSettled { .. }
                | OrderCommand::RefundFailed { .. }
        );
        if is_reported {
            return "Refused(Refused(State))".to_owned();
        }
        match self.told(&deal, command) {
            Err(refusal) => format!("Refused(Refused({refusal}))"),
            Ok(None) => "Ok".to_owned(),
            Ok(Some(_)) if by != OPERATOR && !self.active[by] => "AuthorityChanged".to_owned(),
            Ok(Some((next, effects))) => {
                self.write(&next, &effects);
                "Ok".to_owned()
            }
        }
    }

    pub(crate) fn set_active(&mut self, by: usize, tenant: usize, active: bool) -> String {
        if by == tenant {
            return "Refused(Own)".to_owned();
        }
        if by != OPERATOR {
            return "Refused(NotFound)".to_owned();
        }
        if self.active[tenant] != active {
            self.active[tenant] = active;
            self.schedule(Job::SellerHolds(tenant), self.now);
        }
        "Ok".to_owned()
    }

    pub(crate) fn receive(&mut self, report: &Report) -> String {
        if !self.received.insert(report.clone()) {
            return "Known".to_owned();
        }
        self.schedule(Job::Inbox(report.clone()), self.now);
        "New".to_owned()
    }

    /// Everything that can be claimed, claimed; the longest due first.
    pub(crate) fn claim(&mut self, lease: Micros) -> Vec<Ticket> {
        let (now, mut tickets) = (self.now, Vec::new());
        for (job, slot) in &mut self.queue {
            if slot.due <= now && slot.claimed_until.is_none_or(|until| until <= now) {
                self.fences += 1;
                (slot.fence, slot.claimed_until) = (self.fences, Some(now + lease));
                tickets.push(Ticket { due: slot.due, job: job.clone(), fence: slot.fence });
            }
        }
        tickets.sort();
        tickets
    }

    /// Does claimed work as the library and the application do it.
    pub(crate) fn work(&mut self, ticket: &Ticket) -> String {
        match &ticket.job {
            Job::PaymentWindow(order) => self.take(ticket, *order, &OrderCommand::WindowEnds, true),
            Job::Review(order) => self.take(ticket, *order, &OrderCommand::ReviewEnds, true),
            Job::SellerHolds(seller) => self.align_holds(ticket, *seller),
            Job::Inbox(report) => {
                let gross =
                    self.deals.get(&report.order).map_or((0, Currency::USD), |d| (d.gross, d.currency));
                let told = self.take(ticket, report.order, &report.command(gross), true);
                if told.starts_with("Refused") { format!("{told}, {}", self.end(ticket)) } else { told }
            }
            Job::Refund(order) => self.refund(ticket, *order),
        }
    }

    fn align_holds(&mut self, ticket: &Ticket, seller: usize) -> String {
        let open = self.deals.values().filter(|deal| deal.seller == seller && deal.is_open());
        for order in open.map(|deal| deal.number).collect::<Vec<_>>() {
            let command = if self.active[seller] {
                OrderCommand::SellerReactivated
            } else {
                OrderCommand::SellerSuspended
            };
            if self.take(ticket, order, &command, false) == "Superseded" {
                return "Superseded".to_owned();
            }
        }
        self.end(ticket)
    }

    /// The application's way with refunds: it asks for each, and those with even numbers arrive at once.
    fn refund(&mut self, ticket: &Ticket, order: u8) -> String {
        for (nth, (_, state)) in (0_u32..).zip(self.deals[&order].refunds.clone()) {
            let refund = RefundId::of_order(order_id(order), nth);
            let mut steps = vec![];
            if matches!(state, RefundState::Requested | RefundState::Failed) {
                steps.push(OrderCommand::RefundSent { refund });
            }
            if nth % 2 == 0 {
                steps.push(OrderCommand::RefundSettled { refund });
            }
            for step in steps {
                if self.take(ticket, order, &step, false) == "Superseded" {
                    return "Superseded".to_owned();
                }
            }
        }
        self.end(ticket)
    }

    fn take(&mut self, ticket: &Ticket, order: u8, command: &OrderCommand, ends: bool) -> String {
        let Some(deal) = self.deals.get(&order).cloned() else { return "Refused(NotFound)".to_owned() };
        match self.told(&deal, command) {
            Err(refusal) => return format!("Refused(Refused({refusal}))"),
            Ok(None) if !ends => return "Ok".to_owned(),
            Ok(_) if !self.holds(ticket) => return "Superseded".to_owned(),
            Ok(moved) => {
                if ends {
                    self.queue.remove(&ticket.job);
                }
                if let Some((next, effects)) = moved {
                    self.write(&next, &effects);
                }
            }
        }
        "Ok".to_owned()
    }

    fn end(&mut self, ticket: &Ticket) -> String {
        if !self.holds(ticket) {
            return "Superseded".to_owned();
        }
        self.queue.remove(&ticket.job);
        "Ok".to_owned()
    }

    fn holds(&self, ticket: &Ticket) -> bool {
        self.queue.get(&ticket.job).is_some_and(|slot| slot.fence == ticket.fence)
    }

    /// What a command comes to: nothing is paid to a seller that isn't active.
    fn told(&mut self, deal: &Deal, command: &OrderCommand) -> Told {
        let is_active = self.active[deal.seller];
        if !is_active && matches!(deal.told(command, self.now), Ok(Some((_, Effects { released: true, .. }))))
        {
            self.unpaid += 1;
        }
        match command {
            OrderCommand::ReviewEnds if !is_active && deal.phase == Phase::InReview => {
                deal.told(&OrderCommand::SellerSuspended, self.now)
            }
            OrderCommand::Accept | OrderCommand::ResolveRelease if !is_active => {
                deal.told(command, self.now).and(Err("Held"))
            }
            command => deal.told(command, self.now),
        }
    }

    fn schedule(&mut self, job: Job, due: Micros) {
        self.queue.insert(job, Slot { due, fence: 0, claimed_until: None });
    }

    fn write(&mut self, next: &Deal, effects: &Effects) {
        let before = self.deals.insert(next.number, next.clone()).unwrap();
        let mut held = if before.payment.is_some() { before.net() } else { 0 };
        let (at, order, currency) = (self.now, next.number, next.currency);
        let lines = &mut self.lines[next.seller];
        let mut line = |kind: StatementKind, available, now_held: i64| {
            lines.push(Line { at, order, kind: kind.as_str(), currency, available, held: now_held - held });
            held = now_held;
        };
        if effects.funded {
            line(StatementKind::Held, 0, before.net());
        }
        if effects.refunded {
            line(StatementKind::Refunded, 0, next.net());
        }
        if effects.released {
            line(StatementKind::Released, next.net(), 0);
        }
        if effects.window_over {
            self.queue.remove(&Job::PaymentWindow(order));
        }
        match effects.review_timer {
            Some(Some(due)) => self.schedule(Job::Review(order), due),
            Some(None) => drop(self.queue.remove(&Job::Review(order))),
            None => {}
        }
        if effects.ask_refund {
            self.schedule(Job::Refund(order), self.now);
        }
    }

    /// Every account that isn't empty, worked out from the orders alone.
    pub(crate) fn accounts(&self) -> BTreeMap<(String, Currency), i64> {
        let mut accounts = BTreeMap::new();
        for deal in self.deals.values() {
            let mut add = |name: String, amount: i64| {
                *accounts.entry((name, deal.currency)).or_insert(0) += amount;
            };
            add("provider".to_owned(), deal.funded() - deal.settled());
            add(format!("escrow:{}", deal.number), -deal.held());
            add("refunds".to_owned(), deal.settled() - deal.refunded());
            if deal.phase == Phase::Released {
                add(format!("payable:{}", deal.seller), -deal.net());
                add("fees".to_owned(), -deal.fee());
            }
        }
        accounts.retain(|_, amount| *amount != 0);
        accounts
    }

    /// What a tenant has and what lies in escrow for it, in currencies in which it is not nothing.
    pub(crate) fn balances(&self, tenant: usize) -> BTreeMap<Currency, (i64, i64)> {
        let mut balances = BTreeMap::new();
        for deal in self.deals.values() {
            let (available, held) = balances.entry(deal.currency).or_insert((0, 0));
            let released = deal.phase == Phase::Released;
            if tenant == OPERATOR && released {
                *available += deal.fee();
            }
            if deal.seller == tenant {
                *available += if released { deal.net() } else { 0 };
                *held += if deal.held() > 0 { deal.net() } else { 0 };
            }
        }
        balances.retain(|_, amounts| *amounts != (0, 0));
        balances
    }

    pub(crate) fn wait(&mut self, minutes: i64) {
        self.now += minutes * MINUTE;
    }
}
