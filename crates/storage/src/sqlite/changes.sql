-- The latest change of each tenant's epoch: what other processes poll, by place. The highest place is never deleted,
-- so that no place is given twice.
CREATE TABLE tenantry_changes (
    place     INTEGER NOT NULL PRIMARY KEY,
    tenant_id BLOB NOT NULL,
    at        INTEGER NOT NULL
) STRICT;

CREATE INDEX tenantry_changes_by_tenant ON tenantry_changes (tenant_id, place);
