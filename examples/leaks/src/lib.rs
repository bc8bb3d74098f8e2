//! A service with eight planted leaks, each of which can be switched on by name, over PostgreSQL.
//!
//! Mended, a walk of the test kit over it is clean; with any leak planted, the walk or the boot audit names it. Three
//! of the leaks lie in the database alone (a view, a foreign key, a unique key), where no code review of the service
//! sees them.

mod digest;
mod install;
mod leak;
mod service;
mod store;
mod walk;

pub use digest::Mail;
pub use install::Installation;
pub use leak::{Leak, Planted};
pub use service::{Account, Service};
pub use walk::walk;
