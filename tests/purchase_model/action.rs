//! What happens to the marketplace, in words that mean the same to every store.

use proptest::prelude::*;
use tenantry::{Currency, Money, OrderCommand, RefundId};

use super::deal::order_id;

/// The reason of the hold that a seller's suspension lays.
pub(crate) const SUSPENDED: &str = "the seller is suspended";
/// How many orders a run may have.
pub(crate) const ORDERS: u8 = 5;

#[derive(Debug, Clone)]
pub(crate) enum Action {
    Place {
        by: usize,
        order: Offer,
    },
    /// By the order's buyer, or by whoever `stranger` is.
    Buyer {
        order: u8,
        stranger: Option<usize>,
        step: BuyerStep,
    },
    /// By the operator, or by whoever `stranger` is.
    Operate {
        order: u8,
        stranger: Option<usize>,
        step: OperatorStep,
    },
    SetActive {
        by: usize,
        tenant: usize,
        active: bool,
    },
    Receive(Report),
    Wait {
        minutes: i64,
    },
    /// A worker does all that is due, also what that makes due.
    RunDue,
    /// A worker claims all that is due and is not heard of for a while.
    Stall,
    /// The workers that stalled go on with what they had claimed.
    Wake,
}

#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) number: u8,
    pub(crate) seller: usize,
    pub(crate) gross: i64,
    pub(crate) fee_points: u16,
    pub(crate) euro: bool,
    pub(crate) deployed: bool,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum BuyerStep {
    Accept,
    Cancel,
    Dispute,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum OperatorStep {
    StartReview,
    ResolveRelease,
    ResolveRefund,
    Hold,
    Lift,
    /// So many minor units, in the order's currency or in another.
    Refund(i64),
    RefundInFrancs,
    /// What only a timer may say.
    ReviewEnds,
}

/// What the provider reports. `copy` tells apart two reports of the same thing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Report {
    pub(crate) order: u8,
    pub(crate) copy: u8,
    pub(crate) what: Reported,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reported {
    /// By the payment with this number; `off` by so many units.
    Paid {
        payment: u8,
        off: i64,
    },
    PaymentFailed,
    RefundSettled(u32),
    RefundFailed(u32),
}

/// A piece of work by what it is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Job {
    PaymentWindow(u8),
    Review(u8),
    Refund(u8),
    Inbox(Report),
    SellerHolds(usize),
}

impl Report {
    /// The provider's id of the report.
    pub(crate) fn event(&self) -> String {
        format!("{self:?}").replace(' ', "")
    }

    /// What the application makes of it, for an order of this gross.
    pub(crate) fn command(&self, (gross, currency): (i64, Currency)) -> OrderCommand {
        let refund = |nth: u32| RefundId::of_order(order_id(self.order), nth);
        match self.what {
            Reported::Paid { payment, off } => OrderCommand::Pay {
                payment: format!("pay-{payment}").parse().unwrap(),
                paid: Money::new(gross + off, currency),
            },
            Reported::PaymentFailed => OrderCommand::PaymentFailed,
            Reported::RefundSettled(nth) => OrderCommand::RefundSettled { refund: refund(nth) },
            Reported::RefundFailed(nth) => OrderCommand::RefundFailed { refund: refund(nth) },
        }
    }
}

impl BuyerStep {
    pub(crate) fn command(self) -> OrderCommand {
        match self {
            Self::Accept => OrderCommand::Accept,
            Self::Cancel => OrderCommand::Cancel,
            Self::Dispute => OrderCommand::Dispute { reason: "it does not start".to_owned() },
        }
    }
}

impl OperatorStep {
    pub(crate) fn command(self, currency: Currency) -> OrderCommand {
        match self {
            Self::StartReview => OrderCommand::StartReview,
            Self::ResolveRelease => OrderCommand::ResolveRelease,
            Self::ResolveRefund => OrderCommand::ResolveRefund,
            Self::Hold => OrderCommand::Hold { reason: "we look into it".to_owned() },
            Self::Lift => OrderCommand::LiftHold,
            Self::Refund(amount) => OrderCommand::Refund { amount: Money::new(amount, currency) },
            Self::RefundInFrancs => OrderCommand::Refund { amount: Money::new(1, "CHF".parse().unwrap()) },
            Self::ReviewEnds => OrderCommand::ReviewEnds,
        }
    }
}

/// A run: mostly purchases that go well for a while, and everything else in between.
pub(crate) fn actions() -> impl Strategy<Value = Vec<Action>> {
    proptest::collection::vec(action(), 20..100).prop_map(|actions| {
        let first = |number: u8, seller| Action::Place {
            by: 2 + usize::from(number % 2),
            order: Offer {
                number,
                seller,
                gross: 4900,
                fee_points: 800,
                euro: number == 1,
                deployed: number == 2,
            },
        };
        let paid =
            |order| Action::Receive(Report { order, copy: 0, what: Reported::Paid { payment: 0, off: 0 } });
        let opening = [first(0, 0), first(1, 1), first(2, 0), first(3, 1), paid(0), paid(1), paid(2)];
        let (before, after) = actions.split_at(actions.len() / 10);
        opening.into_iter().chain(before.to_vec()).chain([Action::RunDue]).chain(after.to_vec()).collect()
    })
}

fn action() -> impl Strategy<Value = Action> {
    let order = || 0..4_u8;
    let stranger = || prop_oneof![9 => Just(None), 1 => (0..5_usize).prop_map(Some)];
    prop_oneof![
        3 => (0..5_usize, offer()).prop_map(|(by, order)| Action::Place { by, order }),
        5 => (order(), stranger(), buyer_step())
            .prop_map(|(order, stranger, step)| Action::Buyer { order, stranger, step }),
        7 => (order(), stranger(), operator_step())
            .prop_map(|(order, stranger, step)| Action::Operate { order, stranger, step }),
        4 => (0..10_usize, prop_oneof![3 => 0..2_usize, 1 => 2..4_usize], any::<bool>())
            .prop_map(|(by, tenant, active)| Action::SetActive { by: by.min(4), tenant, active }),
        8 => report().prop_map(Action::Receive),
        4 => prop_oneof![6 => Just(1), 2 => Just(31), 3 => Just(24 * 60), 1 => Just(73 * 60)]
            .prop_map(|minutes| Action::Wait { minutes }),
        6 => Just(Action::RunDue),
        1 => Just(Action::Stall),
        1 => Just(Action::Wake),
    ]
}

fn offer() -> impl Strategy<Value = Offer> {
    let gross = prop_oneof![Just(1), Just(7), Just(4999), Just(1_000_000_000_000)];
    let points = prop_oneof![Just(0), Just(800), Just(1500), Just(10_000)];
    (0..ORDERS, 0..4_usize, gross, points, any::<bool>(), any::<bool>()).prop_map(
        |(number, seller, gross, fee_points, euro, deployed)| Offer {
            number,
            seller,
            gross,
            fee_points,
            euro,
            deployed,
        },
    )
}

fn buyer_step() -> impl Strategy<Value = BuyerStep> {
    prop_oneof![4 => Just(BuyerStep::Accept), 1 => Just(BuyerStep::Cancel), 3 => Just(BuyerStep::Dispute)]
}

fn operator_step() -> impl Strategy<Value = OperatorStep> {
    prop_oneof![
        3 => Just(OperatorStep::StartReview),
        2 => Just(OperatorStep::ResolveRelease),
        1 => Just(OperatorStep::ResolveRefund),
        2 => Just(OperatorStep::Hold),
        2 => Just(OperatorStep::Lift),
        4 => (0..1500_i64).prop_map(OperatorStep::Refund),
        1 => Just(OperatorStep::Refund(4900)),
        1 => Just(OperatorStep::RefundInFrancs),
        1 => Just(OperatorStep::ReviewEnds),
    ]
}

fn report() -> impl Strategy<Value = Report> {
    let paid = |payment, off| Just(Reported::Paid { payment, off });
    let what = prop_oneof![
        6 => paid(0, 0),
        1 => paid(1, 0),
        1 => paid(0, -1),
        1 => Just(Reported::PaymentFailed),
        3 => (0..4_u32).prop_map(Reported::RefundSettled),
        2 => (0..4_u32).prop_map(Reported::RefundFailed),
    ];
    (0..ORDERS, 0..4_u8, what).prop_map(|(order, copy, what)| Report { order, copy, what })
}
