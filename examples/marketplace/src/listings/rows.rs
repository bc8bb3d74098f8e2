//! The tables of listings. Every statement on a seller's own rows runs in that seller's transaction or names its
//! tenant; the published ones are public and name none.

use sqlx::{AssertSqlSafe, FromRow, QueryBuilder};
use tenantry::filter::{Columns, FilterTooLarge, push_filter};
use tenantry::{
    Currency, Cursor, Kind, Page, PageRequest, Predicate, Readable, Resource, TenantId, Timestamp, Unchecked,
    Value,
};
use uuid::Uuid;

use super::values::{BusinessAssets, Cloudflare, ListingView};
use crate::database::{Connection, either};
use crate::model::ListingRead;
use crate::wire::Money;

/// A listing of one seller's.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct Listing {
    pub(super) id: Uuid,
    /// The user who wrote it; nobody that is known for one that is older than this column.
    pub(super) author: Option<Uuid>,
    pub(super) slug: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) summary: String,
    pub(super) amount: i64,
    pub(super) currency: String,
    pub(super) cloudflare: String,
    pub(super) assets: String,
    pub(super) published: bool,
    pub(super) revision: i64,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

/// A published listing.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct PublicRow {
    pub(crate) slug: String,
    pub(crate) seller: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) summary: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) cloudflare: String,
    pub(crate) created_at: i64,
    pub(crate) updated_at: i64,
}

impl Resource for Listing {
    const TYPE: &'static str = "listing";
    const ATTRIBUTES: &'static [(&'static str, Kind)] =
        &[("author", Kind::Id), ("published", Kind::Bool), ("amount", Kind::Integer)];

    fn id(&self) -> Value<'_> {
        self.id.into()
    }

    fn attribute(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "author" => self.author.map(Value::from),
            "published" => Some(self.published.into()),
            "amount" => Some(self.amount.into()),
            _ => None,
        }
    }
}

impl Readable for Listing {
    type Read = ListingRead;
}

/// A published listing is one whose author nobody else is told.
impl Resource for PublicRow {
    const TYPE: &'static str = Listing::TYPE;
    const ID: Kind = Kind::Text;
    const ATTRIBUTES: &'static [(&'static str, Kind)] =
        &[("published", Kind::Bool), ("amount", Kind::Integer)];

    fn id(&self) -> Value<'_> {
        Value::Text(&self.slug)
    }

    fn attribute(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "published" => Some(true.into()),
            "amount" => Some(self.amount.into()),
            _ => None,
        }
    }
}

impl Readable for PublicRow {
    type Read = ListingRead;
}

const OWN: &str =
    "SELECT id, author, slug, name, version, summary, amount, currency, cloudflare, assets, published,
    revision, created_at, updated_at FROM listings WHERE tenant_id";
const PUBLIC: &str = "SELECT slug, seller, name, version, summary, amount, currency, cloudflare, created_at,
    updated_at FROM published_listings WHERE seller_active";

/// What a statement came to when a name was free or taken.
pub(super) enum Stored {
    Yes,
    NameTaken,
}

impl Listing {
    pub(super) fn view(self, seller: &str) -> Result<ListingView, RowError> {
        Ok(ListingView {
            price: price(self.amount, &self.currency)?,
            cloudflare: serde_json::from_str(&self.cloudflare)?,
            business_assets: Some(serde_json::from_str::<BusinessAssets>(&self.assets)?),
            slug: self.slug,
            name: self.name,
            version: self.version,
            summary: self.summary,
            seller: seller.to_owned(),
            published: self.published,
            created_at: Timestamp::from_micros(self.created_at),
            updated_at: Timestamp::from_micros(self.updated_at),
        })
    }

    pub(super) async fn insert(&self, tenant: TenantId, into: Connection<'_>) -> sqlx::Result<Stored> {
        name_taken(either!(into, connection => sqlx::query(
            "INSERT INTO listings (tenant_id, id, slug, name, version, summary, amount, currency, cloudflare,
             assets, published, revision, created_at, updated_at, author)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        )
        .bind(tenant.as_uuid())
        .bind(self.id)
        .bind(&self.slug)
        .bind(&self.name)
        .bind(&self.version)
        .bind(&self.summary)
        .bind(self.amount)
        .bind(&self.currency)
        .bind(&self.cloudflare)
        .bind(&self.assets)
        .bind(self.published)
        .bind(self.revision)
        .bind(self.created_at)
        .bind(self.updated_at)
        .bind(self.author)
        .execute(connection)
        .await
        .map(drop)))
    }

    pub(super) async fn update(&self, tenant: TenantId, on: Connection<'_>) -> sqlx::Result<Stored> {
        name_taken(either!(on, connection => sqlx::query(
            "UPDATE listings SET slug = $3, name = $4, version = $5, summary = $6, amount = $7, currency = $8,
             cloudflare = $9, assets = $10, published = $11, revision = $12, updated_at = $13
             WHERE tenant_id = $1 AND id = $2",
        )
        .bind(tenant.as_uuid())
        .bind(self.id)
        .bind(&self.slug)
        .bind(&self.name)
        .bind(&self.version)
        .bind(&self.summary)
        .bind(self.amount)
        .bind(&self.currency)
        .bind(&self.cloudflare)
        .bind(&self.assets)
        .bind(self.published)
        .bind(self.revision)
        .bind(self.updated_at)
        .execute(connection)
        .await
        .map(drop)))
    }

    /// Puts what is public of it among the published, if it is published.
    pub(super) async fn project(&self, seller: &str, on: Connection<'_>) -> sqlx::Result<Stored> {
        if !self.published {
            return Ok(Stored::Yes);
        }
        name_taken(either!(on, connection => sqlx::query(
            "INSERT INTO published_listings (slug, seller, name, version, summary, amount, currency, cloudflare,
             seller_active, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, TRUE, $9, $10)",
        )
        .bind(&self.slug)
        .bind(seller)
        .bind(&self.name)
        .bind(&self.version)
        .bind(&self.summary)
        .bind(self.amount)
        .bind(&self.currency)
        .bind(&self.cloudflare)
        .bind(self.created_at)
        .bind(self.updated_at)
        .execute(connection)
        .await
        .map(drop)))
    }

    /// Takes what is public of it away.
    pub(super) async fn unproject(&self, seller: &str, on: Connection<'_>) -> sqlx::Result<()> {
        either!(on, connection => sqlx::query("DELETE FROM published_listings WHERE slug = $1 AND seller = $2")
            .bind(&self.slug)
            .bind(seller)
            .execute(connection)
            .await
            .map(drop))
    }

    pub(super) async fn delete(&self, tenant: TenantId, on: Connection<'_>) -> sqlx::Result<()> {
        either!(on, connection => sqlx::query("DELETE FROM listings WHERE tenant_id = $1 AND id = $2")
            .bind(tenant.as_uuid())
            .bind(self.id)
            .execute(connection)
            .await
            .map(drop))
    }
}

/// A seller's own listing.
pub(super) async fn own(
    tenant: TenantId,
    slug: &str,
    on: Connection<'_>,
) -> sqlx::Result<Option<Unchecked<Listing>>> {
    find(tenant, slug, "", on).await
}

/// A seller's own listing, which nobody else changes until the transaction ends.
pub(super) async fn own_to_change(
    tenant: TenantId,
    slug: &str,
    on: Connection<'_>,
) -> sqlx::Result<Option<Unchecked<Listing>>> {
    find(tenant, slug, on.for_update(), on).await
}

async fn find(
    tenant: TenantId,
    slug: &str,
    lock: &'static str,
    on: Connection<'_>,
) -> sqlx::Result<Option<Unchecked<Listing>>> {
    let sql = AssertSqlSafe(format!("{OWN} = $1 AND slug = $2{lock}"));
    let found = either!(on, connection => sqlx::query_as(sql)
        .bind(tenant.as_uuid())
        .bind(slug)
        .fetch_optional(connection)
        .await);
    Ok(found?.map(Unchecked::new))
}

/// A page of a seller's own listings that a filter keeps, by slug.
pub(super) async fn own_page(
    tenant: TenantId,
    filter: &Predicate,
    page: &PageRequest,
    on: Connection<'_>,
) -> sqlx::Result<Page<Listing>> {
    let rows = either!(on, connection => {
        let mut query = QueryBuilder::new(OWN);
        query.push(" = ").push_bind(tenant.as_uuid()).push(" AND ");
        push_filter::<_, Listing>(&mut query, filter, &Columns::new("id")).map_err(too_large)?;
        query.push(" AND slug > ").push_bind(after(page)).push(" ORDER BY slug LIMIT ").push_bind(more(page));
        query.build_query_as().fetch_all(connection).await
    })?;
    Ok(Page::of(rows, page.limit(), |row: &Listing| Cursor::after_key(&[&row.slug])))
}

/// A published listing of a seller that is active.
pub(crate) async fn published(slug: &str, on: Connection<'_>) -> sqlx::Result<Option<PublicRow>> {
    let sql = AssertSqlSafe(format!("{PUBLIC} AND slug = $1"));
    either!(on, connection => sqlx::query_as(sql).bind(slug).fetch_optional(connection).await)
}

/// A page of the published listings of sellers that are active and that a filter keeps, by slug.
pub(super) async fn published_page(
    filter: &Predicate,
    page: &PageRequest,
    on: Connection<'_>,
) -> sqlx::Result<Page<PublicRow>> {
    let columns = Columns::new("slug").named(&[("published", "TRUE")]);
    let rows = either!(on, connection => {
        let mut query = QueryBuilder::new(PUBLIC);
        query.push(" AND ");
        push_filter::<_, PublicRow>(&mut query, filter, &columns).map_err(too_large)?;
        query.push(" AND slug > ").push_bind(after(page)).push(" ORDER BY slug LIMIT ").push_bind(more(page));
        query.build_query_as().fetch_all(connection).await
    })?;
    Ok(Page::of(rows, page.limit(), |row: &PublicRow| Cursor::after_key(&[&row.slug])))
}

/// The slug after which a page begins.
fn after(page: &PageRequest) -> String {
    page.after().map_or("", Cursor::as_str).to_owned()
}

/// One row more than a page has, to know whether there is another.
fn more(page: &PageRequest) -> i64 {
    i64::from(page.limit()) + 1
}

fn too_large(error: FilterTooLarge) -> sqlx::Error {
    sqlx::Error::Encode(error.into())
}

/// Shows or hides everything that a seller has published.
pub(crate) async fn follow_seller(seller: &str, is_active: bool, on: Connection<'_>) -> sqlx::Result<()> {
    either!(on, connection => sqlx::query("UPDATE published_listings SET seller_active = $2 WHERE seller = $1")
        .bind(seller)
        .bind(is_active)
        .execute(connection)
        .await
        .map(drop))
}

impl PublicRow {
    pub(crate) fn price(&self) -> Result<Money, RowError> {
        price(self.amount, &self.currency)
    }

    pub(super) fn view(self) -> Result<ListingView, RowError> {
        Ok(ListingView {
            price: self.price()?,
            cloudflare: serde_json::from_str::<Cloudflare>(&self.cloudflare)?,
            business_assets: None,
            slug: self.slug,
            name: self.name,
            version: self.version,
            summary: self.summary,
            seller: self.seller,
            published: true,
            created_at: Timestamp::from_micros(self.created_at),
            updated_at: Timestamp::from_micros(self.updated_at),
        })
    }
}

/// A row that holds what no listing can have.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RowError {
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Money(#[from] tenantry::MoneyError),
}

fn price(amount: i64, currency: &str) -> Result<Money, RowError> {
    Ok(Money { amount, currency: currency.parse::<Currency>()? })
}

fn name_taken(result: sqlx::Result<()>) -> sqlx::Result<Stored> {
    match result {
        Ok(()) => Ok(Stored::Yes),
        Err(sqlx::Error::Database(error)) if error.is_unique_violation() => Ok(Stored::NameTaken),
        Err(error) => Err(error),
    }
}
