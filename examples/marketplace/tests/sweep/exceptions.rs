//! What the marketplace tells although somebody else owns it, and why it does.

use super::routes::{Route, Slot};
use super::world::{BUYERS, INVESTORS, Kind, PLATFORM, Thing};

/// Something that may be told.
#[derive(Debug)]
pub(super) struct Exception {
    pub(super) route: &'static str,
    kind: Kind,
    to: &'static [&'static str],
    pub(super) why: &'static str,
}

/// To whom it doesn't matter.
const ANYBODY: &[&str] = &[];
const NO_SELLERS: &[&str] = &[BUYERS[0], BUYERS[1], INVESTORS[0], INVESTORS[1], PLATFORM];

/// The exceptions. Things that a caller's own tenant has a part in are no exceptions but its own, and the platform
/// has a part in every order and every tenant.
pub(super) const EXCEPTIONS: [Exception; 3] = [
    Exception {
        route: "GET /api/listings/{slug}",
        kind: Kind::Listing,
        to: NO_SELLERS,
        why: "published listings are public; drafts are not",
    },
    Exception {
        route: "POST /api/orders",
        kind: Kind::Listing,
        to: &BUYERS,
        why: "published listings are what buyers buy; drafts are not",
    },
    Exception {
        route: "POST /api/auth/register",
        kind: Kind::Tenant,
        to: ANYBODY,
        why: "at the platform: a tenant's name is its public address, and who wants a taken one has to be told",
    },
];

/// The exception that lets `caller`, at its own host, be told of a thing.
pub(super) fn covering(
    route: &Route,
    slot: Slot,
    thing: &Thing,
    caller_home: Option<&str>,
    host: &str,
) -> Option<usize> {
    EXCEPTIONS.iter().position(|exception| {
        let names_it = exception.route == route.to_string() && slot.kind() == Some(exception.kind);
        let is_public = thing.kind != Kind::Listing || thing.is_published;
        let is_at_the_platform = exception.to.is_empty() && host == PLATFORM;
        let is_told = caller_home.is_some_and(|home| home == host && exception.to.contains(&home));
        names_it && is_public && (is_at_the_platform || is_told)
    })
}
