//! The same handlers on PostgreSQL, with statements that leave it to the database who the tenant is. How `.sqlx` is
//! made is told in `own_rows.rs`.

#[cfg(test)]
mod listings;

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tenantry::http::Problem;
    use tenantry::testing::TestDatabase;
    use tenantry::{Caller, Migration, PostgresOptions, PostgresStore, Sealing, Tenantry};

    use super::listings::{
        Door, Framework, Listing, Rows, Shop, away, keeps_to_its_tenant, leaves_nothing_when_it_is_dropped,
        leaves_nothing_when_it_refuses, refused, taken,
    };

    const TABLES: &[Migration] = &[Migration {
        version: 1,
        sql: "CREATE TABLE listings (
                  tenant_id uuid NOT NULL, slug text NOT NULL, price bigint NOT NULL, PRIMARY KEY (tenant_id, slug)
              );
              SELECT tenantry.protect('listings')",
    }];

    #[derive(Clone)]
    struct OnServer(PostgresStore);

    impl Rows for OnServer {
        async fn put_up(
            &self,
            app: &Tenantry,
            caller: &Caller,
            listing: &Listing,
            door: &Door,
        ) -> Result<Vec<Listing>, Problem> {
            let usage = app.usage(caller);
            let mut tx = self.0.begin(caller).await.map_err(away)?;
            let put_up = sqlx::query!(
                "INSERT INTO listings (tenant_id, slug, price) VALUES ($1, $2, $3) RETURNING slug",
                tx.tenant().as_uuid(),
                listing.slug,
                listing.price
            );
            let put_up = put_up.fetch_one(tx.connection()).await.map_err(taken)?;
            assert_eq!(put_up.slug, listing.slug);
            let all = sqlx::query_as!(Listing, "SELECT slug, price FROM listings ORDER BY slug");
            let all = all.fetch_all(tx.connection()).await.unwrap();
            let consume = usage.consume("listings".parse().unwrap(), 1).unsent().await.map_err(refused)?;
            tx.commit_in(consume).await.map_err(refused)?;
            door.pass().await;
            tx.commit().await.map_err(away)?;
            Ok(all)
        }

        async fn listings(&self, caller: &Caller) -> Result<Vec<Listing>, Problem> {
            let mut tx = self.0.read(caller).await.map_err(away)?;
            let counted = sqlx::query_scalar!("SELECT count(*) FROM listings");
            let counted = counted.fetch_one(tx.connection()).await.unwrap();
            let all: Vec<Listing> = sqlx::query_as("SELECT slug, price FROM listings ORDER BY slug")
                .fetch_all(tx.connection())
                .await
                .unwrap();
            assert_eq!(i64::try_from(all.len()).ok(), counted);
            Ok(all)
        }
    }

    async fn with_each(check: impl AsyncFn(Framework, &Shop<OnServer>)) {
        for framework in Framework::BOTH {
            let database = TestDatabase::create(Sealing::Off).await.unwrap();
            database.owner().await.unwrap().migrate("shop", TABLES).await.unwrap();
            let store = PostgresStore::connect(&database.logins(), PostgresOptions::default()).await.unwrap();
            check(framework, &Shop::open(Arc::new(store.clone()), OnServer(store)).await).await;
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_handler_keeps_to_its_tenant() {
        with_each(keeps_to_its_tenant).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_handler_that_refuses_leaves_nothing() {
        with_each(leaves_nothing_when_it_refuses).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_handler_that_is_dropped_leaves_nothing() {
        with_each(leaves_nothing_when_it_is_dropped).await;
    }
}
