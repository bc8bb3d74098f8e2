use async_trait::async_trait;
use sqlx::FromRow;
use sqlx::sqlite::SqliteRow;
use tenantry_core::{
    AccountBalance, Balance, Cursor, Directory, Email, EscrowReader, IdentityReader, Member, MeterKey, Order,
    OrderId, OrderSide, Page, PageRequest, ReadScope, RealmId, Role, RoleKey, Slug, StatementLine,
    TenancyReader, Tenant, TenantId, Unavailable, UsagePeriod, UsageReader, User, UserId,
};
use uuid::Uuid;

use super::statement::rows;
use super::{Inner, SqliteStore};
use crate::sql::{
    AccountRow, BalanceRow, Listing, MemberRow, OrderIdRow, OrderRow, RoleRow, SideRow, Statement,
    StatementRow, Stored, TenantRow, UsageRow, UserRow, ask, newest_first, place, read_rows,
};

impl Inner {
    /// Everything that a statement answers.
    pub(super) async fn all<R>(
        &self,
        statement: Statement,
        doing: &'static str,
    ) -> Result<Vec<R::Model>, Unavailable>
    where
        R: Stored + for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        Ok(read_rows::<R>(rows(&self.reads, statement, doing).await?)?)
    }

    /// What a statement that names one row answers.
    pub(super) async fn one<R>(
        &self,
        statement: Statement,
        doing: &'static str,
    ) -> Result<Option<R::Model>, Unavailable>
    where
        R: Stored + for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        Ok(self.all::<R>(statement, doing).await?.into_iter().next())
    }
}

/// What follows a cursor that no store gave.
pub(super) fn nothing<T>() -> Page<T> {
    Page { items: vec![], next: None }
}

#[async_trait]
impl Directory for SqliteStore {
    async fn tenant_by_slug(&self, slug: &Slug) -> Result<Option<Tenant>, Unavailable> {
        self.inner.one::<TenantRow>(ask::tenant_by_slug(slug), "find a tenant by its slug").await
    }

    async fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, Unavailable> {
        self.inner.one::<TenantRow>(ask::tenant(id), "read a tenant").await
    }
}

#[async_trait]
impl TenancyReader for SqliteStore {
    async fn children(&self, scope: ReadScope, page: &PageRequest) -> Result<Page<Tenant>, Unavailable> {
        let Some(listing) =
            Listing::of(page, String::new(), |cursor| cursor.as_str().parse::<Slug>().ok().map(String::from))
        else {
            return Ok(nothing());
        };
        let ask = ask::children(scope.tenant(), &listing);
        let tenants = self.inner.all::<TenantRow>(ask, "list tenants").await?;
        Ok(listing.page(tenants, |tenant| Cursor::after_key(&[&tenant.slug])))
    }
}

#[async_trait]
impl IdentityReader for SqliteStore {
    async fn user_by_email(&self, realm: RealmId, email: &Email) -> Result<Option<User>, Unavailable> {
        self.inner.one::<UserRow>(ask::user_by_email(realm, email), "find a user by address").await
    }

    async fn user(&self, scope: ReadScope, user: UserId) -> Result<Option<User>, Unavailable> {
        self.inner.one::<UserRow>(ask::user(scope.tenant(), user), "read a user").await
    }

    async fn member(&self, scope: ReadScope, user: UserId) -> Result<Option<Member>, Unavailable> {
        let found = rows(&self.inner.reads, ask::member(scope.tenant(), user), "read a member").await?;
        Ok(MemberRow::member(found)?)
    }

    async fn role(&self, scope: ReadScope, key: &RoleKey) -> Result<Option<Role>, Unavailable> {
        self.inner.one::<RoleRow>(ask::role(scope.tenant(), key), "read a role").await
    }
}

#[async_trait]
impl UsageReader for SqliteStore {
    async fn used(
        &self,
        scope: ReadScope,
        meters: &[(MeterKey, UsagePeriod)],
    ) -> Result<Vec<i64>, Unavailable> {
        let mut used = Vec::with_capacity(meters.len());
        for (meter, period) in meters {
            let ask = ask::used(scope.tenant(), meter, *period);
            let found: Vec<UsageRow> = rows(&self.inner.reads, ask, "read what was used").await?;
            used.push(found.first().map_or(0, |row| row.used));
        }
        Ok(used)
    }
}

#[async_trait]
impl EscrowReader for SqliteStore {
    async fn order(&self, scope: ReadScope, id: OrderId) -> Result<Option<Order>, Unavailable> {
        self.inner.one::<OrderRow>(ask::order(scope.tenant(), id), "read an order").await
    }

    async fn orders(&self, scope: ReadScope, page: &PageRequest) -> Result<Page<Order>, Unavailable> {
        let Some(listing) = newest_first(page) else { return Ok(nothing()) };
        let ask = ask::orders(scope.tenant(), &listing);
        let orders = self.inner.all::<OrderRow>(ask, "list orders").await?;
        Ok(listing.page(orders, |order| place(order.created_at, order.id.as_uuid())))
    }

    async fn open_orders_of_seller(
        &self,
        scope: ReadScope,
        seller: TenantId,
        page: &PageRequest,
    ) -> Result<Page<OrderId>, Unavailable> {
        let Some(listing) = Listing::by_key(page, OrderId::from_uuid(Uuid::nil())) else {
            return Ok(nothing());
        };
        let ask = ask::open_orders_of_seller(scope.tenant(), seller, &listing);
        let orders = self.inner.all::<OrderIdRow>(ask, "list a seller's open orders").await?;
        Ok(listing.page(orders, |order| Cursor::after_key(&[order])))
    }

    async fn order_side(&self, scope: ReadScope, id: OrderId) -> Result<Option<OrderSide>, Unavailable> {
        self.inner.one::<SideRow>(ask::order_side(scope.tenant(), id), "read an order").await
    }

    async fn order_sides(
        &self,
        scope: ReadScope,
        page: &PageRequest,
    ) -> Result<Page<OrderSide>, Unavailable> {
        let Some(listing) = newest_first(page) else { return Ok(nothing()) };
        let ask = ask::order_sides(scope.tenant(), &listing);
        let sides = self.inner.all::<SideRow>(ask, "list orders").await?;
        Ok(listing.page(sides, |side| place(side.order.created_at, side.order.id.as_uuid())))
    }

    async fn statement(
        &self,
        scope: ReadScope,
        page: &PageRequest,
    ) -> Result<Page<StatementLine>, Unavailable> {
        let Some(listing) = newest_first(page) else { return Ok(nothing()) };
        let ask = ask::statement(scope.tenant(), &listing);
        let lines = self.inner.all::<StatementRow>(ask, "read a statement").await?;
        Ok(listing.page(lines, |line| place(line.at, line.transfer.as_uuid())))
    }

    async fn balances(&self, scope: ReadScope) -> Result<Vec<Balance>, Unavailable> {
        self.inner.all::<BalanceRow>(ask::balances(scope.tenant()), "read balances").await
    }

    async fn account_balances(&self, scope: ReadScope) -> Result<Vec<AccountBalance>, Unavailable> {
        let ask = ask::account_balances(scope.tenant());
        let mut accounts = self.inner.all::<AccountRow>(ask, "add up the books").await?;
        accounts.sort_unstable_by_key(|account| (account.account, account.currency));
        Ok(accounts)
    }
}
