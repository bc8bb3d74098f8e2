//! A PostgreSQL database with so many tenants, each of ten members and ten documents, filled in bulk.
//!
//! The owner fills it with `INSERT … SELECT … generate_series`, some tenants at once, and lifts row security from its own
//! tables meanwhile, as a migration does. One tenant is registered as a service would, and what the others have in
//! common with it is copied from its rows.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tenantry::{Catalog, NewRole, RealmId, TenantCtx, Tenantry, UserId};
use tenantry_storage::testing::TestDatabase;
use tenantry_storage::{PostgresOptions, PostgresStore, Sealing};
use uuid::Uuid;

use super::super::Fault;
use super::super::documents::{self, Document, DocumentRead};
use crate::isolation::tenants::{platform_of, registration};

/// How many members a tenant has: the first owns it, and the others may read what they own, those of the second half
/// by the tenant's one team. As many documents, one of each.
pub(super) const MEMBERS: u32 = 10;
/// How many tenants are inserted at once.
const CHUNK: u32 = 50_000;
/// The number of the first tenant's id, of the first user's, and of the first of what each tenant has one of.
const TENANTS_FROM: u128 = 0x0196_0000_0000_7000_8000_0000_0000_0000;
const USERS_FROM: u128 = 0x0196_0001_0000_7000_8000_0000_0000_0000;
const TEAMS_FROM: u128 = 0x0196_0002_0000_7000_8000_0000_0000_0000;
const ACCOUNTS_FROM: u128 = 0x0196_0003_0000_7000_8000_0000_0000_0000;
const KEYS_FROM: u128 = 0x0196_0004_0000_7000_8000_0000_0000_0000;

/// The tables whose room is told.
const TABLES: [&str; 13] = [
    "tenantry.tenantry_tenants",
    "tenantry_directory.tenantry_slugs",
    "tenantry_directory.tenantry_lineages",
    "tenantry.tenantry_roles",
    "tenantry.tenantry_users",
    "tenantry.tenantry_memberships",
    "tenantry.tenantry_teams",
    "tenantry.tenantry_team_members",
    "tenantry.tenantry_service_accounts",
    "tenantry.tenantry_api_keys",
    "tenantry.tenantry_assignments",
    "tenantry_directory.tenantry_emails",
    "documents",
];

/// What a table takes on disk: bytes of its rows, and of its indexes.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Room {
    pub(super) table: &'static str,
    pub(super) rows: i64,
    pub(super) indexes: i64,
}

pub(super) struct Filled {
    pub(super) tenants: u32,
    pub(super) app: Tenantry,
    pub(super) store: PostgresStore,
    pub(super) catalog: Catalog,
    pub(super) took: Duration,
    /// What each table takes on disk.
    pub(super) room: Vec<Room>,
    realm: RealmId,
    database: TestDatabase,
}

impl Filled {
    /// # Errors
    /// Whatever keeps it from being filled.
    pub(super) async fn with(tenants: u32, say: &dyn Fn(&str)) -> Result<Self, Fault> {
        let began = Instant::now();
        let database = TestDatabase::create(Sealing::Off).await?;
        let store = PostgresStore::connect(&database.logins(), PostgresOptions::default()).await?;
        let catalog = Catalog::builder().permission::<DocumentRead>().resource::<Document>().build()?;
        let app = platform_of(Arc::new(store.clone()), catalog.clone()).await?;
        let realm = register_the_pattern(&app).await?;
        let mut owner = PgConnection::connect(&database.owner_address()).await?;
        let forced = prepare(&mut owner).await?;
        for from in (0..tenants).step_by(usize::try_from(CHUNK)?) {
            let to = tenants.min(from + CHUNK);
            for statement in inserts(tenants) {
                sqlx::query(AssertSqlSafe(statement))
                    .bind(i64::from(from))
                    .bind(i64::from(to) - 1)
                    .execute(&mut owner)
                    .await?;
            }
            say(&format!("{to} of {tenants} tenants filled"));
        }
        say("vacuumed and analyzed");
        for table in forced {
            run(&mut owner, format!("ALTER TABLE {table} FORCE ROW LEVEL SECURITY")).await?;
        }
        let mut room = Vec::with_capacity(TABLES.len());
        for table in TABLES {
            run(&mut owner, format!("VACUUM ANALYZE {table}")).await?;
            let asked = "SELECT pg_table_size($1::text::regclass), pg_indexes_size($1::text::regclass)";
            let (rows, indexes) = sqlx::query_as(asked).bind(table).fetch_one(&mut owner).await?;
            room.push(Room { table, rows, indexes });
        }
        owner.close().await?;
        let took = began.elapsed();
        Ok(Self { tenants, app, store, catalog, took, room, realm, database })
    }

    /// Where it is.
    pub(super) const fn database(&self) -> &TestDatabase {
        &self.database
    }

    /// A tenant by its slug, from the store.
    ///
    /// # Errors
    /// When the store can't answer.
    pub(super) async fn tenant(&self, number: u32) -> Result<TenantCtx, Fault> {
        Ok(self.app.resolve(&slug(number).parse()?).await?)
    }

    /// Who a member of a tenant is: the user is a member of nine more.
    pub(super) fn member(&self, tenant: u32, place: u32) -> (RealmId, UserId) {
        let number = (tenant + place * (self.tenants / MEMBERS)) % self.tenants;
        (self.realm, UserId::from_uuid(Uuid::from_u128(USERS_FROM + u128::from(number))))
    }

    /// The document that a member of a tenant owns.
    pub(super) fn document(tenant: u32, place: u32) -> Uuid {
        Uuid::from_u128(u128::from(tenant) * u128::from(MEMBERS) + u128::from(place))
    }
}

/// A tenant as all the others are: one role of its owner, and one of a member who reads what it owns.
async fn register_the_pattern(app: &Tenantry) -> Result<RealmId, Fault> {
    let platform = app.resolve(&"platform".parse()?).await?;
    let mut pattern = registration(0)?;
    let grants = vec!["document:read when resource.owner = caller.id".parse()?];
    pattern.roles.push(NewRole { key: "member".parse()?, name: "Member".to_owned(), grants });
    Ok(app.register(&platform, pattern).await?.user.realm)
}

/// Makes the documents' table, and lifts row security from its owner wherever it is forced: the tables, to force it again.
async fn prepare(owner: &mut PgConnection) -> Result<Vec<String>, Fault> {
    let (create, indexes) =
        (documents::create("documents", "uuid", "bigint"), documents::indexes("documents"));
    run(owner, format!("{create}; {indexes}; SELECT tenantry.protect('documents')")).await?;
    let forced = "SELECT oid::regclass::text FROM pg_class WHERE relforcerowsecurity ORDER BY oid";
    let forced: Vec<String> = sqlx::query_scalar(forced).fetch_all(&mut *owner).await?;
    for table in &forced {
        run(owner, format!("ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")).await?;
    }
    let pattern =
        "CREATE TEMP TABLE pattern AS SELECT * FROM tenantry.tenantry_tenants WHERE slug = 'tenant-0'";
    run(owner, pattern.to_owned()).await?;
    Ok(forced)
}

async fn run(owner: &mut PgConnection, sql: String) -> Result<(), Fault> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(owner).await?;
    Ok(())
}

/// What fills the tables with the tenants of the numbers from `$1` to `$2`, of so many.
fn inserts(tenants: u32) -> [String; 11] {
    let id = |from: u128, number: &str| {
        let text = Uuid::from_u128(from).to_string();
        let (front, _) = text.split_at(text.len() - 12);
        format!("('{front}' || lpad(to_hex({number}), 12, '0'))::uuid")
    };
    let tenant = id(TENANTS_FROM, "n");
    let user = id(USERS_FROM, &format!("(n + k * {}) % {tenants}", tenants / MEMBERS));
    let numbers = "generate_series($1::bigint, $2) AS n";
    let (last, half) = (MEMBERS - 1, MEMBERS / 2);
    let members = format!("pattern AS p, {numbers}, generate_series(0, {last}) AS k");
    let (team, account, key) = (id(TEAMS_FROM, "n"), id(ACCOUNTS_FROM, "n"), id(KEYS_FROM, "n"));
    [
        format!(
            "INSERT INTO tenantry.tenantry_tenants (tenant_id, slug, name, kind, status, plan, cycle, realm_id, parent_id, \
             epoch, version, created_at, above) SELECT {tenant}, 'bulk-' || n, 'Tenant ' || n, kind, status, plan, cycle, \
             realm_id, parent_id, epoch, version, created_at, above FROM pattern, {numbers}"
        ),
        format!("INSERT INTO tenantry_directory.tenantry_slugs (slug, tenant_id) SELECT 'bulk-' || n, {tenant} FROM {numbers}"),
        format!(
            "INSERT INTO tenantry_directory.tenantry_lineages (tenant_id, above) SELECT {tenant}, lineage.above
             FROM pattern AS p JOIN tenantry_directory.tenantry_lineages AS lineage ON lineage.tenant_id = p.tenant_id,
             {numbers}"
        ),
        format!(
            "INSERT INTO tenantry.tenantry_roles (tenant_id, key, name, grants, version)
             SELECT {tenant}, role.key, role.name, role.grants, role.version
             FROM pattern AS p JOIN tenantry.tenantry_roles AS role ON role.tenant_id = p.tenant_id, {numbers}"
        ),
        format!(
            "WITH users AS (INSERT INTO tenantry.tenantry_users (tenant_id, user_id, realm_id, email, name, version, created_at)
                 SELECT realm.tenant_id, {}, p.realm_id, 'user-' || n || '@example.com', 'User ' || n, 1, p.created_at
                 FROM pattern AS p JOIN tenantry.tenantry_realms AS realm ON realm.realm_id = p.realm_id, {numbers}
                 RETURNING realm_id, email, tenant_id, user_id)
             INSERT INTO tenantry_directory.tenantry_emails (realm_id, email, tenant_id, user_id) SELECT * FROM users",
            id(USERS_FROM, "n")
        ),
        format!(
            "INSERT INTO tenantry.tenantry_memberships (tenant_id, user_id, realm_id, joined_at)
             SELECT {tenant}, {user}, p.realm_id, p.created_at FROM {members}"
        ),
        format!(
            "INSERT INTO tenantry.tenantry_teams (tenant_id, team_id, name, version, created_at)
             SELECT {tenant}, {team}, 'Team', 1, p.created_at FROM pattern AS p, {numbers}"
        ),
        format!(
            "INSERT INTO tenantry.tenantry_team_members (tenant_id, team_id, member_kind, member_id)
             SELECT {tenant}, {team}, 'user', {user} FROM {numbers}, generate_series({half}, {last}) AS k"
        ),
        format!(
            "WITH accounts AS (INSERT INTO tenantry.tenantry_service_accounts (tenant_id, account_id, name, created_at)
                 SELECT {tenant}, {account}, 'Robot', p.created_at FROM pattern AS p, {numbers})
             INSERT INTO tenantry.tenantry_api_keys (tenant_id, key_id, name, scopes, expires_at, created_at)
             SELECT {tenant}, {key}, 'Key', '[\"document:read\"]', p.created_at, p.created_at FROM pattern AS p, {numbers}"
        ),
        format!(
            "INSERT INTO tenantry.tenantry_assignments (tenant_id, assignee_id, role, assignee_kind, on_type, on_id, descends)
             SELECT {tenant}, {user}, CASE WHEN k = 0 THEN 'owner' ELSE 'member' END, 'user', '', '', 0
             FROM {numbers}, generate_series(0, {half} - 1) AS k
             UNION ALL SELECT {tenant}, assignee.id, 'member', assignee.kind, '', '', 0
             FROM {numbers}, LATERAL (VALUES ({team}, 'team'), ({account}, 'service_account'), ({key}, 'api_key'))
                 AS assignee (id, kind)"
        ),
        format!(
            "INSERT INTO documents SELECT {tenant}, lpad(to_hex(n * {MEMBERS} + k), 32, '0')::uuid, {user}, k / 5, k,
             'Document ' || k FROM {members}"
        ),
    ]
}

/// A tenant's name in addresses.
fn slug(number: u32) -> String {
    format!("bulk-{number}")
}
