use async_trait::async_trait;
use sqlx::postgres::PgRow;
use sqlx::{FromRow, Postgres, QueryBuilder};
use tenantry_core::{
    Cursor, Directory, Email, IdentityReader, Page, PageRequest, PrincipalFacts, PrincipalId, ReadScope,
    RealmId, Slug, TenancyReader, Tenant, TenantId, Unavailable, User, UserId,
};
use uuid::Uuid;

use super::connect::Begun;
use super::place::Mode;
use super::{Inner, PostgresStore};
use crate::sql::{
    Connection as _, FactRow, Listing, Reads, Statement, TenantRow, UserRow, Value, ask, implement_readers,
    implement_roster, nothing,
};

impl Inner {
    /// What a statement on one tenant's rows answers, in a transaction of its own.
    pub(super) async fn rows_of<T>(
        &self,
        tenant: TenantId,
        statement: Statement,
        doing: &'static str,
    ) -> Result<Vec<T>, Unavailable>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let mut begun = self.begin_reading(tenant, doing).await?;
        begun.rows(statement).await.map_err(|error| error.unavailable(doing))
    }

    /// A transaction that reads one tenant's rows.
    async fn begin_reading(&self, tenant: TenantId, doing: &'static str) -> Result<Begun, Unavailable> {
        let place = self.place(tenant);
        let begin = || place.begin(tenant, Mode::ReadOnly, self.now());
        let begun = Begun::begin_with(&place.reads, begin).await;
        begun.map_err(|error| Unavailable::new(doing, error))
    }

    /// What one of the directory's doors answers, before a tenant is known.
    async fn look_up<T>(&self, statement: Statement, doing: &'static str) -> Result<Option<T>, Unavailable>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let begun = Begun::begin(&self.home.reads, "BEGIN READ ONLY").await;
        let mut begun = begun.map_err(|error| Unavailable::new(doing, error))?;
        begun.row(statement).await.map_err(|error| error.unavailable(doing))
    }

    pub(super) async fn ping(&self) -> Result<(), Unavailable> {
        self.look_up::<(i64,)>(ask::ping(), "answer").await.map(drop)
    }
}

impl Reads for PostgresStore {
    type Db = Postgres;

    async fn rows_of<T>(
        &self,
        tenant: TenantId,
        statement: Statement,
        doing: &'static str,
    ) -> Result<Vec<T>, Unavailable>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        self.inner.rows_of(tenant, statement, doing).await
    }

    async fn rows_of_query<T>(
        &self,
        tenant: TenantId,
        mut query: QueryBuilder<Postgres>,
        doing: &'static str,
    ) -> Result<Vec<T>, Unavailable>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let mut begun = self.inner.begin_reading(tenant, doing).await?;
        let rows = query.build_query_as().fetch_all(&mut *begun).await;
        rows.map_err(|error| Unavailable::new(doing, error))
    }
}

#[async_trait]
impl Directory for PostgresStore {
    async fn tenant_by_slug(&self, slug: &Slug) -> Result<Option<Tenant>, Unavailable> {
        let doing = "find a tenant by its slug";
        let ask = Statement::new(
            "SELECT tenantry_directory.tenant_of_slug($1) AS tenant_id",
            [Value::text(slug.as_str())],
        );
        let found: Option<(Option<Uuid>,)> = self.inner.look_up(ask, doing).await?;
        let Some((Some(id),)) = found else { return Ok(None) };
        let tenant = self.tenant(TenantId::from_uuid(id)).await?;
        Ok(tenant.filter(|tenant| tenant.slug == *slug))
    }

    async fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, Unavailable> {
        self.one_of::<TenantRow>(id, ask::tenant(id), "read a tenant").await
    }
}

#[async_trait]
impl TenancyReader for PostgresStore {
    async fn children(&self, scope: ReadScope, page: &PageRequest) -> Result<Page<Tenant>, Unavailable> {
        let Some(listing) =
            Listing::of(page, String::new(), |cursor| cursor.as_str().parse::<Slug>().ok().map(String::from))
        else {
            return Ok(nothing());
        };
        let ask = ask::children_of_transaction(&listing);
        let tenants = self.all_of::<TenantRow>(scope.tenant(), ask, "list tenants").await?;
        Ok(listing.page(tenants, |tenant| Cursor::after_key(&[&tenant.slug])))
    }
}

#[async_trait]
impl IdentityReader for PostgresStore {
    async fn user_by_email(&self, realm: RealmId, email: &Email) -> Result<Option<User>, Unavailable> {
        let doing = "find a user by address";
        let ask = Statement::new(
            "SELECT tenant_id, user_id FROM tenantry_directory.user_of_email($1, $2)",
            [realm.into(), Value::text(email.as_str())],
        );
        let Some((owner, user)) = self.inner.look_up::<(Uuid, Uuid)>(ask, doing).await? else {
            return Ok(None);
        };
        let (owner, user) = (TenantId::from_uuid(owner), UserId::from_uuid(user));
        let user = self.one_of::<UserRow>(owner, ask::own_user(owner, user), doing).await?;
        Ok(user.filter(|user| user.realm == realm && user.email == *email))
    }

    async fn user(&self, scope: ReadScope, user: UserId) -> Result<Option<User>, Unavailable> {
        self.one_of::<UserRow>(scope.tenant(), ask::user_of_transaction(user), "read a user").await
    }

    async fn principal(
        &self,
        scope: ReadScope,
        principal: PrincipalId,
    ) -> Result<Option<PrincipalFacts>, Unavailable> {
        let tenant = scope.tenant();
        let ask = ask::principal_of_transaction(tenant, principal);
        Ok(FactRow::facts(principal, self.inner.rows_of(tenant, ask, "read a principal").await?)?)
    }
}

implement_readers!(PostgresStore);
implement_roster!(PostgresStore, crate::sql::list::principals_above_transaction);
