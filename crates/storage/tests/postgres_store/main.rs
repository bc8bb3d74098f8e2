//! What the PostgreSQL store promises beyond the suite that every store passes, against a real server.

#[cfg(test)]
mod bypass;
#[cfg(test)]
mod cancellation;
#[cfg(test)]
#[path = "../conformance/mod.rs"]
#[expect(dead_code, reason = "some cases of the suite, not all, are run behind a pooler")]
mod conformance;
#[cfg(test)]
mod killed;
#[cfg(test)]
mod orders;
#[cfg(test)]
mod pitfalls;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod poolers;
#[cfg(test)]
mod sealed;
#[cfg(test)]
mod servers;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod set_up;
#[cfg(test)]
mod shop;
#[cfg(test)]
mod time;
#[cfg(test)]
mod transactions;
#[cfg(test)]
mod upgrade;
#[cfg(test)]
mod wire;
#[cfg(test)]
mod workers;
