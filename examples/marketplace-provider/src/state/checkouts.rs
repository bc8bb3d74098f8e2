//! Checkouts and their payment.

use sqlx::SqliteConnection;

use crate::refusal::Refusal;
use crate::values::{Amount, CheckoutId, Currency, Reference};
use crate::wire::{Checkout, CheckoutStatus, EventKind, NewCheckout, Outcome};

use super::State;
use super::events::{NewEvent, queue};

/// A checkout as it is stored: all but the address that it is paid at.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct CheckoutRow {
    pub(crate) id: CheckoutId,
    pub(crate) reference: Reference,
    pub(crate) amount: Amount,
    pub(crate) currency: Currency,
    pub(crate) status: CheckoutStatus,
    pub(crate) refunded: i64,
    pub(crate) description: Option<String>,
    pub(crate) return_url: Option<String>,
}

impl CheckoutRow {
    /// The checkout, paid at an address under `base`.
    pub(crate) fn at(self, base: &str) -> Checkout {
        Checkout {
            checkout_url: format!("{base}/pay/{}", self.id.as_str()),
            id: self.id,
            reference: self.reference,
            status: self.status,
            amount: self.amount,
            currency: self.currency,
            refunded: self.refunded,
            description: self.description,
            return_url: self.return_url,
        }
    }
}

/// Whether a request made something or found it there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    /// It is new.
    Now,
    /// The same request had made it.
    Before,
}

impl State {
    /// Opens a checkout, or finds the one that the same request opened.
    pub(crate) async fn open_checkout(
        &self,
        id: &CheckoutId,
        reference: &Reference,
        new: &NewCheckout,
    ) -> Result<(Made, CheckoutRow), Refusal> {
        let mut tx = self.begin().await?;
        if let Some(row) = by_reference(&mut tx, reference).await? {
            return if row.amount == new.amount && row.currency == new.currency {
                Ok((Made::Before, row))
            } else {
                Err(Refusal::OtherTerms(reference.clone()))
            };
        }
        let row: CheckoutRow = sqlx::query_as(
            "INSERT INTO checkouts (reference, id, amount, currency, status, refunded, description, return_url)
             VALUES (?, ?, ?, ?, 'open', 0, ?, ?) RETURNING *",
        )
        .bind(reference)
        .bind(id)
        .bind(new.amount)
        .bind(&new.currency)
        .bind(&new.description)
        .bind(&new.return_url)
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok((Made::Now, row))
    }

    /// The checkout of a reference.
    pub(crate) async fn checkout(&self, reference: &Reference) -> Result<CheckoutRow, Refusal> {
        let mut connection = self.pool.acquire().await?;
        by_reference(&mut connection, reference).await?.ok_or(Refusal::Unknown("checkout"))
    }

    /// The checkout of an id.
    pub(crate) async fn checkout_by_id(&self, id: &CheckoutId) -> Result<CheckoutRow, Refusal> {
        let mut connection = self.pool.acquire().await?;
        by_id(&mut connection, id).await?.ok_or(Refusal::Unknown("checkout"))
    }

    /// One attempt to pay; the event is queued in the same transaction.
    pub(crate) async fn pay(&self, id: &CheckoutId, outcome: Outcome) -> Result<CheckoutRow, Refusal> {
        let mut tx = self.begin().await?;
        let row = by_id(&mut tx, id).await?.ok_or(Refusal::Unknown("checkout"))?;
        let kind = match (row.status, outcome) {
            (CheckoutStatus::Paid, Outcome::Paid) => return Ok(row),
            (CheckoutStatus::Paid, Outcome::Failed) => return Err(Refusal::AlreadyPaid),
            (CheckoutStatus::Open, Outcome::Paid) => EventKind::CheckoutPaid,
            (CheckoutStatus::Open, Outcome::Failed) => EventKind::CheckoutFailed,
        };
        let event = NewEvent { kind, checkout: &row, amount: row.amount, refund: None };
        queue(&mut tx, event, self.now()).await?;
        let row = match outcome {
            Outcome::Paid => {
                sqlx::query_as("UPDATE checkouts SET status = 'paid' WHERE id = ? RETURNING *")
                    .bind(id)
                    .fetch_one(&mut *tx)
                    .await?
            }
            Outcome::Failed => row,
        };
        tx.commit().await?;
        Ok(row)
    }
}

pub(super) async fn by_reference(
    connection: &mut SqliteConnection,
    reference: &Reference,
) -> Result<Option<CheckoutRow>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM checkouts WHERE reference = ?")
        .bind(reference)
        .fetch_optional(connection)
        .await
}

async fn by_id(
    connection: &mut SqliteConnection,
    id: &CheckoutId,
) -> Result<Option<CheckoutRow>, sqlx::Error> {
    sqlx::query_as("SELECT * FROM checkouts WHERE id = ?").bind(id).fetch_optional(connection).await
}
