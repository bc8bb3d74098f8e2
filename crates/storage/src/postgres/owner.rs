use std::str::FromStr as _;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection};

use super::deadlock::{ATTEMPTS, is_deadlock};
use super::migrated::VERSIONS;
use super::{Logins, Roles, SealingKey, rights, scram};
use crate::migration::{LIBRARY, MigrateError, Migration, pending};

/// The store's own tables.
pub(super) const STEPS: &[Migration] = &[
    Migration { version: 1, sql: include_str!("schema/tables.sql") },
    Migration { version: 2, sql: include_str!("schema/access.sql") },
    Migration { version: 3, sql: include_str!("schema/orders.sql") },
];

/// The advisory lock under which migrations take turns: "tenantry" as a number.
const TURN: &str = "SET LOCAL lock_timeout = '30s'; SELECT pg_advisory_xact_lock(8387229063778890361)";

/// The same once the table is there: a lock that no serving login has the right to take.
const LATER_TURN: &str = "SET LOCAL lock_timeout = '30s'; \
                          LOCK TABLE tenantry_directory.tenantry_migrations IN EXCLUSIVE MODE";

/// What the serving logins are limited to. Set anew each time, and whatever else is set for them goes: a login may
/// change its own settings, so that SQL that was injected can have left some.
const LIMITS: &[(&str, &str)] = &[
    ("statement_timeout", "30s"),
    ("lock_timeout", "5s"),
    ("idle_in_transaction_session_timeout", "60s"),
    ("client_connection_check_interval", "10s"),
];

/// The table of the sealing key. It goes to the door's role, so it is no step of the library's tables.
const KEY_TABLE: &str = "CREATE TABLE IF NOT EXISTS tenantry_directory.tenantry_sealing_key (
    id boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (id), inner_pad bytea NOT NULL, outer_pad bytea NOT NULL)";

/// The owner of a database, who migrates it and never serves.
///
/// The owner needs `CREATEROLE` where the logins are missing, and no more: no superuser.
///
/// ```no_run
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use tenantry_storage::{Migration, PostgresOwner, Roles, Sealing};
///
/// const SHOP: &[Migration] = &[Migration {
///     version: 1,
///     sql: "CREATE TABLE listings (
///               tenant_id uuid NOT NULL, slug text NOT NULL, title text NOT NULL, PRIMARY KEY (tenant_id, slug)
///           );
///           SELECT tenantry.protect('listings')",
/// }];
///
/// let roles = Roles::new("shop_app".parse()?, "shop_writer".parse()?, "shop_admin".parse()?)?;
/// let mut owner = PostgresOwner::connect("postgres://owner@localhost/shop").await?;
/// owner.set_up(&roles, Sealing::Keep).await?;
/// owner.migrate("shop", SHOP).await?;
/// let logins = owner.set_passwords(&roles).await?;
/// # drop(logins);
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct PostgresOwner {
    connection: PgConnection,
    options: PgConnectOptions,
}

/// Whether the policies believe `app.tenant_id` only with a seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sealing {
    /// As it is; off in a new database.
    Keep,
    /// Only with a seal: injected SQL can't name another tenant.
    On,
    /// Without one: what a statement forgot can't show another tenant's rows, but injected SQL could name one.
    Off,
}

impl PostgresOwner {
    /// Connects as the owner.
    ///
    /// # Errors
    /// [`SetUpError::Address`], [`SetUpError::Failed`].
    pub async fn connect(address: &str) -> Result<Self, SetUpError> {
        let options = PgConnectOptions::from_str(address).map_err(SetUpError::Address)?;
        let connection = options.connect().await.map_err(failed("connect"))?;
        Ok(Self { connection, options })
    }

    /// Makes what is missing, in one transaction: the logins, the library's tables, their policies and grants. Safe to
    /// call in several processes at once; calling it again changes nothing. Answers the key of sealed mode.
    ///
    /// The application's protected tables follow when sealing is turned on or off. Where the database is being served
    /// from, this and a request may wait for each other: then it begins again, at most 7 times.
    ///
    /// # Errors
    /// [`SetUpError`]; on each of them nothing was changed.
    pub async fn set_up(
        &mut self,
        roles: &Roles,
        sealing: Sealing,
    ) -> Result<Option<SealingKey>, SetUpError> {
        for _ in 1..ATTEMPTS {
            match self.try_set_up(roles, sealing).await {
                Err(error) if is_deadlock(&error) => {
                    tracing::info!("setting up again: a request was in the way");
                }
                done => return done,
            }
        }
        self.try_set_up(roles, sealing).await
    }

    async fn try_set_up(
        &mut self,
        roles: &Roles,
        sealing: Sealing,
    ) -> Result<Option<SealingKey>, SetUpError> {
        let mut tx = self.connection.begin().await.map_err(failed("begin"))?;
        let is_set_up: bool =
            sqlx::query_scalar("SELECT to_regclass('tenantry_directory.tenantry_migrations') IS NOT NULL")
                .fetch_one(&mut *tx)
                .await
                .map_err(failed("look for its tables"))?;
        run(&mut tx, if is_set_up { LATER_TURN } else { TURN }.to_owned(), "take its turn").await?;
        for (role, kind) in [
            (roles.app().as_str(), "LOGIN"),
            (roles.writer().as_str(), "LOGIN"),
            (roles.admin().as_str(), "LOGIN"),
            (&roles.door(), "NOLOGIN"),
        ] {
            make_role(&mut tx, role, kind).await?;
        }
        run(&mut tx, include_str!("schema/base.sql").to_owned(), "make its schemas").await?;
        let was_sealed = settings(&mut tx, roles).await?;
        let is_sealed = match sealing {
            Sealing::Keep => was_sealed.unwrap_or(false),
            Sealing::On => true,
            Sealing::Off => false,
        };
        apply(&mut tx, LIBRARY, STEPS).await?;
        let door = roles.door();
        run(&mut tx, format!("GRANT {door} TO CURRENT_USER"), "become the door").await?;
        let key = install(&mut tx, roles, is_sealed).await?;
        run(&mut tx, PROTECT_AGAIN.to_owned(), "protect the application's tables again").await?;
        find_names(&mut tx, roles).await?;
        run(&mut tx, format!("REVOKE {door} FROM CURRENT_USER"), "leave the door").await?;
        tx.commit().await.map_err(failed("commit"))?;
        Ok(key)
    }

    /// Brings the application's tables of one name space up to date: applies, in one transaction, the steps that the
    /// database hasn't seen. Safe to call in several processes at once; calling it again changes nothing. Begins again
    /// as [`set_up`](Self::set_up) does.
    ///
    /// # Errors
    /// [`MigrateError`]; on each of them no step was applied.
    pub async fn migrate(
        &mut self,
        namespace: &'static str,
        migrations: &[Migration],
    ) -> Result<(), MigrateError> {
        for _ in 1..ATTEMPTS {
            match self.try_migrate(namespace, migrations).await {
                Err(error) if is_deadlock(&error) => {
                    tracing::info!("migrating again: a request was in the way");
                }
                done => return done,
            }
        }
        self.try_migrate(namespace, migrations).await
    }

    async fn try_migrate(
        &mut self,
        namespace: &'static str,
        migrations: &[Migration],
    ) -> Result<(), MigrateError> {
        if namespace == LIBRARY {
            return Err(MigrateError::Reserved);
        }
        let failed = |source| MigrateError::Failed { namespace, version: 0, source };
        let mut tx = self.connection.begin().await.map_err(failed)?;
        sqlx::raw_sql(LATER_TURN).execute(&mut *tx).await.map_err(failed)?;
        apply(&mut tx, namespace, migrations).await?;
        tx.commit().await.map_err(failed)
    }

    /// Gives the logins new passwords, and answers the addresses to serve from. Who serves with the old ones can't
    /// connect any more; connections that are open stay.
    ///
    /// # Errors
    /// [`SetUpError::Failed`], [`SetUpError::Random`].
    pub async fn set_passwords(&mut self, roles: &Roles) -> Result<Addresses, SetUpError> {
        let mut addresses = Vec::with_capacity(3);
        let mut tx = self.connection.begin().await.map_err(failed("begin"))?;
        run(&mut tx, LATER_TURN.to_owned(), "take its turn").await?;
        for role in [roles.app(), roles.writer(), roles.admin()] {
            let (mut secret, mut salt) = ([0; 32], [0; 16]);
            getrandom::fill(&mut secret)
                .and_then(|()| getrandom::fill(&mut salt))
                .map_err(SetUpError::Random)?;
            let password = BASE64_URL_SAFE_NO_PAD.encode(secret);
            let verifier = scram::verifier(&password, &salt);
            run(&mut tx, format!("ALTER ROLE {role} PASSWORD '{verifier}'"), "set a password").await?;
            let options = self.options.clone().username(role.as_str()).password(&password);
            addresses.push(options.to_url_lossy().to_string());
        }
        tx.commit().await.map_err(failed("commit"))?;
        let [app, writer, admin] = addresses.try_into().unwrap_or_default();
        Ok(Addresses { app, writer, admin })
    }
}

/// The addresses of the serving logins, with their passwords: keep them as you keep passwords.
#[derive(Clone)]
#[non_exhaustive]
pub struct Addresses {
    /// Of the login that serves requests.
    pub app: String,
    /// Of the write door.
    pub writer: String,
    /// Of the bypass and the workers.
    pub admin: String,
}

impl Addresses {
    /// To connect a store with.
    #[must_use]
    pub fn logins(&self) -> Logins {
        Logins::new(&self.app, &self.writer).with_admin(&self.admin)
    }
}

impl std::fmt::Debug for Addresses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Addresses(…)")
    }
}

async fn make_role(tx: &mut PgConnection, role: &str, kind: &'static str) -> Result<(), SetUpError> {
    let known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)")
        .bind(role)
        .fetch_one(&mut *tx)
        .await
        .map_err(failed("look for its roles"))?;
    if known {
        return Ok(());
    }
    let made = sqlx::raw_sql(AssertSqlSafe(format!("CREATE ROLE {role} {kind}"))).execute(&mut *tx).await;
    made.map_err(|source| SetUpError::Role { role: role.to_owned(), source })?;
    Ok(())
}

/// Notes who the logins are; answers whether the database was sealed, if it was set up before.
async fn settings(tx: &mut PgConnection, roles: &Roles) -> Result<Option<bool>, SetUpError> {
    let found: Option<(String, String, String, bool)> =
        sqlx::query_as("SELECT app, writer, admin, is_sealed FROM tenantry_directory.tenantry_settings")
            .fetch_optional(&mut *tx)
            .await
            .map_err(failed("read its settings"))?;
    if let Some((app, writer, admin, is_sealed)) = found {
        let is_same = app == roles.app().as_str()
            && writer == roles.writer().as_str()
            && admin == roles.admin().as_str();
        return if is_same {
            Ok(Some(is_sealed))
        } else {
            Err(SetUpError::OtherRoles { app, writer, admin })
        };
    }
    sqlx::query(
        "INSERT INTO tenantry_directory.tenantry_settings (app, writer, admin, door, is_sealed)
         VALUES ($1, $2, $3, $4, false)",
    )
    .bind(roles.app().as_str())
    .bind(roles.writer().as_str())
    .bind(roles.admin().as_str())
    .bind(roles.door())
    .execute(&mut *tx)
    .await
    .map_err(failed("note its settings"))?;
    Ok(None)
}

/// The functions, the grants and the key, all as they are to be now.
async fn install(
    tx: &mut PgConnection,
    roles: &Roles,
    is_sealed: bool,
) -> Result<Option<SealingKey>, SetUpError> {
    sqlx::query("UPDATE tenantry_directory.tenantry_settings SET is_sealed = $1")
        .bind(is_sealed)
        .execute(&mut *tx)
        .await
        .map_err(failed("note its settings"))?;
    run(tx, KEY_TABLE.to_owned(), "make the table of its key").await?;
    let key = if is_sealed { Some(keep_key(tx).await?) } else { None };
    run(tx, include_str!("schema/protect.sql").to_owned(), "make its procedures").await?;
    run(tx, rights::doors(roles, is_sealed), "make its functions").await?;
    run(tx, rights::owners(roles), "hand its functions over").await?;
    run(tx, rights::grants(roles, is_sealed), "grant its rights").await?;
    Ok(key)
}

/// The key that is there, or a new one.
async fn keep_key(tx: &mut PgConnection) -> Result<SealingKey, SetUpError> {
    let known: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT inner_pad FROM tenantry_directory.tenantry_sealing_key")
            .fetch_optional(&mut *tx)
            .await
            .map_err(failed("read its key"))?;
    if let Some(key) = known.as_deref().and_then(SealingKey::from_inner_pad) {
        return Ok(key);
    }
    let key = SealingKey::generate().map_err(SetUpError::Random)?;
    let [inner, outer] = key.pads();
    sqlx::query("INSERT INTO tenantry_directory.tenantry_sealing_key (inner_pad, outer_pad) VALUES ($1, $2)")
        .bind(inner)
        .bind(outer)
        .execute(&mut *tx)
        .await
        .map_err(failed("keep its key"))?;
    Ok(key)
}

const PROTECT_AGAIN: &str = "DO $$
    DECLARE known record;
    BEGIN
        DELETE FROM tenantry_directory.tenantry_protected
        WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = relation::oid);
        FOR known IN SELECT * FROM tenantry_directory.tenantry_protected LOOP
            IF known.publisher IS NULL THEN
                PERFORM tenantry.protect(known.relation, history => known.has_history);
            ELSE
                PERFORM tenantry.publish(known.relation, known.publisher);
            END IF;
        END LOOP;
    END $$";

/// Where the logins find names: in the library's schemas first, in temporary tables last. And where the database is
/// the owner's own, nobody makes temporary tables, which could stand in for real ones.
async fn find_names(tx: &mut PgConnection, roles: &Roles) -> Result<(), SetUpError> {
    let (database, is_own): (String, bool) = sqlx::query_as(
        "SELECT quote_ident(datname), pg_has_role(datdba, 'USAGE') FROM pg_database
         WHERE datname = current_database()",
    )
    .fetch_one(&mut *tx)
    .await
    .map_err(failed("look at its database"))?;
    for role in [roles.app(), roles.writer(), roles.admin()] {
        run(tx, format!("ALTER ROLE {role} RESET ALL"), "reset a role").await?;
        run(tx, format!("ALTER ROLE {role} IN DATABASE {database} RESET ALL"), "reset a role").await?;
        for (setting, value) in LIMITS {
            run(tx, format!("ALTER ROLE {role} SET {setting} = '{value}'"), "limit a role").await?;
        }
        let path = "tenantry, tenantry_directory, public, pg_temp";
        let set = format!("ALTER ROLE {role} IN DATABASE {database} SET search_path = {path}");
        run(tx, set, "set where names are found").await?;
    }
    if is_own {
        let (app, writer, admin) = (roles.app(), roles.writer(), roles.admin());
        let revoke = format!(
            "REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC, {app}, {writer}, {admin};
             GRANT CONNECT ON DATABASE {database} TO {app}, {writer}, {admin}"
        );
        run(tx, revoke, "take temporary tables away").await?;
    }
    Ok(())
}

async fn apply(
    tx: &mut PgConnection,
    namespace: &'static str,
    migrations: &[Migration],
) -> Result<(), MigrateError> {
    let seen: Vec<i64> = sqlx::query_scalar(VERSIONS)
        .bind(namespace)
        .fetch_all(&mut *tx)
        .await
        .map_err(|source| MigrateError::Failed { namespace, version: 0, source })?;
    for step in pending(namespace, migrations, &seen)? {
        let failed = |source| MigrateError::Failed { namespace, version: step.version, source };
        sqlx::raw_sql(step.sql).execute(&mut *tx).await.map_err(failed)?;
        sqlx::query(
            "INSERT INTO tenantry_directory.tenantry_migrations (namespace, version) VALUES ($1, $2)",
        )
        .bind(namespace)
        .bind(i64::from(step.version))
        .execute(&mut *tx)
        .await
        .map_err(failed)?;
    }
    Ok(())
}

async fn run(tx: &mut PgConnection, sql: String, doing: &'static str) -> Result<(), SetUpError> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(tx).await.map(drop).map_err(failed(doing))
}

fn failed(doing: &'static str) -> impl Fn(sqlx::Error) -> SetUpError {
    move |source| SetUpError::Failed { doing, source }
}

/// Why a database can't be set up. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetUpError {
    /// The address can't be read.
    #[error("the owner's address can't be read: write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE")]
    Address(#[source] sqlx::Error),
    /// A login can't be made.
    #[error(
        "the role {role} can't be made: give the owner CREATEROLE, or make it before (CREATE ROLE {role} LOGIN; a name \
         that ends in _door: NOLOGIN)"
    )]
    Role {
        /// Its name.
        role: String,
        /// What the database says.
        source: sqlx::Error,
    },
    /// The database was set up for other logins.
    #[error("the database was set up for the logins {app}, {writer} and {admin}: name these")]
    OtherRoles {
        /// The login that serves requests.
        app: String,
        /// The write door's.
        writer: String,
        /// The bypass's.
        admin: String,
    },
    /// The library's tables can't be brought up to date.
    #[error(transparent)]
    Migrate(#[from] MigrateError),
    /// The machine gives no random numbers.
    #[error("the machine gives no random numbers")]
    Random(#[source] getrandom::Error),
    /// A statement failed.
    #[error("the database could not {doing}")]
    Failed {
        /// What was being done.
        doing: &'static str,
        /// What the database says.
        source: sqlx::Error,
    },
}
