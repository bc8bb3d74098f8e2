//! The marketplace's crash test: the server is killed again and again during purchases, and its books must
//! balance each time it is back.

use crate::{cargo::Cargo, error::Error, step::Verdict};

/// Builds the marketplace and the payment provider that it starts, then runs the test on this terminal.
pub(crate) fn run(kills: Option<u32>) -> Result<Verdict, Error> {
    Cargo::new(["build", "--package", "marketplace", "--package", "marketplace-provider"]).run()?;
    let test = Cargo::new(["test", "--package", "marketplace", "--test", "crash", "--", "--nocapture"]);
    let test = match kills {
        None => test,
        Some(kills) => test.with("CRASH_KILLS", kills.to_string()),
    };
    test.run()?;
    Ok(Verdict::Passed)
}
