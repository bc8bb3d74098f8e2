//! The timer driver: asks what is due, has it done, and seals what was committed.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt as _;
use tenantry_core::{Claim, Failure, OrderFailure, SystemCtx, Tenantry, Unavailable};
use tokio::sync::Notify;
use tracing::{Instrument as _, error, info_span, warn};

/// How long a claim lasts: work that takes longer is claimed by somebody else, and can't be finished any more by
/// who lost it.
const LEASE: Duration = Duration::from_secs(20);
/// How much work is claimed at once, and how much of it is done at the same time.
const CLAIMED_AT_ONCE: u16 = 64;
const DONE_AT_ONCE: usize = 16;
/// How long the driver sleeps at the most: within this time it sees work that another process scheduled.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// From this many attempts on, work that fails is reported as an error with each further one.
const WORRYING_ATTEMPTS: u32 = 20;
/// How many tenants, and how many rows of each, are sealed between two looks at the work.
const SEALED_TENANTS: u16 = 100;
const SEALED_ROWS: u16 = 500;

/// The work that only the application can do, since it needs the outside: reports in the inbox and refunds.
#[async_trait]
pub trait WorkHandler: Send + Sync + 'static {
    /// Does one piece of claimed work, and ends it: with a step of an order, or with
    /// [`Work::end`](tenantry_core::Work::end).
    ///
    /// It may be called again for the same work, after a crash or a failure: what it does outside must be
    /// idempotent. An error puts the work off, for [`pause_after`] as many attempts as it had.
    async fn handle(
        &self,
        ctx: &SystemCtx,
        claim: &Claim,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;

    /// Does what the application keeps beside the library's own work, such as hiding what a suspended seller
    /// has published, before the library ends it. It may be called again for the same work.
    async fn alongside(
        &self,
        ctx: &SystemCtx,
        claim: &Claim,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let _ = (ctx, claim);
        Ok(())
    }
}

/// Does pending work as it becomes due. One process has one; several processes may each have theirs.
///
/// Work that fails is tried again with growing pauses, and is never given up: it is somebody's money. From 20
/// attempts on each further one is logged as an error, for an operator.
#[derive(Clone)]
pub struct Worker {
    app: Tenantry,
    handler: Arc<dyn WorkHandler>,
    nudge: Nudge,
}

/// Wakes a [`Worker`] before its time. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Nudge(Arc<Notify>);

impl Nudge {
    /// There may be work that is due.
    pub fn nudge(&self) {
        self.0.notify_one();
    }
}

/// What a round of work came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Worked {
    /// How many pieces of work were done.
    pub done: usize,
    /// How many were put off.
    pub put_off: usize,
}

impl Worker {
    /// A worker for `app`'s own work, and with `handler` for the application's.
    #[must_use]
    pub fn new(app: Tenantry, handler: Arc<dyn WorkHandler>) -> Self {
        Self { app, handler, nudge: Nudge::default() }
    }

    /// What wakes it.
    #[must_use]
    pub fn nudge(&self) -> Nudge {
        self.nudge.clone()
    }

    /// Works until `shutdown` is ready; what was begun is finished.
    pub async fn run(self, shutdown: impl Future<Output = ()> + Send) {
        tokio::pin!(shutdown);
        loop {
            let pause = match self.round().await {
                Ok(pause) => pause,
                Err(unavailable) => {
                    warn!(error = %unavailable, "the store can't be asked for work");
                    LONGEST_SLEEP
                }
            };
            tokio::select! {
                () = &mut shutdown => return,
                () = self.nudge.0.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Does everything that is due now, and what that makes due, but each piece at most once.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't be asked.
    pub async fn run_due(&self) -> Result<Worked, Unavailable> {
        let mut worked = Worked::default();
        loop {
            let claimed = self.app.work().claim(CLAIMED_AT_ONCE, LEASE).await?;
            if claimed.is_empty() {
                return Ok(worked);
            }
            let outcomes: Vec<bool> = futures::stream::iter(claimed)
                .map(|ctx| self.perform_apart(ctx))
                .buffer_unordered(DONE_AT_ONCE)
                .collect()
                .await;
            let done = outcomes.iter().filter(|done| **done).count();
            worked.done += done;
            worked.put_off += outcomes.len() - done;
        }
    }

    async fn round(&self) -> Result<Duration, Unavailable> {
        self.run_due().await?;
        let sealed = self.app.work().seal(SEALED_TENANTS, SEALED_ROWS).await?;
        if sealed > 0 {
            return Ok(Duration::ZERO);
        }
        let due = self.app.store().next_due().await?;
        let wait = due.map_or(LONGEST_SLEEP, |due| due.since(self.app.now()));
        Ok(wait.min(LONGEST_SLEEP))
    }

    /// Does a piece of work in a task of its own: a store knows by the task who holds a transaction, and what was
    /// begun is finished whether or not anybody still waits.
    async fn perform_apart(&self, ctx: SystemCtx) -> bool {
        let worker = self.clone();
        tokio::spawn(async move { worker.perform(ctx).await }).await.unwrap_or_else(|panicked| {
            error!(error = %panicked, "work broke off: it is claimed again once its claim has run out");
            false
        })
    }

    /// Whether the work was done; what wasn't is put off.
    async fn perform(&self, ctx: SystemCtx) -> bool {
        let Some(claim) = ctx.claim().cloned() else { return true };
        let item = claim.item;
        let span = info_span!("work", kind = %item.kind, subject = %item.subject, tenant = %item.tenant);
        async {
            let Err(failure) = self.attempt(&ctx, &claim).await else { return true };
            let pause = pause_after(claim.attempts);
            if claim.attempts >= WORRYING_ATTEMPTS {
                error!(error = %failure, attempts = claim.attempts, "work keeps failing: see to it");
            } else {
                warn!(error = %failure, attempts = claim.attempts, ?pause, "work put off");
            }
            if let Err(unavailable) = self.app.work().postpone(&ctx, pause).await {
                warn!(error = %unavailable, "the claim runs out by itself");
            }
            false
        }
        .instrument(span)
        .await
    }

    async fn attempt(
        &self,
        ctx: &SystemCtx,
        claim: &Claim,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.handler.alongside(ctx, claim).await?;
        match self.app.work().perform(ctx).await {
            Ok(true) | Err(Failure::Superseded) => Ok(()),
            Ok(false) => self.handler.handle(ctx, claim).await,
            Err(Failure::Refused(refused @ OrderFailure::NotFound)) => self.give_up(ctx, &refused).await,
            Err(failure) => Err(failure.into()),
        }
    }

    /// Ends work whose subject is gone: trying again can't help.
    async fn give_up(
        &self,
        ctx: &SystemCtx,
        refused: &OrderFailure,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        error!(error = %refused, "the work is about nothing");
        Ok(self.app.work().end(ctx, refused.to_string()).await?)
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").finish_non_exhaustive()
    }
}

/// How long work that has failed is put off, after so many earlier attempts: half a second, doubling up to five
/// minutes.
///
/// ```
/// use std::time::Duration;
///
/// assert_eq!(tenantry::pause_after(0), Duration::from_millis(500));
/// assert_eq!(tenantry::pause_after(3), Duration::from_secs(4));
/// assert_eq!(tenantry::pause_after(40), Duration::from_secs(300));
/// ```
#[must_use]
pub fn pause_after(attempts: u32) -> Duration {
    Duration::from_millis(500).saturating_mul(1 << attempts.min(16)).min(Duration::from_secs(300))
}
