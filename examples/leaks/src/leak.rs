use std::fmt;

use clap::ValueEnum;

/// A leak that can be planted, by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Leak {
    /// `comments` was made without row security, and one query forgets its `WHERE tenant_id`.
    MissingFilter,
    /// The view over notes runs with the rights of the admin's login, which sees every tenant.
    DefinerView,
    /// A comment's foreign key names its note by id alone, and so tells whether any tenant has it.
    ForeignKey,
    /// The summary is kept in memory under a key without the tenant.
    CacheKey,
    /// The cursor says which tenant's list it continues, and is believed.
    Cursor,
    /// A refusal names the note by a title remembered from somebody else's request.
    ErrorText,
    /// Slugs are unique over all tenants.
    UniqueKey,
    /// The worker keeps the transaction's tenant of its first job for all that follow.
    Job,
}

impl Leak {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::MissingFilter,
        Self::DefinerView,
        Self::ForeignKey,
        Self::CacheKey,
        Self::Cursor,
        Self::ErrorText,
        Self::UniqueKey,
        Self::Job,
    ];

    /// The name that the command line takes.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MissingFilter => "missing-filter",
            Self::DefinerView => "definer-view",
            Self::ForeignKey => "foreign-key",
            Self::CacheKey => "cache-key",
            Self::Cursor => "cursor",
            Self::ErrorText => "error-text",
            Self::UniqueKey => "unique-key",
            Self::Job => "job",
        }
    }
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which leaks are planted.
#[derive(Debug, Clone, Default)]
pub struct Planted(Vec<Leak>);

impl Planted {
    /// Whether this one is.
    #[must_use]
    pub fn has(&self, leak: Leak) -> bool {
        self.0.contains(&leak)
    }
}

impl FromIterator<Leak> for Planted {
    fn from_iter<I: IntoIterator<Item = Leak>>(leaks: I) -> Self {
        Self(leaks.into_iter().collect())
    }
}
