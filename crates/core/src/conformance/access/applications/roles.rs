//! Roles, domains and hierarchies of roles; patterns; who may hand on what.

use super::{Application, shape};
use crate::Kind;
use crate::conformance::access::items::Schema;

pub(super) const RBAC_WITH_DOMAINS: Application = Application {
    name: "rbac_with_domains",
    text: include_str!("../../../../tests/golden/access/rbac_with_domains.md"),
    permissions: domains::declared,
    shapes: &[&shape::<Data>()],
    caller: &[],
    request: &[],
};

mod domains {
    crate::permissions! {
        pub(super) fn declared;

        /// Read data.
        pub(super) DataRead = "data:read";
        /// Write data.
        pub(super) DataWrite = "data:write";
    }
}

struct Data;

impl Schema for Data {
    const TYPE: &'static str = "data";
    const ATTRIBUTES: &'static [(&'static str, Kind)] = &[("group", Kind::Text)];
    const CONTAINERS: &'static [(&'static str, &'static str)] = &[("group", "group")];
}

pub(super) const ROLE_HIERARCHY: Application = Application {
    name: "role_hierarchy",
    text: include_str!("../../../../tests/golden/access/role_hierarchy.md"),
    permissions: hierarchy::declared,
    shapes: &[&shape::<Project>()],
    caller: &[],
    request: &[],
};

mod hierarchy {
    crate::permissions! {
        pub(super) fn declared;

        /// See that a project exists.
        pub(super) ProjectSee = "project:see";
        /// Comment on a project.
        pub(super) ProjectComment = "project:comment";
        /// Build it.
        pub(super) ProjectBuild = "project:build";
        /// Test it.
        pub(super) ProjectTest = "project:test";
        /// Plan it.
        pub(super) ProjectPlan = "project:plan";
    }
}

struct Project;

impl Schema for Project {
    const TYPE: &'static str = "project";
    const ID: Kind = Kind::Integer;
}

pub(super) const WILDCARDS: Application = Application {
    name: "wildcards",
    text: include_str!("../../../../tests/golden/access/wildcards.md"),
    permissions: wildcards::declared,
    shapes: &[&shape::<Printer>(), &shape::<Tray>(), &shape::<Billing>(), &shape::<Invoice>()],
    caller: &[],
    request: &[],
};

mod wildcards {
    crate::permissions! {
        pub(super) fn declared;

        /// Open the page of the printers.
        pub(super) Printers = "printer";
        /// Ask what a printer prints.
        pub(super) PrinterQuery = "printer:query";
        /// Print.
        pub(super) PrinterPrint = "printer:print";
        /// Manage a printer.
        pub(super) PrinterManage = "printer:manage", implies ["printer:print", "printer:query"];
        /// Ask what is in a tray.
        pub(super) TrayQuery = "printer:tray:query";
        /// See what is owed.
        pub(super) BillingRead = "billing:read";
        /// Read invoices.
        pub(super) InvoiceRead = "billing:invoice:read";
        /// Pay invoices.
        pub(super) InvoicePay = "billing:invoice:pay";
    }
}

struct Printer;

impl Schema for Printer {
    const TYPE: &'static str = "printer";
}

struct Tray;

impl Schema for Tray {
    const TYPE: &'static str = "printer:tray";
}

struct Billing;

impl Schema for Billing {
    const TYPE: &'static str = "billing";
}

struct Invoice;

impl Schema for Invoice {
    const TYPE: &'static str = "billing:invoice";
}

pub(super) const ESCALATION: Application = Application {
    name: "escalation",
    text: include_str!("../../../../tests/golden/access/escalation.md"),
    permissions: escalation::declared,
    shapes: &[&shape::<Document>()],
    caller: &[],
    request: &[],
};

mod escalation {
    crate::permissions! {
        pub(super) fn declared;

        /// See a document.
        pub(super) DocumentRead = "document:read";
        /// Change a document.
        pub(super) DocumentEdit = "document:edit", implies ["document:read"];
        /// Hand a document to others.
        pub(super) DocumentShare = "document:share", danger Sensitive, implies ["document:edit"];
        /// Delete a document.
        pub(super) DocumentDelete = "document:delete", danger Critical;
        /// See a folder.
        pub(super) FolderRead = "folder:read";
        /// See what is owed.
        pub(super) BillingRead = "billing:read";
        /// Read invoices.
        pub(super) InvoiceRead = "billing:invoice:read";
        /// Hand out roles.
        pub(super) RoleAssign = "role:assign", danger Critical;
    }
}

struct Document;

impl Schema for Document {
    const TYPE: &'static str = "document";
    const ATTRIBUTES: &'static [(&'static str, Kind)] =
        &[("owner", Kind::Id), ("folder", Kind::Integer), ("size", Kind::Integer), ("state", Kind::Text)];
    const CONTAINERS: &'static [(&'static str, &'static str)] = &[("folder", "folder")];
}
