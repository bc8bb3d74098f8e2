//! The provider as its callers see it: the built program, spoken to over HTTP.

#[cfg(test)]
mod checkouts;
#[cfg(test)]
mod crashes;
#[cfg(test)]
mod delivery;
#[cfg(test)]
mod inbox;
#[cfg(test)]
mod process;
#[cfg(test)]
mod program;
#[cfg(test)]
mod refunds;
#[cfg(test)]
mod refusals;
