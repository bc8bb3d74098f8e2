use std::collections::VecDeque;
use std::time::{Duration, Instant};

use tenantry_core::{Batch, CommitError};
use tokio::sync::oneshot;

use super::apply::Pace;
use super::footprint::{Footprint, Ground, UnderWay};

/// The most batches that wait.
const MAX_WAITING: usize = 1_024;
/// The most batches in one transaction.
const MAX_TOGETHER: usize = 64;
/// About how many rows one transaction is about, unless it is for one batch alone.
const MAX_WEIGHT: usize = 4_096;
/// How often a batch is passed over for the sake of counters before those behind it wait for it.
const MAX_PASSED_OVER: u32 = 8;

/// The batches that wait, oldest first, and which rows are being written.
#[derive(Debug, Default)]
pub(super) struct Queue {
    waiting: VecDeque<Job>,
    under_way: UnderWay,
    /// How many lanes there are.
    lanes: usize,
}

/// A batch that waits for its answer.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) batch: Batch,
    pub(super) answer: oneshot::Sender<Result<(), CommitError>>,
    pub(super) asked: Instant,
    pub(super) company: Company,
    footprint: Footprint,
    passed_over: u32,
}

/// With whom a batch is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Company {
    /// With whoever waits.
    Any,
    /// Alone: its company came to nothing, because of it or of another.
    Alone { tries: u32, pace: Pace },
}

/// Batches that are written in one transaction, and the rows that they are about.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) jobs: Vec<Job>,
    pub(super) ground: Ground,
}

impl Queue {
    /// Lines a batch up. Whether there should be a lane more.
    pub(super) fn push(
        &mut self,
        batch: Batch,
        answer: oneshot::Sender<Result<(), CommitError>>,
        max_lanes: usize,
    ) -> Result<bool, CommitError> {
        if self.waiting.len() >= MAX_WAITING {
            return Err(CommitError::Busy);
        }
        let footprint = Footprint::of(&batch);
        let (asked, company) = (Instant::now(), Company::Any);
        self.waiting.push_back(Job { batch, answer, asked, company, footprint, passed_over: 0 });
        Ok(self.open_lane(max_lanes))
    }

    /// Lines batches up again, before all others.
    pub(super) fn push_back(&mut self, jobs: Vec<Job>) {
        jobs.into_iter().rev().for_each(|job| self.waiting.push_front(job));
    }

    /// Whether a lane more would find something to do; it is counted then.
    pub(super) fn open_lane(&mut self, max_lanes: usize) -> bool {
        let opens = self.lanes < max_lanes && !self.waiting.is_empty();
        self.lanes += usize::from(opens);
        opens
    }

    /// Notes that a lane has ended.
    pub(super) fn close_lane(&mut self) {
        self.lanes = self.lanes.saturating_sub(1);
    }

    /// Takes the oldest batch that needn't wait for a transaction under way, and those that can be written with
    /// it. A batch never overtakes one that it clashes with. One that has to wait for longer than `lock_wait` is
    /// told so.
    pub(super) fn take(&mut self, lock_wait: Duration) -> Option<Group> {
        let (mut jobs, mut weight) = (Vec::new(), 0);
        let (mut together, mut passed, mut owed) = (Ground::default(), Ground::default(), Ground::default());
        let mut rest = VecDeque::with_capacity(self.waiting.len());
        while let Some(mut job) = self.waiting.pop_front() {
            let footprint = &job.footprint;
            let is_free = !self.under_way.holds_up(footprint)
                && !passed.clashes(footprint)
                && !owed.counts_with(footprint);
            let fits = jobs.is_empty()
                || (job.company == Company::Any
                    && !together.clashes(footprint)
                    && weight + footprint.weight() <= MAX_WEIGHT);
            if is_free && fits {
                together.add(footprint);
                weight += footprint.weight();
                let is_alone = job.company != Company::Any;
                jobs.push(job);
                if is_alone || jobs.len() >= MAX_TOGETHER {
                    break;
                }
            } else if !is_free && job.asked.elapsed() >= lock_wait {
                drop(job.answer.send(Err(CommitError::Busy)));
            } else {
                job.passed_over += 1;
                passed.add(footprint);
                if job.passed_over > MAX_PASSED_OVER {
                    owed.add(footprint);
                }
                rest.push_back(job);
            }
        }
        rest.append(&mut self.waiting);
        self.waiting = rest;
        if jobs.is_empty() {
            return None;
        }
        self.under_way.begin(&together);
        Some(Group { jobs, ground: together })
    }

    /// Notes that a group's transaction is over.
    pub(super) fn end(&mut self, ground: &Ground) {
        self.under_way.end(ground);
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::Shop;
    use super::*;

    const PATIENT: Duration = Duration::from_secs(60);

    type Answered = oneshot::Receiver<Result<(), CommitError>>;

    fn queue(batches: impl IntoIterator<Item = Batch>) -> (Queue, Vec<Answered>) {
        let mut queue = Queue::default();
        let push = |batch| {
            let (answer, answered) = oneshot::channel();
            queue.push(batch, answer, 1).unwrap();
            answered
        };
        let answers = batches.into_iter().map(push).collect();
        (queue, answers)
    }

    fn ids(group: Option<&Group>) -> Vec<tenantry_core::BatchId> {
        group.into_iter().flat_map(|group| &group.jobs).map(|job| job.batch.id()).collect()
    }

    #[tokio::test]
    async fn batches_that_only_count_in_one_row_go_together() {
        let shop = Shop::open().await;
        let mut batches = Vec::new();
        for _ in 0..70 {
            batches.push(shop.call(1).await);
        }
        let wanted: Vec<_> = batches.iter().map(Batch::id).collect();
        let (mut queue, _answers) = queue(batches);
        let group = queue.take(PATIENT);
        assert_eq!(ids(group.as_ref()), wanted[..MAX_TOGETHER]);
        assert!(queue.take(PATIENT).is_none(), "the row is being written");
        queue.end(&group.unwrap().ground);
        assert_eq!(ids(queue.take(PATIENT).as_ref()), wanted[MAX_TOGETHER..]);
    }

    #[tokio::test]
    async fn a_change_of_a_tenant_shares_no_transaction_with_what_looks_at_it() {
        let shop = Shop::open().await;
        let (before, change, after) = (shop.call(1).await, shop.suspend().await, shop.call(1).await);
        let elsewhere = shop.other_call(1).await;
        let wanted = [&before, &change, &after, &elsewhere].map(Batch::id);
        let (mut queue, _answers) = queue([before, change, after, elsewhere]);
        let group = queue.take(PATIENT).unwrap();
        assert_eq!(ids(Some(&group)), [wanted[0], wanted[3]], "and what comes later doesn't overtake it");
        assert!(queue.take(PATIENT).is_none());
        queue.end(&group.ground);
        let group = queue.take(PATIENT).unwrap();
        assert_eq!(ids(Some(&group)), [wanted[1]]);
        queue.end(&group.ground);
        assert_eq!(ids(queue.take(PATIENT).as_ref()), [wanted[2]]);
    }

    #[tokio::test]
    async fn who_waits_for_too_long_is_told_so() {
        let shop = Shop::open().await;
        let (mut queue, mut answers) = queue([shop.suspend().await, shop.call(1).await]);
        let group = queue.take(PATIENT).unwrap();
        assert!(queue.take(Duration::ZERO).is_none());
        let refused = answers.pop().unwrap().await.unwrap();
        assert!(matches!(refused, Err(CommitError::Busy)));
        queue.end(&group.ground);
        assert!(queue.take(PATIENT).is_none());
    }

    #[tokio::test]
    async fn what_was_sent_back_goes_alone_and_first() {
        let shop = Shop::open().await;
        let batches = [shop.call(1).await, shop.call(1).await, shop.call(1).await];
        let wanted = [&batches[0], &batches[1], &batches[2]].map(Batch::id);
        let (mut queue, _answers) = queue(batches);
        let mut group = queue.take(PATIENT).unwrap();
        group.jobs.truncate(2);
        for job in &mut group.jobs {
            job.company = Company::Alone { tries: 0, pace: Pace::AtOnce };
        }
        queue.push_back(group.jobs);
        queue.end(&group.ground);
        for id in &wanted[..2] {
            let group = queue.take(PATIENT).unwrap();
            assert_eq!(ids(Some(&group)), [*id]);
            queue.end(&group.ground);
        }
    }

    #[tokio::test]
    async fn more_than_can_wait_are_refused() {
        let shop = Shop::open().await;
        let batch = shop.call(1).await;
        let (mut queue, _answers) = queue(std::iter::repeat_n(batch.clone(), MAX_WAITING));
        let refused = queue.push(batch, oneshot::channel().0, 1);
        assert!(matches!(refused, Err(CommitError::Busy)));
    }
}
