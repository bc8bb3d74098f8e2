use std::collections::HashSet;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::thread::{self, ThreadId};

use super::Harness;
use super::proof::{Outcome, Proof, Stop, there};
use crate::{Command, Failure, Operation, Tenantry};

/// A task of a race, with what it comes back with.
pub(super) type Runner<T> = Pin<Box<dyn Future<Output = Outcome<T>> + Send>>;

/// Lets tasks begin at the same instant, and notes whether they ever ran at once.
pub(super) struct Race<'a> {
    harness: &'a dyn Harness,
    track: Arc<Track>,
}

#[derive(Default)]
struct Track {
    running: AtomicUsize,
    most: AtomicUsize,
    threads: Mutex<HashSet<ThreadId>>,
}

impl<'a> Race<'a> {
    pub(super) fn on(harness: &'a dyn Harness) -> Self {
        Self { harness, track: Arc::default() }
    }

    /// Runs one round: what each task came back with, in their order.
    pub(super) async fn run<T: Send + 'static>(&self, tasks: Vec<Runner<T>>) -> Outcome<Vec<T>> {
        let gate = Arc::new(Gate::for_tasks(tasks.len()));
        let mut running = vec![];
        for task in tasks {
            let (gate, track) = (Arc::clone(&gate), Arc::clone(&self.track));
            let slot: Arc<Mutex<Option<Outcome<T>>>> = Arc::default();
            let result = Arc::clone(&slot);
            let joined = self.harness.spawn(Box::pin(async move {
                gate.pass().await;
                track.enter();
                let outcome = task.await;
                track.leave();
                *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
            }));
            running.push((joined, slot));
        }
        let mut results = vec![];
        for (joined, slot) in running {
            joined.await;
            let result = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
            results.push(there(result, "a task to end without a panic")??);
        }
        Ok(results)
    }

    /// Whether there is another round after `rounds` of them: at least `least`, and more of them, within reason,
    /// while the tasks haven't met. On a busy machine that may take a while.
    pub(super) fn goes_on(&self, rounds: usize, least: usize) -> bool {
        let have_met = self.track.at_once() >= 2 && self.track.on_threads() >= 2;
        rounds < least || (!have_met && rounds < 4 * least + 50)
    }

    /// Fails unless tasks were under way at once, and on more than one thread: without that a race proves nothing.
    pub(super) fn finish(self, proof: &mut Proof) -> Outcome {
        let (at_once, threads) = (self.track.at_once(), self.track.on_threads());
        proof.count("at once", at_once);
        proof.count("threads", threads);
        if at_once < 2 || threads < 2 {
            return Err(Stop::because("no two tasks ever ran at once: spawn on a multi-threaded runtime"));
        }
        Ok(())
    }
}

impl Track {
    fn enter(&self) {
        let now = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).insert(thread::current().id());
    }

    fn leave(&self) {
        self.running.fetch_sub(1, Ordering::SeqCst);
    }

    fn at_once(&self) -> usize {
        self.most.load(Ordering::SeqCst)
    }

    fn on_threads(&self) -> usize {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

/// Where tasks wait until all of them are there, and then, for a moment, until two of them run on different
/// threads: a runtime likes to run a task that was woken after the one that woke it, on the same thread.
struct Gate {
    all: Barrier,
    awake: AtomicUsize,
    wanted: usize,
}

impl Gate {
    const PATIENCE: usize = 2_000;
    const SPINS: usize = 500;

    fn for_tasks(tasks: usize) -> Self {
        Self { all: Barrier::for_tasks(tasks), awake: AtomicUsize::new(0), wanted: tasks.min(2) }
    }

    async fn pass(&self) {
        self.all.wait().await;
        for _ in 0..Self::PATIENCE {
            self.awake.fetch_add(1, Ordering::SeqCst);
            for _ in 0..Self::SPINS {
                if self.awake.load(Ordering::SeqCst) >= self.wanted {
                    return;
                }
                std::hint::spin_loop();
            }
            self.awake.fetch_sub(1, Ordering::SeqCst);
            step_aside().await;
        }
    }
}

/// Where tasks wait until all of them are there.
pub(super) struct Barrier {
    size: usize,
    state: Mutex<Arrived>,
}

#[derive(Default)]
struct Arrived {
    count: usize,
    wakers: Vec<Waker>,
}

impl Barrier {
    pub(super) fn for_tasks(size: usize) -> Self {
        Self { size, state: Mutex::default() }
    }

    pub(super) async fn wait(&self) {
        let mut is_counted = false;
        poll_fn(|context| {
            let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            if !is_counted {
                is_counted = true;
                state.count += 1;
            }
            if state.count < self.size {
                state.wakers.push(context.waker().clone());
                return Poll::Pending;
            }
            let wakers = std::mem::take(&mut state.wakers);
            drop(state);
            wakers.into_iter().for_each(Waker::wake);
            Poll::Ready(())
        })
        .await;
    }
}

/// Gives other tasks a turn.
pub(super) async fn step_aside() {
    let mut has_waited = false;
    poll_fn(|context| {
        if has_waited {
            return Poll::Ready(());
        }
        has_waited = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Decides, waits until the others have, and commits what it decided.
pub(super) async fn commit_together<O: Operation>(
    app: &Tenantry,
    command: Command<'_, O>,
    decided: &Barrier,
) -> Result<O::Outcome, Failure<O::Refusal>> {
    let unsent = command.unsent().await;
    decided.wait().await;
    let (batch, pending) = unsent?.into_parts();
    let committed = match batch {
        Some(batch) => app.store().commit(batch).await,
        None => Ok(()),
    };
    pending.settle(committed)
}

/// Does something again while the store is too busy for it: a store may say so, and nothing was done then.
pub(super) async fn persistent<'a, T, R>(
    attempt: impl Fn() -> Pin<Box<dyn Future<Output = Result<T, Failure<R>>> + Send + 'a>>,
) -> Result<T, Failure<R>> {
    for _ in 0..100 {
        match attempt().await {
            Err(Failure::Busy) => step_aside().await,
            done => return done,
        }
    }
    Err(Failure::Busy)
}
