CREATE TABLE listings (
    tenant_id     BLOB    NOT NULL,
    id            BLOB    NOT NULL,
    slug          TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    version       TEXT    NOT NULL,
    summary       TEXT    NOT NULL,
    amount        INTEGER NOT NULL CHECK (amount > 0),
    currency      TEXT    NOT NULL,
    cloudflare    TEXT    NOT NULL,
    assets        TEXT    NOT NULL,
    published     INTEGER NOT NULL,
    revision      INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, slug)
) STRICT, WITHOUT ROWID;

-- What is public of the published listings: no tenant's column, nothing that isn't public.
CREATE TABLE published_listings (
    slug          TEXT    NOT NULL PRIMARY KEY,
    seller        TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    version       TEXT    NOT NULL,
    summary       TEXT    NOT NULL,
    amount        INTEGER NOT NULL,
    currency      TEXT    NOT NULL,
    cloudflare    TEXT    NOT NULL,
    seller_active INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX published_listings_by_seller ON published_listings (seller);
