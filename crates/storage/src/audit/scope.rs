use sqlx::{PgConnection, PgPool};
use tenantry_core::Unavailable;

/// Definer functions of the library's own that may be called: each was read for what the door's role may do.
///
/// Names are `schema.function`. [`AuditScope::definers`] replaces the list.
pub const LIBRARY_DEFINERS: &[&str] = &[
    "tenantry_directory.tenant_of_slug",
    "tenantry_directory.user_of_email",
    "tenantry.children",
    "tenantry.member_user",
    "tenantry.facts_above",
    "tenantry.principals_above",
    "tenantry.join_batch",
    "tenantry.sealed_tenant",
    "tenantry.record_history",
    "tenantry.sealing_mac",
    "tenantry.stored_answer",
];

/// What of the directory the application's login may read as it is: how the database was set up, and nobody's data.
const READ_BY_APP: [&str; 2] =
    ["tenantry_directory.tenantry_settings", "tenantry_directory.tenantry_migrations"];

/// The plain policy's condition, as PostgreSQL prints it with only `pg_catalog` on the search path.
const PLAIN: &str = "(tenant_id = (NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid)";
/// The same, evaluated once a statement.
const PLAIN_ONCE: &str = "(tenant_id = ( SELECT (NULLIF(current_setting('app.tenant_id'::text, true), \
                          ''::text))::uuid AS \"nullif\"))";
const SEALED: &str = "(tenant_id = ( SELECT tenantry.sealed_tenant() AS sealed_tenant))";
const WRITER: &str = "(tenant_id IN ( SELECT unnest((string_to_array(NULLIF(current_setting(\
                      'app.write_tenants'::text, true), ''::text), ','::text))::uuid[]) AS unnest))";
const WRITER_ANY: &str = "(tenant_id = ANY ((string_to_array(NULLIF(current_setting(\
                          'app.write_tenants'::text, true), ''::text), ','::text))::uuid[]))";

/// Whether the policies believe `app.tenant_id` as it is, or only with a seal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    Plain,
    Sealed,
}

/// What the boot audit looks at: whose logins, which schemas, and what is meant to be as it is.
///
/// ```
/// use tenantry_storage::AuditScope;
///
/// let scope = AuditScope::new("shop_app", "shop_writer", "shop_admin", "shop_door")
///     .public_tables(["public.catalogue"])
///     .definer("public.opening_hours");
/// assert_eq!(scope.app(), "shop_app");
/// ```
#[derive(Debug, Clone)]
pub struct AuditScope {
    pub(super) app: String,
    pub(super) writer: String,
    pub(super) admin: String,
    pub(super) door: String,
    pub(super) schemas: Option<Vec<String>>,
    pub(super) library: String,
    pub(super) directory: String,
    pub(super) tenants: Vec<String>,
    pub(super) public: Vec<String>,
    pub(super) definers: Vec<String>,
    pub(super) read_by_app: Vec<String>,
    pub(super) written_by_app: Vec<String>,
    pub(super) app_conditions: Vec<String>,
    pub(super) writer_conditions: Vec<String>,
    pub(super) trust: Trust,
}

impl AuditScope {
    /// The comment that declares a table, or a materialized view, to hold nothing but what is public:
    /// `COMMENT ON TABLE catalogue IS 'tenantry: public'`. More may follow it.
    pub const PUBLIC: &str = "tenantry: public";

    /// The scope of a database that these four roles serve: *app* and *writer* and *admin* log in, *door* owns the
    /// definer functions. All schemas are looked at but PostgreSQL's own.
    pub fn new(
        app: impl Into<String>,
        writer: impl Into<String>,
        admin: impl Into<String>,
        door: impl Into<String>,
    ) -> Self {
        Self {
            app: app.into(),
            writer: writer.into(),
            admin: admin.into(),
            door: door.into(),
            schemas: None,
            library: "tenantry".to_owned(),
            directory: "tenantry_directory".to_owned(),
            tenants: vec![
                "tenantry.tenantry_tenants".to_owned(),
                "tenantry_directory.tenantry_tenants".to_owned(),
            ],
            public: Vec::new(),
            definers: owned(LIBRARY_DEFINERS.iter().copied()),
            read_by_app: owned(READ_BY_APP),
            written_by_app: Vec::new(),
            app_conditions: owned([PLAIN, PLAIN_ONCE, SEALED]),
            writer_conditions: owned([WRITER, WRITER_ANY]),
            trust: Trust::Plain,
        }
    }

    /// The scope of the database that `pool` reaches, as it was set up: its roles, and whether it is sealed. `None`
    /// where it wasn't set up, or not for this login. Any login that it was set up for may ask, and so may its owner.
    ///
    /// ```no_run
    /// use tenantry_storage::{AuditScope, audit};
    ///
    /// # async fn look(pool: sqlx::PgPool) -> Result<(), Box<dyn std::error::Error>> {
    /// let scope = AuditScope::of_database(&pool).await?.ok_or("set the database up first")?;
    /// println!("{}", audit(&pool, &scope).await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Unavailable`] when the database can't answer.
    pub async fn of_database(pool: &PgPool) -> Result<Option<Self>, Unavailable> {
        let mut connection = pool.acquire().await.map_err(unavailable)?;
        Self::of_connection(&mut connection).await
    }

    pub(crate) async fn of_connection(connection: &mut PgConnection) -> Result<Option<Self>, Unavailable> {
        let is_set_up = sqlx::query_scalar(IS_SET_UP).fetch_one(&mut *connection).await;
        if !is_set_up.map_err(unavailable)? {
            return Ok(None);
        }
        let (app, writer, admin, door, is_sealed): (String, String, String, String, bool) = sqlx::query_as(
            "SELECT app, writer, admin, door, is_sealed FROM tenantry_directory.tenantry_settings",
        )
        .fetch_one(connection)
        .await
        .map_err(unavailable)?;
        let scope = Self::new(app, writer, admin, door);
        Ok(Some(if is_sealed { scope.sealed() } else { scope }))
    }

    /// Looks at the tables, views and functions of these schemas only. Logins, the rights to create, and what holds
    /// for the whole database are looked at all the same.
    #[must_use]
    pub fn schemas<S: Into<String>>(mut self, schemas: impl IntoIterator<Item = S>) -> Self {
        self.schemas = Some(owned(schemas));
        self
    }

    /// Declares tables and materialized views (`schema.name`, unquoted) public, beside those whose comment says so.
    #[must_use]
    pub fn public_tables<S: Into<String>>(mut self, tables: impl IntoIterator<Item = S>) -> Self {
        self.public.extend(owned(tables));
        self
    }

    /// Allows one more definer function (`schema.name`), owned by the door's role.
    #[must_use]
    pub fn definer(mut self, function: impl Into<String>) -> Self {
        self.definers.push(function.into());
        self
    }

    /// Allows these definer functions (`schema.name`) and no other: in place of [`LIBRARY_DEFINERS`].
    #[must_use]
    pub fn definers<S: Into<String>>(mut self, functions: impl IntoIterator<Item = S>) -> Self {
        self.definers = owned(functions);
        self
    }

    /// Lets the application's login read these tables of the directory too (`schema.name`), beside its settings and
    /// its list of migrations.
    #[must_use]
    pub fn read_by_app<S: Into<String>>(mut self, tables: impl IntoIterator<Item = S>) -> Self {
        self.read_by_app.extend(owned(tables));
        self
    }

    /// Lets the application's login write these tables of the library (`schema.name`): those that a joined commit
    /// needs, under the application's own policy.
    #[must_use]
    pub fn written_by_app<S: Into<String>>(mut self, tables: impl IntoIterator<Item = S>) -> Self {
        self.written_by_app.extend(owned(tables));
        self
    }

    /// Accepts one more condition that binds the writer's rows to the tenants of its batch, as `pg_get_expr` prints
    /// it with only `pg_catalog` on the search path.
    #[must_use]
    pub fn writer_condition(mut self, condition: impl Into<String>) -> Self {
        self.writer_conditions.push(condition.into());
        self
    }

    /// Audits a sealed database: the application's policies must ask for the seal (one that believes
    /// `app.tenant_id` alone is open), and temporary tables refuse.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.trust = Trust::Sealed;
        self.app_conditions = owned([SEALED]);
        self
    }

    /// The login that serves requests.
    #[must_use]
    pub fn app(&self) -> &str {
        &self.app
    }

    pub(super) fn logins(&self) -> [&str; 3] {
        [&self.app, &self.writer, &self.admin]
    }

    pub(super) fn roles(&self) -> Vec<String> {
        owned([&self.app, &self.writer, &self.admin, &self.door].map(String::as_str))
    }

    /// Whether rights of this grantee are bound to tenants, and so worth a look: anyone's but the bypass's.
    pub(super) fn is_bound(&self, grantee: &str) -> bool {
        grantee == PUBLIC_GRANTEE || grantee == self.app || grantee == self.writer
    }

    /// The condition to write into a policy for the application.
    pub(super) fn condition(&self) -> &'static str {
        match self.trust {
            Trust::Plain => PLAIN,
            Trust::Sealed => SEALED,
        }
    }
}

/// How the queries name PUBLIC among grantees. PostgreSQL doesn't let a role have this name in lower case; quoted in
/// capitals it may, and is then taken for PUBLIC, which is the graver of the two.
pub(super) const PUBLIC_GRANTEE: &str = "PUBLIC";

/// Whether the database was set up, and for the login that asks.
pub(crate) const IS_SET_UP: &str = "SELECT to_regclass('tenantry_directory.tenantry_settings') IS NOT NULL \
                                    AND has_table_privilege('tenantry_directory.tenantry_settings', 'SELECT')";

fn unavailable(error: sqlx::Error) -> Unavailable {
    Unavailable::new("read its settings", error)
}

fn owned<S: Into<String>>(names: impl IntoIterator<Item = S>) -> Vec<String> {
    names.into_iter().map(Into::into).collect()
}
