//! Documents, for what a role allows on some of them only: what both servers load and do.

use std::sync::{Arc, RwLock};

use tenantry::http::{Problem, RequireOn};
use tenantry::{Kind, Permission, Readable, Resource, TenantId, Unchecked, UserId, Value};

tenantry::permissions! {
    pub(crate) fn declared;

    /// See documents.
    pub(crate) DocumentRead = "document:read";
    /// Change documents.
    pub(crate) DocumentEdit = "document:edit";
    /// Sign documents.
    pub(crate) DocumentSign = "document:sign", danger Critical;
    /// Print documents.
    pub(crate) DocumentPrint = "document:print";
    /// Send documents abroad.
    pub(crate) DocumentSend = "document:send";
}

/// The lines of the role `drafter`.
pub(crate) const DRAFTER: [&str; 6] = [
    "document:read when resource.owner = caller.id or resource.state = 'published'",
    "document:edit when resource.owner = caller.id",
    "deny document:edit when resource.locked = true",
    "document:sign when request.mfa_age <= 900 and request.address = '127.0.0.1'",
    "document:print when request.time_of_day < 1340",
    "document:send when request.region = 'eu'",
];

/// The lines of the role `barred`.
pub(crate) const BARRED: [&str; 3] = ["document:read", "document:edit", "deny document:edit"];

#[derive(Debug, Clone)]
pub(crate) struct Document {
    pub(crate) tenant: TenantId,
    pub(crate) id: i64,
    pub(crate) owner: Option<UserId>,
    pub(crate) state: Option<&'static str>,
    pub(crate) locked: Option<bool>,
}

impl Resource for Document {
    const TYPE: &'static str = "document";
    const ID: Kind = Kind::Integer;
    const ATTRIBUTES: &'static [(&'static str, Kind)] =
        &[("owner", Kind::Id), ("state", Kind::Text), ("locked", Kind::Bool)];

    fn id(&self) -> Value<'_> {
        self.id.into()
    }

    fn attribute(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "owner" => self.owner.map(|owner| owner.as_uuid().into()),
            "state" => self.state.map(Value::Text),
            "locked" => self.locked.map(Value::Bool),
            _ => None,
        }
    }
}

impl Readable for Document {
    type Read = DocumentRead;
}

/// Every tenant's documents. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Documents(Arc<RwLock<Vec<Document>>>);

impl Documents {
    pub(crate) fn add(&self, document: Document) {
        self.0.write().unwrap().push(document);
    }

    fn load(&self, tenant: TenantId, id: &str) -> Option<Unchecked<Document>> {
        let id: i64 = id.parse().ok()?;
        let all = self.0.read().unwrap();
        let found = all.iter().find(|document| (document.tenant, document.id) == (tenant, id));
        found.cloned().map(Unchecked::new)
    }

    /// Does `P` to a document.
    pub(crate) fn take<P: Permission>(&self, by: &RequireOn<P>, id: &str) -> Result<String, Problem> {
        let document = by.authorize(self.load(by.caller().tenant().id(), id))?;
        Ok(format!("{} {}", P::KEY, document.id))
    }

    /// The ids of those that the caller may see.
    pub(crate) fn list(&self, by: &RequireOn<DocumentRead>) -> String {
        let (tenant, filter) = (by.caller().tenant().id(), by.filter::<Document>());
        let all = self.0.read().unwrap();
        let kept = all.iter().filter(|document| document.tenant == tenant);
        let kept = kept.filter(|document| filter.evaluate(*document) == Some(true));
        kept.map(|document| document.id.to_string()).collect::<Vec<_>>().join(" ")
    }
}
