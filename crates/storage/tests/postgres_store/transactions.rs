//! The application's rows under the wall: what a tenant's transaction sees, and what stands or falls together.

use serde_json::json;
use tenantry_core::{CommitError, Failure, Founding, Note, Reach, UsageRefusal};

use super::shop::{LIMIT, Shop, caller, founding, insert, registration};

fn note() -> Note {
    Note {
        action: "listing.create".to_owned(),
        target: "listing:a".to_owned(),
        detail: json!({}),
        event: Some((uuid::Uuid::now_v7(), 1)),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_forgot_the_tenant_sees_its_own_rows_only() {
    let shop = Shop::open().await;
    shop.list(&shop.seller, "a").await;
    shop.list(&shop.buyer, "a").await;
    shop.list(&shop.buyer, "b").await;
    assert_eq!((shop.stored(&shop.seller).await, shop.stored(&shop.buyer).await), (1, 2));
    let mut tx = shop.store.begin(&shop.seller).await.unwrap();
    let changed = sqlx::query("UPDATE listings SET price = 2").execute(tx.connection()).await.unwrap();
    assert_eq!(changed.rows_affected(), 1);
    let deleted = sqlx::query("DELETE FROM listings").execute(tx.connection()).await.unwrap();
    assert_eq!(deleted.rows_affected(), 1);
    tx.commit().await.unwrap();
    assert_eq!((shop.stored(&shop.seller).await, shop.stored(&shop.buyer).await), (0, 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_of_another_tenants_cannot_be_written() {
    let shop = Shop::open().await;
    let other = shop.buyer.tenant().id().as_uuid();
    let mut tx = shop.store.begin(&shop.seller).await.unwrap();
    let written = sqlx::query("INSERT INTO listings (tenant_id, slug) VALUES ($1, 'x')")
        .bind(other)
        .execute(tx.connection())
        .await;
    assert_eq!(code(&written.unwrap_err()), "42501");
    drop(tx);
    shop.list(&shop.seller, "a").await;
    let mut tx = shop.store.begin(&shop.seller).await.unwrap();
    let moved = sqlx::query("UPDATE listings SET tenant_id = $1").bind(other).execute(tx.connection()).await;
    assert_eq!(code(&moved.unwrap_err()), "42501");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_applications_login_cannot_write_the_librarys_tables() {
    let shop = Shop::open().await;
    for statement in [
        "UPDATE tenantry_usage SET used = 0",
        "DELETE FROM tenantry_audit",
        "INSERT INTO tenantry_assignments (tenant_id, assignee_kind, assignee_id, role, on_type, on_id, descends) \
         SELECT tenant_id, 'user', user_id, 'owner', '', '', 1 FROM tenantry_memberships",
        "UPDATE tenantry_api_keys SET scopes = '[\"*\"]'",
        "INSERT INTO tenantry_team_members SELECT * FROM tenantry_team_members",
        "SELECT * FROM tenantry_lineages",
        "UPDATE tenantry_tenants SET status = 'active'",
        "SELECT * FROM tenantry_slugs",
        "SELECT * FROM tenantry_emails",
        "SELECT * FROM tenantry_work",
        "SELECT * FROM tenantry_directory.tenantry_sealing_key",
        "SELECT tenantry.sealing_mac('x')",
        "TRUNCATE listings",
        "ALTER TABLE listings DISABLE ROW LEVEL SECURITY",
        "CREATE TABLE public.mine (a int)",
        "CREATE TEMPORARY TABLE tenantry_memberships (a int)",
        "SELECT tenantry.protect('listings')",
    ] {
        let mut tx = shop.store.begin(&shop.seller).await.unwrap();
        let refused = sqlx::query(statement).execute(tx.connection()).await;
        assert_eq!(code(&refused.expect_err(statement)), "42501", "{statement}");
    }
}

/// The realm is the operator's: a member's hash isn't the seller's to read, nor the door's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_is_read_without_its_hash() {
    let shop = Shop::open().await;
    let mut tx = shop.store.read(&shop.seller).await.unwrap();
    let (email, secret): (String, Option<String>) =
        sqlx::query_as("SELECT email, secret FROM tenantry.member_user($1)")
            .bind(shop.seller.user().unwrap().as_uuid())
            .fetch_one(tx.connection())
            .await
            .unwrap();
    assert_eq!((&*email, secret), ("seller@example.com", None));
    let kept: i64 =
        sqlx::query_scalar("SELECT count(*) FROM tenantry_users").fetch_one(tx.connection()).await.unwrap();
    assert_eq!(kept, 0, "the seller keeps no users");
    let may_read: bool =
        sqlx::query_scalar("SELECT has_column_privilege($1, 'tenantry.tenantry_users', 'secret', 'SELECT')")
            .bind(shop.database.roles().door())
            .fetch_one(&mut shop.owner().await)
            .await
            .unwrap();
    assert!(!may_read);
}

/// What an injected statement could ask the doors: of the tenants above no more than that they are there, and of the other
/// tenants nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doors_upwards_tell_only_what_descends() {
    let shop = Shop::open().await;
    let ask = "SELECT part, of_tenant, is_enrolled, of_realm FROM tenantry.facts_above('user', $1)";
    let everybody = "SELECT kind FROM tenantry.principals_above('', $1, 1000)";
    for (of, tenants) in [(&shop.seller, 1), (&shop.buyer, 1), (&shop.operator, 0)] {
        for whom in [&shop.operator, &shop.seller, &shop.buyer] {
            let mut tx = shop.store.read(of).await.unwrap();
            let told: Vec<(i64, uuid::Uuid, i64, Option<uuid::Uuid>)> =
                sqlx::query_as(ask).bind(whom.id().as_uuid()).fetch_all(tx.connection()).await.unwrap();
            let bare = vec![(0, shop.operator.tenant().id().as_uuid(), 0, None); tenants];
            assert_eq!(told, bare, "{} of {}", of.id(), whom.id());
        }
        let mut tx = shop.store.read(of).await.unwrap();
        let named = sqlx::query(everybody).bind(uuid::Uuid::nil()).fetch_all(tx.connection()).await.unwrap();
        assert!(named.is_empty(), "nobody above holds anything that descends");
    }
    let mut tx = shop.store.read(&shop.seller).await.unwrap();
    let elsewhere = format!("SET LOCAL app.tenant_id = '{}'", uuid::Uuid::now_v7());
    sqlx::query(sqlx::AssertSqlSafe(elsewhere)).execute(tx.connection()).await.unwrap();
    let told = sqlx::query(ask).bind(shop.operator.id().as_uuid()).fetch_all(tx.connection()).await.unwrap();
    assert!(told.is_empty(), "nothing lies above nobody");

    let group = Founding {
        slug: "group".parse().unwrap(),
        email: "group@example.com".parse().unwrap(),
        reach: Reach::Below,
        ..founding()
    };
    shop.app.found(&group).await.unwrap();
    let group = shop.app.resolve(&group.slug).await.unwrap();
    shop.app.register(&group, registration("branch")).await.unwrap();
    let branch = caller(&shop.app, "branch").await;
    for (of, names) in [(&branch, 1), (&shop.seller, 0), (&shop.operator, 0)] {
        let mut tx = shop.store.read(of).await.unwrap();
        let named = sqlx::query(everybody).bind(uuid::Uuid::nil()).fetch_all(tx.connection()).await.unwrap();
        assert_eq!(named.len(), names, "an owner whose role descends is named to those below alone");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_transaction_writes_nothing_and_no_tenant_sees_no_rows() {
    let shop = Shop::open().await;
    shop.list(&shop.seller, "a").await;
    for write in [
        "INSERT INTO listings (tenant_id, slug) VALUES ($1, 'b')",
        "UPDATE listings SET price = 2 WHERE tenant_id = $1",
        "DELETE FROM listings WHERE tenant_id = $1",
    ] {
        let mut tx = shop.store.read(&shop.seller).await.unwrap();
        let own = tx.tenant().as_uuid();
        let refused = sqlx::query(write).bind(own).execute(tx.connection()).await.unwrap_err();
        assert_eq!(code(&refused), "25006", "{write}");
    }
    let app = sqlx::PgPool::connect(&shop.database.addresses().app).await.unwrap();
    let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM listings").fetch_one(&app).await.unwrap();
    assert_eq!(seen, 0, "without a tenant there are no rows");
    let seen: i64 = sqlx::query_scalar("SELECT count(*) FROM tenantry_users").fetch_one(&app).await.unwrap();
    assert_eq!(seen, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_public_row_is_read_by_all_and_written_by_its_publisher() {
    let shop = Shop::open().await;
    let publish = "INSERT INTO published (slug, seller) VALUES ($1, $2)";
    let mut tx = shop.store.begin(&shop.seller).await.unwrap();
    sqlx::query(publish).bind("a").bind("seller").execute(tx.connection()).await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = shop.store.begin(&shop.buyer).await.unwrap();
    let seen: i64 =
        sqlx::query_scalar("SELECT count(*) FROM published").fetch_one(tx.connection()).await.unwrap();
    assert_eq!(seen, 1);
    let taken = sqlx::query("DELETE FROM published").execute(tx.connection()).await.unwrap();
    assert_eq!(taken.rows_affected(), 0, "another tenant's");
    let forged = sqlx::query(publish).bind("b").bind("seller").execute(tx.connection()).await;
    assert_eq!(code(&forged.unwrap_err()), "42501");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_keeps_what_a_row_was_and_is() {
    let shop = Shop::open().await;
    shop.list(&shop.seller, "a").await;
    let mut tx = shop.store.begin(&shop.seller).await.unwrap();
    sqlx::query("UPDATE listings SET price = 5").execute(tx.connection()).await.unwrap();
    sqlx::query("DELETE FROM listings").execute(tx.connection()).await.unwrap();
    tx.commit().await.unwrap();
    let history = "SELECT operation, (before->>'price')::bigint, (after->>'price')::bigint
                   FROM tenantry_history ORDER BY place";
    let mut tx = shop.store.read(&shop.seller).await.unwrap();
    let kept: Vec<(String, Option<i64>, Option<i64>)> =
        sqlx::query_as(history).fetch_all(tx.connection()).await.unwrap();
    let expected = [("INSERT", None, Some(1)), ("UPDATE", Some(1), Some(5)), ("DELETE", Some(5), None)];
    assert_eq!(kept, expected.map(|(what, before, after)| (what.to_owned(), before, after)));
    let mut tx = shop.store.read(&shop.buyer).await.unwrap();
    let others: Vec<(String, Option<i64>, Option<i64>)> =
        sqlx::query_as(history).fetch_all(tx.connection()).await.unwrap();
    assert!(others.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listing_and_its_use_are_committed_together() {
    let shop = Shop::open().await;
    let usage = shop.app.usage(&shop.seller);
    let mut tx = shop.store.begin(&shop.seller).await.unwrap();
    insert(&mut tx, "a").await.unwrap();
    tx.commit_in(usage.consume("listings".parse().unwrap(), 1).unsent().await.unwrap()).await.unwrap();
    tx.commit_in(shop.app.trail(&shop.seller).note(note()).unsent().await.unwrap()).await.unwrap();
    assert_eq!(shop.listings().await, (0, 0), "nobody sees it before it is committed");
    tx.commit().await.unwrap();
    assert_eq!(shop.listings().await, (1, 1));
    assert!(shop.app.work().seal(10, 100).await.unwrap() > 0);
    let events = shop.app.trail(&shop.seller).events(0, 10).await.unwrap();
    assert_eq!(events.last().unwrap().event.kind, "listing.create");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_use_that_is_refused_leaves_the_transaction_usable() {
    let shop = Shop::open().await;
    for _ in 0..LIMIT {
        shop.app.usage(&shop.seller).consume("listings".parse().unwrap(), 1).await.unwrap();
    }
    let usage = shop.app.usage(&shop.seller);
    let mut tx = shop.store.begin(&shop.seller).await.unwrap();
    insert(&mut tx, "a").await.unwrap();
    let refused = tx.commit_in(usage.consume("listings".parse().unwrap(), 1).unsent().await.unwrap()).await;
    let Err(Failure::Refused(UsageRefusal::Exceeded(exceeded))) = refused else { panic!("{refused:?}") };
    assert_eq!((exceeded.limit, exceeded.used, exceeded.requested), (LIMIT, LIMIT, 1));
    insert(&mut tx, "b").await.unwrap();
    tx.commit_in(usage.consume("calls".parse().unwrap(), 1).unsent().await.unwrap()).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(shop.listings().await, (LIMIT, 2));
    assert_eq!(shop.used("calls").await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_of_another_tenant_or_one_that_moves_money_is_refused() {
    let shop = Shop::open().await;
    let others = shop.app.usage(&shop.buyer).consume("listings".parse().unwrap(), 1).unsent().await.unwrap();
    let role =
        tenantry_core::NewRole { key: "reader".parse().unwrap(), name: "Reader".to_owned(), grants: vec![] };
    let define = shop.app.roles(&shop.seller).define(role).unsent().await.unwrap();
    let mut tx = shop.store.begin(&shop.seller).await.unwrap();
    assert!(matches!(tx.commit_in(others).await, Err(Failure::OtherTenant)));
    assert!(matches!(tx.commit_in(define).await, Err(Failure::NotJoinable)));
    insert(&mut tx, "a").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(shop.listings().await, (0, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transaction_in_which_a_statement_failed_is_not_called_committed() {
    let shop = Shop::open().await;
    let mut tx = shop.store.begin(&shop.seller).await.unwrap();
    insert(&mut tx, "a").await.unwrap();
    assert!(insert(&mut tx, "a").await.is_err(), "the slug is taken");
    assert!(matches!(tx.commit().await, Err(CommitError::Unavailable(_))));
    assert_eq!(shop.listings().await, (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_dropped_leaves_nothing_and_a_plain_commit_beside_it_is_refused() {
    let shop = Shop::open().await;
    let mut tx = shop.store.begin(&shop.seller).await.unwrap();
    insert(&mut tx, "a").await.unwrap();
    let unsent = shop.app.usage(&shop.seller).consume("listings".parse().unwrap(), 1).unsent().await.unwrap();
    tx.commit_in(unsent).await.unwrap();
    let nested = shop.app.usage(&shop.seller).consume("calls".parse().unwrap(), 1).await;
    assert!(matches!(nested, Err(Failure::Nested)), "{nested:?}");
    drop(tx);
    shop.app.usage(&shop.seller).consume("calls".parse().unwrap(), 1).await.unwrap();
    assert_eq!(shop.listings().await, (0, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_transactions_on_one_quota_use_exactly_the_limit() {
    let shop = std::sync::Arc::new(Shop::open().await);
    let mut tasks = Vec::new();
    for at in 0..60 {
        let shop = std::sync::Arc::clone(&shop);
        tasks.push(tokio::spawn(async move {
            let unsent = shop.app.usage(&shop.seller).consume("listings".parse().unwrap(), 1).unsent().await;
            let Ok(unsent) = unsent else { return false };
            let mut tx = shop.store.begin(&shop.seller).await.unwrap();
            insert(&mut tx, &format!("l{at}")).await.unwrap();
            match tx.commit_in(unsent).await {
                Ok(_) => tx.commit().await.is_ok(),
                Err(Failure::Refused(_) | Failure::Superseded) => false,
                Err(failure) => panic!("{failure:?}"),
            }
        }));
    }
    let mut admitted = 0;
    for task in tasks {
        admitted += i64::from(task.await.unwrap());
    }
    println!("{admitted} of 60 admitted under a limit of {LIMIT}");
    assert_eq!(admitted, LIMIT);
    assert_eq!(shop.listings().await, (LIMIT, LIMIT));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_door_takes_no_batch_without_a_trail_and_no_amount_below_zero() {
    let shop = Shop::open().await;
    let tenant = shop.seller.tenant().id();
    let audit = r#"[{"id":"0192b0a0-0000-7000-8000-000000000000","at":0,"actor":"visitor","action":"a","target":"b","detail":"{}"}]"#;
    let used =
        |amount: i64| format!(r#"[{{"meter":"listings","period":0,"amount":{amount},"ceiling":100}}]"#);
    for (guards, audit, refused) in
        [(used(1), "[]", true), (used(-900), audit, true), (used(1), audit, false)]
    {
        let document = format!(
            r#"{{"tenant":"{tenant}","now":0,"keyed":null,"guards":{guards},"given_back":[],"audit":{audit},"events":[]}}"#
        );
        let mut tx = shop.store.begin(&shop.seller).await.unwrap();
        let knocked = sqlx::query("SELECT tenantry.join_batch($1, NULL)")
            .bind(&document)
            .execute(tx.connection())
            .await;
        assert_eq!(knocked.is_err(), refused, "{document}: {knocked:?}");
    }
}

/// What the database calls an error.
fn code(error: &sqlx::Error) -> String {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.map_or_else(|| format!("{error:?}"), std::borrow::Cow::into_owned)
}
