//! Runs core's conformance suite on a multi-threaded tokio runtime. Shared by the tests of every store.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tenantry_core::ManualClock;
use tenantry_core::conformance::{self, Harness, Opened, Task};

/// Opens empty stores for the suite.
pub(crate) type Open = dyn Fn(Arc<ManualClock>) -> Opening + Send + Sync;

type Opening = Pin<Box<dyn Future<Output = Result<Opened, Box<dyn Error + Send + Sync>>> + Send>>;

/// A harness on the current tokio runtime.
pub(crate) struct OnTokio(pub(crate) Box<Open>);

#[async_trait::async_trait]
impl Harness for OnTokio {
    async fn open(&self, clock: Arc<ManualClock>) -> Result<Opened, Box<dyn Error + Send + Sync>> {
        (self.0)(clock).await
    }

    fn spawn(&self, task: Task) -> Task {
        let running = tokio::spawn(task);
        Box::pin(async move {
            if let Err(error) = running.await {
                eprintln!("a task of the suite ended early: {error}");
            }
        })
    }

    async fn pause(&self) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Runs every case, prints a line for each, and panics with those that failed.
///
/// `CASE=races` in the environment runs only the cases whose name contains it.
pub(crate) async fn conforms(harness: &dyn Harness) {
    let wanted = std::env::var("CASE").unwrap_or_default();
    let (mut passed, mut failed) = (0, Vec::new());
    for case in conformance::cases().iter().filter(|case| case.name().contains(&wanted)) {
        let started = std::time::Instant::now();
        match case.run(harness).await {
            Ok(report) => {
                println!("{}: {report} [{:?}]", case.name(), started.elapsed());
                passed += 1;
            }
            Err(failure) => {
                println!("FAILED {failure}\n    because a store promises that {}", case.about());
                failed.push(failure.to_string());
            }
        }
    }
    assert!(failed.is_empty(), "{} cases failed:\n{}", failed.len(), failed.join("\n"));
    assert!(passed > 0, "no case is called like {wanted:?}");
    println!("{passed} cases, none failed");
}
