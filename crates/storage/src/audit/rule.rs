use std::fmt;

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Tenants are, or may come to be, less apart than the application believes: don't serve.
    Refuses,
    /// Nothing crosses because of it, but it costs speed or takes away a second lock: mend it when you can.
    Warns,
}

impl Severity {
    /// The word of reports and of the rules' page.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Refuses => "refuses",
            Self::Warns => "warns",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

macro_rules! catalogue {
    ($($rule:ident $id:literal $severity:ident $meaning:literal $mend:literal $sql:literal)*) => {
        /// A rule of the boot audit.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Rule {
            $(#[doc = $meaning] $rule,)*
        }

        impl Rule {
            /// Every rule, in the order of the catalogue: logins, tables, policies, keys, rights, what runs by itself.
            pub const ALL: &[Self] = &[$(Self::$rule,)*];

            /// The rule's name in reports, in kebab-case. It stays the same for ever.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Self::$rule => $id,)* }
            }

            /// How grave its findings are, where the scope doesn't say otherwise (see
            /// [`AuditScope::sealed`](super::AuditScope::sealed)).
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$rule => Severity::$severity,)* }
            }

            /// What is wrong, and what may come of it.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$rule => $meaning,)* }
            }

            /// How to mend it, in words.
            #[must_use]
            pub fn mend(self) -> &'static str {
                match self { $(Self::$rule => $mend,)* }
            }

            /// The statement that mends it, with `<names>` where a finding has the quoted names; empty where only
            /// the words of [`mend`](Self::mend) can say.
            #[must_use]
            pub fn sql(self) -> &'static str {
                match self { $(Self::$rule => $sql,)* }
            }
        }
    };
}

catalogue! {
    LoginMissing "login-missing" Refuses
    "A role that the audit was told of doesn't exist, so nothing can be said of it."
    "Migrate first, or name the roles that are meant."
    "CREATE ROLE <role>;"

    LoginsShared "logins-shared" Refuses
    "Two of the four roles are one: whoever breaks into the lesser has the greater."
    "Make a role for each of them, and give the audit their names."
    ""

    LoginSuperuser "login-superuser" Refuses
    "The role is a superuser: no policy and no grant binds it."
    "Take it away, as a superuser."
    "ALTER ROLE <role> NOSUPERUSER;"

    LoginBypasses "login-bypasses" Refuses
    "The role has BYPASSRLS: it reads every tenant's rows, forced row security or not."
    "Take it away, as a superuser."
    "ALTER ROLE <role> NOBYPASSRLS;"

    LoginReplicates "login-replicates" Refuses
    "The role may replicate: the stream of changes has every tenant's rows."
    "Take it away, as a superuser."
    "ALTER ROLE <role> NOREPLICATION;"

    LoginMakesRoles "login-makes-roles" Refuses
    "The role has CREATEROLE: it can make a role, or change one, that sees more than itself."
    "Take it away."
    "ALTER ROLE <role> NOCREATEROLE;"

    LoginMakesDatabases "login-makes-databases" Warns
    "The role has CREATEDB, which serving doesn't need: it owns what it makes, and can fill the disk."
    "Take it away."
    "ALTER ROLE <role> NOCREATEDB;"

    LoginIsMember "login-is-member" Refuses
    "The role is a member, directly or through others, of a role with rights of its own here: \
     whoever injects SQL can say SET ROLE."
    "Take the membership away; grant what is needed to the role itself."
    "REVOKE <granted> FROM <role>;"

    LoginHasServerPower "login-has-server-power" Refuses
    "The role is a member of one of PostgreSQL's own roles: these read every table, the server's files or \
     other sessions' statements, or run programs."
    "Take the membership away."
    "REVOKE <granted> FROM <role>;"

    LoginHasMembers "login-has-members" Warns
    "Another role is a member of this one, and so has its rights without being it: the trail can't tell them apart."
    "Take the membership away."
    "REVOKE <role> FROM <member>;"

    LoginOwns "login-owns" Refuses
    "The role owns something in this database: an owner may switch row security off, drop policies, and grant."
    "Give it to the owner of the tables, as a superuser or a member of both roles."
    "REASSIGN OWNED BY <role> TO <owner>;"

    LoginMayCreate "login-may-create" Refuses
    "The role may create objects: a table or function of its own making can stand before the one that is meant, \
     and it owns what it makes."
    "Take the right away."
    "REVOKE CREATE ON <place> FROM <role>;"

    DoorLogsIn "door-logs-in" Refuses
    "The role that owns the definer functions can log in: it was to be reached through them only."
    "Take it away."
    "ALTER ROLE <role> NOLOGIN;"

    TemporaryTables "temporary-tables" Warns
    "The role may make temporary tables, which stand before every other table of their name: injected SQL can \
     put one before the table that a later statement means. In sealed mode this refuses."
    "Take the right away. PostgreSQL gives it to PUBLIC in each new database."
    "REVOKE TEMPORARY ON DATABASE <database> FROM <role>;"

    TenantByDefault "tenant-by-default" Refuses
    "The tenant is set for each new session: a transaction that names none gets that tenant's rows and not none."
    "Take the setting away."
    "ALTER <whose> RESET <setting>;"

    TenantNullable "tenant-nullable" Refuses
    "A row may have no tenant: no policy shows it, no key holds it apart, no erasure finds it."
    "Give the rows without a tenant one, or delete them, then forbid it."
    "ALTER TABLE <table> ALTER COLUMN tenant_id SET NOT NULL;"

    TenantNotUuid "tenant-not-uuid" Refuses
    "The column tenant_id isn't a uuid: it can't be compared with the tenant without a cast, which loses the index \
     or fails on a value that isn't one."
    "Drop the policies that read the column, change its type, and make them again with tenantry.protect."
    "ALTER TABLE <table> ALTER COLUMN tenant_id TYPE uuid USING tenant_id::text::uuid;"

    TableWithoutTenant "table-without-tenant" Refuses
    "The application reaches a table that has no tenant_id, outside the directory: every tenant sees all of it."
    "Give it the column and call tenantry.protect; or, if every row of it is public, declare so with \
     COMMENT ON TABLE … IS 'tenantry: public'; or take the rights away."
    "REVOKE ALL ON TABLE <table> FROM <roles>;"

    RowSecurityOff "row-security-off" Refuses
    "A table with a tenant_id has no row security: its policies, if any, aren't asked."
    "Switch it on, or call tenantry.protect."
    "ALTER TABLE <table> ENABLE ROW LEVEL SECURITY;"

    RowSecurityNotForced "row-security-not-forced" Refuses
    "Row security isn't forced: the owner of the table, and every definer function and view of the owner's, sees \
     all rows."
    "Force it."
    "ALTER TABLE <table> FORCE ROW LEVEL SECURITY;"

    PartitionUnprotected "partition-unprotected" Refuses
    "A role may address a partition itself, where its parent's policies aren't asked, and the partition has no \
     forced row security of its own."
    "Take the rights away: through the parent none are needed."
    "REVOKE ALL ON TABLE <table> FROM <roles>;"

    InheritanceChild "inheritance-child" Refuses
    "A tenant table inherits from a table that isn't protected: reading the parent shows the child's rows, and the \
     child's policies aren't asked."
    "End the inheritance, or protect the parent."
    "ALTER TABLE <table> NO INHERIT <parent>;"

    PolicyOpen "policy-open" Refuses
    "A permissive policy for the role isn't bound to the tenant. Permissive policies are joined by OR: one that is \
     open opens the others."
    "Drop it, and call tenantry.protect if it was the only one. A narrower rule belongs behind AND, or into a \
     restrictive policy."
    "DROP POLICY <policy> ON <table>;"

    PolicyCheckOpen "policy-check-open" Refuses
    "What a policy lets the role write isn't bound to the tenant: it can put rows into another tenant's data."
    "Check what is written by the same condition as what is read."
    "ALTER POLICY <policy> ON <table> WITH CHECK <condition>;"

    PolicyCheckMissing "policy-check-missing" Warns
    "A policy for writing has no WITH CHECK: PostgreSQL takes USING instead, and what may be written then changes \
     whenever what may be read does."
    "Write it out."
    "ALTER POLICY <policy> ON <table> WITH CHECK <condition>;"

    PolicyFrozen "policy-frozen" Refuses
    "A policy calls a function that is marked IMMUTABLE though it takes nothing or reads a setting: a cached plan \
     serves the first tenant's answer to the second."
    "Write the condition into the policy; a function that reads a setting is STABLE."
    "ALTER FUNCTION <function> STABLE;"

    PolicyDoubled "policy-doubled" Warns
    "Several permissive policies hold for one role and command: their OR loses the order of the index."
    "Keep one; a narrower rule belongs behind AND, or into a restrictive policy."
    "DROP POLICY <policy> ON <table>;"

    PolicyMissing "policy-missing" Warns
    "The role has rights on a protected table but no policy lets it see a row: it will find the table empty."
    "Make the policy, with tenantry.protect, or take the rights away."
    "REVOKE ALL ON TABLE <table> FROM <role>;"

    KeyNotLed "key-not-led" Refuses
    "A primary key, unique key or exclusion isn't led by tenant_id: writing a value tells whether another tenant \
     has it, and takes it from all others."
    "Make the key again, tenant_id first. Foreign keys that rest on it have to be made again too."
    "<remake>"

    ForeignKeyNotLed "foreign-key-not-led" Refuses
    "A foreign key doesn't lead with tenant_id on both sides: PostgreSQL checks it without asking policies, so a row \
     can point at another tenant's, and writing one tells what another tenant has."
    "Make it again, tenant_id first on both sides. A key to the tenants table needs none, nor one to a public table."
    "<remake>"

    IndexNotLed "index-not-led" Warns
    "An index of a tenant table isn't led by tenant_id: a statement of one tenant's walks over all tenants' entries."
    "Make it again, tenant_id first."
    "<remake>"

    IndexLeaky "index-leaky" Warns
    "An index has a column whose operators aren't leakproof (enum, numeric, jsonb, arrays): under a policy \
     PostgreSQL doesn't search the index by it."
    "Use uuid, text, bigint or a timestamp for what hot statements search by; or drop the index if nothing else \
     needs it."
    ""

    ViewDefiner "view-definer" Refuses
    "A view isn't a security_invoker: it reads its tables with its owner's rights and under the owner's policies."
    "Let it read with the rights of whoever asks."
    "ALTER VIEW <view> SET (security_invoker = true);"

    MaterializedView "materialized-view" Refuses
    "A materialized view holds a copy of rows, and there is no row security on it: whoever may read it, reads all."
    "Take the rights away; or, if all of it is public, declare so with COMMENT ON MATERIALIZED VIEW … IS \
     'tenantry: public'."
    "REVOKE ALL ON TABLE <view> FROM <roles>;"

    ForeignTable "foreign-table" Refuses
    "A foreign table can't have row security: whoever may read it, reads all."
    "Take the rights away."
    "REVOKE ALL ON TABLE <table> FROM <roles>;"

    DefinerNotListed "definer-not-listed" Refuses
    "A SECURITY DEFINER function may be called that isn't one of those that the audit was told of: it sees what its \
     owner sees."
    "Take EXECUTE away, make it SECURITY INVOKER, or, having read it, name it in the audit's scope."
    "REVOKE EXECUTE ON ROUTINE <function> FROM <roles>;"

    DefinerNotOfDoor "definer-not-of-door" Refuses
    "A listed definer function isn't owned by the door's role: it was read for what that role may do, not for what \
     its owner may."
    "Give it to the door's role."
    "ALTER ROUTINE <function> OWNER TO <door>;"

    DefinerForPublic "definer-for-public" Warns
    "A listed definer function may be called by every role of the server: PostgreSQL gives EXECUTE to PUBLIC on \
     each new function."
    "Take it away, having granted it to the roles that call it."
    "REVOKE EXECUTE ON ROUTINE <function> FROM PUBLIC;"

    DefinerSearchPath "definer-search-path" Refuses
    "A definer function's search_path isn't pinned, or doesn't end in pg_temp: the caller chooses what its names \
     mean, and it runs them with its owner's rights."
    "Pin it to the schemas that it uses, pg_temp last."
    "ALTER ROUTINE <function> SET search_path = pg_catalog, <schema>, pg_temp;"

    TriggerDefiner "trigger-definer" Refuses
    "A trigger of a tenant table runs a SECURITY DEFINER function that isn't listed: it sees each row written, with \
     its owner's rights."
    "Drop it, make its function SECURITY INVOKER, or, having read it, name the function in the audit's scope."
    "DROP TRIGGER <trigger> ON <table>;"

    RewriteRule "rewrite-rule" Refuses
    "A rule rewrites statements on a tenant table: what it adds runs with the owner's rights."
    "Drop it; use a trigger."
    "DROP RULE <rewrite> ON <table>;"

    EventTrigger "event-trigger" Warns
    "An event trigger runs a function in other sessions, with their rights, and on login from PostgreSQL 17 on."
    "Drop it if it isn't known."
    "DROP EVENT TRIGGER <trigger>;"

    GrantBeyondRows "grant-beyond-rows" Refuses
    "The role has a right on a table that policies don't bind: TRUNCATE empties it for all tenants, REFERENCES \
     and TRIGGER see other tenants' rows, MAINTAIN locks it."
    "Take it away."
    "REVOKE <rights> ON TABLE <table> FROM <role>;"

    GrantToPublic "grant-to-public" Refuses
    "A right on a table, or on columns of it, is PUBLIC's: every role of the server has it, those to come included."
    "Take it away, having granted it to the roles that need it."
    "REVOKE ALL ON TABLE <table> FROM PUBLIC;"

    GrantOption "grant-option" Warns
    "The role may pass its right on to others."
    "Take the option away."
    "REVOKE GRANT OPTION FOR ALL ON TABLE <table> FROM <role>;"

    WriterBeyondLibrary "writer-beyond-library" Refuses
    "The write door's role, which is admitted to several tenants at once, has rights on an application's table."
    "Take them away."
    "REVOKE ALL ON TABLE <table> FROM <role>;"

    AppWritesLibrary "app-writes-library" Refuses
    "The application may write a table of the library's: balances, usage and the trail could be changed past the \
     write door."
    "Take the rights away."
    "REVOKE INSERT, UPDATE, DELETE ON TABLE <table> FROM <role>;"

    DirectoryOpen "directory-open" Refuses
    "The application may read or write a table of the directory, which holds what belongs to all tenants: it was to \
     be asked by key, through functions."
    "Take the rights away."
    "REVOKE ALL ON TABLE <table> FROM <role>;"

    SequenceOpen "sequence-open" Warns
    "The role may read a sequence, which tells how many rows all tenants have made, or set it back, which stops them."
    "Leave it USAGE only."
    "REVOKE SELECT, UPDATE ON SEQUENCE <sequence> FROM <role>;"

    DefaultsToPublic "defaults-to-public" Warns
    "Each object to come gives rights to PUBLIC by default."
    "Take the default away."
    "ALTER DEFAULT PRIVILEGES FOR ROLE <maker><schema> REVOKE ALL ON <kind> FROM PUBLIC;"

    ReachesServers "reaches-servers" Warns
    "The role may open connections to other servers, or back to this one under another login, from SQL."
    "Take the right away."
    "REVOKE <right> FROM <role>;"

    Published "published" Warns
    "A publication sends a tenant table's rows to its subscribers: policies aren't asked."
    "Drop it, or see that its subscribers may have all tenants' rows."
    "DROP PUBLICATION <publication>;"
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.id())
    }
}
