use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::PgPool;
use uuid::Uuid;

use crate::digest::{Digests, Mail};
use crate::leak::{Leak, Planted};
use crate::store::{Comment, Line, Note, TenantRows};

/// A tenant of the demo, and the token of its only member.
#[derive(Debug, Clone)]
pub struct Account {
    /// Its name.
    pub name: &'static str,
    /// Its id.
    pub tenant: Uuid,
    /// What its member sends in `Authorization: Bearer …`.
    pub token: String,
}

/// The service: notes with comments, an overview, a summary, and digests by mail.
#[derive(Debug, Clone)]
pub struct Service {
    pool: PgPool,
    planted: Planted,
    accounts: Arc<Vec<Account>>,
    digests: Digests,
    summaries: Arc<Mutex<HashMap<String, Value>>>,
    remembered: Arc<Mutex<HashMap<(Uuid, Uuid), String>>>,
}

impl Service {
    /// The service over the application's login.
    #[must_use]
    pub fn new(pool: PgPool, accounts: Vec<Account>, planted: Planted) -> Self {
        Self {
            digests: Digests::start(pool.clone(), planted.clone()),
            pool,
            planted,
            accounts: Arc::new(accounts),
            summaries: Arc::default(),
            remembered: Arc::default(),
        }
    }

    /// Its routes.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/notes", get(list).post(create))
            .route("/notes/{note}", get(read).put(rename).delete(remove))
            .route("/notes/{note}/comments", get(comments))
            .route("/comments", post(comment_on))
            .route("/comments/{comment}", get(comment))
            .route("/overview", get(overview))
            .route("/summary", get(summary))
            .route("/digests", post(digest))
            .with_state(self.clone())
    }

    /// The mails that went out, once every job is done.
    pub async fn mails(&self) -> Vec<Mail> {
        self.digests.sent().await
    }

    async fn rows(&self, tenant: Uuid) -> Result<TenantRows<'_>, Refused> {
        Ok(TenantRows::begin(&self.pool, tenant).await?)
    }

    fn summary_key(&self, tenant: Uuid) -> String {
        if self.planted.has(Leak::CacheKey) { "summary".to_owned() } else { format!("{tenant}/summary") }
    }

    /// Where a note's title is remembered: under its tenant, unless [`Leak::ErrorText`] forgets that.
    fn memory_key(&self, tenant: Uuid, note: Uuid) -> (Uuid, Uuid) {
        if self.planted.has(Leak::ErrorText) { (Uuid::nil(), note) } else { (tenant, note) }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The caller's tenant, by its token.
struct Tenant(Uuid);

impl FromRequestParts<Service> for Tenant {
    type Rejection = Refused;

    async fn from_request_parts(parts: &mut Parts, service: &Service) -> Result<Self, Refused> {
        let header = parts.headers.get("authorization").and_then(|value| value.to_str().ok());
        let token = header.and_then(|header| header.strip_prefix("Bearer ")).ok_or(Refused::SignedOut)?;
        let account = service.accounts.iter().find(|account| account.token == token);
        account.map(|account| Self(account.tenant)).ok_or(Refused::SignedOut)
    }
}

/// Why a request isn't done.
enum Refused {
    SignedOut,
    Absent(String),
    Taken,
    Broken,
}

impl From<sqlx::Error> for Refused {
    fn from(error: sqlx::Error) -> Self {
        match error.as_database_error() {
            Some(error) if error.is_unique_violation() => Self::Taken,
            Some(error) if error.is_foreign_key_violation() => absent(),
            _ => Self::Broken,
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, text) = match self {
            Self::SignedOut => (StatusCode::UNAUTHORIZED, "sign in first".to_owned()),
            Self::Absent(text) => (StatusCode::NOT_FOUND, text),
            Self::Taken => (StatusCode::CONFLICT, "there is a note with this slug".to_owned()),
            Self::Broken => (StatusCode::SERVICE_UNAVAILABLE, "try again later".to_owned()),
        };
        (status, Json(json!({ "error": text }))).into_response()
    }
}

fn absent() -> Refused {
    Refused::Absent("there is no such thing".to_owned())
}

/// An id in a path. One that isn't an id names nothing.
fn id(text: &str) -> Result<Uuid, Refused> {
    text.parse().map_err(|_| absent())
}

fn shown(note: &Note) -> Value {
    json!({ "id": note.id, "slug": note.slug, "title": note.title })
}

#[derive(Deserialize)]
struct After {
    cursor: Option<String>,
}

async fn list(State(service): State<Service>, tenant: Tenant, Query(after): Query<After>) -> Answer {
    let cursor = after.cursor.unwrap_or_default();
    let (of, after) = cursor.split_once('~').unwrap_or_default();
    let tenant = match of.parse() {
        Ok(of) if service.planted.has(Leak::Cursor) => of,
        _ => tenant.0,
    };
    let mut rows = service.rows(tenant).await?;
    let notes = rows.notes(after.parse().unwrap_or(Uuid::nil())).await?;
    rows.commit().await?;
    let next = notes.last().map(|note| format!("{tenant}~{}", note.id));
    Ok(Json(json!({ "notes": notes.iter().map(shown).collect::<Vec<_>>(), "next": next })).into_response())
}

type Answer = Result<Response, Refused>;

#[derive(Deserialize)]
struct NewNote {
    slug: String,
    title: String,
}

async fn create(State(service): State<Service>, tenant: Tenant, Json(new): Json<NewNote>) -> Answer {
    let note = Note { id: Uuid::now_v7(), slug: new.slug, title: new.title };
    let mut rows = service.rows(tenant.0).await?;
    rows.add_note(&note).await?;
    rows.commit().await?;
    locked(&service.summaries).remove(&service.summary_key(tenant.0));
    Ok((StatusCode::CREATED, Json(shown(&note))).into_response())
}

async fn read(State(service): State<Service>, tenant: Tenant, Path(note): Path<String>) -> Answer {
    let mut rows = service.rows(tenant.0).await?;
    let note = rows.note(id(&note)?).await?.ok_or_else(absent)?;
    rows.commit().await?;
    locked(&service.remembered).insert(service.memory_key(tenant.0, note.id), note.title.clone());
    Ok(Json(shown(&note)).into_response())
}

#[derive(Deserialize)]
struct Rename {
    title: String,
}

/// Renames a note. One that has gone meanwhile is called by the title that was last seen of it.
async fn rename(
    State(service): State<Service>,
    tenant: Tenant,
    Path(note): Path<String>,
    Json(wanted): Json<Rename>,
) -> Answer {
    let note = id(&note)?;
    let mut rows = service.rows(tenant.0).await?;
    let is_there = rows.rename(note, &wanted.title).await?;
    rows.commit().await?;
    if is_there {
        locked(&service.summaries).remove(&service.summary_key(tenant.0));
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let remembered = locked(&service.remembered).get(&service.memory_key(tenant.0, note)).cloned();
    Err(match remembered {
        Some(title) => Refused::Absent(format!("the note {title:?} can't be renamed any more")),
        None => absent(),
    })
}

async fn remove(State(service): State<Service>, tenant: Tenant, Path(note): Path<String>) -> Answer {
    let mut rows = service.rows(tenant.0).await?;
    let was_there = rows.remove(id(&note)?).await?;
    rows.commit().await?;
    locked(&service.summaries).remove(&service.summary_key(tenant.0));
    if was_there { Ok(StatusCode::NO_CONTENT.into_response()) } else { Err(absent()) }
}

async fn comments(State(service): State<Service>, tenant: Tenant, Path(note): Path<String>) -> Answer {
    let mut rows = service.rows(tenant.0).await?;
    let note = rows.note(id(&note)?).await?.ok_or_else(absent)?;
    let comments = rows.comments(note.id).await?;
    rows.commit().await?;
    let shown: Vec<Value> = comments.iter().map(shown_comment).collect();
    Ok(Json(json!({ "comments": shown })).into_response())
}

fn shown_comment(comment: &Comment) -> Value {
    json!({ "id": comment.id, "note": comment.note_id, "text": comment.text })
}

#[derive(Deserialize)]
struct NewComment {
    note: String,
    text: String,
}

/// Comments on a note. That the note is there is left to the foreign key.
async fn comment_on(State(service): State<Service>, tenant: Tenant, Json(new): Json<NewComment>) -> Answer {
    let comment = Comment { id: Uuid::now_v7(), note_id: id(&new.note)?, text: new.text };
    let mut rows = service.rows(tenant.0).await?;
    rows.add_comment(&comment).await?;
    rows.commit().await?;
    Ok((StatusCode::CREATED, Json(shown_comment(&comment))).into_response())
}

async fn comment(State(service): State<Service>, tenant: Tenant, Path(comment): Path<String>) -> Answer {
    let mut rows = service.rows(tenant.0).await?;
    let comment = rows.comment(id(&comment)?, &service.planted).await?.ok_or_else(absent)?;
    rows.commit().await?;
    Ok(Json(shown_comment(&comment)).into_response())
}

async fn overview(State(service): State<Service>, tenant: Tenant) -> Answer {
    let mut rows = service.rows(tenant.0).await?;
    let lines = rows.overview().await?;
    rows.commit().await?;
    let shown = |line: &Line| json!({ "id": line.id, "title": line.title, "letters": line.letters });
    Ok(Json(json!({ "lines": lines.iter().map(shown).collect::<Vec<_>>() })).into_response())
}

/// How many notes there are and what they are called, kept until one changes.
async fn summary(State(service): State<Service>, tenant: Tenant) -> Answer {
    let key = service.summary_key(tenant.0);
    let kept = locked(&service.summaries).get(&key).cloned();
    if let Some(kept) = kept {
        return Ok(Json(kept).into_response());
    }
    let mut rows = service.rows(tenant.0).await?;
    let titles = rows.titles().await?;
    rows.commit().await?;
    let summary = json!({ "notes": titles.len(), "titles": titles });
    locked(&service.summaries).insert(key, summary.clone());
    Ok(Json(summary).into_response())
}

async fn digest(State(service): State<Service>, tenant: Tenant) -> Answer {
    if service.digests.ask_for(tenant.0) {
        Ok(StatusCode::ACCEPTED.into_response())
    } else {
        Err(Refused::Broken)
    }
}
