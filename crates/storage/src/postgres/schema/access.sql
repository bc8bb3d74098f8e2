-- Teams, programs and what is assigned to them: on the whole tenant or on one resource, here or also below.

-- What is under forced row security isn't seen by its owner either: it is lifted while the owner fills new columns, and
-- forced again by what follows every migration.
ALTER TABLE tenantry.tenantry_tenants NO FORCE ROW LEVEL SECURITY;

ALTER TABLE tenantry.tenantry_tenants ADD COLUMN above text COLLATE "C" NOT NULL DEFAULT '';

WITH RECURSIVE line (tenant_id, next_id, above, depth) AS (
    SELECT tenant_id, parent_id, '', 0 FROM tenantry.tenantry_tenants WHERE parent_id IS NOT NULL
    UNION ALL
    SELECT line.tenant_id, up.parent_id, concat_ws(' ', nullif(line.above, ''), up.tenant_id::text), line.depth + 1
    FROM line JOIN tenantry.tenantry_tenants AS up ON up.tenant_id = line.next_id WHERE line.depth < 8
)
UPDATE tenantry.tenantry_tenants AS tenant SET above = (
    SELECT line.above FROM line WHERE line.tenant_id = tenant.tenant_id ORDER BY line.depth DESC LIMIT 1
) WHERE parent_id IS NOT NULL;

-- The tenants above each tenant that has any, its parent first: by these the door knows whose rows reach down.
CREATE TABLE tenantry_directory.tenantry_lineages (
    tenant_id uuid NOT NULL PRIMARY KEY,
    above     text COLLATE "C" NOT NULL
);

INSERT INTO tenantry_directory.tenantry_lineages
SELECT tenant_id, above FROM tenantry.tenantry_tenants;

ALTER TABLE tenantry.tenantry_tenants FORCE ROW LEVEL SECURITY;

ALTER TABLE tenantry.tenantry_roles RENAME COLUMN scopes TO grants;

CREATE TABLE tenantry.tenantry_teams (
    tenant_id  uuid   NOT NULL,
    team_id    uuid   NOT NULL,
    name       text   NOT NULL,
    parent_id  uuid,
    version    bigint NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, team_id)
);

CREATE TABLE tenantry.tenantry_team_members (
    tenant_id   uuid NOT NULL,
    team_id     uuid NOT NULL,
    member_kind text COLLATE "C" NOT NULL CHECK (member_kind IN ('user', 'service_account', 'api_key')),
    member_id   uuid NOT NULL,
    PRIMARY KEY (tenant_id, team_id, member_kind, member_id)
);

CREATE INDEX tenantry_team_members_by_member ON tenantry.tenantry_team_members (tenant_id, member_kind, member_id);

CREATE TABLE tenantry.tenantry_service_accounts (
    tenant_id  uuid   NOT NULL,
    account_id uuid   NOT NULL,
    name       text   NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, account_id)
);

CREATE TABLE tenantry.tenantry_api_keys (
    tenant_id  uuid   NOT NULL,
    key_id     uuid   NOT NULL,
    name       text   NOT NULL,
    scopes     text   NOT NULL,
    expires_at bigint NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, key_id)
);

ALTER TABLE tenantry.tenantry_assignments RENAME COLUMN user_id TO assignee_id;

ALTER TABLE tenantry.tenantry_assignments
    ADD COLUMN assignee_kind text COLLATE "C" NOT NULL DEFAULT 'user'
        CHECK (assignee_kind IN ('user', 'team', 'service_account', 'api_key')),
    ADD COLUMN on_type  text   COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN on_id    text   COLLATE "C" NOT NULL DEFAULT '',
    ADD COLUMN descends bigint NOT NULL DEFAULT 0 CHECK (descends IN (0, 1));

ALTER TABLE tenantry.tenantry_assignments
    ALTER COLUMN assignee_kind DROP DEFAULT,
    ALTER COLUMN on_type DROP DEFAULT,
    ALTER COLUMN on_id DROP DEFAULT,
    ALTER COLUMN descends DROP DEFAULT,
    DROP CONSTRAINT tenantry_assignments_pkey,
    ADD PRIMARY KEY (tenant_id, assignee_kind, assignee_id, role, on_type, on_id);

DROP INDEX tenantry.tenantry_assignments_by_role;
CREATE INDEX tenantry_assignments_by_role ON tenantry.tenantry_assignments (tenant_id, role, descends);
CREATE INDEX tenantry_assignments_below ON tenantry.tenantry_assignments (tenant_id) WHERE descends = 1 AND on_type = '';
