//! The requests about listings.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use serde_json::json;
use tenantry::http::{Body, Paging, Problem, Require};
use tenantry::{Caller, Command, Note, Operation, UsageRefusal};
use uuid::Uuid;

use super::rows::{self, OwnRow, Stored};
use super::values::{ListingDraft, ListingView};
use crate::database::{ReadTx, Tx};
use crate::model::{self, Kind, ListingRead, ListingWrite};
use crate::state::Marketplace;
use crate::wire::{Listed, Named, Refusal, broken};

const NAME_TAKEN: &str = "the slug is taken: choose another";

/// Makes a listing.
#[utoipa::path(
    post,
    path = "/api/platform/create",
    tag = "listings",
    request_body = ListingDraft,
    responses(
        (status = 201, body = ListingView),
        (status = 402, body = Refusal, content_type = "application/problem+json", description = "the plan's listings are used up"),
        (status = 409, body = Refusal, content_type = "application/problem+json", description = "the slug is taken"),
        (status = 422, body = Refusal, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn create(
    State(market): State<Marketplace>,
    seller: Require<ListingWrite>,
    Body(draft): Body<ListingDraft>,
) -> Result<(StatusCode, Json<ListingView>), Problem> {
    Ok((StatusCode::CREATED, Json(store_new(&market, seller.caller(), &draft).await?)))
}

/// Stores a new listing, counts it against the seller's plan and publishes it if it is to be: all or nothing.
pub(crate) async fn store_new(
    market: &Marketplace,
    caller: &Caller,
    draft: &ListingDraft,
) -> Result<ListingView, Problem> {
    let row = row_of(draft, Uuid::now_v7(), market.app.now().as_micros())?;
    let mut tx = begin(market, caller).await?;
    let tenant = tx.tenant();
    taken_or(row.insert(tenant, tx.connection()).await)?;
    taken_or(row.project(slug_of(caller), tx.connection()).await)?;
    let meter = model::listings_meter().map_err(|error| broken("name the meter", &error))?;
    let target = format!("listing:{}", row.slug);
    join(&mut tx, market.app.usage(caller).consume(meter, 1).audited_as("listing.create", target)).await?;
    commit(tx).await?;
    view(row, caller).map(|Json(made)| made)
}

/// Puts another version in place of the one that `If-Match` names.
#[utoipa::path(
    put,
    path = "/api/listings/{slug}",
    tag = "listings",
    params(("slug" = String, Path), ("If-Match" = String, Header, description = "the version that is replaced")),
    request_body = ListingDraft,
    responses(
        (status = 200, body = ListingView),
        (status = 404, body = Refusal, content_type = "application/problem+json"),
        (status = 409, body = Refusal, content_type = "application/problem+json", description = "another version is there, or the slug is taken"),
        (status = 422, body = Refusal, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn replace(
    State(market): State<Marketplace>,
    seller: Require<ListingWrite>,
    Named(slug): Named,
    headers: HeaderMap,
    Body(draft): Body<ListingDraft>,
) -> Result<Json<ListingView>, Problem> {
    let caller = seller.caller();
    let replaced = replaced_version(&headers)?;
    let mut tx = begin(&market, caller).await?;
    let found = load(&mut tx, &slug).await?;
    if found.version != replaced {
        let detail = format!("version {} is there, not {replaced}: read it, and try again", found.version);
        return Err(Problem::conflict(detail));
    }
    let mut row = row_of(&draft, found.id, market.app.now().as_micros())?;
    row.created_at = found.created_at;
    row.published = draft.publish.unwrap_or(found.published);
    row.revision = found.revision + 1;
    put_in_place(&mut tx, caller, &found, &row).await?;
    note(&market, &mut tx, caller, "listing.replace", &row).await?;
    commit(tx).await?;
    view(row, caller)
}

/// Publishes a listing: claims its slug for the marketplace.
#[utoipa::path(
    post,
    path = "/api/listings/{slug}/publish",
    tag = "listings",
    params(("slug" = String, Path)),
    responses(
        (status = 200, body = ListingView),
        (status = 404, body = Refusal, content_type = "application/problem+json"),
        (status = 409, body = Refusal, content_type = "application/problem+json", description = "another seller has published one with this slug"),
    )
)]
pub(crate) async fn publish(
    State(market): State<Marketplace>,
    seller: Require<ListingWrite>,
    Named(slug): Named,
) -> Result<Json<ListingView>, Problem> {
    set_published(&market, seller.caller(), &slug, true).await
}

/// Takes a listing back from the marketplace; open orders keep their copy.
#[utoipa::path(
    post,
    path = "/api/listings/{slug}/unpublish",
    tag = "listings",
    params(("slug" = String, Path)),
    responses(
        (status = 200, body = ListingView),
        (status = 404, body = Refusal, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn unpublish(
    State(market): State<Marketplace>,
    seller: Require<ListingWrite>,
    Named(slug): Named,
) -> Result<Json<ListingView>, Problem> {
    set_published(&market, seller.caller(), &slug, false).await
}

/// Deletes a listing and gives its unit of the plan back; open orders keep their copy.
#[utoipa::path(
    delete,
    path = "/api/listings/{slug}",
    tag = "listings",
    params(("slug" = String, Path)),
    responses(
        (status = 204, description = "deleted"),
        (status = 404, body = Refusal, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn delete(
    State(market): State<Marketplace>,
    seller: Require<ListingWrite>,
    Named(slug): Named,
) -> Result<StatusCode, Problem> {
    let caller = seller.caller();
    let mut tx = begin(&market, caller).await?;
    let found = load(&mut tx, &slug).await?;
    let (tenant, failed) = (tx.tenant(), |error| broken("delete a listing", &error));
    found.unproject(slug_of(caller), tx.connection()).await.map_err(failed)?;
    found.delete(tenant, tx.connection()).await.map_err(failed)?;
    let meter = model::listings_meter().map_err(|error| broken("name the meter", &error))?;
    let target = format!("listing:{}", found.slug);
    join(&mut tx, market.app.usage(caller).give_back(meter, 1).audited_as("listing.delete", target)).await?;
    commit(tx).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Lists: a seller at its own host its own, drafts too; everybody else the published ones.
#[utoipa::path(
    get,
    path = "/api/listings",
    tag = "listings",
    params(("limit" = Option<u16>, Query, minimum = 1, maximum = 200), ("cursor" = Option<String>, Query)),
    responses((status = 200, body = Listed<ListingView>))
)]
pub(crate) async fn list(
    State(market): State<Marketplace>,
    reader: Require<ListingRead>,
    Paging(page): Paging,
) -> Result<Json<Listed<ListingView>>, Problem> {
    let (caller, failed) = (reader.caller(), |error| broken("list listings", &error));
    let mut tx = read(&market, caller).await?;
    let listed = if sells(caller) {
        let rows = rows::own_page(caller.tenant().id(), &page, tx.connection()).await.map_err(failed)?;
        collect(rows, |row: OwnRow| row.view(slug_of(caller)))
    } else {
        let rows = rows::published_page(&page, tx.connection()).await.map_err(failed)?;
        collect(rows, rows::PublicRow::view)
    };
    listed.map(Json)
}

/// Shows one of those that the caller can list.
#[utoipa::path(
    get,
    path = "/api/listings/{slug}",
    tag = "listings",
    params(("slug" = String, Path)),
    responses(
        (status = 200, body = ListingView),
        (status = 404, body = Refusal, content_type = "application/problem+json"),
    )
)]
pub(crate) async fn show(
    State(market): State<Marketplace>,
    reader: Require<ListingRead>,
    Named(slug): Named,
) -> Result<Json<ListingView>, Problem> {
    let (caller, failed) = (reader.caller(), |error| broken("read a listing", &error));
    let mut tx = read(&market, caller).await?;
    let found = if sells(caller) {
        let row = rows::own(caller.tenant().id(), &slug, tx.connection()).await.map_err(failed)?;
        row.map(|row| row.view(slug_of(caller)))
    } else {
        rows::published(&slug, tx.connection()).await.map_err(failed)?.map(rows::PublicRow::view)
    };
    let view = found.ok_or_else(Problem::not_found)?;
    view.map(Json).map_err(|error| broken("read a listing", &error))
}

async fn set_published(
    market: &Marketplace,
    caller: &Caller,
    slug: &str,
    published: bool,
) -> Result<Json<ListingView>, Problem> {
    let mut tx = begin(market, caller).await?;
    let found = load(&mut tx, slug).await?;
    if found.published == published {
        return view(found, caller);
    }
    let (updated_at, revision) = (market.app.now().as_micros(), found.revision + 1);
    let row = OwnRow { published, updated_at, revision, ..found.clone() };
    put_in_place(&mut tx, caller, &found, &row).await?;
    let action = if published { "listing.publish" } else { "listing.unpublish" };
    note(market, &mut tx, caller, action, &row).await?;
    commit(tx).await?;
    view(row, caller)
}

/// One row in place of another, among the published too.
async fn put_in_place(tx: &mut Tx, caller: &Caller, before: &OwnRow, after: &OwnRow) -> Result<(), Problem> {
    let tenant = tx.tenant();
    let failed = |error| broken("take a listing back", &error);
    before.unproject(slug_of(caller), tx.connection()).await.map_err(failed)?;
    taken_or(after.update(tenant, tx.connection()).await)?;
    taken_or(after.project(slug_of(caller), tx.connection()).await)
}

async fn note(
    market: &Marketplace,
    tx: &mut Tx,
    caller: &Caller,
    action: &str,
    row: &OwnRow,
) -> Result<(), Problem> {
    let note = Note {
        action: action.to_owned(),
        target: format!("listing:{}", row.slug),
        detail: json!({ "slug": row.slug, "version": row.version, "published": row.published }),
        event: u64::try_from(row.revision).ok().map(|revision| (row.id, revision)),
    };
    let unsent = market.app.trail(caller).note(note).unsent().await.map_err(unexpected)?;
    tx.commit_in(unsent).await.map_err(unexpected)
}

/// Uses or gives back a unit of the plan inside the seller's transaction.
async fn join<O>(tx: &mut Tx, command: Command<'_, O>) -> Result<(), Problem>
where
    O: Operation<Outcome = (), Refusal = UsageRefusal>,
{
    let refused = |refusal: UsageRefusal| match refusal {
        UsageRefusal::Exceeded(exceeded) => Problem::quota_exceeded(&exceeded),
        other => broken("count a listing", &other),
    };
    let unsent = command.unsent().await.map_err(|failure| Problem::from_failure(failure, refused))?;
    tx.commit_in(unsent).await.map_err(|failure| Problem::from_failure(failure, refused))
}

fn unexpected<R: std::error::Error>(failure: tenantry::Failure<R>) -> Problem {
    Problem::from_failure(failure, |refusal| broken("write the trail", &refusal))
}

async fn read(market: &Marketplace, caller: &Caller) -> Result<ReadTx, Problem> {
    market.store.read(caller).await.map_err(|error| broken("begin to read", &error))
}

async fn begin(market: &Marketplace, caller: &Caller) -> Result<Tx, Problem> {
    market.store.begin(caller.tenant()).await.map_err(|error| broken("begin a transaction", &error))
}

async fn commit(tx: Tx) -> Result<(), Problem> {
    tx.commit().await.map_err(|error| broken("commit a listing", &error))
}

async fn load(tx: &mut Tx, slug: &str) -> Result<OwnRow, Problem> {
    let tenant = tx.tenant();
    let found = rows::own_to_change(tenant, slug, tx.connection()).await;
    found.map_err(|error| broken("read a listing", &error))?.ok_or_else(Problem::not_found)
}

fn taken_or(stored: sqlx::Result<Stored>) -> Result<(), Problem> {
    match stored {
        Ok(Stored::Yes) => Ok(()),
        Ok(Stored::NameTaken) => Err(Problem::conflict(NAME_TAKEN)),
        Err(error) => Err(broken("store a listing", &error)),
    }
}

fn replaced_version(headers: &HeaderMap) -> Result<String, Problem> {
    let sent = headers.get(header::IF_MATCH).and_then(|value| value.to_str().ok());
    let version = sent.map(|sent| sent.trim().trim_start_matches("W/").trim_matches('"').to_owned());
    version
        .filter(|version| !version.is_empty())
        .ok_or_else(|| Problem::invalid_field("If-Match", "send the version that you replace, as \"1.0.0\""))
}

fn row_of(draft: &ListingDraft, id: Uuid, now: i64) -> Result<OwnRow, Problem> {
    let failed = |error: serde_json::Error| broken("write a listing down", &error);
    Ok(OwnRow {
        id,
        slug: draft.slug.clone(),
        name: draft.name.trim().to_owned(),
        version: draft.version.clone(),
        summary: draft.summary.trim().to_owned(),
        amount: draft.price.amount,
        currency: draft.price.currency.clone(),
        cloudflare: serde_json::to_string(&draft.cloudflare).map_err(failed)?,
        assets: serde_json::to_string(&draft.business_assets).map_err(failed)?,
        published: draft.publish.unwrap_or(true),
        revision: 1,
        created_at: now,
        updated_at: now,
    })
}

fn view(row: OwnRow, caller: &Caller) -> Result<Json<ListingView>, Problem> {
    row.view(slug_of(caller)).map(Json).map_err(|error| broken("read a listing", &error))
}

fn collect<R>(
    page: tenantry::Page<R>,
    view: impl Fn(R) -> Result<ListingView, rows::RowError>,
) -> Result<Listed<ListingView>, Problem> {
    let next = page.next.map(|cursor| cursor.as_str().to_owned());
    let items: Result<Vec<_>, _> = page.items.into_iter().map(view).collect();
    Ok(Listed { items: items.map_err(|error| broken("read listings", &error))?, next })
}

fn sells(caller: &Caller) -> bool {
    caller.tenant().tenant().kind.as_str() == Kind::Seller.as_str()
}

fn slug_of(caller: &Caller) -> &str {
    caller.tenant().tenant().slug.as_str()
}
