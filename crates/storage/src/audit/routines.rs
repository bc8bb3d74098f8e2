use super::catalog::Catalog;
use super::scope::PUBLIC_GRANTEE;
use super::{AuditScope, Finding, Rule};

/// SECURITY DEFINER functions and procedures, and who of the four roles and PUBLIC may call them.
pub(super) const SQL: &str = r"
SELECT n.nspname || '.' || p.proname AS name,
       pg_catalog.quote_ident(n.nspname) AS quoted_schema,
       pg_catalog.format('%I.%I(%s)', n.nspname, p.proname,
                         pg_catalog.pg_get_function_identity_arguments(p.oid)) AS quoted,
       owner.rolname::text AS owner,
       owner.rolsuper OR owner.rolbypassrls AS owner_sees_all,
       (p.prorettype = 'pg_catalog.trigger'::pg_catalog.regtype) AS is_trigger,
       (SELECT pg_catalog.substr(s.setting, 13) FROM pg_catalog.unnest(p.proconfig) AS s (setting)
        WHERE s.setting LIKE 'search\_path=%') AS search_path,
       ARRAY (SELECT DISTINCT COALESCE(r.rolname::text, 'PUBLIC')
              FROM pg_catalog.aclexplode(COALESCE(p.proacl, pg_catalog.acldefault('f', p.proowner))) e
              LEFT JOIN pg_catalog.pg_roles r ON r.oid = e.grantee
              WHERE e.privilege_type = 'EXECUTE' AND e.grantee <> p.proowner
                AND (e.grantee = 0 OR r.rolname = ANY ($1::text[]))
              ORDER BY 1) AS callers,
       EXISTS (SELECT FROM pg_catalog.pg_depend d
               WHERE d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass AND d.objid = p.oid
                 AND d.deptype = 'e') AS is_of_extension
FROM pg_catalog.pg_proc p
JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
JOIN pg_catalog.pg_roles owner ON owner.oid = p.proowner
WHERE p.prosecdef AND {in_scope}
";

#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Routine {
    name: String,
    quoted_schema: String,
    quoted: String,
    owner: String,
    owner_sees_all: bool,
    is_trigger: bool,
    search_path: Option<String>,
    callers: Vec<String>,
    is_of_extension: bool,
}

impl Routine {
    /// Pinned, and such that a temporary table can't stand before what is meant: `pg_temp` last, or nothing on the
    /// path but PostgreSQL's own, so that every other name must be qualified.
    fn has_pinned_path(&self) -> bool {
        let Some(path) = &self.search_path else { return false };
        let schemas: Vec<&str> = path.split(',').map(|schema| schema.trim().trim_matches('"')).collect();
        let names_its_own_only = schemas.iter().all(|schema| schema.is_empty() || *schema == "pg_catalog");
        names_its_own_only || schemas.last() == Some(&"pg_temp") && !schemas.contains(&"$user")
    }
}

pub(super) fn judge(catalog: &Catalog, scope: &AuditScope) -> Vec<Finding> {
    let mut findings = Vec::new();
    for routine in &catalog.routines {
        let is_listed = scope.definers.contains(&routine.name);
        let callers: Vec<String> = routine
            .callers
            .iter()
            .filter(|caller| scope.is_bound(caller))
            .map(|caller| quoted(caller))
            .collect();
        let callers = callers.join(", ");
        let door = quoted(&scope.door);
        let names = [
            ("function", routine.quoted.as_str()),
            ("schema", routine.quoted_schema.as_str()),
            ("roles", callers.as_str()),
            ("door", door.as_str()),
        ];
        let finding = |rule, detail: String| Finding::new(rule, &routine.quoted, detail, &names);
        if is_listed && routine.owner != scope.door {
            findings.push(finding(Rule::DefinerNotOfDoor, format!("is owned by {}", routine.owner)));
        }
        if is_listed && routine.callers.iter().any(|caller| caller == PUBLIC_GRANTEE) {
            findings.push(finding(Rule::DefinerForPublic, "PUBLIC may call it".to_owned()));
        }
        if !is_listed && !callers.is_empty() && !routine.is_trigger {
            let sight = if routine.owner_sees_all { ", who sees every row" } else { "" };
            let detail = format!("runs as {}{sight}; {callers} may call it", routine.owner);
            findings.push(finding(Rule::DefinerNotListed, detail));
        }
        let is_reached = is_listed || routine.is_trigger || !routine.callers.is_empty();
        if is_reached && !routine.is_of_extension && !routine.has_pinned_path() {
            let path = routine.search_path.as_deref().map_or_else(
                || "its search_path isn't pinned".to_owned(),
                |path| format!("its search_path is {path}"),
            );
            findings.push(finding(Rule::DefinerSearchPath, path));
        }
    }
    findings
}

fn quoted(role: &str) -> String {
    if role == PUBLIC_GRANTEE { role.to_owned() } else { format!("\"{}\"", role.replace('"', "\"\"")) }
}
