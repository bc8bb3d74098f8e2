use std::fmt;

use crate::place::Place;

/// What became of one route.
#[derive(Debug, Clone)]
pub struct RouteOutcome {
    pub(crate) route: String,
    pub(crate) requests: usize,
    pub(crate) pairs: usize,
    pub(crate) owner: Option<u16>,
    pub(crate) findings: usize,
    pub(crate) unproved: Vec<Unproved>,
    pub(crate) expected: Option<String>,
}

impl RouteOutcome {
    /// The route, as `GET /orders/{id}`.
    #[must_use]
    pub fn route(&self) -> &str {
        &self.route
    }

    /// How many requests went to it.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.requests
    }

    /// How many of its answers were compared with the answer that they had to equal.
    #[must_use]
    pub fn pairs(&self) -> usize {
        self.pairs
    }

    /// The best status that it answered to somebody who asked for their own; none if nobody could.
    #[must_use]
    pub fn owner(&self) -> Option<u16> {
        self.owner
    }

    /// Why it isn't proved that this route keeps tenants apart; empty if it is, as far as a walk can.
    #[must_use]
    pub fn unproved(&self) -> &[Unproved] {
        &self.unproved
    }
}

impl fmt::Display for RouteOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = f.width().unwrap_or(0);
        let owner = self.owner.map_or("-".to_owned(), |status| status.to_string());
        write!(
            f,
            "{:width$}  {:8}  {:8}  {owner:>5}  {:8}",
            self.route, self.requests, self.pairs, self.findings
        )?;
        for reason in &self.unproved {
            write!(f, "  {reason}")?;
        }
        Ok(())
    }
}

/// Why a walk proves nothing about a route, or about one place of its requests.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unproved {
    /// No tenant has a thing of this kind that another has no part in.
    NoIdentifier {
        /// The kind that is missing.
        kind: String,
    },
    /// It never answered 2xx or 3xx to somebody who asked for their own: what always fails proves nothing.
    OwnerNeverSucceeded {
        /// The best status that it answered.
        status: Option<u16>,
    },
    /// Whoever named another tenant's thing here was refused before it was looked at (400, 401, 403, 405, 415, 422,
    /// 429 or 5xx).
    NobodyGotPast {
        /// Where the thing was named.
        place: Place,
    },
    /// No two answers could be compared.
    NothingCompared,
}

impl fmt::Display for Unproved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoIdentifier { kind } => write!(f, "no tenant has a `{kind}` that another has no part in"),
            Self::OwnerNeverSucceeded { status: Some(status) } => {
                write!(f, "never answered 2xx for its owner, at best {status}")
            }
            Self::OwnerNeverSucceeded { status: None } => f.write_str("nobody asked for their own"),
            Self::NobodyGotPast { place } => {
                write!(f, "nobody who names another's thing in its {place} gets past the checks before")
            }
            Self::NothingCompared => f.write_str("no two answers could be compared"),
        }
    }
}
