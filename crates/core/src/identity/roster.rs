use async_trait::async_trait;

use super::{ApiKey, Membership, ServiceAccount, Team, TeamMember};
use crate::store::{Page, PageRequest};
use crate::{
    Assignee, Assignment, Holding, PrincipalId, Reach, ReadScope, Role, RoleKey, TeamId, Unavailable,
};

/// Who belongs to a tenant, and what it has defined and assigned.
#[async_trait]
pub trait AccessReader: Send + Sync {
    /// A role of the scope's tenant.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    async fn role(&self, scope: ReadScope, key: &RoleKey) -> Result<Option<Role>, Unavailable>;

    /// The roles of the scope's tenant, by key.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    async fn roles(&self, scope: ReadScope, page: &PageRequest) -> Result<Page<Role>, Unavailable>;

    /// What the scope's tenant has assigned to `assignee` itself, at most [`Assignment::MAX_PER_ASSIGNEE`].
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    async fn assigned(&self, scope: ReadScope, assignee: Assignee) -> Result<Vec<Holding>, Unavailable>;

    /// Up to `limit` assignments of a role of the scope's tenant that reach so far: all of them, or those that descend.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    async fn assignments_of(
        &self,
        scope: ReadScope,
        role: &RoleKey,
        reach: Reach,
        limit: u16,
    ) -> Result<Vec<Assignment>, Unavailable>;

    /// All assignments of the scope's tenant, each assignee's together.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    async fn assignments(
        &self,
        scope: ReadScope,
        page: &PageRequest,
    ) -> Result<Page<Assignment>, Unavailable>;

    /// The members of the scope's tenant, by user.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    async fn members(&self, scope: ReadScope, page: &PageRequest) -> Result<Page<Membership>, Unavailable>;

    /// The teams of the scope's tenant, by id.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    async fn teams(&self, scope: ReadScope, page: &PageRequest) -> Result<Page<Team>, Unavailable>;

    /// Who is in one team of the scope's tenant; not who is in those below it.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    async fn members_of(
        &self,
        scope: ReadScope,
        team: TeamId,
        page: &PageRequest,
    ) -> Result<Page<TeamMember>, Unavailable>;

    /// Who is in the teams of the scope's tenant, by team.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    async fn team_members(
        &self,
        scope: ReadScope,
        page: &PageRequest,
    ) -> Result<Page<TeamMember>, Unavailable>;

    /// The service accounts of the scope's tenant, by id.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    async fn service_accounts(
        &self,
        scope: ReadScope,
        page: &PageRequest,
    ) -> Result<Page<ServiceAccount>, Unavailable>;

    /// The keys of the scope's tenant, by id.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    async fn api_keys(&self, scope: ReadScope, page: &PageRequest) -> Result<Page<ApiKey>, Unavailable>;

    /// To whom the tenants above have assigned something that reaches the scope's tenant, themselves or by way of a
    /// team, by kind and id. Whether it lets them in is for
    /// [`IdentityReader::principal`](super::IdentityReader::principal) to say.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    async fn principals_above(
        &self,
        scope: ReadScope,
        page: &PageRequest,
    ) -> Result<Page<PrincipalId>, Unavailable>;
}
