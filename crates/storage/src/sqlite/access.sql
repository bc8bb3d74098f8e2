-- Teams, programs and what is assigned to them: on the whole tenant or on one resource, here or also below.
ALTER TABLE tenantry_tenants ADD COLUMN above TEXT NOT NULL DEFAULT '';

-- The tenants above each, its parent first. Until now nobody was below anybody but by one step at a time.
WITH RECURSIVE line (tenant_id, next_id, above, depth) AS (
    SELECT tenant_id, parent_id, '', 0 FROM tenantry_tenants WHERE parent_id IS NOT NULL
    UNION ALL
    SELECT line.tenant_id, up.parent_id,
        line.above || CASE WHEN line.above = '' THEN '' ELSE ' ' END
            || lower(substr(hex(up.tenant_id), 1, 8) || '-' || substr(hex(up.tenant_id), 9, 4) || '-'
                || substr(hex(up.tenant_id), 13, 4) || '-' || substr(hex(up.tenant_id), 17, 4) || '-'
                || substr(hex(up.tenant_id), 21)),
        line.depth + 1
    FROM line JOIN tenantry_tenants AS up ON up.tenant_id = line.next_id WHERE line.depth < 8
)
UPDATE tenantry_tenants SET above = (
    SELECT line.above FROM line WHERE line.tenant_id = tenantry_tenants.tenant_id ORDER BY line.depth DESC LIMIT 1
) WHERE parent_id IS NOT NULL;

ALTER TABLE tenantry_roles RENAME COLUMN scopes TO grants;

CREATE TABLE tenantry_teams (
    tenant_id  BLOB NOT NULL,
    team_id    BLOB NOT NULL,
    name       TEXT NOT NULL,
    parent_id  BLOB,
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, team_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE tenantry_team_members (
    tenant_id   BLOB NOT NULL,
    team_id     BLOB NOT NULL,
    member_kind TEXT NOT NULL CHECK (member_kind IN ('user', 'service_account', 'api_key')),
    member_id   BLOB NOT NULL,
    PRIMARY KEY (tenant_id, team_id, member_kind, member_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX tenantry_team_members_by_member ON tenantry_team_members (tenant_id, member_kind, member_id);

CREATE TABLE tenantry_service_accounts (
    tenant_id  BLOB NOT NULL,
    account_id BLOB NOT NULL,
    name       TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, account_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE tenantry_api_keys (
    tenant_id  BLOB NOT NULL,
    key_id     BLOB NOT NULL,
    name       TEXT NOT NULL,
    scopes     TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, key_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE tenantry_assignments_of_all (
    tenant_id     BLOB NOT NULL,
    assignee_kind TEXT NOT NULL CHECK (assignee_kind IN ('user', 'team', 'service_account', 'api_key')),
    assignee_id   BLOB NOT NULL,
    role          TEXT NOT NULL,
    on_type       TEXT NOT NULL,
    on_id         TEXT NOT NULL,
    descends      INTEGER NOT NULL CHECK (descends IN (0, 1)),
    PRIMARY KEY (tenant_id, assignee_kind, assignee_id, role, on_type, on_id)
) STRICT, WITHOUT ROWID;

INSERT INTO tenantry_assignments_of_all
SELECT tenant_id, 'user', user_id, role, '', '', 0 FROM tenantry_assignments;

DROP TABLE tenantry_assignments;

ALTER TABLE tenantry_assignments_of_all RENAME TO tenantry_assignments;

CREATE INDEX tenantry_assignments_by_role ON tenantry_assignments (tenant_id, role, descends);

CREATE INDEX tenantry_assignments_below ON tenantry_assignments (tenant_id) WHERE descends = 1 AND on_type = '';
