//! A file that an earlier version wrote, opened by this one.

use sqlx::Executor as _;
use tenantry_core::{IdentityReader as _, PrincipalId};
use tenantry_storage::SqliteStore;

use super::shop::{Shop, app, caller, outside};

/// The tables as they were when a role was a member's on the whole tenant and nothing else.
pub(crate) const AS_BEFORE: &str = "
    CREATE TABLE before (
        tenant_id BLOB NOT NULL, user_id BLOB NOT NULL, role TEXT NOT NULL, PRIMARY KEY (tenant_id, user_id, role)
    ) STRICT, WITHOUT ROWID;
    INSERT INTO before SELECT tenant_id, assignee_id, role FROM tenantry_assignments;
    DROP TABLE tenantry_assignments;
    ALTER TABLE before RENAME TO tenantry_assignments;
    CREATE INDEX tenantry_assignments_by_role ON tenantry_assignments (tenant_id, role);
    DROP TABLE tenantry_teams;
    DROP TABLE tenantry_team_members;
    DROP TABLE tenantry_service_accounts;
    DROP TABLE tenantry_api_keys;
    ALTER TABLE tenantry_roles RENAME COLUMN grants TO scopes;
    ALTER TABLE tenantry_tenants DROP COLUMN above;
    DROP INDEX tenantry_order_sides_by_placer;
    DELETE FROM tenantry_migrations WHERE namespace = 'tenantry' AND version >= 3;";

#[tokio::test]
async fn who_may_do_what_is_the_same_after_an_upgrade() {
    let shop = Shop::open().await;
    let callers = [&shop.operator, &shop.seller, &shop.buyer];
    let mut before = Vec::new();
    for caller in callers {
        before.push(shop.store.principal(caller.scope(), caller.id()).await.unwrap().unwrap());
    }
    assert_eq!(before[1].tenant.above, [shop.operator.tenant().id()]);
    outside(&shop.file()).await.execute(AS_BEFORE).await.unwrap();

    let upgraded = SqliteStore::open(shop.file()).await.unwrap();
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
