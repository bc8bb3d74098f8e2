use crate::tenant::{Caller, Tenant};

/// One caller at one host.
#[derive(Debug, Clone)]
pub(super) struct Stand {
    /// Its place among the callers.
    pub(super) caller: usize,
    pub(super) tenant: Option<String>,
    pub(super) host: Option<String>,
    /// The tenant whose host it is, where tenants have hosts.
    pub(super) at: Option<String>,
    pub(super) is_home: bool,
}

impl Stand {
    /// Every caller at every host; home first.
    pub(super) fn all(callers: &[Caller], tenants: &[Tenant]) -> Vec<Self> {
        let mut stands = Vec::new();
        for (place, caller) in callers.iter().enumerate() {
            let home = tenants.iter().find(|tenant| Some(&tenant.name) == caller.tenant.as_ref());
            let mut hosts: Vec<Option<&Tenant>> = Vec::new();
            match home {
                Some(home) => hosts.push(Some(home)),
                None if tenants.iter().all(|tenant| tenant.host.is_none()) => hosts.push(None),
                None => {}
            }
            for tenant in tenants {
                let is_new = hosts.iter().flatten().all(|known| known.host != tenant.host);
                if tenant.host.is_some() && is_new {
                    hosts.push(Some(tenant));
                }
            }
            stands.extend(hosts.into_iter().map(|host| Self {
                caller: place,
                tenant: caller.tenant.clone(),
                host: host.and_then(|tenant| tenant.host.clone()),
                at: host.filter(|tenant| tenant.host.is_some()).map(|tenant| tenant.name.clone()),
                is_home: home.is_some_and(|home| host.is_some_and(|host| host.host == home.host)),
            }));
        }
        stands
    }

    /// The tenant whose data may be read here.
    pub(super) fn reader(&self) -> Option<&str> {
        self.tenant.as_deref().filter(|_| self.is_home)
    }
}
