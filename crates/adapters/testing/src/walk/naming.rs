//! Requests that name another tenant where the route asks for none: in headers, parameters and members that some
//! service somewhere believes.

use serde_json::Value;

use super::stand::Stand;
use super::walker::{About, Asked, Walker};
use crate::client::Body;
use crate::place::{Form, Place};
use crate::tenant::Tenant;

/// Headers that name a tenant.
const TENANT_HEADERS: [&str; 6] =
    ["X-Tenant", "X-Tenant-Id", "X-Tenant-Slug", "X-Org-Id", "X-Organization-Id", "X-Account-Id"];
/// Headers that name a host.
const HOST_HEADERS: [&str; 4] = ["X-Forwarded-Host", "Forwarded", "X-Original-Host", "X-Host"];
/// Parameters of the query that name a tenant.
const TENANT_QUERY: [&str; 3] = ["tenant", "tenant_id", "org_id"];
/// Members of a body that name a tenant.
const TENANT_MEMBERS: [&str; 7] =
    ["tenant_id", "tenantId", "tenant", "owner", "owner_id", "org_id", "account_id"];

impl Walker {
    /// Callers at home name each other's tenants in ways that the routes don't declare; what is told must be what is
    /// told to who names a tenant that doesn't exist. On routes that read, or on those that make something.
    pub(super) async fn name_tenants(&mut self, reading: bool) {
        let chosen = self.routes.iter().enumerate().filter(|(_, route)| {
            route.reads() == reading && (reading || route.named_kinds().is_empty() && !route.is_last)
        });
        let chosen: Vec<usize> = chosen.map(|(place, _)| place).collect();
        for route in chosen {
            for stand in self.homes() {
                for victim in self.others(&stand) {
                    for name in victim.names() {
                        self.name_tenant(route, &stand, &victim, &name).await;
                    }
                }
                if reading {
                    self.send_tags(route, &stand).await;
                }
            }
        }
    }

    /// Two tenants after a stand's own, going round, so that over all callers each is named.
    fn others(&self, stand: &Stand) -> Vec<Tenant> {
        let own = self.tenants.iter().position(|tenant| Some(&tenant.name) == stand.tenant.as_ref());
        let after = own.map_or(0, |own| own.saturating_add(1));
        let round = self.tenants.iter().cycle().skip(after).take(self.tenants.len().saturating_sub(1));
        round.take(2).cloned().collect()
    }

    async fn name_tenant(&mut self, route: usize, stand: &Stand, victim: &Tenant, name: &str) {
        let absent = [self.absent_like(&Value::from(name)), self.absent_like(&Value::from(name))];
        let names = [name.to_owned(), crate::client::text(&absent[0]), crate::client::text(&absent[1])];
        let host = victim.host.as_deref().unwrap_or(name);
        let hosts = names.clone().map(|name| other_host(host, &victim.name, &name));
        let hosts = [host.to_owned(), hosts[1].clone(), hosts[2].clone()];
        let declared = self.declared(route);
        let is_free = |name: &str| !declared.iter().any(|known| known.eq_ignore_ascii_case(name));
        for header in TENANT_HEADERS.into_iter().filter(|name| is_free(name)) {
            let place = Place::TenantHeader(header.to_owned());
            self.with_names(route, stand, victim, place, &names).await;
        }
        if name == victim.name {
            for header in HOST_HEADERS {
                let place = Place::TenantHeader(header.to_owned());
                let hosts = match header {
                    "Forwarded" => hosts.clone().map(|host| format!("host={host}")),
                    _ => hosts.clone(),
                };
                self.with_names(route, stand, victim, place, &hosts).await;
            }
        }
        for parameter in TENANT_QUERY.into_iter().filter(|name| is_free(name)) {
            let place = Place::TenantQuery(parameter.to_owned());
            self.with_names(route, stand, victim, place, &names).await;
        }
        let has_members = self.routes.get(route).is_some_and(|route| {
            matches!(&route.body, Some(Body::Json(Value::Object(_)) | Body::Form(Value::Object(_))))
        });
        for member in TENANT_MEMBERS.into_iter().filter(|name| has_members && is_free(name)) {
            let place = Place::TenantMember(member.to_owned());
            self.with_names(route, stand, victim, place, &names).await;
        }
    }

    /// The names that a route gives a meaning of its own.
    fn declared(&self, route: usize) -> Vec<String> {
        let Some(route) = self.routes.get(route) else { return Vec::new() };
        let members = match &route.body {
            Some(Body::Json(Value::Object(members)) | Body::Form(Value::Object(members))) => {
                members.keys().cloned().collect()
            }
            _ => Vec::new(),
        };
        let named = route.query.iter().chain(&route.headers).map(|(name, _)| name.clone());
        named.chain(members).collect()
    }

    async fn with_names(
        &mut self,
        route: usize,
        stand: &Stand,
        victim: &Tenant,
        place: Place,
        names: &[String; 3],
    ) {
        let asked = names.clone().map(|name| {
            let mut asked = self.asked(route, stand, 0, &mut |_, _| None);
            add(&mut asked, &place, &name);
            asked.names.push(name);
            asked
        });
        let [something, one, other] = &asked;
        let about = About { route, stand, place, form: Form::Plain, victim: Some(victim.name.clone()) };
        self.compare(&about, something, [one, other]).await;
    }

    /// Adds every header that names a tenant, for one of a thing's owners.
    pub(super) fn add_tenant_headers(&self, asked: &mut Asked, owners: &[String]) {
        let victim = self.tenants.iter().find(|tenant| owners.contains(&tenant.name));
        let Some(victim) = victim else { return };
        let names = victim.names();
        for header in TENANT_HEADERS {
            let name = if header.ends_with("Id") { names.last() } else { names.first() };
            if let Some(name) = name {
                asked.request = asked.request.clone().header(header, name);
            }
        }
        if let Some(host) = &victim.host {
            asked.request = asked
                .request
                .clone()
                .header("X-Forwarded-Host", host)
                .header("Forwarded", &format!("host={host}"));
        }
    }

    /// Sends other tenants' entity tags of the same route: only the caller's own may be answered 304.
    async fn send_tags(&mut self, route: usize, stand: &Stand) {
        let tags = |is_own: bool| {
            let views = self.views.iter().filter(move |view| view.route == route);
            let views = views.filter(move |view| (view.stand.tenant == stand.tenant) == is_own);
            views.filter_map(|view| Some((view.tag.clone()?, view.stand.tenant.clone()))).collect::<Vec<_>>()
        };
        let (own, others) = (tags(true), tags(false));
        for (tag, victim) in others {
            if own.iter().any(|(known, _)| *known == tag) {
                continue;
            }
            let [one, other] =
                [self.absent_like(&Value::from(tag.as_str())), self.absent_like(&Value::from(tag.as_str()))];
            let about = About { route, stand, place: Place::EntityTag, form: Form::Plain, victim };
            let [something, one, other] =
                [tag, crate::client::text(&one), crate::client::text(&other)].map(|tag| {
                    let mut asked = self.asked(route, stand, 0, &mut |_, _| None);
                    asked.request = asked.request.header("If-None-Match", &tag);
                    asked
                });
            self.compare(&about, &something, [&one, &other]).await;
        }
    }
}

/// The host that a tenant of another name would have.
fn other_host(host: &str, tenant: &str, name: &str) -> String {
    if host.contains(tenant) { host.replacen(tenant, name, 1) } else { name.to_owned() }
}

fn add(asked: &mut Asked, place: &Place, name: &str) {
    match place {
        Place::TenantHeader(header) => asked.request = asked.request.clone().header(header, name),
        Place::TenantQuery(parameter) => asked.request = asked.request.clone().query(parameter, name),
        Place::TenantMember(member) => {
            if let Some(Body::Json(Value::Object(members)) | Body::Form(Value::Object(members))) =
                &mut asked.request.body
            {
                members.insert(member.clone(), Value::from(name));
            }
        }
        _ => {}
    }
}
