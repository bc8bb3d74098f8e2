//! Two workers on one database: nobody does the same work twice, and one that overslept its lease writes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tenantry_core::{Clock as _, Failure, ManualClock, SystemCtx, Tenantry};
use tenantry_storage::{PostgresOptions, PostgresStore, Sealing, SystemClock};

use super::shop::{Shop, app};

const ITEMS: usize = 40;
const LEASE: Duration = Duration::from_secs(60);

/// A shop with work to do, and two workers in what could be two processes.
async fn stage(sealing: Sealing) -> (Shop, Arc<ManualClock>, [Tenantry; 2]) {
    let clock = Arc::new(ManualClock::at(SystemClock.now()));
    let options = PostgresOptions::default().with_clock(Arc::clone(&clock) as _);
    let shop = Shop::open_with(sealing, options.clone()).await;
    let logins = shop.database.logins();
    let mut workers = Vec::new();
    for _ in 0..2 {
        workers.push(app(&PostgresStore::connect(&logins, options.clone()).await.unwrap()));
    }
    let at = shop.app.resolve(&"market".parse().unwrap()).await.unwrap();
    for n in 0..ITEMS {
        shop.app.work().receive(&at, "provider", format!("evt-{n}"), json!({ "n": n })).await.unwrap();
    }
    (shop, clock, workers.try_into().unwrap())
}

fn subject(ctx: &SystemCtx) -> (uuid::Uuid, u64) {
    let claim = ctx.claim().unwrap();
    (claim.item.subject, claim.fence)
}

/// Claims three at a time until there is nothing, from several tasks of each worker at once.
async fn claim_all(workers: &[Tenantry; 2]) -> Vec<Vec<SystemCtx>> {
    let mut tasks = Vec::new();
    for worker in workers.iter().cycle().take(8) {
        let worker = worker.clone();
        tasks.push(tokio::spawn(async move {
            let mut claimed = Vec::new();
            loop {
                let mut more = worker.work().claim(3, LEASE).await.unwrap();
                if more.is_empty() {
                    return claimed;
                }
                claimed.append(&mut more);
            }
        }));
    }
    let mut by_task = Vec::new();
    for task in tasks {
        by_task.push(task.await.unwrap());
    }
    by_task
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_workers_share_out_and_outlive_each_other() {
    for sealing in [Sealing::Off, Sealing::On] {
        let (shop, clock, workers) = stage(sealing).await;
        let first = claim_all(&workers).await;
        let busy = first.iter().filter(|claimed| !claimed.is_empty()).count();
        let first: BTreeMap<_, _> = {
            let all: Vec<_> = first.into_iter().flatten().collect();
            assert_eq!(all.len(), ITEMS, "each once");
            all.into_iter().map(|ctx| (subject(&ctx).0, ctx)).collect()
        };
        assert_eq!(first.len(), ITEMS, "none twice");
        assert!(busy > 1, "more than one had something to do");

        clock.advance(LEASE);
        let second: BTreeMap<_, _> =
            claim_all(&workers).await.into_iter().flatten().map(|ctx| (subject(&ctx).0, ctx)).collect();
        assert_eq!(second.len(), ITEMS, "what a worker left is taken over");
        let (mut ended, mut superseded) = (0, 0);
        let mut tasks = Vec::new();
        for (id, late) in first {
            let successor = &second[&id];
            assert!(subject(successor).1 > subject(&late).1, "a higher fence");
            let (one, other) = (workers[0].clone(), workers[1].clone());
            let successor = successor.clone();
            let late = tokio::spawn(async move { one.work().end(&late, "late".to_owned()).await });
            let next = tokio::spawn(async move { other.work().end(&successor, "done".to_owned()).await });
            tasks.push((late, next));
        }
        for (late, next) in tasks {
            match late.await.unwrap() {
                Err(Failure::Superseded) => superseded += 1,
                other => panic!("a worker that was replaced wrote: {other:?}"),
            }
            next.await.unwrap().unwrap();
            ended += 1;
        }
        assert!(workers[0].work().claim(10, LEASE).await.unwrap().is_empty());
        println!(
            "{sealing:?}: {ITEMS} pieces shared by {busy} tasks, {ended} ended once, {superseded} late ends refused"
        );
        drop(shop);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_without_the_admins_login_claims_nothing() {
    let shop = Shop::open().await;
    let addresses = shop.database.addresses();
    let logins = tenantry_storage::Logins::new(&addresses.app, &addresses.writer);
    let store = PostgresStore::connect(&logins, PostgresOptions::default()).await.unwrap();
    assert!(!store.has_admin());
    let refused = app(&store).work().claim(1, LEASE).await.unwrap_err();
    assert!(format!("{refused:?}").contains("admin"), "{refused:?}");
}
