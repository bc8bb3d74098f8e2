use std::collections::BTreeSet;
use std::str::FromStr as _;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tenantry_storage::testing::drop_database;
use tenantry_storage::{AuditReport, AuditScope, Rule, audit};
use uuid::Uuid;

/// A database of the test's own with four roles of its own, set up as it should be.
pub(crate) struct Stage {
    server: PgConnectOptions,
    mark: String,
    owner_name: String,
    pub(crate) owner: PgPool,
    pub(crate) app: PgPool,
}

const SETTING: &str = "NULLIF(current_setting('app.tenant_id', true), '')::uuid";
const OF_BATCH: &str =
    "(SELECT unnest(string_to_array(NULLIF(current_setting('app.write_tenants', true), ''), ',')::uuid[]))";

const CLEAN: &str = r"
REVOKE TEMPORARY ON DATABASE {db} FROM PUBLIC;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
CREATE SCHEMA tenantry;
CREATE SCHEMA tenantry_directory;
GRANT USAGE ON SCHEMA public, tenantry, tenantry_directory TO {app}, {writer}, {admin}, {door};

CREATE FUNCTION tenantry.sealed_tenant() RETURNS uuid LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp AS 'SELECT NULL::uuid';
REVOKE ALL ON FUNCTION tenantry.sealed_tenant() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION tenantry.sealed_tenant() TO {app};
GRANT {door} TO CURRENT_USER;
GRANT CREATE ON SCHEMA tenantry TO {door};
ALTER FUNCTION tenantry.sealed_tenant() OWNER TO {door};
REVOKE CREATE ON SCHEMA tenantry FROM {door};

CREATE TABLE tenantry_directory.tenantry_slugs (slug text PRIMARY KEY, tenant_id uuid NOT NULL UNIQUE);
GRANT SELECT, INSERT, UPDATE, DELETE ON tenantry_directory.tenantry_slugs TO {writer};
CREATE TABLE tenantry_directory.tenantry_settings (id boolean PRIMARY KEY);
GRANT SELECT ON tenantry_directory.tenantry_settings TO {app}, {writer}, {admin};

CREATE TABLE tenantry.tenantry_tenants (tenant_id uuid PRIMARY KEY, parent_id uuid, slug text NOT NULL);
CREATE INDEX tenantry_tenants_by_parent ON tenantry.tenantry_tenants (parent_id, slug);
CREATE TABLE tenantry.tenantry_orders (tenant_id uuid NOT NULL, id bigint NOT NULL, PRIMARY KEY (tenant_id, id));

CREATE TABLE public.listings (
    tenant_id uuid NOT NULL REFERENCES tenantry.tenantry_tenants (tenant_id),
    id bigint NOT NULL, slug text NOT NULL, price bigint NOT NULL,
    PRIMARY KEY (tenant_id, id), UNIQUE (tenant_id, slug));
CREATE INDEX listings_by_price ON public.listings (tenant_id, price);
CREATE TABLE public.offers (
    tenant_id uuid NOT NULL, id bigint NOT NULL, listing bigint NOT NULL,
    PRIMARY KEY (tenant_id, id),
    CONSTRAINT offers_listing FOREIGN KEY (tenant_id, listing) REFERENCES public.listings (tenant_id, id));
CREATE TABLE public.visits (tenant_id uuid NOT NULL, at timestamptz NOT NULL, PRIMARY KEY (tenant_id, at))
    PARTITION BY HASH (tenant_id);
CREATE TABLE public.visits_0 PARTITION OF public.visits FOR VALUES WITH (MODULUS 1, REMAINDER 0);

CREATE TABLE public.catalogue (slug text PRIMARY KEY, title text NOT NULL);
COMMENT ON TABLE public.catalogue IS 'tenantry: public, what each tenant shows';
GRANT SELECT, INSERT, UPDATE, DELETE ON public.catalogue TO {app}, {admin};
CREATE TABLE public.notes_of_the_owner (line text);
CREATE SEQUENCE public.numbers;
GRANT USAGE ON SEQUENCE public.numbers TO {app}, {admin};
CREATE VIEW public.cheap WITH (security_invoker = true) AS SELECT * FROM public.listings WHERE price < 100;
GRANT SELECT ON public.cheap TO {app};
";

const PROTECT_LIBRARY: &str = r"
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenantry_app ON {table} FOR SELECT TO {app} USING (tenant_id = {setting});
CREATE POLICY tenantry_writer ON {table} TO {writer} USING (tenant_id IN {batch}) WITH CHECK (tenant_id IN {batch});
CREATE POLICY tenantry_admin ON {table} TO {admin} USING (true) WITH CHECK (true);
GRANT SELECT ON {table} TO {app}, {admin};
GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {writer};
";

const PROTECT: &str = r"
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY tenantry_app ON {table} TO {app} USING (tenant_id = {setting}) WITH CHECK (tenant_id = {setting});
CREATE POLICY tenantry_admin ON {table} TO {admin} USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO {app}, {admin};
";

impl Stage {
    pub(crate) async fn set() -> Self {
        let url = std::env::var("DATABASE_URL").expect(
            "DATABASE_URL must be the address of a PostgreSQL server, as a login with CREATEDB and CREATEROLE: \
             `cargo xtask test` starts one and sets it",
        );
        let server = PgConnectOptions::from_str(&url).expect("DATABASE_URL is an address of PostgreSQL");
        let mark = Uuid::now_v7().simple().to_string();
        let database = format!("tenantry_test_{mark}");
        let mut connection = PgConnection::connect_with(&server).await.expect("the server answers");
        let owner_name: String =
            sqlx::query_scalar("SELECT current_user::text").fetch_one(&mut connection).await.unwrap();
        run(&mut connection, &format!("CREATE DATABASE {database}")).await;
        for role in ["app", "writer", "admin"] {
            run(&mut connection, &format!("CREATE ROLE {role}_{mark} LOGIN PASSWORD '{mark}'")).await;
        }
        run(&mut connection, &format!("CREATE ROLE door_{mark} NOLOGIN")).await;
        connection.close().await.unwrap();

        let own = server.clone().database(&database);
        let as_app = own.clone().username(&format!("app_{mark}")).password(&mark);
        let pool = |options| PgPoolOptions::new().max_connections(2).connect_lazy_with(options);
        let stage = Self { server, owner_name, owner: pool(own), app: pool(as_app), mark };
        stage.run(CLEAN).await;
        for table in ["tenantry.tenantry_tenants", "tenantry.tenantry_orders"] {
            stage.run(&PROTECT_LIBRARY.replace("{table}", table)).await;
        }
        for table in ["public.listings", "public.offers", "public.visits"] {
            stage.protect(table).await;
        }
        stage
    }

    pub(crate) async fn protect(&self, table: &str) {
        self.run(&PROTECT.replace("{table}", table)).await;
    }

    pub(crate) fn scope(&self) -> AuditScope {
        let role = |role: &str| format!("{role}_{}", self.mark);
        AuditScope::new(role("app"), role("writer"), role("admin"), role("door"))
    }

    /// The names of this stage filled into a text.
    pub(crate) fn named(&self, text: &str) -> String {
        let role = |role: &str| format!("{role}_{}", self.mark);
        text.replace("{setting}", SETTING)
            .replace("{batch}", OF_BATCH)
            .replace("{app}", &role("app"))
            .replace("{writer}", &role("writer"))
            .replace("{admin}", &role("admin"))
            .replace("{door}", &role("door"))
            .replace("{mark}", &self.mark)
            .replace("{db}", &format!("tenantry_test_{}", self.mark))
            .replace("{owner}", &self.owner_name)
    }

    /// Runs statements as the owner, each committed by itself.
    pub(crate) async fn run(&self, sql: &str) {
        let sql = self.named(sql);
        let mut connection = self.owner.acquire().await.expect("the owner connects");
        run(&mut connection, &sql).await;
    }

    /// What the application's own login finds.
    pub(crate) async fn audit(&self) -> AuditReport {
        audit(&self.app, &self.scope()).await.expect("the catalogs can be read")
    }

    /// Ends the stage's connections; its database and roles go when it is dropped, also by a test that fails.
    pub(crate) async fn clear(self) {
        self.app.close().await;
        self.owner.close().await;
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let (server, mark) = (self.server.clone(), self.mark.clone());
        let clearing = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(clear(&server, &mark));
        });
        if clearing.join().is_err() {
            eprintln!("the database tenantry_test_{} is still there", self.mark);
        }
    }
}

async fn clear(server: &PgConnectOptions, mark: &str) {
    let mut connection = PgConnection::connect_with(server).await.unwrap();
    let roles = ["app", "writer", "admin", "door"].map(|role| format!("{role}_{mark}"));
    drop_database(&mut connection, &format!("tenantry_test_{mark}"), &roles).await.unwrap();
    run(&mut connection, &format!("DROP ROLE {}", roles.join(", "))).await;
}

async fn run(connection: &mut PgConnection, sql: &str) {
    let done = sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await;
    if let Err(error) = done {
        panic!("{error}\n{sql}");
    }
}

pub(crate) fn rules(report: &AuditReport) -> BTreeSet<Rule> {
    report.findings.iter().map(|finding| finding.rule).collect()
}
