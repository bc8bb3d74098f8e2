-- Every row belongs to a tenant: the demo is the platform's.
CREATE TABLE demo_by_tenant (
    tenant_id   BLOB    NOT NULL PRIMARY KEY,
    password    TEXT    NOT NULL,
    is_complete INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO demo_by_tenant (tenant_id, password, is_complete)
SELECT slug.tenant_id, password, is_complete FROM demo, tenantry_slugs AS slug WHERE slug.slug = 'platform';

DROP TABLE demo;
ALTER TABLE demo_by_tenant RENAME TO demo;
