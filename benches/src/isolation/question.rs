//! What is asked: the questions, the tenants asked for, and the statements, the same for every way of asking.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// Rows that each tenant has in each table.
pub(crate) const ROWS: u64 = 50;
/// Offers on each of a tenant's first listings.
pub(crate) const OFFERS: u64 = 5;
/// Rows of a page.
pub(crate) const PAGE: u64 = 20;

/// One kind of statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Question {
    /// One row by its key.
    Read,
    /// One listing with its five offers.
    Join,
    /// Twenty rows after a cursor.
    Page,
    /// One row changed by its key.
    Update,
    /// One row added.
    Insert,
}

impl Question {
    pub(crate) const ALL: [Self; 5] = [Self::Read, Self::Join, Self::Page, Self::Update, Self::Insert];

    pub(crate) fn is_write(self) -> bool {
        matches!(self, Self::Update | Self::Insert)
    }

    /// How many rows answer it.
    pub(crate) fn rows(self) -> u64 {
        match self {
            Self::Join => OFFERS,
            Self::Page => PAGE,
            Self::Read | Self::Update | Self::Insert => 1,
        }
    }
}

/// Whose rows are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Spread {
    /// Always the same tenant's.
    Hot,
    /// Each time any tenant's.
    Random,
}

/// How it is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Cell {
    pub(crate) question: Question,
    pub(crate) tenants: usize,
    pub(crate) spread: Spread,
    pub(crate) at_once: usize,
}

/// Who keeps tenants apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    /// `WHERE tenant_id = $1`, in every statement, on tables without row security.
    Statement,
    /// The table's policy; the statement doesn't name the tenant.
    Policy,
}

/// The text of a question. `$1` is the key and `$2` the tenant, where the statement names it.
pub(crate) fn statement(question: Question, side: Side, tables: &str, tenants: usize) -> String {
    let of = |table: &str| format!("{tables}{table}_{tenants}");
    let and = |column: &str| match side {
        Side::Statement => format!(" AND {column} = $2"),
        Side::Policy => String::new(),
    };
    match question {
        Question::Read => format!(
            "SELECT mark, title, price FROM {} WHERE listing_id = $1{}",
            of("listings"),
            and("tenant_id")
        ),
        Question::Join => format!(
            "SELECT l.mark, l.title, o.amount FROM {} AS l JOIN {} AS o \
             ON o.tenant_id = l.tenant_id AND o.listing_id = l.listing_id WHERE l.listing_id = $1{}",
            of("listings"),
            of("offers"),
            and("l.tenant_id")
        ),
        Question::Page => format!(
            "SELECT mark, title, price FROM {} WHERE listing_id > $1{} ORDER BY listing_id LIMIT {PAGE}",
            of("listings"),
            and("tenant_id")
        ),
        Question::Update => format!(
            "UPDATE {} SET price = price + 1 WHERE listing_id = $1{}",
            of("listings"),
            and("tenant_id")
        ),
        Question::Insert => {
            format!("INSERT INTO {} (entry_id, tenant_id, body) VALUES ($1, $2, 'an entry')", of("entries"))
        }
    }
}

/// Whether the statement is given the tenant.
pub(crate) fn names_tenant(question: Question, side: Side) -> bool {
    side == Side::Statement || question == Question::Insert
}

/// A key that no other process of this run's has, nor this one had.
fn new_entry() -> u64 {
    static ENTRIES: AtomicU64 = AtomicU64::new(0);
    (u64::from(std::process::id()) << 36) + ENTRIES.fetch_add(1, Ordering::Relaxed)
}

/// Pseudo-random numbers from a seed (SplitMix64, Steele, Lea and Flood 2014).
#[derive(Debug, Clone)]
pub(crate) struct Draw(u64);

impl Draw {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// A tenant's number and a key.
    pub(crate) fn row(&mut self, cell: Cell) -> (usize, i64) {
        let tenants = u64::try_from(cell.tenants).unwrap_or(1);
        let tenant = match cell.spread {
            Spread::Hot => tenants / 2,
            Spread::Random => self.below(tenants),
        };
        let key = match cell.question {
            Question::Read | Question::Update => 1 + self.below(ROWS),
            Question::Join => 1 + self.below(ROWS / OFFERS),
            Question::Page => self.below(ROWS - PAGE),
            Question::Insert => new_entry(),
        };
        (usize::try_from(tenant).unwrap_or(0), i64::try_from(key).unwrap_or(1))
    }
}
