use std::collections::BTreeMap;

use super::catalog::Catalog;
use super::surroundings::Surrounding;
use super::{AuditScope, Finding, Rule};

/// Each role of the audit with each role that it can become or has the rights of, itself included.
///
/// Before PostgreSQL 16 a membership has no options: it always lets its holder become the role.
pub(super) const SQL: &str = r"
WITH RECURSIVE membership AS (
    SELECT m.member, m.roleid,
           COALESCE((pg_catalog.to_jsonb(m) ->> 'inherit_option')::boolean, true)
        OR COALESCE((pg_catalog.to_jsonb(m) ->> 'set_option')::boolean, true) AS is_used,
           m.admin_option AS is_passed_on
    FROM pg_catalog.pg_auth_members m
),
reached (login, role) AS (
    SELECT r.oid, r.oid FROM pg_catalog.pg_roles r WHERE r.rolname = ANY ($1::text[])
    UNION
    SELECT reached.login, m.roleid
    FROM reached JOIN membership m ON m.member = reached.role AND (m.is_used OR m.is_passed_on)
)
SELECT login.rolname::text AS login,
       role.rolname::text AS role,
       pg_catalog.quote_ident(login.rolname) AS quoted_login,
       pg_catalog.quote_ident(role.rolname) AS quoted_role,
       role.rolsuper AS is_superuser,
       role.rolbypassrls AS bypasses,
       role.rolcreaterole AS makes_roles,
       role.rolcreatedb AS makes_databases,
       role.rolreplication AS replicates,
       role.rolcanlogin AS logs_in,
       (role.oid < 16384 AND role.rolname ~ '^pg_') AS is_predefined,
       EXISTS (
           SELECT FROM pg_catalog.pg_shdepend d
           WHERE d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND d.refobjid = role.oid
             AND d.deptype IN ('o', 'a', 'r')
             AND d.dbid IN (0, (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
       ) AS has_rights,
       ARRAY (
           SELECT pg_catalog.quote_ident(member.rolname)
           FROM membership m JOIN pg_catalog.pg_roles member ON member.oid = m.member
           WHERE m.roleid = role.oid AND m.is_used AND login.oid = role.oid
             AND NOT member.rolsuper AND member.rolname <> ALL ($1::text[])
             AND NOT EXISTS (
                 SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
                 WHERE c.relowner = member.oid AND c.relkind IN ('r', 'p') AND {in_scope}
             )
             AND NOT EXISTS (
                 SELECT FROM pg_catalog.pg_database d
                 WHERE d.datdba = member.oid AND d.datname = pg_catalog.current_database()
             )
           ORDER BY 1
       ) AS quoted_members
FROM reached
JOIN pg_catalog.pg_roles login ON login.oid = reached.login
JOIN pg_catalog.pg_roles role ON role.oid = reached.role
";

/// What the logins own here. Left out are other sessions' temporary tables, which have a rule of their own; the door's
/// role, as owning functions is what it is for; and default privileges and large objects, which every login may make
/// whatever it is denied: injected SQL could otherwise keep a service from starting.
pub(super) const OWNERSHIPS_SQL: &str = r"
SELECT r.rolname::text AS role,
       pg_catalog.quote_ident(r.rolname) AS quoted_role,
       pg_catalog.count(*) AS objects,
       pg_catalog.min(pg_catalog.pg_describe_object(d.classid, d.objid, d.objsubid)) AS example
FROM pg_catalog.pg_shdepend d
JOIN pg_catalog.pg_roles r ON r.oid = d.refobjid
WHERE d.refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND d.deptype = 'o'
  AND r.rolname = ANY (($1::text[])[1:3])
  AND d.classid NOT IN ('pg_catalog.pg_default_acl'::pg_catalog.regclass,
                        'pg_catalog.pg_largeobject'::pg_catalog.regclass)
  AND (d.dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
       OR d.dbid = 0 AND d.classid = 'pg_catalog.pg_database'::pg_catalog.regclass
          AND d.objid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()))
  AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_class c
      WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND c.oid = d.objid AND c.relpersistence = 't'
  )
  AND $2::text[] IS NOT DISTINCT FROM $2::text[]
GROUP BY r.rolname
";

/// Roles of PostgreSQL's own that give no sight of rows, files, statements or settings.
const HARMLESS: [&str; 4] =
    ["pg_checkpoint", "pg_use_reserved_connections", "pg_signal_autovacuum_worker", "pg_database_owner"];

#[derive(Debug, Clone, Default, sqlx::FromRow)]
pub(super) struct Login {
    pub(super) login: String,
    pub(super) role: String,
    quoted_login: String,
    quoted_role: String,
    is_superuser: bool,
    bypasses: bool,
    makes_roles: bool,
    makes_databases: bool,
    replicates: bool,
    logs_in: bool,
    is_predefined: bool,
    has_rights: bool,
    quoted_members: Vec<String>,
}

impl Login {
    fn is_itself(&self) -> bool {
        self.login == self.role
    }

    fn has_power(&self) -> bool {
        self.is_superuser || self.bypasses || self.makes_roles || self.replicates
    }
}

#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Ownership {
    role: String,
    quoted_role: String,
    objects: i64,
    example: String,
}

pub(super) fn judge(catalog: &Catalog, scope: &AuditScope) -> Vec<Finding> {
    let mut findings = names(catalog, scope);
    for login in &catalog.logins {
        if login.is_itself() {
            findings.extend(attributes(login, scope));
        } else {
            findings.extend(membership(login, scope));
        }
    }
    let owner =
        catalog.owner(scope).or_else(|| catalog.surroundings.iter().find_map(Surrounding::database_owner));
    for owned in &catalog.ownerships {
        let detail = match owned.objects {
            1 => format!("owns {}", owned.example),
            objects => format!("owns {} and {} more", owned.example, objects - 1),
        };
        let quoted_owner = owner.map_or_else(|| "<owner>".to_owned(), quoted);
        let names = [("role", owned.quoted_role.as_str()), ("owner", quoted_owner.as_str())];
        findings.push(Finding::new(Rule::LoginOwns, &owned.role, detail, &names));
    }
    findings
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn names(catalog: &Catalog, scope: &AuditScope) -> Vec<Finding> {
    let mut uses: BTreeMap<String, usize> = BTreeMap::new();
    for role in scope.roles() {
        *uses.entry(role).or_default() += 1;
    }
    let mut findings = Vec::new();
    for (role, uses) in uses {
        if !catalog.logins.iter().any(|login| login.login == role) {
            let sql = [("role", quoted(&role))];
            let names = sql.each_ref().map(|(name, value)| (*name, value.as_str()));
            findings.push(Finding::new(Rule::LoginMissing, &role, "there is no such role", &names));
        }
        if uses > 1 {
            findings.push(Finding::new(
                Rule::LoginsShared,
                &role,
                format!("is {uses} of the four roles"),
                &[],
            ));
        }
    }
    findings
}

fn attributes(login: &Login, scope: &AuditScope) -> Vec<Finding> {
    let is_door = login.login == scope.door && !scope.logins().contains(&login.login.as_str());
    let kept = [
        (login.is_superuser, Rule::LoginSuperuser, "is a superuser"),
        (login.bypasses, Rule::LoginBypasses, "has BYPASSRLS"),
        (login.replicates, Rule::LoginReplicates, "has REPLICATION"),
        (login.makes_roles, Rule::LoginMakesRoles, "has CREATEROLE"),
        (login.makes_databases, Rule::LoginMakesDatabases, "has CREATEDB"),
        (is_door && login.logs_in, Rule::DoorLogsIn, "has LOGIN"),
    ];
    let role = login.quoted_login.as_str();
    let mut findings: Vec<Finding> = kept
        .into_iter()
        .filter(|(holds, ..)| *holds)
        .map(|(_, rule, detail)| Finding::new(rule, &login.login, detail, &[("role", role)]))
        .collect();
    for member in &login.quoted_members {
        let names = [("role", role), ("member", member.as_str())];
        let detail = format!("{member} is a member of it");
        findings.push(Finding::new(Rule::LoginHasMembers, &login.login, detail, &names));
    }
    findings
}

fn membership(login: &Login, scope: &AuditScope) -> Option<Finding> {
    let names = [("role", login.quoted_login.as_str()), ("granted", login.quoted_role.as_str())];
    let detail = format!("is a member of {}", login.quoted_role);
    if login.is_predefined {
        return (!HARMLESS.contains(&login.role.as_str()))
            .then(|| Finding::new(Rule::LoginHasServerPower, &login.login, detail, &names));
    }
    let is_named = scope.roles().contains(&login.role);
    (is_named || login.has_power() || login.has_rights)
        .then(|| Finding::new(Rule::LoginIsMember, &login.login, detail, &names))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope() -> AuditScope {
        AuditScope::new("app", "writer", "admin", "door")
    }

    fn catalog(changed: Login) -> Catalog {
        let mut logins: Vec<Login> = ["app", "writer", "admin", "door"]
            .map(|name| Login {
                login: name.to_owned(),
                role: name.to_owned(),
                quoted_login: name.to_owned(),
                quoted_role: name.to_owned(),
                logs_in: name != "door",
                ..Login::default()
            })
            .into();
        logins.retain(|login| login.login != changed.login || !changed.is_itself());
        logins.push(changed);
        Catalog { logins, ..Catalog::default() }
    }

    fn app() -> Login {
        Login {
            login: "app".to_owned(),
            role: "app".to_owned(),
            quoted_login: "app".to_owned(),
            logs_in: true,
            ..Login::default()
        }
    }

    fn found(changed: Login) -> Vec<(Rule, String)> {
        let report = catalog(changed).judge(&scope());
        report.findings.into_iter().map(|finding| (finding.rule, finding.sql)).collect()
    }

    #[test]
    fn what_only_a_superuser_can_give_is_found() {
        assert_eq!(found(app()), []);
        let cases = [
            (Login { is_superuser: true, ..app() }, Rule::LoginSuperuser, "ALTER ROLE app NOSUPERUSER;"),
            (Login { bypasses: true, ..app() }, Rule::LoginBypasses, "ALTER ROLE app NOBYPASSRLS;"),
            (Login { replicates: true, ..app() }, Rule::LoginReplicates, "ALTER ROLE app NOREPLICATION;"),
        ];
        for (changed, rule, sql) in cases {
            assert_eq!(found(changed), [(rule, sql.to_owned())]);
        }
    }

    #[test]
    fn a_group_without_rights_is_left_alone() {
        let group = Login { role: "people".to_owned(), quoted_role: "people".to_owned(), ..app() };
        assert_eq!(found(group.clone()), []);
        let with_rights = Login { has_rights: true, ..group };
        assert_eq!(found(with_rights), [(Rule::LoginIsMember, "REVOKE people FROM app;".to_owned())]);
    }

    #[test]
    fn a_role_of_postgresqls_own_is_found_if_it_sees_anything() {
        let of = |role: &str| Login {
            role: role.to_owned(),
            quoted_role: role.to_owned(),
            is_predefined: true,
            ..app()
        };
        let expected = (Rule::LoginHasServerPower, "REVOKE pg_read_all_data FROM app;".to_owned());
        assert_eq!(found(of("pg_read_all_data")), [expected]);
        assert_eq!(found(of("pg_checkpoint")), []);
    }

    #[test]
    fn a_role_used_twice_or_missing_is_named() {
        let twice = AuditScope::new("app", "app", "admin", "gone");
        let report = catalog(app()).judge(&twice);
        let found: Vec<_> =
            report.findings.iter().map(|finding| (finding.rule, finding.object.as_str())).collect();
        assert_eq!(found, [(Rule::LoginMissing, "gone"), (Rule::LoginsShared, "app")]);
    }
}
