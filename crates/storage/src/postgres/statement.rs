use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Arguments as _, FromRow, PgConnection, Postgres};

use super::connect::is_busy;
use crate::sql::{Connection, SqlError, Statement, Value};

impl Connection for PgConnection {
    type Db = Postgres;

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
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let arguments = arguments(statement.values)?;
        sqlx::query_as_with(statement.sql, arguments).fetch_optional(self).await.map_err(failed)
    }

    async fn rows<T>(&mut self, statement: Statement) -> Result<Vec<T>, SqlError>
    where
        T: for<'r> FromRow<'r, PgRow> + Send + Unpin,
    {
        let arguments = arguments(statement.values)?;
        sqlx::query_as_with(statement.sql, arguments).fetch_all(self).await.map_err(failed)
    }
}

pub(super) fn failed(error: sqlx::Error) -> SqlError {
    if is_busy(&error) { SqlError::Busy(error) } else { SqlError::Failed(error.into()) }
}

pub(super) fn arguments(values: Vec<Value>) -> Result<PgArguments, SqlError> {
    let mut arguments = PgArguments::default();
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
