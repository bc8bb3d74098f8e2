//! The memory store passes the suite that every store passes.

#[cfg(test)]
mod conformance;

#[cfg(test)]
mod memory {
    use std::sync::Arc;

    use tenantry_core::conformance::Opened;
    use tenantry_core::{Clock as _, ManualClock, Timestamp, WriteDoor as _};
    use tenantry_storage::{MemoryStore, SystemClock};

    use super::conformance::{OnTokio, conforms};

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn the_memory_store_conforms() {
        let open = |clock: Arc<ManualClock>| {
            let opened = Opened { store: Arc::new(MemoryStore::new(clock)), other: None };
            Box::pin(std::future::ready(Ok(opened))) as _
        };
        conforms(&OnTokio(Box::new(open))).await;
    }

    #[test]
    fn the_default_store_takes_the_time_of_the_machine() {
        let before = SystemClock.now();
        let found = MemoryStore::default().now();
        assert!(before <= found && found <= SystemClock.now());
        let recent: Timestamp = "2025-01-01T00:00:00Z".parse().unwrap();
        assert!(found > recent);
    }
}
