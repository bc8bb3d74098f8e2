use sqlx::{Database, FromRow, QueryBuilder};
use tenantry_core::{Order, Page, PageRequest, Predicate, TenantId, Unavailable};

use super::ask;
use super::orders::OrderTables;
use super::read::{newest_first, nothing, place};
use super::rows::{Stored, read_rows};
use super::statement::Statement;
use crate::filter::Listed;

/// A store whose tenants' rows are read with statements.
pub(crate) trait Reads: Sync {
    /// The database.
    type Db: Database;

    /// Everything that a statement on one tenant's rows answers.
    fn rows_of<T>(
        &self,
        tenant: TenantId,
        statement: Statement,
        doing: &'static str,
    ) -> impl Future<Output = Result<Vec<T>, Unavailable>> + Send
    where
        T: for<'r> FromRow<'r, <Self::Db as Database>::Row> + Send + Unpin;

    /// Everything that a query on one tenant's rows answers, one that was put together for it.
    fn rows_of_query<T>(
        &self,
        tenant: TenantId,
        query: QueryBuilder<Self::Db>,
        doing: &'static str,
    ) -> impl Future<Output = Result<Vec<T>, Unavailable>> + Send
    where
        T: for<'r> FromRow<'r, <Self::Db as Database>::Row> + Send + Unpin;

    /// The values that a statement answers.
    fn all_of<R>(
        &self,
        tenant: TenantId,
        statement: Statement,
        doing: &'static str,
    ) -> impl Future<Output = Result<Vec<R::Model>, Unavailable>> + Send
    where
        R: Stored + for<'r> FromRow<'r, <Self::Db as Database>::Row> + Send + Unpin,
    {
        async move { Ok(read_rows::<R>(self.rows_of(tenant, statement, doing).await?)?) }
    }

    /// The page of a list of orders that a filter keeps.
    fn page_of_orders<R>(
        &self,
        listed: &Listed,
        tenant: TenantId,
        filter: &Predicate,
        page: &PageRequest,
        order: impl Fn(&R::Model) -> &Order + Send,
    ) -> impl Future<Output = Result<Page<R::Model>, Unavailable>> + Send
    where
        Self::Db: OrderTables,
        R: Stored + for<'r> FromRow<'r, <Self::Db as Database>::Row> + Send + Unpin,
    {
        let doing = "list orders";
        let asked = newest_first(page).map(|listing| {
            let query = ask::orders(listed, tenant, filter, &listing);
            (listing, query.map_err(|error| Unavailable::new(doing, error)))
        });
        async move {
            let Some((listing, query)) = asked else { return Ok(nothing()) };
            let orders = read_rows::<R>(self.rows_of_query(tenant, query?, doing).await?)?;
            Ok(listing.page(orders, |found| {
                let order = order(found);
                place(order.created_at, order.id.as_uuid())
            }))
        }
    }

    /// What a statement that names one row answers.
    fn one_of<R>(
        &self,
        tenant: TenantId,
        statement: Statement,
        doing: &'static str,
    ) -> impl Future<Output = Result<Option<R::Model>, Unavailable>> + Send
    where
        R: Stored + for<'r> FromRow<'r, <Self::Db as Database>::Row> + Send + Unpin,
    {
        async move { Ok(self.all_of::<R>(tenant, statement, doing).await?.into_iter().next()) }
    }
}

/// The readers that are the same on every database: what a tenant used, its orders and its money.
macro_rules! implement_readers {
    ($store:ty) => {
        #[async_trait::async_trait]
        impl tenantry_core::UsageReader for $store {
            async fn used(
                &self,
                scope: tenantry_core::ReadScope,
                meters: &[(tenantry_core::MeterKey, tenantry_core::UsagePeriod)],
            ) -> Result<Vec<i64>, tenantry_core::Unavailable> {
                use $crate::sql::{Reads as _, UsageRow, ask};
                let mut used = Vec::with_capacity(meters.len());
                for (meter, period) in meters {
                    let ask = ask::used(scope.tenant(), meter, *period);
                    let found: Vec<UsageRow> =
                        self.rows_of(scope.tenant(), ask, "read what was used").await?;
                    used.push(found.first().map_or(0, |row| row.used));
                }
                Ok(used)
            }
        }

        #[async_trait::async_trait]
        impl tenantry_core::EscrowReader for $store {
            async fn order(
                &self,
                scope: tenantry_core::ReadScope,
                id: tenantry_core::OrderId,
            ) -> Result<Option<tenantry_core::Order>, tenantry_core::Unavailable> {
                use $crate::sql::{OrderRow, Reads as _, ask};
                self.one_of::<OrderRow>(scope.tenant(), ask::order(scope.tenant(), id), "read an order").await
            }

            async fn orders(
                &self,
                scope: tenantry_core::ReadScope,
                filter: &tenantry_core::Predicate,
                page: &tenantry_core::PageRequest,
            ) -> Result<tenantry_core::Page<tenantry_core::Order>, tenantry_core::Unavailable> {
                use $crate::sql::{OrderRow, OrderTables, Reads};
                let listed = &<<Self as Reads>::Db as OrderTables>::OPERATED;
                self.page_of_orders::<OrderRow>(listed, scope.tenant(), filter, page, |order| order).await
            }

            async fn open_orders_of_seller(
                &self,
                scope: tenantry_core::ReadScope,
                seller: tenantry_core::TenantId,
                page: &tenantry_core::PageRequest,
            ) -> Result<tenantry_core::Page<tenantry_core::OrderId>, tenantry_core::Unavailable> {
                use $crate::sql::{Listing, OrderIdRow, Reads as _, ask, nothing};
                let first = tenantry_core::OrderId::from_uuid(uuid::Uuid::nil());
                let Some(listing) = Listing::by_key(page, first) else { return Ok(nothing()) };
                let ask = ask::open_orders_of_seller(scope.tenant(), seller, &listing);
                let orders =
                    self.all_of::<OrderIdRow>(scope.tenant(), ask, "list a seller's open orders").await?;
                Ok(listing.page(orders, |order| tenantry_core::Cursor::after_key(&[order])))
            }

            async fn order_side(
                &self,
                scope: tenantry_core::ReadScope,
                id: tenantry_core::OrderId,
            ) -> Result<Option<tenantry_core::OrderSide>, tenantry_core::Unavailable> {
                use $crate::sql::{Reads as _, SideRow, ask};
                let ask = ask::order_side(scope.tenant(), id);
                self.one_of::<SideRow>(scope.tenant(), ask, "read an order").await
            }

            async fn order_sides(
                &self,
                scope: tenantry_core::ReadScope,
                filter: &tenantry_core::Predicate,
                page: &tenantry_core::PageRequest,
            ) -> Result<tenantry_core::Page<tenantry_core::OrderSide>, tenantry_core::Unavailable> {
                use $crate::sql::{OrderTables, Reads, SideRow};
                let listed = &<<Self as Reads>::Db as OrderTables>::SIDES;
                self.page_of_orders::<SideRow>(listed, scope.tenant(), filter, page, |side| &side.order).await
            }

            async fn statement(
                &self,
                scope: tenantry_core::ReadScope,
                page: &tenantry_core::PageRequest,
            ) -> Result<tenantry_core::Page<tenantry_core::StatementLine>, tenantry_core::Unavailable> {
                use $crate::sql::{Reads as _, StatementRow, ask, newest_first, nothing, place};
                let Some(listing) = newest_first(page) else { return Ok(nothing()) };
                let ask = ask::statement(scope.tenant(), &listing);
                let lines = self.all_of::<StatementRow>(scope.tenant(), ask, "read a statement").await?;
                Ok(listing.page(lines, |line| place(line.at, line.transfer.as_uuid())))
            }

            async fn balances(
                &self,
                scope: tenantry_core::ReadScope,
            ) -> Result<Vec<tenantry_core::Balance>, tenantry_core::Unavailable> {
                use $crate::sql::{BalanceRow, Reads as _, ask};
                let ask = ask::balances(scope.tenant());
                self.all_of::<BalanceRow>(scope.tenant(), ask, "read balances").await
            }

            async fn account_balances(
                &self,
                scope: tenantry_core::ReadScope,
            ) -> Result<Vec<tenantry_core::AccountBalance>, tenantry_core::Unavailable> {
                use $crate::sql::{AccountRow, Reads as _, ask};
                let ask = ask::account_balances(scope.tenant());
                let mut accounts = self.all_of::<AccountRow>(scope.tenant(), ask, "add up the books").await?;
                accounts.sort_unstable_by_key(|account| (account.account, account.currency));
                Ok(accounts)
            }
        }
    };
}

pub(crate) use implement_readers;
