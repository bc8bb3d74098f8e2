//! The chart of an order, whole: what each command does in each situation, against `golden/chart.txt`.
//!
//! To accept a change that was meant: `BLESS=1 cargo test -p tenantry-core --test chart_golden`, then read the
//! difference as you would any other change to other people's money.

#[cfg(test)]
mod situations {
    use std::time::Duration;

    use tenantry_core::{
        BasisPoints, Currency, Fulfilment, Money, Order, OrderCommand, OrderDecision, OrderId, OrderState,
        RefundId, Subject, TenantId, Terms, Timestamp, UserId, decide_order,
    };

    pub(super) const GROSS: i64 = 4900;
    pub(super) const HOUR: Duration = Duration::from_secs(3600);
    pub(super) const MINUTE: Duration = Duration::from_secs(60);
    const REVIEW: Duration = Duration::from_secs(72 * 3600);

    /// An order that came this far, and when.
    pub(super) struct Situation {
        pub(super) name: &'static str,
        pub(super) order: Order,
        pub(super) now: Timestamp,
    }

    impl Situation {
        fn new(name: &'static str, fulfilment: Fulfilment) -> Self {
            let terms = Terms {
                gross: usd(GROSS),
                fee: BasisPoints::new(800).unwrap(),
                review: REVIEW,
                payment_window: 30 * MINUTE,
                fulfilment,
            };
            let order = Order {
                id: OrderId::from_uuid(uuid::Uuid::from_u128(1)),
                operator: TenantId::from_uuid(uuid::Uuid::from_u128(2)),
                buyer: TenantId::from_uuid(uuid::Uuid::from_u128(3)),
                seller: TenantId::from_uuid(uuid::Uuid::from_u128(4)),
                placed_by: UserId::from_uuid(uuid::Uuid::from_u128(5)),
                subject: Subject { reference: "corner-shop".into(), snapshot: serde_json::Value::Null },
                terms,
                state: OrderState::Created,
                holds: vec![],
                payment_due: None,
                payment: None,
                review: None,
                refunds: vec![],
                version: 1,
                created_at: Timestamp::EPOCH,
            };
            Self { name, order, now: Timestamp::EPOCH }
        }

        /// The situation after one more command, which has to move the order.
        fn then(mut self, after: Duration, command: &OrderCommand) -> Self {
            self.now = self.now.after(after);
            match decide_order(&self.order, command, self.now) {
                Ok(OrderDecision::Moved(step)) => self.order = step.next,
                other => panic!("{}: {command:?} gives {other:?}", self.name),
            }
            self
        }
    }

    /// Every situation whose rows differ.
    pub(super) fn all() -> Vec<Situation> {
        let created = |name| Situation::new(name, Fulfilment::Immediate);
        let awaiting = |name| created(name).then(Duration::ZERO, &OrderCommand::RequestPayment);
        let review = |name| awaiting(name).then(10 * MINUTE, &pay("pay-1", usd(GROSS)));
        let deployed = |name| {
            Situation::new(name, Fulfilment::Deployed)
                .then(Duration::ZERO, &OrderCommand::RequestPayment)
                .then(10 * MINUTE, &pay("pay-1", usd(GROSS)))
        };
        let late = |name, how: &OrderCommand| awaiting(name).then(30 * MINUTE, how);
        let refunded = |name| review(name).then(HOUR, &part(GROSS));
        let (dispute, hold) = (&dispute(), &hold());
        vec![
            created("created"),
            created("created, held by the operator").then(HOUR, hold),
            awaiting("awaiting payment"),
            awaiting("awaiting payment, held by the operator").then(MINUTE, hold),
            deployed("funded, being deployed"),
            deployed("funded, disputed").then(HOUR, dispute),
            deployed("funded, held by the operator").then(HOUR, hold),
            review("in review"),
            review("in review, disputed").then(HOUR, dispute),
            review("in review, seller suspended").then(HOUR, &OrderCommand::SellerSuspended),
            review("in review, seller suspended and held by the operator")
                .then(HOUR, &OrderCommand::SellerSuspended)
                .then(HOUR, hold),
            review("in review, held by the operator").then(HOUR, hold),
            review("in review, disputed and held by the operator").then(HOUR, dispute).then(HOUR, hold),
            review("in review, 1000 refunded").then(HOUR, &part(1000)),
            review("in review, 1000 refunded, disputed").then(HOUR, &part(1000)).then(HOUR, dispute),
            (0..31).fold(review("in review, refunded 31 times"), |so_far, _| so_far.then(HOUR, &part(1))),
            review("released").then(HOUR, &OrderCommand::Accept),
            review("released, 1000 refunded").then(HOUR, &part(1000)).then(HOUR, &OrderCommand::Accept),
            refunded("refunded, refund requested"),
            refunded("refunded, refund sent").then(MINUTE, &sent(0)),
            refunded("refunded, refund settled").then(MINUTE, &settled(0)),
            refunded("refunded, refund failed").then(MINUTE, &failed(0)),
            late("cancelled", &OrderCommand::Cancel),
            late("expired", &OrderCommand::WindowEnds),
            late("refunded, paid after it expired", &OrderCommand::WindowEnds)
                .then(HOUR, &pay("pay-1", usd(GROSS))),
        ]
    }

    /// Every command, with the time at which it comes.
    pub(super) fn commands(at: &Situation) -> Vec<(&'static str, OrderCommand, Timestamp)> {
        let soon = at.now.after(10 * MINUTE);
        let due = at.order.payment_due.or_else(|| at.order.review_ends_at());
        let over = due.unwrap_or_else(|| at.now.after(100 * 24 * HOUR));
        let early = due.map_or(soon, |due| due.before(Duration::from_micros(1)));
        let left = GROSS - at.order.refunded().unwrap().amount();
        vec![
            ("request_payment", OrderCommand::RequestPayment, soon),
            ("pay", pay("pay-1", usd(GROSS)), soon),
            ("pay, when time is up", pay("pay-1", usd(GROSS)), over),
            ("pay again with another payment", pay("pay-2", usd(GROSS)), soon),
            ("pay 1 less", pay("pay-3", usd(GROSS - 1)), soon),
            ("pay in euro", pay("pay-4", Money::new(GROSS, Currency::EUR)), soon),
            ("payment_failed", OrderCommand::PaymentFailed, soon),
            ("window_ends, 1 µs early", OrderCommand::WindowEnds, early),
            ("window_ends", OrderCommand::WindowEnds, over),
            ("start_review", OrderCommand::StartReview, soon),
            ("accept", OrderCommand::Accept, soon),
            ("accept, when time is up", OrderCommand::Accept, over),
            ("review_ends, 1 µs early", OrderCommand::ReviewEnds, early),
            ("review_ends", OrderCommand::ReviewEnds, over),
            ("cancel", OrderCommand::Cancel, soon),
            ("dispute", dispute(), soon),
            ("dispute, when time is up", dispute(), over),
            ("resolve_release", OrderCommand::ResolveRelease, soon),
            ("resolve_refund", OrderCommand::ResolveRefund, soon),
            ("hold", hold(), soon),
            ("lift_hold", OrderCommand::LiftHold, soon),
            ("seller_suspended", OrderCommand::SellerSuspended, soon),
            ("seller_reactivated", OrderCommand::SellerReactivated, soon),
            ("refund 100", part(100), soon),
            ("refund what is left", part(left), soon),
            ("refund 1 more than is left", part(left + 1), soon),
            ("refund nothing", part(0), soon),
            ("refund in euro", OrderCommand::Refund { amount: Money::new(1, Currency::EUR) }, soon),
            ("refund_sent", sent(0), soon),
            ("refund_settled", settled(0), soon),
            ("refund_settled, unknown refund", settled(99), soon),
            ("refund_failed", failed(0), soon),
            ("retry_refund", OrderCommand::RetryRefund { refund: nth(0) }, soon),
        ]
    }

    fn usd(amount: i64) -> Money {
        Money::new(amount, Currency::USD)
    }

    fn pay(payment: &str, paid: Money) -> OrderCommand {
        OrderCommand::Pay { payment: payment.parse().unwrap(), paid }
    }

    fn part(amount: i64) -> OrderCommand {
        OrderCommand::Refund { amount: usd(amount) }
    }

    fn dispute() -> OrderCommand {
        OrderCommand::Dispute { reason: "it does not start".to_owned() }
    }

    fn hold() -> OrderCommand {
        OrderCommand::Hold { reason: "we look into it".to_owned() }
    }

    fn nth(n: u32) -> RefundId {
        RefundId::of_order(OrderId::from_uuid(uuid::Uuid::from_u128(1)), n)
    }

    fn sent(n: u32) -> OrderCommand {
        OrderCommand::RefundSent { refund: nth(n) }
    }

    fn settled(n: u32) -> OrderCommand {
        OrderCommand::RefundSettled { refund: nth(n) }
    }

    fn failed(n: u32) -> OrderCommand {
        OrderCommand::RefundFailed { refund: nth(n) }
    }
}

#[cfg(test)]
mod table {
    use std::collections::BTreeMap;
    use std::fmt::Write as _;
    use std::time::Duration;

    use tenantry_core::{
        HoldKind, Order, OrderCommand, OrderDecision, OrderTransition, Refund, RefundState, Review,
        TransferKind, decide_order,
    };

    use super::situations::{self, HOUR, MINUTE, Situation};

    const PREFACE: &str = "\
# What each command does to an order of 4900 USD: fee 8 %, 72 h of review, 30 min to pay.
# A command comes 10 min after the situation began unless it says otherwise; times are from the order's making.
# `+ timer` sets one, `- timer` clears one. Every command has its place in every situation.
";

    pub(super) fn written() -> String {
        let situations = situations::all();
        let sections: Vec<_> = situations.iter().map(section).collect();
        format!("{PREFACE}\n{}", sections.join("\n"))
    }

    fn section(at: &Situation) -> String {
        let mut text = format!("{}\n", at.name);
        writeln!(text, "    is: {}", standing(at)).unwrap();
        let mut others: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for (name, command, now) in situations::commands(at) {
            match decide_order(&at.order, &command, now) {
                Ok(OrderDecision::Moved(step)) => {
                    assert_eq!(step.next.version, at.order.version + 1, "{}: {name}", at.name);
                    writeln!(text, "    {name:<31}→ {}", effect(&at.order, &step, &command)).unwrap();
                }
                Ok(OrderDecision::Unchanged) => others.entry("unchanged".into()).or_default().push(name),
                Err(refusal) => others.entry(format!("refused {refusal:?}")).or_default().push(name),
            }
        }
        for (outcome, names) in others {
            text.push_str(&wrapped(&outcome, &names));
        }
        text
    }

    fn standing(at: &Situation) -> String {
        let order = &at.order;
        let mut words = vec![state(order)];
        words.extend(order.payment_due.map(|due| format!("payment due {}", clock(since(due)))));
        words.extend(order.review.map(review));
        words.extend(refunds(order));
        words.push(format!("since {}", clock(since(at.now))));
        words.join(", ")
    }

    fn effect(before: &Order, step: &OrderTransition, command: &OrderCommand) -> String {
        let next = &step.next;
        let mut words = Vec::new();
        for (kind, amount) in &step.movements {
            assert_eq!(amount.currency(), before.terms.gross.currency(), "{command:?}");
            words.push(format!("{} {}", movement(*kind), amount.amount()));
        }
        words.extend(step.set.iter().map(|(kind, due)| format!("+ {kind} {}", clock(since(*due)))));
        words.extend(step.cleared.iter().map(|kind| format!("- {kind}")));
        if next.review != before.review {
            words.extend(next.review.map(review));
        }
        if next.refunds != before.refunds {
            words.extend(refunds(next));
        }
        let line = format!("{:<30}{}", state(next), words.join(", "));
        line.trim_end().to_owned()
    }

    fn state(order: &Order) -> String {
        let holds: Vec<_> = order.holds.iter().map(|hold| HoldKind::as_str(hold.kind)).collect();
        let holds = if holds.is_empty() { String::new() } else { format!(" [{}]", holds.join(", ")) };
        format!("{}{holds}", order.state)
    }

    fn movement(kind: TransferKind) -> &'static str {
        match kind {
            TransferKind::Fund => "FUND",
            TransferKind::Release => "RELEASE",
            TransferKind::Refund => "REFUND",
            TransferKind::RefundSettled => "SETTLE",
        }
    }

    fn review(review: Review) -> String {
        match review {
            Review::Running { ends_at } => format!("review ends {}", clock(since(ends_at))),
            Review::Paused { remaining } => format!("review paused, {} left", clock(remaining)),
        }
    }

    /// The refunds, where there are few enough to read.
    fn refunds(order: &Order) -> Option<String> {
        let one = |refund: &Refund| {
            let state = match refund.state {
                RefundState::Requested => "requested",
                RefundState::Sent => "sent",
                RefundState::Settled => "settled",
                RefundState::Failed => "failed",
            };
            format!("{} {state}", refund.amount.amount())
        };
        match order.refunds.as_slice() {
            [] => None,
            few if few.len() <= 3 => {
                Some(format!("refunds {}", few.iter().map(one).collect::<Vec<_>>().join(" and ")))
            }
            many => Some(format!("{} refunds", many.len())),
        }
    }

    fn since(at: tenantry_core::Timestamp) -> Duration {
        at.since(tenantry_core::Timestamp::EPOCH)
    }

    fn clock(span: Duration) -> String {
        let minutes = span.as_secs() / MINUTE.as_secs();
        assert_eq!(MINUTE * u32::try_from(minutes).unwrap(), span, "whole minutes");
        format!("{}:{:02}", span.as_secs() / HOUR.as_secs(), minutes % 60)
    }

    /// `outcome: a; b; c`, wrapped before column 110.
    fn wrapped(outcome: &str, names: &[&str]) -> String {
        let indent = " ".repeat(33);
        let mut text = format!("    {outcome:<29}");
        let mut column = 33;
        for (nth, name) in names.iter().enumerate() {
            let end = if nth + 1 < names.len() { ";" } else { "" };
            let width = name.chars().count() + 1;
            if nth > 0 && column + 1 + width > 110 {
                text.push('\n');
                text.push_str(&indent);
                column = 33;
            } else if nth > 0 {
                text.push(' ');
                column += 1;
            }
            text.push_str(name);
            text.push_str(end);
            column += width;
        }
        text.push('\n');
        text
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;
    use std::path::Path;

    use super::{situations, table};

    #[test]
    fn every_command_in_every_situation_does_what_the_table_says() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/chart.txt");
        let found = table::written();
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &found).unwrap();
            return;
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        let changed = difference(&expected, &found);
        assert!(
            changed.is_empty(),
            "the chart isn't what {} says (- table, + code):\n{changed}\n\
             If this is meant: BLESS=1 cargo test -p tenantry-core --test chart_golden",
            path.display()
        );
    }

    #[test]
    fn every_command_has_its_place_in_the_table() {
        let names = |at: &situations::Situation| -> Vec<&str> {
            situations::commands(at).iter().map(|(_, command, _)| command.name()).collect()
        };
        let mut known = names(&situations::all()[0]);
        known.dedup();
        assert_eq!(known.len(), 20, "a command of the chart is missing, or its rows lie apart: {known:?}");
    }

    /// The lines that differ, section by section, each under the situation that it belongs to.
    fn difference(expected: &str, found: &str) -> String {
        let mut text = String::new();
        let sections = |all: &str| -> Vec<(String, Vec<String>)> {
            all.split("\n\n")
                .map(|section| {
                    let mut lines = section.lines().map(str::to_owned);
                    (lines.next().unwrap_or_default(), lines.collect())
                })
                .collect()
        };
        let (before, after) = (sections(expected), sections(found));
        let none = Vec::new();
        let of = |all: &'_ [(String, Vec<String>)], name: &str| {
            all.iter().find(|(other, _)| other == name).map_or(none.clone(), |(_, lines)| lines.clone())
        };
        let added = after.iter().filter(|(name, _)| before.iter().all(|(other, _)| other != name));
        for (name, _) in before.iter().chain(added) {
            let (old, new) = (of(&before, name), of(&after, name));
            if old == new {
                continue;
            }
            writeln!(text, "{name}").unwrap();
            for line in old.iter().filter(|line| !new.contains(line)) {
                writeln!(text, "-{line}").unwrap();
            }
            for line in new.iter().filter(|line| !old.contains(line)) {
                writeln!(text, "+{line}").unwrap();
            }
        }
        text
    }
}
