use super::catalog::Catalog;
use super::scope::{PUBLIC_GRANTEE, Trust};
use super::{AuditScope, Finding, Rule};

/// What holds for the database as a whole: rights on it and its schemas, settings, defaults, publications, and ways
/// to other servers. Rows are (what, the object's quoted name, a first and a second name, grantee, relations).
pub(super) const SQL: &str = r"
WITH this AS (SELECT * FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database()),
grantee (id, name, quoted) AS (
    SELECT oid, rolname::text, pg_catalog.quote_ident(rolname) FROM pg_catalog.pg_roles WHERE rolname = ANY ($1::text[])
    UNION ALL SELECT 0, 'PUBLIC', 'PUBLIC'
)
SELECT 'owner' AS what, pg_catalog.quote_ident(this.datname) AS quoted, owner.rolname::text AS first, '' AS second,
       '' AS grantee, '' AS quoted_grantee, '{}'::bigint[] AS relations
FROM this JOIN pg_catalog.pg_roles owner ON owner.oid = this.datdba
UNION ALL
SELECT pg_catalog.lower(e.privilege_type), pg_catalog.quote_ident(this.datname),
       'DATABASE ' || pg_catalog.quote_ident(this.datname), '', g.name, g.quoted, '{}'
FROM this
CROSS JOIN LATERAL pg_catalog.aclexplode(COALESCE(this.datacl, pg_catalog.acldefault('d', this.datdba))) e
JOIN grantee g ON g.id = e.grantee
WHERE e.privilege_type IN ('TEMPORARY', 'CREATE') AND e.grantee <> this.datdba
UNION ALL
SELECT 'create', pg_catalog.quote_ident(n.nspname), 'SCHEMA ' || pg_catalog.quote_ident(n.nspname), '',
       g.name, g.quoted, '{}'
FROM pg_catalog.pg_namespace n
CROSS JOIN LATERAL pg_catalog.aclexplode(n.nspacl) e
JOIN grantee g ON g.id = e.grantee
WHERE e.privilege_type = 'CREATE' AND e.grantee <> n.nspowner AND n.nspname !~ '^pg_(temp|toast)'
UNION ALL
SELECT 'setting', pg_catalog.split_part(s.entry, '=', 1),
       CASE WHEN s.setrole = 0 AND s.setdatabase = 0 THEN 'ROLE ALL'
            WHEN s.setrole = 0 THEN 'DATABASE ' || pg_catalog.quote_ident(this.datname)
            WHEN s.setdatabase = 0 THEN 'ROLE ' || r.quoted
            ELSE 'ROLE ' || r.quoted || ' IN DATABASE ' || pg_catalog.quote_ident(this.datname) END,
       '', '', '', '{}'
FROM (SELECT setrole, setdatabase, pg_catalog.unnest(setconfig) AS entry FROM pg_catalog.pg_db_role_setting) s
CROSS JOIN this
LEFT JOIN grantee r ON r.id = s.setrole AND r.id <> 0
WHERE s.setdatabase IN (0, this.oid) AND (s.setrole = 0 OR r.id IS NOT NULL)
  AND pg_catalog.lower(pg_catalog.split_part(s.entry, '=', 1)) IN ('app.tenant_id', 'app.write_tenants')
  AND pg_catalog.split_part(s.entry, '=', 2) <> ''
UNION ALL
SELECT 'default',
       CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' ELSE 'SCHEMAS' END,
       pg_catalog.quote_ident(maker.rolname), COALESCE(' IN SCHEMA ' || pg_catalog.quote_ident(n.nspname), ''),
       'PUBLIC', 'PUBLIC', '{}'
FROM pg_catalog.pg_default_acl d
JOIN pg_catalog.pg_roles maker ON maker.oid = d.defaclrole
LEFT JOIN pg_catalog.pg_namespace n ON n.oid = d.defaclnamespace
WHERE d.defaclobjtype IN ('r', 'S', 'n')
  AND EXISTS (SELECT FROM pg_catalog.aclexplode(d.defaclacl) e WHERE e.grantee = 0)
UNION ALL
SELECT 'publication', pg_catalog.quote_ident(p.pubname), CASE WHEN p.puballtables THEN 'all' ELSE '' END, '', '', '',
       ARRAY (SELECT r.prrelid::bigint FROM pg_catalog.pg_publication_rel r WHERE r.prpubid = p.oid
              UNION
              SELECT c.oid::bigint FROM pg_catalog.pg_publication_namespace pn
              JOIN pg_catalog.pg_class c ON c.relnamespace = pn.pnnspid AND c.relkind IN ('r', 'p')
              WHERE pn.pnpubid = p.oid)
FROM pg_catalog.pg_publication p
UNION ALL
SELECT 'event trigger', pg_catalog.quote_ident(t.evtname), fn.nspname || '.' || f.proname, t.evtevent::text, '', '', '{}'
FROM pg_catalog.pg_event_trigger t
JOIN pg_catalog.pg_proc f ON f.oid = t.evtfoid
JOIN pg_catalog.pg_namespace fn ON fn.oid = f.pronamespace
WHERE t.evtenabled <> 'D'
  AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d
                  WHERE d.classid = 'pg_catalog.pg_event_trigger'::pg_catalog.regclass AND d.objid = t.oid
                    AND d.deptype = 'e')
UNION ALL
SELECT 'server', pg_catalog.quote_ident(s.srvname), 'USAGE ON FOREIGN SERVER ' || pg_catalog.quote_ident(s.srvname), '',
       g.name, g.quoted, '{}'
FROM pg_catalog.pg_foreign_server s
CROSS JOIN LATERAL pg_catalog.aclexplode(s.srvacl) e
JOIN grantee g ON g.id = e.grantee
WHERE e.grantee <> s.srvowner
UNION ALL
SELECT DISTINCT 'server', pg_catalog.quote_ident(x.extname),
       'EXECUTE ON ALL FUNCTIONS IN SCHEMA ' || pg_catalog.quote_ident(fn.nspname), '', g.name, g.quoted, '{}'::bigint[]
FROM pg_catalog.pg_extension x
JOIN pg_catalog.pg_depend d
  ON d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass AND d.refobjid = x.oid AND d.deptype = 'e'
 AND d.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
JOIN pg_catalog.pg_proc f ON f.oid = d.objid
JOIN pg_catalog.pg_namespace fn ON fn.oid = f.pronamespace
CROSS JOIN LATERAL pg_catalog.aclexplode(COALESCE(f.proacl, pg_catalog.acldefault('f', f.proowner))) e
JOIN grantee g ON g.id = e.grantee
WHERE x.extname IN ('dblink', 'http', 'pg_net') AND e.privilege_type = 'EXECUTE' AND e.grantee <> f.proowner
  AND $2::text[] IS NOT DISTINCT FROM $2::text[]
";

#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Surrounding {
    what: String,
    quoted: String,
    first: String,
    second: String,
    grantee: String,
    quoted_grantee: String,
    relations: Vec<i64>,
}

impl Surrounding {
    pub(super) fn database_owner(&self) -> Option<&str> {
        (self.what == "owner").then_some(self.first.as_str())
    }
}

pub(super) fn judge(catalog: &Catalog, scope: &AuditScope) -> Vec<Finding> {
    catalog.surroundings.iter().filter_map(|found| judged(found, catalog, scope)).collect()
}

fn judged(found: &Surrounding, catalog: &Catalog, scope: &AuditScope) -> Option<Finding> {
    let Surrounding { what, quoted, first, second, grantee, quoted_grantee, relations } = found;
    let is_login = grantee == PUBLIC_GRANTEE || scope.logins().contains(&grantee.as_str());
    let role = ("role", quoted_grantee.as_str());
    match what.as_str() {
        "temporary" if is_login => {
            let detail = format!("{grantee} may make temporary tables");
            let names = [("database", quoted.as_str()), role];
            let finding = Finding::new(Rule::TemporaryTables, quoted, detail, &names);
            Some(match scope.trust {
                Trust::Plain => finding,
                Trust::Sealed => finding.refusing(),
            })
        }
        "create" if is_login => {
            let detail = format!("{grantee} may create in {first}");
            Some(Finding::new(Rule::LoginMayCreate, quoted, detail, &[("place", first), role]))
        }
        "setting" => {
            let detail = format!("{quoted} is set for {first}");
            let names = [("whose", first.as_str()), ("setting", quoted)];
            Some(Finding::new(Rule::TenantByDefault, quoted, detail, &names))
        }
        "default" => {
            let detail =
                format!("PUBLIC has rights on the {} that {first} will make{second}", quoted.to_lowercase());
            let names = [("maker", first.as_str()), ("schema", second), ("kind", quoted)];
            Some(Finding::new(Rule::DefaultsToPublic, first, detail, &names))
        }
        "publication" => {
            let mut tables: Vec<&str> = catalog
                .tenant_tables(scope)
                .filter(|table| first == "all" || relations.contains(&table.id))
                .map(|table| table.quoted.as_str())
                .collect();
            tables.sort_unstable();
            let example = tables.first()?;
            let detail = match tables.len() {
                1 => format!("sends {example}"),
                count => format!("sends {example} and {} more", count - 1),
            };
            Some(Finding::new(Rule::Published, quoted, detail, &[("publication", quoted)]))
        }
        "event trigger" => {
            let detail = format!("runs {first} on {second}");
            Some(Finding::new(Rule::EventTrigger, quoted, detail, &[("trigger", quoted)]))
        }
        "server" if scope.is_bound(grantee) => {
            let detail = format!("{grantee} has {first}");
            Some(Finding::new(Rule::ReachesServers, quoted, detail, &[("right", first), role]))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(what: &str, quoted: &str, first: &str, second: &str, grantee: &str) -> Vec<(Rule, String)> {
        let surrounding = Surrounding {
            what: what.to_owned(),
            quoted: quoted.to_owned(),
            first: first.to_owned(),
            second: second.to_owned(),
            grantee: grantee.to_owned(),
            quoted_grantee: grantee.to_owned(),
            relations: Vec::new(),
        };
        let catalog = Catalog { surroundings: vec![surrounding], ..Catalog::default() };
        let scope = AuditScope::new("app", "writer", "admin", "door");
        judge(&catalog, &scope).into_iter().map(|finding| (finding.rule, finding.sql)).collect()
    }

    #[test]
    fn what_only_a_superuser_can_make_is_found() {
        assert_eq!(
            found("event trigger", "watch", "public.watch", "login", ""),
            [(Rule::EventTrigger, "DROP EVENT TRIGGER watch;".to_owned())]
        );
        let usage = "USAGE ON FOREIGN SERVER other";
        assert_eq!(
            found("server", "other", usage, "", "app"),
            [(Rule::ReachesServers, "REVOKE USAGE ON FOREIGN SERVER other FROM app;".to_owned())]
        );
        assert_eq!(found("server", "other", usage, "", "admin"), []);
        assert_eq!(
            found("setting", "app.tenant_id", "ROLE app IN DATABASE shop", "", ""),
            [(Rule::TenantByDefault, "ALTER ROLE app IN DATABASE shop RESET app.tenant_id;".to_owned())]
        );
    }
}
