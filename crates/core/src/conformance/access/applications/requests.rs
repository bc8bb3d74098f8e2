//! Decisions that hang on the record, the request, and what a token carries.

use super::{Application, shape};
use crate::Kind;
use crate::conformance::access::items::Schema;

pub(super) const MEDICAL_RECORDS: Application = Application {
    name: "medical_records",
    text: include_str!("../../../../tests/golden/access/medical_records.md"),
    permissions: medical::declared,
    shapes: &[&shape::<MedicalRecord>()],
    caller: &[],
    request: &[],
};

mod medical {
    crate::permissions! {
        pub(super) fn declared;

        /// Read a medical record.
        pub(super) RecordRead = "record:read";
        /// Write to the medical element of a record.
        pub(super) RecordWrite = "record:write";
    }
}

struct MedicalRecord;

impl Schema for MedicalRecord {
    const TYPE: &'static str = "record";
    const ID: Kind = Kind::Integer;
    const ATTRIBUTES: &'static [(&'static str, Kind)] =
        &[("patient", Kind::Id), ("guardian", Kind::Id), ("physician", Kind::Id), ("sixteen_on", Kind::Time)];
}

pub(super) const AUTHORITY_OF_TOKENS: Application = Application {
    name: "authority_of_tokens",
    text: include_str!("../../../../tests/golden/access/authority_of_tokens.md"),
    permissions: tokens::declared,
    shapes: &[&shape::<Task>(), &shape::<Report>()],
    caller: &[],
    request: &[("zone", Kind::Text)],
};

mod tokens {
    crate::permissions! {
        pub(super) fn declared;

        /// Read a task.
        pub(super) TaskRead = "task:read";
        /// Change a task.
        pub(super) TaskWrite = "task:write", implies ["task:read"];
        /// Approve what a task costs.
        pub(super) TaskApprove = "task:approve";
        /// Delete a task.
        pub(super) TaskDelete = "task:delete", danger Critical;
        /// Take a report away.
        pub(super) ReportExport = "report:export", danger Sensitive;
    }
}

struct Task;

impl Schema for Task {
    const TYPE: &'static str = "task";
    const ID: Kind = Kind::Integer;
    const ATTRIBUTES: &'static [(&'static str, Kind)] =
        &[("owner", Kind::Id), ("amount", Kind::Integer), ("limit", Kind::Integer), ("state", Kind::Text)];
}

struct Report;

impl Schema for Report {
    const TYPE: &'static str = "report";
}
