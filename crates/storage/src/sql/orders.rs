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
