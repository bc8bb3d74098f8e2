//! The marketplace as a store keeps it, driven through the library's public surface.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use tenantry::{
    Account, BasisPoints, Caller, Catalog, Currency, Email, Failure, Founding, Fulfilment, Interval,
    ManualClock, Money, NewRole, Order, OrderCommand, OrderFailure, OrderId, Page, PageRequest, Party,
    Placement, Plan, PlanRef, Plans, Predicate, RealmId, RefundState, Registration, Slug, Store,
    StoredSecret, Subject, SystemCtx, TenantCtx, TenantId, Tenantry, Terms, UserId, WorkKind,
};

use super::action::{Job, Offer, Report};
use super::deal::{Deal, MINUTE, Micros, order_id};
use super::model::{Line, Model, OPERATOR, PARTIES};

const NAMES: [&str; 5] = ["seller-one", "seller-two", "buyer-one", "buyer-two", "market"];
pub(crate) const REVIEW: Duration = Duration::from_secs(72 * 3600);
pub(crate) const WINDOW: Duration = Duration::from_secs(30 * 60);

/// One store with the library over it. Callers are admitted once, at the start, and never again: what they may do
/// has to be checked when they do it.
pub(crate) struct Market {
    name: &'static str,
    app: Tenantry,
    clock: Arc<ManualClock>,
    platform: TenantCtx,
    callers: Vec<Caller>,
    reports: BTreeMap<String, Report>,
}

/// Claimed work by what it is about.
pub(crate) struct Claimed {
    pub(crate) due: Micros,
    pub(crate) job: Job,
    ctx: SystemCtx,
}

impl Market {
    pub(crate) async fn open(name: &'static str, store: Arc<dyn Store>, clock: Arc<ManualClock>) -> Self {
        let plan: PlanRef = "any@1".parse().unwrap();
        let plans = Plans::builder().plan(Plan::new(plan.clone(), Interval::Month)).build().unwrap();
        let app = Tenantry::new(store, Catalog::builder().build().unwrap(), plans);
        let owner = NewRole::owner();
        let email = |name: &str| -> Email { format!("{name}@example.com").parse().unwrap() };
        let founding = Founding {
            slug: NAMES[OPERATOR].parse().unwrap(),
            name: NAMES[OPERATOR].to_owned(),
            kind: "market".parse().unwrap(),
            plan: plan.clone(),
            roles: vec![owner.clone()],
            email: email(NAMES[OPERATOR]),
            user_name: "Ada".to_owned(),
            secret: StoredSecret::new("no password".to_owned()),
            reach: tenantry::Reach::Here,
        };
        let market = app.found(&founding).await.unwrap().tenant().clone();
        let platform = app.resolve_id(market.id).await.unwrap();
        let ada = app.store().user_by_email(market.realm, &founding.email).await.unwrap().unwrap();
        let mut callers = vec![];
        for name in &NAMES[..PARTIES] {
            let registration = Registration {
                slug: name.parse().unwrap(),
                name: (*name).to_owned(),
                kind: "party".parse().unwrap(),
                plan: plan.clone(),
                roles: vec![owner.clone()],
                email: email(name),
                user_name: "Bo".to_owned(),
                secret: StoredSecret::new("no password".to_owned()),
                reach: tenantry::Reach::Here,
            };
            let made = app.register(&platform, registration).await.unwrap();
            callers.push(admitted(&app, made.tenant.id, market.realm, made.user.id).await);
        }
        callers.push(admitted(&app, market.id, market.realm, ada.id).await);
        Self { name, app, clock, platform, callers, reports: BTreeMap::new() }
    }

    pub(crate) async fn place(&self, by: usize, offer: &Offer) -> String {
        let currency = if offer.euro { Currency::EUR } else { Currency::USD };
        let placement = Placement {
            id: order_id(offer.number),
            seller: self.id(offer.seller),
            subject: Subject { reference: "corner-shop".to_owned(), snapshot: serde_json::json!({ "n": 1 }) },
            terms: Terms {
                gross: Money::new(offer.gross, currency),
                fee: BasisPoints::new(offer.fee_points).unwrap(),
                review: REVIEW,
                payment_window: WINDOW,
                fulfilment: if offer.deployed { Fulfilment::Deployed } else { Fulfilment::Immediate },
            },
        };
        said(self.app.orders(&self.callers[by]).place(placement).await)
    }

    pub(crate) async fn ask(&self, by: usize, as_buyer: bool, order: u8, command: &OrderCommand) -> String {
        let (orders, id) = (self.app.orders(&self.callers[by]), order_id(order));
        said(match command {
            OrderCommand::Accept if as_buyer => orders.accept(id).await,
            OrderCommand::Cancel if as_buyer => orders.cancel(id).await,
            OrderCommand::Dispute { reason } if as_buyer => orders.dispute(id, reason.clone()).await,
            command => orders.operate(id, command.clone()).await,
        })
    }

    pub(crate) async fn set_active(&self, by: usize, tenant: usize, active: bool) -> String {
        let (tenants, slug): (_, Slug) =
            (self.app.tenants(&self.callers[by]), NAMES[tenant].parse().unwrap());
        said(if active { tenants.reactivate(slug).await } else { tenants.suspend(slug).await })
    }

    pub(crate) async fn receive(&mut self, report: &Report) -> String {
        let event = report.event();
        self.reports.insert(event.clone(), report.clone());
        let payload = serde_json::json!({ "event": event });
        let receipt = self.app.work().receive(&self.platform, "provider", event, payload).await;
        receipt.map_or_else(|failure| format!("{failure:?}"), |receipt| format!("{receipt:?}"))
    }

    pub(crate) fn wait(&self, minutes: i64) {
        self.clock.advance(Duration::from_secs(60 * u64::try_from(minutes).unwrap()));
    }

    pub(crate) async fn claim(&self, lease: Duration) -> Vec<Claimed> {
        let mut claimed = vec![];
        for ctx in self.app.work().claim(1_000, lease).await.unwrap() {
            let item = ctx.claim().unwrap().item;
            assert_eq!(item.tenant, self.id(OPERATOR));
            let number = || {
                let found = (0..=u8::MAX).find(|number| order_id(*number).as_uuid() == item.subject);
                found.expect("a known order")
            };
            let job = match item.kind {
                WorkKind::PaymentWindow => Job::PaymentWindow(number()),
                WorkKind::Review => Job::Review(number()),
                WorkKind::Refund => Job::Refund(number()),
                WorkKind::Inbox => {
                    let inbox = self.app.work().report(&ctx).await.unwrap().expect("a stored report");
                    assert_eq!(inbox.payload, serde_json::json!({ "event": inbox.event }));
                    Job::Inbox(self.reports[&inbox.event].clone())
                }
                WorkKind::SellerHolds => {
                    let ids = (0..PARTIES).find(|party| self.id(*party).as_uuid() == item.subject);
                    Job::SellerHolds(ids.expect("a known seller"))
                }
                other => panic!("{}: unknown work {other}", self.name),
            };
            claimed.push(Claimed { due: item.due.as_micros(), job, ctx });
        }
        claimed.sort_by(|one, other| (one.due, &one.job).cmp(&(other.due, &other.job)));
        claimed
    }

    /// Does claimed work: the library what it can by itself, the application here the rest.
    pub(crate) async fn work(&self, claimed: &Claimed) -> String {
        let ctx = &claimed.ctx;
        let steps = self.app.order_steps(ctx);
        match &claimed.job {
            Job::Inbox(report) => {
                let order = steps.get(order_id(report.order)).await.ok();
                let gross = order.map_or((0, Currency::USD), |order| gross(&order));
                let told = said(steps.take(order_id(report.order), report.command(gross)).await);
                if told.starts_with("Refused") {
                    let ended = said(self.app.work().end(ctx, told.clone()).await);
                    return format!("{told}, {ended}");
                }
                told
            }
            Job::Refund(order) => match self.refund(ctx, order_id(*order)).await {
                Ok(()) => said(self.app.work().end(ctx, "all refunds asked for".to_owned()).await),
                Err(failure) => format!("{failure:?}"),
            },
            _ => match self.app.work().perform(ctx).await {
                Ok(done) => {
                    assert!(done, "{}: {:?} is the library's", self.name, claimed.job);
                    "Ok".to_owned()
                }
                Err(failure) => format!("{failure:?}"),
            },
        }
    }

    async fn refund(&self, ctx: &SystemCtx, order: OrderId) -> Result<(), Failure<OrderFailure>> {
        let steps = self.app.order_steps(ctx);
        for (nth, refund) in steps.get(order).await?.refunds.into_iter().enumerate() {
            if matches!(refund.state, RefundState::Requested | RefundState::Failed) {
                steps.take_one(order, OrderCommand::RefundSent { refund: refund.id }).await?;
            }
            if nth % 2 == 0 {
                steps.take_one(order, OrderCommand::RefundSettled { refund: refund.id }).await?;
            }
        }
        Ok(())
    }

    /// Fails unless the store holds what the model holds, seen from everybody's side, and its books add up.
    pub(crate) async fn check(&self, model: &Model) {
        self.check_orders(model).await;
        self.check_statements(model).await;
        self.check_books(model).await;
    }

    async fn check_orders(&self, model: &Model) {
        let operator = self.app.orders(&self.callers[OPERATOR]);
        let mut orders = vec![];
        let mut page = PageRequest::new(3, None).unwrap();
        while let Some(next) =
            collect(operator.operated(&Predicate::EVERYTHING, &page).await.unwrap(), &mut orders)
        {
            page = page.following(next);
        }
        assert!(orders.is_sorted_by_key(|seen| std::cmp::Reverse((seen.order.created_at, seen.order.id))));
        assert_eq!(orders.len(), model.deals.len(), "{}: orders", self.name);
        for seen in orders {
            let deal = model.deals.values().find(|deal| order_id(deal.number) == seen.order.id).unwrap();
            deal.expect_same(&seen.order, self.name);
            let parties = (self.id(deal.buyer), self.id(deal.seller));
            assert_eq!((seen.order.buyer, seen.order.seller), parties, "{}", self.name);
        }
        for party in 0..PARTIES {
            self.check_sides(model, party).await;
        }
    }

    /// What a party sees is what the operator keeps, but for who placed it, which is the buyer's; of other orders it sees
    /// nothing.
    async fn check_sides(&self, model: &Model, party: usize) {
        let orders = self.app.orders(&self.callers[party]);
        let (mut sides, mut page) = (vec![], PageRequest::new(3, None).unwrap());
        while let Some(next) = collect(orders.page(&Predicate::EVERYTHING, &page).await.unwrap(), &mut sides)
        {
            page = page.following(next);
        }
        let part_in = |deal: &Deal| match party {
            party if party == deal.buyer => Some(Party::Buyer),
            party if party == deal.seller => Some(Party::Seller),
            _ => None,
        };
        let own = model.deals.values().filter(|deal| part_in(deal).is_some());
        assert_eq!(sides.len(), own.count(), "{}: orders of tenant {party}", self.name);
        for side in sides {
            let deal = model.deals.values().find(|deal| order_id(deal.number) == side.order.id).unwrap();
            deal.expect_same(&side.order, self.name);
            assert_eq!(Some(side.party), part_in(deal), "{}: tenant {party}'s part", self.name);
            let placed_by = Some(side.order.placed_by).filter(|user| !user.as_uuid().is_nil());
            let known = if side.party == Party::Buyer { self.callers[deal.buyer].user() } else { None };
            assert_eq!(placed_by, known, "{}: who placed it is the buyer's", self.name);
        }
        let looked_at = u8::try_from(model.now / MINUTE % 5).unwrap();
        let found = match orders.get(order_id(looked_at)).await {
            Ok(seen) => Some(seen.party),
            Err(Failure::Refused(OrderFailure::NotFound)) => None,
            Err(failure) => panic!("{}: {failure:?}", self.name),
        };
        let expected = model.deals.get(&looked_at).and_then(part_in);
        assert_eq!(found, expected, "{}: tenant {party} looks at order {looked_at}", self.name);
    }

    async fn check_statements(&self, model: &Model) {
        for (party, expected) in model.lines.iter().enumerate() {
            let ledger = self.app.ledger(&self.callers[party]);
            let (mut found, mut page) = (vec![], PageRequest::new(7, None).unwrap());
            while let Some(next) = collect(ledger.statement(&page).await.unwrap(), &mut found) {
                page = page.following(next);
            }
            assert!(found.is_sorted_by_key(|line| std::cmp::Reverse((line.at, line.transfer))));
            let mut sums: BTreeMap<Currency, (i64, i64)> = BTreeMap::new();
            for line in &found {
                let (available, held) = sums.entry(line.currency).or_default();
                (*available, *held) = (*available + line.available, *held + line.held);
            }
            let number = |order: OrderId| (0..=u8::MAX).find(|number| order_id(*number) == order).unwrap();
            let mut found: Vec<_> = found
                .into_iter()
                .map(|line| Line {
                    at: line.at.as_micros(),
                    order: number(line.order),
                    kind: line.kind.as_str(),
                    currency: line.currency,
                    available: line.available,
                    held: line.held,
                })
                .collect();
            let mut expected = expected.clone();
            found.sort();
            expected.sort();
            assert_eq!(found, expected, "{}: the statement of tenant {party}", self.name);
            sums.retain(|_, amounts| *amounts != (0, 0));
            assert_eq!(self.balances(party).await, sums, "{}: a balance is its statement", self.name);
        }
        for tenant in 0..=OPERATOR {
            let balances = self.balances(tenant).await;
            assert_eq!(balances, model.balances(tenant), "{}: balances of tenant {tenant}", self.name);
        }
    }

    async fn balances(&self, tenant: usize) -> BTreeMap<Currency, (i64, i64)> {
        let balances = self.app.ledger(&self.callers[tenant]).balances().await.unwrap();
        let amounts =
            balances.into_iter().map(|balance| (balance.currency, (balance.available, balance.held)));
        amounts.filter(|(_, amounts)| *amounts != (0, 0)).collect()
    }

    async fn check_books(&self, model: &Model) {
        let books = self.app.ledger(&self.callers[OPERATOR]).books().await.unwrap();
        assert!(books.is_balanced(), "{}: {books:?}", self.name);
        let (mut sums, mut escrow, mut found) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for account in &books.accounts {
            *sums.entry(account.currency).or_insert(0) += account.balance;
            let name = match account.account {
                Account::Escrow(order) => {
                    *escrow.entry(account.currency).or_insert(0) -= account.balance;
                    let number = (0..=u8::MAX).find(|number| order_id(*number) == order);
                    format!("escrow:{}", number.unwrap())
                }
                Account::Payable(tenant) => {
                    format!("payable:{}", (0..PARTIES).find(|party| self.id(*party) == tenant).unwrap())
                }
                other => other.to_string(),
            };
            let floored = name.starts_with("escrow") || name.starts_with("payable");
            assert!(!floored || account.balance <= 0, "{}: {name} is overdrawn", self.name);
            if account.balance != 0 {
                found.insert((name, account.currency), account.balance);
            }
        }
        assert!(sums.values().all(|sum| *sum == 0), "{}: {sums:?}", self.name);
        for (currency, held) in escrow {
            let unresolved = model.deals.values().filter(|deal| deal.currency == currency);
            let unresolved: i64 = unresolved.map(Deal::held).sum();
            assert_eq!(held, unresolved, "{}: escrow is what the unresolved orders hold", self.name);
        }
        assert_eq!(found, model.accounts(), "{}: accounts", self.name);
    }

    /// Fails unless each version of each order has its event, once and in order.
    pub(crate) async fn check_events(&self, model: &Model) {
        while self.app.work().seal(100, 500).await.unwrap() > 0 {}
        let mut versions: BTreeMap<uuid::Uuid, Vec<u64>> = BTreeMap::new();
        let (mut after, trail) = (0, self.app.trail(&self.callers[OPERATOR]));
        loop {
            let events = trail.events(after, 50).await.unwrap();
            let Some(last) = events.last() else { break };
            assert!(events.iter().zip(after + 1..).all(|(event, seq)| event.seq == seq), "{}", self.name);
            after = last.seq;
            for event in events.into_iter().map(|sealed| sealed.event).filter(|e| e.aggregate.kind == "order")
            {
                versions.entry(event.aggregate.id).or_default().push(event.version);
            }
        }
        assert_eq!(versions.len(), model.deals.len(), "{}: orders with events", self.name);
        for deal in model.deals.values() {
            let expected: Vec<u64> = (1..=deal.version).collect();
            assert_eq!(versions[&order_id(deal.number).as_uuid()], expected, "{}: events", self.name);
        }
    }

    fn id(&self, tenant: usize) -> TenantId {
        self.callers[tenant].tenant().id()
    }
}

async fn admitted(app: &Tenantry, tenant: TenantId, realm: RealmId, user: UserId) -> Caller {
    let ctx = app.resolve_id(tenant).await.unwrap();
    app.admit(&ctx, realm, user).await.unwrap()
}

fn gross(order: &Order) -> (i64, Currency) {
    (order.terms.gross.amount(), order.terms.gross.currency())
}

fn said<T, R: Debug>(result: Result<T, Failure<R>>) -> String {
    result.map_or_else(|failure| format!("{failure:?}"), |_| "Ok".to_owned())
}

fn collect<T>(page: Page<T>, into: &mut Vec<T>) -> Option<tenantry::Cursor> {
    into.extend(page.items);
    page.next
}
