//! The rows, one tenant in each transaction.

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, FromRow, PgPool, Postgres, Transaction};
use uuid::Uuid;

use crate::leak::{Leak, Planted};

/// How many notes a page holds.
const PAGE: i64 = 3;

/// A note.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct Note {
    pub(crate) id: Uuid,
    pub(crate) slug: String,
    pub(crate) title: String,
}

/// A comment on a note.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct Comment {
    pub(crate) id: Uuid,
    pub(crate) note_id: Uuid,
    pub(crate) text: String,
}

/// A line of the overview.
#[derive(Debug, Clone, FromRow)]
pub(crate) struct Line {
    pub(crate) id: Uuid,
    pub(crate) title: String,
    pub(crate) letters: i32,
}

/// A transaction in which the database knows the tenant.
#[derive(Debug)]
pub(crate) struct TenantRows<'p> {
    transaction: Transaction<'p, Postgres>,
    tenant: Uuid,
}

impl TenantRows<'_> {
    pub(crate) async fn begin(pool: &PgPool, tenant: Uuid) -> Result<Self, sqlx::Error> {
        let mut transaction = pool.begin().await?;
        let set = format!("SET LOCAL app.tenant_id = '{tenant}'");
        sqlx::query(AssertSqlSafe(set)).execute(&mut *transaction).await?;
        Ok(TenantRows { transaction, tenant })
    }

    pub(crate) async fn commit(self) -> Result<(), sqlx::Error> {
        self.transaction.commit().await
    }

    fn rows(&mut self) -> &mut PgConnection {
        &mut self.transaction
    }

    pub(crate) async fn notes(&mut self, after: Uuid) -> Result<Vec<Note>, sqlx::Error> {
        let sql = "SELECT id, slug, title FROM notes WHERE tenant_id = $1 AND id > $2 ORDER BY id LIMIT $3";
        let query = sqlx::query_as(sql).bind(self.tenant).bind(after).bind(PAGE);
        query.fetch_all(self.rows()).await
    }

    pub(crate) async fn note(&mut self, id: Uuid) -> Result<Option<Note>, sqlx::Error> {
        let sql = "SELECT id, slug, title FROM notes WHERE tenant_id = $1 AND id = $2";
        sqlx::query_as(sql).bind(self.tenant).bind(id).fetch_optional(self.rows()).await
    }

    pub(crate) async fn add_note(&mut self, note: &Note) -> Result<(), sqlx::Error> {
        let sql = "INSERT INTO notes (tenant_id, id, slug, title) VALUES ($1, $2, $3, $4)";
        let query = sqlx::query(sql).bind(self.tenant).bind(note.id).bind(&note.slug).bind(&note.title);
        query.execute(self.rows()).await.map(drop)
    }

    pub(crate) async fn rename(&mut self, id: Uuid, title: &str) -> Result<bool, sqlx::Error> {
        let sql = "UPDATE notes SET title = $3 WHERE tenant_id = $1 AND id = $2";
        let query = sqlx::query(sql).bind(self.tenant).bind(id).bind(title);
        Ok(query.execute(self.rows()).await?.rows_affected() == 1)
    }

    pub(crate) async fn remove(&mut self, id: Uuid) -> Result<bool, sqlx::Error> {
        let sql = "DELETE FROM notes WHERE tenant_id = $1 AND id = $2";
        let query = sqlx::query(sql).bind(self.tenant).bind(id);
        Ok(query.execute(self.rows()).await?.rows_affected() == 1)
    }

    pub(crate) async fn comments(&mut self, note: Uuid) -> Result<Vec<Comment>, sqlx::Error> {
        let sql = "SELECT id, note_id, text FROM comments WHERE tenant_id = $1 AND note_id = $2 ORDER BY id";
        sqlx::query_as(sql).bind(self.tenant).bind(note).fetch_all(self.rows()).await
    }

    /// One comment. [`Leak::MissingFilter`] looks for it by id alone, in a table that no policy protects.
    pub(crate) async fn comment(
        &mut self,
        id: Uuid,
        planted: &Planted,
    ) -> Result<Option<Comment>, sqlx::Error> {
        if planted.has(Leak::MissingFilter) {
            let sql = "SELECT id, note_id, text FROM comments WHERE id = $1";
            return sqlx::query_as(sql).bind(id).fetch_optional(self.rows()).await;
        }
        let sql = "SELECT id, note_id, text FROM comments WHERE tenant_id = $1 AND id = $2";
        sqlx::query_as(sql).bind(self.tenant).bind(id).fetch_optional(self.rows()).await
    }

    pub(crate) async fn add_comment(&mut self, comment: &Comment) -> Result<(), sqlx::Error> {
        let sql = "INSERT INTO comments (tenant_id, id, note_id, text) VALUES ($1, $2, $3, $4)";
        let query = sqlx::query(sql).bind(self.tenant).bind(comment.id);
        query.bind(comment.note_id).bind(&comment.text).execute(self.rows()).await.map(drop)
    }

    /// The view, which trusts the policies of the table beneath it.
    pub(crate) async fn overview(&mut self) -> Result<Vec<Line>, sqlx::Error> {
        sqlx::query_as("SELECT id, title, letters FROM overview ORDER BY id").fetch_all(self.rows()).await
    }

    pub(crate) async fn titles(&mut self) -> Result<Vec<String>, sqlx::Error> {
        let sql = "SELECT title FROM notes WHERE tenant_id = $1 ORDER BY id";
        sqlx::query_scalar(sql).bind(self.tenant).fetch_all(self.rows()).await
    }
}
