//! Orders: placed by buyers, reviewed by whoever placed them, resolved by the platform.

mod order;
mod requests;
mod steps;
mod view;

pub(crate) use order::PartyOrder;
pub(crate) use requests::*;
pub(crate) use steps::*;
