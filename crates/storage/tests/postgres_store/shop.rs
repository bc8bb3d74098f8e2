//! A marketplace in a database of its own, and ways to look into it from outside.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use sqlx::{Connection as _, PgConnection};
use tenantry_core::{
    Caller, Catalog, Founding, InTenant, Interval, Meter, NewRole, Plan, Plans, Registration, StoredSecret,
    Tenantry,
};
use tenantry_storage::testing::TestDatabase;
use tenantry_storage::{Migration, PgTenantTx, PostgresOptions, PostgresStore, Sealing};

/// How many listings the plan of a seller allows.
pub(crate) const LIMIT: i64 = 10;

/// Listings, with a history; and what is public of them.
pub(crate) const TABLES: &[Migration] = &[Migration {
    version: 1,
    sql:
        "CREATE TABLE listings (tenant_id uuid NOT NULL, slug text NOT NULL, price bigint NOT NULL DEFAULT 1);
          SELECT tenantry.protect('listings', key => ARRAY['slug'], history => true);
          CREATE TABLE published (slug text NOT NULL PRIMARY KEY, seller text NOT NULL);
          SELECT tenantry.publish('published', 'seller')",
}];

pub(crate) struct Shop {
    pub(crate) store: PostgresStore,
    pub(crate) app: Tenantry,
    pub(crate) operator: Caller,
    pub(crate) seller: Caller,
    pub(crate) buyer: Caller,
    pub(crate) database: TestDatabase,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::open_with(Sealing::Off, PostgresOptions::default()).await
    }

    pub(crate) async fn sealed() -> Self {
        Self::open_with(Sealing::On, PostgresOptions::default()).await
    }

    pub(crate) async fn open_with(sealing: Sealing, options: PostgresOptions) -> Self {
        let database = TestDatabase::create(sealing).await.unwrap();
        database.owner().await.unwrap().migrate("shop", TABLES).await.unwrap();
        let store = PostgresStore::connect(&database.logins(), options).await.unwrap();
        let (app, [operator, seller, buyer]) = fill(&store).await;
        Self { store, app, operator, seller, buyer, database }
    }

    /// A connection of the owner's.
    pub(crate) async fn owner(&self) -> PgConnection {
        PgConnection::connect(&self.database.owner_address()).await.unwrap()
    }

    /// Waits until no session of the application's login is inside a transaction.
    pub(crate) async fn nobody_is_inside(&self) {
        let mut app = PgConnection::connect(&self.database.addresses().app).await.unwrap();
        let ask =
            "SELECT count(*) FROM pg_stat_activity WHERE usename = current_user AND state LIKE 'idle in%'";
        let patience = Instant::now() + Duration::from_secs(10);
        loop {
            let inside: i64 = sqlx::query_scalar(ask).fetch_one(&mut app).await.unwrap();
            if inside == 0 {
                return;
            }
            assert!(Instant::now() < patience, "{inside} sessions are left inside a transaction");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// How many listings the seller's plan counts, and how many there are.
    pub(crate) async fn listings(&self) -> (i64, i64) {
        (self.used("listings").await, self.stored(&self.seller).await)
    }

    /// How many listings a tenant sees.
    pub(crate) async fn stored(&self, of: &impl InTenant) -> i64 {
        let mut tx = self.store.read(of).await.unwrap();
        sqlx::query_scalar("SELECT count(*) FROM listings").fetch_one(tx.connection()).await.unwrap()
    }

    /// How much of a meter the seller's plan counts.
    pub(crate) async fn used(&self, meter: &str) -> i64 {
        let usage = self.app.usage(&self.seller).all().await.unwrap();
        usage.iter().find(|usage| usage.meter.as_str() == meter).unwrap().used
    }

    /// Puts a listing into a tenant's shop.
    pub(crate) async fn list(&self, of: &Caller, slug: &str) {
        let mut tx = self.store.begin(of).await.unwrap();
        insert(&mut tx, slug).await.unwrap();
        tx.commit().await.unwrap();
    }
}

/// Founds the market and registers a seller and a buyer.
pub(crate) async fn fill(store: &PostgresStore) -> (Tenantry, [Caller; 3]) {
    let app = app(store);
    app.found(&founding()).await.unwrap();
    for slug in ["seller", "buyer"] {
        let market = app.resolve(&"market".parse().unwrap()).await.unwrap();
        app.register(&market, registration(slug)).await.unwrap();
    }
    let callers = [caller(&app, "market").await, caller(&app, "seller").await, caller(&app, "buyer").await];
    (app, callers)
}

pub(crate) fn app(store: &PostgresStore) -> Tenantry {
    let plan = Plan::new("any@1".parse().unwrap(), Interval::Month)
        .with_quota("listings".parse().unwrap(), LIMIT)
        .with_quota("calls".parse().unwrap(), 1_000_000);
    let plans = Plans::builder()
        .meter(Meter::gauge("listings".parse().unwrap()))
        .meter(Meter::counter("calls".parse().unwrap()))
        .plan(plan)
        .build()
        .unwrap();
    Tenantry::new(Arc::new(store.clone()), Catalog::builder().build().unwrap(), plans)
}

/// The owner of a tenant, admitted.
pub(crate) async fn caller(app: &Tenantry, slug: &str) -> Caller {
    let tenant = app.resolve(&slug.parse().unwrap()).await.unwrap();
    let email = format!("{slug}@example.com").parse().unwrap();
    let user = app.store().user_by_email(tenant.tenant().realm, &email).await.unwrap().unwrap();
    app.admit(&tenant, user.realm, user.id).await.unwrap()
}

pub(crate) async fn insert(tx: &mut PgTenantTx, slug: &str) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().as_uuid();
    sqlx::query("INSERT INTO listings (tenant_id, slug) VALUES ($1, $2)")
        .bind(tenant)
        .bind(slug.to_owned())
        .execute(tx.connection())
        .await
        .map(drop)
}

/// Polls a future up to `times`, each time that it can go on, and drops it.
pub(crate) async fn poll_and_drop<F: Future>(times: usize, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut polls = 0;
    poll_fn(|context| {
        if polls == times {
            return Poll::Ready(None);
        }
        polls += 1;
        match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if polls == times => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
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

pub(crate) fn founding() -> Founding {
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
