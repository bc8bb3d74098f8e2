//! Whoever waits too long, and futures that are dropped before they are done.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::dice::Dice;
use super::tally::Tally;

/// How long one step may take, whatever happens to the server meanwhile.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who is doing what, and since when.
#[derive(Clone, Default)]
pub(crate) struct Watch {
    doing: Arc<Mutex<BTreeMap<String, (&'static str, Instant)>>>,
}

impl Watch {
    /// Does a step under the watch.
    pub(crate) async fn step<F: Future>(&self, who: &str, what: &'static str, step: F) -> F::Output {
        self.doing.lock().unwrap().insert(who.to_owned(), (what, Instant::now()));
        let done = step.await;
        self.doing.lock().unwrap().remove(who);
        done
    }

    fn report(&self) -> Option<String> {
        let doing = self.doing.lock().unwrap();
        let is_late = doing.values().any(|(_, since)| since.elapsed() > PATIENCE);
        let lines =
            doing.iter().map(|(who, (what, since))| format!("{who}: {what} for {:?}", since.elapsed()));
        is_late.then(|| lines.collect::<Vec<_>>().join("\n"))
    }
}

/// A thread of its own that sees also a runtime that stands still.
pub(crate) struct Dog {
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Dog {
    /// The dog, and what is told what everybody waits for once somebody waits too long.
    pub(crate) fn over(watch: Watch) -> (Self, oneshot::Receiver<String>) {
        let (tell, told) = oneshot::channel();
        let ends = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&ends);
        let thread = std::thread::spawn(move || {
            while !end.load(Ordering::Relaxed) {
                if let Some(report) = watch.report() {
                    drop(tell.send(report));
                    return;
                }
                std::thread::sleep(Duration::from_millis(200));
            }
        });
        (Self { ends, thread: Some(thread) }, told)
    }
}

impl Drop for Dog {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// Drops some futures before they are done: after so many polls, or so much time.
pub(crate) async fn impatient<F: Future>(dice: &mut Dice, tally: &Tally, future: F) -> Option<F::Output> {
    if dice.is_patient {
        return Some(future.await);
    }
    let future = Box::pin(future);
    let output = match dice.below(8) {
        0 => polled(1 + dice.below(14), future).await,
        1 => tokio::time::timeout(Duration::from_millis(dice.below(30)), future).await.ok(),
        _ => return Some(future.await),
    };
    if output.is_none() {
        tally.count("futures dropped");
    }
    output
}

async fn polled<F: Future + Unpin>(times: u64, mut future: F) -> Option<F::Output> {
    let mut polls = 0;
    poll_fn(|context| {
        polls += 1;
        match std::pin::Pin::new(&mut future).poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if polls >= times => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
