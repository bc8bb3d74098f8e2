//! The databases that are asked: the same rows under policies, without, and in SQLite.

use std::path::Path;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tenantry::{Migration, SqliteOptions, SqliteStore, TenantCtx};
use tenantry_storage::Sealing;
use tenantry_storage::testing::TestDatabase;
use uuid::Uuid;

use super::Fault;
use super::question::{OFFERS, ROWS};

/// Rows of every tenant lie among each other's, as they come in a service: `ORDER BY` the row's number first.
const COLUMNS: [(&str, &str, &str); 3] = [
    (
        "listings",
        "tenant_id uuid NOT NULL, listing_id bigint NOT NULL, mark bigint NOT NULL, title text NOT NULL, \
         price bigint NOT NULL, PRIMARY KEY (tenant_id, listing_id)",
        "row, number, 'Listing ' || row || ' of tenant ' || number, 100 * row",
    ),
    (
        "offers",
        "tenant_id uuid NOT NULL, offer_id bigint NOT NULL, mark bigint NOT NULL, listing_id bigint NOT NULL, \
         amount bigint NOT NULL, PRIMARY KEY (tenant_id, offer_id)",
        "row, number, (row - 1) / OFFERS + 1, 90 * row",
    ),
    (
        "entries",
        "tenant_id uuid NOT NULL, entry_id bigint NOT NULL, body text NOT NULL, PRIMARY KEY (tenant_id, entry_id)",
        "",
    ),
];

/// What keeps tenants apart in a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wall {
    /// Nothing: the statements have to. A store would refuse to serve from it.
    None,
    /// `tenantry.protect`.
    Policy,
    /// The same in sealed mode.
    Sealed,
}

/// Makes and fills a database with `listings_N`, `offers_N` and `entries_N`, for each number of tenants N.
pub(crate) async fn fill(wall: Wall, tenants: &[Uuid], sizes: &[usize]) -> Result<TestDatabase, Fault> {
    let sealing = if wall == Wall::Sealed { Sealing::On } else { Sealing::Off };
    let database = TestDatabase::create(sealing).await?;
    let app = database.roles().app().to_string();
    let mut owner = PgConnection::connect(&database.owner_address()).await?;
    let numbered = "SET statement_timeout = 0;
        CREATE TABLE numbered (number bigint PRIMARY KEY, tenant_id uuid NOT NULL)";
    run(&mut owner, numbered.to_owned()).await?;
    sqlx::query(
        "INSERT INTO numbered SELECT number - 1, tenant_id
         FROM unnest($1::uuid[]) WITH ORDINALITY AS t(tenant_id, number)",
    )
    .bind(tenants)
    .execute(&mut owner)
    .await?;
    for size in sizes {
        for (table, columns, values) in COLUMNS {
            run(&mut owner, table_sql(table, columns, values, *size)).await?;
            let lend = match wall {
                Wall::None => format!("GRANT SELECT, INSERT, UPDATE, DELETE ON {table}_{size} TO {app}"),
                Wall::Policy | Wall::Sealed => format!("SELECT tenantry.protect('{table}_{size}')"),
            };
            run(&mut owner, lend).await?;
        }
    }
    run(&mut owner, "DROP TABLE numbered".to_owned()).await?;
    Ok(database)
}

fn table_sql(table: &str, columns: &str, values: &str, size: usize) -> String {
    let filled = if values.is_empty() {
        String::new()
    } else {
        let values = values.replace("OFFERS", &OFFERS.to_string());
        format!(
            "INSERT INTO {table}_{size} SELECT tenant_id, {values}
             FROM numbered, generate_series(1, {ROWS}) AS row WHERE number < {size} ORDER BY row, number;"
        )
    };
    let indexed = if table == "offers" {
        format!("CREATE INDEX ON {table}_{size} (tenant_id, listing_id);")
    } else {
        String::new()
    };
    format!(
        "CREATE TABLE {table}_{size} ({columns}) WITH (fillfactor = 80, autovacuum_enabled = false);
         {filled} {indexed}"
    )
}

/// Empties what was inserted and tidies what was changed, so that the next cell starts as the first did.
pub(crate) async fn tidy(database: &TestDatabase, size: usize) -> Result<(), Fault> {
    let mut owner = PgConnection::connect(&database.owner_address()).await?;
    run(&mut owner, format!("TRUNCATE entries_{size}")).await?;
    for table in ["listings", "offers", "entries"] {
        run(&mut owner, format!("VACUUM ANALYZE {table}_{size}")).await?;
    }
    Ok(())
}

/// The same rows in a SQLite file.
pub(crate) async fn fill_sqlite(
    folder: &Path,
    tenants: &[TenantCtx],
    sizes: &[usize],
    connections: u32,
) -> Result<SqliteStore, Fault> {
    let options = SqliteOptions::default().with_readers(connections);
    let store = SqliteStore::open_with(folder.join("bench.db"), options).await?;
    let mut sql =
        "CREATE TABLE numbered (number INTEGER PRIMARY KEY, tenant_id BLOB NOT NULL) STRICT;".to_owned();
    for size in sizes {
        for (table, columns, _) in COLUMNS {
            let columns = columns.replace("uuid", "BLOB").replace("bigint", "INTEGER");
            sql.push_str(&format!("CREATE TABLE {table}_{size} ({columns}) STRICT, WITHOUT ROWID;"));
        }
        sql.push_str(&format!("CREATE INDEX offers_of_{size} ON offers_{size} (tenant_id, listing_id);"));
    }
    store.migrate("bench", &[Migration { version: 1, sql: sql.leak() }]).await?;
    let first = tenants.first().ok_or("no tenants")?;
    let mut tx = store.begin(first).await?;
    for (number, tenant) in (0_i64..).zip(tenants) {
        sqlx::query("INSERT INTO numbered (number, tenant_id) VALUES (?, ?)")
            .bind(number)
            .bind(tenant.id().as_uuid())
            .execute(tx.connection())
            .await?;
    }
    for size in sizes {
        for (table, _, values) in COLUMNS.iter().filter(|(_, _, values)| !values.is_empty()) {
            let values = values.replace("OFFERS", &OFFERS.to_string());
            let insert = format!(
                "WITH RECURSIVE rows(row) AS (SELECT 1 UNION ALL SELECT row + 1 FROM rows WHERE row < {ROWS})
                 INSERT INTO {table}_{size} SELECT tenant_id, {values}
                 FROM numbered, rows WHERE number < {size} ORDER BY tenant_id, row"
            );
            sqlx::query(AssertSqlSafe(insert)).execute(tx.connection()).await?;
        }
    }
    tx.commit().await?;
    Ok(store)
}

async fn run(owner: &mut PgConnection, sql: String) -> Result<(), Fault> {
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(owner).await?;
    Ok(())
}
