//! The payment provider, seen from the marketplace: what it is asked, what it reports, and the process that the
//! marketplace starts when there is no other.

mod child;
mod client;
mod reports;
mod signature;
mod work;

pub(crate) use child::{ChildError, ProviderChild, reachable};
pub(crate) use client::{Provider, ProviderError};
pub(crate) use reports::*;
pub(crate) use signature::SharedSecret;
pub(crate) use work::PaymentWork;
