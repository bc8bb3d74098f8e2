//! Permissions, scopes, roles, and the decisions about authority.
//!
//! An application declares its permissions once, in a [`Catalog`]. Roles and plans are lists of [`Scope`]s,
//! parsed when they are stored; a request never carries a pattern. What a principal may do is computed when
//! its roles are loaded, as an [`Authority`], so that a check afterwards is one bit of a [`PermissionSet`].

mod authority;
mod catalog;
mod escalation;
mod permission_key;
mod permission_set;
mod permissions;
mod role;
mod scope;

pub use authority::{Authority, Standing};
pub use catalog::{Catalog, CatalogBuilder, CatalogError, Permission, UnknownScope};
pub use escalation::Escalation;
pub use permission_key::{InvalidPermissionKey, PermissionKey};
pub use permission_set::{PermissionIndex, PermissionSet};
pub use role::{Assignment, InvalidRole, Role, RoleKey};
pub use scope::{InvalidScope, Scope};
