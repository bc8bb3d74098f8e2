//! One order as the model keeps it: plain numbers, and the chart said once more in other words.

use std::fmt::Debug;

use tenantry::{
    Currency, Hold, HoldKind, Order, OrderCommand, OrderId, RefundId, RefundState, Review, Timestamp,
};

use super::action::SUSPENDED;

/// Microseconds, like a [`Timestamp`].
pub(crate) type Micros = i64;
pub(crate) const MINUTE: Micros = 60 * 1_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Awaiting,
    Funded,
    InReview,
    Released,
    Refunded,
    Cancelled,
    Expired,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Watch {
    Runs { until: Micros },
    Stands { left: Micros },
}

/// An order, with the numbers of its tenants in place of their ids.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Deal {
    pub(crate) number: u8,
    pub(crate) buyer: usize,
    pub(crate) seller: usize,
    pub(crate) currency: Currency,
    pub(crate) gross: i64,
    pub(crate) fee_points: i64,
    pub(crate) review: Micros,
    pub(crate) deployed: bool,
    pub(crate) phase: Phase,
    pub(crate) dispute: Option<(String, Micros)>,
    pub(crate) stop: Option<(String, Micros)>,
    pub(crate) suspension: Option<(String, Micros)>,
    pub(crate) payment_due: Option<Micros>,
    pub(crate) payment: Option<String>,
    pub(crate) watch: Option<Watch>,
    pub(crate) refunds: Vec<(i64, RefundState)>,
    pub(crate) version: u64,
}

/// What else a step does.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) funded: bool,
    pub(crate) released: bool,
    pub(crate) refunded: bool,
    pub(crate) ask_refund: bool,
    pub(crate) review_timer: Option<Option<Micros>>,
    pub(crate) window_over: bool,
}

/// `Ok(None)`: nothing changes. `Err`: the name of the refusal.
pub(crate) type Told = Result<Option<(Deal, Effects)>, &'static str>;

pub(crate) fn order_id(number: u8) -> OrderId {
    OrderId::from_uuid(uuid::Uuid::from_u128(1000 + u128::from(number)))
}

impl Deal {
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Awaiting | Phase::Funded | Phase::InReview)
    }

    pub(crate) fn is_held(&self) -> bool {
        self.dispute.is_some() || self.stop.is_some() || self.suspension.is_some()
    }

    pub(crate) fn refunded(&self) -> i64 {
        self.refunds.iter().map(|(amount, _)| amount).sum()
    }

    pub(crate) fn settled(&self) -> i64 {
        let settled = self.refunds.iter().filter(|(_, state)| *state == RefundState::Settled);
        settled.map(|(amount, _)| amount).sum()
    }

    pub(crate) fn funded(&self) -> i64 {
        if self.payment.is_some() { self.gross } else { 0 }
    }

    /// What lies in escrow.
    pub(crate) fn held(&self) -> i64 {
        if matches!(self.phase, Phase::Funded | Phase::InReview) { self.gross - self.refunded() } else { 0 }
    }

    /// The operator's part of what was not refunded.
    pub(crate) fn fee(&self) -> i64 {
        let whole = i128::from(self.gross) * i128::from(self.fee_points) / 10_000;
        let back = whole * i128::from(self.refunded()) / i128::from(self.gross);
        i64::try_from(whole - back).unwrap()
    }

    /// The seller's part of what was not refunded.
    pub(crate) fn net(&self) -> i64 {
        self.gross - self.refunded() - self.fee()
    }

    /// What `command` does at `now`.
    pub(crate) fn told(&self, command: &OrderCommand, now: Micros) -> Told {
        let (mut next, mut effects) = (self.clone(), Effects::default());
        next.version += 1;
        let paid = matches!(self.phase, Phase::Funded | Phase::InReview);
        match command {
            OrderCommand::Pay { payment, paid } => match (&self.payment, self.phase) {
                (Some(known), _) if known == payment.as_str() => return Ok(None),
                (Some(_), _) => return Err("AlreadyPaid"),
                _ if paid.amount() != self.gross || paid.currency() != self.currency => {
                    return Err("WrongAmount");
                }
                (None, phase) => {
                    next.payment = Some(payment.as_str().to_owned());
                    effects.funded = true;
                    if phase == Phase::Awaiting {
                        next.close_window(&mut effects);
                        next.phase = Phase::Funded;
                        if !self.deployed {
                            next.start(now, &mut effects);
                        }
                    } else {
                        next.give_all_back(&mut effects);
                    }
                }
            },
            OrderCommand::WindowEnds if self.phase == Phase::Awaiting => {
                if self.payment_due > Some(now) {
                    return Err("TooEarly");
                }
                next.close_window(&mut effects);
                next.finish(Phase::Expired, &mut effects);
            }
            OrderCommand::ReviewEnds => match self.watch {
                Some(Watch::Runs { until }) if until > now => return Err("TooEarly"),
                Some(Watch::Runs { .. }) => next.release(&mut effects)?,
                _ => return Ok(None),
            },
            OrderCommand::StartReview => match self.phase {
                Phase::Funded => next.start(now, &mut effects),
                Phase::InReview => return Ok(None),
                _ => return Err("State"),
            },
            OrderCommand::Accept if self.phase == Phase::InReview => next.release(&mut effects)?,
            OrderCommand::Cancel if self.phase == Phase::Awaiting => {
                next.close_window(&mut effects);
                next.finish(Phase::Cancelled, &mut effects);
            }
            OrderCommand::Dispute { .. } if paid && self.dispute.is_some() => return Err("AlreadyDisputed"),
            OrderCommand::Dispute { reason } if paid => {
                next.dispute = Some((reason.clone(), now));
                next.stand(now, &mut effects);
            }
            OrderCommand::ResolveRelease | OrderCommand::ResolveRefund if !paid => return Err("State"),
            OrderCommand::ResolveRelease | OrderCommand::ResolveRefund if self.dispute.is_none() => {
                return Err("NotDisputed");
            }
            OrderCommand::ResolveRelease => {
                next.dispute = None;
                next.release(&mut effects)?;
            }
            OrderCommand::ResolveRefund => next.give_all_back(&mut effects),
            OrderCommand::Hold { .. } if self.is_open() && self.stop.is_some() => return Ok(None),
            OrderCommand::Hold { reason } if self.is_open() => {
                next.stop = Some((reason.clone(), now));
                next.stand(now, &mut effects);
            }
            OrderCommand::LiftHold => {
                if next.stop.take().is_none() {
                    return Ok(None);
                }
                next.go_on(now, &mut effects);
            }
            OrderCommand::SellerSuspended if self.is_open() && self.suspension.is_some() => return Ok(None),
            OrderCommand::SellerSuspended if self.is_open() => {
                next.suspension = Some((SUSPENDED.to_owned(), now));
                next.stand(now, &mut effects);
            }
            OrderCommand::SellerReactivated => {
                if next.suspension.take().is_none() {
                    return Ok(None);
                }
                next.go_on(now, &mut effects);
            }
            OrderCommand::Refund { amount } if paid => {
                let left = self.gross - self.refunded();
                let fits = amount.currency() == self.currency && amount.amount() > 0;
                match amount.amount() {
                    amount if !fits || amount > left => return Err("RefundAmount"),
                    amount if amount == left => next.give_all_back(&mut effects),
                    _ if self.refunds.len() >= 31 => return Err("TooManyRefunds"),
                    amount => next.give_back(amount, &mut effects),
                }
            }
            OrderCommand::RefundSent { refund } => return self.refund_is(*refund, RefundState::Sent),
            OrderCommand::RefundSettled { refund } => return self.refund_is(*refund, RefundState::Settled),
            OrderCommand::RefundFailed { refund } => return self.refund_is(*refund, RefundState::Failed),
            OrderCommand::WindowEnds | OrderCommand::PaymentFailed => return Ok(None),
            _ => return Err("State"),
        }
        Ok(Some((next, effects)))
    }

    fn refund_is(&self, refund: RefundId, state: RefundState) -> Told {
        let ids = (0_u32..).map(|nth| RefundId::of_order(order_id(self.number), nth));
        let Some(nth) = ids.take(self.refunds.len()).position(|id| id == refund) else {
            return Err("UnknownRefund");
        };
        let known = self.refunds[nth].1;
        if known == state || known == RefundState::Settled {
            return Ok(None);
        }
        let mut next = self.clone();
        next.version += 1;
        next.refunds[nth].1 = state;
        Ok(Some((next, Effects::default())))
    }

    fn start(&mut self, now: Micros, effects: &mut Effects) {
        self.phase = Phase::InReview;
        if self.is_held() {
            self.watch = Some(Watch::Stands { left: self.review });
        } else {
            self.run(now + self.review, effects);
        }
    }

    fn run(&mut self, until: Micros, effects: &mut Effects) {
        self.watch = Some(Watch::Runs { until });
        effects.review_timer = Some(Some(until));
    }

    fn stand(&mut self, now: Micros, effects: &mut Effects) {
        if let Some(Watch::Runs { until }) = self.watch {
            self.watch = Some(Watch::Stands { left: (until - now).max(0) });
            effects.review_timer = Some(None);
        }
    }

    fn go_on(&mut self, now: Micros, effects: &mut Effects) {
        if let (false, Some(Watch::Stands { left })) = (self.is_held(), self.watch) {
            self.run(now + left, effects);
        }
    }

    fn close_window(&mut self, effects: &mut Effects) {
        self.payment_due = None;
        effects.window_over = true;
    }

    fn release(&mut self, effects: &mut Effects) -> Result<(), &'static str> {
        if self.is_held() {
            return Err("Held");
        }
        effects.released = true;
        self.finish(Phase::Released, effects);
        Ok(())
    }

    fn give_all_back(&mut self, effects: &mut Effects) {
        self.give_back(self.gross - self.refunded(), effects);
        self.finish(Phase::Refunded, effects);
    }

    fn give_back(&mut self, amount: i64, effects: &mut Effects) {
        self.refunds.push((amount, RefundState::Requested));
        (effects.refunded, effects.ask_refund) = (true, true);
    }

    fn finish(&mut self, phase: Phase, effects: &mut Effects) {
        if let Some(Watch::Runs { .. }) = self.watch.take() {
            effects.review_timer = Some(None);
        }
        (self.phase, self.dispute, self.stop, self.suspension) = (phase, None, None, None);
    }

    /// Fails with both when the store's order isn't this one.
    pub(crate) fn expect_same(&self, order: &Order, whose: &str) {
        let micros = |at: Timestamp| at.as_micros();
        let hold = |kind, of: &Option<(String, Micros)>| {
            of.clone().map(|(reason, since)| Hold { kind, reason, since: Timestamp::from_micros(since) })
        };
        let holds: Vec<Hold> = hold(HoldKind::Dispute, &self.dispute)
            .into_iter()
            .chain(hold(HoldKind::Operator, &self.stop))
            .chain(hold(HoldKind::Suspension, &self.suspension))
            .collect();
        let watch = order.review.map(|review| match review {
            Review::Running { ends_at } => Watch::Runs { until: micros(ends_at) },
            Review::Paused { remaining } => {
                Watch::Stands { left: i64::try_from(remaining.as_micros()).unwrap() }
            }
        });
        let state = match self.phase {
            Phase::Awaiting => "awaiting_payment",
            Phase::Funded => "funded",
            Phase::InReview => "in_review",
            Phase::Released => "released",
            Phase::Refunded => "refunded",
            Phase::Cancelled => "cancelled",
            Phase::Expired => "expired",
        };
        let refunds: Vec<_> =
            order.refunds.iter().map(|refund| (refund.amount.amount(), refund.state)).collect();
        let ids: Vec<_> = order.refunds.iter().map(|refund| refund.id).collect();
        let derived: Vec<_> =
            (0_u32..).take(ids.len()).map(|nth| RefundId::of_order(order_id(self.number), nth)).collect();
        let same = |what: &str, found: &dyn Debug, expected: &dyn Debug| {
            let (found, expected) = (format!("{found:?}"), format!("{expected:?}"));
            assert_eq!(found, expected, "{whose}: {what} of order {}", self.number);
        };
        same("state", &order.state.as_str(), &state);
        same("version", &order.version, &self.version);
        same("holds", &order.holds, &holds);
        same("payment due", &order.payment_due.map(micros), &self.payment_due);
        same("payment", &order.payment.as_ref().map(tenantry::PaymentRef::as_str), &self.payment.as_deref());
        same("review", &watch, &self.watch);
        same("refunds", &refunds, &self.refunds);
        same("ids of refunds", &ids, &derived);
        same(
            "gross",
            &(order.terms.gross.amount(), order.terms.gross.currency()),
            &(self.gross, self.currency),
        );
    }
}
