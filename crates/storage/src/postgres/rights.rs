//! Who may do what: the grants and policies of the library's own tables, written anew by every migration.

use std::fmt::Write as _;

use super::Roles;

/// The tables of one tenant each, and what the writer may do to them.
const TENANT_TABLES: &[(&str, &str)] = &[
    ("tenantry.tenantry_realms", "SELECT, INSERT, UPDATE, DELETE"),
    ("tenantry.tenantry_tenants", "SELECT, INSERT, UPDATE, DELETE"),
    ("tenantry.tenantry_users", "SELECT, INSERT, UPDATE, DELETE"),
    ("tenantry.tenantry_memberships", "SELECT, INSERT, UPDATE, DELETE"),
    ("tenantry.tenantry_roles", "SELECT, INSERT, UPDATE, DELETE"),
    ("tenantry.tenantry_teams", "SELECT, INSERT, UPDATE, DELETE"),
    ("tenantry.tenantry_team_members", "SELECT, INSERT, UPDATE, DELETE"),
    ("tenantry.tenantry_service_accounts", "SELECT, INSERT, UPDATE, DELETE"),
    ("tenantry.tenantry_api_keys", "SELECT, INSERT, UPDATE, DELETE"),
    ("tenantry.tenantry_assignments", "SELECT, INSERT, UPDATE, DELETE"),
    ("tenantry.tenantry_usage", "SELECT, INSERT, UPDATE"),
    ("tenantry.tenantry_orders", "SELECT, INSERT, UPDATE, DELETE"),
    ("tenantry.tenantry_order_sides", "SELECT, INSERT, UPDATE, DELETE"),
    ("tenantry.tenantry_entries", "SELECT, INSERT"),
    ("tenantry.tenantry_account_balances", "SELECT, INSERT, UPDATE"),
    ("tenantry.tenantry_statement_lines", "SELECT, INSERT"),
    ("tenantry.tenantry_party_balances", "SELECT, INSERT, UPDATE"),
    ("tenantry.tenantry_inbox", "SELECT, INSERT, UPDATE, DELETE"),
    ("tenantry.tenantry_keys", "SELECT, INSERT, UPDATE, DELETE"),
    ("tenantry.tenantry_audit", "SELECT, INSERT, UPDATE (seq, hash)"),
    ("tenantry.tenantry_events", "SELECT, INSERT, UPDATE (seq)"),
    ("tenantry.tenantry_streams", "SELECT, INSERT, UPDATE"),
    ("tenantry.tenantry_history", ""),
];

/// What the door may do to tables of the transaction's tenant.
const DOOR_TABLES: &[(&str, &str)] = &[
    ("tenantry.tenantry_tenants", "SELECT, UPDATE (version)"),
    ("tenantry.tenantry_memberships", "SELECT"),
    ("tenantry.tenantry_usage", "SELECT, INSERT, UPDATE"),
    ("tenantry.tenantry_keys", "SELECT, INSERT, UPDATE, DELETE"),
    ("tenantry.tenantry_audit", "INSERT"),
    ("tenantry.tenantry_events", "INSERT"),
];

/// What the door reads of the tenants above the transaction's: how somebody belongs to them, and what descends from them.
const TABLES_ABOVE: &[&str] = &[
    "tenantry.tenantry_tenants",
    "tenantry.tenantry_memberships",
    "tenantry.tenantry_roles",
    "tenantry.tenantry_teams",
    "tenantry.tenantry_team_members",
    "tenantry.tenantry_service_accounts",
    "tenantry.tenantry_api_keys",
    "tenantry.tenantry_assignments",
];

/// What the door may read of users.
const ALL_BUT_SECRET: &str = "SELECT (tenant_id, user_id, realm_id, email, name, version, created_at)";

/// The tables that are read before a tenant is known, and what the writer may do to them.
const DIRECTORY_TABLES: &[(&str, &str)] = &[
    ("tenantry_directory.tenantry_slugs", "SELECT, INSERT, UPDATE, DELETE"),
    ("tenantry_directory.tenantry_emails", "SELECT, INSERT, UPDATE, DELETE"),
    ("tenantry_directory.tenantry_lineages", "SELECT, INSERT, DELETE"),
    ("tenantry_directory.tenantry_work", "SELECT, INSERT, UPDATE, DELETE"),
    ("tenantry_directory.tenantry_changes", "SELECT, INSERT, DELETE"),
];

/// The functions that the application's login may call.
const LOOK_UPS: &[&str] = &[
    "tenantry_directory.tenant_of_slug(text)",
    "tenantry_directory.user_of_email(uuid, text)",
    "tenantry.children(text, bigint)",
    "tenantry.member_user(uuid)",
    "tenantry.facts_above(text, uuid)",
    "tenantry.principals_above(text, uuid, bigint)",
    "tenantry.join_batch(text, bytea)",
    "tenantry.sealed_tenant()",
];

/// The functions that only other functions and triggers call.
const INNER_FUNCTIONS: &[&str] = &[
    "tenantry.record_history()",
    "tenantry.sealing_mac(bytea)",
    "tenantry.stored_answer(uuid, jsonb, bigint)",
];

const OF_BATCH: &str = "tenant_id IN (SELECT unnest(string_to_array(NULLIF(current_setting(\
                        'app.write_tenants', true), ''), ',')::uuid[]))";

/// The tenant of a transaction, as a policy or a function of the library's asks for it.
pub(super) fn tenant(is_sealed: bool) -> &'static str {
    if is_sealed {
        "(SELECT tenantry.sealed_tenant())"
    } else {
        "NULLIF(current_setting('app.tenant_id', true), '')::uuid"
    }
}

/// The definer functions, for these roles.
pub(super) fn doors(roles: &Roles, is_sealed: bool) -> String {
    include_str!("schema/doors.sql")
        .replace("{tenant}", tenant(is_sealed))
        .replace("{is_sealed}", if is_sealed { "true" } else { "false" })
        .replace("{door}", &roles.door())
}

/// Every grant and policy on what is the library's: takes away what was, gives what is to be.
pub(super) fn grants(roles: &Roles, is_sealed: bool) -> String {
    let mut sql = Sql(String::new());
    let (app, writer, admin, door) = (roles.app(), roles.writer(), roles.admin(), roles.door());
    let own = format!("tenant_id = {}", tenant(is_sealed));
    sql.run(&format!(
        "GRANT USAGE ON SCHEMA tenantry, tenantry_directory TO {app}, {writer}, {admin}, {door}"
    ));
    for (table, writes) in TENANT_TABLES {
        sql.secure(table, roles);
        sql.policy(table, "tenantry_app", "SELECT", app, &own);
        sql.grant("SELECT", table, app);
        sql.policy(table, "tenantry_writer", "ALL", writer, OF_BATCH);
        sql.grant(writes, table, writer);
        sql.policy(table, "tenantry_admin", "ALL", admin, "true");
        sql.grant("SELECT", table, admin);
    }
    sql.grant("INSERT", "tenantry.tenantry_audit", admin);
    for (table, rights) in DOOR_TABLES {
        sql.policy(table, "tenantry_door", "ALL", &door, &own);
        sql.grant(rights, table, &door);
    }
    let lineages = "tenantry_directory.tenantry_lineages";
    let above = format!(
        "tenant_id IN (SELECT unnest(string_to_array(above, ' ')::uuid[]) FROM {lineages} WHERE {own})"
    );
    for table in TABLES_ABOVE {
        sql.policy(table, "tenantry_above", "SELECT", &door, &above);
        sql.grant("SELECT", table, &door);
    }
    let parent = format!("parent_id = {}", tenant(is_sealed));
    sql.policy("tenantry.tenantry_tenants", "tenantry_children", "SELECT", &door, &parent);
    sql.policy("tenantry.tenantry_history", "tenantry_door", "INSERT", &door, "true");
    sql.grant("INSERT", "tenantry.tenantry_history", &door);
    let of_members = format!(
        "(realm_id, user_id) IN (SELECT realm_id, user_id FROM tenantry.tenantry_memberships WHERE {own})"
    );
    sql.policy("tenantry.tenantry_users", "tenantry_door", "SELECT", &door, &of_members);
    sql.grant(ALL_BUT_SECRET, "tenantry.tenantry_users", &door);
    for (table, writes) in DIRECTORY_TABLES {
        sql.secure(table, roles);
        sql.policy(table, "tenantry_writer", "ALL", writer, OF_BATCH);
        sql.grant(writes, table, writer);
        sql.policy(table, "tenantry_admin", "ALL", admin, "true");
        sql.grant("SELECT", table, admin);
    }
    for table in ["tenantry_directory.tenantry_slugs", "tenantry_directory.tenantry_emails"] {
        sql.policy(table, "tenantry_names", "SELECT", writer, "true");
        sql.policy(table, "tenantry_door", "SELECT", &door, "true");
        sql.grant("SELECT", table, &door);
    }
    sql.policy(lineages, "tenantry_door", "SELECT", &door, &own);
    sql.grant("SELECT", lineages, &door);
    let changes = "tenantry_directory.tenantry_changes";
    sql.policy(changes, "tenantry_polled", "SELECT", writer, "true");
    sql.grant("UPDATE", "tenantry_directory.tenantry_work", admin);
    sql.run(&format!("GRANT USAGE ON SEQUENCE tenantry_directory.tenantry_fence TO {writer}, {admin}"));
    for table in ["tenantry_settings", "tenantry_migrations"] {
        sql.run(&format!("GRANT SELECT ON tenantry_directory.{table} TO {app}, {writer}, {admin}"));
    }
    for function in LOOK_UPS.iter().chain(INNER_FUNCTIONS) {
        sql.run(&format!("REVOKE ALL ON FUNCTION {function} FROM PUBLIC"));
    }
    sql.run("GRANT EXECUTE ON FUNCTION tenantry.record_history() TO CURRENT_USER");
    for function in LOOK_UPS {
        sql.run(&format!("GRANT EXECUTE ON FUNCTION {function} TO {app}"));
    }
    sql.0
}

/// Hands the definer functions and the key's table to the door. Who runs it must be a member of the door.
pub(super) fn owners(roles: &Roles) -> String {
    let mut sql = Sql(String::new());
    let door = roles.door();
    sql.run(&format!("GRANT CREATE ON SCHEMA tenantry, tenantry_directory TO {door}"));
    for function in LOOK_UPS.iter().chain(INNER_FUNCTIONS) {
        sql.run(&format!("ALTER FUNCTION {function} OWNER TO {door}"));
    }
    sql.run(&format!("ALTER TABLE tenantry_directory.tenantry_sealing_key OWNER TO {door}"));
    sql.run(&format!("REVOKE CREATE ON SCHEMA tenantry, tenantry_directory FROM {door}"));
    sql.0
}

struct Sql(String);

impl Sql {
    fn run(&mut self, statement: &str) {
        self.0.push_str(statement);
        self.0.push_str(";\n");
    }

    fn grant(&mut self, rights: &str, table: &str, to: impl std::fmt::Display) {
        if !rights.is_empty() {
            self.run(&format!("GRANT {rights} ON {table} TO {to}"));
        }
    }

    /// Nobody has any right, and no row is seen, until a grant and a policy say otherwise.
    fn secure(&mut self, table: &str, roles: &Roles) {
        let (app, writer, admin, door) = (roles.app(), roles.writer(), roles.admin(), roles.door());
        self.run(&format!("ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"));
        self.run(&format!("REVOKE ALL ON {table} FROM PUBLIC, {app}, {writer}, {admin}, {door}"));
    }

    fn policy(
        &mut self,
        table: &str,
        name: &str,
        command: &str,
        to: impl std::fmt::Display,
        predicate: &str,
    ) {
        let (using, check) = match command {
            "INSERT" => (String::new(), format!(" WITH CHECK ({predicate})")),
            "SELECT" | "DELETE" => (format!(" USING ({predicate})"), String::new()),
            _ => (format!(" USING ({predicate})"), format!(" WITH CHECK ({predicate})")),
        };
        let written = writeln!(
            self.0,
            "DROP POLICY IF EXISTS {name} ON {table};\n\
             CREATE POLICY {name} ON {table} FOR {command} TO {to}{using}{check};"
        );
        debug_assert!(written.is_ok(), "a string takes everything");
    }
}
