//! Setting a database up, again and at once.

use tenantry_core::WriteDoor as _;
use tenantry_storage::testing::TestDatabase;
use tenantry_storage::{ConnectError, Logins, PostgresOptions, PostgresStore, Sealing};

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_was_set_up_is_served_from() {
    let database = TestDatabase::create(Sealing::Off).await.unwrap();
    let store = PostgresStore::connect(&database.logins(), PostgresOptions::default()).await.unwrap();
    store.ping().await.unwrap();
    assert!(store.has_admin());
}

#[tokio::test(flavor = "multi_thread")]
async fn setting_up_again_and_at_once_changes_nothing() {
    let database = TestDatabase::create(Sealing::On).await.unwrap();
    let mut tasks = Vec::new();
    for _ in 0..4 {
        let (address, roles) = (database.owner_address(), database.roles().clone());
        tasks.push(tokio::spawn(async move {
            let mut owner = tenantry_storage::PostgresOwner::connect(&address).await.unwrap();
            owner.set_up(&roles, Sealing::Keep).await.unwrap()
        }));
    }
    for task in tasks {
        assert_eq!(task.await.unwrap().as_ref(), database.key(), "the key stays");
    }
    let store = PostgresStore::connect(&database.logins(), PostgresOptions::default()).await.unwrap();
    store.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_logins_are_refused_with_what_to_do() {
    let database = TestDatabase::create(Sealing::Off).await.unwrap();
    let addresses = database.addresses();
    let connect = async |logins: Logins| {
        PostgresStore::connect(&logins, PostgresOptions::default()).await.map(drop).unwrap_err()
    };
    let owner = database.owner_address();
    let refused = connect(Logins::new(&owner, &addresses.writer)).await;
    assert!(matches!(refused, ConnectError::Owner { login: "app", .. }), "{refused}");
    let refused = connect(Logins::new(&addresses.writer, &addresses.writer)).await;
    assert!(matches!(refused, ConnectError::OtherRole { login: "app", .. }), "{refused}");
    let refused = connect(addresses.logins().with_sealing_key("ab".repeat(32).parse().unwrap())).await;
    assert!(matches!(refused, ConnectError::KeyNotWanted), "{refused}");
    let refused = connect(Logins::new("postgres://nobody:x@127.0.0.1:1/none", &addresses.writer)).await;
    assert!(matches!(refused, ConnectError::Failed { .. } | ConnectError::Commit(_)), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_database_wants_its_key() {
    let database = TestDatabase::create(Sealing::On).await.unwrap();
    let refused = PostgresStore::connect(&database.addresses().logins(), PostgresOptions::default()).await;
    assert!(matches!(refused.unwrap_err(), ConnectError::KeyMissing));
    let wrong = database.addresses().logins().with_sealing_key("ab".repeat(32).parse().unwrap());
    let refused = PostgresStore::connect(&wrong, PostgresOptions::default()).await;
    assert!(matches!(refused.unwrap_err(), ConnectError::KeyWrong));
}
