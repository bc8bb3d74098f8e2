//! How a process hears of what others changed: a table of changes, polled.

mod feed;
mod follow;
#[cfg(feature = "postgres")]
mod postgres;

pub use feed::{ChangeFeed, Changes, ClockOffset, Moved, MovedTenant, Position};
pub use follow::{LONGEST_PAUSE, follow_changes};
#[cfg(feature = "postgres")]
pub use postgres::postgres_changes;
