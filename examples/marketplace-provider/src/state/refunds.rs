//! Refunds: what was paid goes back, once.

use crate::refusal::Refusal;
use crate::values::{Amount, Currency, Reference};
use crate::wire::{CheckoutStatus, EventKind, NewRefund, Refund, RefundStatus};

use super::State;
use super::checkouts::{Made, by_reference};
use super::events::{NewEvent, queue};

const BY_REFERENCE: &str = "SELECT r.checkout_reference, r.amount, c.currency
    FROM refunds r JOIN checkouts c ON c.reference = r.checkout_reference
    WHERE r.reference = ?";

#[derive(sqlx::FromRow)]
struct RefundRow {
    checkout_reference: Reference,
    amount: Amount,
    currency: Currency,
}

impl RefundRow {
    fn named(self, reference: Reference) -> Refund {
        Refund {
            reference,
            checkout_reference: self.checkout_reference,
            amount: self.amount,
            currency: self.currency,
            status: RefundStatus::Succeeded,
        }
    }
}

impl State {
    /// Sends money back, or finds that the same request did. The event is queued in the same transaction.
    pub(crate) async fn refund(
        &self,
        reference: Reference,
        new: &NewRefund,
    ) -> Result<(Made, Refund), Refusal> {
        let mut tx = self.begin().await?;
        let before: Option<RefundRow> =
            sqlx::query_as(BY_REFERENCE).bind(&reference).fetch_optional(&mut *tx).await?;
        if let Some(row) = before {
            let same = row.checkout_reference == new.checkout_reference
                && row.amount == new.amount
                && row.currency == new.currency;
            return if same {
                Ok((Made::Before, row.named(reference)))
            } else {
                Err(Refusal::OtherTerms(reference))
            };
        }
        let checkout =
            by_reference(&mut tx, &new.checkout_reference).await?.ok_or(Refusal::Unknown("checkout"))?;
        if checkout.status != CheckoutStatus::Paid {
            return Err(Refusal::NotPaid);
        }
        if checkout.currency != new.currency {
            return Err(Refusal::OtherCurrency(checkout.currency));
        }
        let left = checkout.amount.get().saturating_sub(checkout.refunded);
        if new.amount.get() > left {
            return Err(Refusal::MoreThanPaid { left });
        }
        sqlx::query("UPDATE checkouts SET refunded = refunded + ? WHERE reference = ?")
            .bind(new.amount)
            .bind(&new.checkout_reference)
            .execute(&mut *tx)
            .await?;
        sqlx::query("INSERT INTO refunds (reference, checkout_reference, amount) VALUES (?, ?, ?)")
            .bind(&reference)
            .bind(&new.checkout_reference)
            .bind(new.amount)
            .execute(&mut *tx)
            .await?;
        let event = NewEvent {
            kind: EventKind::RefundSucceeded,
            checkout: &checkout,
            amount: new.amount,
            refund: Some(&reference),
        };
        queue(&mut tx, event, self.now()).await?;
        tx.commit().await?;
        let row = RefundRow {
            checkout_reference: checkout.reference,
            amount: new.amount,
            currency: checkout.currency,
        };
        Ok((Made::Now, row.named(reference)))
    }

    /// The refund of a reference.
    pub(crate) async fn refund_of(&self, reference: Reference) -> Result<Refund, Refusal> {
        let row: Option<RefundRow> =
            sqlx::query_as(BY_REFERENCE).bind(&reference).fetch_optional(&self.pool).await?;
        row.map(|row| row.named(reference)).ok_or(Refusal::Unknown("refund"))
    }
}
