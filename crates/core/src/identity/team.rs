use serde::{Deserialize, Serialize};

use crate::name::{InvalidName, is_readable};
use crate::{AccessDocument, PrincipalId, TeamId, TenantId, Timestamp};

/// A team of a tenant: who is in it holds what is assigned to it and to the teams above it.
///
/// ```
/// use tenantry_core::{Team, TeamId, TenantId, Timestamp};
///
/// let (tenant, company) = (TenantId::generate(), TeamId::generate());
/// let team = Team::new(tenant, TeamId::generate(), "Platform", Some(company), Timestamp::EPOCH)?;
/// assert_eq!(team.parent, Some(company));
/// assert!(Team::new(tenant, company, " ", None, Timestamp::EPOCH).is_err());
/// # Ok::<(), tenantry_core::InvalidName>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// The tenant whose team it is.
    pub tenant: TenantId,
    /// The team's id.
    pub id: TeamId,
    /// The name for people.
    pub name: String,
    /// The team that it is a part of.
    pub parent: Option<TeamId>,
    /// Moves with each write of this row.
    pub version: u64,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Team {
    /// The most teams of a tenant.
    pub const MAX: usize = AccessDocument::MAX_TEAMS;
    /// The most teams from a top one down to the lowest, both counted.
    pub const MAX_DEPTH: usize = AccessDocument::MAX_TEAM_DEPTH;
    /// The most teams that one principal is in, those above them not counted.
    pub const MAX_PER_MEMBER: usize = 64;

    /// A new team.
    ///
    /// # Errors
    /// [`InvalidName`] when nobody could read the name.
    pub fn new(
        tenant: TenantId,
        id: TeamId,
        name: impl Into<String>,
        parent: Option<TeamId>,
        created_at: Timestamp,
    ) -> Result<Self, InvalidName> {
        let name = name.into();
        if is_readable(&name) {
            Ok(Self { tenant, id, name, parent, version: 1, created_at })
        } else {
            Err(InvalidName)
        }
    }
}

/// That somebody is in a team.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TeamMember {
    /// The tenant whose team it is.
    pub tenant: TenantId,
    /// The team.
    pub team: TeamId,
    /// Who is in it.
    pub member: PrincipalId,
}
