//! What the published models are about: the permissions and the types of resources of each.

mod organisations;
mod requests;
mod roles;
mod sharing;

use std::marker::PhantomData;

use super::items::{Of, Shape};
use crate::{Catalog, CatalogBuilder, CatalogError, Declared, Kind};

/// The application of one model, and the model's file.
pub(super) struct Application {
    pub(super) name: &'static str,
    pub(super) text: &'static str,
    pub(super) permissions: fn(CatalogBuilder) -> CatalogBuilder,
    pub(super) shapes: &'static [&'static dyn Shape],
    pub(super) caller: &'static [(&'static str, Kind)],
    pub(super) request: &'static [(&'static str, Kind)],
}

impl Application {
    pub(super) fn catalog(&self) -> Result<Catalog, CatalogError> {
        let declared = Declared::new(self.caller, self.request).unwrap_or_default();
        let builder = Catalog::builder().with(self.permissions).attributes(declared);
        self.shapes.iter().fold(builder, |builder, shape| shape.declare(builder)).build()
    }
}

/// The type of resource that `S` declares.
const fn shape<S>() -> Of<S> {
    Of(PhantomData)
}

/// In the order of their names.
pub(super) const APPLICATIONS: &[Application] = &[
    requests::AUTHORITY_OF_TOKENS,
    organisations::CLUSTER_NAMESPACES,
    sharing::DOCUMENTS_OF_ZANZIBAR,
    sharing::DRIVE,
    roles::ESCALATION,
    requests::MEDICAL_RECORDS,
    sharing::PHOTOS,
    roles::RBAC_WITH_DOMAINS,
    organisations::REPOSITORIES,
    organisations::REPOSITORY_ROLES,
    roles::ROLE_HIERARCHY,
    roles::WILDCARDS,
];
