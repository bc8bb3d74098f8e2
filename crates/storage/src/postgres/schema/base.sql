-- What has to be there before the first step: the two schemas, and the tables that migrations keep their own books in.

CREATE SCHEMA IF NOT EXISTS tenantry;
CREATE SCHEMA IF NOT EXISTS tenantry_directory;
REVOKE ALL ON SCHEMA tenantry, tenantry_directory FROM PUBLIC;

CREATE TABLE IF NOT EXISTS tenantry_directory.tenantry_migrations (
    namespace  text        COLLATE "C" NOT NULL,
    version    bigint      NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (namespace, version)
);

-- Who the logins are, and how the policies know the tenant. One row.
CREATE TABLE IF NOT EXISTS tenantry_directory.tenantry_settings (
    id        boolean NOT NULL PRIMARY KEY DEFAULT true CHECK (id),
    app       text    NOT NULL,
    writer    text    NOT NULL,
    admin     text    NOT NULL,
    door      text    NOT NULL,
    is_sealed boolean NOT NULL
);

-- The application's tables that `tenantry.protect` and `tenantry.publish` were called for.
CREATE TABLE IF NOT EXISTS tenantry_directory.tenantry_protected (
    relation  regclass NOT NULL PRIMARY KEY,
    publisher text,
    has_history boolean NOT NULL DEFAULT false
);
