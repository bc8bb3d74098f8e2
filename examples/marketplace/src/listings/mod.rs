//! Listings: a seller's own, and those that are published.

mod requests;
mod rows;
mod values;

pub(crate) use requests::*;
pub(crate) use rows::{Listing, follow_seller, published};
pub(crate) use values::{BusinessAssets, Cloudflare, ListingDraft, Price};
