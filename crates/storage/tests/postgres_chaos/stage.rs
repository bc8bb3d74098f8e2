//! Two marketplaces with many tenants on a server of the test's own, reached by two stores over lines that can be cut.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use sqlx::{Connection as _, PgConnection};
use tenantry_core::{
    Caller, Catalog, Founding, Interval, Meter, NewRole, OrderId, Plan, Plans, Registration, Slug,
    StoredSecret, Tenantry,
};
use tenantry_storage::{Logins, Migration, PostgresOptions, PostgresOwner, PostgresStore, Roles, Sealing};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::dice::Dice;
use super::journal::Journal;
use super::purchases::Deal;
use super::servers::Server;
use super::tally::Tally;
use super::watch::Watch;
use super::wire::Wire;

/// How much the gauge `entries` may hold.
pub(crate) const ENTRIES: i64 = 12;
/// How often tenants on the small plan may call.
pub(crate) const FEW_CALLS: i64 = 3;
pub(crate) const MANY_CALLS: i64 = 1_000_000;
const OPERATORS: usize = 2;

const TABLES: &[Migration] = &[Migration {
    version: 1,
    sql: "CREATE TABLE entries (tenant_id uuid NOT NULL, entry uuid NOT NULL, mark text NOT NULL, amount bigint NOT NULL);
          SELECT tenantry.protect('entries', key => ARRAY['entry'], history => true)",
}];

/// One process's view: a store and the library over it.
pub(crate) struct Process {
    pub(crate) store: PostgresStore,
    pub(crate) app: Tenantry,
}

pub(crate) struct Stage {
    pub(crate) server: Arc<Server>,
    /// Where each login goes: the line that can be cut, and the address past it.
    pub(crate) lines: Vec<(Wire, String)>,
    pub(crate) processes: Vec<Process>,
    pub(crate) operators: Vec<Caller>,
    pub(crate) residents: Vec<Resident>,
    pub(crate) deals: Mutex<BTreeMap<OrderId, Deal>>,
    pub(crate) tally: Tally,
    pub(crate) watch: Watch,
    pub(crate) seed: u64,
    /// Whether everybody is to stop.
    pub(crate) is_over: AtomicBool,
}

/// A tenant below an operator.
pub(crate) struct Resident {
    pub(crate) slug: Slug,
    pub(crate) operator: usize,
    /// What each of its rows carries.
    pub(crate) mark: String,
    pub(crate) calls: i64,
    caller: Mutex<Caller>,
    journal: Mutex<Journal>,
    /// Odd while it is suspended or closed beyond doubt. Moves with each such change.
    pub(crate) standing: AtomicU64,
    /// One change of its status at a time.
    pub(crate) changing: tokio::sync::Mutex<Option<tokio::time::Instant>>,
    pub(crate) is_closed: AtomicBool,
}

impl Resident {
    pub(crate) fn caller(&self) -> Caller {
        self.caller.lock().unwrap().clone()
    }

    /// A caller that was admitted anew.
    pub(crate) fn readmit(&self, caller: Caller) {
        *self.caller.lock().unwrap() = caller;
    }

    pub(crate) fn id(&self) -> Uuid {
        self.caller.lock().unwrap().tenant().id().as_uuid()
    }

    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap()
    }
}

impl Stage {
    pub(crate) async fn set(server: Arc<Server>, tenants: usize, seed: u64) -> Self {
        connect_at_once(&superuser(&server)).await;
        let sealing = if Dice::of(seed, u64::MAX).once_in(2) { Sealing::On } else { Sealing::Off };
        println!("{tenants} tenants, sealing {sealing:?}");
        let role = |name: &str| name.parse().unwrap();
        let roles = Roles::new(role("shop_app"), role("shop_writer"), role("shop_admin")).unwrap();
        let mut owner = PostgresOwner::connect(&server.address("shop")).await.unwrap();
        let key = owner.set_up(&roles, sealing).await.unwrap();
        owner.migrate("shop", TABLES).await.unwrap();
        let addresses = owner.set_passwords(&roles).await.unwrap();
        let mut lines = vec![];
        for address in [addresses.app, addresses.writer, addresses.admin] {
            lines.push((Wire::to(&address).await, address));
        }
        let by: Vec<_> = lines.iter().map(|(wire, address)| wire.by(address)).collect();
        let mut logins = Logins::new(&by[0], &by[1]).with_admin(&by[2]);
        if let Some(key) = key {
            logins = logins.with_sealing_key(key);
        }
        let mut processes = vec![];
        for _ in 0..2 {
            let options = PostgresOptions::default();
            let store = PostgresStore::connect(&logins, options).await.unwrap();
            processes.push(Process { app: app(&store), store });
        }
        let first = &processes[0].app;
        let mut operators = vec![];
        for nth in 0..OPERATORS {
            let founding = founding(nth);
            first.found(&founding).await.unwrap();
            operators.push(admitted(first, &founding.slug).await);
        }
        let residents = register(first, &operators, tenants).await;
        Self {
            server,
            lines,
            processes,
            operators,
            residents,
            deals: Mutex::default(),
            tally: Tally::default(),
            watch: Watch::default(),
            seed,
            is_over: AtomicBool::new(false),
        }
    }

    /// One of the processes.
    pub(crate) fn process(&self, dice: &mut Dice) -> &Process {
        dice.pick(&self.processes)
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// A superuser's address past the lines, for looking at everything.
    pub(crate) fn superuser(&self) -> String {
        superuser(&self.server)
    }
}

fn superuser(server: &Server) -> String {
    server.address("shop").replacen("owner:", "superuser:", 1)
}

/// Has the server take passwords as they are: to prove one unseen takes thousands of hashes on each side, and here
/// connections are made all the time.
async fn connect_at_once(superuser: &str) {
    let mut connection = PgConnection::connect(superuser).await.unwrap();
    let rules: String = sqlx::query_scalar("SHOW hba_file").fetch_one(&mut connection).await.unwrap();
    std::fs::write(rules, "host all all 127.0.0.1/32 password\n").unwrap();
    sqlx::raw_sql("SELECT pg_reload_conf()").execute(&mut connection).await.unwrap();
}

async fn register(app: &Tenantry, operators: &[Caller], tenants: usize) -> Vec<Resident> {
    let (mut registering, at_once) = (JoinSet::new(), Arc::new(Semaphore::new(8)));
    for nth in 0..tenants {
        let operator = nth % operators.len();
        let (app, at) = (app.clone(), operators[operator].tenant().clone());
        let at_once = Arc::clone(&at_once);
        registering.spawn(async move {
            let _turn = at_once.acquire().await.unwrap();
            let slug: Slug = format!("tenant-{nth}").parse().unwrap();
            let (plan, calls) = if nth % 4 == 0 { ("small@1", FEW_CALLS) } else { ("large@1", MANY_CALLS) };
            app.register(&at, registration(&slug, plan)).await.unwrap();
            let caller = Mutex::new(admitted(&app, &slug).await);
            let resident = Resident {
                mark: format!("the mark of {slug}"),
                slug,
                operator,
                calls,
                caller,
                journal: Mutex::default(),
                standing: AtomicU64::new(0),
                changing: tokio::sync::Mutex::new(None),
                is_closed: AtomicBool::new(false),
            };
            (nth, resident)
        });
    }
    let residents: BTreeMap<_, _> = registering.join_all().await.into_iter().collect();
    residents.into_values().collect()
}

async fn admitted(app: &Tenantry, slug: &Slug) -> Caller {
    let tenant = app.resolve(slug).await.unwrap();
    let email = format!("{slug}@example.com").parse().unwrap();
    let user = app.store().user_by_email(tenant.tenant().realm, &email).await.unwrap().unwrap();
    app.admit(&tenant, user.realm, user.id).await.unwrap()
}

fn app(store: &PostgresStore) -> Tenantry {
    let meter = |key: &str| key.parse().unwrap();
    let plan = |reference: &str, calls| {
        let plan = Plan::new(reference.parse().unwrap(), Interval::Month);
        plan.with_quota(meter("entries"), ENTRIES).with_quota(meter("calls"), calls)
    };
    let plans = Plans::builder()
        .meter(Meter::gauge(meter("entries")))
        .meter(Meter::counter(meter("calls")))
        .plan(plan("small@1", FEW_CALLS))
        .plan(plan("large@1", MANY_CALLS))
        .build()
        .unwrap();
    Tenantry::new(Arc::new(store.clone()), Catalog::builder().build().unwrap(), plans)
}

fn founding(nth: usize) -> Founding {
    let slug = format!("market-{nth}");
    Founding {
        slug: slug.parse().unwrap(),
        name: slug.clone(),
        kind: "platform".parse().unwrap(),
        plan: "large@1".parse().unwrap(),
        roles: vec![NewRole::owner()],
        email: format!("{slug}@example.com").parse().unwrap(),
        user_name: "Root".to_owned(),
        secret: StoredSecret::new("$fake$".to_owned()),
        reach: tenantry_core::Reach::Here,
    }
}

fn registration(slug: &Slug, plan: &str) -> Registration {
    Registration {
        slug: slug.clone(),
        name: slug.to_string(),
        kind: "party".parse().unwrap(),
        plan: plan.parse().unwrap(),
        roles: vec![NewRole::owner()],
        email: format!("{slug}@example.com").parse().unwrap(),
        user_name: slug.to_string(),
        secret: StoredSecret::new("$fake$".to_owned()),
        reach: tenantry_core::Reach::Here,
    }
}
