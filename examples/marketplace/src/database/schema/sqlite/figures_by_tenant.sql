-- Every row belongs to a tenant: what there is so far is the platform's.
CREATE TABLE performance_by_tenant (
    tenant_id BLOB    NOT NULL,
    month     TEXT    NOT NULL,
    currency  TEXT    NOT NULL,
    orders    INTEGER NOT NULL,
    volume    INTEGER NOT NULL,
    fees      INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, month, currency)
) STRICT, WITHOUT ROWID;

INSERT INTO performance_by_tenant (tenant_id, month, currency, orders, volume, fees)
SELECT slug.tenant_id, month, currency, orders, volume, fees
FROM performance, tenantry_slugs AS slug WHERE slug.slug = 'platform';

DROP TABLE performance;
ALTER TABLE performance_by_tenant RENAME TO performance;

CREATE TABLE performance_progress_by_tenant (
    tenant_id BLOB    NOT NULL PRIMARY KEY,
    seen      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO performance_progress_by_tenant (tenant_id, seen)
SELECT slug.tenant_id, seen FROM performance_progress, tenantry_slugs AS slug WHERE slug.slug = 'platform';

DROP TABLE performance_progress;
ALTER TABLE performance_progress_by_tenant RENAME TO performance_progress;
