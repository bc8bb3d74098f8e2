//! Handlers of both frameworks on rows of the application's own in SQLite, with sqlx's checked statements: `query!`,
//! `query_as!` and `query_scalar!` take the connection of a transaction as any other statement does.
//!
//! What the macros know of the tables lies in `.sqlx`. A new statement is written there by a build that may ask a
//! database with those tables: `SQLX_OFFLINE=false SQLX_OFFLINE_DIR=.sqlx DATABASE_URL=sqlite://… cargo check --test
//! own_rows --all-features`.

#[cfg(test)]
mod listings;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tenantry::http::Problem;
    use tenantry::{Caller, Migration, SqliteStore, Tenantry};

    use super::listings::{
        Door, Framework, Listing, Rows, Shop, away, keeps_to_its_tenant, leaves_nothing_when_it_is_dropped,
        leaves_nothing_when_it_refuses, refused, taken,
    };

    const TABLES: &[Migration] = &[Migration {
        version: 1,
        sql: "CREATE TABLE listings (
                  tenant_id BLOB NOT NULL, slug TEXT NOT NULL, price INTEGER NOT NULL, PRIMARY KEY (tenant_id, slug)
              ) STRICT, WITHOUT ROWID",
    }];

    #[derive(Clone)]
    struct InFile(SqliteStore);

    impl Rows for InFile {
        async fn put_up(
            &self,
            app: &Tenantry,
            caller: &Caller,
            listing: &Listing,
            door: &Door,
        ) -> Result<Vec<Listing>, Problem> {
            let usage = app.usage(caller);
            let mut tx = self.0.begin(caller).await.map_err(away)?;
            let tenant = tx.tenant().as_uuid();
            sqlx::query!(
                "INSERT INTO listings (tenant_id, slug, price) VALUES ($1, $2, $3)",
                tenant,
                listing.slug,
                listing.price
            )
            .execute(tx.connection())
            .await
            .map_err(taken)?;
            let all = sqlx::query_as!(
                Listing,
                "SELECT slug, price FROM listings WHERE tenant_id = $1 ORDER BY slug",
                tenant
            );
            let all = all.fetch_all(tx.connection()).await.unwrap();
            let consume = usage.consume("listings".parse().unwrap(), 1).unsent().await.map_err(refused)?;
            tx.commit_in(consume).await.map_err(refused)?;
            door.pass().await;
            tx.commit().await.map_err(away)?;
            Ok(all)
        }

        async fn listings(&self, caller: &Caller) -> Result<Vec<Listing>, Problem> {
            let mut tx = self.0.read(caller).await.map_err(away)?;
            let tenant = tx.tenant().as_uuid();
            let counted = sqlx::query_scalar!("SELECT count(*) FROM listings WHERE tenant_id = $1", tenant);
            let counted = counted.fetch_one(tx.connection()).await.unwrap();
            let all: Vec<Listing> =
                sqlx::query_as("SELECT slug, price FROM listings WHERE tenant_id = $1 ORDER BY slug")
                    .bind(tenant)
                    .fetch_all(tx.connection())
                    .await
                    .unwrap();
            assert_eq!(i64::try_from(all.len()), Ok(counted), "one instant");
            Ok(all)
        }
    }

    async fn with_each(check: impl AsyncFn(Framework, &Shop<InFile>)) {
        for framework in Framework::BOTH {
            let folder = tempfile::tempdir().unwrap();
            let store = SqliteStore::open(folder.path().join("shop.db")).await.unwrap();
            store.migrate("shop", TABLES).await.unwrap();
            check(framework, &Shop::open(Arc::new(store.clone()), InFile(store)).await).await;
        }
    }

    #[tokio::test]
    async fn a_handler_keeps_to_its_tenant() {
        with_each(keeps_to_its_tenant).await;
    }

    #[tokio::test]
    async fn a_handler_that_refuses_leaves_nothing() {
        with_each(leaves_nothing_when_it_refuses).await;
    }

    #[tokio::test]
    async fn a_handler_that_is_dropped_leaves_nothing() {
        with_each(leaves_nothing_when_it_is_dropped).await;
    }
}
