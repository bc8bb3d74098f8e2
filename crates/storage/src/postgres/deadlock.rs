//! Setting a database up while it is served from: whoever of two is told that they wait for each other begins again.

use std::error::Error;

/// How often what sets a database up is tried. A deadlock is told after a second (`deadlock_timeout`), so that this is
/// over in seconds.
pub(super) const ATTEMPTS: u32 = 8;

/// Whether the database ended a transaction because it and another one waited for each other's locks. Nothing of it was
/// applied.
pub(super) fn is_deadlock(error: &(dyn Error + 'static)) -> bool {
    let mut causes = std::iter::successors(Some(error), |&error| error.source());
    causes.any(|cause| {
        let told = cause.downcast_ref::<sqlx::Error>().and_then(sqlx::Error::as_database_error);
        told.is_some_and(|told| told.code().as_deref() == Some("40P01"))
    })
}
