use std::collections::{BTreeSet, HashMap};

use super::catalog::Catalog;
use super::grants::Reach;
use super::relations::Relation;
use super::scope::PUBLIC_GRANTEE;
use super::{AuditScope, Finding, Rule};

/// Policies, with the functions that they call though marked IMMUTABLE and without a row's value to work on, or
/// reading a setting.
pub(super) const SQL: &str = r"
SELECT p.polrelid::bigint AS relation,
       pg_catalog.quote_ident(p.polname) AS quoted,
       p.polpermissive AS is_permissive,
       p.polcmd::text AS command,
       ARRAY (SELECT COALESCE(r.rolname::text, 'PUBLIC')
              FROM pg_catalog.unnest(p.polroles) AS named (id)
              LEFT JOIN pg_catalog.pg_roles r ON r.oid = named.id) AS roles,
       pg_catalog.pg_get_expr(p.polqual, p.polrelid) AS reads,
       pg_catalog.pg_get_expr(p.polwithcheck, p.polrelid) AS writes,
       ARRAY (SELECT DISTINCT pg_catalog.format('%I.%I(%s)', fn.nspname, f.proname,
                                                pg_catalog.pg_get_function_identity_arguments(f.oid))
              FROM pg_catalog.pg_depend d
              JOIN pg_catalog.pg_proc f ON f.oid = d.refobjid
              JOIN pg_catalog.pg_namespace fn ON fn.oid = f.pronamespace
              WHERE d.classid = 'pg_catalog.pg_policy'::pg_catalog.regclass AND d.objid = p.oid
                AND d.refclassid = 'pg_catalog.pg_proc'::pg_catalog.regclass
                AND f.provolatile = 'i'
                AND (f.pronargs = 0
                     OR CASE WHEN f.prokind = 'f'
                             THEN pg_catalog.pg_get_functiondef(f.oid) ~* 'current_setting' ELSE false END)
             ) AS frozen_functions
FROM pg_catalog.pg_policy p
JOIN pg_catalog.pg_class c ON c.oid = p.polrelid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE {in_scope}
ORDER BY p.polrelid, p.polname
";

#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Policy {
    relation: i64,
    quoted: String,
    is_permissive: bool,
    command: String,
    roles: Vec<String>,
    reads: Option<String>,
    writes: Option<String>,
    frozen_functions: Vec<String>,
}

impl Policy {
    fn holds_for(&self, role: &str) -> bool {
        self.roles.iter().any(|named| named == role || named == PUBLIC_GRANTEE)
    }

    fn is_of(&self, command: &str) -> bool {
        self.command == "*" || self.command == command
    }

    fn writes_rows(&self) -> bool {
        ["*", "a", "w"].contains(&self.command.as_str())
    }

    /// The conditions of which one must be a part of this policy's; `None` where its roles aren't bound to tenants.
    fn conditions<'a>(&self, scope: &'a AuditScope) -> Option<Vec<&'a str>> {
        let conditions = if self.holds_for(&scope.app) {
            vec![&scope.app_conditions]
        } else if self.holds_for(&scope.writer) {
            vec![&scope.writer_conditions, &scope.app_conditions]
        } else {
            return None;
        };
        Some(conditions.into_iter().flatten().map(String::as_str).collect())
    }
}

pub(super) fn judge(catalog: &Catalog, scope: &AuditScope) -> Vec<Finding> {
    let mut findings = Vec::new();
    for policy in &catalog.policies {
        let Some(table) = catalog.tenant_table(policy.relation, scope) else { continue };
        findings.extend(frozen(policy, table));
        if policy.is_permissive {
            findings.extend(bound(policy, table, scope));
        }
    }
    let reach = Reach::of(catalog);
    let mut permissive: HashMap<i64, Vec<&Policy>> = HashMap::new();
    for policy in catalog.policies.iter().filter(|policy| policy.is_permissive) {
        permissive.entry(policy.relation).or_default().push(policy);
    }
    for table in catalog.tenant_tables(scope).filter(|table| table.asks_policies()) {
        let policies = permissive.get(&table.id).map_or(&[][..], Vec::as_slice);
        findings.extend(doubled(policies, table, scope));
        findings.extend(missing(policies, table, scope, &reach));
    }
    findings
}

fn frozen<'a>(policy: &'a Policy, table: &'a Relation) -> impl Iterator<Item = Finding> + 'a {
    policy.frozen_functions.iter().map(|function| {
        let detail = format!("policy {} calls {function}, marked IMMUTABLE", policy.quoted);
        Finding::new(Rule::PolicyFrozen, &table.quoted, detail, &[("function", function)])
    })
}

/// What a permissive policy shows, and what it lets be written, is bound to the tenant.
///
/// A policy without `USING` shows nothing; one without `WITH CHECK` is checked by `USING`.
fn bound(policy: &Policy, table: &Relation, scope: &AuditScope) -> Vec<Finding> {
    let Some(conditions) = policy.conditions(scope) else { return Vec::new() };
    let condition = match conditions.first() {
        Some(_) if policy.holds_for(&scope.app) => scope.condition(),
        Some(first) => first,
        None => "(false)",
    };
    let names =
        [("policy", policy.quoted.as_str()), ("table", table.quoted.as_str()), ("condition", condition)];
    let finding = |rule, detail: String| Finding::new(rule, &table.quoted, detail, &names);
    let mut findings = Vec::new();
    if let Some(reads) = policy.reads.as_deref().filter(|reads| !is_bound(reads, &conditions)) {
        let detail = format!("policy {} for {} reads {}", policy.quoted, policy.roles.join(", "), why(reads));
        findings.push(finding(Rule::PolicyOpen, detail));
    }
    match &policy.writes {
        Some(writes) if !is_bound(writes, &conditions) => {
            let detail =
                format!("policy {} for {} checks {}", policy.quoted, policy.roles.join(", "), why(writes));
            findings.push(finding(Rule::PolicyCheckOpen, detail));
        }
        None if policy.writes_rows() && policy.reads.is_some() => {
            let detail = format!("policy {} has no WITH CHECK", policy.quoted);
            findings.push(finding(Rule::PolicyCheckMissing, detail));
        }
        Some(_) | None => {}
    }
    findings
}

fn why(expression: &str) -> String {
    let reason = if expression == "true" {
        "is true for every row"
    } else if parts(expression, " OR ").len() > 1 {
        "is joined by OR"
    } else if ["app.tenant_id", "app.write_tenants", "sealed_tenant()"]
        .iter()
        .any(|name| expression.contains(name))
    {
        "isn't the tenant's condition word for word"
    } else {
        "doesn't ask for the tenant"
    };
    format!("{expression}, which {reason}")
}

/// Whether the expression is one of the conditions, or several joined by AND of which one is.
fn is_bound(expression: &str, conditions: &[&str]) -> bool {
    conditions.contains(&expression)
        || parts(expression, " AND ").iter().any(|part| conditions.contains(part))
}

/// The parts of `(a AND b AND c)` that stand at its top level, where `joint` is ` AND `. Quoted text and names are
/// passed over, so that a literal can't pose as a part.
fn parts<'a>(expression: &'a str, joint: &str) -> Vec<&'a str> {
    let Some(inner) = expression.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')) else {
        return vec![expression];
    };
    let (mut depth, mut quote, mut start) = (0_usize, None, 0);
    let mut parts = Vec::new();
    for (at, character) in inner.char_indices() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '(') => depth += 1,
            (None, ')') => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return vec![expression],
            },
            (None, ' ') if depth == 0 && at >= start => {
                let Some(rest) = inner.get(at..) else { continue };
                if rest.starts_with(joint) {
                    parts.extend(inner.get(start..at));
                    start = at + joint.len();
                } else if [" AND ", " OR ", " THEN ", " WHEN ", " ELSE ", " BETWEEN "]
                    .iter()
                    .any(|other| rest.starts_with(other))
                {
                    return vec![expression];
                }
            }
            (None, _) => {}
        }
    }
    parts.extend(inner.get(start..));
    parts
}

fn doubled(policies: &[&Policy], table: &Relation, scope: &AuditScope) -> Vec<Finding> {
    let mut findings = Vec::new();
    for role in [&scope.app, &scope.writer] {
        let mut joined = BTreeSet::new();
        for command in ["r", "a", "w", "d"] {
            let holding: Vec<&&Policy> =
                policies.iter().filter(|policy| policy.is_of(command) && policy.holds_for(role)).collect();
            if holding.len() > 1 {
                joined.extend(holding.into_iter().map(|policy| policy.quoted.as_str()));
            }
        }
        if let Some(last) = joined.last() {
            let all = joined.iter().copied().collect::<Vec<_>>().join(", ");
            let names = [("policy", *last), ("table", table.quoted.as_str())];
            let detail = format!("policies {all} all hold for {role}");
            findings.push(Finding::new(Rule::PolicyDoubled, &table.quoted, detail, &names).in_words_only());
        }
    }
    findings
}

fn missing(policies: &[&Policy], table: &Relation, scope: &AuditScope, reach: &Reach<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for role in scope.logins() {
        let Some(quoted_role) = reach.rows_of(table.id, role) else { continue };
        if !policies.iter().any(|policy| policy.holds_for(role)) {
            let names = [("table", table.quoted.as_str()), ("role", quoted_role)];
            let detail = format!("no permissive policy holds for {role}");
            let finding = Finding::new(Rule::PolicyMissing, &table.quoted, detail, &names);
            findings.push(if role == scope.app() { finding.refusing() } else { finding });
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONDITION: &str = "(tenant_id = (f('a'::text))::uuid)";

    #[test]
    fn a_condition_binds_alone_and_behind_and() {
        for bound in [
            CONDITION.to_owned(),
            format!("({CONDITION} AND (id > 3))"),
            format!("((id > 3) AND {CONDITION} AND (name <> ' OR '::text))"),
            format!("({CONDITION} AND ((a = 1) OR (b = 2)))"),
        ] {
            assert!(is_bound(&bound, &[CONDITION]), "{bound}");
        }
    }

    #[test]
    fn a_condition_that_something_opens_does_not_bind() {
        for open in [
            "true".to_owned(),
            format!("({CONDITION} OR (id > 3))"),
            format!("(NOT {CONDITION})"),
            format!("(({CONDITION} AND (id > 3)) OR true)"),
            format!("((name = ' AND '::text) OR {CONDITION})"),
            format!("CASE WHEN a THEN {CONDITION} ELSE true END"),
            format!("((a = b) AND (('x'::text <> ' AND {CONDITION} AND '::text)))"),
            format!("({CONDITION} IS NOT NULL)"),
            format!("(EXISTS ( SELECT 1 FROM t WHERE {CONDITION}))"),
        ] {
            assert!(!is_bound(&open, &[CONDITION]), "{open}");
        }
    }
}
