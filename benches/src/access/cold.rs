//! A cold resolve: what [`Tenantry::admit`] adds to the read of the store, and how many statements that is.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use serde::Serialize;
use tenantry::{MemoryStore, NewRole, PrincipalId, Registered, RoleKey, SqliteStore, TenantCtx, Tenantry};
use tenantry_bench_measure::{Spread, median};
use tenantry_storage::testing::TestDatabase;
use tenantry_storage::{PostgresOptions, PostgresStore, Sealing};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::shelf::Store;
use super::{Effort, Fault};
use crate::isolation::tenants::{platform, registration};

/// How many tenants there are, one member of each of which is drawn at a time.
pub(crate) const TENANTS: usize = 100;

/// What the owner's role has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Lines {
    /// One line, for everything.
    One,
    /// Twenty lines, four of them with a condition.
    Twenty,
}

impl Lines {
    pub(crate) const EACH: [Self; 2] = [Self::One, Self::Twenty];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::One => "a role of 1 line",
            Self::Twenty => "a role of 20 lines",
        }
    }

    fn role(self) -> Result<NewRole, Fault> {
        let grants = match self {
            Self::One => vec!["*".parse()?],
            Self::Twenty => (0..20)
                .map(|line| {
                    let when = if line % 5 == 0 { " when resource.owner = caller.id" } else { "" };
                    Ok(format!("area{line}:*{when}").parse()?)
                })
                .collect::<Result<_, Fault>>()?,
        };
        Ok(NewRole { key: RoleKey::owner(), name: "Owner".to_owned(), grants })
    }
}

/// What a cold resolve takes.
#[derive(Debug, Serialize)]
pub(crate) struct Cold {
    pub(crate) store: Store,
    pub(crate) lines: Lines,
    /// Nanoseconds.
    pub(crate) admit: f64,
    /// Nanoseconds, of the store's read alone.
    pub(crate) read: f64,
    /// Nanoseconds, of the differences of neighbours.
    pub(crate) above: Spread,
    /// Statements that an admission sends; nothing where none are sent.
    pub(crate) statements: Option<u64>,
}

impl Cold {
    /// Nanoseconds that an admission may take above the store's read.
    pub(crate) const AIM: f64 = 2_000.0;

    /// Whether it does; nothing where the read's own spread hides it.
    pub(crate) fn is_met(&self) -> Option<bool> {
        let Spread { low, high, .. } = self.above;
        if high <= Self::AIM {
            Some(true)
        } else if low > Self::AIM {
            Some(false)
        } else {
            None
        }
    }
}

/// Somebody to admit.
struct Member {
    tenant: TenantCtx,
    made: Registered,
}

/// Members of one store.
pub(crate) struct Members {
    app: Tenantry,
    store: Store,
    lines: Lines,
    members: Vec<Member>,
    /// What has to live as long as the store: its folder, or its database.
    _kept: Box<dyn Any>,
}

impl Members {
    pub(crate) async fn register(store: Store, lines: Lines) -> Result<Self, Fault> {
        let (app, kept): (_, Box<dyn Any>) = match store {
            Store::Memory => (platform(Arc::new(MemoryStore::default())).await?, Box::new(())),
            Store::Sqlite => {
                let folder = tempfile::tempdir()?;
                let opened = SqliteStore::open(folder.path().join("bench.db")).await?;
                (platform(Arc::new(opened)).await?, Box::new(folder))
            }
            Store::Postgres => {
                let database = TestDatabase::create(Sealing::Off).await?;
                let opened = PostgresStore::connect(&database.logins(), PostgresOptions::default()).await?;
                (platform(Arc::new(opened)).await?, Box::new(database))
            }
        };
        let mut members = Vec::with_capacity(TENANTS);
        let root = app.resolve(&"platform".parse()?).await?;
        for number in 0..TENANTS {
            let mut registration = registration(number)?;
            registration.roles = vec![lines.role()?];
            let made = app.register(&root, registration).await?;
            members.push(Member { tenant: app.resolve_id(made.tenant.id).await?, made });
        }
        Ok(Self { app, store, lines, members, _kept: kept })
    }

    async fn admit(&self, member: &Member) -> Result<(), Fault> {
        let user = &member.made.user;
        std::hint::black_box(self.app.admit(&member.tenant, user.realm, user.id).await?);
        Ok(())
    }

    /// The store's own read of what an admission needs.
    async fn read(&self, member: &Member) -> Result<(), Fault> {
        let principal = PrincipalId::User(member.made.user.id);
        let found = self.app.store().principal(member.tenant.scope(), principal).await?;
        std::hint::black_box(found.ok_or("no such member")?);
        Ok(())
    }

    /// Admissions and reads in turn, each pair of the same member, and every other pair the other way round.
    #[expect(clippy::float_arithmetic, reason = "a measurement, not money")]
    pub(crate) async fn measure(&self, effort: Effort) -> Result<Cold, Fault> {
        let (mut admits, mut reads, mut above) = (vec![], vec![], vec![]);
        let nanos = |began: Instant| began.elapsed().as_secs_f64() * 1e9;
        for (turn, member) in self.members.iter().cycle().take(effort.admissions).enumerate() {
            let mut took = [0.0; 2];
            for step in 0..2 {
                let began = Instant::now();
                if (turn + step) % 2 == 0 {
                    self.admit(member).await?;
                    took[0] = nanos(began);
                } else {
                    self.read(member).await?;
                    took[1] = nanos(began);
                }
            }
            let [admit, read] = took;
            if turn >= self.members.len() {
                admits.push(admit);
                reads.push(read);
                above.push(admit - read);
            }
        }
        let above = Spread::of(above);
        let (store, lines) = (self.store, self.lines);
        Ok(Cold { store, lines, admit: median(admits), read: median(reads), above, statements: None })
    }

    /// How many statements an admission sends, as sqlx tells of them.
    pub(crate) async fn statements(&self, counter: &Statements) -> Result<u64, Fault> {
        let before = counter.sent();
        for member in &self.members {
            self.admit(member).await?;
        }
        Ok((counter.sent() - before) / u64::try_from(self.members.len())?)
    }
}

/// Counts what sqlx tells of the statements that it sends. From when it is installed on, telling takes time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Statements(Arc<AtomicU64>);

impl Statements {
    /// Listens to the whole process.
    pub(crate) fn install() -> Result<Self, Fault> {
        let counter = Self::default();
        tracing::subscriber::set_global_default(counter.clone())?;
        Ok(counter)
    }

    fn sent(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Subscriber for Statements {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sqlx::query"
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
