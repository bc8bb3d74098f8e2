//! A process that is stopped while another one writes. The test runs itself again as its child, stops it with a signal
//! for longer than a process may go without hearing of changes, and lets it go on.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use tenantry_core::{Caller, Epochs, Freshness, NewRole, ResolveError, WriteDoor as _};
use tenantry_storage::SqliteStore;

use super::shop::{Shop, app, caller};

const FOLDER: &str = "TENANTRY_PAUSED_FOLDER";
/// Longer between two looks than a busy machine takes: the process was stopped.
const GAP: Duration = Duration::from_secs(2);
const PATIENCE: Duration = Duration::from_secs(60);

/// The process that is stopped; ended when the test ends.
struct Stopped {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Stopped {
    fn start(shop: &Shop) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "paused::child", "--nocapture"])
            .env(FOLDER, shop.folder())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        Self { child, said }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status();
        assert!(sent.unwrap().success());
    }

    /// What it says next.
    fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert!(self.said.read_line(&mut line).unwrap() > 0, "the child has ended");
            if let Some(said) = line.strip_prefix("> ") {
                println!("{}", said.trim_end());
                return said.trim_end().to_owned();
            }
        }
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_was_stopped_serves_nothing_from_memory() {
    let shop = Shop::open().await;
    let mut child = Stopped::start(&shop);
    assert_eq!(child.hear(), "ready");
    let role = NewRole { key: "clerk".parse().unwrap(), name: "Clerk".to_owned(), grants: vec![] };
    shop.app.roles(&shop.seller).define(role).await.unwrap();
    let heard = child.hear();
    let heard_after: u64 = heard.strip_prefix("heard after ").unwrap().parse().unwrap();
    assert!(heard_after < 3_000, "{heard_after} ms");
    assert_eq!(child.hear(), "admitted again");

    child.signal("STOP");
    shop.app.tenants(&shop.operator).suspend("seller".parse().unwrap()).await.unwrap();
    tokio::time::sleep(Epochs::STALE_AFTER + Duration::from_millis(500)).await;
    assert!(shop.operator.is_current(), "the process that goes on hears that nothing else changed");
    child.signal("CONT");
    let woke = child.hear();
    assert!(woke.ends_with("seller is current: false, buyer is current: false"), "{woke}");
    assert_eq!(child.hear(), "fresh again, seller is current: false, suspended: true");
}

/// Does nothing unless it is run as a child.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let store = SqliteStore::open(PathBuf::from(folder).join("shop.db")).await.unwrap();
    let app = app(&store);
    let (seller, buyer) = (caller(&app, "seller").await, caller(&app, "buyer").await);
    let deadline = Instant::now() + PATIENCE;
    println!("\n> ready");
    while seller.is_current() {
        assert!(Instant::now() < deadline, "the change never came");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(store.epochs().freshness(), Freshness::Fresh);
    assert!(buyer.is_current(), "only the seller changed");
    let changed: i64 =
        sqlx::query_scalar("SELECT MAX(at) FROM tenantry_changes").fetch_one(store.readers()).await.unwrap();
    println!("\n> heard after {}", (store.now().as_micros() - changed) / 1_000);
    let seller = caller(&app, "seller").await;
    assert!(seller.is_current());
    println!("\n> admitted again");
    let woke = first_look_after_a_gap(&store, &seller, &buyer, deadline);
    println!("\n> {woke}");
    while store.epochs().freshness() == Freshness::Stale {
        assert!(Instant::now() < deadline, "it never heard of changes again");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let resolved = app.resolve(&"seller".parse().unwrap()).await;
    let is_suspended = matches!(resolved, Err(ResolveError::Inactive(_)));
    println!("\n> fresh again, seller is current: {}, suspended: {is_suspended}", seller.is_current());
}

/// Looks all the time, and tells what it saw at the first look that began after it was stopped.
fn first_look_after_a_gap(store: &SqliteStore, seller: &Caller, buyer: &Caller, deadline: Instant) -> String {
    let (mut looked, mut was_stopped) = (Instant::now(), false);
    loop {
        let before = Instant::now();
        let freshness = store.epochs().freshness();
        let [seller, buyer] = [seller, buyer].map(Caller::is_current);
        let after = Instant::now();
        if was_stopped || before.duration_since(looked) > GAP {
            return format!("{freshness:?}, seller is current: {seller}, buyer is current: {buyer}");
        }
        was_stopped = after.duration_since(before) > GAP;
        looked = after;
        assert!(looked < deadline, "it was never stopped");
    }
}
