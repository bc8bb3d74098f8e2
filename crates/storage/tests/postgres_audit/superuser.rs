//! What only a superuser can break: `SUPERUSER_DATABASE_URL` is the address of the server of `DATABASE_URL` as one.

use std::str::FromStr as _;

use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgConnectOptions, PgPool};
use tenantry_storage::{AuditScope, Rule, audit};

use super::stage::{Stage, rules};

/// The rules that are broken in this file, in `reports.rs`, and beside the rules' own code.
pub(crate) const BROKEN_ELSEWHERE: [Rule; 10] = [
    Rule::LoginMissing,
    Rule::LoginsShared,
    Rule::LoginSuperuser,
    Rule::LoginBypasses,
    Rule::LoginReplicates,
    Rule::LoginHasServerPower,
    Rule::TenantByDefault,
    Rule::ForeignTable,
    Rule::EventTrigger,
    Rule::ReachesServers,
];

#[tokio::test]
async fn the_servers_own_superuser_is_refused_as_a_login() {
    let stage = Stage::set().await;
    let superuser: String = sqlx::query_scalar("SELECT rolname::text FROM pg_roles WHERE oid = 10")
        .fetch_one(&stage.owner)
        .await
        .unwrap();
    let scope =
        AuditScope::new(stage.named("{app}"), stage.named("{writer}"), &superuser, stage.named("{door}"));
    let report = audit(&stage.app, &scope).await.unwrap();
    let found: Vec<Rule> = report
        .findings
        .iter()
        .filter(|finding| finding.object == superuser)
        .map(|finding| finding.rule)
        .collect();
    for rule in [Rule::LoginSuperuser, Rule::LoginBypasses, Rule::LoginReplicates, Rule::LoginMakesRoles] {
        assert!(found.contains(&rule), "{rule}: {report}");
    }
    stage.clear().await;
}

/// A rule, its object, what breaks it, the rules that this implies, and what clears it away after the mend.
type Case = (Rule, &'static str, &'static str, &'static [Rule], &'static str);

const CASES: [Case; 13] = [
    (Rule::LoginSuperuser, "{writer}", "ALTER ROLE {writer} SUPERUSER", &[], ""),
    (Rule::LoginBypasses, "{door}", "ALTER ROLE {door} BYPASSRLS", &[], ""),
    (Rule::LoginReplicates, "{app}", "ALTER ROLE {app} REPLICATION", &[], ""),
    (Rule::LoginHasServerPower, "{app}", "GRANT pg_read_all_data TO {app}", &[], ""),
    (
        Rule::TenantByDefault,
        "app.tenant_id",
        "ALTER ROLE {app} IN DATABASE {db} SET app.tenant_id = '0192b0a0-0000-7000-8000-000000000000'",
        &[],
        "",
    ),
    (
        Rule::TenantByDefault,
        "app.write_tenants",
        "ALTER DATABASE {db} SET app.write_tenants = '0192b0a0-0000-7000-8000-000000000000'",
        &[],
        "",
    ),
    (
        Rule::EventTrigger,
        "watch",
        "CREATE FUNCTION public.watch() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
         CREATE EVENT TRIGGER watch ON ddl_command_end EXECUTE FUNCTION public.watch()",
        &[],
        "DROP FUNCTION public.watch()",
    ),
    (
        Rule::ReachesServers,
        "far",
        "CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER far FOREIGN DATA WRAPPER nothing;
         GRANT USAGE ON FOREIGN SERVER far TO {app}",
        &[],
        "DROP SERVER far; DROP FOREIGN DATA WRAPPER nothing",
    ),
    (
        Rule::ForeignTable,
        "public.far_things",
        "CREATE FOREIGN DATA WRAPPER nothing; CREATE SERVER far FOREIGN DATA WRAPPER nothing;
         CREATE FOREIGN TABLE public.far_things (tenant_id uuid) SERVER far; GRANT SELECT ON public.far_things TO {app}",
        &[],
        "DROP SERVER far CASCADE; DROP FOREIGN DATA WRAPPER nothing",
    ),
    (
        Rule::ViewDefiner,
        "public.everyones",
        "CREATE VIEW public.everyones AS SELECT * FROM public.listings; GRANT SELECT ON public.everyones TO {app}",
        &[],
        "DROP VIEW public.everyones",
    ),
    (
        Rule::DefinerNotListed,
        "public.as_superuser()",
        "CREATE FUNCTION public.as_superuser() RETURNS bigint LANGUAGE sql SECURITY DEFINER
             SET search_path = pg_catalog, pg_temp AS 'SELECT 1::bigint'",
        &[],
        "DROP FUNCTION public.as_superuser()",
    ),
    (
        Rule::LoginMayCreate,
        "pg_catalog",
        "GRANT CREATE ON SCHEMA pg_catalog TO {app}",
        &[],
        "",
    ),
    (Rule::Published, "everything", "CREATE PUBLICATION everything FOR ALL TABLES", &[], ""),
];

#[tokio::test]
async fn each_rule_that_a_superuser_can_break_is_named_and_mended() {
    let url = std::env::var("SUPERUSER_DATABASE_URL").expect(
        "SUPERUSER_DATABASE_URL is the server of DATABASE_URL as a superuser: `cargo xtask test` sets it",
    );
    let stage = Stage::set().await;
    let options = PgConnectOptions::from_str(&url).unwrap().database(&stage.named("{db}"));
    let superuser = PgPool::connect_lazy_with(options);
    let run = async |sql: &str| {
        let done = sqlx::raw_sql(AssertSqlSafe(stage.named(sql))).execute(&superuser).await;
        assert!(done.is_ok(), "{sql}: {done:?}");
    };
    for (rule, object, sql, implied, undo) in CASES {
        let object = stage.named(object);
        run(sql).await;
        let report = stage.audit().await;
        let finding = report.findings.iter().find(|finding| finding.rule == rule && finding.object == object);
        let finding = finding.unwrap_or_else(|| panic!("{rule} of {object}:\n{report}"));
        let unexpected = rules(&report).into_iter().find(|found| *found != rule && !implied.contains(found));
        assert_eq!(unexpected, None, "{report}");
        run(&finding.sql).await;
        let after = stage.audit().await;
        assert!(
            !after.findings.iter().any(|found| found.rule == rule),
            "{rule} stays after {}:\n{after}",
            finding.sql
        );
        if !undo.is_empty() {
            run(undo).await;
        }
        let report = stage.audit().await;
        assert!(report.is_clean(), "after {rule}:\n{report}");
    }
    println!("{} breaks by a superuser", CASES.len());
    superuser.close().await;
    stage.clear().await;
}
