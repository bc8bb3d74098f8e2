//! The others, each in the fastest form that its documentation shows, prepared for the same questions.

mod casbin;
mod cedar;
mod gatehouse;
mod hash_set;

pub use self::casbin::{Casbin, Effect};
pub use self::cedar::{Cedar, Told};
pub use self::gatehouse::Gatehouse;
pub use self::hash_set::{HashSets, Loop};
