//! What the databases share: statements in the dialect that SQLite and PostgreSQL both accept, the rows that
//! they answer, and the order in which a batch is applied.
//!
//! A backend brings a [`Connection`] that binds and runs a [`Statement`]; what only one database can say (how a
//! transaction begins, how a fence is drawn) lives with that backend.

mod apply;
mod change;
mod guard;
mod order_rows;
mod read;
mod record;
mod rows;
mod statement;
mod trail_rows;

pub(crate) use apply::apply;
pub(crate) use order_rows::{OrderRow, SideRow};
pub(crate) use read::{Listing, newest_first, place};
pub(crate) use rows::{
    AccountRow, BalanceRow, InboxRow, KeyRow, MemberRow, OrderIdRow, RoleRow, StatementRow, Stored,
    TenantIdRow, TenantRow, Unreadable, UsageRow, UserRow, WorkRow, read_rows,
};
pub(crate) use statement::{Connection, SqlError, Statement, Value};
pub(crate) use trail_rows::{AuditRow, EventRow, HeadRow};

pub(crate) mod ask {
    //! The statements that read.
    pub(crate) use super::guard::unexpired_key;
    pub(crate) use super::read::{
        account_balances, audit, balances, chain_head, children, events, inbox, is_unsealed, member,
        next_due, open_orders_of_seller, order, order_side, order_sides, orders, ping, role, seal_audit,
        seal_event, statement, store_chain_head, tenant, tenant_by_slug, unsealed, unsealed_audit,
        unsealed_events, used, user, user_by_email,
    };
}
