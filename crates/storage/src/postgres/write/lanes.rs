use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sqlx::PgPool;
use tenantry_core::{Batch, CommitError, Epochs, Timestamp, Unavailable};
use tokio::sync::oneshot;

use super::apply::Pace;
use super::fault::{Fault, Overtaken};
use super::footprint::Ground;
use super::queue::{Company, Group, Job, Queue};
use super::transaction::{Answers, Held, Prepared, Terms};
use crate::postgres::PostgresOptions;

/// The write door of a store on PostgreSQL: batches that wait are written together, in as many transactions at
/// once as there are lanes.
///
/// A batch that comes while a lane is free is written at once. While all are busy, batches gather, and the next
/// free lane takes all that can be judged together: those of which none writes a row that another looks at.
/// Counters (usage, balances) are no such rows: each batch is judged on what those before it have counted.
/// Batches about rows of a transaction that is under way in this process wait for it here, rather than on a lock
/// of the database's with a lane of their own.
#[derive(Clone)]
pub(in crate::postgres) struct Lanes {
    shared: Arc<Shared>,
}

struct Shared {
    pool: PgPool,
    epochs: Arc<Epochs>,
    /// The store's time: whether an idempotency key has expired.
    now: Box<dyn Fn() -> Timestamp + Send + Sync>,
    /// How many transactions there are at once, at most.
    lanes: usize,
    /// How long a batch waits for others, here and in the database.
    wait: Duration,
    statements: Prepared,
    queue: Mutex<Queue>,
    /// Connections between two transactions: a pool would ask each, every time, whether it is still there.
    kept: Mutex<Vec<Held>>,
}

/// How long batches that share a transaction wait for a lock: those that don't need it shouldn't wait for long.
const TOGETHER_LOCK_WAIT: Duration = Duration::from_millis(100);
/// A batch whose time is nearly up still gets this long.
const LEAST_LOCK_WAIT: Duration = Duration::from_millis(20);
/// How often a batch alone is tried.
const MAX_TRIES: u32 = 3;

impl Lanes {
    /// `pool` connects as the writer. Each lane takes a connection out of it and keeps it.
    pub(in crate::postgres) fn new(
        pool: PgPool,
        options: &PostgresOptions,
        epochs: Arc<Epochs>,
        now: impl Fn() -> Timestamp + Send + Sync + 'static,
    ) -> Self {
        let statements = if options.is_pooled { Prepared::Never } else { Prepared::Once };
        let lanes = usize::try_from(options.lanes).unwrap_or(usize::MAX);
        let (now, wait) = (Box::new(now), options.wait);
        let (queue, kept) = (Mutex::default(), Mutex::default());
        Self { shared: Arc::new(Shared { pool, epochs, now, lanes, wait, statements, queue, kept }) }
    }

    /// Commits a batch: to its end, whether or not the caller still waits.
    ///
    /// # Errors
    /// As [`WriteDoor::commit`](tenantry_core::WriteDoor::commit).
    pub(in crate::postgres) async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        batch.check_size()?;
        let (answer, answered) = oneshot::channel();
        let opens = self.shared.queue().push(batch, answer, self.shared.lanes)?;
        if opens {
            self.shared.open_lane();
        }
        answered.await.map_err(|_| Unavailable::bare("say whether a batch was applied"))?
    }
}

impl fmt::Debug for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lanes").field("lanes", &self.shared.lanes).finish_non_exhaustive()
    }
}

impl Shared {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that is kept from an earlier transaction.
    fn kept(&self) -> Option<Held> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(Held::is_sound);
        kept.pop()
    }

    fn keep(&self, held: Held) {
        if held.is_sound() {
            self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(held);
        }
    }

    /// Starts a lane that the queue has counted.
    fn open_lane(self: &Arc<Self>) {
        let lane = Lane { shared: Arc::clone(self), is_closed: false };
        drop(tokio::spawn(lane.run()));
    }

    fn terms(&self, jobs: &[Job]) -> Terms {
        let left = |job: &Job| self.wait.saturating_sub(job.asked.elapsed());
        let (lock_wait, pace) = match jobs {
            [job] => {
                let pace = match job.company {
                    Company::Any => Pace::AtOnce,
                    Company::Alone { pace, .. } => pace,
                };
                (left(job).max(LEAST_LOCK_WAIT), pace)
            }
            _ => (TOGETHER_LOCK_WAIT.min(self.wait), Pace::AtOnce),
        };
        Terms { lock_wait, statements: self.statements, now: (self.now)(), pace }
    }

    /// The batch is durable: first everybody here knows what moved, then the caller gets the answer.
    fn answer(&self, job: Job, answer: Result<(), CommitError>) {
        if answer.is_ok() {
            job.batch.moved_epochs().for_each(|tenant| self.epochs.moved(tenant));
        }
        drop(job.answer.send(answer));
    }
}

/// One of the transactions that there are at once, again and again while batches wait.
struct Lane {
    shared: Arc<Shared>,
    is_closed: bool,
}

impl Lane {
    async fn run(mut self) {
        while let Some((jobs, mark)) = self.take() {
            self.write(jobs, mark).await;
        }
    }

    fn take(&mut self) -> Option<(Vec<Job>, Mark)> {
        let mut queue = self.shared.queue();
        let Some(Group { jobs, ground }) = queue.take(self.shared.wait) else {
            queue.close_lane();
            self.is_closed = true;
            return None;
        };
        let opens = queue.open_lane(self.shared.lanes);
        drop(queue);
        let mark = Mark { shared: Arc::clone(&self.shared), ground };
        if opens {
            self.shared.open_lane();
        }
        Some((jobs, mark))
    }

    async fn write(&self, jobs: Vec<Job>, mark: Mark) {
        let terms = self.shared.terms(&jobs);
        let batches: Vec<_> = jobs.iter().map(|job| &job.batch).collect();
        let written = self.commit(&batches, &terms).await;
        match written {
            Ok(answers) => {
                drop(mark);
                for (job, answer) in jobs.into_iter().zip(answers) {
                    self.shared.answer(job, answer);
                }
            }
            Err(Fault::Unsure(error, answers)) => {
                let judged = batches.iter().copied().zip(&answers);
                let admitted: Vec<_> =
                    judged.filter(|(_, answer)| answer.is_ok()).map(|(batch, _)| batch).collect();
                let applied = self.look(&admitted, &terms).await;
                tracing::error!(?error, ?applied, batches = admitted.len(), "a commit's answer got lost");
                drop(mark);
                for (job, answer) in jobs.into_iter().zip(answers) {
                    let unknown = || Unavailable::bare("say whether a batch was applied").into();
                    let answer = match answer {
                        Ok(()) if matches!(applied, Ok(true)) => Ok(()),
                        Ok(()) => Err(unknown()),
                        refused => refused,
                    };
                    self.shared.answer(job, answer);
                }
            }
            Err(fault) => self.try_again(jobs, mark, fault, &terms).await,
        }
    }

    /// A group's batches each alone; a batch alone a few times more, where there is hope.
    async fn try_again(&self, mut jobs: Vec<Job>, mark: Mark, fault: Fault, terms: &Terms) {
        if jobs.len() > 1 {
            tracing::debug!(?fault, batches = jobs.len(), "batches are tried again, each alone");
            jobs.iter_mut().for_each(|job| job.company = Company::Alone { tries: 0, pace: Pace::AtOnce });
            self.shared.queue().push_back(jobs);
            drop(mark);
            return;
        }
        let Some(mut job) = jobs.pop() else { return };
        if matches!(fault, Fault::Overtaken(Overtaken::Audited))
            && matches!(self.look(&[&job.batch], terms).await, Ok(true))
        {
            drop(mark);
            self.shared.answer(job, Ok(()));
            return;
        }
        let tries = match job.company {
            Company::Any => 1,
            Company::Alone { tries, .. } => tries + 1,
        };
        let is_late = job.asked.elapsed() >= self.shared.wait;
        let has_hope = match &fault {
            Fault::Locked => !is_late,
            Fault::Overtaken(_) | Fault::Lost(_) => true,
            Fault::Unsure(_, _) | Fault::Failed(_) => false,
        };
        if has_hope && tries < MAX_TRIES {
            let takes_names = matches!(fault, Fault::Overtaken(Overtaken::Key(_)));
            let pace = if takes_names { Pace::InOrder } else { Pace::AtOnce };
            job.company = Company::Alone { tries, pace };
            self.shared.queue().push_back(vec![job]);
            drop(mark);
            return;
        }
        drop(mark);
        let answer = fault.answer();
        if let CommitError::Unavailable(error) = &answer {
            tracing::error!(?error, "a batch can't be applied");
        }
        self.shared.answer(job, Err(answer));
    }

    async fn commit(&self, batches: &[&Batch], terms: &Terms) -> Result<Answers, Fault> {
        let mut held = self.begin(batches, terms).await?;
        let written = held.commit(batches, terms).await;
        self.shared.keep(held);
        written
    }

    async fn look(&self, batches: &[&Batch], terms: &Terms) -> Result<bool, Fault> {
        let mut held = self.begin(batches, terms).await?;
        let applied = held.are_applied(batches, terms).await;
        self.shared.keep(held);
        applied
    }

    /// A connection inside a transaction. One that turns out to be dead is replaced, at most once for each that
    /// there may be.
    async fn begin(&self, batches: &[&Batch], terms: &Terms) -> Result<Held, Fault> {
        let mut tries = self.shared.pool.options().get_max_connections();
        loop {
            let kept = self.shared.kept();
            let mut held = match kept {
                Some(held) => held,
                None => Held::take(&self.shared.pool).await?,
            };
            match held.begin(batches, terms).await {
                Ok(()) => return Ok(held),
                Err(Fault::Lost(_)) if tries > 0 => tries -= 1,
                Err(fault) => return Err(fault),
            }
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if !self.is_closed {
            self.shared.queue().close_lane();
        }
    }
}

/// The mark of a transaction that is under way: other lanes leave its rows alone.
struct Mark {
    shared: Arc<Shared>,
    ground: Ground,
}

impl Drop for Mark {
    fn drop(&mut self) {
        self.shared.queue().end(&self.ground);
    }
}
