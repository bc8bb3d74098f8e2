//! The facts about people: realms, users and memberships. Their proofs (passwords, tokens) live in an adapter.

mod email;
mod reader;
mod user;

pub use email::{Email, InvalidEmail};
pub use reader::{IdentityReader, Member};
pub use user::{InvalidUser, Membership, Realm, StoredSecret, User};
