//! A store with documents on it.

use std::future::Future;
use std::time::Instant;

use serde::Serialize;
use sqlx::QueryBuilder;
use tenantry::TenantId;
use tenantry_storage::filter::FilterDialect;
use uuid::Uuid;

use super::{Effort, Fault};

/// What a store's lists are asked of. Its tables hold the documents of the tenant, and a tenth as many of another's.
pub(crate) trait Shelf {
    /// What statements are written for.
    type Database: FilterDialect;
    /// The store.
    const STORE: Store;

    /// Whose documents are listed.
    fn tenant(&self) -> TenantId;

    /// Asks each of these again and again, in turn, within one read transaction of the tenant's: nanoseconds of each
    /// answer, the making of its statement included, and the ids of the last.
    fn ask(
        &self,
        ways: &[Make<'_, Self::Database>],
        effort: Effort,
    ) -> impl Future<Output = Result<Vec<Asked>, Fault>>;

    /// How many rows a statement touches that finds a page. `only` is the same statement over [`PAGE`], a table of the rows of
    /// that page and no others, for a store that has no count of rows.
    fn touched(
        &self,
        statement: Make<'_, Self::Database>,
        only: Make<'_, Self::Database>,
        page: &[Uuid],
    ) -> impl Future<Output = Result<i64, Fault>>;
}

/// What the table of the rows of one page is called.
pub(crate) const PAGE: &str = "one_page";

/// Makes a statement.
pub(crate) type Make<'a, DB> = &'a dyn Fn() -> Result<QueryBuilder<DB>, Fault>;

/// Which store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) enum Store {
    #[serde(rename = "sqlite")]
    Sqlite,
    #[serde(rename = "postgres")]
    Postgres,
    #[serde(rename = "memory")]
    Memory,
}

impl Store {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
            Self::Memory => "memory",
        }
    }
}

/// What came of asking in one way.
#[derive(Debug, Default)]
pub(crate) struct Asked {
    pub(crate) took: Vec<f64>,
    pub(crate) ids: Vec<Uuid>,
}

impl Asked {
    /// Notes an answer that was asked for at `began`.
    #[expect(clippy::float_arithmetic, reason = "a measurement, not money")]
    pub(crate) fn note(&mut self, began: Instant, ids: Vec<Uuid>) {
        self.took.push(began.elapsed().as_secs_f64() * 1e9);
        self.ids = ids;
    }
}
