//! The walk of the test kit over the demo.

use serde_json::json;
use sqlx::PgPool;
use tenantry::testing::isolation::{App, Caller, Effect, Route, Tenant, Walk};
use uuid::Uuid;

use crate::leak::Planted;
use crate::service::{Account, Service};
use crate::store::{Comment, Note, TenantRows};

/// How many notes each tenant has: two pages of a list.
const NOTES: usize = 5;

/// Gives each of two tenants notes with comments, and prepares a walk over the service as their members.
///
/// # Errors
/// Whatever the database refuses.
pub async fn walk(pool: PgPool, planted: Planted) -> Result<Walk, sqlx::Error> {
    let accounts = ["acme", "bolt"].map(|name| Account {
        name,
        tenant: Uuid::now_v7(),
        token: format!("token-of-{name}-{}", Uuid::now_v7().simple()),
    });
    let mut tenants = Vec::new();
    for account in &accounts {
        tenants.push(seeded(&pool, account).await?);
    }
    let service = Service::new(pool, accounts.to_vec(), planted);
    let mut walk = Walk::of(App::axum(service.router())).routes(routes()).caller(Caller::nobody());
    for (account, tenant) in accounts.iter().zip(tenants) {
        walk = walk.tenant(tenant).caller(Caller::of(account.name).bearer(&account.token));
    }
    Ok(walk.probe("mails", move || async move {
        let name =
            |tenant| accounts.iter().find(|account| account.tenant == tenant).map(|account| account.name);
        let mails = service.mails().await.into_iter();
        mails.map(|mail| Effect::seen_by(name(mail.to).unwrap_or_default(), mail.text)).collect()
    }))
}

async fn seeded(pool: &PgPool, account: &Account) -> Result<Tenant, sqlx::Error> {
    let mut tenant = Tenant::new(account.name).has("tenant", account.tenant.to_string());
    let mut rows = TenantRows::begin(pool, account.tenant).await?;
    for number in 0..NOTES {
        let (slug, title) =
            (format!("{}-note-{number}", account.name), format!("Plan {number} of {}", account.name));
        let note = Note { id: Uuid::now_v7(), slug: slug.clone(), title: title.clone() };
        rows.add_note(&note).await?;
        let text = format!("Remark {number} of {}", account.name);
        let comment = Comment { id: Uuid::now_v7(), note_id: note.id, text: text.clone() };
        rows.add_comment(&comment).await?;
        tenant =
            tenant.has("note", note.id.to_string()).has("slug", slug).has("comment", comment.id.to_string());
        tenant = tenant.mark(title).mark(text);
    }
    rows.commit().await?;
    Ok(tenant)
}

fn routes() -> [Route; 11] {
    [
        Route::get("/notes").query("cursor", "{cursor}"),
        Route::post("/notes").json(json!({ "slug": "{new:slug}", "title": "{mark}" })),
        Route::get("/notes/{note}"),
        Route::put("/notes/{note}").json(json!({ "title": "{mark}" })),
        Route::delete("/notes/{note}"),
        Route::get("/notes/{note}/comments"),
        Route::post("/comments").json(json!({ "note": "{note}", "text": "{mark}" })),
        Route::get("/comments/{comment}"),
        Route::get("/overview"),
        Route::get("/summary"),
        Route::post("/digests"),
    ]
}
