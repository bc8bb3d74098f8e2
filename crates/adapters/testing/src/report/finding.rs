use std::fmt;

use crate::place::{Form, Place};

/// In what way one tenant learned of another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Leak {
    /// An answer held a text that only another tenant may read.
    Mark,
    /// The answer about another tenant's thing differs from that about a thing that doesn't exist.
    Difference,
    /// A guarded route answered with success at another tenant's host.
    Admitted,
    /// A tenant got the answer that another was given.
    Replayed,
    /// What a tenant is answered depends on who asked before, or at the same time.
    Mixed,
    /// What a tenant sees of its own things changed through requests of others.
    Changed,
    /// The service answered 5xx, or not at all.
    Broken,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Mark => "a mark of another tenant",
            Self::Difference => "told from a thing that doesn't exist",
            Self::Admitted => "success at another tenant's host",
            Self::Replayed => "another tenant's answer",
            Self::Mixed => "depends on who else asks",
            Self::Changed => "changed by others",
            Self::Broken => "broke",
        })
    }
}

/// One way in which the service tells one tenant of another. Findings that differ only in the identifiers used are
/// one, with the number of [`times`](Self::times).
#[derive(Debug, Clone)]
pub struct Finding {
    pub(crate) leak: Leak,
    pub(crate) route: String,
    pub(crate) caller: String,
    pub(crate) at: Option<String>,
    pub(crate) victim: Option<String>,
    pub(crate) place: Place,
    pub(crate) form: Form,
    pub(crate) detail: Vec<String>,
    pub(crate) times: usize,
}

impl Finding {
    /// In what way.
    #[must_use]
    pub fn leak(&self) -> Leak {
        self.leak
    }

    /// The route, as `GET /orders/{id}`; or the name of the probe.
    #[must_use]
    pub fn route(&self) -> &str {
        &self.route
    }

    /// The caller who was told.
    #[must_use]
    pub fn caller(&self) -> &str {
        &self.caller
    }

    /// The tenant of whom was told, where one can be named.
    #[must_use]
    pub fn victim(&self) -> Option<&str> {
        self.victim.as_deref()
    }

    /// Where in the request the other tenant was named.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// How it was written there.
    #[must_use]
    pub fn form(&self) -> Form {
        self.form
    }

    /// What was seen: the differences (`part: told | told of nothing`) or the mark, cut short.
    #[must_use]
    pub fn detail(&self) -> &[String] {
        &self.detail
    }

    /// How often it was seen.
    #[must_use]
    pub fn times(&self) -> usize {
        self.times
    }

    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.leak == other.leak
            && self.route == other.route
            && self.caller == other.caller
            && self.at == other.at
            && self.place == other.place
            && self.form == other.form
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} as {}", self.route, self.caller)?;
        if let Some(host) = &self.at {
            write!(f, " at {host}'s host")?;
        }
        write!(f, ": {}", self.leak)?;
        if let Some(victim) = &self.victim {
            write!(f, ", of {victim}")?;
        }
        write!(f, " [{}", self.place)?;
        if self.form != Form::Plain {
            write!(f, ", {}", self.form)?;
        }
        write!(f, "; {}×]", self.times)?;
        for line in &self.detail {
            write!(f, "\n    {line}")?;
        }
        Ok(())
    }
}
