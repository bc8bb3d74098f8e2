use async_trait::async_trait;

use super::{AccountBalance, Balance, Order, OrderSide, StatementLine};
use crate::{OrderId, Page, PageRequest, Predicate, ReadScope, TenantId, Unavailable};

/// What operations on orders and the books read.
#[async_trait]
pub trait EscrowReader: Send + Sync {
    /// An order that the scope's tenant operates.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    async fn order(&self, scope: ReadScope, id: OrderId) -> Result<Option<Order>, Unavailable>;

    /// The orders that the scope's tenant operates and `filter` keeps, the newest first. The filter is one over
    /// [`SeenOrder`](super::SeenOrder), by the operator.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer, or can't ask for so large a filter.
    async fn orders(
        &self,
        scope: ReadScope,
        filter: &Predicate,
        page: &PageRequest,
    ) -> Result<Page<Order>, Unavailable>;

    /// The open orders of one seller that the scope's tenant operates, by id.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    async fn open_orders_of_seller(
        &self,
        scope: ReadScope,
        seller: TenantId,
        page: &PageRequest,
    ) -> Result<Page<OrderId>, Unavailable>;

    /// What the scope's tenant sees of an order in which it is buyer or seller.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    async fn order_side(&self, scope: ReadScope, id: OrderId) -> Result<Option<OrderSide>, Unavailable>;

    /// What the scope's tenant sees of the orders in which it is buyer or seller and that `filter` keeps, the newest
    /// first. The filter is one over [`SeenOrder`](super::SeenOrder), by that party.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer, or can't ask for so large a filter.
    async fn order_sides(
        &self,
        scope: ReadScope,
        filter: &Predicate,
        page: &PageRequest,
    ) -> Result<Page<OrderSide>, Unavailable>;

    /// The lines of the tenant's statement, the newest first.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    async fn statement(
        &self,
        scope: ReadScope,
        page: &PageRequest,
    ) -> Result<Page<StatementLine>, Unavailable>;

    /// The tenant's balances, by currency.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    async fn balances(&self, scope: ReadScope) -> Result<Vec<Balance>, Unavailable>;

    /// Every account in the books of the scope's tenant, added up from the entries and not from stored totals,
    /// by account and currency.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    async fn account_balances(&self, scope: ReadScope) -> Result<Vec<AccountBalance>, Unavailable>;
}
