use std::collections::BTreeMap;

use super::Tenantry;
use crate::{
    Account, AccountBalance, Balance, Caller, Currency, Page, PageRequest, StatementLine, Unavailable,
};

impl Tenantry {
    /// The money of the caller's tenant.
    #[must_use]
    pub fn ledger<'a>(&'a self, caller: &'a Caller) -> Ledger<'a> {
        Ledger { app: self, caller }
    }
}

/// A tenant's money: its own balance and statement, and the books that it keeps as an operator.
#[derive(Debug, Clone, Copy)]
pub struct Ledger<'a> {
    app: &'a Tenantry,
    caller: &'a Caller,
}

impl Ledger<'_> {
    /// What the tenant has, by currency. An operator's fees count as available.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    pub async fn balances(&self) -> Result<Vec<Balance>, Unavailable> {
        let mut of_currency: BTreeMap<Currency, Balance> = BTreeMap::new();
        for balance in self.app.store().balances(self.caller.scope()).await? {
            of_currency.insert(balance.currency, balance);
        }
        if self.caller.tenant().tenant().parent().is_none() {
            for account in self.books().await?.accounts {
                if account.account == Account::Fees {
                    let nothing = Balance { currency: account.currency, available: 0, held: 0 };
                    let balance = of_currency.entry(account.currency).or_insert(nothing);
                    balance.available = balance.available.saturating_sub(account.balance);
                }
            }
        }
        Ok(of_currency.into_values().collect())
    }

    /// The lines that the balance is made of, the newest first.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    pub async fn statement(&self, page: &PageRequest) -> Result<Page<StatementLine>, Unavailable> {
        self.app.store().statement(self.caller.scope(), page).await
    }

    /// The books that the tenant keeps as an operator, added up from the entries.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    pub async fn books(&self) -> Result<Books, Unavailable> {
        let accounts = self.app.store().account_balances(self.caller.scope()).await?;
        Ok(Books { accounts })
    }
}

/// Every account of an operator with its balance: debits less credits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Books {
    /// The accounts, by name and currency.
    pub accounts: Vec<AccountBalance>,
}

impl Books {
    /// Whether each currency adds up to zero and no account that has a floor is overdrawn.
    #[must_use]
    pub fn is_balanced(&self) -> bool {
        let mut sums: BTreeMap<Currency, i128> = BTreeMap::new();
        for account in &self.accounts {
            *sums.entry(account.currency).or_default() += i128::from(account.balance);
        }
        sums.values().all(|sum| *sum == 0)
            && self.accounts.iter().all(|account| !account.account.has_floor() || account.balance <= 0)
    }
}
