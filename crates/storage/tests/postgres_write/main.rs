//! The write path of the PostgreSQL store, against a real server: how often it asks, and what it does when somebody is
//! faster or the connection breaks.

#[cfg(test)]
mod faults;
#[cfg(test)]
mod locks;
#[cfg(test)]
mod market;
#[cfg(test)]
mod trips;
#[cfg(test)]
mod wire;
