//! The PostgreSQL store passes the suite that every store passes: by itself, and connected twice to one database as
//! by two processes.

#![cfg(feature = "postgres")]

#[cfg(test)]
mod conformance;

#[cfg(test)]
mod postgres {
    use std::error::Error;
    use std::sync::{Arc, Mutex};

    use tenantry_core::conformance::Opened;
    use tenantry_core::{ManualClock, Store};
    use tenantry_storage::testing::TestDatabase;
    use tenantry_storage::{PostgresOptions, PostgresStore, Sealing};

    use super::conformance::{OnTokio, conforms};

    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Handles {
        One,
        Two,
    }

    async fn open(
        database: &TestDatabase,
        clock: Arc<ManualClock>,
    ) -> Result<Arc<dyn Store>, Box<dyn Error + Send + Sync>> {
        let options = PostgresOptions::default().with_clock(clock);
        Ok(Arc::new(PostgresStore::connect(&database.logins(), options).await?))
    }

    /// Makes a database for each case; it goes when the next one comes.
    fn harness(handles: Handles) -> OnTokio {
        let last = Arc::new(Mutex::new(None));
        OnTokio(Box::new(move |clock| {
            let last = Arc::clone(&last);
            Box::pin(async move {
                let database = TestDatabase::create(Sealing::Off).await?;
                let store = open(&database, Arc::clone(&clock)).await?;
                let other = match handles {
                    Handles::One => None,
                    Handles::Two => Some(open(&database, clock).await?),
                };
                let before = last.lock().unwrap().replace(database);
                drop(before);
                Ok(Opened { store, other })
            })
        }))
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn the_postgres_store_conforms() {
        conforms(&harness(Handles::One)).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn two_stores_on_one_database_conform() {
        conforms(&harness(Handles::Two)).await;
    }
}
