//! The marketplace's contract over HTTP, line by line, against the built program.

#[cfg(test)]
#[path = "../support/mod.rs"]
pub(crate) mod support;

#[cfg(test)]
mod admin;
#[cfg(test)]
mod auth;
#[cfg(test)]
mod bodies;
#[cfg(test)]
mod investors;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod listings;
#[cfg(test)]
mod orders;
#[cfg(test)]
mod payments;
#[cfg(test)]
mod quota;
#[cfg(test)]
mod rates;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod running;
#[cfg(test)]
mod staff;
#[cfg(test)]
mod suspension;
#[cfg(test)]
mod timers;

#[cfg(test)]
pub(crate) mod shared {
    use std::sync::LazyLock;

    use crate::support::{Member, Options, Server};

    static SERVER: LazyLock<Server> = LazyLock::new(|| Server::start(Options::new()));
    static ADMIN: LazyLock<Member> = LazyLock::new(|| SERVER.admin());

    /// A server with the default settings and without the demo, for every test that doesn't mind the others' tenants.
    pub(crate) fn server() -> &'static Server {
        &SERVER
    }

    /// Its admin.
    pub(crate) fn admin() -> &'static Member {
        &ADMIN
    }
}
