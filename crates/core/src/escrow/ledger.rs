use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Currency, OrderId, TenantId, Timestamp, TransferId};

/// An account in the books of an operator.
///
/// | account | what its balance says (debits less credits) | floor |
/// | --- | --- | --- |
/// | `provider` | money that lies with the payment provider | none |
/// | `escrow:ORDER` | the negative of what is held for the order | never above zero |
/// | `payable:TENANT` | the negative of what the seller can be paid out | never above zero |
/// | `fees` | the negative of the operator's fees | none |
/// | `refunds` | the negative of what is on its way back to buyers | none |
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Account {
    /// Money that lies with the payment provider.
    Provider,
    /// What is held for an order.
    Escrow(OrderId),
    /// What a seller can be paid out.
    Payable(TenantId),
    /// The operator's fees.
    Fees,
    /// Refunds that the provider hasn't settled yet.
    Refunds,
}

impl Account {
    /// Whether the account may not be overdrawn, so that a store keeps its balance and refuses what would.
    ///
    /// The others are sums of their entries: nobody waits for their row.
    #[must_use]
    pub const fn has_floor(&self) -> bool {
        matches!(self, Self::Escrow(_) | Self::Payable(_))
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Provider => f.write_str("provider"),
            Self::Escrow(order) => write!(f, "escrow:{order}"),
            Self::Payable(tenant) => write!(f, "payable:{tenant}"),
            Self::Fees => f.write_str("fees"),
            Self::Refunds => f.write_str("refunds"),
        }
    }
}

impl FromStr for Account {
    type Err = InvalidAccount;

    fn from_str(text: &str) -> Result<Self, InvalidAccount> {
        match (text, text.split_once(':')) {
            ("provider", _) => Ok(Self::Provider),
            ("fees", _) => Ok(Self::Fees),
            ("refunds", _) => Ok(Self::Refunds),
            (_, Some(("escrow", id))) => id.parse().map(Self::Escrow).map_err(|_| InvalidAccount),
            (_, Some(("payable", id))) => id.parse().map(Self::Payable).map_err(|_| InvalidAccount),
            _ => Err(InvalidAccount),
        }
    }
}

/// The text names no account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an account: expected provider, fees, refunds, escrow:ORDER or payable:TENANT")]
pub struct InvalidAccount;

/// One line of a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posting {
    /// The account.
    pub account: Account,
    /// Minor units: a debit above zero, a credit below.
    pub amount: i64,
}

/// A movement of money between accounts of one operator, in one currency. Its postings add up to zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transfer {
    id: TransferId,
    operator: TenantId,
    order: OrderId,
    kind: TransferKind,
    currency: Currency,
    at: Timestamp,
    postings: Vec<Posting>,
}

impl Transfer {
    /// A transfer, with the postings that are zero left out.
    ///
    /// # Errors
    /// [`InvalidTransfer`] unless the postings add up to zero and name each account at most once.
    pub fn new(
        id: TransferId,
        operator: TenantId,
        order: OrderId,
        kind: TransferKind,
        currency: Currency,
        at: Timestamp,
        postings: Vec<Posting>,
    ) -> Result<Self, InvalidTransfer> {
        let sum: i128 = postings.iter().map(|posting| i128::from(posting.amount)).sum();
        let mut postings = postings;
        postings.retain(|posting| posting.amount != 0);
        postings.sort_by_key(|posting| posting.account);
        let accounts_are_distinct =
            postings.iter().zip(postings.iter().skip(1)).all(|(one, next)| one.account != next.account);
        if sum != 0 || !accounts_are_distinct || postings.is_empty() {
            return Err(InvalidTransfer);
        }
        Ok(Self { id, operator, order, kind, currency, at, postings })
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> TransferId {
        self.id
    }

    /// The tenant whose books it is in.
    #[must_use]
    pub fn operator(&self) -> TenantId {
        self.operator
    }

    /// The order that it is about.
    #[must_use]
    pub fn order(&self) -> OrderId {
        self.order
    }

    /// What moved the money.
    #[must_use]
    pub fn kind(&self) -> TransferKind {
        self.kind
    }

    /// The currency of every posting.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// When.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// The lines, by account; none is zero.
    #[must_use]
    pub fn postings(&self) -> &[Posting] {
        &self.postings
    }
}

/// The postings don't add up to zero, name an account twice, or move nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a transfer's postings add up to zero, name each account once and move something")]
pub struct InvalidTransfer;

/// What moved the money. The posting table:
///
/// | kind | debit | credit |
/// | --- | --- | --- |
/// | `fund` | provider: gross | escrow: gross |
/// | `release` | escrow: what is left | payable of the seller: net; fees: fee |
/// | `refund` | escrow: amount | refunds: amount |
/// | `refund_settled` | refunds: amount | provider: amount |
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TransferKind {
    /// The buyer paid.
    Fund,
    /// The seller and the operator got their shares.
    Release,
    /// A refund was decided.
    Refund,
    /// The provider paid a refund out.
    RefundSettled,
}

impl TransferKind {
    /// The word that is stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fund => "fund",
            Self::Release => "release",
            Self::Refund => "refund",
            Self::RefundSettled => "refund_settled",
        }
    }
}

/// What happened to a party's money: its own row of the operator's books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatementLine {
    /// The transfer that it shows.
    pub transfer: TransferId,
    /// The tenant whose row it is.
    pub tenant: TenantId,
    /// The order that it is about.
    pub order: OrderId,
    /// When.
    pub at: Timestamp,
    /// What happened.
    pub kind: StatementKind,
    /// The currency of both amounts.
    pub currency: Currency,
    /// The change of what can be paid out, in minor units.
    pub available: i64,
    /// The change of what lies in escrow for the tenant, net of the fee, in minor units.
    pub held: i64,
}

/// What happened to a party's money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatementKind {
    /// A buyer paid: it lies in escrow.
    Held,
    /// It was released.
    Released,
    /// It went back to the buyer.
    Refunded,
}

impl StatementKind {
    /// The word that is stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Released => "released",
            Self::Refunded => "refunded",
        }
    }
}

impl FromStr for StatementKind {
    type Err = InvalidAccount;

    fn from_str(text: &str) -> Result<Self, InvalidAccount> {
        match text {
            "held" => Ok(Self::Held),
            "released" => Ok(Self::Released),
            "refunded" => Ok(Self::Refunded),
            _ => Err(InvalidAccount),
        }
    }
}

/// What a tenant has in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// The currency of both amounts.
    pub currency: Currency,
    /// What can be paid out, in minor units.
    pub available: i64,
    /// What lies in escrow for it, net of the fee, in minor units.
    pub held: i64,
}

/// The balance of an account: debits less credits, added up from its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountBalance {
    /// The account.
    pub account: Account,
    /// The currency.
    pub currency: Currency,
    /// Minor units.
    pub balance: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transfer_that_does_not_add_up_cannot_be_made() {
        let (operator, order) = (TenantId::generate(), OrderId::generate());
        let make = |postings| {
            Transfer::new(
                TransferId::generate(),
                operator,
                order,
                TransferKind::Fund,
                Currency::USD,
                Timestamp::EPOCH,
                postings,
            )
        };
        let post = |account, amount| Posting { account, amount };
        let held = Account::Escrow(order);
        assert!(make(vec![post(Account::Provider, 5), post(held, -5), post(Account::Fees, 0)]).is_ok());
        assert_eq!(make(vec![post(Account::Provider, 5), post(held, -4)]), Err(InvalidTransfer));
        assert_eq!(make(vec![post(held, 5), post(held, -5)]), Err(InvalidTransfer));
        assert_eq!(make(vec![]), Err(InvalidTransfer));
    }

    #[test]
    fn accounts_read_back() {
        for account in [
            Account::Provider,
            Account::Escrow(OrderId::generate()),
            Account::Payable(TenantId::generate()),
            Account::Fees,
            Account::Refunds,
        ] {
            assert_eq!(account.to_string().parse(), Ok(account));
        }
        assert_eq!("escrow:".parse::<Account>(), Err(InvalidAccount));
    }
}
