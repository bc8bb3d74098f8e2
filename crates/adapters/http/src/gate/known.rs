use std::borrow::Cow;

use foldhash::quality::RandomState;
use quick_cache::UnitWeighter;
use quick_cache::sync::{Cache, DefaultLifecycle};
use tenantry_core::{BaseDomain, Caller, TenantCtx, Timestamp};

use super::VerifiedToken;

/// What the gate has seen: active tenants by host, callers by token.
///
/// Only what exists is kept, under the one spelling of its host, so nobody fills it with inventions. Nothing is
/// ever removed by hand: each hit asks whether the fact is still current, and a stale one is read anew and
/// replaced, or falls out in time.
///
/// Keys are hashed with foldhash, since SipHash takes as long for a token of 400 bytes as all the rest of a
/// request's way through the gate. It need not withstand floods of colliding keys: nobody can insert one.
pub(super) struct Known {
    tenants: By<TenantCtx>,
    callers: By<Signed>,
}

/// What is found by a text: a host or a token.
type By<T> = Cache<Box<str>, T, UnitWeighter, RandomState>;

/// A caller, and what else its token says.
#[derive(Clone)]
pub(super) struct Signed {
    pub(super) caller: Caller,
    pub(super) mfa_at: Option<Timestamp>,
    expires_at: Timestamp,
}

impl Signed {
    pub(super) fn of(caller: Caller, token: &VerifiedToken) -> Self {
        let expires_at = caller.expires_at().map_or(token.expires_at, |end| end.min(token.expires_at));
        Self { caller, mfa_at: token.mfa_at, expires_at }
    }
}

impl Known {
    pub(super) fn with_capacity(entries: u64) -> Self {
        Self { tenants: holding(entries), callers: holding(entries) }
    }

    pub(super) fn tenant(&self, host: &str) -> Option<TenantCtx> {
        self.tenants.get(&*name_of(host)?).filter(TenantCtx::is_current)
    }

    pub(super) fn keep_tenant(&self, host: &str, tenant: &TenantCtx) {
        if let Some(name) = name_of(host) {
            self.tenants.insert(name.into(), tenant.clone());
        }
    }

    pub(super) fn caller(&self, token: &str, now: Timestamp) -> Option<Signed> {
        let signed = self.callers.get(token)?;
        (now < signed.expires_at && signed.caller.is_current()).then_some(signed)
    }

    pub(super) fn keep_caller(&self, token: &str, signed: &Signed) {
        self.callers.insert(token.into(), signed.clone());
    }

    pub(super) fn sizes(&self) -> (u64, u64) {
        (count(self.tenants.len()), count(self.callers.len()))
    }
}

/// A cache of at most so many entries.
fn holding<T: Clone>(entries: u64) -> By<T> {
    let estimated = usize::try_from(entries).unwrap_or(usize::MAX);
    Cache::with(estimated, entries, UnitWeighter, RandomState::default(), DefaultLifecycle::default())
}

fn count(entries: usize) -> u64 {
    u64::try_from(entries).unwrap_or(u64::MAX)
}

/// The one spelling of the host that a request names.
fn name_of(host: &str) -> Option<Cow<'_, str>> {
    let name = BaseDomain::name_in(host).ok()?;
    if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Some(Cow::Owned(name.to_ascii_lowercase()))
    } else {
        Some(Cow::Borrowed(name))
    }
}
