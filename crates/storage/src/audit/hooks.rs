use super::catalog::Catalog;
use super::{AuditScope, Finding, Rule};

/// What runs by itself when a table is written or read: triggers whose function is a definer, and rewrite rules.
pub(super) const SQL: &str = r"
SELECT t.tgrelid::bigint AS relation,
       pg_catalog.quote_ident(t.tgname) AS quoted,
       fn.nspname || '.' || f.proname AS function
FROM pg_catalog.pg_trigger t
JOIN pg_catalog.pg_proc f ON f.oid = t.tgfoid
JOIN pg_catalog.pg_namespace fn ON fn.oid = f.pronamespace
JOIN pg_catalog.pg_class c ON c.oid = t.tgrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND f.prosecdef AND {in_scope}
UNION ALL
SELECT w.ev_class::bigint, pg_catalog.quote_ident(w.rulename), NULL
FROM pg_catalog.pg_rewrite w
JOIN pg_catalog.pg_class c ON c.oid = w.ev_class
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE w.rulename <> '_RETURN' AND {in_scope}
";

#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Hook {
    relation: i64,
    quoted: String,
    /// The trigger's function; a rewrite rule has none.
    function: Option<String>,
}

pub(super) fn judge(catalog: &Catalog, scope: &AuditScope) -> Vec<Finding> {
    let mut findings = Vec::new();
    for hook in &catalog.hooks {
        let Some(table) = catalog.tenant_table(hook.relation, scope) else { continue };
        let names = [
            ("trigger", hook.quoted.as_str()),
            ("rewrite", hook.quoted.as_str()),
            ("table", table.quoted.as_str()),
        ];
        let object = format!("{} on {}", hook.quoted, table.quoted);
        findings.extend(match &hook.function {
            Some(function) if scope.definers.contains(function) => None,
            Some(function) => {
                Some(Finding::new(Rule::TriggerDefiner, &object, format!("runs {function}"), &names))
            }
            None => Some(Finding::new(Rule::RewriteRule, &object, "rewrites statements", &names)),
        });
    }
    findings
}
