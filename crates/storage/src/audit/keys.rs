use super::catalog::Catalog;
use super::relations::Relation;
use super::{AuditScope, Finding, Rule};

/// Indexes of tables that have a `tenant_id`, those left out that follow a parent's, with the columns of which no
/// operator is leakproof.
pub(super) const INDEXES_SQL: &str = r"
SELECT i.indrelid::bigint AS relation,
       pg_catalog.format('%I.%I', n.nspname, ic.relname) AS quoted,
       am.amname::text AS method,
       (i.indisunique OR i.indisexclusion) AS is_key,
       i.indisexclusion AS is_exclusion,
       (i.indkey[0] = t.attnum) AS is_led,
       pg_catalog.quote_ident(k.conname) AS quoted_constraint,
       pg_catalog.pg_get_constraintdef(k.oid) AS constraint_definition,
       pg_catalog.pg_get_indexdef(i.indexrelid) AS definition,
       ARRAY (
           SELECT pg_catalog.pg_get_indexdef(i.indexrelid, o.position::integer, true)
           FROM pg_catalog.unnest(i.indclass::oid[]) WITH ORDINALITY AS o (id, position)
           JOIN pg_catalog.pg_opclass oc ON oc.oid = o.id
           WHERE NOT EXISTS (
               SELECT FROM pg_catalog.pg_amop ao
               JOIN pg_catalog.pg_operator op ON op.oid = ao.amopopr
               JOIN pg_catalog.pg_proc f ON f.oid = op.oprcode
               WHERE ao.amopfamily = oc.opcfamily AND ao.amoplefttype = oc.opcintype AND f.proleakproof
           )
           ORDER BY o.position
       ) AS leaky_columns
FROM pg_catalog.pg_index i
JOIN pg_catalog.pg_class ic ON ic.oid = i.indexrelid
JOIN pg_catalog.pg_class c ON c.oid = i.indrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_am am ON am.oid = ic.relam
JOIN pg_catalog.pg_attribute t
  ON t.attrelid = c.oid AND t.attname = 'tenant_id' AND t.attnum > 0 AND NOT t.attisdropped
LEFT JOIN pg_catalog.pg_constraint k
       ON k.conindid = i.indexrelid AND k.conrelid = i.indrelid AND k.contype IN ('p', 'u', 'x')
WHERE c.relkind IN ('r', 'p') AND {in_scope}
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits h WHERE h.inhrelid = i.indexrelid)
";

/// Foreign keys from or to a table that has a `tenant_id`, those left out that follow a partitioned table's.
pub(super) const FOREIGN_KEYS_SQL: &str = r"
SELECT k.conrelid::bigint AS relation,
       k.confrelid::bigint AS target,
       pg_catalog.quote_ident(k.conname) AS quoted,
       pg_catalog.format('%I.%I', n.nspname, c.relname) AS quoted_relation,
       tn.nspname || '.' || tc.relname AS target_name,
       pg_catalog.format('%I.%I', tn.nspname, tc.relname) AS quoted_target,
       (s.attnum IS NOT NULL AND t.attnum IS NOT NULL) AS both_have_tenant,
       COALESCE(k.conkey[1] = s.attnum AND k.confkey[1] = t.attnum, false) AS is_led,
       (COALESCE(s.attnum = ANY (k.conkey), false) OR COALESCE(t.attnum = ANY (k.confkey), false)) AS names_tenant,
       pg_catalog.pg_get_constraintdef(k.oid) AS definition
FROM pg_catalog.pg_constraint k
JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
JOIN pg_catalog.pg_class tc ON tc.oid = k.confrelid
JOIN pg_catalog.pg_namespace tn ON tn.oid = tc.relnamespace
LEFT JOIN pg_catalog.pg_attribute s
       ON s.attrelid = c.oid AND s.attname = 'tenant_id' AND s.attnum > 0 AND NOT s.attisdropped
LEFT JOIN pg_catalog.pg_attribute t
       ON t.attrelid = tc.oid AND t.attname = 'tenant_id' AND t.attnum > 0 AND NOT t.attisdropped
WHERE k.contype = 'f' AND k.conparentid = 0 AND (s.attnum IS NOT NULL OR t.attnum IS NOT NULL) AND {in_scope}
";

#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Index {
    relation: i64,
    quoted: String,
    method: String,
    is_key: bool,
    is_exclusion: bool,
    is_led: bool,
    quoted_constraint: Option<String>,
    constraint_definition: Option<String>,
    definition: String,
    leaky_columns: Vec<String>,
}

#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct ForeignKey {
    relation: i64,
    target: i64,
    quoted: String,
    quoted_relation: String,
    target_name: String,
    quoted_target: String,
    both_have_tenant: bool,
    is_led: bool,
    names_tenant: bool,
    definition: String,
}

pub(super) fn judge(catalog: &Catalog, scope: &AuditScope) -> Vec<Finding> {
    let mut findings = Vec::new();
    for index in &catalog.indexes {
        let Some(table) = catalog.tenant_table(index.relation, scope) else { continue };
        let is_librarys_choice = table.schema == scope.library && !index.is_key;
        if is_librarys_choice {
            continue;
        }
        findings.extend(led(index, table));
        if !index.leaky_columns.is_empty() {
            let detail = format!("no operator of {} is leakproof", index.leaky_columns.join(", "));
            findings.push(Finding::new(Rule::IndexLeaky, &index.quoted, detail, &[]));
        }
    }
    findings.extend(catalog.foreign_keys.iter().filter_map(|key| foreign_key(catalog, scope, key)));
    findings
}

/// Only the order of a B-tree's columns matters to what a search walks over.
fn led(index: &Index, table: &Relation) -> Option<Finding> {
    if index.is_led || !(index.is_key || index.method == "btree") {
        return None;
    }
    let detail = match &index.constraint_definition {
        Some(definition) => format!("{} has {definition}", table.quoted),
        None => index.definition.clone(),
    };
    let rule = if index.is_key { Rule::KeyNotLed } else { Rule::IndexNotLed };
    Some(match remade(index, table) {
        Some(sql) => Finding::new(rule, &index.quoted, detail, &[("remake", &sql)]),
        None => Finding::new(rule, &index.quoted, detail, &[]).in_words_only(),
    })
}

fn remade(index: &Index, table: &Relation) -> Option<String> {
    if index.is_exclusion {
        return None;
    }
    match (&index.quoted_constraint, &index.constraint_definition) {
        (Some(name), Some(definition)) => {
            let (kind, columns) = definition.split_once('(')?;
            let columns = columns.replacen(", tenant_id)", ")", 1).replacen(", tenant_id,", ",", 1);
            let table = &table.quoted;
            Some(format!(
                "ALTER TABLE {table} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} {kind}(tenant_id, {columns};"
            ))
        }
        _ => {
            let (before, columns) = index.definition.split_once(" USING btree (")?;
            let columns = columns.replacen(", tenant_id)", ")", 1).replacen(", tenant_id,", ",", 1);
            Some(format!("DROP INDEX {}; {before} USING btree (tenant_id, {columns};", index.quoted))
        }
    }
}

fn foreign_key(catalog: &Catalog, scope: &AuditScope, key: &ForeignKey) -> Option<Finding> {
    let is_of_tenant = catalog.tenant_table(key.relation, scope).is_some();
    let to_tenant = catalog.tenant_table(key.target, scope).is_some();
    let to_tenants = scope.tenants.contains(&key.target_name);
    let to_public = catalog.relations.get(&key.target).is_some_and(|target| catalog.is_public(target, scope));
    if key.is_led || to_tenants || to_public && !to_tenant || !(is_of_tenant || to_tenant) {
        return None;
    }
    let detail = format!("{} to {}: {}", key.quoted_relation, key.quoted_target, key.definition);
    let object = format!("{} on {}", key.quoted, key.quoted_relation);
    let remake = (key.both_have_tenant && !key.names_tenant).then(|| remade_foreign(key)).flatten();
    Some(match remake {
        Some(sql) => Finding::new(Rule::ForeignKeyNotLed, &object, detail, &[("remake", &sql)]),
        None => Finding::new(Rule::ForeignKeyNotLed, &object, detail, &[]).in_words_only(),
    })
}

/// The key with `tenant_id` first on both sides. What clears columns when its target goes clears those it had
/// before, and never the tenant.
fn remade_foreign(key: &ForeignKey) -> Option<String> {
    let columns = key.definition.strip_prefix("FOREIGN KEY (")?;
    let (own, rest) = columns.split_once(") REFERENCES ")?;
    let theirs = rest.strip_prefix(&key.quoted_target)?.strip_prefix('(')?;
    let (theirs, actions) = theirs.split_once(')')?;
    if actions.contains("ON UPDATE SET") {
        return None;
    }
    let actions = ["SET NULL", "SET DEFAULT"].iter().fold(actions.to_owned(), |actions, action| {
        let on_delete = format!("ON DELETE {action}");
        if actions.contains(&format!("{on_delete} (")) {
            actions
        } else {
            actions.replace(&on_delete, &format!("{on_delete} ({own})"))
        }
    });
    let ForeignKey { quoted, quoted_relation, quoted_target, .. } = key;
    Some(format!(
        "ALTER TABLE {quoted_relation} DROP CONSTRAINT {quoted}, ADD CONSTRAINT {quoted} \
         FOREIGN KEY (tenant_id, {own}) REFERENCES {quoted_target} (tenant_id, {theirs}){actions};"
    ))
}
