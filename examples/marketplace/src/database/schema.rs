//! The marketplace's own tables, as steps that a database takes once each.

use tenantry::{MigrateError, Migration, PostgresOwner, PostgresStore, SqliteStore};

/// The steps of some tables that belong together. What was applied once is never changed.
struct Tables {
    namespace: &'static str,
    sqlite: &'static [Migration],
    postgres: &'static [Migration],
}

const TABLES: [Tables; 3] = [
    Tables {
        namespace: "marketplace.listings",
        sqlite: &[
            Migration { version: 1, sql: include_str!("schema/sqlite/listings.sql") },
            Migration { version: 2, sql: include_str!("schema/sqlite/listings_by_author.sql") },
        ],
        postgres: &[
            Migration { version: 1, sql: include_str!("schema/postgres/listings.sql") },
            Migration { version: 2, sql: include_str!("schema/postgres/listings_by_author.sql") },
        ],
    },
    Tables {
        namespace: "marketplace.figures",
        sqlite: &[
            Migration { version: 1, sql: include_str!("schema/sqlite/figures.sql") },
            Migration { version: 2, sql: include_str!("schema/sqlite/figures_by_tenant.sql") },
        ],
        postgres: &[Migration { version: 1, sql: include_str!("schema/postgres/figures.sql") }],
    },
    Tables {
        namespace: "marketplace.demo",
        sqlite: &[
            Migration { version: 1, sql: include_str!("schema/sqlite/demo.sql") },
            Migration { version: 2, sql: include_str!("schema/sqlite/demo_by_tenant.sql") },
        ],
        postgres: &[Migration { version: 1, sql: include_str!("schema/postgres/demo.sql") }],
    },
];

/// Brings the tables in a SQLite file up to date.
pub(super) async fn on_sqlite(store: &SqliteStore) -> Result<(), MigrateError> {
    for tables in TABLES {
        store.migrate(tables.namespace, tables.sqlite).await?;
    }
    Ok(())
}

/// Brings the tables on a PostgreSQL server up to date.
pub(super) async fn on_postgres(owner: &mut PostgresOwner) -> Result<(), MigrateError> {
    for tables in TABLES {
        owner.migrate(tables.namespace, tables.postgres).await?;
    }
    Ok(())
}

/// That the tables on a PostgreSQL server are up to date.
pub(super) async fn expected_on_postgres(store: &PostgresStore) -> Result<(), MigrateError> {
    for tables in TABLES {
        store.expect_migrated(tables.namespace, tables.postgres).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use sqlx::sqlite::SqliteConnectOptions;
    use sqlx::{Connection as _, SqliteConnection};

    use super::*;

    const BEFORE: &str = "
        INSERT INTO tenantry_slugs (slug, tenant_id) VALUES ('platform', x'0190a8c2f00070008000000000000001');
        INSERT INTO performance (month, currency, orders, volume, fees) VALUES ('2026-01', 'USD', 3, 300, 24);
        INSERT INTO performance_progress (id, seen) VALUES (1, 17);
        INSERT INTO demo (id, password, is_complete) VALUES (1, 'kept', TRUE);
        INSERT INTO listings (tenant_id, id, slug, name, version, summary, amount, currency, cloudflare, assets,
        published, revision, created_at, updated_at) VALUES (x'0190a8c2f00070008000000000000002',
        x'0190a8c2f00070008000000000000003', 'shop', 'Shop', '1.0.0', 'A shop', 100, 'USD', '{}', '{}', 1, 1, 0, 0);";

    #[tokio::test]
    async fn what_a_file_held_before_becomes_the_platforms() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.db");
        let store = SqliteStore::open(&path).await.unwrap();
        for tables in TABLES {
            store.migrate(tables.namespace, &tables.sqlite[..1]).await.unwrap();
        }
        let options = SqliteConnectOptions::new().filename(&path);
        let mut file = SqliteConnection::connect_with(&options).await.unwrap();
        sqlx::raw_sql(BEFORE).execute(&mut file).await.unwrap();
        file.close().await.unwrap();
        on_sqlite(&store).await.unwrap();
        on_sqlite(&store).await.unwrap();
        let mut file = SqliteConnection::connect_with(&options).await.unwrap();
        let kept: (String, i64, i64, String, bool) = sqlx::query_as(
            "SELECT month, volume, seen, password, is_complete
             FROM performance JOIN performance_progress USING (tenant_id) JOIN demo USING (tenant_id)
             JOIN tenantry_slugs USING (tenant_id) WHERE slug = 'platform'",
        )
        .fetch_one(&mut file)
        .await
        .unwrap();
        assert_eq!(kept, ("2026-01".to_owned(), 300, 17, "kept".to_owned(), true));
        let authors: Vec<(String, Option<uuid::Uuid>)> =
            sqlx::query_as("SELECT slug, author FROM listings").fetch_all(&mut file).await.unwrap();
        assert_eq!(authors, [("shop".to_owned(), None)]);
    }
}
