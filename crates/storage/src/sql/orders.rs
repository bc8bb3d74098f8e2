//! The statements that list orders, of which a filter keeps those that somebody may see.

use std::num::NonZeroU16;

use sqlx::QueryBuilder;
use tenantry_core::{Predicate, SeenOrder, TenantId};
use uuid::Uuid;

use super::read::{Listing, order_columns};
use crate::filter::{Columns, FilterDialect, FilterTooLarge, Listed, newest};

/// Where a database has orders, and in them what filters ask of a [`SeenOrder`].
pub(crate) trait OrderTables: FilterDialect {
    /// As their operator keeps them.
    const OPERATED: Listed;
    /// As buyers and sellers see them.
    const SIDES: Listed;
}

/// A page of the orders of one of these tables that a tenant has and a filter keeps, the newest first.
pub(crate) fn orders<DB: OrderTables>(
    listed: &Listed,
    tenant: TenantId,
    filter: &Predicate,
    listing: &Listing<(i64, Uuid)>,
) -> Result<QueryBuilder<DB>, FilterTooLarge> {
    let more = NonZeroU16::MIN.saturating_add(listing.limit);
    newest::<DB, SeenOrder>(listed, tenant, filter, listing.after, more)
}

/// The tables, with what a database writes in its own way: the user who placed an order, who is `NULL` where the
/// stored one is nobody, and what the buyer pays.
macro_rules! order_tables {
    ($database:ty, placed_by: $placed_by:literal, amount: $amount:literal, currency: $currency:literal) => {
        impl OrderTables for $database {
            const OPERATED: Listed = Listed {
                table: "tenantry_orders",
                select: concat!("tenant_id AS operator_id, ", order_columns!()),
                columns: Columns::new("order_id").named(&[
                    ("placed_by", $placed_by),
                    ("buyer", "buyer_id"),
                    ("seller", "seller_id"),
                    ("party", "CAST('operator' AS text)"),
                    ("amount", $amount),
                    ("currency", $currency),
                ]),
            };
            const SIDES: Listed = Listed {
                table: "tenantry_order_sides",
                select: concat!("tenant_id, party, operator_id, ", order_columns!()),
                columns: Columns::new("order_id").named(&[
                    ("placed_by", $placed_by),
                    ("buyer", "buyer_id"),
                    ("seller", "seller_id"),
                    ("amount", $amount),
                    ("currency", $currency),
                ]),
            };
        }
    };
}

#[cfg(feature = "sqlite")]
order_tables!(
    sqlx::Sqlite,
    placed_by: "NULLIF(placed_by, x'00000000000000000000000000000000')",
    amount: "json_extract(terms, '$.gross.amount')",
    currency: "json_extract(terms, '$.gross.currency')"
);

#[cfg(feature = "postgres")]
order_tables!(
    sqlx::Postgres,
    placed_by: "NULLIF(placed_by, '00000000-0000-0000-0000-000000000000'::uuid)",
    amount: "(terms::json -> 'gross' ->> 'amount')::bigint",
    currency: "(terms::json -> 'gross' ->> 'currency')"
);

#[cfg(test)]
#[cfg(feature = "sqlite")]
mod tests {
    use sqlx::{AssertSqlSafe, Connection as _, Row as _, Sqlite, SqliteConnection};
    use tenantry_core::{Comparison, Literal, PageRequest};

    use super::*;
    use crate::sql::newest_first;

    fn is(attribute: &str, value: Literal) -> Predicate {
        Predicate::Compare { attribute: attribute.into(), comparison: Comparison::Equal, value }
    }

    /// What SQLite says that it reads for a page of sides, one line for each table or index, and for sorting.
    async fn plan(filter: &Predicate) -> Vec<String> {
        let mut connection = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        for schema in [include_str!("../sqlite/schema.sql"), include_str!("../sqlite/orders.sql")] {
            sqlx::raw_sql(schema).execute(&mut connection).await.unwrap();
        }
        let listing = newest_first(&PageRequest::first()).unwrap();
        let mut query = orders::<Sqlite>(&Sqlite::SIDES, TenantId::generate(), filter, &listing).unwrap();
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", query.sql().as_str()));
        let arguments = sqlx::Execute::take_arguments(&mut query.build()).unwrap().unwrap();
        let rows = sqlx::query_with(explain, arguments).fetch_all(&mut connection).await.unwrap();
        let lines = rows.iter().map(|row| row.get::<String, _>("detail"));
        lines.filter(|line| line.contains("tenantry_") || line.contains("B-TREE")).collect()
    }

    #[tokio::test]
    async fn each_way_to_an_order_has_its_index() {
        const PLACER: &str = "tenantry_order_sides USING INDEX tenantry_order_sides_by_placer \
            (tenant_id=? AND <expr>=? AND (created_at,order_id)<(?,?))";
        const AGE: &str = "tenantry_order_sides USING INDEX tenantry_order_sides_by_age \
            (tenant_id=? AND (created_at,order_id)<(?,?))";
        let own = || is("placed_by", Literal::Id(Uuid::from_u128(1)));
        let disputed = is("state", Literal::Text("disputed".into()));
        for (filter, read) in [
            (Predicate::EVERYTHING, &[AGE][..]),
            (own(), &[PLACER]),
            (Predicate::any([own(), disputed.clone()]), &[PLACER, AGE]),
            (Predicate::all([own(), disputed]), &[PLACER]),
        ] {
            let plan = plan(&filter).await;
            assert!(plan.iter().zip(read).all(|(line, read)| line.ends_with(read)), "{plan:#?}");
            assert_eq!(plan.len(), read.len(), "{plan:#?}");
        }
    }
}
