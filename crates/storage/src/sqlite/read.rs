use async_trait::async_trait;
use sqlx::sqlite::SqliteRow;
use sqlx::{FromRow, QueryBuilder, Sqlite};
use tenantry_core::{
    Cursor, Directory, Email, IdentityReader, Page, PageRequest, PrincipalFacts, PrincipalId, ReadScope,
    RealmId, Slug, TenancyReader, Tenant, TenantId, Unavailable, User, UserId,
};

use super::statement::rows;
use super::{Inner, SqliteStore};
use crate::sql::{
    FactRow, Listing, Reads, Statement, Stored, TenantRow, UserRow, ask, implement_readers, implement_roster,
    nothing, read_rows,
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

impl Reads for SqliteStore {
    type Db = Sqlite;

    async fn rows_of<T>(
        &self,
        _tenant: TenantId,
        statement: Statement,
        doing: &'static str,
    ) -> Result<Vec<T>, Unavailable>
    where
        T: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        rows(&self.inner.reads, statement, doing).await
    }

    async fn rows_of_query<T>(
        &self,
        _tenant: TenantId,
        mut query: QueryBuilder<Sqlite>,
        doing: &'static str,
    ) -> Result<Vec<T>, Unavailable>
    where
        T: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        let rows = query.build_query_as().fetch_all(&self.inner.reads).await;
        rows.map_err(|error| Unavailable::new(doing, error))
    }
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

    async fn principal(
        &self,
        scope: ReadScope,
        principal: PrincipalId,
    ) -> Result<Option<PrincipalFacts>, Unavailable> {
        let ask = ask::principal(scope.tenant(), principal);
        Ok(FactRow::facts(principal, rows(&self.inner.reads, ask, "read a principal").await?)?)
    }
}

implement_readers!(SqliteStore);
implement_roster!(SqliteStore, crate::sql::list::principals_above);
