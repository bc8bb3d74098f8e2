//! A database that an earlier version set up, set up again by this one.

use sqlx::{Connection as _, PgConnection};
use tenantry_core::{IdentityReader as _, PrincipalId};
use tenantry_storage::{PostgresOptions, PostgresStore, Sealing};

use super::shop::{Shop, app, caller};

/// The tables as they were when a role was a member's on the whole tenant and nothing else.
const AS_BEFORE: &str = "
    DROP TABLE tenantry_directory.tenantry_lineages CASCADE;
    DROP TABLE tenantry.tenantry_teams, tenantry.tenantry_team_members, tenantry.tenantry_service_accounts,
        tenantry.tenantry_api_keys;
    ALTER TABLE tenantry.tenantry_assignments DROP CONSTRAINT tenantry_assignments_pkey;
    ALTER TABLE tenantry.tenantry_assignments
        DROP COLUMN assignee_kind, DROP COLUMN on_type, DROP COLUMN on_id, DROP COLUMN descends;
    ALTER TABLE tenantry.tenantry_assignments RENAME COLUMN assignee_id TO user_id;
    ALTER TABLE tenantry.tenantry_assignments ADD PRIMARY KEY (tenant_id, user_id, role);
    CREATE INDEX tenantry_assignments_by_role ON tenantry.tenantry_assignments (tenant_id, role);
    ALTER TABLE tenantry.tenantry_roles RENAME COLUMN grants TO scopes;
    ALTER TABLE tenantry.tenantry_tenants DROP COLUMN above;
    DROP INDEX tenantry.tenantry_order_sides_by_placer;
    DELETE FROM tenantry_directory.tenantry_migrations WHERE namespace = 'tenantry' AND version >= 2;";

#[tokio::test(flavor = "multi_thread")]
async fn who_may_do_what_is_the_same_after_an_upgrade() {
    let shop = Shop::open().await;
    let callers = [&shop.operator, &shop.seller, &shop.buyer];
    let mut before = Vec::new();
    for caller in callers {
        before.push(shop.store.principal(caller.scope(), caller.id()).await.unwrap().unwrap());
    }
    assert_eq!(before[1].tenant.above, [shop.operator.tenant().id()]);
    let mut owner = PgConnection::connect(&shop.database.owner_address()).await.unwrap();
    sqlx::raw_sql(AS_BEFORE).execute(&mut owner).await.unwrap();
    assert!(shop.store.principal(shop.seller.scope(), shop.seller.id()).await.is_err());

    shop.database.owner().await.unwrap().set_up(shop.database.roles(), Sealing::Keep).await.unwrap();
    let upgraded = PostgresStore::connect(&shop.database.logins(), PostgresOptions::default()).await.unwrap();
    for (caller, before) in callers.into_iter().zip(before) {
        let after = upgraded.principal(caller.scope(), caller.id()).await.unwrap();
        assert_eq!(after, Some(before));
    }
    let app = app(&upgraded);
    let seller = caller(&app, "seller").await;
    let team = app.teams(&seller).create("Team", None).await.unwrap();
    let seller = caller(&app, "seller").await;
    let PrincipalId::User(user) = seller.id() else { panic!("{:?}", seller.id()) };
    app.teams(&seller).add(team, PrincipalId::User(user)).await.unwrap();
    let last = app.members(&caller(&app, "seller").await).remove(user).await;
    assert!(last.unwrap_err().to_string().contains("at least one owner"));
}
