use sqlx::FromRow;
use tenantry_core::{CommitError, TenantId, Unavailable};

use super::Inner;
use super::connect::{Begun, Pool};
use super::owner::STEPS;
use super::place::Mode;
use crate::audit::{AuditReport, AuditScope, IS_SET_UP, audit};

/// What one login tells about itself.
#[derive(Debug, FromRow)]
struct Login {
    role: String,
    expected: Option<String>,
    is_superuser: bool,
    bypasses: bool,
    owns: Option<String>,
    member_of: Option<String>,
    version: Option<i64>,
    is_sealed: Option<bool>,
}

const ABOUT_A_LOGIN: &str = "
    SELECT current_user::text AS role,
        CASE $1 WHEN 'app' THEN setting.app WHEN 'writer' THEN setting.writer ELSE setting.admin END AS expected,
        login.rolsuper AS is_superuser, login.rolbypassrls AS bypasses,
        (SELECT owned.oid::regclass::text FROM pg_class AS owned
         WHERE owned.relowner = login.oid AND owned.relkind IN ('r', 'p', 'v', 'm', 'f')
           AND owned.relpersistence <> 't' LIMIT 1) AS owns,
        (SELECT other.rolname::text FROM pg_roles AS other
         WHERE other.oid <> login.oid AND pg_has_role(login.oid, other.oid, 'MEMBER')
           AND (other.rolname IN (setting.app, setting.writer, setting.admin, setting.door)
                OR other.rolsuper OR other.rolbypassrls
                OR other.oid = (SELECT relowner FROM pg_class WHERE oid = 'tenantry.tenantry_tenants'::regclass))
         LIMIT 1) AS member_of,
        (SELECT max(version) FROM tenantry_directory.tenantry_migrations WHERE namespace = 'tenantry') AS version,
        setting.is_sealed
    FROM pg_roles AS login, tenantry_directory.tenantry_settings AS setting
    WHERE login.rolname = current_user";

/// Settings that change what a serving login's statements mean, or whether they run at all.
const DANGEROUS: &[&str] = &[
    "row_security",
    "role",
    "session_replication_role",
    "default_transaction_isolation",
    "default_transaction_read_only",
    "default_transaction_deferrable",
    "transaction_read_only",
];

impl Inner {
    /// Whether this database may be served from, with these logins.
    pub(super) async fn examine(&self) -> Result<(), ConnectError> {
        let app = examine_login("app", &self.home.lent).await?;
        examine_login("writer", &self.writes).await?;
        if let Some(admin) = &self.admin {
            examine_login("admin", admin).await?;
        }
        match (app.is_sealed.unwrap_or(false), &self.home.key) {
            (true, None) => return Err(ConnectError::KeyMissing),
            (false, Some(_)) => return Err(ConnectError::KeyNotWanted),
            (false, None) => {}
            (true, Some(_)) => {
                self.try_key().await?;
                self.refuse_shown_statements().await?;
            }
        }
        self.refuse_own_settings().await?;
        let report = self.audit().await?;
        report.warnings().for_each(|finding| tracing::warn!("{finding}"));
        if report.may_serve() { Ok(()) } else { Err(ConnectError::Unsafe(Box::new(report))) }
    }

    /// An extension that keeps whole statements shows each login its own, seals included.
    async fn refuse_shown_statements(&self) -> Result<(), ConnectError> {
        let mut begun = Begun::begin(&self.home.reads, "BEGIN READ ONLY").await?;
        let shown: Option<String> = sqlx::query_scalar(
            "SELECT routine.oid::regprocedure::text FROM pg_extension AS extension
             JOIN pg_depend AS part ON part.refclassid = 'pg_extension'::regclass AND part.refobjid = extension.oid
                 AND part.classid = 'pg_proc'::regclass AND part.deptype = 'e'
             JOIN pg_proc AS routine ON routine.oid = part.objid AND routine.proretset
             WHERE extension.extname IN ('pg_stat_statements', 'pg_stat_monitor')
               AND has_function_privilege(current_user, routine.oid, 'EXECUTE') LIMIT 1",
        )
        .fetch_optional(&mut *begun)
        .await
        .map_err(|error| Unavailable::new("look at its extensions", error))?;
        shown.map_or(Ok(()), |function| Err(ConnectError::StatementsShown { function }))
    }

    /// A login may change its own settings: SQL that was injected can have left some, for every session to come.
    async fn refuse_own_settings(&self) -> Result<(), ConnectError> {
        let mut begun = Begun::begin(&self.home.reads, "BEGIN READ ONLY").await?;
        let set: Option<(String, String)> = sqlx::query_as(
            "SELECT login.rolname::text, split_part(entry, '=', 1)
             FROM tenantry_directory.tenantry_settings AS setting
             JOIN pg_roles AS login ON login.rolname IN (setting.app, setting.writer, setting.admin)
             JOIN pg_db_role_setting AS own ON own.setrole = login.oid
                 AND own.setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
             CROSS JOIN LATERAL unnest(own.setconfig) AS entry
             WHERE split_part(entry, '=', 1) = ANY ($1)
                OR split_part(entry, '=', 1) = 'search_path'
                   AND entry <> 'search_path=tenantry, tenantry_directory, public, pg_temp'
             LIMIT 1",
        )
        .bind(DANGEROUS)
        .fetch_optional(&mut *begun)
        .await
        .map_err(|error| Unavailable::new("look at its logins' settings", error))?;
        set.map_or(Ok(()), |(role, setting)| Err(ConnectError::Setting { role, setting }))
    }

    /// What the catalogs of this database say about how far tenants are kept apart.
    pub(super) async fn audit(&self) -> Result<AuditReport, Unavailable> {
        let begun = Begun::begin(&self.home.reads, "BEGIN READ ONLY").await;
        let mut begun = begun.map_err(|error| Unavailable::new("read its settings", error))?;
        let scope = AuditScope::of_connection(&mut begun).await?;
        drop(begun);
        let mut scope = scope.ok_or_else(|| Unavailable::new("read its settings", "it isn't set up"))?;
        for function in &self.options.definers {
            scope = scope.definer(function);
        }
        audit(&self.home.reads, &scope).await
    }

    /// Whether the database believes a seal that is made with the key.
    async fn try_key(&self) -> Result<(), ConnectError> {
        let tenant = TenantId::generate();
        let begin = || self.home.begin(tenant, Mode::ReadOnly, self.now());
        let mut begun = Begun::begin_with(&self.home.reads, begin).await?;
        let believed: Option<uuid::Uuid> = sqlx::query_scalar("SELECT tenantry.sealed_tenant()")
            .fetch_one(&mut *begun)
            .await
            .map_err(|error| Unavailable::new("try its key", error))?;
        if believed == Some(tenant.as_uuid()) { Ok(()) } else { Err(ConnectError::KeyWrong) }
    }
}

async fn examine_login(login: &'static str, pool: &Pool) -> Result<Login, ConnectError> {
    let failed = |source| ConnectError::Failed { login, source };
    let mut tx = pool.begin_with(pool.opening("BEGIN READ ONLY")).await.map_err(failed)?;
    let is_set_up: Option<bool> = sqlx::query_scalar(IS_SET_UP).fetch_one(&mut *tx).await.map_err(failed)?;
    if is_set_up != Some(true) {
        return Err(ConnectError::NotSetUp { login });
    }
    let about: Login = sqlx::query_as(ABOUT_A_LOGIN).bind(login).fetch_one(&mut *tx).await.map_err(failed)?;
    drop(tx);
    let role = about.role.clone();
    if about.is_superuser {
        return Err(ConnectError::Superuser { login, role });
    }
    if about.bypasses {
        return Err(ConnectError::BypassesRowSecurity { login, role });
    }
    if let Some(object) = about.owns {
        return Err(ConnectError::Owner { login, role, object });
    }
    if let Some(other) = about.member_of {
        return Err(ConnectError::Member { login, role, other });
    }
    if let Some(expected) = about.expected.clone().filter(|expected| *expected != role) {
        return Err(ConnectError::OtherRole { login, role, expected });
    }
    let known = STEPS.last().map_or(0, |step| i64::from(step.version));
    let found = about.version.unwrap_or(0);
    if found != known {
        return Err(ConnectError::OtherVersion { found, known });
    }
    Ok(Login { owns: None, member_of: None, ..about })
}

/// Why a database isn't served from.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// An address can't be read.
    #[error(
        "the address of the {login} login can't be read: write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE"
    )]
    Address {
        /// Which login.
        login: &'static str,
        /// What is wrong with it.
        source: sqlx::Error,
    },
    /// The server can't be reached with this login.
    #[error(
        "the database doesn't answer the {login} login: look at its address, its password and the server"
    )]
    Failed {
        /// Which login.
        login: &'static str,
        /// What the database says.
        source: sqlx::Error,
    },
    /// The library's tables aren't there, or this login has no right to them.
    #[error("the database isn't set up for the {login} login: migrate it as its owner")]
    NotSetUp {
        /// Which login.
        login: &'static str,
    },
    /// The tables are another version's.
    #[error("the library's tables are at version {found} and this program needs {known}: {}", if found < known {
        "migrate them as the owner"
    } else {
        "start the newer program"
    })]
    OtherVersion {
        /// The database's version.
        found: i64,
        /// The program's.
        known: i64,
    },
    /// The login is a superuser: row security doesn't hold it.
    #[error(
        "the {login} login {role} is a superuser, which row security doesn't hold: ALTER ROLE {role} NOSUPERUSER"
    )]
    Superuser {
        /// Which login.
        login: &'static str,
        /// Its role.
        role: String,
    },
    /// The login has `BYPASSRLS`.
    #[error("the {login} login {role} has BYPASSRLS: ALTER ROLE {role} NOBYPASSRLS")]
    BypassesRowSecurity {
        /// Which login.
        login: &'static str,
        /// Its role.
        role: String,
    },
    /// The login owns a table: it could take the policies off.
    #[error(
        "the {login} login {role} owns {object}: serve with a login that owns nothing (REASSIGN OWNED BY {role} TO …)"
    )]
    Owner {
        /// Which login.
        login: &'static str,
        /// Its role.
        role: String,
        /// What it owns.
        object: String,
    },
    /// The login may become another.
    #[error(
        "the {login} login {role} is a member of {other} and could become it: REVOKE {other} FROM {role}"
    )]
    Member {
        /// Which login.
        login: &'static str,
        /// Its role.
        role: String,
        /// The role that it may become.
        other: String,
    },
    /// The address leads to another role than the database was set up for.
    #[error(
        "the {login} login is {role}, but the database was set up for {expected}: give the address of {expected}"
    )]
    OtherRole {
        /// Which login.
        login: &'static str,
        /// The role that the address leads to.
        role: String,
        /// The role that it should lead to.
        expected: String,
    },
    /// The database is sealed.
    #[error("the database is in sealed mode: give the sealing key that the migration wrote")]
    KeyMissing,
    /// The database isn't sealed.
    #[error(
        "a sealing key was given, but the database isn't in sealed mode: migrate it with sealing on, or leave the key out"
    )]
    KeyNotWanted,
    /// The key is another database's.
    #[error(
        "the database doesn't believe a seal made with this key: take the key that its migration wrote, and see that the clocks agree"
    )]
    KeyWrong,
    /// An extension shows the statements of the application's login to whoever injects SQL into it.
    #[error(
        "in sealed mode nobody may see the login's statements, and {function} shows them: REVOKE EXECUTE ON FUNCTION \
         {function} FROM PUBLIC"
    )]
    StatementsShown {
        /// The function that shows them.
        function: String,
    },
    /// A login has a setting of its own that the set-up didn't make.
    #[error(
        "the login {role} has a setting of its own for {setting}, perhaps left by injected SQL: set the database up again as its owner"
    )]
    Setting {
        /// Its role.
        role: String,
        /// What is set.
        setting: String,
    },
    /// The boot audit found what lets one tenant reach another.
    #[error("the database isn't safe to serve from:\n{0}")]
    Unsafe(Box<AuditReport>),
    /// The server is away.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<Unavailable> for ConnectError {
    fn from(unavailable: Unavailable) -> Self {
        Self::Commit(unavailable.into())
    }
}
