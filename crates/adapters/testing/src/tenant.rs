use std::net::IpAddr;

use serde_json::Value;

/// A tenant of the service under test: where it is reached, what is its own, and what nobody else may ever read.
///
/// A thing that two tenants declare belongs to both, and a mark that two tenants declare may be read by both: an
/// order between a buyer and a seller is given to each of them.
///
/// ```
/// use tenantry_testing::Tenant;
///
/// let acme = Tenant::new("acme")
///     .host("acme.localhost")
///     .has("note", "0198c0de-7e4a-7000-8000-000000000001")
///     .has("invoice", 1001)
///     .mark("Acme's plans for spring");
/// assert_eq!(acme.name(), "acme");
/// ```
#[derive(Debug, Clone)]
pub struct Tenant {
    pub(crate) name: String,
    pub(crate) host: Option<String>,
    pub(crate) things: Vec<(String, Value)>,
    pub(crate) marks: Vec<String>,
}

impl Tenant {
    /// A tenant by the name that requests would use for it, such as its slug.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), host: None, things: Vec::new(), marks: Vec::new() }
    }

    /// The `Host` header that reaches it. Tenants without one all share the address of the app.
    #[must_use]
    pub fn host(self, host: impl Into<String>) -> Self {
        Self { host: Some(host.into()), ..self }
    }

    /// Something that belongs to it, by the identifier that requests name it with: text, a number, or any JSON.
    ///
    /// The kind ties it to the places of a request that name such a thing: see [`Route`](crate::Route). Kinds with a
    /// meaning of their own: `tenant` (a further name of this tenant, such as its id), `cursor` (a cursor that this
    /// tenant was given), `idempotency-key` (a key that it has used).
    ///
    /// Identifiers of several kinds that are given in the same order belong together: the second `comment` is one of
    /// the second `note`.
    #[must_use]
    pub fn has(mut self, kind: impl Into<String>, identifier: impl Into<Value>) -> Self {
        self.things.push((kind.into(), identifier.into()));
        self
    }

    /// A text that no other tenant's callers may find in any answer. Give each of its things one, of a dozen letters
    /// or more, that appears nowhere else. UUIDs and long random identifiers are marks without being declared.
    #[must_use]
    pub fn mark(mut self, text: impl Into<String>) -> Self {
        self.marks.push(text.into());
        self
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Every text by which a request could name this tenant.
    pub(crate) fn names(&self) -> Vec<String> {
        let ids =
            self.things.iter().filter(|(kind, _)| kind == "tenant").map(|(_, id)| crate::client::text(id));
        let mut names = vec![self.name.clone()];
        names.extend(ids.filter(|id| *id != self.name));
        names
    }
}

/// Somebody who sends requests: a member of a tenant, or nobody's.
///
/// ```
/// use tenantry_testing::Caller;
///
/// let ada = Caller::of("acme").named("ada").bearer("eyJhbGciOi…");
/// let intern = Caller::of("acme").named("an intern").header("X-Api-Key", "k_123");
/// let nobody = Caller::nobody();
/// # drop((ada, intern, nobody));
/// ```
#[derive(Debug, Clone)]
pub struct Caller {
    pub(crate) name: String,
    pub(crate) tenant: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) from: From,
}

/// The addresses that a caller's requests come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum From {
    Any,
    One(IpAddr),
    Everywhere,
}

impl Caller {
    /// A member of a tenant, called by its name until [`named`](Self::named).
    #[must_use]
    pub fn of(tenant: impl Into<String>) -> Self {
        let tenant = tenant.into();
        Self { name: tenant.clone(), tenant: Some(tenant), headers: Vec::new(), from: From::Any }
    }

    /// Somebody who belongs to no tenant: signed out, or with credentials that are good for nothing.
    #[must_use]
    pub fn nobody() -> Self {
        Self { name: "nobody".to_owned(), tenant: None, headers: Vec::new(), from: From::Any }
    }

    /// The name that findings use.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }

    /// A header that this caller sends with every request: what shows who it is.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// `Authorization: Bearer …`.
    #[must_use]
    pub fn bearer(self, token: impl AsRef<str>) -> Self {
        self.header("Authorization", format!("Bearer {}", token.as_ref()))
    }

    /// The loopback address to call from (`127.x.y.z`), where the service counts by address.
    #[must_use]
    pub fn from(self, address: impl Into<IpAddr>) -> Self {
        Self { from: From::One(address.into()), ..self }
    }

    /// Calls from another loopback address each time (`127.x.y.z`, all of which Linux answers), where the service
    /// allows an address only so much.
    #[must_use]
    pub fn from_everywhere(self) -> Self {
        Self { from: From::Everywhere, ..self }
    }
}

/// A thing, and which tenants it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Thing {
    pub(crate) kind: String,
    pub(crate) value: Value,
    pub(crate) owners: Vec<String>,
}

impl Thing {
    pub(crate) fn is_of(&self, tenant: &str) -> bool {
        self.owners.iter().any(|owner| owner == tenant)
    }

    /// Whether its identifier alone can't turn up by chance.
    pub(crate) fn is_a_mark(&self) -> bool {
        let Value::String(text) = &self.value else { return false };
        let has = |what: fn(&char) -> bool| text.chars().any(|letter| what(&letter));
        let is_random = text.len() >= 20
            && has(char::is_ascii_digit)
            && has(char::is_ascii_alphabetic)
            && text.chars().all(|letter| letter.is_ascii_alphanumeric() || "-_".contains(letter));
        let is_secret = !["tenant", "cursor", "idempotency-key"].contains(&self.kind.as_str());
        is_secret && (uuid::Uuid::parse_str(text).is_ok() || is_random)
    }
}

/// The things of all tenants, those that several declare as one with several owners.
pub(crate) fn things(tenants: &[Tenant]) -> Vec<Thing> {
    let mut things: Vec<Thing> = Vec::new();
    for tenant in tenants {
        for (kind, value) in &tenant.things {
            match things.iter_mut().find(|thing| thing.kind == *kind && thing.value == *value) {
                Some(thing) => thing.owners.push(tenant.name.clone()),
                None => things.push(Thing {
                    kind: kind.clone(),
                    value: value.clone(),
                    owners: vec![tenant.name.clone()],
                }),
            }
        }
    }
    things
}
