//! What the bench and the peer's process tell each other: one JSON value a line.

use serde::{Deserialize, Serialize};

use super::question::Cell;

/// A way of asking that the peer's process knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum PeerWay {
    /// The ordinary pool of the version of sqlx that the peer is built on, by hand.
    Pool,
    /// tenaxum's pool hooks, which its documentation recommends.
    Hooks,
    /// The same over a pool without sqlx's ping, which its documentation doesn't mention.
    HooksNoPing,
    /// tenaxum's explicit `begin_tenant`: reads dropped, writes committed.
    Begin,
}

/// Where the peer asks.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PeerJob {
    /// The login's address in the database without row security, and in that with it.
    pub(crate) by_hand: String,
    pub(crate) app: String,
    /// The tenants' ids by number.
    pub(crate) tenants: Vec<uuid::Uuid>,
    pub(crate) connections: u32,
    /// One thread, on which nothing runs between a step's answer and the next line.
    pub(crate) is_stepped: bool,
}

/// What the peer is told.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Tell {
    /// Measure one block: answers [`Told::Took`].
    Block { way: PeerWay, cell: Cell, micros: u64, seed: u64 },
    /// Ask once: answers [`Told::Done`].
    Once { way: PeerWay, cell: Cell, seed: u64 },
    /// Let what runs in the background come to its end: answers [`Told::Done`].
    Settle,
    /// Serve `GET /{tenant}/{key}` on loopback: answers [`Told::Serves`].
    Serve { way: PeerWay, cell: Cell },
}

/// What the peer answers.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Told {
    Took(f64),
    Done,
    Serves(u16),
    Failed(String),
}
