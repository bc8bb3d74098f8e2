//! What the handlers of both servers do: the framework's part of each is in its own file.

use serde::Deserialize;
use tenantry::http::{FieldErrors, IdempotencyKeyHeader, IfMatch, Problem, Validate};
use tenantry::{Caller, QuotaExceeded};

tenantry::permissions! {
    pub(crate) fn declared;

    /// Read listings.
    pub(crate) ListingRead = "listing:read";
    /// Change listings.
    pub(crate) ListingWrite = "listing:write";
}

mod forgotten {
    tenantry::permissions! {
        /// In no catalog.
        pub(crate) Forgotten = "forgotten:one";
    }
}

pub(crate) use forgotten::Forgotten;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewListing {
    name: String,
    price: Price,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Price {
    amount: i64,
}

impl Validate for NewListing {
    fn validate(&self, errors: &mut FieldErrors) {
        errors.check("name", !self.name.is_empty(), "say how it is called");
        errors.check("price.amount", self.price.amount > 0, "above zero");
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct Filter {
    pub(crate) least: Option<u32>,
}

impl Validate for Filter {}

/// What a listing is called decides what becomes of it.
pub(crate) fn create(key: IdempotencyKeyHeader, listing: &NewListing) -> Result<String, Problem> {
    let key = key.key()?;
    match listing.name.as_str() {
        "mismatch" => Err(Problem::idempotency_mismatch()),
        "absent" => Err(Problem::not_found()),
        "taken" => Err(Problem::conflict("the name is taken")),
        "full" => Err(Problem::quota_exceeded(&QuotaExceeded {
            meter: "listings".parse().unwrap(),
            limit: 10,
            used: 10,
            requested: 1,
            resets_at: None,
        })),
        "away" => Err(Problem::unavailable()),
        name => Ok(format!("{name} for {} under {}", listing.price.amount, key.as_str())),
    }
}

pub(crate) fn replace(version: IfMatch, listing: &NewListing) -> Result<String, Problem> {
    Ok(format!("{} in place of {}", listing.name, version.version()?))
}

pub(crate) fn me(caller: &Caller) -> String {
    format!("{} at {}", caller.id(), caller.tenant().tenant().slug)
}
