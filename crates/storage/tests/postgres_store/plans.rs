//! The plans of statements that leave the tenant to the policies are those of statements that name it by hand.

use serde_json::Value as Json;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, Row as _};
use tenantry_core::TenantId;
use tenantry_storage::{Migration, PostgresOptions, Sealing};

use super::shop::Shop;

const GOODS: &[Migration] = &[Migration {
    version: 1,
    sql: "CREATE TABLE goods (tenant_id uuid NOT NULL, id bigint NOT NULL, price bigint NOT NULL, title text NOT NULL,
              PRIMARY KEY (tenant_id, id));
          CREATE INDEX goods_by_price ON goods (tenant_id, price DESC, id DESC);
          CREATE TABLE offers (tenant_id uuid NOT NULL, id bigint NOT NULL, good bigint NOT NULL, amount bigint NOT NULL,
              PRIMARY KEY (tenant_id, id), FOREIGN KEY (tenant_id, good) REFERENCES goods (tenant_id, id));
          SELECT tenantry.protect('goods'), tenantry.protect('offers')",
}];

const TENANTS: usize = 100;
const ROWS: usize = 20_000;

/// A statement, in which `{of x}` stands for what names the tenant by hand, and the access that serves it.
struct Case {
    name: &'static str,
    sql: &'static str,
    index: &'static str,
}

const CASES: &[Case] = &[
    Case {
        name: "a row by its key",
        sql: "SELECT title FROM goods WHERE {goods} id = 5",
        index: "goods_pkey",
    },
    Case {
        name: "a page of a list",
        sql: "SELECT id, title FROM goods WHERE {goods} (price, id) < (900, 150) ORDER BY price DESC, id DESC LIMIT 20",
        index: "goods_by_price",
    },
    Case {
        name: "a join",
        sql: "SELECT goods.title, offers.amount FROM offers JOIN goods ON goods.tenant_id = offers.tenant_id \
              AND goods.id = offers.good WHERE {offers} {goods} offers.id BETWEEN 3 AND 5",
        index: "offers_pkey",
    },
    Case { name: "an update", sql: "UPDATE goods SET title = 'x' WHERE {goods} id = 5", index: "goods_pkey" },
    Case { name: "a deletion", sql: "DELETE FROM offers WHERE {offers} id = 5", index: "offers_pkey" },
    Case {
        name: "a count",
        sql: "SELECT count(*) FROM goods WHERE {goods} price > 0",
        index: "goods_by_price",
    },
];

impl Case {
    fn with(&self, by_hand: Option<TenantId>) -> String {
        ["goods", "offers"].iter().fold(self.sql.to_owned(), |sql, table| {
            let named = by_hand.map(|tenant| format!("{table}.tenant_id = '{tenant}' AND"));
            sql.replace(&format!("{{{table}}}"), &named.unwrap_or_default())
        })
    }
}

async fn explain(connection: &mut PgConnection, sql: String) -> Json {
    let explain = AssertSqlSafe(format!("EXPLAIN (FORMAT JSON, COSTS OFF) {sql}"));
    let row = sqlx::raw_sql(explain).fetch_one(connection).await.unwrap();
    let mut plan: Json = serde_json::from_str(&row.try_get_unchecked::<String, _>(0).unwrap()).unwrap();
    plan[0]["Plan"].take()
}

/// The plan in one spelling: wherever it comes from, the tenant is called TENANT; what asks for it once before the
/// statement runs is left out.
fn spelled(plan: &Json, tenant: TenantId) -> Json {
    match plan {
        Json::Object(fields) => {
            let kept =
                fields.iter().filter(|(name, _)| !matches!(name.as_str(), "Async Capable" | "Disabled"));
            Json::Object(kept.map(|(name, value)| (name.clone(), spelled(value, tenant))).collect())
        }
        Json::Array(plans) => {
            let kept = plans.iter().filter(|plan| plan["Parent Relationship"] != "InitPlan");
            Json::Array(kept.map(|plan| spelled(plan, tenant)).collect())
        }
        Json::String(text) => Json::String(condition(text, tenant)),
        other => other.clone(),
    }
}

fn condition(text: &str, tenant: TenantId) -> String {
    let by_hand = format!("'{tenant}'::uuid");
    let settings = "(NULLIF(current_setting('app.tenant_id'::text, true), ''::text))::uuid";
    let mut text = text.replace(&by_hand, "TENANT").replace(settings, "TENANT");
    for n in 0..4 {
        text = text.replace(&format!("${n}"), "TENANT");
        text = text.replace(&format!("(InitPlan {n}).col1"), "TENANT");
    }
    let mut parts: Vec<_> = text.split(" AND ").map(|part| part.trim_matches(['(', ')'])).collect();
    parts.sort_unstable();
    parts.join(" AND ")
}

/// Without what a sealed join has on top: each of its tables asks for the tenant, and whether all were told the same is
/// looked at once.
fn without_one_look(plan: &Json) -> Json {
    if plan["One-Time Filter"] != "TENANT = TENANT" {
        return plan.clone();
    }
    let mut inner = plan["Plans"][0].clone();
    if let Some(fields) = inner.as_object_mut() {
        fields.remove("Parent Relationship");
    }
    inner
}

/// A node whose only inputs were left out has none.
fn tidied(plan: &Json) -> Json {
    let mut plan = plan.clone();
    if let Some(fields) = plan.as_object_mut()
        && fields.get("Plans").and_then(Json::as_array).is_some_and(Vec::is_empty)
    {
        fields.remove("Plans");
    }
    if let Some(plans) = plan.get_mut("Plans").and_then(Json::as_array_mut) {
        plans.iter_mut().for_each(|plan| *plan = tidied(plan));
    }
    plan
}

async fn fill(shop: &Shop) {
    shop.database.owner().await.unwrap().migrate("goods", GOODS).await.unwrap();
    let mut admin = PgConnection::connect(&shop.database.addresses().admin).await.unwrap();
    let mut tenants = vec![shop.seller.tenant().id(), shop.buyer.tenant().id()];
    tenants.resize_with(TENANTS, TenantId::generate);
    let tenants: Vec<_> = tenants.iter().map(TenantId::as_uuid).collect();
    let rows = i64::try_from(ROWS / TENANTS).unwrap();
    for sql in [
        "INSERT INTO goods SELECT tenant, n, (n * 7919) % 1000, 'good ' || n FROM unnest($1::uuid[]) AS tenant, generate_series(1, $2) AS n",
        "INSERT INTO offers SELECT tenant, n, 1 + (n * 31) % $2, n FROM unnest($1::uuid[]) AS tenant, generate_series(1, $2) AS n",
    ] {
        sqlx::query(sql).bind(&tenants).bind(rows).execute(&mut admin).await.unwrap();
    }
    let mut owner = shop.owner().await;
    for table in ["VACUUM ANALYZE goods", "VACUUM ANALYZE offers"] {
        sqlx::raw_sql(table).execute(&mut owner).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn policies_cost_no_plan() {
    for sealing in [Sealing::Off, Sealing::On] {
        let shop = Shop::open_with(sealing, PostgresOptions::default()).await;
        fill(&shop).await;
        let tenant = shop.seller.tenant().id();
        let mut admin = PgConnection::connect(&shop.database.addresses().admin).await.unwrap();
        for case in CASES {
            let by_hand = explain(&mut admin, case.with(Some(tenant))).await;
            let mut tx = shop.store.begin(&shop.seller).await.unwrap();
            let by_policy = explain(tx.connection(), case.with(None)).await;
            drop(tx);
            let name = case.name;
            let text = by_policy.to_string();
            assert!(!text.contains("Seq Scan"), "{name}: {text}");
            assert!(text.contains(case.index), "{name}: {text}");
            assert!(!text.contains(r#""Filter":"(tenant_id"#), "{name}: {text}");
            let [by_hand, by_policy] =
                [&by_hand, &by_policy].map(|plan| without_one_look(&tidied(&spelled(plan, tenant))));
            assert_eq!(by_policy, by_hand, "{sealing:?}, {name}");
        }
        println!(
            "{sealing:?}: {} plans of {ROWS} rows in {TENANTS} tenants equal those by hand",
            CASES.len()
        );
    }
}
