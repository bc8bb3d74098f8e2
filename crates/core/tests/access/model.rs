//! A small application, and random tenants of it.

use proptest::prelude::*;
use tenantry_core::{
    Assignee, Authority, CallerFacts, Catalog, Grant, Holding, Kind, Permission, PermissionIndex,
    PrincipalId, RequestFacts, Resource, Role, Scope, TeamId, TenantId, Timestamp, UserId, Value,
    permissions,
};
use uuid::Uuid;

permissions! {
    fn declared;

    /// See a document.
    pub(crate) DocumentRead = "document:read";
    /// Change a document.
    pub(crate) DocumentEdit = "document:edit", implies ["document:read"];
    /// Hand a document to others.
    pub(crate) DocumentShare = "document:share", danger Sensitive, implies ["document:edit"];
    /// Delete a document.
    pub(crate) DocumentDelete = "document:delete", danger Critical;
    /// See a folder.
    pub(crate) FolderRead = "folder:read";
    /// Read invoices.
    pub(crate) InvoiceRead = "billing:invoice:read";
    /// See what is owed.
    pub(crate) BillingRead = "billing:read";
}

pub(crate) fn catalog() -> Catalog {
    Catalog::builder().with(declared).resource::<Document>().build().unwrap()
}

pub(crate) fn index<P: Permission>() -> PermissionIndex {
    catalog().index::<P>().unwrap()
}

/// A document in a folder.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) id: Uuid,
    pub(crate) owner: Option<Uuid>,
    pub(crate) folder: Option<i64>,
    pub(crate) size: Option<i64>,
    pub(crate) state: Option<&'static str>,
}

impl Resource for Document {
    const TYPE: &'static str = "document";
    const ATTRIBUTES: &'static [(&'static str, Kind)] =
        &[("owner", Kind::Id), ("folder", Kind::Integer), ("size", Kind::Integer), ("state", Kind::Text)];
    const CONTAINERS: &'static [(&'static str, &'static str)] = &[("folder", "folder")];

    fn id(&self) -> Value<'_> {
        self.id.into()
    }

    fn attribute(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "owner" => self.owner.map(Value::Id),
            "folder" => self.folder.map(Value::Integer),
            "size" => self.size.map(Value::Integer),
            "state" => self.state.map(Value::Text),
            _ => None,
        }
    }
}

pub(crate) const HOME: TenantId = TenantId::from_uuid(Uuid::from_u128(100));
pub(crate) const PARENT: TenantId = TenantId::from_uuid(Uuid::from_u128(99));

pub(crate) fn user(number: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn team(number: u128) -> TeamId {
    TeamId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn caller(number: u128) -> CallerFacts {
    CallerFacts::of(PrincipalId::User(user(number)), HOME)
}

pub(crate) fn scopes(texts: &[&str]) -> Vec<Scope> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

pub(crate) fn grants(texts: &[&str]) -> Vec<Grant> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

pub(crate) fn role(name: &str, texts: &[&str]) -> Role {
    Role::new(HOME, name.parse().unwrap(), name, grants(texts), 1).unwrap()
}

/// A role of the tenant, held by user 1 there.
pub(crate) fn held(texts: &[&str]) -> Holding {
    Holding::of(role("held", texts), Assignee::User(user(1)))
}

/// User 1, under a plan without limits.
pub(crate) fn holder(holdings: Vec<Holding>) -> Authority {
    Authority::of(&catalog(), caller(1), holdings, &[Scope::all()])
}

pub(crate) fn request() -> RequestFacts {
    RequestFacts::new("2026-03-02T10:00:00Z".parse().unwrap(), None)
}

const SCOPES: [&str; 14] = [
    "*",
    "document:*",
    "*:read",
    "document:read",
    "document:edit",
    "document:share",
    "document:delete",
    "folder:*",
    "billing:*",
    "billing:*:read",
    "billing:read",
    "billing:invoice:read",
    "*:*:read",
    "folder:read",
];

const CONDITIONS: [&str; 12] = [
    "resource.owner = caller.id",
    "resource.owner != caller.id",
    "resource.size <= 5",
    "not resource.size < 3",
    "resource.state in ('draft', 'done')",
    "resource.state = 'draft' and resource.size > 2",
    "resource.state = 'draft' or resource.owner = caller.id",
    "request.mfa_age <= 900",
    "request.time_of_day < 600",
    "caller.kind = 'user'",
    "resource.size = resource.folder",
    "resource.folder in (1, 2) and not resource.state = 'done'",
];

pub(crate) fn grant() -> impl Strategy<Value = Grant> {
    let scope = prop::sample::select(&SCOPES[..]);
    let condition = prop::option::weighted(0.4, prop::sample::select(&CONDITIONS[..]));
    (prop::bool::weighted(0.12), scope, condition).prop_map(|(denies, scope, condition)| {
        let scope = scope.parse().unwrap();
        let grant = if denies { Grant::deny(scope) } else { Grant::allow(scope) };
        condition.map_or(grant.clone(), |condition| grant.when(condition.parse().unwrap()))
    })
}

fn resource_name() -> impl Strategy<Value = Option<&'static str>> {
    prop::option::weighted(
        0.4,
        prop::sample::select(vec![
            "document/00000000-0000-0000-0000-000000000001",
            "document/00000000-0000-0000-0000-000000000002",
            "folder/1",
            "folder/2",
            "folder/'1'",
            "document/1",
        ]),
    )
}

fn holding() -> impl Strategy<Value = Holding> {
    let grants = prop::collection::vec(grant(), 0..5);
    (grants, resource_name(), any::<bool>(), prop::bool::weighted(0.2), 1..3_u128).prop_map(
        |(grants, on, descends, is_above, who)| {
            let tenant = if is_above { PARENT } else { HOME };
            let role = Role::new(tenant, "some".parse().unwrap(), "Some", grants, 1).unwrap();
            let assignee = if who == 1 { Assignee::User(user(1)) } else { Assignee::Team(team(7)) };
            let holding = Holding::of(role, assignee);
            let holding = on.map_or(holding.clone(), |on| holding.on(on.parse().unwrap()));
            if descends { holding.descending() } else { holding }
        },
    )
}

pub(crate) fn holdings() -> impl Strategy<Value = Vec<Holding>> {
    prop::collection::vec(holding(), 0..8)
}

pub(crate) fn some_scopes() -> impl Strategy<Value = Vec<Scope>> {
    prop_oneof![
        3 => Just(vec![Scope::all()]),
        2 => prop::collection::vec(prop::sample::select(&SCOPES[..]), 0..4).prop_map(|texts| scopes(&texts)),
    ]
}

pub(crate) fn document() -> impl Strategy<Value = Document> {
    let owner = prop::option::of((1..4_u128).prop_map(Uuid::from_u128));
    let state = prop::option::of(prop::sample::select(vec!["draft", "done", "kept"]));
    (1..4_u128, owner, prop::option::of(1..4_i64), prop::option::of(0..8_i64), state).prop_map(
        |(id, owner, folder, size, state)| Document { id: Uuid::from_u128(id), owner, folder, size, state },
    )
}

pub(crate) fn some_request() -> impl Strategy<Value = RequestFacts> {
    (0..1440_i64, prop::option::of(0..2_000_i64)).prop_map(|(minute, age)| {
        let now = 1_772_409_600 + minute * 60;
        let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
        RequestFacts::new(at(now), age.map(|age| at(now - age)))
    })
}
