//! The store's time: the server's, as far as this process can know it.

use tenantry_core::{Clock as _, WriteDoor as _};
use tenantry_storage::{PostgresOptions, PostgresStore, SystemClock};

use super::shop::Shop;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_on_the_same_machine_has_the_same_time_however_long_its_answers_took() {
    const STORES: u32 = 24;
    let shop = Shop::open().await;
    let mut apart = 0;
    for _ in 0..STORES {
        let options = PostgresOptions::default();
        let store = PostgresStore::connect(&shop.database.logins(), options).await.unwrap();
        let (before, now, after) = (SystemClock.now(), store.now(), SystemClock.now());
        apart += u32::from(now < before || now > after);
    }
    println!("{STORES} stores each measured the server's clock, {apart} of which went by another time");
    assert_eq!(apart, 0);
}
