//! What a session keeps from one transaction to the next, and how it is taken away before another tenant's begins.
//!
//! In sealed mode SQL may have been injected, and it can end the transaction that it is in: what it sets, locks,
//! listens to or prepares then would meet whoever gets the connection next. So a session is cleaned when it is given
//! back. Behind a pooler in transaction mode the next transaction may be in a session that anybody has left: there it
//! is cleaned in the round trip that begins one.

use std::io;
use std::time::Duration;

use sqlx::{Connection as _, PgConnection, Row as _};

/// What is done about what a session keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Session {
    /// The session is the client's own, and only trusted statements run in it.
    Trusted,
    /// The session is the client's own, and is cleaned when it is given back.
    Cleaned,
    /// Any session of the pooler's, in which only trusted statements run.
    Pooled,
    /// Any session of the pooler's, cleaned before each transaction.
    PooledAndCleaned,
}

/// Prepared statements are named by each client's own count, so that two clients of one session take the same names.
const FORGET_STATEMENTS: &str = "DEALLOCATE ALL;";

/// As nobody's defaults say: a serializable, deferrable one would wait for others.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE NOT DEFERRABLE;";

const CLEAN: &str = "CLOSE ALL;RESET SESSION AUTHORIZATION;RESET ALL;UNLISTEN *;DISCARD SEQUENCES;DISCARD TEMP;\
    SELECT pg_catalog.pg_advisory_unlock_all(),\
    pg_catalog.setseed(pg_catalog.uuid_hash(pg_catalog.gen_random_uuid())/2147483648.0)";

/// What a pooler's session need not have been started with, but the client speaks.
const SPEAK: &str = "SET client_encoding='UTF8';SET DateStyle='ISO, MDY';SET TimeZone='UTC';";

/// And how many statements were prepared by SQL, and how many by the client.
const STATEMENTS: &str = ",pg_catalog.count(*) FILTER (WHERE from_sql),pg_catalog.count(*) FILTER (WHERE NOT from_sql) \
    FROM pg_catalog.pg_prepared_statements";

impl Session {
    pub(super) fn of(is_pooled: bool, is_cleaned: bool) -> Self {
        match (is_pooled, is_cleaned) {
            (false, false) => Self::Trusted,
            (false, true) => Self::Cleaned,
            (true, false) => Self::Pooled,
            (true, true) => Self::PooledAndCleaned,
        }
    }

    /// The commands before the one that begins a transaction. Those that clean are a transaction of their own, since
    /// what one is begun with (read-only or not) is taken over by what follows in it.
    pub(super) fn opening(self) -> String {
        match self {
            Self::Trusted | Self::Cleaned => String::new(),
            Self::Pooled => FORGET_STATEMENTS.to_owned(),
            Self::PooledAndCleaned => [BEGIN, FORGET_STATEMENTS, CLEAN, ";", SPEAK, "COMMIT;"].concat(),
        }
    }
}

/// Cleans a session that is given back. Whether it may be used again: one in which a statement was prepared or
/// forgotten behind the client's back may not, nor one that takes longer than `within` to become idle.
pub(super) async fn clean(connection: &mut PgConnection, within: Duration) -> Result<bool, sqlx::Error> {
    let cleaned = tokio::time::timeout(within, async {
        let clean = sqlx::AssertSqlSafe(["BEGIN;ROLLBACK;", CLEAN, STATEMENTS].concat());
        let rows = sqlx::raw_sql(clean).fetch_all(&mut *connection).await?;
        let statements = rows.last().ok_or(sqlx::Error::RowNotFound)?;
        let (foreign, own): (i64, i64) = (statements.try_get(2)?, statements.try_get(3)?);
        Ok(foreign == 0 && usize::try_from(own) == Ok(connection.cached_statements_size()))
    });
    let silence =
        || sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "a session doesn't become idle"));
    cleaned.await.unwrap_or_else(|_| Err(silence()))
}
