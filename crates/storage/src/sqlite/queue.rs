use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tenantry_core::{Batch, CommitError, Unavailable};
use tokio::sync::oneshot;

use super::Inner;
use super::apply::apply;
use super::writer::Turn;
use crate::sql::SqlError;

/// The most batches that wait.
const MAX_WAITING: usize = 1_024;
/// The most batches in one transaction.
const MAX_FOLDED: usize = 64;

/// The batches that wait for their turn, oldest first.
#[derive(Default)]
pub(super) struct Queue {
    waiting: Mutex<VecDeque<Job>>,
}

struct Job {
    batch: Batch,
    answer: oneshot::Sender<Result<(), CommitError>>,
    asked: Instant,
}

type Answers = Vec<Result<(), CommitError>>;

impl Queue {
    /// Lines a batch up.
    pub(super) fn push(
        &self,
        batch: Batch,
    ) -> Result<oneshot::Receiver<Result<(), CommitError>>, CommitError> {
        let (answer, answered) = oneshot::channel();
        let mut waiting = self.waiting();
        if waiting.len() >= MAX_WAITING {
            return Err(CommitError::Busy);
        }
        waiting.push_back(Job { batch, answer, asked: Instant::now() });
        Ok(answered)
    }

    fn take(&self) -> Vec<Job> {
        let mut waiting = self.waiting();
        let count = waiting.len().min(MAX_FOLDED);
        waiting.drain(..count).collect()
    }

    fn take_late(&self, lock_wait: Duration) -> Vec<Job> {
        let mut waiting = self.waiting();
        let late = waiting.iter().take_while(|job| job.asked.elapsed() >= lock_wait).count();
        waiting.drain(..late).collect()
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<Job>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for the turn to write, then commits the batches that wait, as many as fit into one transaction. There
/// is one call for each batch that is lined up: most find that an earlier one has done their work.
pub(super) async fn commit_waiting(store: Arc<Inner>) {
    let mut turn = match store.writer.take().await {
        Ok(turn) => turn,
        Err(CommitError::Busy) => {
            for job in store.queue.take_late(store.writer.lock_wait()) {
                drop(job.answer.send(Err(CommitError::Busy)));
            }
            return;
        }
        Err(_) => {
            for job in store.queue.take() {
                drop(job.answer.send(Err(unknown("reach its file").into())));
            }
            return;
        }
    };
    let jobs = store.queue.take();
    if jobs.is_empty() {
        return;
    }
    let batches: Vec<&Batch> = jobs.iter().map(|job| &job.batch).collect();
    let committed = commit_folded(&store, &mut turn, &batches).await;
    if committed.is_err()
        && let Err(error) = turn.leave().await
    {
        tracing::error!(?error, "the write connection can't be brought back");
    }
    drop(turn);
    match committed {
        Ok(answers) => {
            for (job, answer) in jobs.into_iter().zip(answers) {
                drop(job.answer.send(answer));
            }
        }
        Err(error) => {
            let is_busy = matches!(error, SqlError::Busy(_));
            if !is_busy {
                tracing::error!(?error, batches = jobs.len(), "a transaction failed");
            }
            for job in jobs {
                let answer = if is_busy { CommitError::Busy } else { unknown("commit a batch").into() };
                drop(job.answer.send(Err(answer)));
            }
        }
    }
}

/// One transaction for all batches, a savepoint for each. None of it is answered before all of it is durable:
/// a batch is judged on what those before it wrote.
async fn commit_folded(store: &Inner, turn: &mut Turn, batches: &[&Batch]) -> Result<Answers, SqlError> {
    turn.begin().await?;
    let now = store.options.clock.now();
    let mut answers = Answers::with_capacity(batches.len());
    for batch in batches {
        turn.mark().await?;
        let answer = apply(turn.connection(), batch, now).await;
        match answer {
            Ok(()) => turn.keep().await?,
            Err(_) => turn.undo().await?,
        }
        answers.push(answer);
    }
    if answers.iter().any(Result::is_ok) {
        turn.commit().await?;
    } else {
        turn.leave().await?;
    }
    for (batch, answer) in batches.iter().zip(&answers) {
        if answer.is_ok() {
            batch.moved_epochs().for_each(|tenant| store.epochs.moved(tenant));
        }
    }
    Ok(answers)
}

fn unknown(doing: &'static str) -> Unavailable {
    Unavailable::bare(doing)
}
