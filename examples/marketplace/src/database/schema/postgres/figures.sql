-- The marketplace's figures by month, added up from the platform's sealed events: no identities.
CREATE TABLE performance (
    tenant_id uuid             NOT NULL,
    month     text COLLATE "C" NOT NULL,
    currency  text COLLATE "C" NOT NULL,
    orders    bigint           NOT NULL,
    volume    bigint           NOT NULL,
    fees      bigint           NOT NULL,
    PRIMARY KEY (tenant_id, month, currency)
);

SELECT tenantry.protect('performance');

-- The number of the last event that was added up.
CREATE TABLE performance_progress (
    tenant_id uuid   NOT NULL PRIMARY KEY,
    seen      bigint NOT NULL
);

SELECT tenantry.protect('performance_progress');
