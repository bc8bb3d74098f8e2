//! What follows from the provider's reports and from refunds: pending work, done after the commit that asked for
//! it, again after a crash.

use std::error::Error;

use async_trait::async_trait;
use reqwest::StatusCode;
use tenantry::{
    Bypass, Claim, Failure, OrderCommand, OrderFailure, OrderId, PaymentRef, RefundId, RefundState,
    SystemCtx, TenantId, TenantStatus, Tenantry, WorkHandler, WorkKind,
};

use super::client::{CheckoutStatus, Provider, ProviderError, RefundStatus};
use crate::database::Store;
use crate::{listings, model};

/// So many times a report about an order that isn't there is tried again: the order may be committed a moment
/// after the provider knew of it.
const WAITS_FOR_ITS_ORDER: u32 = 12;

/// The marketplace's own work.
#[derive(Debug)]
pub(crate) struct PaymentWork {
    pub(crate) app: Tenantry,
    pub(crate) store: Store,
    pub(crate) provider: Provider,
}

type Worked = Result<(), Box<dyn Error + Send + Sync>>;

#[async_trait]
impl WorkHandler for PaymentWork {
    async fn handle(&self, ctx: &SystemCtx, claim: &Claim) -> Worked {
        match claim.item.kind {
            WorkKind::Inbox => self.act_on_report(ctx, claim).await,
            WorkKind::Refund => self.send_refunds(ctx, OrderId::from_uuid(claim.item.subject)).await,
            other => self.end(ctx, format!("{other} is no work of the marketplace's")).await,
        }
    }

    /// What goes before the library's own work: a seller's listings follow its status, and no order expires
    /// before the provider was asked whether it is paid.
    async fn alongside(&self, ctx: &SystemCtx, claim: &Claim) -> Worked {
        match claim.item.kind {
            WorkKind::SellerHolds => self.follow(TenantId::from_uuid(claim.item.subject)).await,
            WorkKind::PaymentWindow => self.ask_once_more(ctx, OrderId::from_uuid(claim.item.subject)).await,
            _ => Ok(()),
        }
    }
}

impl PaymentWork {
    /// Hides what a suspended seller has published, and shows it again. The status is read once nobody else can
    /// write, so that a worker that comes late doesn't bring an old one back.
    async fn follow(&self, seller: TenantId) -> Worked {
        let platform = self.app.resolve(&model::platform_slug()?).await?;
        let reason = format!("what a seller has published is shown while it is active: tenant {seller}");
        let bypass = Bypass::new("marketplace.hide_listings", reason)?;
        let mut tx = self.store.across(&platform, "seller_holds", bypass, seller).await?;
        let Some(seller) = self.app.store().tenant(seller).await? else { return Ok(()) };
        let is_active = seller.status == TenantStatus::Active;
        listings::follow_seller(seller.slug.as_str(), is_active, tx.connection()).await?;
        Ok(tx.commit().await?)
    }

    /// A payment whose report was lost is found here, before the order expires.
    async fn ask_once_more(&self, ctx: &SystemCtx, order: OrderId) -> Worked {
        let paid = match self.payment_now(order, false).await {
            Ok(paid) => paid,
            Err(ProviderError::Refused(status)) if is_final(status) => None,
            Err(error) => return Err(error.into()),
        };
        let Some(command) = paid else { return Ok(()) };
        match self.app.order_steps(ctx).take_one(order, command).await {
            Ok(_) | Err(Failure::Superseded) => Ok(()),
            Err(Failure::Refused(refused)) => {
                tracing::error!(%order, error = %refused, "a payment can't be booked: see to it");
                Ok(())
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// Fetches what the report is about anew, and moves the order to where that is.
    async fn act_on_report(&self, ctx: &SystemCtx, claim: &Claim) -> Worked {
        let Some(report) = self.app.work().report(ctx).await? else {
            return self.end(ctx, "the report is gone".to_owned()).await;
        };
        let text = |path: &str| report.payload.pointer(path).and_then(|value| value.as_str());
        let Some(order) = text("/data/reference").and_then(|id| id.parse::<OrderId>().ok()) else {
            return self.end(ctx, "the report names no order".to_owned()).await;
        };
        let refund = text("/data/refund").and_then(|id| id.parse::<RefundId>().ok());
        let told = match refund {
            Some(refund) => self.refund_now(refund).await,
            None => self.payment_now(order, text("/type") == Some("checkout.failed")).await,
        };
        match told {
            Ok(Some(command)) => self.take(ctx, claim, order, command).await,
            Ok(None) => self.end(ctx, "the provider says nothing new".to_owned()).await,
            Err(ProviderError::Refused(status)) if is_final(status) => {
                self.end(ctx, format!("the provider answers {status}")).await
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn payment_now(
        &self,
        order: OrderId,
        reports_failure: bool,
    ) -> Result<Option<OrderCommand>, ProviderError> {
        let checkout = self.provider.checkout(order).await?;
        Ok(match (checkout.status, checkout.id.parse::<PaymentRef>()) {
            (CheckoutStatus::Paid, Ok(payment)) => {
                Some(OrderCommand::Pay { payment, paid: checkout.money() })
            }
            (CheckoutStatus::Open, _) if reports_failure => Some(OrderCommand::PaymentFailed),
            _ => None,
        })
    }

    async fn refund_now(&self, refund: RefundId) -> Result<Option<OrderCommand>, ProviderError> {
        let status = self.provider.refund_status(refund).await?.status;
        Ok((status == RefundStatus::Succeeded).then_some(OrderCommand::RefundSettled { refund }))
    }

    async fn take(&self, ctx: &SystemCtx, claim: &Claim, order: OrderId, command: OrderCommand) -> Worked {
        match self.app.order_steps(ctx).take(order, command).await {
            Ok(_) | Err(Failure::Superseded) => Ok(()),
            Err(Failure::Refused(OrderFailure::NotFound)) if claim.attempts < WAITS_FOR_ITS_ORDER => {
                Err(OrderFailure::NotFound.into())
            }
            Err(Failure::Refused(refused)) => {
                tracing::error!(%order, error = %refused, "a report can't be booked: see to it");
                self.end(ctx, refused.to_string()).await
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// Asks the provider for every refund of an order that it hasn't settled.
    async fn send_refunds(&self, ctx: &SystemCtx, id: OrderId) -> Worked {
        let steps = self.app.order_steps(ctx);
        let order = steps.get(id).await?;
        for refund in order.refunds.iter().filter(|refund| refund.state != RefundState::Settled) {
            let told = self.provider.refund(refund.id, id, refund.amount).await?;
            let command = match told.status {
                RefundStatus::Succeeded => OrderCommand::RefundSettled { refund: refund.id },
                RefundStatus::Pending => OrderCommand::RefundSent { refund: refund.id },
            };
            steps.take_one(id, command).await?;
        }
        self.end(ctx, "the provider was asked for every refund".to_owned()).await
    }

    async fn end(&self, ctx: &SystemCtx, why: String) -> Worked {
        match self.app.work().end(ctx, why).await {
            Ok(()) | Err(Failure::Superseded) => Ok(()),
            Err(failure) => Err(failure.into()),
        }
    }
}

/// Whether the provider will say the same however often it is asked: it knows nothing of the thing.
fn is_final(status: StatusCode) -> bool {
    matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE)
}
