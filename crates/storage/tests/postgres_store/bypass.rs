//! The door around the wall: named, with a reason, of a login of its own, and in the trail of whoever opens it.

use sqlx::Connection as _;
use tenantry_core::{CommitError, PageRequest, SealedAudit, verify_chain};
use tenantry_storage::{Bypass, Logins, PostgresOptions, PostgresStore, Sealing};

use super::shop::Shop;

async fn shop(sealing: Sealing) -> Shop {
    let shop = Shop::open_with(sealing, PostgresOptions::default()).await;
    shop.list(&shop.seller, "a").await;
    shop.list(&shop.buyer, "b").await;
    shop
}

fn ticket() -> Bypass {
    Bypass::new("support.search", "ticket 4711").unwrap()
}

/// What the operator's sealed trail says of bypasses, oldest first.
async fn noted(shop: &Shop) -> Vec<SealedAudit> {
    while shop.app.work().seal(100, 1_000).await.unwrap() > 0 {}
    let mut page = shop.app.trail(&shop.operator).audit(&PageRequest::first()).await.unwrap().items;
    page.reverse();
    verify_chain(&page).unwrap();
    page.retain(|sealed| sealed.entry.action.starts_with("bypass."));
    page
}

fn actions(noted: &[SealedAudit]) -> Vec<&str> {
    noted.iter().map(|sealed| sealed.entry.action.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bypass_sees_every_tenant_and_is_noted_before_and_with_what_it_does() {
    for sealing in [Sealing::Off, Sealing::On] {
        let shop = shop(sealing).await;
        let mut tx = shop.store.bypass(&shop.operator, ticket()).await.unwrap();
        assert_eq!(actions(&noted(&shop).await), ["bypass.opened"], "before its first statement");
        let seen: Vec<String> = sqlx::query_scalar("SELECT slug FROM listings ORDER BY slug")
            .fetch_all(tx.connection())
            .await
            .unwrap();
        assert_eq!(seen, ["a", "b"]);
        sqlx::query("UPDATE listings SET price = 7").execute(tx.connection()).await.unwrap();
        tx.commit().await.unwrap();
        let noted = noted(&shop).await;
        assert_eq!(actions(&noted), ["bypass.opened", "bypass.committed"]);
        for SealedAudit { entry, .. } in &noted {
            assert_eq!(entry.target, "bypass:support.search");
            assert_eq!(entry.detail["reason"], "ticket 4711");
            assert_eq!(entry.actor, tenantry_core::AuditActor::Principal(shop.operator.id()));
        }
        let mut tx = shop.store.read(&shop.buyer).await.unwrap();
        let price: i64 =
            sqlx::query_scalar("SELECT price FROM listings").fetch_one(tx.connection()).await.unwrap();
        assert_eq!(price, 7);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bypass_that_is_dropped_or_fails_leaves_the_note_that_it_was_opened() {
    let shop = shop(Sealing::Off).await;
    let mut tx = shop.store.bypass(&shop.operator, ticket()).await.unwrap();
    sqlx::query("DELETE FROM listings").execute(tx.connection()).await.unwrap();
    drop(tx);
    assert_eq!(actions(&noted(&shop).await), ["bypass.opened"]);
    let mut tx = shop.store.bypass_for_work(&shop.operator, "clean-up", ticket()).await.unwrap();
    sqlx::query("DELETE FROM listings").execute(tx.connection()).await.unwrap();
    sqlx::query("SELECT 1 / 0").execute(tx.connection()).await.unwrap_err();
    assert!(matches!(tx.commit().await, Err(CommitError::Unavailable(_))));
    let noted = noted(&shop).await;
    assert_eq!(actions(&noted), ["bypass.opened", "bypass.opened"]);
    assert_eq!(noted[1].entry.actor.to_string(), "system:clean-up");
    assert_eq!((shop.stored(&shop.seller).await, shop.stored(&shop.buyer).await), (1, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bypass_has_a_name_a_reason_and_the_admins_login() {
    for (name, reason) in [("", "r"), ("n", ""), ("n", " \n "), ("n", &*"r".repeat(501))] {
        assert!(Bypass::new(name, reason).is_err(), "{name:?} {reason:?}");
    }
    let shop = shop(Sealing::Off).await;
    let addresses = shop.database.addresses();
    let without = Logins::new(&addresses.app, &addresses.writer);
    let without = PostgresStore::connect(&without, PostgresOptions::default()).await.unwrap();
    assert!(matches!(without.bypass(&shop.operator, ticket()).await, Err(CommitError::Unavailable(_))));
    assert!(noted(&shop).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_other_logins_cannot_step_around_the_wall() {
    let shop = shop(Sealing::Off).await;
    let roles = shop.database.roles();
    let mut tried = 0;
    for address in [&shop.database.addresses().app, &shop.database.addresses().writer] {
        let mut login = sqlx::PgConnection::connect(address).await.unwrap();
        for statement in [
            format!("SET ROLE {}", roles.admin()),
            format!("SET ROLE {}", roles.door()),
            format!("SET SESSION AUTHORIZATION {}", roles.admin()),
            format!("GRANT {} TO {}", roles.admin(), roles.app()),
            format!("ALTER ROLE {} BYPASSRLS", roles.app()),
            "ALTER TABLE listings NO FORCE ROW LEVEL SECURITY".to_owned(),
            "DROP POLICY tenantry_app ON listings".to_owned(),
            "INSERT INTO tenantry.tenantry_audit (tenant_id, audit_id, at, actor, action, target, detail)
             VALUES (gen_random_uuid(), gen_random_uuid(), 0, 'system:x', 'bypass.opened', 'x', '{}')"
                .to_owned(),
            "SET session_replication_role = replica".to_owned(),
            "SET row_security = off; SELECT * FROM listings".to_owned(),
        ] {
            let done = sqlx::raw_sql(sqlx::AssertSqlSafe(statement.clone())).execute(&mut login).await;
            let refused = done.expect_err(&statement);
            let code =
                refused.as_database_error().and_then(|error| error.code().map(std::borrow::Cow::into_owned));
            assert!(matches!(code.as_deref(), Some("42501" | "0A000")), "{statement}: {refused}");
            tried += 1;
        }
    }
    println!("{tried} statements refused");
}
