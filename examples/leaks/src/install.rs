//! The database of a run: its logins, its tables, and the leaks that live in a database.

use std::fmt::Write as _;
use std::str::FromStr as _;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgPoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgPool};
use tenantry::testing::drop_database;
use tenantry::{AuditReport, AuditScope, Unavailable, audit};
use uuid::Uuid;

use crate::leak::{Leak, Planted};

/// The condition under which a row is the current tenant's.
const OWN: &str = "tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::uuid";

/// A database of its own, with logins of its own.
///
/// The owner's login made it and serves nothing. *app* serves requests, one tenant in each transaction; *writer* is
/// the library's write door, of which this service makes no use; *admin* sees every tenant; *door* owns definer
/// functions and can't log in.
#[derive(Debug)]
pub struct Installation {
    server: PgConnectOptions,
    name: String,
    password: String,
}

impl Installation {
    /// Makes the database and its logins beside the one that `owner` names. The owner needs CREATEDB and CREATEROLE.
    ///
    /// # Errors
    /// Whatever the server refuses.
    pub async fn make(owner: &str, planted: &Planted) -> Result<Self, sqlx::Error> {
        let id = Uuid::now_v7().simple().to_string();
        let server = PgConnectOptions::from_str(owner)?;
        let made = Self {
            server,
            name: format!("tenantry_leaks_{id}"),
            password: Uuid::now_v7().simple().to_string(),
        };
        let mut connection = made.server.connect().await?;
        let name = &made.name;
        for role in ["app", "writer", "admin"] {
            let password = &made.password;
            run(&mut connection, format!("CREATE ROLE {name}_{role} LOGIN PASSWORD '{password}'")).await?;
        }
        run(&mut connection, format!("CREATE ROLE {name}_door NOLOGIN")).await?;
        run(&mut connection, format!("CREATE DATABASE {name}")).await?;
        connection.close().await?;
        let mut connection = made.server.clone().database(name).connect().await?;
        run(&mut connection, made.schema(planted)).await?;
        connection.close().await?;
        Ok(made)
    }

    /// Connections of the application's login.
    ///
    /// # Errors
    /// When the server can't be reached.
    pub async fn app(&self) -> Result<PgPool, sqlx::Error> {
        let login = self.server.clone().username(&self.role("app")).password(&self.password);
        PgPoolOptions::new().max_connections(8).connect_with(login.database(&self.name)).await
    }

    /// The name of one of its logins: `app`, `writer`, `admin`, `door`.
    #[must_use]
    pub fn role(&self, role: &str) -> String {
        format!("{}_{role}", self.name)
    }

    /// What the boot audit says of the database, asked through the application's login.
    ///
    /// # Errors
    /// When the catalogs can't be read.
    pub async fn audit(&self, app: &PgPool) -> Result<AuditReport, Unavailable> {
        let [writer, admin, door] = ["writer", "admin", "door"].map(|role| self.role(role));
        audit(app, &AuditScope::new(self.role("app"), writer, admin, door)).await
    }

    /// Drops the database and its logins.
    ///
    /// # Errors
    /// Whatever the server refuses.
    pub async fn drop(self) -> Result<(), sqlx::Error> {
        let mut connection = self.server.connect().await?;
        let roles = ["app", "writer", "admin", "door"].map(|role| self.role(role));
        drop_database(&mut connection, &self.name, &roles).await?;
        run(&mut connection, format!("DROP ROLE {}", roles.join(", "))).await?;
        connection.close().await
    }

    fn schema(&self, planted: &Planted) -> String {
        let name = &self.name;
        let has = |leak, bad: &'static str, good: &'static str| if planted.has(leak) { bad } else { good };
        let slug = has(Leak::UniqueKey, "UNIQUE (slug)", "UNIQUE (tenant_id, slug)");
        let id = has(Leak::ForeignKey, ", UNIQUE (id)", "");
        let note = has(
            Leak::ForeignKey,
            "FOREIGN KEY (note_id) REFERENCES notes (id)",
            "FOREIGN KEY (tenant_id, note_id) REFERENCES notes (tenant_id, id)",
        );
        let rights = has(Leak::DefinerView, "", "WITH (security_invoker = true)");
        let mut sql = format!(
            "REVOKE ALL ON DATABASE {name} FROM PUBLIC;
            GRANT CONNECT ON DATABASE {name} TO {name}_app, {name}_writer, {name}_admin;
            CREATE TABLE notes (
                tenant_id uuid NOT NULL, id uuid NOT NULL, slug text NOT NULL, title text NOT NULL,
                PRIMARY KEY (tenant_id, id), {slug}{id}
            );
            CREATE TABLE comments (
                tenant_id uuid NOT NULL, id uuid NOT NULL, note_id uuid NOT NULL, text text NOT NULL,
                PRIMARY KEY (tenant_id, id), {note} ON DELETE CASCADE
            );
            CREATE INDEX comments_of_note ON comments (tenant_id, note_id, id);
            CREATE VIEW overview {rights} AS SELECT id, title, length(title) AS letters FROM notes;
            GRANT SELECT ON overview TO {name}_app;"
        );
        for table in ["notes", "comments"] {
            let _written = write!(
                sql,
                "GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {name}_app, {name}_admin;
                ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
                ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
                CREATE POLICY tenantry_app ON {table} TO {name}_app USING ({OWN}) WITH CHECK ({OWN});
                CREATE POLICY tenantry_admin ON {table} TO {name}_admin USING (true) WITH CHECK (true);"
            );
        }
        if planted.has(Leak::MissingFilter) {
            sql.push_str(
                "DROP POLICY tenantry_app ON comments;
                DROP POLICY tenantry_admin ON comments;
                ALTER TABLE comments NO FORCE ROW LEVEL SECURITY;
                ALTER TABLE comments DISABLE ROW LEVEL SECURITY;",
            );
        }
        if planted.has(Leak::DefinerView) {
            let _written = write!(
                sql,
                "GRANT {name}_admin TO CURRENT_USER;
                GRANT CREATE ON SCHEMA public TO {name}_admin;
                ALTER VIEW overview OWNER TO {name}_admin;
                REVOKE CREATE ON SCHEMA public FROM {name}_admin;
                REVOKE {name}_admin FROM CURRENT_USER;"
            );
        }
        sql
    }
}

async fn run(connection: &mut PgConnection, sql: String) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}
