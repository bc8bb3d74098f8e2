//! What the databases share: statements in the dialect that SQLite and PostgreSQL both accept, and the rows
//! that they answer.
//!
//! A backend brings a [`Connection`] that binds and runs a [`Statement`]; what only one database can say (how a
//! transaction begins, how a fence is drawn) lives with that backend.

mod change;
mod guard;
mod order_rows;
mod posted;
mod read;
mod readers;
mod record;
mod rows;
mod seal;
mod statement;
mod trail_rows;

pub(crate) use order_rows::{OrderRow, SideRow};
pub(crate) use posted::{Posted, posted};
pub(crate) use read::{Listing, newest_first, nothing, place};
pub(crate) use readers::{Reads, implement_readers};
#[cfg(feature = "sqlite")]
pub(crate) use rows::Stored;
pub(crate) use rows::{
    AccountRow, BalanceRow, InboxRow, KeyRow, MemberRow, OrderIdRow, RoleRow, StatementRow, TenantIdRow,
    TenantRow, UsageRow, UserRow, WorkRow, read_rows,
};
pub(crate) use seal::{SEALING, seal};
pub(crate) use statement::{Connection, SqlError, Statement, Value};
pub(crate) use trail_rows::{AuditRow, EventRow};

pub(crate) mod ask {
    //! The statements that read.
    pub(crate) use super::guard::unexpired_key;
    pub(crate) use super::read::{
        account_balances, audit, balances, events, inbox, member, next_due, open_orders_of_seller, order,
        order_side, order_sides, orders, ping, role, statement, tenant, unsealed, used,
    };
    #[cfg(feature = "sqlite")]
    pub(crate) use super::read::{children, is_unsealed, tenant_by_slug, user, user_by_email};
    #[cfg(feature = "postgres")]
    pub(crate) use super::read::{children_of_transaction, own_user, user_of_transaction};
}

pub(crate) mod look {
    //! The statements that find what a guard looks at.
    pub(crate) use super::guard::{balance, fence, key, unexpired_key, used};
}

pub(crate) mod write {
    //! The statements that write, one row each.
    pub(crate) use super::change::{
        audit, entries, event, key, party_balance, schedule, statement_line, unschedule,
    };
    #[cfg(feature = "postgres")]
    pub(crate) use super::record::UPDATE_TENANT;
    pub(crate) use super::record::{delete, insert, update};
}
