use std::collections::HashSet;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::thread::{self, ThreadId};

use super::Harness;
use super::proof::{Outcome, Proof, Stop, there};

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

    /// Fails unless tasks ran at once in some round: without that a race proves nothing.
    pub(super) fn finish(self, proof: &mut Proof) -> Outcome {
        let most = self.track.most.load(Ordering::SeqCst);
        let threads = self.track.threads.lock().unwrap_or_else(PoisonError::into_inner).len();
        proof.count("at once", most);
        proof.count("threads", threads);
        if most < 2 {
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
