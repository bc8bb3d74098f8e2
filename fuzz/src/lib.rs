//! What must be true of whatever text a scope, a condition or an import is read from.
//!
//! Each function here is a fuzz target: it panics where the library breaks a promise. `cargo xtask fuzz` feeds them what
//! libFuzzer makes up; the tests feed them what stands in `seeds/`.
#![forbid(unsafe_code)]

mod condition;
mod import;
mod scope;

pub use condition::condition;
pub use import::import;
pub use scope::scope;
