use std::collections::BTreeSet;

use tenantry_storage::Rule;

use super::stage::{Stage, rules};
use super::superuser;

/// One way to break a rule.
struct Break {
    rule: Rule,
    /// The object that the finding must name.
    object: &'static str,
    /// Breaks it, as the owner.
    sql: &'static str,
    /// Other rules that are broken by the same.
    implied: &'static [Rule],
    mend: Mend,
    /// What is left to clear away after the mend.
    undo: &'static str,
}

enum Mend {
    /// By the finding's own statement.
    AsWritten,
    /// By the finding's own statement, once this has given the owner the rights that it asks for.
    After(&'static str),
    /// By the words of the rule: `undo` does it.
    InWords,
}

const fn breaks(rule: Rule, object: &'static str, sql: &'static str) -> Break {
    Break { rule, object, sql, implied: &[], mend: Mend::AsWritten, undo: "" }
}

impl Break {
    const fn implies(mut self, implied: &'static [Rule]) -> Self {
        self.implied = implied;
        self
    }

    const fn after(mut self, sql: &'static str) -> Self {
        self.mend = Mend::After(sql);
        self
    }

    const fn in_words(mut self) -> Self {
        self.mend = Mend::InWords;
        self
    }

    const fn undo(mut self, sql: &'static str) -> Self {
        self.undo = sql;
        self
    }
}

const BREAKS: &[Break] = &[
    breaks(Rule::LoginMakesRoles, "{app}", "ALTER ROLE {app} CREATEROLE"),
    breaks(Rule::LoginMakesDatabases, "{admin}", "ALTER ROLE {admin} CREATEDB"),
    breaks(Rule::LoginIsMember, "{app}", "GRANT {admin} TO {app}"),
    breaks(Rule::LoginIsMember, "{writer}", "GRANT {door} TO {writer}"),
    breaks(
        Rule::LoginIsMember,
        "{app}",
        "CREATE ROLE group_{mark}; CREATE ROLE inner_{mark}; GRANT inner_{mark} TO group_{mark};
         GRANT SELECT ON public.offers TO inner_{mark}; GRANT group_{mark} TO {app}",
    )
    .in_words()
    .undo("REVOKE SELECT ON public.offers FROM inner_{mark}; DROP ROLE inner_{mark}; DROP ROLE group_{mark}"),
    breaks(
        Rule::LoginHasMembers,
        "{admin}",
        "CREATE ROLE clerk_{mark} LOGIN; GRANT {admin} TO clerk_{mark}",
    )
    .undo("DROP ROLE clerk_{mark}"),
    breaks(
        Rule::LoginOwns,
        "{app}",
        "GRANT {app} TO CURRENT_USER; CREATE TABLE public.mine (x text); GRANT CREATE ON SCHEMA public TO {app};
         ALTER TABLE public.mine OWNER TO {app}; REVOKE CREATE ON SCHEMA public FROM {app}; REVOKE {app} FROM CURRENT_USER",
    )
    .after("GRANT {app} TO CURRENT_USER")
    .undo("DROP TABLE public.mine; REVOKE {app} FROM CURRENT_USER"),
    breaks(Rule::LoginMayCreate, "public", "GRANT CREATE ON SCHEMA public TO PUBLIC"),
    breaks(Rule::LoginMayCreate, "{db}", "GRANT CREATE ON DATABASE {db} TO {app}"),
    breaks(Rule::DoorLogsIn, "{door}", "ALTER ROLE {door} LOGIN"),
    breaks(Rule::TemporaryTables, "{db}", "GRANT TEMPORARY ON DATABASE {db} TO PUBLIC"),
    breaks(
        Rule::TenantNullable,
        "public.listings",
        "ALTER TABLE public.listings DROP CONSTRAINT listings_pkey CASCADE;
         ALTER TABLE public.listings ALTER COLUMN tenant_id DROP NOT NULL",
    )
    .undo(
        "ALTER TABLE public.listings ADD PRIMARY KEY (tenant_id, id);
         ALTER TABLE public.offers ADD CONSTRAINT offers_listing
             FOREIGN KEY (tenant_id, listing) REFERENCES public.listings (tenant_id, id)",
    ),
    breaks(
        Rule::TenantNotUuid,
        "public.texts",
        "CREATE TABLE public.texts (tenant_id text NOT NULL);
         ALTER TABLE public.texts ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY",
    )
    .undo("DROP TABLE public.texts"),
    breaks(
        Rule::TableWithoutTenant,
        "public.notes_of_the_owner",
        "GRANT SELECT (line) ON public.notes_of_the_owner TO {app}",
    ),
    breaks(Rule::TableWithoutTenant, "public.catalogue", "COMMENT ON TABLE public.catalogue IS 'tenantry: publicity'")
        .undo(
            "COMMENT ON TABLE public.catalogue IS 'tenantry: public';
             GRANT SELECT, INSERT, UPDATE, DELETE ON public.catalogue TO {app}",
        ),
    breaks(Rule::RowSecurityOff, "public.offers", "ALTER TABLE public.offers DISABLE ROW LEVEL SECURITY"),
    breaks(Rule::RowSecurityNotForced, "public.offers", "ALTER TABLE public.offers NO FORCE ROW LEVEL SECURITY"),
    breaks(
        Rule::RowSecurityOff,
        "\"Odd Place\".\"Own;--\"\"<role>\"",
        "CREATE SCHEMA \"Odd Place\"; CREATE TABLE \"Odd Place\".\"Own;--\"\"<role>\" (tenant_id uuid NOT NULL);
         ALTER TABLE \"Odd Place\".\"Own;--\"\"<role>\" FORCE ROW LEVEL SECURITY",
    )
    .undo("DROP SCHEMA \"Odd Place\" CASCADE"),
    breaks(Rule::PartitionUnprotected, "public.visits_0", "GRANT SELECT ON public.visits_0 TO {app}"),
    breaks(
        Rule::InheritanceChild,
        "public.offers",
        "CREATE TABLE public.everything (id bigint NOT NULL); GRANT SELECT ON public.everything TO {app};
         COMMENT ON TABLE public.everything IS 'tenantry: public'; ALTER TABLE public.offers INHERIT public.everything",
    )
    .undo("DROP TABLE public.everything"),
    breaks(Rule::PolicyOpen, "public.offers", "CREATE POLICY extra ON public.offers FOR SELECT TO {app} USING (true)")
        .implies(&[Rule::PolicyDoubled]),
    breaks(
        Rule::PolicyOpen,
        "public.offers",
        "DROP POLICY tenantry_app ON public.offers; CREATE POLICY tenantry_app ON public.offers TO PUBLIC
         USING (tenant_id = {setting} OR id = 1) WITH CHECK (tenant_id = {setting})",
    )
    .undo(
        "CREATE POLICY tenantry_app ON public.offers TO {app}
         USING (tenant_id = {setting}) WITH CHECK (tenant_id = {setting})",
    ),
    breaks(
        Rule::PolicyOpen,
        "tenantry.tenantry_orders",
        "CREATE POLICY extra ON tenantry.tenantry_orders FOR DELETE TO {writer} USING (id > 0)",
    )
    .implies(&[Rule::PolicyDoubled]),
    breaks(
        Rule::PolicyCheckOpen,
        "public.offers",
        "ALTER POLICY tenantry_app ON public.offers WITH CHECK (true)",
    ),
    breaks(
        Rule::PolicyCheckMissing,
        "public.offers",
        "DROP POLICY tenantry_app ON public.offers;
         CREATE POLICY tenantry_app ON public.offers TO {app} USING (tenant_id = {setting})",
    ),
    breaks(
        Rule::PolicyFrozen,
        "public.offers",
        "CREATE FUNCTION public.whose() RETURNS uuid LANGUAGE sql IMMUTABLE
             AS $$ SELECT NULLIF(current_setting('app.tenant_id', true), '')::uuid $$;
         ALTER POLICY tenantry_app ON public.offers USING (tenant_id = {setting} AND tenant_id = public.whose())",
    )
    .undo(
        "ALTER POLICY tenantry_app ON public.offers USING (tenant_id = {setting}); DROP FUNCTION public.whose()",
    ),
    breaks(
        Rule::PolicyDoubled,
        "public.offers",
        "CREATE POLICY extra ON public.offers FOR SELECT TO {app} USING (tenant_id = {setting} AND id > 3)",
    )
    .in_words()
    .undo("DROP POLICY extra ON public.offers"),
    breaks(Rule::PolicyMissing, "public.offers", "DROP POLICY tenantry_app ON public.offers").undo(
        "CREATE POLICY tenantry_app ON public.offers TO {app}
             USING (tenant_id = {setting}) WITH CHECK (tenant_id = {setting});
         GRANT SELECT, INSERT, UPDATE, DELETE ON public.offers TO {app}",
    ),
    breaks(
        Rule::KeyNotLed,
        "public.offers_listing_key",
        "ALTER TABLE public.offers ADD CONSTRAINT offers_listing_key UNIQUE (listing) INCLUDE (id)",
    )
    .undo("ALTER TABLE public.offers DROP CONSTRAINT offers_listing_key"),
    breaks(
        Rule::KeyNotLed,
        "public.offers_pkey",
        "ALTER TABLE public.offers DROP CONSTRAINT offers_pkey, ADD PRIMARY KEY (id, tenant_id)",
    ),
    breaks(
        Rule::KeyNotLed,
        "public.offers_once",
        "CREATE UNIQUE INDEX offers_once ON public.offers (lower('x'), id DESC) WHERE listing > 3",
    )
    .undo("DROP INDEX public.offers_once"),
    breaks(
        Rule::KeyNotLed,
        "public.offers_apart",
        "ALTER TABLE public.offers ADD CONSTRAINT offers_apart EXCLUDE USING btree (listing WITH =)",
    )
    .in_words()
    .undo("ALTER TABLE public.offers DROP CONSTRAINT offers_apart"),
    breaks(
        Rule::ForeignKeyNotLed,
        "offers_listing on public.offers",
        "ALTER TABLE public.listings ADD CONSTRAINT listings_id UNIQUE (id);
         ALTER TABLE public.offers DROP CONSTRAINT offers_listing,
             ADD CONSTRAINT offers_listing FOREIGN KEY (listing) REFERENCES public.listings (id) ON DELETE SET NULL",
    )
    .implies(&[Rule::KeyNotLed])
    .undo(
        "ALTER TABLE public.offers DROP CONSTRAINT offers_listing, ADD CONSTRAINT offers_listing
             FOREIGN KEY (tenant_id, listing) REFERENCES public.listings (tenant_id, id);
         ALTER TABLE public.listings DROP CONSTRAINT IF EXISTS listings_id",
    ),
    breaks(
        Rule::ForeignKeyNotLed,
        "offers_to_notes on public.offers",
        "ALTER TABLE public.notes_of_the_owner ADD UNIQUE (line); ALTER TABLE public.offers ADD COLUMN line text;
         ALTER TABLE public.offers ADD CONSTRAINT offers_to_notes
             FOREIGN KEY (line) REFERENCES public.notes_of_the_owner (line)",
    )
    .in_words()
    .undo(
        "ALTER TABLE public.offers DROP COLUMN line;
         ALTER TABLE public.notes_of_the_owner DROP CONSTRAINT notes_of_the_owner_line_key",
    ),
    breaks(
        Rule::IndexNotLed,
        "public.offers_by_listing",
        "CREATE INDEX offers_by_listing ON public.offers USING btree (listing DESC, tenant_id)",
    )
    .undo("DROP INDEX public.offers_by_listing"),
    breaks(
        Rule::IndexLeaky,
        "public.offers_by_total",
        "ALTER TABLE public.offers ADD COLUMN total numeric; CREATE INDEX offers_by_total ON public.offers (tenant_id, total)",
    )
    .in_words()
    .undo("ALTER TABLE public.offers DROP COLUMN total"),
    breaks(
        Rule::IndexLeaky,
        "public.offers_by_facts",
        "ALTER TABLE public.offers ADD COLUMN facts jsonb; CREATE INDEX offers_by_facts ON public.offers USING gin (facts)",
    )
    .in_words()
    .undo("ALTER TABLE public.offers DROP COLUMN facts"),
    breaks(Rule::ViewDefiner, "public.cheap", "ALTER VIEW public.cheap RESET (security_invoker)"),
    breaks(
        Rule::MaterializedView,
        "public.sums",
        "CREATE MATERIALIZED VIEW public.sums AS SELECT count(*) FROM public.listings; GRANT SELECT ON public.sums TO {app}",
    )
    .undo("DROP MATERIALIZED VIEW public.sums"),
    breaks(
        Rule::DefinerNotListed,
        "public.all_of_it(integer, text)",
        "CREATE FUNCTION public.all_of_it(integer, text) RETURNS bigint LANGUAGE sql SECURITY DEFINER
             SET search_path = pg_catalog, pg_temp AS 'SELECT 1::bigint'",
    )
    .undo("DROP FUNCTION public.all_of_it(integer, text)"),
    breaks(
        Rule::DefinerNotListed,
        "public.do_it()",
        "CREATE PROCEDURE public.do_it() LANGUAGE sql SECURITY DEFINER
             SET search_path = pg_catalog, pg_temp AS 'SELECT 1';
         REVOKE ALL ON PROCEDURE public.do_it() FROM PUBLIC; GRANT EXECUTE ON PROCEDURE public.do_it() TO {writer}",
    )
    .undo("DROP PROCEDURE public.do_it()"),
    breaks(
        Rule::DefinerNotOfDoor,
        "tenantry.sealed_tenant()",
        "ALTER FUNCTION tenantry.sealed_tenant() OWNER TO CURRENT_USER",
    )
    .after("GRANT CREATE ON SCHEMA tenantry TO {door}")
    .undo("REVOKE CREATE ON SCHEMA tenantry FROM {door}"),
    breaks(
        Rule::DefinerForPublic,
        "tenantry.sealed_tenant()",
        "GRANT EXECUTE ON FUNCTION tenantry.sealed_tenant() TO PUBLIC",
    ),
    breaks(
        Rule::DefinerSearchPath,
        "tenantry.sealed_tenant()",
        "ALTER FUNCTION tenantry.sealed_tenant() RESET search_path",
    ),
    breaks(
        Rule::DefinerSearchPath,
        "tenantry.sealed_tenant()",
        "ALTER FUNCTION tenantry.sealed_tenant() SET search_path = tenantry, public",
    ),
    breaks(
        Rule::TriggerDefiner,
        "note_it on public.offers",
        "CREATE FUNCTION public.note_it() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
             SET search_path = pg_catalog, pg_temp AS $$ BEGIN RETURN NEW; END $$;
         CREATE TRIGGER note_it BEFORE INSERT ON public.offers FOR EACH ROW EXECUTE FUNCTION public.note_it()",
    )
    .undo("DROP FUNCTION public.note_it()"),
    breaks(
        Rule::RewriteRule,
        "copy_it on public.offers",
        "CREATE RULE copy_it AS ON INSERT TO public.offers DO ALSO INSERT INTO public.notes_of_the_owner VALUES ('x')",
    ),
    breaks(Rule::GrantBeyondRows, "public.offers", "GRANT TRUNCATE, TRIGGER ON public.offers TO {app}"),
    breaks(Rule::GrantBeyondRows, "tenantry.tenantry_orders", "GRANT REFERENCES ON tenantry.tenantry_orders TO {writer}"),
    breaks(Rule::GrantToPublic, "public.offers", "GRANT SELECT ON public.offers TO PUBLIC"),
    breaks(Rule::GrantToPublic, "public.catalogue", "GRANT UPDATE (title) ON public.catalogue TO PUBLIC"),
    breaks(Rule::GrantOption, "public.offers", "GRANT SELECT ON public.offers TO {app} WITH GRANT OPTION"),
    breaks(Rule::WriterBeyondLibrary, "public.catalogue", "GRANT SELECT ON public.catalogue TO {writer}"),
    breaks(Rule::AppWritesLibrary, "tenantry.tenantry_orders", "GRANT UPDATE (id) ON tenantry.tenantry_orders TO {app}"),
    breaks(Rule::DirectoryOpen, "tenantry_directory.tenantry_slugs", "GRANT SELECT ON tenantry_directory.tenantry_slugs TO {app}"),
    breaks(Rule::DirectoryOpen, "tenantry_directory.tenantry_settings", "GRANT UPDATE ON tenantry_directory.tenantry_settings TO {app}")
        .undo("GRANT SELECT ON tenantry_directory.tenantry_settings TO {app}"),
    breaks(Rule::SequenceOpen, "public.numbers", "GRANT SELECT ON SEQUENCE public.numbers TO {app}"),
    breaks(Rule::DefaultsToPublic, "{owner}", "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO PUBLIC"),
    breaks(Rule::DefaultsToPublic, "{owner}", "ALTER DEFAULT PRIVILEGES GRANT USAGE ON SEQUENCES TO PUBLIC"),
    breaks(Rule::Published, "news", "CREATE PUBLICATION news FOR TABLE public.offers, public.catalogue"),
];

#[tokio::test]
async fn a_clean_schema_has_no_finding() {
    let stage = Stage::set().await;
    let report = stage.audit().await;
    assert!(report.is_clean(), "{report}");
    assert!(report.relations >= 12, "{report}");
    stage.clear().await;
}

#[tokio::test]
async fn each_rule_is_named_when_it_is_broken_and_mended_by_its_statement() {
    let stage = Stage::set().await;
    let mut mended = 0;
    for (at, broken) in BREAKS.iter().enumerate() {
        let Break { rule, sql, implied, .. } = broken;
        let object = stage.named(broken.object);
        stage.run(sql).await;
        let report = stage.audit().await;
        let found: Vec<_> = report.findings.iter().filter(|finding| finding.rule == *rule).collect();
        assert!(found.iter().any(|finding| finding.object == object), "{rule} of {object} ({at}):\n{report}");
        let unexpected = rules(&report).into_iter().find(|found| found != rule && !implied.contains(found));
        assert_eq!(unexpected, None, "{rule} of {object} ({at}):\n{report}");

        if let Mend::After(first) = broken.mend {
            stage.run(first).await;
        }
        if !matches!(broken.mend, Mend::InWords) {
            let finding = found.iter().find(|finding| finding.object == object).unwrap();
            assert!(!finding.sql.is_empty(), "{rule} has a statement");
            stage.run(&finding.sql).await;
            let report = stage.audit().await;
            let stays = report.findings.iter().any(|found| found.rule == *rule && found.object == object);
            assert!(!stays, "{rule} stays after {}:\n{report}", finding.sql);
            mended += 1;
        }
        if !broken.undo.is_empty() {
            stage.run(broken.undo).await;
        }
        let report = stage.audit().await;
        assert!(report.is_clean(), "after {rule} of {object} ({at}):\n{report}");
    }
    stage.clear().await;
    println!(
        "{} breaks of {} rules, {mended} mended by the finding's own statement",
        BREAKS.len(),
        broken().len()
    );
}

fn broken() -> BTreeSet<Rule> {
    BREAKS.iter().map(|broken| broken.rule).collect()
}

#[test]
fn no_rule_is_left_unbroken() {
    let mut tested = broken();
    tested.extend(superuser::BROKEN_ELSEWHERE);
    let untested: Vec<&Rule> = Rule::ALL.iter().filter(|rule| !tested.contains(rule)).collect();
    assert!(untested.is_empty(), "{untested:?}");
}
