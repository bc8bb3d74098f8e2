use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tenantry_core::{TenantId, Timestamp};

use super::connect::Pool;
use super::{ConnectError, Logins, PostgresOptions, SealingKey};

/// Where a tenant's rows lie, and what a transaction on them begins with. Everything that reaches a tenant's rows asks
/// here: whoever gives tenants databases of their own changes this one file.
pub(super) struct Place {
    /// Single reads of the library's own.
    pub(super) reads: Pool,
    /// The application's transactions.
    pub(super) lent: Pool,
    pub(super) key: Option<SealingKey>,
    /// How many bytes of a command the server shows to other sessions of the same login.
    pub(super) shown: Arc<AtomicUsize>,
}

/// What a transaction may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    ReadOnly,
    ReadWrite,
}

impl Place {
    pub(super) fn new(logins: &Logins, options: &PostgresOptions) -> Result<Self, ConnectError> {
        let (is_sealed, shown) = (logins.key.is_some(), Arc::default());
        let tell = is_sealed.then_some(&shown);
        let reads =
            Pool::new("app", &logins.app, options.reads, options, is_sealed && options.is_pooled, tell)?;
        let lent = Pool::new("app", &logins.app, options.connections, options, is_sealed, tell)?;
        Ok(Self { reads, lent, key: logins.key.clone(), shown })
    }

    /// The commands that begin a transaction in which the database knows the tenant: one string, one round trip. The
    /// id is a typed one, so that nothing else gets into the text.
    ///
    /// In sealed mode SQL may have been injected, and a login may change its own defaults: whatever they could be is
    /// said anew. The server shows the beginning of each session's command in `pg_stat_activity`, to whoever has the same login:
    /// the seal stands behind it, where nobody can take it from.
    pub(super) fn begin(&self, tenant: TenantId, mode: Mode, now: Timestamp) -> String {
        match &self.key {
            None => {
                let begin = match mode {
                    Mode::ReadOnly => "BEGIN READ ONLY",
                    Mode::ReadWrite => "BEGIN",
                };
                format!("{begin};SET LOCAL app.tenant_id='{tenant}'")
            }
            Some(key) => {
                let access = match mode {
                    Mode::ReadOnly => "READ ONLY",
                    Mode::ReadWrite => "READ WRITE",
                };
                let seal = key.seal(tenant, now);
                let hidden = " ".repeat(self.shown.load(Ordering::Relaxed));
                format!(
                    "BEGIN ISOLATION LEVEL READ COMMITTED {access} NOT DEFERRABLE;\
                     SET LOCAL row_security=on;SET LOCAL app.tenant_id='{tenant}';\
                     SET LOCAL search_path=tenantry,tenantry_directory,public,pg_temp;\
                     {hidden}SET LOCAL app.tenant_seal='{seal}'"
                )
            }
        }
    }
}
