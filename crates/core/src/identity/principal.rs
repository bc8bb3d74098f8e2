use crate::{
    Epoch, Holding, PrincipalId, RealmId, Scope, Target, TeamId, Tenant, TenantId, TenantStatus, Timestamp,
};

/// What a store knows of a principal in a tenant, as of one instant: how it belongs there, and what it holds there
/// and from the tenants above.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PrincipalFacts {
    /// Who it is.
    pub id: PrincipalId,
    /// The tenant, whatever its status.
    pub tenant: Tenant,
    /// The tenants above it, the nearest first.
    pub above: Vec<Ancestor>,
    /// How it belongs to the tenant itself; `None` for somebody of a tenant above.
    pub enrolment: Option<Enrolment>,
    /// The teams of the tenant that it is in, by id, those above them not counted.
    pub teams: Vec<TeamId>,
    /// What is assigned to it and to its teams: in the tenant, and in the tenants above what descends.
    pub holdings: Vec<Holding>,
}

/// A tenant above another, and how a principal belongs there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ancestor {
    /// The tenant.
    pub id: TenantId,
    /// Its status.
    pub status: TenantStatus,
    /// Its epoch.
    pub epoch: Epoch,
    /// How the principal belongs there, if anything of it descends to the principal.
    pub enrolment: Option<Enrolment>,
}

/// How a principal belongs to a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Enrolment {
    /// As a member.
    Member {
        /// The realm that its user is of.
        realm: RealmId,
        /// Since when.
        joined_at: Timestamp,
    },
    /// As a program of the tenant's.
    ServiceAccount,
    /// As a key of the tenant's.
    ApiKey {
        /// What the key carries.
        scopes: Vec<Scope>,
        /// From when on it is nobody.
        expires_at: Timestamp,
    },
}

impl PrincipalFacts {
    /// What counts of what a store found: nothing where the principal isn't enrolled, and of the tenants above only
    /// what descends from those that are active, and from the whole of them: a resource is its own tenant's. `None` when nothing is left by which it could act in the tenant.
    #[must_use]
    pub fn of_found(mut found: Self) -> Option<Self> {
        let own = found.tenant.id;
        let is_enrolled = found.enrolment.is_some();
        let counts = |above: &&Ancestor| above.status == TenantStatus::Active && above.enrolment.is_some();
        let sources: Vec<TenantId> = found.above.iter().filter(counts).map(|above| above.id).collect();
        found.holdings.retain(|holding| {
            if holding.tenant == own {
                is_enrolled
            } else {
                holding.descends && holding.on == Target::Tenant && sources.contains(&holding.tenant)
            }
        });
        for above in &mut found.above {
            if !found.holdings.iter().any(|holding| holding.tenant == above.id) {
                above.enrolment = None;
            }
        }
        if is_enrolled || !found.holdings.is_empty() { Some(found) } else { None }
    }

    /// How it belongs to the tenant, and to those above from which it holds something.
    pub fn enrolments(&self) -> impl Iterator<Item = &Enrolment> {
        self.enrolment.iter().chain(self.sources().filter_map(|above| above.enrolment.as_ref()))
    }

    /// The tenants above from which it holds something.
    pub fn sources(&self) -> impl Iterator<Item = &Ancestor> {
        self.above.iter().filter(|above| self.holdings.iter().any(|holding| holding.tenant == above.id))
    }
}
