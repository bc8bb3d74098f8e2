CREATE TABLE listings (
    tenant_id  uuid             NOT NULL,
    id         uuid             NOT NULL,
    slug       text COLLATE "C" NOT NULL,
    name       text             NOT NULL,
    version    text             NOT NULL,
    summary    text             NOT NULL,
    amount     bigint           NOT NULL CHECK (amount > 0),
    currency   text             NOT NULL,
    cloudflare text             NOT NULL,
    assets     text             NOT NULL,
    published  boolean          NOT NULL,
    revision   bigint           NOT NULL,
    created_at bigint           NOT NULL,
    updated_at bigint           NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, slug)
);

SELECT tenantry.protect('listings', history => true);

-- What is public of the published listings: no tenant's column, nothing that isn't public.
CREATE TABLE published_listings (
    slug          text COLLATE "C" NOT NULL PRIMARY KEY,
    seller        text COLLATE "C" NOT NULL,
    name          text             NOT NULL,
    version       text             NOT NULL,
    summary       text             NOT NULL,
    amount        bigint           NOT NULL,
    currency      text             NOT NULL,
    cloudflare    text             NOT NULL,
    seller_active boolean          NOT NULL,
    created_at    bigint           NOT NULL,
    updated_at    bigint           NOT NULL
);

CREATE INDEX published_listings_by_seller ON published_listings (seller);

SELECT tenantry.publish('published_listings', 'seller');
