use tenantry_core::{CommitError, Unavailable};

/// The name space of the library's own tables.
pub(crate) const LIBRARY: &str = "tenantry";

/// One step in the history of an application's tables. What was applied once is never changed: to change a
/// table, add the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migration {
    /// Its number: above that of the step before.
    pub version: u32,
    /// The statements, separated by semicolons.
    pub sql: &'static str,
}

/// The steps that a database hasn't seen, of those that the program knows.
pub(crate) fn pending<'m>(
    namespace: &'static str,
    known: &'m [Migration],
    seen: &[i64],
) -> Result<&'m [Migration], MigrateError> {
    let ascends = known.iter().zip(known.iter().skip(1)).all(|(a, b)| a.version < b.version);
    if !ascends || known.first().is_some_and(|first| first.version == 0) {
        return Err(MigrateError::Order { namespace });
    }
    let last = known.last().map_or(0, |last| last.version);
    if let Some(found) = seen.last().copied().filter(|found| *found > i64::from(last)) {
        return Err(MigrateError::Newer { namespace, found, known: last });
    }
    for (step, seen) in known.iter().zip(seen) {
        if i64::from(step.version) != *seen {
            return Err(MigrateError::Diverged { namespace, version: step.version });
        }
    }
    Ok(known.get(seen.len()..).unwrap_or_default())
}

/// That a database has seen every step that the program knows, and no other.
pub(crate) fn expect(namespace: &'static str, known: &[Migration], seen: &[i64]) -> Result<(), MigrateError> {
    match pending(namespace, known, seen)?.last() {
        None => Ok(()),
        Some(last) => {
            let found = seen.last().copied().unwrap_or(0);
            Err(MigrateError::Behind { namespace, found, wanted: last.version })
        }
    }
}

/// Why tables can't be brought up to date, or aren't. Nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum MigrateError {
    /// A newer version of the program has changed the tables.
    #[error(
        "the tables of {namespace} are at version {found} and this program knows them up to {known}: start the newer \
         program"
    )]
    Newer {
        /// Whose tables.
        namespace: &'static str,
        /// The version that the database is at.
        found: i64,
        /// The last version that the program knows.
        known: u32,
    },
    /// The tables haven't been brought up to date, and whoever asked doesn't do so.
    #[error(
        "the tables of {namespace} are at version {found} and this program needs version {wanted}: migrate them with \
         the owner's login, then start it again"
    )]
    Behind {
        /// Whose tables.
        namespace: &'static str,
        /// The version that the database is at; 0 where it has none of them.
        found: i64,
        /// The last version that the program knows.
        wanted: u32,
    },
    /// The database has seen other steps than the program's.
    #[error(
        "the tables of {namespace} have another history: step {version} was added before one that was applied"
    )]
    Diverged {
        /// Whose tables.
        namespace: &'static str,
        /// The first step that differs.
        version: u32,
    },
    /// The steps aren't in the order of their numbers.
    #[error("the migrations of {namespace} must be numbered from 1 up, each above the one before")]
    Order {
        /// Whose tables.
        namespace: &'static str,
    },
    /// `tenantry` is the name space of the store's own tables.
    #[error("the name space tenantry is the library's own: choose another")]
    Reserved,
    /// A statement failed.
    #[error("migration {version} of {namespace} failed")]
    Failed {
        /// Whose tables.
        namespace: &'static str,
        /// Which step.
        version: u32,
        /// What the database says.
        source: sqlx::Error,
    },
    /// The store can't be written now.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<Unavailable> for MigrateError {
    fn from(unavailable: Unavailable) -> Self {
        Self::Commit(unavailable.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(version: u32) -> Migration {
        Migration { version, sql: "" }
    }

    #[test]
    fn only_the_very_same_steps_are_served_on() {
        let known = [step(1), step(2), step(5)];
        assert!(expect("shop", &known, &[1, 2, 5]).is_ok());
        assert!(expect("shop", &[], &[]).is_ok());
        for (seen, at) in [(&[][..], 0), (&[1], 1), (&[1, 2], 2)] {
            let behind = expect("shop", &known, seen);
            let Err(MigrateError::Behind { found, wanted: 5, .. }) = behind else { panic!("{behind:?}") };
            assert_eq!(found, at);
        }
        assert!(matches!(expect("shop", &known, &[1, 2, 6]), Err(MigrateError::Newer { .. })));
        assert!(matches!(expect("shop", &known, &[1, 3]), Err(MigrateError::Diverged { version: 2, .. })));
        assert!(matches!(expect("shop", &[step(2), step(1)], &[]), Err(MigrateError::Order { .. })));
    }
}
