use async_trait::async_trait;

use super::{ReadScope, Slug, Tenant};
use crate::{Page, PageRequest, TenantId, Unavailable};

/// What must be answered before a tenant is known. Read by key, never listed.
#[async_trait]
pub trait Directory: Send + Sync {
    /// The tenant with this slug, whatever its status.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    async fn tenant_by_slug(&self, slug: &Slug) -> Result<Option<Tenant>, Unavailable>;

    /// The tenant with this id, whatever its status.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    async fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, Unavailable>;
}

/// What a tenant may read of the tenants below it.
#[async_trait]
pub trait TenancyReader: Send + Sync {
    /// The tenants whose parent is the scope's, by slug.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    async fn children(&self, scope: ReadScope, page: &PageRequest) -> Result<Page<Tenant>, Unavailable>;
}
