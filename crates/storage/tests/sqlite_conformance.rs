//! The SQLite store passes the suite that every store passes: by itself, and opened twice on one file as by two
//! processes.

#![cfg(feature = "sqlite")]

#[cfg(test)]
mod conformance;

#[cfg(test)]
mod sqlite {
    use std::error::Error;
    use std::path::Path;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tenantry_core::conformance::Opened;
    use tenantry_core::{ManualClock, Store};
    use tenantry_storage::{SqliteOptions, SqliteStore};

    use super::conformance::{OnTokio, conforms};

    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Handles {
        One,
        Two,
    }

    async fn open(
        file: &Path,
        clock: Arc<ManualClock>,
    ) -> Result<Arc<dyn Store>, Box<dyn Error + Send + Sync>> {
        let options = SqliteOptions::default().with_clock(clock);
        Ok(Arc::new(SqliteStore::open_with(file, options).await?))
    }

    /// Opens a new file for each case, below `folder`.
    fn harness(folder: &Path, handles: Handles) -> OnTokio {
        let (folder, files) = (folder.to_owned(), AtomicUsize::new(0));
        OnTokio(Box::new(move |clock| {
            let file = folder.join(format!("{}.db", files.fetch_add(1, Ordering::Relaxed)));
            Box::pin(async move {
                let store = open(&file, Arc::clone(&clock)).await?;
                let other = match handles {
                    Handles::One => None,
                    Handles::Two => Some(open(&file, clock).await?),
                };
                Ok(Opened { store, other })
            })
        }))
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn the_sqlite_store_conforms() {
        let folder = tempfile::tempdir().unwrap();
        conforms(&harness(folder.path(), Handles::One)).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn two_stores_on_one_file_conform() {
        let folder = tempfile::tempdir().unwrap();
        conforms(&harness(folder.path(), Handles::Two)).await;
    }
}
