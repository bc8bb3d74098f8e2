//! The ways by name.

use super::commit::CommitWay;
use super::question::Question;
use super::ways::OwnWay;
use super::wire::PeerWay;

/// A way of asking, in this process or in the peer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    Own(OwnWay),
    Peer(PeerWay),
    Commit(CommitWay),
}

pub(crate) const POOL: Way = Way::Own(OwnWay::Pool);
pub(crate) const AUTOCOMMIT: Way = Way::Own(OwnWay::Autocommit);
pub(crate) const TX_DROPPED: Way = Way::Own(OwnWay::TxDropped);
pub(crate) const TX_COMMITTED: Way = Way::Own(OwnWay::TxCommitted);
pub(crate) const TENANTRY: Way = Way::Own(OwnWay::Tenantry);
pub(crate) const SEALED: Way = Way::Own(OwnWay::Sealed);
pub(crate) const SQLITE: Way = Way::Own(OwnWay::Sqlite);
pub(crate) const ONE_STRING: Way = Way::Own(OwnWay::OneString);
pub(crate) const ONE_STATEMENT: Way = Way::Own(OwnWay::OneStatement);
pub(crate) const LIBRARY: Way = Way::Commit(CommitWay::Library);
pub(crate) const BY_STATEMENTS: Way = Way::Commit(CommitWay::Statements);
pub(crate) const BY_ONE_STATEMENT: Way = Way::Commit(CommitWay::OneStatement);
pub(crate) const PEER_POOL: Way = Way::Peer(PeerWay::Pool);
pub(crate) const PEER_HOOKS: Way = Way::Peer(PeerWay::Hooks);
pub(crate) const PEER_HOOKS_NO_PING: Way = Way::Peer(PeerWay::HooksNoPing);
pub(crate) const PEER_BEGIN: Way = Way::Peer(PeerWay::Begin);

impl Way {
    /// Those that answer a question in every cell.
    pub(crate) fn everywhere(question: Question) -> &'static [Self] {
        if question.is_write() {
            &[POOL, AUTOCOMMIT, TX_COMMITTED, TENANTRY, SEALED, PEER_HOOKS, PEER_BEGIN, SQLITE]
        } else {
            &[
                POOL,
                AUTOCOMMIT,
                TX_DROPPED,
                TENANTRY,
                SEALED,
                TX_COMMITTED,
                PEER_POOL,
                PEER_HOOKS,
                PEER_BEGIN,
                SQLITE,
            ]
        }
    }

    /// Those that are looked at closely for the point read.
    pub(crate) const CLOSELY: &'static [Self] = &[
        POOL,
        TENANTRY,
        TX_DROPPED,
        AUTOCOMMIT,
        SEALED,
        ONE_STRING,
        ONE_STATEMENT,
        TX_COMMITTED,
        PEER_POOL,
        PEER_HOOKS,
        PEER_HOOKS_NO_PING,
        PEER_BEGIN,
        SQLITE,
    ];

    /// Those that a service is built on.
    pub(crate) const SERVED: &'static [Self] =
        &[POOL, AUTOCOMMIT, TX_DROPPED, TENANTRY, SEALED, PEER_POOL, PEER_HOOKS, PEER_BEGIN, SQLITE];

    /// Those that commit a use of a quota.
    pub(crate) const COMMITTED: &'static [Self] = &[LIBRARY, BY_STATEMENTS, BY_ONE_STATEMENT];

    /// As the report calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Own(OwnWay::Pool) => "sqlx, ordinary pool",
            Self::Own(OwnWay::Autocommit) => "sqlx, without its ping",
            Self::Own(OwnWay::TxDropped) => "transaction by hand, dropped",
            Self::Own(OwnWay::TxCommitted) => "transaction by hand, committed",
            Self::Own(OwnWay::Tenantry) => "PgTenantTx, row security",
            Self::Own(OwnWay::Sealed) => "PgTenantTx, sealed",
            Self::Own(OwnWay::Sqlite) => "SQLite",
            Self::Own(OwnWay::OneString) => "experiment: one string",
            Self::Own(OwnWay::OneStatement) => "experiment: one statement",
            Self::Peer(PeerWay::Pool) => "sqlx 0.8, ordinary pool",
            Self::Peer(PeerWay::Hooks) => "tenaxum 0.2, pool hooks",
            Self::Peer(PeerWay::HooksNoPing) => "tenaxum 0.2, hooks, no ping",
            Self::Peer(PeerWay::Begin) => "tenaxum 0.2, begin_tenant",
            Self::Commit(CommitWay::Library) => "tenantry, commit",
            Self::Commit(CommitWay::Statements) => "transaction by hand",
            Self::Commit(CommitWay::OneStatement) => "one statement by hand",
        }
    }

    /// Whether it is the library's.
    pub(crate) fn is_ours(self) -> bool {
        matches!(self, Self::Own(OwnWay::Tenantry | OwnWay::Sealed) | Self::Commit(CommitWay::Library))
    }
}
