use std::collections::HashSet;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tenantry_core::{Epochs, Freshness, Unavailable};

use super::{ChangeFeed, Changes, Moved, Position};

/// The longest pause between two polls, also while they fail: others' changes show within it and the time that a
/// poll takes.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// The shortest.
const SHORTEST_PAUSE: Duration = Duration::from_millis(10);
/// A poll that takes longer is given up: its connection may be dead, and another one may answer in time.
const PATIENCE: Duration = Duration::from_secs(2);

/// Polls once, so that the feed's [`Epochs`] are fresh, and goes on polling in a task of its own, `every` so long (at
/// most [`LONGEST_PAUSE`]), until the feed is dropped. After a failure the pause doubles, up to that.
///
/// A process that was stale ([`Epochs::STALE_AFTER`]) forgets all that it remembers with the poll that ends it: what
/// became of the database meanwhile (a restored file, another server in place of the first) it can't know, and it
/// has served nothing from memory anyway. The same holds for a position that has fallen.
///
/// The task runs on the current runtime. Where that isn't driven, or is held up for seconds, the process grows
/// stale.
///
/// # Errors
/// [`Unavailable`] when the first poll fails; nothing goes on then.
pub async fn follow_changes<F: ChangeFeed>(feed: &Arc<F>, every: Duration) -> Result<(), Unavailable> {
    let mut follower = Follower::default();
    follower.poll(&**feed).await?;
    let every = every.clamp(SHORTEST_PAUSE, LONGEST_PAUSE);
    drop(tokio::spawn(follower.go_on(Arc::downgrade(feed), every)));
    Ok(())
}

#[derive(Default)]
struct Follower {
    position: Option<Position>,
    /// The places that the last poll answered: only these can come again.
    heard: HashSet<u64>,
}

impl Follower {
    async fn go_on<F: ChangeFeed>(mut self, feed: Weak<F>, every: Duration) {
        let mut pause = every;
        loop {
            tokio::time::sleep(pause).await;
            let Some(feed) = feed.upgrade() else { return };
            let failed_before = pause != every;
            match self.poll(&*feed).await {
                Ok(()) => {
                    if failed_before {
                        tracing::info!("the store tells what others changed again");
                    }
                    pause = every;
                }
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "the store can't be polled");
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    async fn poll<F: ChangeFeed>(&mut self, feed: &F) -> Result<(), Unavailable> {
        let began = Instant::now();
        let answer = tokio::time::timeout(PATIENCE, feed.changes_since(self.position)).await;
        let changes = answer.map_err(|late| Unavailable::new("tell what others changed", late))??;
        self.hear(feed.epochs(), changes);
        feed.epochs().polled(began);
        Ok(())
    }

    fn hear(&mut self, epochs: &Epochs, changes: Changes) {
        let has_fallen = self.position.is_some_and(|position| changes.next < position);
        let was_away = self.position.is_some() && epochs.freshness() == Freshness::Stale;
        self.position = Some(changes.next);
        let tenants = match changes.moved {
            Moved::Tenants(tenants) if !has_fallen && !was_away => tenants,
            moved => {
                tracing::warn!(
                    has_fallen,
                    was_away,
                    many = moved == Moved::All,
                    "forgets all that it remembers"
                );
                epochs.moved_all();
                self.heard.clear();
                return;
            }
        };
        for moved in tenants.iter().filter(|moved| !self.heard.contains(&moved.place)) {
            epochs.moved(moved.tenant);
        }
        self.heard = tenants.iter().map(|moved| moved.place).collect();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tenantry_core::{Stamp, TenantId};

    use super::*;
    use crate::changes::MovedTenant;

    /// A database that answers what it is told to, once, and nothing new otherwise.
    struct Told {
        epochs: Epochs,
        clock: Arc<Mutex<Instant>>,
        answers: Mutex<Vec<Result<Changes, Unavailable>>>,
    }

    impl Told {
        fn new() -> Self {
            let clock = Arc::new(Mutex::new(Instant::now()));
            let shown = Arc::clone(&clock);
            let epochs = Epochs::shared(move || *shown.lock().unwrap());
            Self { epochs, clock, answers: Mutex::default() }
        }

        fn advance(&self, by: Duration) {
            *self.clock.lock().unwrap() += by;
        }
    }

    impl ChangeFeed for Told {
        fn epochs(&self) -> &Epochs {
            &self.epochs
        }

        async fn changes_since(&self, position: Option<Position>) -> Result<Changes, Unavailable> {
            let told = self.answers.lock().unwrap().pop();
            told.unwrap_or_else(|| Ok(named(position.map_or(0, Position::number), &[])))
        }
    }

    fn named(next: u64, rows: &[(u64, TenantId)]) -> Changes {
        let tenants = rows.iter().map(|&(place, tenant)| MovedTenant { tenant, place }).collect();
        Changes { moved: Moved::Tenants(tenants), next: Position::new(next), clock: None }
    }

    struct Case {
        follower: Follower,
        told: Told,
        one: TenantId,
        other: TenantId,
    }

    impl Case {
        /// A process that has polled once, and was told position 10.
        async fn new() -> Self {
            let mut case = Self {
                follower: Follower::default(),
                told: Told::new(),
                one: TenantId::generate(),
                other: TenantId::generate(),
            };
            case.hears(named(10, &[])).await;
            case
        }

        fn stamps(&self) -> [Stamp; 2] {
            [self.one, self.other].map(|tenant| self.told.epochs.stamp(tenant))
        }

        async fn hears(&mut self, changes: Changes) {
            self.told.answers.lock().unwrap().push(Ok(changes));
            self.follower.poll(&self.told).await.unwrap();
        }
    }

    fn are_current(stamps: &[Stamp; 2]) -> [bool; 2] {
        stamps.each_ref().map(Stamp::is_current)
    }

    #[tokio::test]
    async fn a_tenant_that_moved_elsewhere_is_stale_and_no_other() {
        let mut case = Case::new().await;
        let stamps = case.stamps();
        case.hears(named(11, &[])).await;
        assert_eq!(are_current(&stamps), [true, true]);
        case.hears(named(12, &[(1, case.one)])).await;
        assert_eq!(are_current(&stamps), [false, true]);
    }

    #[tokio::test]
    async fn what_is_told_twice_is_heard_once() {
        let mut case = Case::new().await;
        case.hears(named(10, &[(1, case.one)])).await;
        let stamps = case.stamps();
        case.hears(named(10, &[(1, case.one), (2, case.other)])).await;
        assert_eq!(are_current(&stamps), [true, false]);
        let stamps = case.stamps();
        case.hears(named(10, &[(1, case.one), (2, case.other), (3, case.one)])).await;
        assert_eq!(are_current(&stamps), [false, true], "a later change of the same tenant");
    }

    #[tokio::test]
    async fn too_many_to_name_are_all() {
        let mut case = Case::new().await;
        let stamps = case.stamps();
        case.hears(Changes { moved: Moved::All, next: Position::new(20), clock: None }).await;
        assert_eq!(are_current(&stamps), [false, false]);
        assert_eq!(are_current(&case.stamps()), [true, true]);
    }

    #[tokio::test]
    async fn a_position_that_falls_is_of_another_database() {
        let mut case = Case::new().await;
        let stamps = case.stamps();
        case.hears(named(9, &[])).await;
        assert_eq!(are_current(&stamps), [false, false]);
        assert_eq!(are_current(&case.stamps()), [true, true]);
    }

    #[tokio::test]
    async fn a_process_that_was_away_forgets_everything() {
        let mut case = Case::new().await;
        let stamps = case.stamps();
        case.told.advance(Epochs::STALE_AFTER);
        assert_eq!(are_current(&stamps), [false, false]);
        case.hears(named(10, &[])).await;
        let was_polled_at = Instant::now() - Epochs::STALE_AFTER;
        *case.told.clock.lock().unwrap() = was_polled_at;
        assert_eq!(are_current(&stamps), [false, false], "not only by the clock");
        assert_eq!(are_current(&case.stamps()), [true, true]);
    }

    #[tokio::test]
    async fn a_failed_poll_makes_nothing_fresh_and_loses_no_place() {
        let mut case = Case::new().await;
        let stamps = case.stamps();
        case.told.answers.lock().unwrap().push(Err(Unavailable::bare("x")));
        assert!(case.follower.poll(&case.told).await.is_err());
        assert_eq!(case.follower.position, Some(Position::new(10)));
        case.hears(named(12, &[(1, case.one)])).await;
        assert_eq!(are_current(&stamps), [false, true]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_feed_that_does_not_answer_is_given_up_and_asked_again() {
        struct Hangs(Epochs);
        impl ChangeFeed for Hangs {
            fn epochs(&self) -> &Epochs {
                &self.0
            }
            async fn changes_since(&self, _: Option<Position>) -> Result<Changes, Unavailable> {
                std::future::pending().await
            }
        }
        let feed = Hangs(Epochs::shared(Instant::now));
        let asked = tokio::time::Instant::now();
        assert!(Follower::default().poll(&feed).await.is_err());
        assert_eq!(asked.elapsed(), PATIENCE);
        assert_eq!(feed.epochs().freshness(), Freshness::Stale);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_polled_in_time_until_it_is_dropped() {
        struct Counts(Epochs, Mutex<Vec<tokio::time::Instant>>);
        impl ChangeFeed for Counts {
            fn epochs(&self) -> &Epochs {
                &self.0
            }
            async fn changes_since(&self, _: Option<Position>) -> Result<Changes, Unavailable> {
                let mut polls = self.1.lock().unwrap();
                polls.push(tokio::time::Instant::now());
                if (3..8).contains(&polls.len()) { Err(Unavailable::bare("x")) } else { Ok(named(0, &[])) }
            }
        }
        let feed = Arc::new(Counts(Epochs::shared(Instant::now), Mutex::default()));
        follow_changes(&feed, Duration::from_millis(250)).await.unwrap();
        tokio::time::sleep(Duration::from_secs(6)).await;
        let polls = feed.1.lock().unwrap().clone();
        let pauses: Vec<_> = polls.windows(2).map(|two| (two[1] - two[0]).as_millis()).collect();
        assert_eq!(pauses[..9], [250, 250, 500, 1000, 1000, 1000, 1000, 250, 250]);
        let dropped = Arc::downgrade(&feed);
        drop(feed);
        assert!(dropped.upgrade().is_none(), "the task doesn't hold the store");
    }
}
