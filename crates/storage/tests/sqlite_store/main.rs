//! What the SQLite store promises beyond the suite of every store: the application's own transactions, its file,
//! several processes on it, and what is left when a statement fails.

#![cfg(feature = "sqlite")]

#[cfg(test)]
mod changes;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod files;
#[cfg(test)]
mod nesting;
#[cfg(test)]
#[cfg(unix)]
mod paused;
#[cfg(test)]
mod processes;
#[cfg(test)]
mod reading;
#[cfg(test)]
mod shop;
#[cfg(test)]
mod transactions;
#[cfg(test)]
mod upgrade;
