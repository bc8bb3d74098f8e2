use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::catalog::Catalog;
use super::relations::{Kind, Relation};
use super::scope::PUBLIC_GRANTEE;
use super::{AuditScope, Finding, Rule};

/// Rights on relations and their columns, of the four roles and of PUBLIC, except an owner's on what it owns.
pub(super) const SQL: &str = r"
SELECT g.relation::bigint AS relation,
       COALESCE(r.rolname::text, 'PUBLIC') AS grantee,
       COALESCE(pg_catalog.quote_ident(r.rolname), 'PUBLIC') AS quoted_grantee,
       g.privilege_type AS privilege,
       pg_catalog.bool_or(g.is_column) AS is_column,
       pg_catalog.bool_or(g.is_grantable) AS is_grantable
FROM (
    SELECT c.oid AS relation, c.relowner AS owner, e.grantee, e.privilege_type, e.is_grantable, false AS is_column
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) e
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND {in_scope}
    UNION ALL
    SELECT c.oid, c.relowner, e.grantee, e.privilege_type, e.is_grantable, true
    FROM pg_catalog.pg_attribute a
    JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL pg_catalog.aclexplode(a.attacl) e
    WHERE a.attacl IS NOT NULL AND NOT a.attisdropped AND {in_scope}
) g
LEFT JOIN pg_catalog.pg_roles r ON r.oid = g.grantee
WHERE g.grantee <> g.owner AND (g.grantee = 0 OR r.rolname = ANY ($1::text[]))
GROUP BY 1, 2, 3, 4
";

#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Grant {
    pub(super) relation: i64,
    pub(super) grantee: String,
    pub(super) quoted_grantee: String,
    privilege: String,
    is_column: bool,
    is_grantable: bool,
}

const ROWS: [&str; 4] = ["SELECT", "INSERT", "UPDATE", "DELETE"];
const WRITES: [&str; 3] = ["INSERT", "UPDATE", "DELETE"];

/// What a grantee may do with one relation.
#[derive(Debug)]
struct Rights<'a> {
    quoted_grantee: &'a str,
    privileges: BTreeSet<&'a str>,
    on_columns: bool,
    may_pass_on: bool,
}

impl Rights<'_> {
    fn among(&self, wanted: &[&'static str]) -> Vec<&'static str> {
        wanted.iter().filter(|wanted| self.privileges.contains(**wanted)).copied().collect()
    }

    fn listed(&self) -> String {
        let listed = self.privileges.iter().copied().collect::<Vec<_>>().join(", ");
        if self.on_columns { format!("{listed} (on columns)") } else { listed }
    }
}

/// Who may do what with each relation.
#[derive(Debug)]
pub(super) struct Reach<'a> {
    rights: HashMap<i64, BTreeMap<&'a str, Rights<'a>>>,
}

impl<'a> Reach<'a> {
    pub(super) fn of(catalog: &'a Catalog) -> Self {
        let mut rights: HashMap<i64, BTreeMap<&str, Rights<'_>>> = HashMap::new();
        for grant in &catalog.grants {
            let held =
                rights.entry(grant.relation).or_default().entry(&grant.grantee).or_insert_with(|| Rights {
                    quoted_grantee: &grant.quoted_grantee,
                    privileges: BTreeSet::new(),
                    on_columns: false,
                    may_pass_on: false,
                });
            held.privileges.insert(&grant.privilege);
            held.on_columns |= grant.is_column;
            held.may_pass_on |= grant.is_grantable;
        }
        Self { rights }
    }

    /// The role's quoted name, if it was granted a right on the relation's rows.
    pub(super) fn rows_of(&self, relation: i64, role: &str) -> Option<&'a str> {
        let rights = self.rights.get(&relation)?.get(role)?;
        (!rights.among(&ROWS).is_empty()).then_some(rights.quoted_grantee)
    }
}

pub(super) fn judge(catalog: &Catalog, scope: &AuditScope) -> Vec<Finding> {
    let reach = Reach::of(catalog);
    let mut findings = Vec::new();
    for (id, rights) in &reach.rights {
        let Some(relation) = catalog.relations.get(id).filter(|relation| !relation.is_of_extension) else {
            continue;
        };
        let bound: Vec<(&str, &Rights<'_>)> = rights
            .iter()
            .filter(|(grantee, _)| scope.is_bound(grantee))
            .map(|(grantee, rights)| (*grantee, rights))
            .collect();
        findings.extend(of_the_whole(catalog, scope, relation, &bound));
        for (grantee, rights) in &bound {
            findings.extend(of_one(scope, relation, grantee, rights));
        }
        for rights in rights.values().filter(|rights| rights.may_pass_on) {
            let names = [("table", relation.quoted.as_str()), ("role", rights.quoted_grantee)];
            let detail = format!("{} may pass on {}", rights.quoted_grantee, rights.listed());
            findings.push(Finding::new(Rule::GrantOption, &relation.quoted, detail, &names));
        }
    }
    findings
}

/// What is wrong with the relation, whoever of the bound roles has a right on it.
fn of_the_whole(
    catalog: &Catalog,
    scope: &AuditScope,
    relation: &Relation,
    bound: &[(&str, &Rights<'_>)],
) -> Option<Finding> {
    let holders: Vec<&str> = bound.iter().map(|(_, rights)| rights.quoted_grantee).collect();
    if holders.is_empty() {
        return None;
    }
    let is_apps = bound.iter().any(|(grantee, _)| *grantee != scope.writer);
    let (rule, detail) = match relation.kind() {
        Kind::Table if relation.schema == scope.directory => return None,
        Kind::Table if !relation.has_tenant => {
            let is_open = is_apps && !catalog.is_public(relation, scope);
            is_open.then_some((Rule::TableWithoutTenant, "has no tenant_id"))?
        }
        Kind::Table => {
            let is_open = relation.is_partition && !relation.is_locked();
            is_open.then_some((Rule::PartitionUnprotected, "has no forced row security of its own"))?
        }
        Kind::View if relation.is_invoker => return None,
        Kind::View if relation.owner_sees_all => {
            (Rule::ViewDefiner, "isn't a security_invoker, and its owner sees every row")
        }
        Kind::View => (Rule::ViewDefiner, "isn't a security_invoker"),
        Kind::Materialized if catalog.is_public(relation, scope) => return None,
        Kind::Materialized => (Rule::MaterializedView, "holds a copy of rows"),
        Kind::Foreign => (Rule::ForeignTable, "lies on another server"),
        Kind::Sequence => return None,
    };
    let quoted = relation.quoted.as_str();
    let roles = holders.join(", ");
    let names = [("table", quoted), ("view", quoted), ("roles", roles.as_str())];
    Some(Finding::new(rule, quoted, format!("{detail}; {roles} may use it"), &names))
}

/// What is wrong with one role's rights on the relation.
fn of_one(scope: &AuditScope, relation: &Relation, grantee: &str, rights: &Rights<'_>) -> Vec<Finding> {
    let quoted = relation.quoted.as_str();
    let beyond = rights.among(&["TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"]).join(", ");
    let names = [
        ("table", quoted),
        ("sequence", quoted),
        ("role", rights.quoted_grantee),
        ("rights", beyond.as_str()),
    ];
    let finding = |rule, held: &str| {
        Finding::new(rule, quoted, format!("{} has {held}", rights.quoted_grantee), &names)
    };
    let mut findings = Vec::new();
    if relation.kind() == Kind::Sequence {
        let open = rights.among(&["SELECT", "UPDATE"]);
        return if open.is_empty() { findings } else { vec![finding(Rule::SequenceOpen, &open.join(", "))] };
    }
    if grantee == PUBLIC_GRANTEE {
        return vec![finding(Rule::GrantToPublic, &rights.listed())];
    }
    let is_librarys = relation.schema == scope.library || relation.schema == scope.directory;
    if grantee == scope.writer && !is_librarys {
        return vec![finding(Rule::WriterBeyondLibrary, &rights.listed())];
    }
    let is_read_only = rights.privileges.iter().all(|privilege| *privilege == "SELECT");
    if grantee == scope.app && is_read_only && scope.read_by_app.contains(&relation.name) {
        return findings;
    }
    if grantee == scope.app && relation.schema == scope.directory {
        return vec![finding(Rule::DirectoryOpen, &rights.listed())];
    }
    if !beyond.is_empty() {
        findings.push(finding(Rule::GrantBeyondRows, &beyond));
    }
    let written = rights.among(&WRITES);
    if grantee == scope.app
        && relation.schema == scope.library
        && !written.is_empty()
        && !scope.written_by_app.contains(&relation.name)
    {
        findings.push(finding(Rule::AppWritesLibrary, &written.join(", ")));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_foreign_table_is_found_with_each_of_its_readers() {
        let table = Relation::foreign(7, "public.far");
        let grant = |grantee: &str| Grant {
            relation: 7,
            grantee: grantee.to_owned(),
            quoted_grantee: grantee.to_owned(),
            privilege: "SELECT".to_owned(),
            is_column: false,
            is_grantable: false,
        };
        let found = |grantees: &[&str]| {
            let catalog = Catalog {
                relations: HashMap::from([(7, table.clone())]),
                grants: grantees.iter().map(|grantee| grant(grantee)).collect(),
                ..Catalog::default()
            };
            let findings = judge(&catalog, &AuditScope::new("app", "writer", "admin", "door"));
            findings.into_iter().map(|finding| (finding.rule, finding.sql)).collect::<Vec<_>>()
        };
        assert_eq!(
            found(&["app", "admin"]),
            [(Rule::ForeignTable, "REVOKE ALL ON TABLE public.far FROM app;".to_owned())]
        );
        assert_eq!(found(&["admin"]), []);
    }
}
