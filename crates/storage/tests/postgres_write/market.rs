//! A marketplace in a database of its own.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tenantry_core::{
    BasisPoints, Batch, Caller, Catalog, Currency, Founding, Fulfilment, Interval, ManualClock, Meter, Money,
    NewRole, Order, OrderCommand, OrderId, Placement, Plan, Plans, Registration, StoredSecret, Subject,
    Tenantry, Terms, WorkKind,
};
use tenantry_storage::testing::TestDatabase;
use tenantry_storage::{PostgresOptions, PostgresStore, Sealing};

pub(crate) struct Market {
    pub(crate) database: TestDatabase,
    pub(crate) store: PostgresStore,
    pub(crate) app: Tenantry,
    pub(crate) operator: Caller,
}

impl Market {
    pub(crate) async fn open() -> Self {
        Self::open_with(PostgresOptions::default(), str::to_owned).await
    }

    /// A market whose writer connects to where `through` leads.
    pub(crate) async fn open_with(options: PostgresOptions, through: impl FnOnce(&str) -> String) -> Self {
        let database = TestDatabase::create(Sealing::Off).await.unwrap();
        let clock = Arc::new(ManualClock::at("2026-01-31T09:00:00Z".parse().unwrap()));
        let mut addresses = database.addresses().clone();
        addresses.writer = through(&addresses.writer);
        let options = options.with_clock(clock);
        let store = PostgresStore::connect(&addresses.logins(), options).await.unwrap();
        let app = app(&store);
        let founded = app.found(&founding()).await.unwrap();
        let realm = founded.tenant().realm;
        let root = app.store().user_by_email(realm, &founding().email).await.unwrap().unwrap();
        let tenant = app.resolve(&founding().slug).await.unwrap();
        let operator = app.admit(&tenant, realm, root.id).await.unwrap();
        Self { database, store, app, operator }
    }

    pub(crate) async fn register(&self, slug: &str) -> Caller {
        let market = self.app.resolve_id(self.operator.tenant().id()).await.unwrap();
        let registered = self.app.register(&market, registration(slug)).await.unwrap();
        let tenant = self.app.resolve(&registered.tenant.slug).await.unwrap();
        self.app.admit(&tenant, registered.user.realm, registered.user.id).await.unwrap()
    }

    pub(crate) async fn place(&self, buyer: &Caller, seller: &Caller) -> Order {
        self.app.orders(buyer).place(placement(seller)).await.unwrap()
    }

    /// An order that was paid for and is under review.
    pub(crate) async fn buy(&self, buyer: &Caller, seller: &Caller) -> Order {
        let order = self.place(buyer, seller).await;
        let event = format!("paid-{}", order.id);
        let market = self.app.resolve_id(self.operator.tenant().id()).await.unwrap();
        self.app.work().receive(&market, "provider", event.clone(), json!({})).await.unwrap();
        let claimed = self.app.work().claim(500, Duration::from_secs(60)).await.unwrap();
        for ctx in claimed {
            let is_report = ctx.claim().is_some_and(|claim| claim.item.kind == WorkKind::Inbox);
            if is_report {
                let pay = OrderCommand::Pay { payment: "p-1".parse().unwrap(), paid: order.terms.gross };
                return self.app.order_steps(&ctx).take(order.id, pay).await.unwrap().order;
            }
        }
        panic!("the report isn't pending work");
    }

    /// The batch that releases an order's money, unsent.
    pub(crate) async fn release(&self, buyer: &Caller, order: OrderId) -> Batch {
        self.app.orders(buyer).accept(order).unsent().await.unwrap().into_parts().0.unwrap()
    }

    /// The batch that uses one call, unsent.
    pub(crate) async fn call(&self, caller: &Caller) -> Batch {
        let consume = self.app.usage(caller).consume("calls".parse().unwrap(), 1);
        consume.unsent().await.unwrap().into_parts().0.unwrap()
    }

    pub(crate) async fn calls(&self, caller: &Caller) -> i64 {
        let usage = self.app.usage(caller).all().await.unwrap();
        usage.iter().find(|usage| usage.meter.as_str() == "calls").unwrap().used
    }
}

pub(crate) fn app(store: &PostgresStore) -> Tenantry {
    let plan = Plan::new("any@1".parse().unwrap(), Interval::Month)
        .with_quota("calls".parse().unwrap(), 1_000_000_000);
    let plans = Plans::builder().meter(Meter::counter("calls".parse().unwrap())).plan(plan).build().unwrap();
    Tenantry::new(Arc::new(store.clone()), Catalog::builder().build().unwrap(), plans)
}

pub(crate) fn placement(seller: &Caller) -> Placement {
    Placement {
        id: OrderId::generate(),
        seller: seller.tenant().id(),
        subject: Subject { reference: "shop".to_owned(), snapshot: json!({ "title": "Ecke ☕" }) },
        terms: Terms {
            gross: Money::new(4_999, Currency::USD),
            fee: BasisPoints::new(800).unwrap(),
            review: Duration::from_secs(72 * 3600),
            payment_window: Duration::from_secs(30 * 60),
            fulfilment: Fulfilment::Immediate,
        },
    }
}

fn founding() -> Founding {
    Founding {
        slug: "market".parse().unwrap(),
        name: "Market".to_owned(),
        kind: "platform".parse().unwrap(),
        plan: "any@1".parse().unwrap(),
        roles: vec![NewRole::owner()],
        email: "market@example.com".parse().unwrap(),
        user_name: "Root".to_owned(),
        secret: StoredSecret::new("$fake$".to_owned()),
        reach: tenantry_core::Reach::Here,
    }
}

pub(crate) fn registration(slug: &str) -> Registration {
    Registration {
        slug: slug.parse().unwrap(),
        name: slug.to_owned(),
        kind: "party".parse().unwrap(),
        plan: "any@1".parse().unwrap(),
        roles: vec![NewRole::owner()],
        email: format!("{slug}@example.com").parse().unwrap(),
        user_name: slug.to_owned(),
        secret: StoredSecret::new("$fake$".to_owned()),
        reach: tenantry_core::Reach::Here,
    }
}
