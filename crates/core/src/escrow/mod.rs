//! Orders in escrow: their chart, their terms, the shares of their money, and the ledger.

mod chart;
mod command;
mod ledger;
mod order;
mod reader;
mod seen;
mod shares;
mod terms;

pub use chart::{OrderDecision, OrderTransition, decide_order};
pub use command::{OrderCommand, OrderRefusal};
pub use ledger::{
    Account, AccountBalance, Balance, InvalidAccount, InvalidTransfer, Posting, StatementKind, StatementLine,
    Transfer, TransferKind,
};
pub use order::{
    Hold, HoldKind, InvalidPaymentRef, Order, OrderAction, OrderSide, OrderState, Party, PaymentRef, Refund,
    RefundState, Review, Subject,
};
pub use reader::EscrowReader;
pub use seen::SeenOrder;
pub use shares::{Shares, refundable_fee};
pub use terms::{Fulfilment, InvalidTerms, Terms};
