//! Tenants, the contexts that prove one, and the epochs that cached facts die with.

mod caller;
mod context;
mod directory;
mod epoch;
mod host;
mod key;
mod slug;
mod tenant;

pub use caller::{Caller, Principal};
pub use context::{Claim, InTenant, Purpose, ReadScope, SystemCtx, TenantCtx, TenantInactive};
pub use directory::{Directory, TenancyReader};
pub use epoch::{Epoch, Epochs, Freshness, Stamp};
pub use host::{BaseDomain, HostRefused, HostTarget, InvalidBaseDomain};
pub use key::TenantKey;
pub use slug::{InvalidSlug, Slug};
pub use tenant::{InvalidTenant, Tenant, TenantKind, TenantStatus};
