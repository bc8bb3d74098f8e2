use sqlx::error::DatabaseError;
use tenantry_core::{CommitError, Unavailable};

use super::transaction::Answers;
use crate::sql::SqlError;

/// Why a transaction came to nothing. What can be mended is tried again.
#[derive(Debug)]
pub(super) enum Fault {
    /// A lock was held for too long, or by somebody who waited for one of ours.
    Locked,
    /// Somebody else wrote, between the look and the write, a row that wasn't there when it was looked for.
    Overtaken(Overtaken),
    /// The connection broke before the commit was sent: nothing was written.
    Lost(sqlx::Error),
    /// The connection broke while it was committed: nobody can say. What each batch was to be answered.
    Unsure(sqlx::Error, Answers),
    /// Anything else.
    Failed(Unavailable),
}

/// What showed that somebody was faster.
#[derive(Debug)]
pub(super) enum Overtaken {
    /// A statement wrote fewer rows than it was asked to.
    Rows,
    /// A row in the audit trail has the id of ours: the batch was applied before.
    Audited,
    /// Another row has the key of ours.
    Key(sqlx::Error),
}

/// The table whose unique ids tell that a batch was applied before.
const AUDIT: &str = "tenantry_audit";

impl Fault {
    pub(super) fn broken(why: &'static str) -> Self {
        Self::Failed(Unavailable::new(DOING, why))
    }

    /// What the caller is told when it can't be mended.
    pub(super) fn answer(self) -> CommitError {
        let why: Box<dyn std::error::Error + Send + Sync> = match self {
            Self::Locked => return CommitError::Busy,
            Self::Failed(unavailable) => return unavailable.into(),
            Self::Overtaken(Overtaken::Rows) => "a row that was to be written isn't as it was found".into(),
            Self::Overtaken(Overtaken::Audited) => "its audit entries are there already".into(),
            Self::Overtaken(Overtaken::Key(error)) | Self::Lost(error) | Self::Unsure(error, _) => {
                error.into()
            }
        };
        Unavailable::new(DOING, why).into()
    }
}

const DOING: &str = "apply a batch";

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        let database = error.as_database_error();
        let code = database.and_then(DatabaseError::code);
        match code.as_deref() {
            Some("55P03" | "40P01" | "40001") => Self::Locked,
            Some("23505") if database.and_then(DatabaseError::table) == Some(AUDIT) => {
                Self::Overtaken(Overtaken::Audited)
            }
            Some("23505") => Self::Overtaken(Overtaken::Key(error)),
            Some(code) if code.starts_with("57P") || code.starts_with("08") => Self::Lost(error),
            Some(_) => Self::Failed(Unavailable::new(DOING, error)),
            None if matches!(error, sqlx::Error::Io(_) | sqlx::Error::Protocol(_)) => Self::Lost(error),
            None => Self::Failed(Unavailable::new(DOING, error)),
        }
    }
}

impl From<SqlError> for Fault {
    fn from(error: SqlError) -> Self {
        Self::Failed(error.unavailable(DOING))
    }
}
