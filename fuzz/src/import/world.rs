//! The application whose tenants are imported.

use std::sync::LazyLock;

use tenantry_core::{Catalog, Kind, RequestFacts, Resource, TenantId, Timestamp, Value, permissions};
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
    /// Give roles to people.
    pub(crate) MemberManage = "member:manage", danger Critical;
}

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| {
    let catalog = Catalog::builder().with(declared).resource::<Document>().build();
    catalog.unwrap_or_else(|error| panic!("{error}"))
});

pub(super) fn catalog() -> &'static Catalog {
    &CATALOG
}

pub(super) const HOME: TenantId = TenantId::from_uuid(Uuid::from_u128(100));

/// A document, perhaps in a folder.
#[derive(Debug, Clone)]
pub(super) struct Document {
    id: i64,
    owner: Option<Uuid>,
    folder: Option<i64>,
    size: Option<i64>,
    state: Option<&'static str>,
}

impl Resource for Document {
    const TYPE: &'static str = "document";
    const ID: Kind = Kind::Integer;
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

/// Documents that differ in all that a role could go by.
pub(super) fn documents() -> [Document; 6] {
    let of = |id, owner: Option<u128>, folder, size, state| {
        let owner = owner.map(Uuid::from_u128);
        Document { id, owner, folder, size, state }
    };
    [
        of(1, Some(1), Some(1), Some(3), Some("draft")),
        of(2, Some(2), Some(1), Some(9), Some("done")),
        of(3, Some(1), Some(2), None, Some("done")),
        of(4, None, Some(2), Some(5), None),
        of(5, Some(3), None, Some(0), Some("draft")),
        of(6, None, None, None, None),
    ]
}

/// Requests by night and by day, with a second factor and without.
pub(super) fn requests() -> [RequestFacts; 2] {
    let at = |seconds: i64| Timestamp::from_micros(seconds * 1_000_000);
    let night = 1_772_409_600 + 3 * 3_600;
    let day = night + 9 * 3_600;
    [RequestFacts::new(at(night), None), RequestFacts::new(at(day), Some(at(day - 60)))]
}
