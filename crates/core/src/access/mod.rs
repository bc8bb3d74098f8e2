//! Permissions, scopes, roles, and the decisions about authority.
//!
//! An application declares its permissions once, in a [`Catalog`]. Roles and plans are lists of [`Scope`]s,
//! parsed when they are stored; a request never carries a pattern. What a principal may do is computed when
//! its roles are loaded, as an [`Authority`]: a check afterwards is one bit of it, and looks at roles only where it
//! depends on the resource or the request.

mod assignment;
mod authority;
mod authorized;
mod carried;
mod catalog;
mod compiled_role;
mod compiled_roles;
mod condition;
mod document;
mod dry_run;
mod escalation;
mod evaluate;
mod explain;
mod extent;
mod filter;
mod grant;
mod held;
mod holding;
mod interned;
mod matrix;
mod permission;
mod permission_key;
mod permission_set;
mod permissions;
mod resource;
mod review;
mod role;
mod scope;
mod summary;
mod unfit;

pub use assignment::Assignment;
pub use authority::{Authority, Decision};
pub use authorized::{Authorized, Denied, Readable, Unchecked};
pub use catalog::{Catalog, CatalogBuilder, CatalogError, Entry, UnknownScope};
pub use condition::{
    CallerFacts, Comparison, Condition, Declared, Facts, InvalidAttributes, InvalidCondition, Kind, Literal,
    Predicate, RequestFacts, UnfitCondition, Value,
};
pub use document::{AccessDocument, AssignmentEntry, InvalidAccess, RoleEntry, TeamEntry};
pub use dry_run::{Direction, DryRun, Edit, ImportRefusal, PermissionChange, PrincipalChange};
pub use escalation::{Escalation, Reach};
pub use explain::{Explanation, Miss, Path, Reason};
pub use extent::{Extent, Place};
pub use grant::{Effect, Grant, InvalidGrant};
pub use holding::{Assignee, Holding, PrincipalId, Target};
pub use matrix::{Matrix, MatrixCell, MatrixColumn, MatrixHead, MatrixRow};
pub use permission::{Danger, Permission};
pub use permission_key::{InvalidPermissionKey, PermissionKey};
pub use permission_set::{PermissionIndex, PermissionSet};
pub use resource::{InvalidResource, Resource, ResourceId, ResourceRef};
pub use review::{Holder, review, review_tenant};
pub use role::{InvalidRole, Role, RoleKey};
pub use scope::{InvalidScope, Scope};
pub use unfit::UnfitGrant;
