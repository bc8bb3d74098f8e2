//! What a decision costs: tenantry's evaluator, casbin, Cedar, gatehouse and a `HashSet` by hand, asked the same
//! questions about the same tenants.
//!
//! `cargo xtask bench access` measures; `cargo test` here asks all of them some ten thousand random questions and
//! compares what they answer.

mod cells;
mod findings;
mod measure;
mod memory;
mod model;
mod ours;
pub mod peers;
mod plot;
mod report;
mod targeted;
mod vocabulary;
mod way;
mod world;

pub use cells::run;
pub use memory::{Holder, Memory, hold, tenants};
pub use model::{Document, Line, Membership, Model, Question, Role, When};
pub use ours::{Ours, rights};
pub use vocabulary::{ACTIONS, AREAS, PERMISSIONS, catalog, key};
pub use way::{Asker, InTurn, Way};
pub use world::{Lines, Shape, World};

/// Whatever keeps a run from going on.
pub type Fault = Box<dyn std::error::Error + Send + Sync>;
