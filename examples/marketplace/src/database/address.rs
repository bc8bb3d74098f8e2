use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Where everything is kept.
///
/// ```
/// use marketplace::Database;
///
/// assert!(matches!("sqlite://market.db".parse(), Ok(Database::Sqlite(_))));
/// assert!(matches!("postgres://app:secret@localhost/market".parse(), Ok(Database::Postgres(_))));
/// assert!("mysql://localhost/market".parse::<Database>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// In a SQLite file.
    Sqlite(PathBuf),
    /// On a PostgreSQL server.
    Postgres(ServerAddress),
}

impl Database {
    /// The file for what isn't kept in the database: beside the SQLite file with the same stem and this ending, else
    /// in the current folder as `marketplace` with it.
    #[must_use]
    pub fn beside(&self, ending: &str) -> PathBuf {
        let beside = match self {
            Self::Sqlite(path) => path.as_path(),
            Self::Postgres(_) => Path::new("marketplace"),
        };
        beside.with_extension(ending)
    }
}

impl FromStr for Database {
    type Err = InvalidDatabase;

    fn from_str(text: &str) -> Result<Self, InvalidDatabase> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Postgres(address));
        }
        let path = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:"));
        match path.map(|path| path.split('?').next().unwrap_or_default()) {
            Some("" | ":memory:") | None => Err(InvalidDatabase),
            Some(path) => Ok(Self::Sqlite(PathBuf::from(path))),
        }
    }
}

/// The text names no database that the marketplace knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "give a file, as sqlite://marketplace.db, or a server, as postgres://USER:PASSWORD@HOST:PORT/DATABASE"
)]
pub struct InvalidDatabase;

/// The address of a PostgreSQL database, as `postgres://USER:PASSWORD@HOST:PORT/DATABASE`. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerAddress(String);

impl ServerAddress {
    /// The address, with its password.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for ServerAddress {
    type Err = InvalidDatabase;

    fn from_str(text: &str) -> Result<Self, InvalidDatabase> {
        let is_postgres = text.starts_with("postgres://") || text.starts_with("postgresql://");
        if is_postgres { Ok(Self(text.to_owned())) } else { Err(InvalidDatabase) }
    }
}

impl fmt::Debug for ServerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ServerAddress(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_lie_beside_the_database_or_in_the_current_folder() {
        let file: Database = "sqlite:///var/lib/market.db?mode=rwc".parse().unwrap();
        assert_eq!(file.beside("provider.secret"), Path::new("/var/lib/market.provider.secret"));
        let server: Database = "postgresql://app:secret@localhost/market".parse().unwrap();
        assert_eq!(server.beside("secret"), Path::new("marketplace.secret"));
        assert!(!format!("{server:?}").contains("secret"));
        for wrong in ["", "market.db", "sqlite:", "sqlite://:memory:", "mysql://localhost/market"] {
            assert_eq!(wrong.parse::<Database>(), Err(InvalidDatabase), "{wrong}");
        }
    }
}
