//! A marketplace in a file, and a way to look into the file from outside.

use std::future::{Future, poll_fn};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{Connection as _, SqliteConnection};
use tenantry_core::{
    Caller, Catalog, Founding, Interval, Meter, NewRole, Plan, Plans, Registration, StoredSecret, Tenantry,
    UsageRefusal,
};
use tenantry_storage::{Migration, SqliteOptions, SqliteStore, TenantTx};

/// How many listings the plan of a seller allows.
pub(crate) const LIMIT: i64 = 10;

/// How many slots it allows.
pub(crate) const SLOTS: i64 = 60;

const TABLES: &[Migration] = &[Migration {
    version: 1,
    sql: "CREATE TABLE listings (
              tenant_id BLOB NOT NULL, slug TEXT NOT NULL, PRIMARY KEY (tenant_id, slug)
          ) STRICT, WITHOUT ROWID",
}];

pub(crate) struct Shop {
    pub(crate) store: SqliteStore,
    pub(crate) app: Tenantry,
    pub(crate) operator: Caller,
    pub(crate) seller: Caller,
    pub(crate) buyer: Caller,
    folder: tempfile::TempDir,
}

impl Shop {
    pub(crate) async fn open() -> Self {
        Self::open_with(SqliteOptions::default()).await
    }

    /// A shop whose writers wait 50 ms for each other.
    pub(crate) async fn impatient() -> Self {
        Self::open_with(SqliteOptions::default().with_lock_wait(Duration::from_millis(50))).await
    }

    pub(crate) async fn open_with(options: SqliteOptions) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open_with(folder.path().join("shop.db"), options).await.unwrap();
        store.migrate("shop", TABLES).await.unwrap();
        let app = app(&store);
        app.found(&founding()).await.unwrap();
        for slug in ["seller", "buyer"] {
            let market = app.resolve(&"market".parse().unwrap()).await.unwrap();
            app.register(&market, registration(slug)).await.unwrap();
        }
        let operator = caller(&app, "market").await;
        let (seller, buyer) = (caller(&app, "seller").await, caller(&app, "buyer").await);
        Self { store, app, operator, seller, buyer, folder }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.folder.path().join("shop.db")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) async fn outside(&self) -> SqliteConnection {
        outside(&self.file()).await
    }

    /// How many listings the seller's plan counts, and how many there are.
    pub(crate) async fn listings(&self) -> (i64, i64) {
        let used = self.used("listings").await;
        let stored = sqlx::query_scalar("SELECT count(*) FROM listings WHERE tenant_id = $1")
            .bind(self.seller.tenant().id().as_uuid())
            .fetch_one(self.store.readers())
            .await
            .unwrap();
        (used, stored)
    }

    /// How much of a meter the seller's plan counts.
    pub(crate) async fn used(&self, meter: &str) -> i64 {
        let usage = self.app.usage(&self.seller).all().await.unwrap();
        usage.iter().find(|usage| usage.meter.as_str() == meter).unwrap().used
    }

    pub(crate) async fn use_one(&self) -> Result<(), tenantry_core::Failure<UsageRefusal>> {
        self.app.usage(&self.seller).consume("listings".parse().unwrap(), 1).await
    }
}

pub(crate) fn app(store: &SqliteStore) -> Tenantry {
    let plan = Plan::new("any@1".parse().unwrap(), Interval::Month)
        .with_quota("listings".parse().unwrap(), LIMIT)
        .with_quota("slots".parse().unwrap(), SLOTS)
        .with_quota("calls".parse().unwrap(), 1_000_000);
    let plans = Plans::builder()
        .meter(Meter::gauge("listings".parse().unwrap()))
        .meter(Meter::gauge("slots".parse().unwrap()))
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

pub(crate) async fn insert(tx: &mut TenantTx, slug: &str) -> Result<(), sqlx::Error> {
    let tenant = tx.tenant().as_uuid();
    sqlx::query("INSERT INTO listings (tenant_id, slug) VALUES ($1, $2)")
        .bind(tenant)
        .bind(slug.to_owned())
        .execute(tx.connection())
        .await
        .map(drop)
}

/// A connection that knows nothing of the store and waits for no lock.
pub(crate) async fn outside(file: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(file).busy_timeout(Duration::ZERO);
    SqliteConnection::connect_with(&options).await.unwrap()
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

fn registration(slug: &str) -> Registration {
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
