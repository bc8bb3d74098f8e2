use sqlx::{PgConnection, SqliteConnection};
use tenantry::{
    BypassTx, CommitError, Failure, Operation, PgTenantRead, PgTenantTx, TenantId, TenantRead, TenantTx,
    Unsent,
};

/// A connection to one of the two databases.
pub(crate) enum Connection<'c> {
    Sqlite(&'c mut SqliteConnection),
    Postgres(&'c mut PgConnection),
}

/// Runs a statement on whichever database a [`Connection`] leads to: its text and its values are written once, and
/// sqlx finds the types of each.
///
/// ```text
/// either!(on, connection => sqlx::query("DELETE FROM listings WHERE id = $1").bind(id).execute(connection).await)
/// ```
macro_rules! either {
    ($on:expr, $connection:ident => $run:expr) => {
        match $on {
            $crate::database::Connection::Sqlite($connection) => $run,
            $crate::database::Connection::Postgres($connection) => $run,
        }
    };
}
pub(crate) use either;

impl Connection<'_> {
    /// What makes a `SELECT` keep the rows that it finds from being changed until the transaction ends. In SQLite
    /// nobody else writes while a transaction does.
    pub(crate) fn for_update(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "",
            Self::Postgres(_) => " FOR UPDATE",
        }
    }
}

/// A transaction of one tenant's.
#[must_use = "a transaction that is dropped leaves nothing"]
pub(crate) enum Tx {
    Sqlite(TenantTx),
    Postgres(Box<PgTenantTx>),
}

impl Tx {
    pub(crate) fn tenant(&self) -> TenantId {
        match self {
            Self::Sqlite(tx) => tx.tenant(),
            Self::Postgres(tx) => tx.tenant(),
        }
    }

    pub(crate) fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::Sqlite(tx) => Connection::Sqlite(tx.connection()),
            Self::Postgres(tx) => Connection::Postgres(tx.connection()),
        }
    }

    pub(crate) async fn commit_in<O: Operation>(
        &mut self,
        unsent: Unsent<O>,
    ) -> Result<O::Outcome, Failure<O::Refusal>> {
        match self {
            Self::Sqlite(tx) => tx.commit_in(unsent).await,
            Self::Postgres(tx) => tx.commit_in(unsent).await,
        }
    }

    pub(crate) async fn commit(self) -> Result<(), CommitError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
    }
}

/// What one tenant may read.
pub(crate) enum ReadTx {
    Sqlite(TenantRead),
    Postgres(Box<PgTenantRead>),
}

impl ReadTx {
    pub(crate) fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::Sqlite(tx) => Connection::Sqlite(tx.connection()),
            Self::Postgres(tx) => Connection::Postgres(tx.connection()),
        }
    }
}

/// A transaction that isn't held to one tenant's rows.
#[must_use = "a transaction that is dropped leaves nothing"]
pub(crate) enum AcrossTx {
    Sqlite(TenantTx),
    Postgres(Box<BypassTx>),
}

impl AcrossTx {
    pub(crate) fn connection(&mut self) -> Connection<'_> {
        match self {
            Self::Sqlite(tx) => Connection::Sqlite(tx.connection()),
            Self::Postgres(tx) => Connection::Postgres(tx.connection()),
        }
    }

    pub(crate) async fn commit(self) -> Result<(), CommitError> {
        match self {
            Self::Sqlite(tx) => tx.commit().await,
            Self::Postgres(tx) => tx.commit().await,
        }
    }
}
