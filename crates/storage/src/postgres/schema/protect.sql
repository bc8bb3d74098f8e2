-- Procedures for the owner's migrations. They run with the rights of whoever calls them: only the owner of a table can
-- protect it.

-- The predicate by which a policy for the application's login knows the tenant.
CREATE OR REPLACE FUNCTION tenantry.tenant_predicate() RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $function$
    SELECT CASE WHEN is_sealed THEN '(SELECT tenantry.sealed_tenant())'
                ELSE 'NULLIF(current_setting(''app.tenant_id'', true), '''')::uuid' END
    FROM tenantry_directory.tenantry_settings
$function$;

-- Takes away the policies that protect and publish have made, and refuses where somebody else's would open the table:
-- permissive policies are joined by OR.
CREATE OR REPLACE FUNCTION tenantry.forget_policies(relation regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    known text;
    foreigner record;
BEGIN
    FOREACH known IN ARRAY ARRAY['app', 'admin', 'public', 'insert', 'update', 'delete'] LOOP
        EXECUTE format('DROP POLICY IF EXISTS tenantry_%s ON %s', known, relation);
    END LOOP;
    SELECT polname AS name INTO foreigner FROM pg_policy WHERE polrelid = relation AND polpermissive LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'table % has a permissive policy of its own, %, which would be joined by OR', relation, foreigner.name
            USING HINT = format('DROP POLICY %I ON %s; a narrower rule belongs into a restrictive policy', foreigner.name, relation);
    END IF;
END
$function$;

-- Puts a table of the application's under row security: forced, one policy for the application's login, one for the
-- admin's, and their grants. `key` adds the primary key (tenant_id, key …) to a table that has none; `history` keeps
-- every row's before and after in tenantry.tenantry_history. Refuses a table whose keys would let one tenant meet
-- another. Calling it again changes nothing.
CREATE OR REPLACE FUNCTION tenantry.protect(relation regclass, key name[] DEFAULT NULL, history boolean DEFAULT false)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    setting  tenantry_directory.tenantry_settings%ROWTYPE;
    tenant   smallint;
    wrong    record;
    part     regclass;
    predicate text;
BEGIN
    SELECT * INTO STRICT setting FROM tenantry_directory.tenantry_settings;
    SELECT attnum INTO tenant FROM pg_attribute
    WHERE attrelid = relation AND attname = 'tenant_id' AND NOT attisdropped AND atttypid = 'uuid'::regtype AND attnotnull;
    IF tenant IS NULL THEN
        RAISE EXCEPTION 'table % has no column tenant_id uuid NOT NULL', relation
            USING HINT = format('ALTER TABLE %s ADD COLUMN tenant_id uuid NOT NULL', relation);
    END IF;
    IF key IS NOT NULL AND NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = relation AND contype = 'p') THEN
        EXECUTE format('ALTER TABLE %s ADD PRIMARY KEY (tenant_id, %s)', relation,
            (SELECT string_agg(quote_ident(of), ', ') FROM unnest(key) AS of WHERE of <> 'tenant_id'));
    END IF;
    IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = relation AND contype = 'p') THEN
        RAISE EXCEPTION 'table % has no primary key', relation
            USING HINT = format('SELECT tenantry.protect(%L, key => ARRAY[''id''])', relation::text);
    END IF;
    FOR wrong IN
        SELECT index.indexrelid::regclass AS name FROM pg_index AS index
        WHERE (index.indrelid = relation OR index.indrelid IN (SELECT relid FROM pg_partition_tree(relation)))
          AND (index.indisunique OR index.indisexclusion)
          AND index.indkey[0] <> (SELECT attnum FROM pg_attribute WHERE attrelid = index.indrelid AND attname = 'tenant_id')
    LOOP
        RAISE EXCEPTION 'the unique key % of table % doesn''t lead with tenant_id: it would tell one tenant what another has',
            wrong.name, relation USING HINT = 'make it (tenant_id, …)';
    END LOOP;
    FOR wrong IN
        SELECT reference.conname AS name, reference.confrelid::regclass AS target FROM pg_constraint AS reference
        WHERE reference.conrelid = relation AND reference.contype = 'f'
          AND reference.confrelid <> 'tenantry.tenantry_tenants'::regclass
          AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = reference.confrelid AND attname = 'tenant_id' AND NOT attisdropped)
          AND NOT EXISTS (
              SELECT FROM unnest(reference.conkey, reference.confkey) AS pair(mine, theirs)
              JOIN pg_attribute AS target ON target.attrelid = reference.confrelid AND target.attnum = pair.theirs
              WHERE pair.mine = tenant AND target.attname = 'tenant_id')
    LOOP
        RAISE EXCEPTION 'the foreign key % of table % to % leaves the tenant out: it would let one tenant probe another''s rows',
            wrong.name, relation, wrong.target USING HINT = 'make it (tenant_id, …) on both sides';
    END LOOP;
    predicate := 'tenant_id = ' || tenantry.tenant_predicate();
    FOR part IN SELECT relid FROM pg_partition_tree(relation) UNION SELECT relation LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', part);
        PERFORM tenantry.forget_policies(part);
        EXECUTE format('CREATE POLICY tenantry_app ON %s TO %I USING (%s) WITH CHECK (%s)', part, setting.app, predicate, predicate);
        EXECUTE format('CREATE POLICY tenantry_admin ON %s TO %I USING (true) WITH CHECK (true)', part, setting.admin);
        EXECUTE format('REVOKE ALL ON %s FROM PUBLIC, %I, %I, %I', part, setting.app, setting.writer, setting.admin);
    END LOOP;
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %I, %I', relation, setting.app, setting.admin);
    FOR part IN
        SELECT sequence.oid FROM pg_class AS sequence JOIN pg_depend AS owned ON owned.objid = sequence.oid
        WHERE sequence.relkind = 'S' AND owned.refobjid = relation AND owned.classid = 'pg_class'::regclass AND owned.deptype IN ('a', 'i')
    LOOP
        EXECUTE format('GRANT USAGE ON SEQUENCE %s TO %I, %I', part, setting.app, setting.admin);
    END LOOP;
    IF obj_description(relation, 'pg_class') LIKE 'tenantry: public%' THEN
        EXECUTE format('COMMENT ON TABLE %s IS NULL', relation);
    END IF;
    EXECUTE format('DROP TRIGGER IF EXISTS tenantry_history ON %s', relation);
    IF history THEN
        EXECUTE format('CREATE TRIGGER tenantry_history AFTER INSERT OR UPDATE OR DELETE ON %s '
            'FOR EACH ROW EXECUTE FUNCTION tenantry.record_history()', relation);
    END IF;
    INSERT INTO tenantry_directory.tenantry_protected (relation, has_history) VALUES (relation, history)
    ON CONFLICT ON CONSTRAINT tenantry_protected_pkey DO UPDATE SET publisher = NULL, has_history = excluded.has_history;
END
$function$;

-- Declares a table of the application's public: every tenant reads all of it, and writes only rows whose column
-- `publisher` holds its own slug. It must have no column tenant_id, and nothing that isn't public.
CREATE OR REPLACE FUNCTION tenantry.publish(relation regclass, publisher name)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    setting   tenantry_directory.tenantry_settings%ROWTYPE;
    predicate text;
BEGIN
    SELECT * INTO STRICT setting FROM tenantry_directory.tenantry_settings;
    IF EXISTS (SELECT FROM pg_attribute WHERE attrelid = relation AND attname = 'tenant_id' AND NOT attisdropped) THEN
        RAISE EXCEPTION 'table % has a column tenant_id: what is public names no tenant''s id', relation
            USING HINT = format('SELECT tenantry.protect(%L)', relation::text);
    END IF;
    IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = relation AND attname = publisher AND NOT attisdropped
                   AND atttypid = 'text'::regtype AND attnotnull) THEN
        RAISE EXCEPTION 'table % has no column % text NOT NULL for the publisher''s slug', relation, publisher;
    END IF;
    predicate := format('%I = (SELECT slug FROM tenantry.tenantry_tenants WHERE tenant_id = %s)', publisher, tenantry.tenant_predicate());
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', relation);
    PERFORM tenantry.forget_policies(relation);
    EXECUTE format('DROP TRIGGER IF EXISTS tenantry_history ON %s', relation);
    EXECUTE format('CREATE POLICY tenantry_public ON %s FOR SELECT TO %I USING (true)', relation, setting.app);
    EXECUTE format('CREATE POLICY tenantry_insert ON %s FOR INSERT TO %I WITH CHECK (%s)', relation, setting.app, predicate);
    EXECUTE format('CREATE POLICY tenantry_update ON %s FOR UPDATE TO %I USING (%s) WITH CHECK (%s)', relation, setting.app, predicate, predicate);
    EXECUTE format('CREATE POLICY tenantry_delete ON %s FOR DELETE TO %I USING (%s)', relation, setting.app, predicate);
    EXECUTE format('CREATE POLICY tenantry_admin ON %s TO %I USING (true) WITH CHECK (true)', relation, setting.admin);
    EXECUTE format('REVOKE ALL ON %s FROM PUBLIC, %I, %I, %I', relation, setting.app, setting.writer, setting.admin);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %I, %I', relation, setting.app, setting.admin);
    EXECUTE format('COMMENT ON TABLE %s IS %L', relation, 'tenantry: public');
    INSERT INTO tenantry_directory.tenantry_protected (relation, publisher) VALUES (relation, publisher)
    ON CONFLICT ON CONSTRAINT tenantry_protected_pkey DO UPDATE SET publisher = excluded.publisher, has_history = false;
END
$function$;

REVOKE ALL ON FUNCTION tenantry.protect(regclass, name[], boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION tenantry.publish(regclass, name) FROM PUBLIC;
REVOKE ALL ON FUNCTION tenantry.tenant_predicate() FROM PUBLIC;
REVOKE ALL ON FUNCTION tenantry.forget_policies(regclass) FROM PUBLIC;
