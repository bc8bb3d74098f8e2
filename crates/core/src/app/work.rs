use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;
use uuid::Uuid;

use super::operation::sealed::Sealed;
use super::{Actor, Attempt, Command, Failure, Operation, OrderFailure, Tenantry};
use crate::store::{Change, Inbox, Record};
use crate::{
    Batch, GuardFailure, OrderCommand, OrderId, PageRequest, SystemCtx, TenantCtx, TenantId, TenantStatus,
    Unavailable, WorkItem, WorkKind,
};

/// The largest report, as JSON text.
const MAX_PAYLOAD: usize = 64 * 1024;

impl Tenantry {
    /// Pending work: timers, reports, refunds.
    #[must_use]
    pub fn work(&self) -> Work<'_> {
        Work { app: self }
    }
}

/// Pending work. A driver outside of this crate asks for what is due, does it or has it done, and comes again.
#[derive(Debug, Clone, Copy)]
pub struct Work<'a> {
    app: &'a Tenantry,
}

impl<'a> Work<'a> {
    /// Claims up to `limit` pieces of work that are due, for `lease`: who claims one may act for its tenant.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    pub async fn claim(&self, limit: u16, lease: Duration) -> Result<Vec<SystemCtx>, Unavailable> {
        let claims = self.app.store().claim(limit, lease).await?;
        Ok(claims.into_iter().map(SystemCtx::of_claim).collect())
    }

    /// Does what the library can do by itself: the timers of orders, and the holds of suspended sellers.
    /// Answers whether it was such work; what needs the outside (reports, refunds) is the application's.
    ///
    /// # Errors
    /// [`Failure`]; the work stays pending and is claimed again once the lease has run out.
    pub async fn perform(&self, ctx: &SystemCtx) -> Result<bool, Failure<OrderFailure>> {
        let Some(claim) = ctx.claim() else { return Ok(false) };
        let order = OrderId::from_uuid(claim.item.subject);
        let steps = self.app.order_steps(ctx);
        match claim.item.kind {
            WorkKind::PaymentWindow => steps.take(order, OrderCommand::WindowEnds).await.map(|_| true),
            WorkKind::Review => steps.take(order, OrderCommand::ReviewEnds).await.map(|_| true),
            WorkKind::SellerHolds => {
                self.align_holds(ctx, TenantId::from_uuid(claim.item.subject)).await.map(|()| true)
            }
            WorkKind::Refund | WorkKind::Inbox => Ok(false),
        }
    }

    /// The report that claimed work is about.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    pub async fn report(&self, ctx: &SystemCtx) -> Result<Option<Inbox>, Unavailable> {
        match ctx.claim() {
            Some(claim) => self.app.store().inbox(ctx.scope(), claim.item.subject).await,
            None => Ok(None),
        }
    }

    /// Stores a verified report from outside, once, as work that is due now.
    pub fn receive(
        &self,
        at: &TenantCtx,
        source: &'static str,
        event: String,
        payload: serde_json::Value,
    ) -> Command<'a, impl Operation<Outcome = Receipt, Refusal = ReceiveRefusal> + use<>> {
        let actor = Actor::External(at.clone(), source);
        Command::new(self.app, actor, Receive { source, event, payload })
    }

    /// Ends claimed work that leads to nothing more, and says why in the trail.
    pub fn end(
        &self,
        ctx: &SystemCtx,
        why: String,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = std::convert::Infallible> + use<>> {
        Command::new(self.app, ctx.into(), EndWork { why })
    }

    /// Gives claimed work back undone, to be claimed again after `pause`.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer; the claim runs out by itself.
    pub async fn postpone(&self, ctx: &SystemCtx, pause: Duration) -> Result<(), Unavailable> {
        match ctx.claim() {
            Some(claim) => self.app.store().postpone(claim, pause).await,
            None => Ok(()),
        }
    }

    /// Seals what was committed, for up to `tenants` tenants. Returns how many rows it sealed.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    pub async fn seal(&self, tenants: u16, rows: u16) -> Result<usize, Unavailable> {
        let mut sealed = 0;
        for tenant in self.app.store().unsealed(tenants).await? {
            sealed += self.app.store().seal(tenant, rows).await?;
        }
        Ok(sealed)
    }

    /// Lays the suspension's hold on every open order of a seller that isn't active, or lifts it from those of one
    /// that is.
    async fn align_holds(&self, ctx: &SystemCtx, seller: TenantId) -> Result<(), Failure<OrderFailure>> {
        let store = self.app.store();
        let steps = self.app.order_steps(ctx);
        let mut page = PageRequest::largest();
        let status = store.tenant(seller).await?.map(|tenant| tenant.status);
        loop {
            let orders = store.open_orders_of_seller(ctx.scope(), seller, &page).await?;
            for order in orders.items {
                let command = if status == Some(TenantStatus::Active) {
                    OrderCommand::SellerReactivated
                } else {
                    OrderCommand::SellerSuspended
                };
                match steps.take_one(order, command).await {
                    Ok(_) | Err(Failure::Refused(_)) => {}
                    Err(failure) => return Err(failure),
                }
            }
            match orders.next {
                Some(next) => page = page.following(next),
                None => break,
            }
        }
        let why = format!("holds laid or lifted for tenant:{seller}");
        self.end(ctx, why).await.map_err(|failure| failure.map_refusal(|never| match never {}))
    }
}

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    /// It was stored now.
    New,
    /// It had been stored: nothing has changed.
    Known,
}

/// The report can't be stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a report has a name of 1 to 200 bytes and at most 64 KiB")]
pub struct ReceiveRefusal;

struct Receive {
    source: &'static str,
    event: String,
    payload: serde_json::Value,
}

impl Sealed for Receive {}

#[async_trait]
impl Operation for Receive {
    type Outcome = Receipt;
    type Refusal = ReceiveRefusal;

    async fn attempt(
        &self,
        app: &Tenantry,
        by: &Actor,
        batch: &mut Batch,
    ) -> Result<Attempt<Receipt>, Failure<ReceiveRefusal>> {
        let Actor::External(tenant, _) = by else {
            return Err(Failure::AuthorityChanged);
        };
        let fits = (1..=200).contains(&self.event.len()) && self.payload.to_string().len() <= MAX_PAYLOAD;
        if !fits {
            return Err(Failure::Refused(ReceiveRefusal));
        }
        let id = inbox_id(tenant.id(), self.source, &self.event);
        if app.store().inbox(tenant.scope(), id).await?.is_some() {
            return Ok(Attempt::Settled(Receipt::Known));
        }
        let due = batch.at();
        batch.insert(Record::Inbox(Inbox {
            tenant: tenant.id(),
            id,
            source: self.source.to_owned(),
            event: self.event.clone(),
            payload: self.payload.clone(),
            received_at: due,
        }));
        let item = WorkItem { tenant: tenant.id(), kind: WorkKind::Inbox, subject: id, due };
        batch.change(Change::Schedule(item));
        let target = format!("{}:{}", self.source, self.event);
        by.audit(batch, "inbox.receive", target, json!({}));
        Ok(Attempt::Write(Receipt::New))
    }

    fn refusal(&self, _by: &Actor, _failures: &[GuardFailure]) -> Option<ReceiveRefusal> {
        None
    }
}

/// The same report has the same id, whoever stores it.
fn inbox_id(tenant: TenantId, source: &str, event: &str) -> Uuid {
    crate::id::derive_uuid(&[b"inbox", tenant.as_uuid().as_bytes(), source.as_bytes(), event.as_bytes()])
}

struct EndWork {
    why: String,
}

impl Sealed for EndWork {}

#[async_trait]
impl Operation for EndWork {
    type Outcome = ();
    type Refusal = std::convert::Infallible;

    async fn attempt(
        &self,
        _app: &Tenantry,
        by: &Actor,
        batch: &mut Batch,
    ) -> Result<Attempt<()>, Failure<std::convert::Infallible>> {
        let Actor::System(ctx) = by else { return Err(Failure::AuthorityChanged) };
        let Some(claim) = ctx.claim() else { return Ok(Attempt::Settled(())) };
        let item = claim.item;
        batch.change(Change::Unschedule { tenant: item.tenant, kind: item.kind, subject: item.subject });
        let target = format!("{}:{}", item.kind, item.subject);
        by.audit(batch, "work.end", target, json!({ "why": self.why }));
        Ok(Attempt::Write(()))
    }
}
