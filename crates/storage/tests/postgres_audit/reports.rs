use std::future::poll_fn;
use std::task::Poll;

use sqlx::postgres::PgPoolOptions;
use tenantry_storage::{AuditScope, Rule, Severity, audit};

use super::stage::{Stage, rules};

#[tokio::test]
async fn in_sealed_mode_a_policy_that_believes_the_setting_is_open_and_temporary_tables_refuse() {
    let stage = Stage::set().await;
    stage.run("GRANT TEMPORARY ON DATABASE {db} TO {app}").await;
    let plain = stage.audit().await;
    assert!(plain.may_serve(), "{plain}");
    assert_eq!(plain.warnings().map(|finding| finding.rule).collect::<Vec<_>>(), [Rule::TemporaryTables]);

    let sealed = audit(&stage.app, &stage.scope().sealed()).await.unwrap();
    let temporary = sealed.findings.iter().find(|finding| finding.rule == Rule::TemporaryTables).unwrap();
    assert_eq!(temporary.severity, Severity::Refuses);
    let open: Vec<_> = sealed
        .refusals()
        .filter(|finding| finding.rule == Rule::PolicyOpen)
        .map(|finding| &finding.object)
        .collect();
    let tables = [
        "public.listings",
        "public.offers",
        "public.visits",
        "tenantry.tenantry_orders",
        "tenantry.tenantry_tenants",
    ];
    assert_eq!(open, tables);

    stage.run("REVOKE TEMPORARY ON DATABASE {db} FROM {app}").await;
    for table in tables {
        let check = if table.starts_with("tenantry.") {
            ""
        } else {
            " WITH CHECK (tenant_id = (SELECT tenantry.sealed_tenant()))"
        };
        stage
            .run(&format!("ALTER POLICY tenantry_app ON {table} USING (tenant_id = (SELECT tenantry.sealed_tenant())){check}"))
            .await;
    }
    let sealed = audit(&stage.app, &stage.scope().sealed()).await.unwrap();
    assert!(sealed.is_clean(), "{sealed}");
    stage.clear().await;
}

#[tokio::test]
async fn a_sealed_function_of_the_same_name_elsewhere_does_not_bind() {
    let stage = Stage::set().await;
    stage
        .run(
            "CREATE FUNCTION public.sealed_tenant() RETURNS uuid LANGUAGE sql STABLE AS 'SELECT NULL::uuid';
             ALTER POLICY tenantry_app ON public.offers USING (tenant_id = (SELECT public.sealed_tenant()))",
        )
        .await;
    assert_eq!(rules(&stage.audit().await), [Rule::PolicyOpen].into());
    stage.clear().await;
}

#[tokio::test]
async fn what_the_scope_allows_is_not_found() {
    let stage = Stage::set().await;
    stage
        .run(
            "CREATE TABLE public.rates (currency text PRIMARY KEY); GRANT SELECT ON public.rates TO {app};
             GRANT INSERT, UPDATE ON tenantry.tenantry_orders TO {app};
             GRANT SELECT ON tenantry_directory.tenantry_slugs TO {app};
             CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.things (tenant_id uuid);
             CREATE FUNCTION public.opening_hours() RETURNS text LANGUAGE sql SECURITY DEFINER
                 SET search_path = '' AS $$ SELECT 'always'::text $$;
             REVOKE ALL ON FUNCTION public.opening_hours() FROM PUBLIC;
             GRANT EXECUTE ON FUNCTION public.opening_hours() TO {app};
             GRANT CREATE ON SCHEMA public TO {door}; ALTER FUNCTION public.opening_hours() OWNER TO {door};
             REVOKE CREATE ON SCHEMA public FROM {door}",
        )
        .await;
    let broken = stage.audit().await;
    let expected = [
        Rule::TenantNullable,
        Rule::TableWithoutTenant,
        Rule::RowSecurityOff,
        Rule::RowSecurityNotForced,
        Rule::DefinerNotListed,
        Rule::AppWritesLibrary,
        Rule::DirectoryOpen,
    ];
    assert_eq!(rules(&broken), expected.into(), "{broken}");

    let scope = stage
        .scope()
        .public_tables(["public.rates"])
        .written_by_app(["tenantry.tenantry_orders"])
        .read_by_app(["tenantry_directory.tenantry_slugs"])
        .definer("public.opening_hours")
        .schemas(["public", "tenantry", "tenantry_directory"]);
    let allowed = audit(&stage.app, &scope).await.unwrap();
    assert!(allowed.is_clean(), "{allowed}");
    stage.clear().await;
}

#[tokio::test]
async fn every_login_finds_the_same() {
    let stage = Stage::set().await;
    stage
        .run(
            "ALTER TABLE public.offers NO FORCE ROW LEVEL SECURITY; GRANT TRUNCATE ON public.offers TO {app}",
        )
        .await;
    let by_app = stage.audit().await;
    assert_eq!(by_app, audit(&stage.owner, &stage.scope()).await.unwrap());
    assert_eq!(rules(&by_app), [Rule::RowSecurityNotForced, Rule::GrantBeyondRows].into());
    stage.clear().await;
}

#[tokio::test]
async fn a_temporary_table_of_another_session_is_not_something_owned() {
    let stage = Stage::set().await;
    stage.run("GRANT TEMPORARY ON DATABASE {db} TO {app}").await;
    let mut session = stage.app.acquire().await.unwrap();
    sqlx::raw_sql("CREATE TEMPORARY TABLE aside (x text)").execute(&mut *session).await.unwrap();
    assert_eq!(rules(&stage.audit().await), [Rule::TemporaryTables].into());
    drop(session);
    stage.clear().await;
}

#[tokio::test]
async fn a_role_that_is_not_there_or_is_two_of_them_is_named() {
    let stage = Stage::set().await;
    let (writer, gone) = (stage.named("{writer}"), stage.named("gone_{mark}"));
    let report =
        audit(&stage.app, &AuditScope::new(&writer, &writer, &gone, stage.named("{door}"))).await.unwrap();
    let named = |rule| {
        report.findings.iter().find(|finding| finding.rule == rule).map(|finding| finding.object.clone())
    };
    assert_eq!(named(Rule::LoginMissing), Some(gone));
    assert_eq!(named(Rule::LoginsShared), Some(writer));
    stage.clear().await;
}

#[tokio::test]
async fn an_audit_that_is_dropped_leaves_no_transaction_on_the_pool() {
    let stage = Stage::set().await;
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .test_before_acquire(false)
        .connect_with((*stage.app.connect_options()).clone())
        .await
        .unwrap();
    let (mut dropped, mut ended) = (0, 0);
    for step in 0..40 {
        let scope = stage.scope();
        let mut reading = Box::pin(audit(&pool, &scope));
        let mut polls = 0;
        let answer = poll_fn(|context| {
            polls += 1;
            match reading.as_mut().poll(context) {
                Poll::Pending if polls > step => Poll::Ready(None),
                poll => poll.map(Some),
            }
        })
        .await;
        drop(reading);
        match answer {
            Some(report) => ended += usize::from(report.unwrap().is_clean()),
            None => dropped += 1,
        }
        let path: String = sqlx::query_scalar("SHOW search_path").fetch_one(&pool).await.unwrap();
        assert!(!path.contains("pg_catalog"), "step {step}: {path}");
    }
    assert!(dropped > 5 && ended > 5, "{dropped} dropped, {ended} ended");
    pool.close().await;
    stage.clear().await;
}

#[tokio::test]
async fn a_database_that_is_away_is_unavailable_and_not_clean() {
    let pool = PgPoolOptions::new()
        .acquire_timeout(std::time::Duration::from_secs(5))
        .connect_lazy("postgres://nobody@127.0.0.1:9/nothing")
        .unwrap();
    let answer = audit(&pool, &AuditScope::new("a", "b", "c", "d")).await;
    assert_eq!(answer.unwrap_err().to_string(), "the store could not read the catalogs for the boot audit");
}
