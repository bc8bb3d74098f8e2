//! What a PostgreSQL database answers to a poll for changes.

#![cfg(feature = "postgres")]

#[cfg(test)]
mod postgres {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
    use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};
    use tenantry_core::{Clock as _, Epochs, Freshness, TenantId, Unavailable};
    use tenantry_storage::testing::drop_database;
    use tenantry_storage::{
        ChangeFeed, Changes, ClockOffset, Moved, Position, SystemClock, follow_changes, postgres_changes,
    };
    use uuid::Uuid;

    /// The table as the store's migration makes it.
    const TABLE: &str = "CREATE SCHEMA tenantry_directory; \
        CREATE TABLE tenantry_directory.tenantry_changes ( \
            place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, \
            tenant_id uuid NOT NULL, \
            xid xid8 NOT NULL DEFAULT pg_current_xact_id(), \
            at bigint NOT NULL); \
        CREATE INDEX tenantry_changes_by_transaction ON tenantry_directory.tenantry_changes (xid); \
        CREATE INDEX tenantry_changes_by_tenant ON tenantry_directory.tenantry_changes (tenant_id, place)";

    /// A database of the test's own.
    struct Database {
        name: String,
        options: PgConnectOptions,
        pool: PgPool,
    }

    impl Database {
        async fn make() -> Self {
            let name = format!("tenantry_test_{}", Uuid::now_v7().simple());
            let mut owner = PgConnection::connect_with(&server()).await.unwrap();
            let make = AssertSqlSafe(format!("CREATE DATABASE {name}"));
            sqlx::raw_sql(make).execute(&mut owner).await.unwrap();
            let options = server().database(&name);
            let pool = PgPoolOptions::new().max_connections(1).connect_with(options.clone()).await.unwrap();
            sqlx::raw_sql(TABLE).execute(&pool).await.unwrap();
            Self { name, options, pool }
        }

        async fn connect(&self) -> PgConnection {
            PgConnection::connect_with(&self.options).await.unwrap()
        }

        async fn poll(&self, position: Option<Position>) -> (Vec<TenantId>, Position) {
            let changes = postgres_changes(&self.pool, position).await.unwrap();
            let Moved::Tenants(rows) = changes.moved else { panic!("{changes:?}") };
            (rows.iter().map(|row| row.tenant).collect(), changes.next)
        }
    }

    /// Dropped also when the test fails.
    impl Drop for Database {
        fn drop(&mut self) {
            let name = self.name.clone();
            let dropping = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let mut owner = PgConnection::connect_with(&server()).await.unwrap();
                    drop_database(&mut owner, &name, &[] as &[&str]).await.unwrap();
                });
            });
            if dropping.join().is_err() {
                eprintln!("the database {} is still there", self.name);
            }
        }
    }

    fn server() -> PgConnectOptions {
        let url = std::env::var("DATABASE_URL").expect("DATABASE_URL isn't set: `cargo xtask test` sets it");
        url.parse().expect("DATABASE_URL is the address of a PostgreSQL server")
    }

    async fn run(connection: &mut PgConnection, sql: &'static str) {
        sqlx::raw_sql(sql).execute(connection).await.unwrap();
    }

    /// Tells that a tenant changed, as the write door does. Answers the row's place.
    async fn tell(connection: &mut PgConnection, tenant: TenantId) -> i64 {
        let insert = "INSERT INTO tenantry_directory.tenantry_changes (tenant_id, at) VALUES ($1, 0) \
            RETURNING place";
        let place =
            sqlx::query_scalar(insert).bind(tenant.as_uuid()).fetch_one(&mut *connection).await.unwrap();
        let delete = "DELETE FROM tenantry_directory.tenantry_changes WHERE tenant_id = $1 AND place < \
            (SELECT MAX(place) FROM tenantry_directory.tenantry_changes WHERE tenant_id = $1)";
        sqlx::query(delete).bind(tenant.as_uuid()).execute(connection).await.unwrap();
        place
    }

    #[tokio::test]
    async fn what_commits_late_is_not_missed() {
        let database = Database::make().await;
        let (mut early, mut late) = (database.connect().await, database.connect().await);
        let (first, second) = (TenantId::generate(), TenantId::generate());
        let (_, start) = database.poll(None).await;

        run(&mut early, "BEGIN").await;
        run(&mut late, "BEGIN").await;
        let place_of_late = tell(&mut late, first).await;
        let place_of_early = tell(&mut early, second).await;
        assert!(place_of_late < place_of_early, "the order of places isn't the order of commits");
        run(&mut early, "COMMIT").await;
        let (heard, position) = database.poll(Some(start)).await;
        assert_eq!(heard, [second]);
        run(&mut late, "COMMIT").await;
        let (mut heard, _) = database.poll(Some(position)).await;
        heard.sort_unstable();
        let mut both = [first, second];
        both.sort_unstable();
        assert_eq!(heard, both, "the late one, and again the one that was seen above it");
    }

    #[tokio::test]
    async fn a_later_change_of_the_same_tenant_by_an_older_transaction_is_not_missed() {
        let database = Database::make().await;
        let (mut older, mut younger) = (database.connect().await, database.connect().await);
        let (tenant, other) = (TenantId::generate(), TenantId::generate());
        run(&mut older, "BEGIN").await;
        tell(&mut older, other).await;
        let (_, start) = database.poll(None).await;
        tell(&mut younger, tenant).await;
        let (heard, position) = database.poll(Some(start)).await;
        assert_eq!(heard, [tenant]);
        tell(&mut older, tenant).await;
        run(&mut older, "COMMIT").await;
        let (mut heard, _) = database.poll(Some(position)).await;
        heard.sort_unstable();
        let mut both = [tenant, other];
        both.sort_unstable();
        assert_eq!(heard, both);
        let (mut since_the_start, _) = database.poll(Some(start)).await;
        since_the_start.sort_unstable();
        assert_eq!(since_the_start, both, "and whoever has polled neither hears it too");
    }

    #[tokio::test]
    async fn what_is_rolled_back_is_never_heard() {
        let database = Database::make().await;
        let mut writer = database.connect().await;
        let (_, start) = database.poll(None).await;
        run(&mut writer, "BEGIN; SAVEPOINT batch").await;
        tell(&mut writer, TenantId::generate()).await;
        run(&mut writer, "ROLLBACK TO batch; COMMIT").await;
        let kept = TenantId::generate();
        run(&mut writer, "BEGIN; SAVEPOINT batch").await;
        tell(&mut writer, kept).await;
        run(&mut writer, "RELEASE batch; COMMIT").await;
        assert_eq!(database.poll(Some(start)).await.0, [kept]);
    }

    #[tokio::test]
    async fn more_than_can_be_named_are_all() {
        let database = Database::make().await;
        let (_, start) = database.poll(None).await;
        let insert = "INSERT INTO tenantry_directory.tenantry_changes (tenant_id, at) \
            SELECT gen_random_uuid(), 0 FROM generate_series(1, $1)";
        let most = i32::try_from(Changes::MOST).unwrap();
        sqlx::query(insert).bind(most).execute(&database.pool).await.unwrap();
        assert_eq!(database.poll(Some(start)).await.0.len(), Changes::MOST);
        sqlx::query(insert).bind(1).execute(&database.pool).await.unwrap();
        let changes = postgres_changes(&database.pool, Some(start)).await.unwrap();
        assert_eq!(changes.moved, Moved::All);
    }

    #[tokio::test]
    async fn a_poll_prepares_nothing_and_tells_the_server_s_time() {
        let database = Database::make().await;
        for position in [None, Some(Position::new(1))] {
            let before = SystemClock.now();
            let changes = postgres_changes(&database.pool, position).await.unwrap();
            let clock = changes.clock.unwrap();
            assert!(clock.give_or_take <= SystemClock.now().since(before));
            assert!(!clock.exceeds(ClockOffset::TOLERATED), "server and test are on one machine: {clock:?}");
            println!("{clock:?}");
        }
        let prepared = "SELECT count(*) AS prepared FROM pg_prepared_statements";
        let row = sqlx::raw_sql(prepared).fetch_one(&database.pool).await.unwrap();
        assert_eq!(sqlx::Row::get::<i64, _>(&row, "prepared"), 0);
    }

    struct Feed {
        epochs: Epochs,
        pool: PgPool,
    }

    impl ChangeFeed for Feed {
        fn epochs(&self) -> &Epochs {
            &self.epochs
        }

        async fn changes_since(&self, position: Option<Position>) -> Result<Changes, Unavailable> {
            postgres_changes(&self.pool, position).await
        }
    }

    #[tokio::test]
    async fn a_process_hears_of_a_change_in_time_and_of_each_once() {
        let database = Database::make().await;
        let feed = Arc::new(Feed { epochs: Epochs::shared(Instant::now), pool: database.pool.clone() });
        follow_changes(&feed, Duration::from_millis(50)).await.unwrap();
        let (mut long, mut writer) = (database.connect().await, database.connect().await);
        let (tenant, bystander) = (TenantId::generate(), TenantId::generate());
        run(&mut long, "BEGIN; SELECT pg_current_xact_id()").await;
        let untouched = feed.epochs.stamp(bystander);
        for _ in 0..3 {
            let stamp = feed.epochs.stamp(tenant);
            tell(&mut writer, tenant).await;
            let told = Instant::now();
            while stamp.is_current() && told.elapsed() < Duration::from_secs(3) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            println!("heard after {:?}", told.elapsed());
            assert!(!stamp.is_current() && feed.epochs.freshness() == Freshness::Fresh);
            let again = feed.epochs.stamp(tenant);
            tokio::time::sleep(Duration::from_millis(200)).await;
            assert!(again.is_current(), "polled again, under a transaction that holds the position back");
        }
        assert!(untouched.is_current());
    }
}
