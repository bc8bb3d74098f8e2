//! Lists of orders read what they show.

use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tenantry_core::{
    BasisPoints, Currency, EscrowReader as _, Fulfilment, Literal, Money, OrderId, PageRequest, Placement,
    Predicate, Subject, Terms,
};
use tenantry_storage::{PostgresOptions, Sealing};

use super::shop::Shop;

const ORDERS: i64 = 20_000;
const OWN: i64 = 20;
const PAGE: u16 = 5;
/// So often that the server plans the statement for any values.
const READS: i64 = 8;
const IN_TIME: Duration = Duration::from_secs(30);

/// How many rows an index of the sides has answered since its server began to count, once that many were asked.
async fn answered(admin: &mut PgConnection, index: &str, at_least: i64) -> i64 {
    let ask = "SELECT idx_tup_read FROM pg_stat_all_indexes WHERE indexrelname = $1";
    let patience = Instant::now() + IN_TIME;
    loop {
        let rows: i64 = sqlx::query_scalar(ask).bind(index).fetch_one(&mut *admin).await.unwrap();
        if rows >= at_least {
            return rows;
        }
        assert!(Instant::now() < patience, "{index} answered {rows} rows");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Some orders that the buyer placed, among many of its colleagues'.
async fn fill(shop: &Shop) {
    let terms = Terms {
        gross: Money::new(4_900, Currency::USD),
        fee: BasisPoints::new(800).unwrap(),
        review: Duration::from_secs(3_600),
        payment_window: Duration::from_secs(1_800),
        fulfilment: Fulfilment::Immediate,
    };
    let subject = Subject { reference: "goods".to_owned(), snapshot: serde_json::json!({}) };
    let seller = shop.seller.tenant().id();
    let placement = Placement { id: OrderId::generate(), seller, subject, terms };
    shop.app.orders(&shop.buyer).place(placement).await.unwrap();
    let lift = "ALTER TABLE tenantry.tenantry_order_sides NO FORCE ROW LEVEL SECURITY";
    let copy = format!(
        "INSERT INTO tenantry.tenantry_order_sides SELECT tenant_id, gen_random_uuid(), party, operator_id, \
         buyer_id, seller_id, CASE WHEN n % {} = 0 THEN placed_by ELSE gen_random_uuid() END, reference, snapshot, \
         terms, state, holds, payment_due, payment, review, refunds, version, created_at + n \
         FROM tenantry.tenantry_order_sides, generate_series(1, {ORDERS}) AS n WHERE party = 'buyer'",
        ORDERS / OWN
    );
    let force = "ALTER TABLE tenantry.tenantry_order_sides FORCE ROW LEVEL SECURITY";
    let mut owner = shop.owner().await;
    for sql in [lift, &copy, force, "VACUUM ANALYZE tenantry.tenantry_order_sides"] {
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut owner).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_placed_is_read_without_what_others_did() {
    for sealing in [Sealing::Off, Sealing::On] {
        let shop = Shop::open_with(sealing, PostgresOptions::default().with_reads(1)).await;
        fill(&shop).await;
        let user = shop.buyer.user().unwrap().as_uuid();
        let own = Predicate::is_in("placed_by", vec![Literal::Id(user)]);
        let page = PageRequest::new(PAGE, None).unwrap();
        let mut admin = PgConnection::connect(&shop.database.addresses().admin).await.unwrap();
        let by_age = answered(&mut admin, "tenantry_order_sides_by_age", 0).await;
        for _ in 0..READS {
            let found = shop.store.order_sides(shop.buyer.scope(), &own, &page).await.unwrap();
            assert_eq!(found.items.len(), usize::from(PAGE));
            assert!(
                found.next.is_some() && found.items.iter().all(|side| side.order.placed_by.as_uuid() == user)
            );
        }
        let rows = READS * (i64::from(PAGE) + 1);
        let by_placer = answered(&mut admin, "tenantry_order_sides_by_placer", rows).await;
        let by_age = answered(&mut admin, "tenantry_order_sides_by_age", by_age).await - by_age;
        println!(
            "{sealing:?}: {READS} pages among {ORDERS} orders: {by_placer} rows by placer, {by_age} by age"
        );
        assert_eq!((by_placer, by_age), (rows, 0));
    }
}
