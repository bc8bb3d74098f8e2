//! The write path: batches that wait are grouped, found and locked in one statement, judged in this process, and
//! written in one statement. A transaction is four round trips, whatever it holds.
//!
//! A batch is judged on rows that are locked; what isn't there can't be locked, and is written so that it shows
//! when somebody else was faster: then the transaction is undone, and each of its batches looks again by itself.

mod apply;
mod fault;
mod find;
mod footprint;
mod judge;
mod lanes;
mod queue;
#[cfg(test)]
mod sample;
mod transaction;
mod vector;

pub(super) use lanes::Lanes;
