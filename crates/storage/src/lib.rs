//! The stores of tenantry, its rate counters and the system's clock.
//!
//! | store | what it is for |
//! | --- | --- |
//! | [`MemoryStore`] | tests and examples: everything is gone when the process ends |
//!
//! Every store passes `tenantry_core::conformance`, and so means the same.

mod clock;
mod counters;
mod memory;

pub use clock::SystemClock;
pub use counters::MemoryCounters;
pub use memory::MemoryStore;
