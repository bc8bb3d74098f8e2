//! Random commands to one order, against books and a clock that are kept here, by hand.

#[cfg(test)]
mod model {
    use std::time::Duration;

    use tenantry_core::{
        HoldKind, Order, OrderAction, OrderCommand, OrderDecision, OrderRefusal, OrderState, OrderTransition,
        Party, RefundState, Review, Timestamp, TransferKind, decide_order,
    };

    /// An order, and what a careful clerk beside it writes down: whole numbers, and no look at the chart.
    pub(super) struct Clerk {
        pub(super) order: Order,
        pub(super) now: Timestamp,
        funded: i64,
        held: i64,
        refunded: i64,
        settled: i64,
        released: i64,
        reviewed: Duration,
        moved: [i64; 4],
        pub(super) steps: Steps,
    }

    /// How many steps came out how.
    #[derive(Debug, Clone, Copy, Default)]
    pub(super) struct Steps {
        pub(super) moved: u64,
        pub(super) unchanged: u64,
        pub(super) refused: u64,
    }

    impl Clerk {
        pub(super) fn of(order: Order) -> Self {
            Self {
                now: order.created_at,
                order,
                funded: 0,
                held: 0,
                refunded: 0,
                settled: 0,
                released: 0,
                reviewed: Duration::ZERO,
                moved: [0; 4],
                steps: Steps::default(),
            }
        }

        /// Lets time pass; the review's clock runs unless something holds the order.
        pub(super) fn wait(&mut self, span: Duration) {
            let (before, version) = (self.remaining(), self.order.version);
            self.now = self.now.after(span);
            if self.order.state == OrderState::InReview && self.order.holds.is_empty() {
                self.reviewed += span;
            }
            assert!(self.remaining() <= before, "time has given time back");
            assert_eq!(self.order.version, version);
        }

        pub(super) fn give(&mut self, command: &OrderCommand) -> Result<(), OrderRefusal> {
            self.check_actions();
            match decide_order(&self.order, command, self.now) {
                Ok(OrderDecision::Moved(step)) => {
                    self.steps.moved += 1;
                    self.follow(command, *step);
                    Ok(())
                }
                Ok(OrderDecision::Unchanged) => {
                    self.steps.unchanged += 1;
                    Ok(())
                }
                Err(refusal) => {
                    self.steps.refused += 1;
                    Err(refusal)
                }
            }
        }

        fn follow(&mut self, command: &OrderCommand, step: OrderTransition) {
            let before = std::mem::replace(&mut self.order, step.next);
            let left = self.remaining();
            assert_eq!(self.order.version, before.version + 1, "a step is one version");
            self.book(command, &before);
            for (kind, money) in &step.movements {
                self.moved[place(*kind)] += money.amount();
            }
            self.check_money();
            self.check_state(command, &before);
            if before.review.is_some() && self.order.review.is_some() {
                let then = remaining_of(&before, self.now);
                assert_eq!(left, then, "{command:?} has moved the review's clock");
            }
        }

        /// What the words of a command say about money, written down independently of the movements.
        fn book(&mut self, command: &OrderCommand, before: &Order) {
            match command {
                OrderCommand::Pay { paid, .. } => {
                    self.funded += paid.amount();
                    self.held += paid.amount();
                    if matches!(before.state, OrderState::Cancelled | OrderState::Expired) {
                        self.give_back(self.held);
                    }
                }
                OrderCommand::Refund { amount } => self.give_back(amount.amount()),
                OrderCommand::ResolveRefund => self.give_back(self.held),
                OrderCommand::Accept | OrderCommand::ReviewEnds | OrderCommand::ResolveRelease => {
                    self.released += self.held;
                    self.held = 0;
                }
                OrderCommand::RefundSettled { refund } => {
                    let refund = before.refunds.iter().find(|known| known.id == *refund).unwrap();
                    assert_ne!(refund.state, RefundState::Settled, "a refund settles once");
                    self.settled += refund.amount.amount();
                }
                _ => {}
            }
        }

        fn give_back(&mut self, amount: i64) {
            self.held -= amount;
            self.refunded += amount;
        }

        /// The chart's movements, the order's refunds and the clerk's books say the same.
        fn check_money(&self) {
            let order = &self.order;
            assert_eq!(self.released + self.refunded + self.held, self.funded);
            assert!(self.held >= 0 && self.released >= 0 && self.settled <= self.refunded);
            assert_eq!(self.moved, [self.funded, self.released, self.refunded, self.settled]);
            assert_eq!(order.refunded().unwrap().amount(), self.refunded);
            let settled = order.refunds.iter().filter(|refund| refund.state == RefundState::Settled);
            assert_eq!(settled.map(|refund| refund.amount.amount()).sum::<i64>(), self.settled);
            let still_held = matches!(order.state, OrderState::Funded | OrderState::InReview);
            assert_eq!(self.held > 0, still_held, "money is held in {} and nowhere else", order.state);
            let shares = order.shares().unwrap();
            assert!(shares.fee.amount() >= 0 && shares.net.amount() >= 0);
            let gross = order.terms.gross.amount();
            assert_eq!(shares.fee.amount() + shares.net.amount() + self.refunded, gross);
        }

        fn check_state(&self, command: &OrderCommand, before: &Order) {
            let (from, to) = (before.state, self.order.state);
            let paid_late = matches!(from, OrderState::Cancelled | OrderState::Expired)
                && matches!(command, OrderCommand::Pay { .. })
                && to == OrderState::Refunded;
            assert!(
                from.is_open() || from == to || paid_late,
                "{from} is final, but {command:?} led to {to}"
            );
            if to == OrderState::Released {
                let of_dispute = usize::from(matches!(command, OrderCommand::ResolveRelease));
                let early = matches!(command, OrderCommand::Accept | OrderCommand::ResolveRelease);
                let now = from != to;
                assert!(!now || before.holds.len() == of_dispute, "released against {:?}", before.holds);
                assert!(!now || early || self.reviewed >= before.terms.review, "released too early");
            }
            if !to.is_open() {
                assert!(self.order.holds.is_empty() && self.order.review.is_none(), "{to} has ended");
                assert!(self.order.payment_due.is_none());
            }
            assert_eq!(self.order.payment_due.is_some(), to == OrderState::AwaitingPayment);
            let stands = matches!(self.order.review, Some(Review::Paused { .. }));
            assert_eq!(stands, to == OrderState::InReview && !self.order.holds.is_empty());
            assert_eq!(self.order.review.is_some(), to == OrderState::InReview);
            let kinds: Vec<_> = self.order.holds.iter().map(|hold| hold.kind).collect();
            assert!(kinds.windows(2).all(|pair| pair[0] < pair[1]), "two holds of one kind: {kinds:?}");
        }

        /// The review's clock by the clerk's own watch: its length less the time that it ran.
        fn remaining(&self) -> Duration {
            let by_order = remaining_of(&self.order, self.now);
            if self.order.state == OrderState::InReview {
                let by_clerk = self.order.terms.review.saturating_sub(self.reviewed);
                assert_eq!(by_order, by_clerk, "time running and time standing don't add up");
            }
            by_order
        }

        /// What the order offers its parties is what it would let them do, said here in words of its own.
        fn check_actions(&self) {
            let order = &self.order;
            let names = |party| -> Vec<_> {
                let actions: Vec<OrderAction> = order.actions(party, self.now);
                actions.iter().map(|action| action.name).collect()
            };
            let disputed = order.is_held_by(HoldKind::Dispute);
            let is_paid = matches!(order.state, OrderState::Funded | OrderState::InReview);
            let mut buyers = Vec::new();
            if matches!(order.state, OrderState::Created | OrderState::AwaitingPayment) {
                buyers.push("cancel");
            }
            if order.state == OrderState::InReview && order.holds.is_empty() {
                buyers.push("accept");
            }
            if is_paid && !disputed {
                buyers.push("dispute");
            }
            assert_eq!(names(Party::Buyer), buyers);
            assert_eq!(names(Party::Operator), if disputed { vec!["resolve"] } else { vec![] });
            assert!(names(Party::Seller).is_empty());
        }
    }

    fn remaining_of(order: &Order, now: Timestamp) -> Duration {
        match order.review {
            Some(Review::Running { ends_at }) => ends_at.since(now),
            Some(Review::Paused { remaining }) => remaining,
            None => Duration::ZERO,
        }
    }

    fn place(kind: TransferKind) -> usize {
        match kind {
            TransferKind::Fund => 0,
            TransferKind::Release => 1,
            TransferKind::Refund => 2,
            TransferKind::RefundSettled => 3,
        }
    }
}

#[cfg(test)]
mod given {
    use std::time::Duration;

    use proptest::prelude::*;
    use tenantry_core::{
        BasisPoints, Currency, Fulfilment, Money, Order, OrderCommand, OrderId, OrderState, RefundId,
        Subject, TenantId, Terms, Timestamp, UserId,
    };

    /// A command, or time that passes, in words that don't depend on the order.
    #[derive(Debug, Clone)]
    pub(super) enum Word {
        Wait(Duration),
        Command(OrderCommand),
        /// So many hundredths of what is left.
        RefundPart(u8),
        Refund(u8, fn(RefundId) -> OrderCommand),
    }

    pub(super) fn order() -> impl Strategy<Value = Order> {
        let gross = prop_oneof![1..=60_i64, 1..=1_000_000_i64, 1..=Terms::MAX_GROSS];
        let fulfilment = prop_oneof![Just(Fulfilment::Immediate), Just(Fulfilment::Deployed)];
        let (review, window) = (1..=100_u64, 1..=100_u64);
        (gross, 0..=10_000_u16, review, window, fulfilment).prop_map(
            |(gross, fee, review, window, fulfilment)| Order {
                id: OrderId::from_uuid(uuid::Uuid::from_u128(1)),
                operator: TenantId::from_uuid(uuid::Uuid::from_u128(2)),
                buyer: TenantId::from_uuid(uuid::Uuid::from_u128(3)),
                seller: TenantId::from_uuid(uuid::Uuid::from_u128(4)),
                placed_by: UserId::from_uuid(uuid::Uuid::from_u128(5)),
                subject: Subject { reference: "corner-shop".into(), snapshot: serde_json::Value::Null },
                terms: Terms {
                    gross: Money::new(gross, Currency::USD),
                    fee: BasisPoints::new(fee).unwrap(),
                    review: Duration::from_secs(review * 3600),
                    payment_window: Duration::from_secs(window * 60),
                    fulfilment,
                },
                state: OrderState::Created,
                holds: vec![],
                payment_due: None,
                payment: None,
                review: None,
                refunds: vec![],
                version: 1,
                created_at: Timestamp::EPOCH,
            },
        )
    }

    /// Words that often lead somewhere: payment is asked for first, and mostly made.
    pub(super) fn words() -> impl Strategy<Value = Vec<Word>> {
        let plain = |command: OrderCommand| Just(Word::Command(command));
        let reason = "it does not start".to_owned();
        let hold = OrderCommand::Hold { reason: reason.clone() };
        let refund = |make: fn(RefundId) -> OrderCommand| (0..4_u8).prop_map(move |n| Word::Refund(n, make));
        let word = prop_oneof![
            8 => (0..200_u64).prop_map(|minutes| Word::Wait(Duration::from_secs(minutes * 60))),
            4 => (0..50_u64).prop_map(|hours| Word::Wait(Duration::from_secs(hours * 3600))),
            1 => plain(OrderCommand::RequestPayment),
            4 => (0..3_u8, -1..=1_i64).prop_map(|(nth, off)| Word::Command(pay(nth, off / 2))),
            1 => Just(Word::Command(pay(0, 1))),
            1 => plain(OrderCommand::PaymentFailed),
            2 => plain(OrderCommand::WindowEnds),
            4 => plain(OrderCommand::StartReview),
            1 => plain(OrderCommand::Accept),
            3 => plain(OrderCommand::ReviewEnds),
            1 => plain(OrderCommand::Cancel),
            2 => plain(OrderCommand::Dispute { reason }),
            1 => plain(OrderCommand::ResolveRelease),
            1 => plain(OrderCommand::ResolveRefund),
            3 => plain(hold),
            4 => plain(OrderCommand::LiftHold),
            1 => plain(OrderCommand::SellerSuspended),
            2 => plain(OrderCommand::SellerReactivated),
            6 => (0..=101_u8).prop_map(Word::RefundPart),
            2 => refund(|refund| OrderCommand::RefundSent { refund }),
            2 => refund(|refund| OrderCommand::RefundSettled { refund }),
            1 => refund(|refund| OrderCommand::RefundFailed { refund }),
            1 => refund(|refund| OrderCommand::RetryRefund { refund }),
        ];
        (proptest::bool::weighted(0.6), proptest::collection::vec(word, 1..60)).prop_map(|(pays, words)| {
            let begun = [Word::Command(OrderCommand::RequestPayment)];
            let paid = pays.then(|| Word::Command(pay(0, 0)));
            let at = words.len() / 8;
            let (before, after) = words.split_at(at);
            begun.into_iter().chain(before.to_vec()).chain(paid).chain(after.to_vec()).collect()
        })
    }

    /// The payment of the whole amount, give or take `off`: completed once the order is known.
    fn pay(nth: u8, off: i64) -> OrderCommand {
        OrderCommand::Pay {
            payment: format!("pay-{nth}").parse().unwrap(),
            paid: Money::new(off, Currency::USD),
        }
    }

    /// The command that a word means to this order; `None` for time that passes.
    pub(super) fn command(word: &Word, order: &Order) -> Option<OrderCommand> {
        let gross = order.terms.gross;
        Some(match word {
            Word::Wait(_) => return None,
            Word::Command(OrderCommand::Pay { payment, paid }) => {
                OrderCommand::Pay { payment: payment.clone(), paid: gross.checked_add(*paid).unwrap() }
            }
            Word::Command(command) => command.clone(),
            Word::RefundPart(hundredths) => {
                let left = gross.amount() - order.refunded().unwrap().amount();
                let amount = left.saturating_mul(i64::from(*hundredths)) / 100;
                OrderCommand::Refund { amount: Money::new(amount, gross.currency()) }
            }
            Word::Refund(nth, make) => make(RefundId::of_order(order.id, u32::from(*nth))),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use proptest::prelude::*;
    use proptest::test_runner::{Config, TestRunner};
    use tenantry_core::{Order, OrderCommand, OrderDecision, OrderState, RefundId, decide_order};

    use super::given::{self, Word};
    use super::model::{Clerk, Steps};

    #[test]
    fn money_time_and_states_stay_what_a_clerk_writes_down() {
        let total = RefCell::new((Steps::default(), [0_u64; 8]));
        let mut runner =
            TestRunner::new(Config { cases: 1_500, failure_persistence: None, ..Config::default() });
        let outcome = runner.run(&(given::order(), given::words()), |(order, words)| {
            let mut clerk = Clerk::of(order);
            for word in &words {
                match (word, given::command(word, &clerk.order)) {
                    (Word::Wait(span), _) => clerk.wait(*span),
                    (_, Some(command)) => drop(clerk.give(&command)),
                    (_, None) => {}
                }
            }
            let (steps, ended) = &mut *total.borrow_mut();
            steps.moved += clerk.steps.moved;
            steps.unchanged += clerk.steps.unchanged;
            steps.refused += clerk.steps.refused;
            let at = OrderState::ALL.iter().position(|state| *state == clerk.order.state);
            ended[at.unwrap()] += 1;
            Ok(())
        });
        outcome.unwrap();
        let (steps, ended) = total.into_inner();
        let all = steps.moved + steps.unchanged + steps.refused;
        eprintln!("{all} steps: {steps:?}; orders that ended in each state: {ended:?}");
        for (what, count) in
            [("moved", steps.moved), ("unchanged", steps.unchanged), ("refused", steps.refused)]
        {
            assert!(count * 20 >= all, "only {count} of {all} steps were {what}: the test proves too little");
        }
        let states = OrderState::ALL.iter().zip(ended).skip(1);
        for (state, orders) in states {
            assert!(orders > 0, "no order has ended in {state}: the test proves too little");
        }
    }

    proptest! {
        #![proptest_config(Config { cases: 500, failure_persistence: None, ..Config::default() })]

        /// Whatever the provider reports, how often and in which order: a report that is refused comes again
        /// until it isn't, and in the end the order is the same.
        #[test]
        fn reports_of_the_provider_converge(
            order in given::order(),
            words in given::words(),
            reports in reports(),
        ) {
            let mut clerk = Clerk::of(order);
            for word in &words {
                match (word, given::command(word, &clerk.order)) {
                    (Word::Wait(span), _) => clerk.wait(*span),
                    (_, Some(command)) => drop(clerk.give(&command)),
                    (_, None) => {}
                }
            }
            let (once, shuffled) = reports;
            let straight = told(&clerk, &once);
            let crooked = told(&clerk, &shuffled);
            prop_assert_eq!(straight, crooked);
        }
    }

    /// Reports in the order in which things happened, and the same shuffled and doubled.
    fn reports() -> impl Strategy<Value = (Vec<Report>, Vec<Report>)> {
        let report = prop_oneof![
            1 => Just(Report::Failed),
            4 => (0..4_u8).prop_map(Report::RefundSettled),
            1 => (0..4_u8).prop_map(Report::RefundFailed),
        ];
        proptest::collection::vec(report, 0..8).prop_flat_map(|mut once| {
            once.push(Report::Paid);
            let twice: Vec<_> = once.iter().chain(&once).copied().collect();
            (Just(once), Just(twice).prop_shuffle())
        })
    }

    #[derive(Debug, Clone, Copy)]
    enum Report {
        Failed,
        Paid,
        RefundSettled(u8),
        RefundFailed(u8),
    }

    /// The order once it was told everything, as often as it takes; its version apart, which counts the tellings.
    fn told(clerk: &Clerk, reports: &[Report]) -> Order {
        let mut order = clerk.order.clone();
        for _ in 0..=reports.len() {
            for report in reports {
                let command = match report {
                    Report::Failed => OrderCommand::PaymentFailed,
                    Report::Paid => {
                        OrderCommand::Pay { payment: "pay-0".parse().unwrap(), paid: order.terms.gross }
                    }
                    Report::RefundSettled(nth) => {
                        OrderCommand::RefundSettled { refund: nth_refund(&order, *nth) }
                    }
                    Report::RefundFailed(nth) => {
                        OrderCommand::RefundFailed { refund: nth_refund(&order, *nth) }
                    }
                };
                if let Ok(OrderDecision::Moved(step)) = decide_order(&order, &command, clerk.now) {
                    order = step.next;
                }
            }
        }
        order.version = 0;
        order
    }

    fn nth_refund(order: &Order, nth: u8) -> RefundId {
        RefundId::of_order(order.id, u32::from(nth))
    }
}
