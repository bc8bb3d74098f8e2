//! What the comparisons of `benches/` measure with: spreads, draws, turns, and the machine that they ran on.
//!
//! A package of its own, since the comparisons are workspaces of their own. How much each of them measures stays with it.

mod draw;
mod machine;
mod spread;
mod turns;

pub use draw::Draw;
pub use machine::Machine;
pub use spread::{Spread, median};
pub use turns::order;
