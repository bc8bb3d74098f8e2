use super::catalog::Catalog;
use super::{AuditScope, Finding, Rule};

/// Tables, partitions, views, materialized views, foreign tables and sequences.
pub(super) const SQL: &str = r"
SELECT c.oid::bigint AS id,
       n.nspname::text AS schema,
       n.nspname || '.' || c.relname AS name,
       pg_catalog.format('%I.%I', n.nspname, c.relname) AS quoted,
       c.relkind::text AS kind,
       owner.rolname::text AS owner,
       (owner.rolsuper OR owner.rolbypassrls) AS owner_sees_all,
       c.relrowsecurity AS is_protected,
       c.relforcerowsecurity AS is_forced,
       c.relispartition AS is_partition,
       (t.attnum IS NOT NULL) AS has_tenant,
       COALESCE(t.attnotnull, false) AS tenant_is_set,
       COALESCE(t.atttypid = 'pg_catalog.uuid'::pg_catalog.regtype, false) AS tenant_is_uuid,
       COALESCE(pg_catalog.format_type(t.atttypid, t.atttypmod), '') AS tenant_type,
       COALESCE(pg_catalog.obj_description(c.oid, 'pg_class'), '') AS comment,
       COALESCE((SELECT o.option_value::boolean FROM pg_catalog.pg_options_to_table(c.reloptions) o
                 WHERE o.option_name = 'security_invoker'), false) AS is_invoker,
       (e.objid IS NOT NULL) AS is_of_extension,
       ARRAY (SELECT i.inhparent::bigint FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid) AS parents
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_roles owner ON owner.oid = c.relowner
LEFT JOIN pg_catalog.pg_attribute t
       ON t.attrelid = c.oid AND t.attname = 'tenant_id' AND t.attnum > 0 AND NOT t.attisdropped
LEFT JOIN pg_catalog.pg_depend e
       ON e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND e.objid = c.oid AND e.objsubid = 0
      AND e.deptype = 'e'
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND {in_scope}
";

#[derive(Debug, Clone, Default, sqlx::FromRow)]
pub(super) struct Relation {
    pub(super) id: i64,
    pub(super) schema: String,
    pub(super) name: String,
    pub(super) quoted: String,
    kind: String,
    pub(super) owner: String,
    pub(super) owner_sees_all: bool,
    is_protected: bool,
    is_forced: bool,
    pub(super) is_partition: bool,
    pub(super) has_tenant: bool,
    tenant_is_set: bool,
    tenant_is_uuid: bool,
    tenant_type: String,
    comment: String,
    pub(super) is_invoker: bool,
    pub(super) is_of_extension: bool,
    pub(super) parents: Vec<i64>,
}

/// What a relation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Table,
    View,
    Materialized,
    Foreign,
    Sequence,
}

impl Relation {
    pub(super) fn kind(&self) -> Kind {
        match self.kind.as_str() {
            "v" => Kind::View,
            "m" => Kind::Materialized,
            "f" => Kind::Foreign,
            "S" => Kind::Sequence,
            _ => Kind::Table,
        }
    }

    pub(super) fn is_table(&self) -> bool {
        self.kind() == Kind::Table
    }

    pub(super) fn is_tenant_table(&self, scope: &AuditScope) -> bool {
        self.is_table() && self.has_tenant && self.schema != scope.directory && !self.is_of_extension
    }

    pub(super) fn is_declared_public(&self, scope: &AuditScope) -> bool {
        let declaration = self.comment.strip_prefix(AuditScope::PUBLIC);
        let is_whole_word = declaration.is_some_and(|more| !more.starts_with(char::is_alphanumeric));
        is_whole_word || scope.public.contains(&self.name)
    }

    /// Whether policies are asked, of the owner too.
    pub(super) fn is_locked(&self) -> bool {
        self.is_protected && self.is_forced
    }

    #[cfg(test)]
    pub(super) fn foreign(id: i64, name: &str) -> Self {
        Self { id, name: name.to_owned(), quoted: name.to_owned(), kind: "f".to_owned(), ..Self::default() }
    }

    pub(super) fn asks_policies(&self) -> bool {
        self.is_protected
    }
}

pub(super) fn judge(catalog: &Catalog, scope: &AuditScope) -> Vec<Finding> {
    let mut findings = Vec::new();
    for table in catalog.tenant_tables(scope) {
        let names = [("table", table.quoted.as_str())];
        let mut broken = |rule, detail: String| {
            findings.push(Finding::new(rule, &table.quoted, detail, &names));
        };
        if !table.is_partition {
            if !table.is_protected {
                broken(Rule::RowSecurityOff, "row security is off".to_owned());
            }
            if !table.is_forced {
                broken(Rule::RowSecurityNotForced, "row security isn't forced".to_owned());
            }
            if !table.tenant_is_set {
                broken(Rule::TenantNullable, "tenant_id may be null".to_owned());
            }
            if !table.tenant_is_uuid {
                broken(Rule::TenantNotUuid, format!("tenant_id is {}", table.tenant_type));
            }
            findings.extend(inheritance(catalog, scope, table));
        }
    }
    findings
}

fn inheritance(catalog: &Catalog, scope: &AuditScope, table: &Relation) -> Vec<Finding> {
    let parents = table.parents.iter().filter_map(|parent| catalog.relations.get(parent));
    parents
        .filter(|parent| !(parent.is_tenant_table(scope) && parent.is_locked()))
        .map(|parent| {
            let names = [("table", table.quoted.as_str()), ("parent", parent.quoted.as_str())];
            let detail = format!("inherits from {}", parent.quoted);
            Finding::new(Rule::InheritanceChild, &table.quoted, detail, &names)
        })
        .collect()
}
