//! What the databases share: statements in the dialect that SQLite and PostgreSQL both accept, and the rows
//! that they answer.
//!
//! A backend brings a [`Connection`] that binds and runs a [`Statement`]; what only one database can say (how a
//! transaction begins, how a fence is drawn) lives with that backend.

mod assignment_rows;
mod change;
mod guard;
pub(crate) mod list;
mod order_rows;
mod orders;
mod posted;
mod principal;
mod read;
mod readers;
mod record;
mod record_values;
mod roster;
mod rows;
mod seal;
mod statement;
mod trail_rows;

#[cfg(feature = "postgres")]
pub(crate) use assignment_rows::target_texts;
pub(crate) use assignment_rows::{
    ApiKeyRow, AssignmentPlace, AssignmentRow, HoldingRow, MembershipRow, PrincipalPlace, PrincipalRow,
    ServiceAccountRow, TeamMemberPlace, TeamMemberRow, TeamRow,
};
pub(crate) use order_rows::{OrderRow, SideRow};
pub(crate) use orders::OrderTables;
pub(crate) use posted::{Posted, posted};
pub(crate) use principal::FactRow;
pub(crate) use read::{Listing, newest_first, nothing, place};
pub(crate) use readers::{Reads, implement_readers};
pub(crate) use roster::implement_roster;
#[cfg(feature = "sqlite")]
pub(crate) use rows::Stored;
pub(crate) use rows::{
    AccountRow, BalanceRow, InboxRow, KeyRow, OrderIdRow, RoleRow, StatementRow, TenantIdRow, TenantRow,
    UsageRow, UserRow, WorkRow, read_rows,
};
pub(crate) use seal::{SEALING, seal};
pub(crate) use statement::{Connection, SqlError, Statement, Value};
pub(crate) use trail_rows::{AuditRow, EventRow};

pub(crate) mod ask {
    //! The statements that read.
    pub(crate) use super::guard::unexpired_key;
    pub(crate) use super::orders::orders;
    #[cfg(feature = "sqlite")]
    pub(crate) use super::principal::principal;
    #[cfg(feature = "postgres")]
    pub(crate) use super::principal::principal_of_transaction;
    pub(crate) use super::read::{
        account_balances, audit, balances, events, inbox, next_due, open_orders_of_seller, order, order_side,
        ping, statement, tenant, unsealed, used,
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
    #[cfg(feature = "postgres")]
    pub(crate) use super::record_values::above;
}
