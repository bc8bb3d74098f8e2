//! The facts about people and programs: realms, users, memberships, teams, service accounts, keys. Their proofs
//! (passwords, tokens) live in an adapter.

mod email;
mod principal;
mod program;
mod reader;
mod roster;
mod team;
mod user;

pub use email::{Email, InvalidEmail};
pub use principal::{Ancestor, Enrolment, PrincipalFacts};
pub use program::{ApiKey, InvalidApiKey, ServiceAccount};
pub use reader::IdentityReader;
pub use roster::AccessReader;
pub use team::{Team, TeamMember};
pub use user::{InvalidUser, Membership, Realm, StoredSecret, User};
