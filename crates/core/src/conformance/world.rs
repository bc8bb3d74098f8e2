use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::proof::{Outcome, Patience, Stop, there};
use super::{Harness, Opened};
use crate::{
    BasisPoints, Batch, BatchId, Books, Caller, Catalog, Currency, Failure, Founding, Fulfilment, Grant,
    Interval, ManualClock, Meter, MeterKey, Money, NewRole, Order, OrderCommand, OrderId, PageRequest,
    Placement, Plan, Plans, Predicate, PrincipalId, Reach, ReadScope, Record, Registered, Registration,
    Store, StoredSecret, Subject, SystemCtx, TenantId, Tenantry, Terms, UsagePeriod, User, UserId, WorkKind,
};

crate::permissions! {
    /// Read what is sold.
    pub(super) Read = "listing:read";
    /// Change what is sold.
    pub(super) Write = "listing:write";
    /// Act as a member.
    pub(super) Impersonate = "member:impersonate";
}

/// The filter of whoever may see it all.
pub(super) const EVERYTHING: &Predicate = &Predicate::EVERYTHING;
pub(super) const HOUR: Duration = Duration::from_secs(3600);
pub(super) const DAY: Duration = Duration::from_secs(24 * 3600);
pub(super) const LEASE: Duration = Duration::from_secs(60);
pub(super) const REVIEW: Duration = Duration::from_secs(72 * 3600);
pub(super) const WINDOW: Duration = Duration::from_secs(30 * 60);
/// What an order costs: 8 % of it are not a whole number of minor units.
pub(super) const PRICE: Money = Money::new(4_999, Currency::USD);

/// A marketplace in an empty store: an operator, and whoever registers with it.
pub(super) struct World {
    pub(super) clock: Arc<ManualClock>,
    pub(super) operator: Caller,
    apps: [Tenantry; 2],
}

impl World {
    pub(super) async fn open(harness: &dyn Harness) -> Outcome<Self> {
        let clock = Arc::new(ManualClock::at("2026-01-31T09:00:00Z".parse()?));
        let opened = harness.open(Arc::clone(&clock)).await;
        let Opened { store, other } =
            opened.map_err(|error| Stop::because(format_args!("the store can't be opened: {error}")))?;
        let other = other.unwrap_or_else(|| Arc::clone(&store));
        let catalog = Catalog::builder().permission::<Read>().permission::<Write>();
        let catalog = catalog.permission::<Impersonate>().build()?;
        let plans = plans()?;
        let apps = [store, other].map(|store| Tenantry::new(store, catalog.clone(), plans.clone()));
        let [app, _] = &apps;
        let operator = found(app, "market", Reach::Here).await?;
        Ok(Self { clock, operator, apps })
    }

    pub(super) fn app(&self) -> &Tenantry {
        let [app, _] = &self.apps;
        app
    }

    /// The `n`th task's own: as if the tasks were shared out among processes, where the store can.
    pub(super) fn app_of(&self, n: usize) -> Tenantry {
        let [one, other] = &self.apps;
        if n.is_multiple_of(2) { one.clone() } else { other.clone() }
    }

    pub(super) fn store(&self) -> &Arc<dyn Store> {
        self.app().store()
    }

    /// Another marketplace in the same store, with a realm of its own.
    pub(super) async fn found(&self, slug: &str) -> Outcome<Caller> {
        found(self.app(), slug, Reach::Here).await
    }

    /// The same, where what its owner holds reaches the tenants below.
    pub(super) async fn found_group(&self, slug: &str) -> Outcome<Caller> {
        found(self.app(), slug, Reach::Below).await
    }

    /// A member of the caller's tenant without any role, a new user of its realm.
    pub(super) async fn member(&self, caller: &Caller, name: &str) -> Outcome<User> {
        let (app, tenant) = (self.app(), caller.tenant().tenant());
        let realm_owner = tenant.above.last().copied().unwrap_or(tenant.id);
        let mut batch = self.batch();
        let user = User {
            id: UserId::from_uuid(batch.next_id()),
            realm: tenant.realm,
            owner: realm_owner,
            email: format!("{name}@people.example").parse()?,
            name: name.to_owned(),
            secret: Some(StoredSecret::new(String::new())),
            version: 1,
            created_at: app.now(),
        };
        batch.insert(Record::User(user.clone()));
        self.store().commit(batch).await?;
        let caller = self.again(caller).await?;
        app.members(&caller).add(&user).await?;
        Ok(user)
    }

    /// The caller that a member of a tenant is.
    pub(super) async fn admit_to(&self, tenant: TenantId, user: &User) -> Outcome<Caller> {
        let tenant = self.app().resolve_id(tenant).await?;
        Ok(self.app().admit(&tenant, user.realm, user.id).await?)
    }

    /// The owner of a new tenant below the operator, admitted.
    pub(super) async fn register(&self, slug: &str, plan: &str) -> Outcome<Caller> {
        self.register_at(&self.operator, slug, plan).await
    }

    pub(super) async fn register_at(&self, operator: &Caller, slug: &str, plan: &str) -> Outcome<Caller> {
        let app = self.app();
        let operator = app.resolve_id(operator.tenant().id()).await?;
        let registered = app.register(&operator, registration(slug, plan)?).await?;
        self.admit(&registered).await
    }

    pub(super) async fn admit(&self, registered: &Registered) -> Outcome<Caller> {
        let tenant = self.app().resolve(&registered.tenant.slug).await?;
        Ok(self.app().admit(&tenant, registered.user.realm, registered.user.id).await?)
    }

    /// The same caller with what is true now.
    pub(super) async fn again(&self, caller: &Caller) -> Outcome<Caller> {
        let tenant = self.app().resolve_id(caller.tenant().id()).await?;
        Ok(self.app().admit(&tenant, caller.principal().realm(), user_id(caller)?).await?)
    }

    /// An order that waits for its payment.
    pub(super) async fn place(&self, buyer: &Caller, seller: &Caller) -> Outcome<Order> {
        self.place_for(buyer, seller, PRICE).await
    }

    pub(super) async fn place_for(&self, buyer: &Caller, seller: &Caller, price: Money) -> Outcome<Order> {
        Ok(self.app().orders(buyer).place(placement(OrderId::generate(), seller, price)?).await?)
    }

    /// The order once its payment was reported.
    pub(super) async fn pay(&self, order: &Order) -> Outcome<Order> {
        let ctx = self.report(order.operator, &format!("paid-{}", order.id)).await?;
        let command = paid(order, "payment-1")?;
        Ok(self.app().order_steps(&ctx).take(order.id, command).await?.order)
    }

    /// An order that was paid for and is under review.
    pub(super) async fn buy(&self, buyer: &Caller, seller: &Caller) -> Outcome<Order> {
        let order = self.place(buyer, seller).await?;
        self.pay(&order).await
    }

    /// Work that a report from outside makes, claimed.
    pub(super) async fn report(&self, operator: TenantId, event: &str) -> Outcome<SystemCtx> {
        let app = self.app();
        let at = app.resolve_id(operator).await?;
        app.work().receive(&at, "provider", event.to_owned(), json!({ "event": event })).await?;
        for ctx in self.claim_kind(WorkKind::Inbox).await? {
            let report = there(app.work().report(&ctx).await?, "the report of claimed work")?;
            if report.event == event {
                return Ok(ctx);
            }
        }
        Err(Stop::because("a stored report isn't pending work"))
    }

    /// The due work of one kind, claimed; the rest is left to be claimed again.
    pub(super) async fn claim_kind(&self, kind: WorkKind) -> Outcome<Vec<SystemCtx>> {
        let mut wanted = vec![];
        for ctx in self.claim().await? {
            match ctx.claim() {
                Some(claim) if claim.item.kind == kind => wanted.push(ctx),
                _ => self.app().work().postpone(&ctx, Duration::ZERO).await?,
            }
        }
        Ok(wanted)
    }

    pub(super) async fn claim(&self) -> Outcome<Vec<SystemCtx>> {
        Ok(self.app().work().claim(500, LEASE).await?)
    }

    /// Does all due work that the library does by itself; answers how much that was. Work that other work has
    /// ended meanwhile is nobody's any more.
    pub(super) async fn perform(&self) -> Outcome<usize> {
        let mut performed = 0;
        for ctx in self.claim().await? {
            match self.app().work().perform(&ctx).await {
                Ok(true) => performed += 1,
                Ok(false) => self.app().work().postpone(&ctx, Duration::ZERO).await?,
                Err(Failure::Superseded) => {}
                Err(other) => return Err(other.into()),
            }
        }
        Ok(performed)
    }

    /// Asks the provider for an order's refunds, which pays them out at once.
    pub(super) async fn settle_refunds(&self, order: OrderId) -> Outcome<usize> {
        let mut settled = 0;
        for ctx in self.claim_kind(WorkKind::Refund).await? {
            let is_of = ctx.claim().is_some_and(|claim| claim.item.subject == order.as_uuid());
            if !is_of {
                continue;
            }
            let steps = self.app().order_steps(&ctx);
            for refund in steps.get(order).await?.refunds {
                steps.take_one(order, OrderCommand::RefundSent { refund: refund.id }).await?;
                steps.take_one(order, OrderCommand::RefundSettled { refund: refund.id }).await?;
                settled += 1;
            }
            self.app().work().end(&ctx, "settled".to_owned()).await?;
        }
        Ok(settled)
    }

    /// The operator's books.
    pub(super) async fn books(&self) -> Outcome<Books> {
        Ok(self.app().ledger(&self.operator).books().await?)
    }

    /// A batch of the operator's with nothing in it.
    pub(super) fn batch(&self) -> Batch {
        Batch::new(BatchId::generate(), self.operator.tenant().id(), self.app().now())
    }

    /// Seals all that was committed.
    pub(super) async fn seal(&self) -> Outcome<usize> {
        let (mut sealed, mut patience) = (0, Patience::new());
        loop {
            patience.wears()?;
            match self.app().work().seal(100, 100).await? {
                0 => return Ok(sealed),
                more => sealed += more,
            }
        }
    }

    /// Everything that these callers' tenants can read, after sealing it: equal before and after what changes
    /// nothing.
    pub(super) async fn photograph(&self, callers: &[&Caller]) -> Outcome<Vec<String>> {
        self.seal().await?;
        let store = self.store();
        let page = PageRequest::largest();
        let mut seen = vec![format!("{:?}", store.next_due().await?)];
        for caller in callers {
            let scope = caller.scope();
            let meters = [(meter("calls")?, this_month(caller)?), (meter("listings")?, UsagePeriod::HELD)];
            seen.push(format!("{:?}", store.tenant(scope.tenant()).await?));
            seen.push(format!("{:?}", store.principal(scope, PrincipalId::User(user_id(caller)?)).await?));
            seen.push(format!("{:?}", store.children(scope, &page).await?));
            seen.push(format!("{:?}", store.used(scope, &meters).await?));
            seen.push(format!("{:?}", store.orders(scope, EVERYTHING, &page).await?));
            seen.push(format!("{:?}", store.order_sides(scope, EVERYTHING, &page).await?));
            seen.push(format!("{:?}", store.statement(scope, &page).await?));
            seen.push(format!("{:?}", store.balances(scope).await?));
            seen.push(format!("{:?}", store.account_balances(scope).await?));
            seen.push(format!("{:?}", store.audit(scope, &page).await?));
            seen.push(format!("{:?}", store.events(scope, 0, 500).await?));
        }
        Ok(seen)
    }
}

/// The user who a caller is.
pub(super) fn user_id(caller: &Caller) -> Outcome<UserId> {
    there(caller.user(), "a user among the callers")
}

/// The right to read a tenant's rows, whatever its status.
pub(super) fn scope(tenant: TenantId) -> ReadScope {
    SystemCtx::for_operator(tenant).scope()
}

pub(super) fn meter(key: &str) -> Outcome<MeterKey> {
    Ok(key.parse()?)
}

/// The period in which a tenant's first calls are counted.
pub(super) fn this_month(caller: &Caller) -> Outcome<UsagePeriod> {
    let tenant = caller.tenant().tenant();
    Ok(UsagePeriod::starting(tenant.cycle.period_at(tenant.created_at)?.start))
}

pub(super) fn registration(slug: &str, plan: &str) -> Outcome<Registration> {
    Ok(Registration {
        slug: slug.parse()?,
        name: slug.to_owned(),
        kind: "party".parse()?,
        plan: plan.parse()?,
        roles: roles()?,
        email: format!("{slug}@example.com").parse()?,
        user_name: slug.to_owned(),
        secret: StoredSecret::new(format!("$fake${slug}")),
        reach: Reach::Here,
    })
}

pub(super) fn placement(id: OrderId, seller: &Caller, price: Money) -> Outcome<Placement> {
    Ok(Placement {
        id,
        seller: seller.tenant().id(),
        subject: Subject {
            reference: "corner-shop".to_owned(),
            snapshot: json!({ "title": "Ecke ☕", "n": 1 }),
        },
        terms: Terms {
            gross: price,
            fee: BasisPoints::new(800)?,
            review: REVIEW,
            payment_window: WINDOW,
            fulfilment: Fulfilment::Immediate,
        },
    })
}

pub(super) fn paid(order: &Order, payment: &str) -> Outcome<OrderCommand> {
    Ok(OrderCommand::Pay { payment: payment.parse()?, paid: order.terms.gross })
}

pub(super) fn role(key: &str, grants: &[&str]) -> Outcome<NewRole> {
    let grants: Result<Vec<Grant>, _> = grants.iter().map(|grant| grant.parse()).collect();
    Ok(NewRole { key: key.parse()?, name: key.to_owned(), grants: grants? })
}

fn roles() -> Outcome<Vec<NewRole>> {
    Ok(vec![role("owner", &["*"])?, role("reader", &["listing:read"])?])
}

fn plans() -> Outcome<Plans> {
    let plan = |reference: &str, calls, listings| -> Outcome<Plan> {
        let plan = Plan::new(reference.parse()?, Interval::Month);
        Ok(plan.with_quota(meter("calls")?, calls).with_quota(meter("listings")?, listings))
    };
    let builder =
        Plans::builder().meter(Meter::counter(meter("calls")?)).meter(Meter::gauge(meter("listings")?));
    Ok(builder
        .plan(plan("market@1", 1_000, 1_000)?)
        .plan(plan("seller@1", 100, 10)?)
        .plan(plan("buyer@1", 5, 2)?)
        .build()?)
}

async fn found(app: &Tenantry, slug: &str, reach: Reach) -> Outcome<Caller> {
    let founding = Founding {
        slug: slug.parse()?,
        name: slug.to_owned(),
        kind: "platform".parse()?,
        plan: "market@1".parse()?,
        roles: roles()?,
        email: "root@example.com".parse()?,
        user_name: "Root".to_owned(),
        secret: StoredSecret::new("$fake$root".to_owned()),
        reach,
    };
    let founded = app.found(&founding).await?;
    let realm = founded.tenant().realm;
    let root = there(app.store().user_by_email(realm, &founding.email).await?, "the first owner")?;
    let tenant = app.resolve(&founding.slug).await?;
    Ok(app.admit(&tenant, realm, root.id).await?)
}
