CREATE TABLE demo (
    tenant_id   uuid    NOT NULL PRIMARY KEY,
    password    text    NOT NULL,
    is_complete boolean NOT NULL
);

SELECT tenantry.protect('demo');
