//! Rate counters.

mod bucket;
mod memory;
mod table;

pub use memory::MemoryCounters;

#[cfg(test)]
mod tests;
