use std::error::Error;
use std::future::Future;

use sqlx::{Database, FromRow};
use tenantry_core::{CommitError, Unavailable};
use uuid::Uuid;

/// A statement with its values, `$1` first: the same text for every database.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    pub(crate) sql: &'static str,
    pub(crate) values: Vec<Value>,
}

impl Statement {
    /// `sql` has exactly as many parameters as there are values: SQLite would take a missing one for NULL.
    pub(crate) fn new(sql: &'static str, values: impl Into<Vec<Value>>) -> Self {
        let values = values.into();
        debug_assert_eq!(parameters(sql), values.len(), "parameters and values of {sql}");
        Self { sql, values }
    }
}

/// The highest number of a parameter in `sql`.
fn parameters(sql: &str) -> usize {
    sql.split('$')
        .skip(1)
        .filter_map(|rest| {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            rest.get(..digits)?.parse().ok()
        })
        .max()
        .unwrap_or(0)
}

/// A value that a statement binds, in the types that every database stores alike.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    /// An id: `uuid`, or 16 bytes.
    Id(Uuid),
    MaybeId(Option<Uuid>),
    /// A number, or an instant in microseconds.
    Number(i64),
    MaybeNumber(Option<i64>),
    Text(String),
    MaybeText(Option<String>),
    Bytes(Vec<u8>),
}

impl Value {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// A version or a sequence number. Past 63 bits no counter gets.
    pub(crate) fn count(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

macro_rules! value {
    ($($from:ty => $variant:ident($value:ident) $as:expr;)*) => {$(
        impl From<$from> for Value {
            fn from($value: $from) -> Self {
                Self::$variant($as)
            }
        }
    )*};
}

value! {
    Uuid => Id(id) id;
    tenantry_core::TenantId => Id(id) id.as_uuid();
    tenantry_core::UserId => Id(id) id.as_uuid();
    tenantry_core::RealmId => Id(id) id.as_uuid();
    tenantry_core::OrderId => Id(id) id.as_uuid();
    tenantry_core::TransferId => Id(id) id.as_uuid();
    tenantry_core::EventId => Id(id) id.as_uuid();
    tenantry_core::AuditId => Id(id) id.as_uuid();
    i64 => Number(number) number;
    tenantry_core::Timestamp => Number(at) at.as_micros();
    String => Text(text) text;
}

/// Why a statement failed.
#[derive(Debug)]
pub(crate) enum SqlError {
    /// Somebody else holds a lock.
    Busy(sqlx::Error),
    /// Anything else.
    Failed(Box<dyn Error + Send + Sync>),
}

impl SqlError {
    pub(crate) fn while_doing(self, doing: &'static str) -> CommitError {
        match self {
            Self::Busy(_) => CommitError::Busy,
            Self::Failed(error) => CommitError::Unavailable(Unavailable::new(doing, error)),
        }
    }

    pub(crate) fn unavailable(self, doing: &'static str) -> Unavailable {
        match self {
            Self::Busy(error) => Unavailable::new(doing, error),
            Self::Failed(error) => Unavailable::new(doing, error),
        }
    }
}

/// The JSON text of a part of a row.
pub(super) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, SqlError> {
    serde_json::to_string(value).map_err(|error| SqlError::Failed(error.into()))
}

/// A connection inside a transaction.
pub(crate) trait Connection: Send {
    /// The database.
    type Db: Database;

    /// Runs a statement; answers how many rows it wrote.
    fn run(&mut self, statement: Statement) -> impl Future<Output = Result<u64, SqlError>> + Send;

    /// Runs statements, each of which hits one row.
    fn run_all(&mut self, statements: Vec<Statement>) -> impl Future<Output = Result<(), SqlError>> + Send {
        async move {
            for statement in statements {
                if self.run(statement).await? != 1 {
                    return Err(SqlError::Failed("a row that was to be changed isn't there".into()));
                }
            }
            Ok(())
        }
    }

    /// The first column of the first row, as a number.
    fn number(&mut self, statement: Statement) -> impl Future<Output = Result<Option<i64>, SqlError>> + Send;

    /// The first row.
    fn row<T>(&mut self, statement: Statement) -> impl Future<Output = Result<Option<T>, SqlError>> + Send
    where
        T: for<'r> FromRow<'r, <Self::Db as Database>::Row> + Send + Unpin;

    /// Every row.
    fn rows<T>(&mut self, statement: Statement) -> impl Future<Output = Result<Vec<T>, SqlError>> + Send
    where
        T: for<'r> FromRow<'r, <Self::Db as Database>::Row> + Send + Unpin;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_counted_by_their_highest_number() {
        assert_eq!(parameters("SELECT 1"), 0);
        assert_eq!(parameters("SELECT $2, $1, $10 WHERE $2"), 10);
    }

    #[test]
    #[should_panic(expected = "parameters and values")]
    fn a_missing_value_is_found_before_the_database_takes_it_for_null() {
        drop(Statement::new("SELECT $1, $2", [Value::Number(1)]));
    }
}
