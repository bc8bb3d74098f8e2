-- The library's tables. What a tenant owns lies in `tenantry`, with the tenant leading every key; what is looked up
-- before a tenant is known, or is nobody's, lies in `tenantry_directory`. Names are compared byte by byte, whatever
-- the database's own collation is, so that lists are sorted alike on every store.

CREATE TABLE tenantry.tenantry_realms (
    tenant_id uuid NOT NULL,
    realm_id  uuid NOT NULL,
    PRIMARY KEY (tenant_id, realm_id)
);

CREATE TABLE tenantry.tenantry_tenants (
    tenant_id  uuid   NOT NULL PRIMARY KEY,
    slug       text   COLLATE "C" NOT NULL,
    name       text   NOT NULL,
    kind       text   NOT NULL,
    status     text   NOT NULL CHECK (status IN ('active', 'suspended', 'closed')),
    plan       text   NOT NULL,
    cycle      text   NOT NULL,
    realm_id   uuid   NOT NULL,
    parent_id  uuid,
    epoch      bigint NOT NULL,
    version    bigint NOT NULL,
    created_at bigint NOT NULL
);

CREATE INDEX tenantry_tenants_by_parent ON tenantry.tenantry_tenants (parent_id, slug);

CREATE TABLE tenantry_directory.tenantry_slugs (
    slug      text COLLATE "C" NOT NULL PRIMARY KEY,
    tenant_id uuid NOT NULL UNIQUE
);

CREATE TABLE tenantry_directory.tenantry_emails (
    realm_id  uuid NOT NULL,
    email     text COLLATE "C" NOT NULL,
    tenant_id uuid NOT NULL,
    user_id   uuid NOT NULL,
    PRIMARY KEY (realm_id, email),
    UNIQUE (tenant_id, user_id)
);

CREATE TABLE tenantry.tenantry_users (
    tenant_id  uuid   NOT NULL,
    user_id    uuid   NOT NULL,
    realm_id   uuid   NOT NULL,
    email      text   NOT NULL,
    name       text   NOT NULL,
    secret     text,
    version    bigint NOT NULL,
    created_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
);

CREATE INDEX tenantry_users_by_realm ON tenantry.tenantry_users (realm_id, user_id);

CREATE TABLE tenantry.tenantry_memberships (
    tenant_id uuid   NOT NULL,
    user_id   uuid   NOT NULL,
    realm_id  uuid   NOT NULL,
    joined_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
);

CREATE TABLE tenantry.tenantry_roles (
    tenant_id uuid   NOT NULL,
    key       text   COLLATE "C" NOT NULL,
    name      text   NOT NULL,
    scopes    text   NOT NULL,
    version   bigint NOT NULL,
    PRIMARY KEY (tenant_id, key)
);

CREATE TABLE tenantry.tenantry_assignments (
    tenant_id uuid NOT NULL,
    user_id   uuid NOT NULL,
    role      text COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, user_id, role)
);

CREATE INDEX tenantry_assignments_by_role ON tenantry.tenantry_assignments (tenant_id, role);

CREATE TABLE tenantry.tenantry_usage (
    tenant_id uuid   NOT NULL,
    meter     text   COLLATE "C" NOT NULL,
    period    bigint NOT NULL,
    used      bigint NOT NULL CHECK (used >= 0),
    PRIMARY KEY (tenant_id, meter, period)
);

-- The order as its operator keeps it.
CREATE TABLE tenantry.tenantry_orders (
    tenant_id   uuid   NOT NULL,
    order_id    uuid   NOT NULL,
    buyer_id    uuid   NOT NULL,
    seller_id   uuid   NOT NULL,
    placed_by   uuid   NOT NULL,
    reference   text   NOT NULL,
    snapshot    text   NOT NULL,
    terms       text   NOT NULL,
    state       text   COLLATE "C" NOT NULL,
    holds       text   NOT NULL,
    payment_due bigint,
    payment     text,
    review      text,
    refunds     text   NOT NULL,
    version     bigint NOT NULL,
    created_at  bigint NOT NULL,
    PRIMARY KEY (tenant_id, order_id)
);

CREATE INDEX tenantry_orders_by_age ON tenantry.tenantry_orders (tenant_id, created_at, order_id);

CREATE INDEX tenantry_orders_open ON tenantry.tenantry_orders (tenant_id, seller_id, order_id)
    WHERE state IN ('created', 'awaiting_payment', 'funded', 'in_review');

-- The order as a party sees it.
CREATE TABLE tenantry.tenantry_order_sides (
    tenant_id   uuid   NOT NULL,
    order_id    uuid   NOT NULL,
    party       text   COLLATE "C" NOT NULL CHECK (party IN ('buyer', 'seller')),
    operator_id uuid   NOT NULL,
    buyer_id    uuid   NOT NULL,
    seller_id   uuid   NOT NULL,
    placed_by   uuid   NOT NULL,
    reference   text   NOT NULL,
    snapshot    text   NOT NULL,
    terms       text   NOT NULL,
    state       text   NOT NULL,
    holds       text   NOT NULL,
    payment_due bigint,
    payment     text,
    review      text,
    refunds     text   NOT NULL,
    version     bigint NOT NULL,
    created_at  bigint NOT NULL,
    PRIMARY KEY (tenant_id, order_id, party)
);

CREATE INDEX tenantry_order_sides_by_age ON tenantry.tenantry_order_sides (tenant_id, created_at, order_id);

-- The ledger. Entries are only ever added; balances are kept for accounts that have a floor.
CREATE TABLE tenantry.tenantry_entries (
    tenant_id   uuid   NOT NULL,
    transfer_id uuid   NOT NULL,
    account     text   COLLATE "C" NOT NULL,
    currency    text   COLLATE "C" NOT NULL,
    amount      bigint NOT NULL,
    kind        text   NOT NULL,
    order_id    uuid   NOT NULL,
    at          bigint NOT NULL,
    PRIMARY KEY (tenant_id, transfer_id, account)
);

CREATE INDEX tenantry_entries_by_account ON tenantry.tenantry_entries (tenant_id, account, currency, amount);

CREATE TABLE tenantry.tenantry_account_balances (
    tenant_id uuid   NOT NULL,
    account   text   COLLATE "C" NOT NULL,
    currency  text   COLLATE "C" NOT NULL,
    balance   bigint NOT NULL,
    PRIMARY KEY (tenant_id, account, currency)
);

CREATE TABLE tenantry.tenantry_statement_lines (
    tenant_id   uuid   NOT NULL,
    transfer_id uuid   NOT NULL,
    order_id    uuid   NOT NULL,
    at          bigint NOT NULL,
    kind        text   NOT NULL,
    currency    text   NOT NULL,
    available   bigint NOT NULL,
    held        bigint NOT NULL,
    PRIMARY KEY (tenant_id, transfer_id)
);

CREATE INDEX tenantry_statement_lines_by_age
    ON tenantry.tenantry_statement_lines (tenant_id, at, transfer_id);

CREATE TABLE tenantry.tenantry_party_balances (
    tenant_id uuid   NOT NULL,
    currency  text   COLLATE "C" NOT NULL,
    available bigint NOT NULL,
    held      bigint NOT NULL,
    PRIMARY KEY (tenant_id, currency)
);

CREATE TABLE tenantry.tenantry_inbox (
    tenant_id   uuid   NOT NULL,
    inbox_id    uuid   NOT NULL,
    source      text   NOT NULL,
    event       text   NOT NULL,
    payload     text   NOT NULL,
    received_at bigint NOT NULL,
    PRIMARY KEY (tenant_id, inbox_id)
);

CREATE TABLE tenantry.tenantry_keys (
    tenant_id    uuid   NOT NULL,
    principal_id uuid   NOT NULL,
    operation    text   COLLATE "C" NOT NULL,
    key          text   COLLATE "C" NOT NULL,
    fingerprint  bytea  NOT NULL,
    status       bigint NOT NULL,
    body         bytea  NOT NULL,
    expires_at   bigint NOT NULL,
    PRIMARY KEY (tenant_id, principal_id, operation, key)
);

CREATE INDEX tenantry_keys_by_expiry ON tenantry.tenantry_keys (tenant_id, expires_at);

-- The trail: rows are numbered by place as they are written, and by seq once they are sealed. An id can be written
-- once: what joined a transaction can't be replayed.
CREATE TABLE tenantry.tenantry_audit (
    tenant_id uuid   NOT NULL,
    place     bigint GENERATED ALWAYS AS IDENTITY,
    audit_id  uuid   NOT NULL,
    at        bigint NOT NULL,
    actor     text   NOT NULL,
    action    text   NOT NULL,
    target    text   NOT NULL,
    detail    text   NOT NULL,
    seq       bigint,
    hash      bytea,
    PRIMARY KEY (tenant_id, place),
    UNIQUE (tenant_id, audit_id)
);

CREATE INDEX tenantry_audit_unsealed ON tenantry.tenantry_audit (tenant_id, place) WHERE seq IS NULL;

CREATE UNIQUE INDEX tenantry_audit_sealed ON tenantry.tenantry_audit (tenant_id, seq) WHERE seq IS NOT NULL;

CREATE TABLE tenantry.tenantry_events (
    tenant_id      uuid   NOT NULL,
    place          bigint GENERATED ALWAYS AS IDENTITY,
    event_id       uuid   NOT NULL,
    aggregate_kind text   NOT NULL,
    aggregate_id   uuid   NOT NULL,
    version        bigint NOT NULL,
    kind           text   NOT NULL,
    payload        text   NOT NULL,
    at             bigint NOT NULL,
    seq            bigint,
    PRIMARY KEY (tenant_id, place),
    UNIQUE (tenant_id, event_id)
);

CREATE INDEX tenantry_events_unsealed ON tenantry.tenantry_events (tenant_id, place) WHERE seq IS NULL;

CREATE UNIQUE INDEX tenantry_events_sealed ON tenantry.tenantry_events (tenant_id, seq) WHERE seq IS NOT NULL;

CREATE TABLE tenantry.tenantry_streams (
    tenant_id  uuid   NOT NULL PRIMARY KEY,
    audit_seq  bigint NOT NULL,
    audit_hash bytea  NOT NULL,
    event_seq  bigint NOT NULL
);

-- What became of the application's rows, where `tenantry.protect` was asked for it.
CREATE TABLE tenantry.tenantry_history (
    tenant_id  uuid        NOT NULL,
    place      bigint      GENERATED ALWAYS AS IDENTITY,
    relation   text        NOT NULL,
    operation  text        NOT NULL CHECK (operation IN ('INSERT', 'UPDATE', 'DELETE')),
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    login      text        NOT NULL DEFAULT session_user,
    before     jsonb,
    after      jsonb,
    PRIMARY KEY (tenant_id, place)
);

-- Pending work of every tenant: whoever claims it knows no tenant yet. It is ready when it is due and nobody's claim
-- is running.
CREATE TABLE tenantry_directory.tenantry_work (
    tenant_id uuid   NOT NULL,
    kind      text   COLLATE "C" NOT NULL,
    subject   uuid   NOT NULL,
    due       bigint NOT NULL,
    ready     bigint NOT NULL,
    fence     bigint NOT NULL,
    attempts  bigint NOT NULL,
    PRIMARY KEY (tenant_id, kind, subject)
);

CREATE INDEX tenantry_work_by_readiness ON tenantry_directory.tenantry_work (ready);

CREATE SEQUENCE tenantry_directory.tenantry_fence AS bigint;

-- The tenants whose epoch moved, each with its latest change: what other processes poll. `xid` tells which rows a
-- poll can't have seen.
CREATE TABLE tenantry_directory.tenantry_changes (
    place     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id uuid   NOT NULL,
    xid       xid8   NOT NULL DEFAULT pg_current_xact_id(),
    at        bigint NOT NULL
);

CREATE INDEX tenantry_changes_by_transaction ON tenantry_directory.tenantry_changes (xid);

CREATE INDEX tenantry_changes_by_tenant ON tenantry_directory.tenantry_changes (tenant_id, place);
