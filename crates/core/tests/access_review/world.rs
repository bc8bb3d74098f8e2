//! A small application whose tenants are reviewed.

use std::sync::LazyLock;

use tenantry_core::{
    Catalog, Grant, Kind, PermissionIndex, RequestFacts, Resource, Role, Scope, TeamId, TenantId, UserId,
    Value, permissions,
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
    pub(crate) InvoiceRead = "billing:invoice:read", danger Sensitive;
    /// See what is owed.
    pub(crate) BillingRead = "billing:read";
    /// Give roles to people.
    pub(crate) MemberManage = "member:manage", danger Critical;
}

static CATALOG: LazyLock<Catalog> =
    LazyLock::new(|| Catalog::builder().with(declared).resource::<Document>().build().unwrap());

pub(crate) fn catalog() -> Catalog {
    CATALOG.clone()
}

pub(crate) fn index(key: &str) -> PermissionIndex {
    CATALOG.by_key(key).unwrap()
}

/// A document, perhaps in a folder.
#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) id: i64,
    pub(crate) owner: Option<Uuid>,
    pub(crate) folder: Option<i64>,
    pub(crate) size: Option<i64>,
}

impl Document {
    pub(crate) const fn numbered(id: i64) -> Self {
        Self { id, owner: None, folder: None, size: None }
    }
}

impl Resource for Document {
    const TYPE: &'static str = "document";
    const ID: Kind = Kind::Integer;
    const ATTRIBUTES: &'static [(&'static str, Kind)] =
        &[("owner", Kind::Id), ("folder", Kind::Integer), ("size", Kind::Integer)];
    const CONTAINERS: &'static [(&'static str, &'static str)] = &[("folder", "folder")];

    fn id(&self) -> Value<'_> {
        self.id.into()
    }

    fn attribute(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "owner" => self.owner.map(Value::Id),
            "folder" => self.folder.map(Value::Integer),
            "size" => self.size.map(Value::Integer),
            _ => None,
        }
    }
}

pub(crate) const HOME: TenantId = TenantId::from_uuid(Uuid::from_u128(100));

pub(crate) fn user(number: u128) -> UserId {
    UserId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn team(number: u128) -> TeamId {
    TeamId::from_uuid(Uuid::from_u128(number))
}

pub(crate) fn scopes(texts: &[&str]) -> Vec<Scope> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

pub(crate) fn grants(texts: &[&str]) -> Vec<Grant> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

pub(crate) fn role(key: &str, name: &str, texts: &[&str]) -> Role {
    Role::new(HOME, key.parse().unwrap(), name, grants(texts), 1).unwrap()
}

pub(crate) fn request() -> RequestFacts {
    RequestFacts::new("2026-03-02T10:00:00Z".parse().unwrap(), None)
}

/// A folder.
#[derive(Debug, Clone)]
pub(crate) struct Folder {
    pub(crate) id: i64,
}

impl Resource for Folder {
    const TYPE: &'static str = "folder";
    const ID: Kind = Kind::Integer;

    fn id(&self) -> Value<'_> {
        self.id.into()
    }

    fn attribute(&self, _: &str) -> Option<Value<'_>> {
        None
    }
}
