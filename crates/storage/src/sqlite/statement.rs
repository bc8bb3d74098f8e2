use sqlx::sqlite::{SqliteArguments, SqliteRow};
use sqlx::{Arguments as _, FromRow, Sqlite, SqliteConnection, SqlitePool};
use tenantry_core::Unavailable;

use crate::sql::{Connection, SqlError, Statement, Value};

/// SQLite's primary result codes for a lock that somebody else holds.
const BUSY: [i64; 2] = [5, 6];

impl Connection for SqliteConnection {
    type Db = Sqlite;

    async fn run(&mut self, statement: Statement) -> Result<u64, SqlError> {
        let arguments = arguments(statement.values)?;
        let done = sqlx::query_with(statement.sql, arguments).execute(self).await.map_err(failed)?;
        Ok(done.rows_affected())
    }

    async fn number(&mut self, statement: Statement) -> Result<Option<i64>, SqlError> {
        let arguments = arguments(statement.values)?;
        sqlx::query_scalar_with(statement.sql, arguments).fetch_optional(self).await.map_err(failed)
    }

    async fn row<T>(&mut self, statement: Statement) -> Result<Option<T>, SqlError>
    where
        T: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        let arguments = arguments(statement.values)?;
        sqlx::query_as_with(statement.sql, arguments).fetch_optional(self).await.map_err(failed)
    }

    async fn rows<T>(&mut self, statement: Statement) -> Result<Vec<T>, SqlError>
    where
        T: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
    {
        let arguments = arguments(statement.values)?;
        sqlx::query_as_with(statement.sql, arguments).fetch_all(self).await.map_err(failed)
    }
}

/// A number higher than every one that was drawn before, in any transaction.
pub(super) async fn next_fence(connection: &mut SqliteConnection) -> Result<i64, SqlError> {
    let draw = "UPDATE tenantry_counters SET value = value + 1 WHERE name = 'fence' RETURNING value";
    sqlx::query_scalar(draw).fetch_one(connection).await.map_err(failed)
}

/// The rows that a statement answers, read over any connection of a pool.
pub(super) async fn rows<T>(
    pool: &SqlitePool,
    statement: Statement,
    doing: &'static str,
) -> Result<Vec<T>, Unavailable>
where
    T: for<'r> FromRow<'r, SqliteRow> + Send + Unpin,
{
    let arguments = arguments(statement.values).map_err(|error| error.unavailable(doing))?;
    let rows = sqlx::query_as_with(statement.sql, arguments).fetch_all(pool).await;
    rows.map_err(|error| Unavailable::new(doing, error))
}

pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    code.and_then(|code| code.parse::<i64>().ok()).is_some_and(|code| BUSY.contains(&(code & 0xff)))
}

pub(super) fn failed(error: sqlx::Error) -> SqlError {
    if is_busy(&error) { SqlError::Busy(error) } else { SqlError::Failed(error.into()) }
}

fn arguments(values: Vec<Value>) -> Result<SqliteArguments, SqlError> {
    let mut arguments = SqliteArguments::default();
    for value in values {
        match value {
            Value::Id(id) => arguments.add(id),
            Value::MaybeId(id) => arguments.add(id),
            Value::Number(number) => arguments.add(number),
            Value::MaybeNumber(number) => arguments.add(number),
            Value::Text(text) => arguments.add(text),
            Value::MaybeText(text) => arguments.add(text),
            Value::Bytes(bytes) => arguments.add(bytes),
        }
        .map_err(SqlError::Failed)?;
    }
    Ok(arguments)
}
