//! Who has which role, on what.

use serde::{Deserialize, Serialize};

use super::holding::{Assignee, Target};
use super::role::RoleKey;
use crate::id::{TenantId, UserId};

/// That somebody has a role: the row that a tenant keeps.
///
/// ```
/// use tenantry_core::{Assignee, Assignment, ResourceRef, Target, TeamId, TenantId};
///
/// let platform = Assignee::Team(TeamId::generate());
/// let repository: ResourceRef = "repository/42".parse()?;
/// let assignment = Assignment {
///     tenant: TenantId::generate(),
///     assignee: platform,
///     role: "maintainer".parse()?,
///     on: Target::Resource(repository),
///     descends: false,
/// };
/// assert_eq!(assignment.to_string(), format!("maintainer to {platform} on repository/42"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Assignment {
    /// Where.
    pub tenant: TenantId,
    /// To whom.
    pub assignee: Assignee,
    /// Which role of that tenant.
    pub role: RoleKey,
    /// On what.
    pub on: Target,
    /// Whether it reaches what lies below: on the whole tenant the tenants under it, on a container what that holds.
    pub descends: bool,
}

impl Assignment {
    /// The most assignments of one assignee in one tenant: what one batch can end.
    pub const MAX_PER_ASSIGNEE: usize = 400;

    /// A role that a member has on the whole tenant, and not below.
    #[must_use]
    pub fn of_member(tenant: TenantId, user: UserId, role: RoleKey) -> Self {
        Self { tenant, assignee: Assignee::User(user), role, on: Target::Tenant, descends: false }
    }
}

impl std::fmt::Display for Assignment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} to {} on {}", self.role, self.assignee, self.on)?;
        if self.descends { f.write_str(" and below") } else { Ok(()) }
    }
}
