//! The boot audit against a real server: a clean schema has no finding, each rule is broken in turn and named, and
//! the statement that a finding gives mends it.

#![cfg(feature = "postgres")]

#[cfg(test)]
mod breaks;
#[cfg(test)]
mod page;
#[cfg(test)]
mod reports;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod superuser;
