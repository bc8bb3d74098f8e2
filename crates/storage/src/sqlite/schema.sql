CREATE TABLE tenantry_counters (
    name  TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO tenantry_counters (name, value) VALUES ('fence', 0);

CREATE TABLE tenantry_realms (
    tenant_id BLOB NOT NULL,
    realm_id  BLOB NOT NULL,
    PRIMARY KEY (tenant_id, realm_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE tenantry_tenants (
    tenant_id  BLOB NOT NULL PRIMARY KEY,
    slug       TEXT NOT NULL,
    name       TEXT NOT NULL,
    kind       TEXT NOT NULL,
    status     TEXT NOT NULL CHECK (status IN ('active', 'suspended', 'closed')),
    plan       TEXT NOT NULL,
    cycle      TEXT NOT NULL,
    realm_id   BLOB NOT NULL,
    parent_id  BLOB,
    epoch      INTEGER NOT NULL,
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX tenantry_tenants_by_parent ON tenantry_tenants (parent_id, slug);

-- The directory: names that are looked up before a tenant is known. Read by key, never listed.
CREATE TABLE tenantry_slugs (
    slug      TEXT NOT NULL PRIMARY KEY,
    tenant_id BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX tenantry_slugs_by_tenant ON tenantry_slugs (tenant_id);

CREATE TABLE tenantry_emails (
    realm_id  BLOB NOT NULL,
    email     TEXT NOT NULL,
    tenant_id BLOB NOT NULL,
    user_id   BLOB NOT NULL,
    PRIMARY KEY (realm_id, email)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX tenantry_emails_by_user ON tenantry_emails (tenant_id, user_id);

CREATE TABLE tenantry_users (
    tenant_id  BLOB NOT NULL,
    user_id    BLOB NOT NULL,
    realm_id   BLOB NOT NULL,
    email      TEXT NOT NULL,
    name       TEXT NOT NULL,
    secret     TEXT,
    version    INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX tenantry_users_by_realm ON tenantry_users (realm_id, user_id);

CREATE TABLE tenantry_memberships (
    tenant_id BLOB NOT NULL,
    user_id   BLOB NOT NULL,
    realm_id  BLOB NOT NULL,
    joined_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE tenantry_roles (
    tenant_id BLOB NOT NULL,
    key       TEXT NOT NULL,
    name      TEXT NOT NULL,
    scopes    TEXT NOT NULL,
    version   INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE tenantry_assignments (
    tenant_id BLOB NOT NULL,
    user_id   BLOB NOT NULL,
    role      TEXT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, role)
) STRICT, WITHOUT ROWID;

CREATE INDEX tenantry_assignments_by_role ON tenantry_assignments (tenant_id, role);

CREATE TABLE tenantry_usage (
    tenant_id BLOB NOT NULL,
    meter     TEXT NOT NULL,
    period    INTEGER NOT NULL,
    used      INTEGER NOT NULL CHECK (used >= 0),
    PRIMARY KEY (tenant_id, meter, period)
) STRICT, WITHOUT ROWID;

-- The order as its operator keeps it.
CREATE TABLE tenantry_orders (
    tenant_id   BLOB NOT NULL,
    order_id    BLOB NOT NULL,
    buyer_id    BLOB NOT NULL,
    seller_id   BLOB NOT NULL,
    placed_by   BLOB NOT NULL,
    reference   TEXT NOT NULL,
    snapshot    TEXT NOT NULL,
    terms       TEXT NOT NULL,
    state       TEXT NOT NULL,
    holds       TEXT NOT NULL,
    payment_due INTEGER,
    payment     TEXT,
    review      TEXT,
    refunds     TEXT NOT NULL,
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, order_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX tenantry_orders_by_age ON tenantry_orders (tenant_id, created_at, order_id);

CREATE INDEX tenantry_orders_open ON tenantry_orders (tenant_id, seller_id, order_id)
    WHERE state IN ('created', 'awaiting_payment', 'funded', 'in_review');

-- The order as a party sees it.
CREATE TABLE tenantry_order_sides (
    tenant_id   BLOB NOT NULL,
    order_id    BLOB NOT NULL,
    party       TEXT NOT NULL CHECK (party IN ('buyer', 'seller')),
    operator_id BLOB NOT NULL,
    buyer_id    BLOB NOT NULL,
    seller_id   BLOB NOT NULL,
    placed_by   BLOB NOT NULL,
    reference   TEXT NOT NULL,
    snapshot    TEXT NOT NULL,
    terms       TEXT NOT NULL,
    state       TEXT NOT NULL,
    holds       TEXT NOT NULL,
    payment_due INTEGER,
    payment     TEXT,
    review      TEXT,
    refunds     TEXT NOT NULL,
    version     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, order_id, party)
) STRICT, WITHOUT ROWID;

CREATE INDEX tenantry_order_sides_by_age ON tenantry_order_sides (tenant_id, created_at, order_id);

-- The ledger. Entries are only ever added; balances are kept for accounts that have a floor.
CREATE TABLE tenantry_entries (
    tenant_id   BLOB NOT NULL,
    transfer_id BLOB NOT NULL,
    account     TEXT NOT NULL,
    currency    TEXT NOT NULL,
    amount      INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    order_id    BLOB NOT NULL,
    at          INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, transfer_id, account)
) STRICT, WITHOUT ROWID;

CREATE INDEX tenantry_entries_by_account ON tenantry_entries (tenant_id, account, currency, amount);

CREATE TABLE tenantry_account_balances (
    tenant_id BLOB NOT NULL,
    account   TEXT NOT NULL,
    currency  TEXT NOT NULL,
    balance   INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, account, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE tenantry_statement_lines (
    tenant_id   BLOB NOT NULL,
    transfer_id BLOB NOT NULL,
    order_id    BLOB NOT NULL,
    at          INTEGER NOT NULL,
    kind        TEXT NOT NULL,
    currency    TEXT NOT NULL,
    available   INTEGER NOT NULL,
    held        INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, transfer_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX tenantry_statement_lines_by_age ON tenantry_statement_lines (tenant_id, at, transfer_id);

CREATE TABLE tenantry_party_balances (
    tenant_id BLOB NOT NULL,
    currency  TEXT NOT NULL,
    available INTEGER NOT NULL,
    held      INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, currency)
) STRICT, WITHOUT ROWID;

CREATE TABLE tenantry_inbox (
    tenant_id   BLOB NOT NULL,
    inbox_id    BLOB NOT NULL,
    source      TEXT NOT NULL,
    event       TEXT NOT NULL,
    payload     TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, inbox_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE tenantry_keys (
    tenant_id    BLOB NOT NULL,
    principal_id BLOB NOT NULL,
    operation    TEXT NOT NULL,
    key          TEXT NOT NULL,
    fingerprint  BLOB NOT NULL,
    status       INTEGER NOT NULL,
    body         BLOB NOT NULL,
    expires_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, principal_id, operation, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX tenantry_keys_by_expiry ON tenantry_keys (tenant_id, expires_at);

-- Pending work of every tenant: part of the directory, since whoever claims it knows no tenant yet. It is ready
-- when it is due and nobody's claim is running.
CREATE TABLE tenantry_work (
    tenant_id BLOB NOT NULL,
    kind      TEXT NOT NULL,
    subject   BLOB NOT NULL,
    due       INTEGER NOT NULL,
    ready     INTEGER NOT NULL,
    fence     INTEGER NOT NULL,
    attempts  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, kind, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX tenantry_work_by_readiness ON tenantry_work (ready);

-- The trail: rows are numbered by place as they are committed, and by seq once they are sealed.
CREATE TABLE tenantry_audit (
    tenant_id BLOB NOT NULL,
    place     INTEGER NOT NULL,
    audit_id  BLOB NOT NULL,
    at        INTEGER NOT NULL,
    actor     TEXT NOT NULL,
    action    TEXT NOT NULL,
    target    TEXT NOT NULL,
    detail    TEXT NOT NULL,
    seq       INTEGER,
    hash      BLOB,
    PRIMARY KEY (tenant_id, place)
) STRICT, WITHOUT ROWID;

CREATE INDEX tenantry_audit_unsealed ON tenantry_audit (tenant_id, place) WHERE seq IS NULL;

CREATE UNIQUE INDEX tenantry_audit_sealed ON tenantry_audit (tenant_id, seq) WHERE seq IS NOT NULL;

CREATE TABLE tenantry_events (
    tenant_id      BLOB NOT NULL,
    place          INTEGER NOT NULL,
    event_id       BLOB NOT NULL,
    aggregate_kind TEXT NOT NULL,
    aggregate_id   BLOB NOT NULL,
    version        INTEGER NOT NULL,
    kind           TEXT NOT NULL,
    payload        TEXT NOT NULL,
    at             INTEGER NOT NULL,
    seq            INTEGER,
    PRIMARY KEY (tenant_id, place)
) STRICT, WITHOUT ROWID;

CREATE INDEX tenantry_events_unsealed ON tenantry_events (tenant_id, place) WHERE seq IS NULL;

CREATE UNIQUE INDEX tenantry_events_sealed ON tenantry_events (tenant_id, seq) WHERE seq IS NOT NULL;

CREATE TABLE tenantry_streams (
    tenant_id  BLOB NOT NULL PRIMARY KEY,
    audit_seq  INTEGER NOT NULL,
    audit_hash BLOB NOT NULL,
    event_seq  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
