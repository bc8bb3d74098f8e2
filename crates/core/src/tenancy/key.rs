use std::fmt;

use super::InTenant;
use crate::TenantId;

/// A key that has the tenant in it: for a cache in memory, a cache server, a lock, a queue. It can't be built without
/// a tenant, so that a cache typed by it can't answer one tenant with what it kept for another.
///
/// As a key of a map it is compared by tenant and key; as text, for a cache server, it is `t:TENANT:KEY`. The tenant
/// has a fixed length, so that no key of one tenant's is a key of another's.
///
/// ```
/// use std::collections::HashMap;
/// use tenantry_core::{InTenant, TenantKey};
///
/// fn remember(cache: &mut HashMap<TenantKey<&'static str>, u32>, who: &impl InTenant) {
///     cache.insert(TenantKey::of(who, "open orders"), 3);
/// }
/// ```
///
/// ```compile_fail
/// use std::collections::HashMap;
/// use tenantry_core::TenantKey;
///
/// fn forgets_the_tenant(cache: &HashMap<TenantKey<&'static str>, u32>) -> Option<&u32> {
///     cache.get("open orders")
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantKey<K> {
    tenant: TenantId,
    key: K,
}

impl<K> TenantKey<K> {
    /// The key, in the tenant of whoever acts.
    #[must_use]
    pub fn of(who: &impl InTenant, key: K) -> Self {
        Self { tenant: who.scope().tenant(), key }
    }

    /// The tenant.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The key within the tenant.
    #[must_use]
    pub fn key(&self) -> &K {
        &self.key
    }
}

impl<K: fmt::Display> fmt::Display for TenantKey<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t:{}:{}", self.tenant, self.key)
    }
}
