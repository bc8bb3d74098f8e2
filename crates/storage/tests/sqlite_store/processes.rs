//! Two processes on one file. The test runs itself again as its children, which wait for each other at a barrier
//! of files before they begin.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tenantry_core::{
    BasisPoints, Currency, Failure, Fulfilment, Money, OrderCommand, OrderId, OrderState, Placement, Subject,
    Terms, UsageRefusal, WorkKind,
};
use tenantry_storage::SqliteStore;

use super::shop::{SLOTS, Shop, app, caller};

const FOLDER: &str = "TENANTRY_TEST_FOLDER";
const NAME: &str = "TENANTRY_TEST_NAME";
const CHILDREN: [&str; 2] = ["buyer", "seller"];
/// In each round, a child waits for the other, tries several uses at once and takes a step with an order.
const ROUNDS: usize = 24;
const TRIES_A_ROUND: usize = 4;
const TRIES: usize = ROUNDS * TRIES_A_ROUND;

#[derive(Debug, Default)]
struct Counts {
    admitted: usize,
    refused: usize,
    won: usize,
    lost: usize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_share_a_quota_and_the_orders() {
    let shop = Shop::open().await;
    let mut orders = Vec::new();
    for _ in 0..ROUNDS {
        orders.push(paid_order(&shop).await);
    }
    std::fs::write(
        shop.folder().join("orders"),
        orders.iter().map(|id| format!("{id}\n")).collect::<String>(),
    )
    .unwrap();
    let children: Vec<_> = CHILDREN
        .iter()
        .map(|name| {
            Command::new(std::env::current_exe().unwrap())
                .args(["--exact", "processes::child", "--nocapture"])
                .env(FOLDER, shop.folder())
                .env(NAME, name)
                .stdout(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let mut sum = Counts::default();
    for (child, name) in children.into_iter().zip(CHILDREN) {
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{name}: {text}");
        let counts = read(&text);
        println!("{name}: {counts:?}");
        assert!(counts.admitted + counts.refused == TRIES && counts.won + counts.lost == ROUNDS);
        assert!(counts.admitted + counts.won > 0, "both children got something: {name} {counts:?}");
        sum.admitted += counts.admitted;
        sum.refused += counts.refused;
        sum.won += counts.won;
        sum.lost += counts.lost;
    }
    println!("both: {sum:?}");
    assert_eq!(i64::try_from(sum.admitted).unwrap(), SLOTS, "exactly the limit is admitted over both");
    assert_eq!(sum.refused, 2 * TRIES - sum.admitted);
    assert_eq!((sum.won, sum.lost), (ROUNDS, ROUNDS), "each order is accepted or disputed, never both");
    assert_eq!(shop.used("slots").await, SLOTS);
    for order in orders {
        let order = shop.app.orders(&shop.operator).get(order).await.unwrap().order;
        let is_disputed = !order.holds.is_empty();
        assert_eq!(order.state == OrderState::Released, !is_disputed, "{order:?}");
    }
    let books = shop.app.ledger(&shop.operator).books().await.unwrap();
    assert!(books.is_balanced(), "{books:?}");
}

/// Does nothing unless it is run as a child.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let (Ok(folder), Ok(name)) = (std::env::var(FOLDER), std::env::var(NAME)) else { return };
    let folder = PathBuf::from(folder);
    let store = SqliteStore::open(folder.join("shop.db")).await.unwrap();
    let app = app(&store);
    let (seller, buyer) = (caller(&app, "seller").await, caller(&app, "buyer").await);
    let orders: Vec<OrderId> = std::fs::read_to_string(folder.join("orders"))
        .unwrap()
        .lines()
        .map(|line| line.parse().unwrap())
        .collect();
    let mut counts = Counts::default();
    for (round, order) in orders.into_iter().enumerate() {
        wait_for_the_other(&folder, &name, round).await;
        let uses: Vec<_> = (0..TRIES_A_ROUND)
            .map(|_| {
                let (app, seller) = (app.clone(), seller.clone());
                tokio::spawn(async move { app.usage(&seller).consume("slots".parse().unwrap(), 1).await })
            })
            .collect();
        let step = if name == "buyer" {
            app.orders(&buyer).accept(order).await
        } else {
            app.orders(&buyer).dispute(order, "broken".to_owned()).await
        };
        match step {
            Ok(_) => counts.won += 1,
            Err(Failure::Refused(_)) => counts.lost += 1,
            Err(other) => panic!("{other:?}"),
        }
        for used in uses {
            match used.await.unwrap() {
                Ok(()) => counts.admitted += 1,
                Err(Failure::Refused(UsageRefusal::Exceeded(_))) => counts.refused += 1,
                Err(other) => panic!("{other:?}"),
            }
        }
    }
    let Counts { admitted, refused, won, lost } = counts;
    println!("\ncounts {admitted} {refused} {won} {lost}");
}

fn read(text: &str) -> Counts {
    let line = text.lines().find_map(|line| line.strip_prefix("counts ")).unwrap_or_else(|| panic!("{text}"));
    let numbers: Vec<usize> = line.split(' ').map(|number| number.parse().unwrap()).collect();
    let [admitted, refused, won, lost] = numbers[..] else { panic!("{line}") };
    Counts { admitted, refused, won, lost }
}

async fn wait_for_the_other(folder: &Path, name: &str, round: usize) {
    std::fs::write(folder.join(format!("{round}-{name}")), "").unwrap();
    let patience = Instant::now() + Duration::from_secs(60);
    while !CHILDREN.iter().all(|name| folder.join(format!("{round}-{name}")).exists()) {
        assert!(Instant::now() < patience, "the other child never came");
        tokio::task::yield_now().await;
    }
}

/// An order under review.
async fn paid_order(shop: &Shop) -> OrderId {
    let gross = Money::new(4_999, Currency::USD);
    let placement = Placement {
        id: OrderId::generate(),
        seller: shop.seller.tenant().id(),
        subject: Subject { reference: "a".to_owned(), snapshot: serde_json::Value::Null },
        terms: Terms {
            gross,
            fee: BasisPoints::new(800).unwrap(),
            review: Duration::from_secs(3600),
            payment_window: Duration::from_secs(3600),
            fulfilment: Fulfilment::Immediate,
        },
    };
    let order = shop.app.orders(&shop.buyer).place(placement).await.unwrap();
    let work = shop.app.work();
    work.receive(shop.operator.tenant(), "provider", order.id.to_string(), serde_json::Value::Null)
        .await
        .unwrap();
    let claimed = work.claim(10, Duration::from_secs(60)).await.unwrap();
    let [ctx] = &claimed[..] else { panic!("{claimed:?}") };
    assert_eq!(ctx.claim().unwrap().item.kind, WorkKind::Inbox);
    let pay = OrderCommand::Pay { payment: "p".parse().unwrap(), paid: gross };
    shop.app.order_steps(ctx).take(order.id, pay).await.unwrap();
    order.id
}
