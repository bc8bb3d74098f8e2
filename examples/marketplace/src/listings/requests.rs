//! The requests about listings.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use serde_json::json;
use tenantry::http::{Body, Paging, Problem, RequireOn};
use tenantry::{
    Authorized, Caller, Command, Denied, Note, Operation, Permission, RequestFacts, Unchecked, UsageRefusal,
};
use uuid::Uuid;

use super::rows::{self, Listing, Stored};
use super::values::{ListingDraft, ListingView};
use crate::database::{ReadTx, Tx};
use crate::model::{self, Kind, ListingCreate, ListingDelete, ListingPublish, ListingRead, ListingWrite};
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
    seller: RequireOn<ListingCreate>,
    Body(draft): Body<ListingDraft>,
) -> Result<(StatusCode, Json<ListingView>), Problem> {
    let made = store_new(&market, seller.caller(), seller.request(), &draft).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Stores a new listing, counts it against the seller's plan and publishes it if it is to be: all or nothing.
pub(crate) async fn store_new(
    market: &Marketplace,
    caller: &Caller,
    request: &RequestFacts,
    draft: &ListingDraft,
) -> Result<ListingView, Problem> {
    let author = Some(caller.id().as_uuid());
    let row = row_of(draft, Uuid::now_v7(), author, market.app.now().as_micros())?;
    let row: Authorized<_, ListingCreate> =
        caller.authorize(Unchecked::new(row), request).map_err(not_yet_there)?;
    if row.published {
        caller.check::<ListingPublish, _>(&*row, request).map_err(not_yet_there)?;
    }
    let row = row.into_inner();
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
    seller: RequireOn<ListingWrite>,
    Named(slug): Named,
    headers: HeaderMap,
    Body(draft): Body<ListingDraft>,
) -> Result<Json<ListingView>, Problem> {
    let caller = seller.caller();
    let replaced = replaced_version(&headers)?;
    let mut tx = begin(&market, caller).await?;
    let found = load(&mut tx, &seller, &slug).await?;
    if found.version != replaced {
        let detail = format!("version {} is there, not {replaced}: read it, and try again", found.version);
        return Err(Problem::conflict(detail));
    }
    let mut row = row_of(&draft, found.id, found.author, market.app.now().as_micros())?;
    row.created_at = found.created_at;
    row.published = draft.publish.unwrap_or(found.published);
    if row.published != found.published {
        caller.check::<ListingPublish, _>(&*found, seller.request())?;
    }
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
    seller: RequireOn<ListingPublish>,
    Named(slug): Named,
) -> Result<Json<ListingView>, Problem> {
    set_published(&market, &seller, &slug, true).await
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
    seller: RequireOn<ListingPublish>,
    Named(slug): Named,
) -> Result<Json<ListingView>, Problem> {
    set_published(&market, &seller, &slug, false).await
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
    seller: RequireOn<ListingDelete>,
    Named(slug): Named,
) -> Result<StatusCode, Problem> {
    let caller = seller.caller();
    let mut tx = begin(&market, caller).await?;
    let found = load(&mut tx, &seller, &slug).await?;
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
    reader: RequireOn<ListingRead>,
    Paging(page): Paging,
) -> Result<Json<Listed<ListingView>>, Problem> {
    let (caller, failed) = (reader.caller(), |error| broken("list listings", &error));
    let mut tx = read(&market, caller).await?;
    let listed = if sells(caller) {
        let (tenant, filter) = (caller.tenant().id(), reader.filter::<Listing>());
        let rows = rows::own_page(tenant, &filter, &page, tx.connection()).await.map_err(failed)?;
        collect(rows, |row: Listing| row.view(slug_of(caller)))
    } else {
        let filter = reader.filter::<rows::PublicRow>();
        let rows = rows::published_page(&filter, &page, tx.connection()).await.map_err(failed)?;
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
    reader: RequireOn<ListingRead>,
    Named(slug): Named,
) -> Result<Json<ListingView>, Problem> {
    let (caller, failed) = (reader.caller(), |error| broken("read a listing", &error));
    let mut tx = read(&market, caller).await?;
    let view = if sells(caller) {
        let found = rows::own(caller.tenant().id(), &slug, tx.connection()).await.map_err(failed)?;
        reader.authorize(found)?.into_inner().view(slug_of(caller))
    } else {
        let found = rows::published(&slug, tx.connection()).await.map_err(failed)?;
        reader.authorize(found.map(Unchecked::new))?.into_inner().view()
    };
    view.map(Json).map_err(|error| broken("read a listing", &error))
}

async fn set_published(
    market: &Marketplace,
    seller: &RequireOn<ListingPublish>,
    slug: &str,
    published: bool,
) -> Result<Json<ListingView>, Problem> {
    let caller = seller.caller();
    let mut tx = begin(market, caller).await?;
    let found = load(&mut tx, seller, slug).await?.into_inner();
    if found.published == published {
        return view(found, caller);
    }
    let (updated_at, revision) = (market.app.now().as_micros(), found.revision + 1);
    let row = Listing { published, updated_at, revision, ..found.clone() };
    put_in_place(&mut tx, caller, &found, &row).await?;
    let action = if published { "listing.publish" } else { "listing.unpublish" };
    note(market, &mut tx, caller, action, &row).await?;
    commit(tx).await?;
    view(row, caller)
}

/// One row in place of another, among the published too.
async fn put_in_place(
    tx: &mut Tx,
    caller: &Caller,
    before: &Listing,
    after: &Listing,
) -> Result<(), Problem> {
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
    row: &Listing,
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

/// The seller's listing with this slug, to which the caller may do `P`.
async fn load<P: Permission>(
    tx: &mut Tx,
    seller: &RequireOn<P>,
    slug: &str,
) -> Result<Authorized<Listing, P>, Problem> {
    let tenant = tx.tenant();
    let found = rows::own_to_change(tenant, slug, tx.connection()).await;
    Ok(seller.authorize(found.map_err(|error| broken("read a listing", &error))?)?)
}

/// What is only to be made is hidden from nobody: who may not make it is told so.
fn not_yet_there(denied: Denied) -> Problem {
    match denied {
        Denied::Hidden => Problem::forbidden(),
        denied => denied.into(),
    }
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

fn row_of(draft: &ListingDraft, id: Uuid, author: Option<Uuid>, now: i64) -> Result<Listing, Problem> {
    let failed = |error: serde_json::Error| broken("write a listing down", &error);
    Ok(Listing {
        id,
        author,
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

fn view(row: Listing, caller: &Caller) -> Result<Json<ListingView>, Problem> {
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
