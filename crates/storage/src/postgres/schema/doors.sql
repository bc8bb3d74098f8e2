-- The definer functions: each a narrow door, owned by the login-less role {door}, with its search path pinned. In this
-- text {tenant} stands for the tenant of the transaction.

-- Whose slug it is.
CREATE OR REPLACE FUNCTION tenantry_directory.tenant_of_slug(wanted text) RETURNS uuid
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    SELECT tenant_id FROM tenantry_directory.tenantry_slugs WHERE slug = wanted
$function$;

-- Whose address it is, in a realm.
CREATE OR REPLACE FUNCTION tenantry_directory.user_of_email(realm uuid, wanted text)
RETURNS TABLE (tenant_id uuid, user_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    SELECT address.tenant_id, address.user_id FROM tenantry_directory.tenantry_emails AS address
    WHERE address.realm_id = realm AND address.email = wanted
$function$;

-- HMAC-SHA256 (RFC 2104) with the key of sealed mode, which nobody but {door} reads; NULL without a key.
CREATE OR REPLACE FUNCTION tenantry.sealing_mac(message bytea) RETURNS bytea
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    SELECT sha256(outer_pad || sha256(inner_pad || message)) FROM tenantry_directory.tenantry_sealing_key
$function$;

-- The tenant of the transaction, if it is sealed: `app.tenant_seal` is "SECONDS.MAC", with the instant at which the
-- seal runs out, in seconds since 1970, and the MAC over "tenant:TENANT:SECONDS". A seal lives at most ten minutes.
-- What is compared are hashes, so that the time it takes tells nothing.
CREATE OR REPLACE FUNCTION tenantry.sealed_tenant() RETURNS uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    tenant  text := current_setting('app.tenant_id', true);
    seal    text := current_setting('app.tenant_seal', true);
    expires text := split_part(seal, '.', 1);
    seconds bigint := extract(epoch FROM clock_timestamp());
    mac     bytea;
BEGIN
    IF tenant IS NULL OR seal IS NULL OR expires !~ '^[0-9]{1,12}$' OR tenant !~ '^[0-9a-f-]{36}$' THEN
        RETURN NULL;
    END IF;
    IF expires::bigint NOT BETWEEN seconds AND seconds + 600 THEN
        RETURN NULL;
    END IF;
    SELECT sha256(outer_pad || sha256(inner_pad || convert_to('tenant:' || tenant || ':' || expires, 'UTF8'))) INTO mac
    FROM tenantry_directory.tenantry_sealing_key;
    IF mac IS NULL OR sha256(convert_to(encode(mac, 'hex'), 'UTF8')) <> sha256(convert_to(split_part(seal, '.', 2), 'UTF8')) THEN
        RETURN NULL;
    END IF;
    RETURN tenant::uuid;
END
$function$;

-- The tenants whose parent is the transaction's tenant, by slug.
CREATE OR REPLACE FUNCTION tenantry.children(after text, most bigint) RETURNS SETOF tenantry.tenantry_tenants
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    SELECT * FROM tenantry.tenantry_tenants WHERE parent_id = {tenant} AND slug > after ORDER BY slug LIMIT most
$function$;

-- What a principal is and holds in the tenants above the transaction's, as far as it reaches down: a row for each of them
-- (part 0) and one for each assignment that descends (part 2). That somebody belongs to a tenant above is told only where
-- something of it descends to them.
--
-- Each caller that is admitted asks this. In SQL the function would be planned anew at each call, which takes several
-- times as long as what it does; so its plan is kept, and looks every row up by its key.
CREATE OR REPLACE FUNCTION tenantry.facts_above(principal_kind text, principal_id uuid)
RETURNS TABLE (
    part bigint, depth bigint, of_tenant uuid, of_status text, of_epoch bigint, is_enrolled bigint, of_realm uuid,
    of_at bigint, of_scopes text, assignee_kind text, assignee_id uuid, on_type text, on_id text, descends bigint,
    role_key text, role_name text, role_grants text, role_version bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
SET enable_material = off AS $function$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH RECURSIVE chain AS (
        SELECT line.depth, tenant.tenant_id, tenant.status, tenant.epoch
        FROM tenantry_directory.tenantry_lineages AS lineage
        CROSS JOIN LATERAL unnest(string_to_array(lineage.above, ' ')::uuid[]) WITH ORDINALITY AS line (tenant_id, depth)
        JOIN tenantry.tenantry_tenants AS tenant ON tenant.tenant_id = line.tenant_id
        WHERE lineage.tenant_id = {tenant}
    ), team (depth, tenant_id, team_id, parent_id, height) AS (
        SELECT chain.depth, part.tenant_id, part.team_id, part.parent_id, 0
        FROM chain JOIN tenantry.tenantry_team_members AS member ON member.tenant_id = chain.tenant_id
            AND member.member_kind = principal_kind AND member.member_id = principal_id
        JOIN tenantry.tenantry_teams AS part ON part.tenant_id = member.tenant_id AND part.team_id = member.team_id
        UNION
        SELECT team.depth, above.tenant_id, above.team_id, above.parent_id, team.height + 1
        FROM team JOIN tenantry.tenantry_teams AS above ON above.tenant_id = team.tenant_id
            AND above.team_id = team.parent_id
        WHERE team.height < 8
    ), assignee (depth, tenant_id, kind, id) AS (
        SELECT chain.depth, chain.tenant_id, principal_kind, principal_id FROM chain
        UNION SELECT team.depth, team.tenant_id, 'team', team.team_id FROM team
    ), held AS (
        SELECT assignee.depth, assigned.* FROM assignee
        JOIN tenantry.tenantry_assignments AS assigned ON assigned.tenant_id = assignee.tenant_id
            AND assigned.assignee_kind = assignee.kind AND assigned.assignee_id = assignee.id AND assigned.descends = 1
            AND assigned.on_type = ''
    ), source AS (
        SELECT chain.*, chain.tenant_id IN (SELECT held.tenant_id FROM held) AS reaches_down FROM chain
    )
    SELECT 0::bigint, chain.depth, chain.tenant_id, chain.status, chain.epoch,
        CASE WHEN coalesce(member.user_id, account.account_id, api_key.key_id) IS NULL THEN 0::bigint ELSE 1 END,
        member.realm_id, coalesce(member.joined_at, api_key.expires_at), api_key.scopes, NULL::text, NULL::uuid,
        NULL::text, NULL::text, NULL::bigint, NULL::text, NULL::text, NULL::text, NULL::bigint
    FROM source AS chain
    LEFT JOIN tenantry.tenantry_memberships AS member
        ON chain.reaches_down AND principal_kind = 'user' AND member.tenant_id = chain.tenant_id AND member.user_id = principal_id
    LEFT JOIN tenantry.tenantry_service_accounts AS account
        ON chain.reaches_down AND principal_kind = 'service_account' AND account.tenant_id = chain.tenant_id
        AND account.account_id = principal_id
    LEFT JOIN tenantry.tenantry_api_keys AS api_key
        ON chain.reaches_down AND principal_kind = 'api_key' AND api_key.tenant_id = chain.tenant_id AND api_key.key_id = principal_id
    UNION ALL
    SELECT 2::bigint, held.depth, held.tenant_id, NULL, NULL, NULL, NULL, NULL, NULL, held.assignee_kind, held.assignee_id,
        held.on_type, held.on_id, held.descends, role.key, role.name, role.grants, role.version
    FROM held JOIN tenantry.tenantry_roles AS role ON role.tenant_id = held.tenant_id AND role.key = held.role;
END
$function$;

-- To whom the tenants above the transaction's have assigned something that reaches down, by kind and id after these two:
-- nobody else who belongs there.
CREATE OR REPLACE FUNCTION tenantry.principals_above(after_kind text, after_id uuid, most bigint)
RETURNS TABLE (kind text, id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    WITH RECURSIVE held AS (
        SELECT assigned.tenant_id, assigned.assignee_kind, assigned.assignee_id
        FROM tenantry_directory.tenantry_lineages AS lineage
        CROSS JOIN LATERAL unnest(string_to_array(lineage.above, ' ')::uuid[]) AS line (tenant_id)
        JOIN tenantry.tenantry_assignments AS assigned ON assigned.tenant_id = line.tenant_id
            AND assigned.descends = 1 AND assigned.on_type = ''
        WHERE lineage.tenant_id = {tenant}
    ), team (tenant_id, team_id) AS (
        SELECT held.tenant_id, held.assignee_id FROM held WHERE held.assignee_kind = 'team'
        UNION
        SELECT part.tenant_id, part.team_id FROM team JOIN tenantry.tenantry_teams AS part
            ON part.tenant_id = team.tenant_id AND part.parent_id = team.team_id
    ), principal (kind, id) AS (
        SELECT held.assignee_kind, held.assignee_id FROM held WHERE held.assignee_kind <> 'team'
        UNION
        SELECT member.member_kind, member.member_id FROM team JOIN tenantry.tenantry_team_members AS member
            ON member.tenant_id = team.tenant_id AND member.team_id = team.team_id
    )
    SELECT principal.kind, principal.id FROM principal
    WHERE (principal.kind COLLATE "C", principal.id) > (after_kind, after_id)
    ORDER BY principal.kind COLLATE "C", principal.id LIMIT most
$function$;

-- A member's own user record, whoever keeps the realm, without the secret, which {door} has no right to read.
CREATE OR REPLACE FUNCTION tenantry.member_user(wanted uuid) RETURNS SETOF tenantry.tenantry_users
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    SELECT account.tenant_id, account.user_id, account.realm_id, account.email, account.name, NULL::text,
        account.version, account.created_at
    FROM tenantry.tenantry_memberships AS member JOIN tenantry.tenantry_users AS account
        ON account.realm_id = member.realm_id AND account.user_id = member.user_id
    WHERE member.tenant_id = {tenant} AND member.user_id = wanted
$function$;

-- Keeps what a row was before and is after. A trigger of tables that asked for it.
CREATE OR REPLACE FUNCTION tenantry.record_history() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
BEGIN
    INSERT INTO tenantry.tenantry_history (tenant_id, relation, operation, before, after)
    VALUES (
        CASE WHEN TG_OP = 'DELETE' THEN OLD.tenant_id ELSE NEW.tenant_id END,
        format('%I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME), TG_OP,
        CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END,
        CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END);
    RETURN NULL;
END
$function$;

-- Applies an operation of the library's inside a transaction of the application's, or not at all: its uses, its notes,
-- its idempotency key. Answers what each guard found, for the library to judge by. In sealed mode it believes a batch
-- only with a MAC over "batch:" and its text. A batch can't be applied twice: the ids of its audit entries are unique.
CREATE OR REPLACE FUNCTION tenantry.join_batch(document text, mac bytea) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
DECLARE
    batch  jsonb := document::jsonb;
    tenant uuid := {tenant};
    keyed  jsonb := batch -> 'keyed';
    moment bigint := (batch ->> 'now')::bigint;
    answer jsonb;
    item   jsonb;
    found  jsonb := '[]';
    holds  boolean := true;
    number bigint;
    touched bigint;
BEGIN
    IF {is_sealed} AND (mac IS NULL OR sha256(mac) IS DISTINCT FROM
            sha256(tenantry.sealing_mac(convert_to('batch:' || document, 'UTF8')))) THEN
        RAISE EXCEPTION 'the batch isn''t sealed' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF tenant IS NULL OR tenant IS DISTINCT FROM (batch ->> 'tenant')::uuid THEN
        RAISE EXCEPTION 'the batch is another tenant''s' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF jsonb_array_length(batch -> 'audit') = 0 THEN
        RAISE EXCEPTION 'a batch has at least one audit entry' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF EXISTS (SELECT FROM jsonb_array_elements((batch -> 'guards') || (batch -> 'given_back')) AS counted(item)
               WHERE (counted.item ->> 'amount')::bigint < 0) THEN
        RAISE EXCEPTION 'an amount below zero' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    IF keyed <> 'null'::jsonb THEN
        answer := tenantry.stored_answer(tenant, keyed, moment);
        IF answer IS NOT NULL THEN
            RETURN jsonb_build_object('answer', answer);
        END IF;
    END IF;
    BEGIN
        FOR item IN SELECT value FROM jsonb_array_elements(batch -> 'guards') LOOP
            IF item ? 'epoch' THEN
                SELECT epoch INTO number FROM tenantry.tenantry_tenants WHERE tenant_id = tenant FOR SHARE;
                holds := holds AND coalesce(number = (item ->> 'epoch')::bigint, false);
            ELSE
                INSERT INTO tenantry.tenantry_usage (tenant_id, meter, period, used)
                VALUES (tenant, item ->> 'meter', (item ->> 'period')::bigint, 0) ON CONFLICT DO NOTHING;
                GET DIAGNOSTICS touched = ROW_COUNT;
                SELECT used INTO STRICT number FROM tenantry.tenantry_usage
                WHERE tenant_id = tenant AND meter = item ->> 'meter' AND period = (item ->> 'period')::bigint FOR UPDATE;
                IF number + (item ->> 'amount')::numeric <= (item ->> 'ceiling')::numeric THEN
                    UPDATE tenantry.tenantry_usage SET used = used + (item ->> 'amount')::bigint
                    WHERE tenant_id = tenant AND meter = item ->> 'meter' AND period = (item ->> 'period')::bigint;
                ELSE
                    holds := false;
                END IF;
                number := CASE WHEN touched = 0 THEN number END;
            END IF;
            found := found || coalesce(to_jsonb(number), 'null'::jsonb);
        END LOOP;
        IF NOT holds THEN
            RAISE EXCEPTION USING ERRCODE = 'TY001';
        END IF;
        FOR item IN SELECT value FROM jsonb_array_elements(batch -> 'given_back') LOOP
            UPDATE tenantry.tenantry_usage SET used = greatest(used - (item ->> 'amount')::bigint, 0)
            WHERE tenant_id = tenant AND meter = item ->> 'meter' AND period = (item ->> 'period')::bigint;
        END LOOP;
        INSERT INTO tenantry.tenantry_audit (tenant_id, audit_id, at, actor, action, target, detail)
        SELECT tenant, entry.id, entry.at, entry.actor, entry.action, entry.target, entry.detail
        FROM jsonb_to_recordset(batch -> 'audit')
            AS entry (id uuid, at bigint, actor text, action text, target text, detail text);
        INSERT INTO tenantry.tenantry_events (tenant_id, event_id, aggregate_kind, aggregate_id, version, kind, payload, at)
        SELECT tenant, event.id, event.aggregate_kind, event.aggregate_id, event.version, event.kind, event.payload, event.at
        FROM jsonb_to_recordset(batch -> 'events')
            AS event (id uuid, aggregate_kind text, aggregate_id uuid, version bigint, kind text, payload text, at bigint);
        IF keyed <> 'null'::jsonb THEN
            DELETE FROM tenantry.tenantry_keys WHERE (tenant_id, principal_id, operation, key) IN (
                SELECT tenant_id, principal_id, operation, key FROM tenantry.tenantry_keys
                WHERE tenant_id = tenant AND expires_at <= moment ORDER BY expires_at LIMIT 16);
            INSERT INTO tenantry.tenantry_keys AS known
                (tenant_id, principal_id, operation, key, fingerprint, status, body, expires_at)
            VALUES (tenant, (keyed ->> 'principal')::uuid, keyed ->> 'operation', keyed ->> 'key',
                decode(keyed ->> 'fingerprint', 'hex'), (keyed ->> 'status')::bigint, decode(keyed ->> 'body', 'hex'),
                (keyed ->> 'expires_at')::bigint)
            ON CONFLICT (tenant_id, principal_id, operation, key) DO UPDATE
            SET fingerprint = excluded.fingerprint, status = excluded.status, body = excluded.body,
                expires_at = excluded.expires_at
            WHERE known.expires_at <= moment;
            GET DIAGNOSTICS touched = ROW_COUNT;
            IF touched = 0 THEN
                RAISE EXCEPTION USING ERRCODE = 'TY002';
            END IF;
        END IF;
    EXCEPTION
        WHEN SQLSTATE 'TY001' THEN
            RETURN jsonb_build_object('found', found, 'applied', false);
        WHEN SQLSTATE 'TY002' THEN
            RETURN jsonb_build_object('answer', tenantry.stored_answer(tenant, keyed, moment));
        WHEN lock_not_available OR deadlock_detected THEN
            RETURN jsonb_build_object('busy', true);
    END;
    RETURN jsonb_build_object('found', found, 'applied', true);
END
$function$;

-- What was answered under an idempotency key that hasn't expired.
CREATE OR REPLACE FUNCTION tenantry.stored_answer(of_tenant uuid, keyed jsonb, moment bigint) RETURNS jsonb
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $function$
    SELECT jsonb_build_object('fingerprint', encode(fingerprint, 'hex'), 'status', status, 'body', encode(body, 'hex'))
    FROM tenantry.tenantry_keys
    WHERE tenant_id = of_tenant AND principal_id = (keyed ->> 'principal')::uuid AND operation = keyed ->> 'operation'
      AND key = keyed ->> 'key' AND expires_at > moment
$function$;
