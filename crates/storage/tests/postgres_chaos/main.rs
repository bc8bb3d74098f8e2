//! Chaos: many tenants at once, while futures are dropped, connections are cut, the server crashes, and tenants are
//! suspended and closed. No tenant sees another's rows, and what was acknowledged is there, whole and once.
//!
//! | variable | what it says |
//! | --- | --- |
//! | `CHAOS_MINUTES` | how long; without it 20 seconds with few tenants |
//! | `CHAOS_SEED` | the seed that an earlier run printed, to draw the same numbers again |

#[cfg(test)]
mod books;
#[cfg(test)]
mod dice;
#[cfg(test)]
mod havoc;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod proof;
#[cfg(test)]
mod purchases;
#[cfg(test)]
mod requests;
#[cfg(test)]
#[path = "../postgres_store/servers.rs"]
#[expect(dead_code, reason = "its pooler is for other tests")]
mod servers;
#[cfg(test)]
mod stage;
#[cfg(test)]
mod tally;
#[cfg(test)]
mod watch;
#[cfg(test)]
#[path = "../postgres_store/wire.rs"]
#[expect(dead_code, reason = "messages are held and replaced by other tests")]
mod wire;

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::Ordering;
    use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

    use sqlx::{Connection as _, PgConnection};
    use tokio::runtime::Runtime;
    use tokio::sync::Barrier;
    use tokio::task::JoinSet;
    use tokio::time::timeout;

    use super::dice::Dice;
    use super::servers::Server;
    use super::stage::Stage;
    use super::watch::Dog;
    use super::{books, havoc, proof, purchases, requests};

    const WORKERS: u64 = 16;
    /// How long it takes to come to rest.
    const REST: Duration = Duration::from_secs(90);

    /// What has to have happened in 20 seconds, and in each minute of a long run, for a run to have proved anything.
    const LEAST: [(&str, u64); 18] = [
        ("futures dropped", 60),
        ("connections cut at a message", 5),
        ("lines cut", 1),
        ("connections ended by the server", 3),
        ("crashes of the server", 2),
        ("tenants suspended: acknowledged", 5),
        ("tenants reactivated: acknowledged", 2),
        ("tenants closed: acknowledged", 1),
        ("entries added: acknowledged", 50),
        ("entries added: GivenUp", 10),
        ("entries removed: acknowledged", 10),
        ("calls: acknowledged", 30),
        ("keyed calls: acknowledged", 20),
        ("answers: quota exceeded", 1),
        ("orders placed: acknowledged", 6),
        ("payments reported: acknowledged", 3),
        ("order steps: acknowledged", 3),
        ("checked: rows are the reader's own", 60),
    ];

    #[derive(Clone, Copy)]
    struct Plan {
        tenants: usize,
        lasts: Duration,
        crashes: u32,
        /// How many times what has to have happened at least.
        times: u64,
        seed: u64,
    }

    impl Plan {
        fn from_environment() -> Self {
            let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            let seed = number("CHAOS_SEED").unwrap_or_else(|| u64::from(now.subsec_nanos()) ^ now.as_secs());
            match number("CHAOS_MINUTES") {
                None => Self { tenants: 40, lasts: Duration::from_secs(20), crashes: 2, times: 1, seed },
                Some(minutes) => Self {
                    tenants: 200,
                    lasts: Duration::from_secs(60 * minutes),
                    crashes: u32::try_from(4 * minutes).unwrap(),
                    times: minutes,
                    seed,
                },
            }
        }
    }

    /// Its threads aren't waited for: one of them may stand still.
    struct Running(Option<Runtime>);

    impl Drop for Running {
        fn drop(&mut self) {
            if let Some(runtime) = self.0.take() {
                runtime.shutdown_timeout(Duration::from_secs(5));
            }
        }
    }

    #[test]
    fn every_tenant_keeps_what_is_its_own() {
        let plan = Plan::from_environment();
        println!("CHAOS_SEED={}", plan.seed);
        let threads = tokio::runtime::Builder::new_multi_thread().worker_threads(4).enable_all().build();
        let running = Running(Some(threads.unwrap()));
        let runtime = running.0.as_ref().unwrap();
        let stage = runtime.block_on(async {
            let server = Arc::new(Server::start().await);
            Arc::new(Stage::set(server, plan.tenants, plan.seed).await)
        });
        let (dog, barks) = Dog::over(stage.watch.clone());
        let outcome = runtime.block_on(async {
            tokio::select! {
                lacking = chaos(&stage, plan) => Ok(lacking),
                Ok(report) = barks => Err(report),
            }
        });
        drop(dog);
        stage.tally.print();
        let lacking =
            outcome.unwrap_or_else(|report| panic!("CHAOS_SEED={}: somebody waits:\n{report}", plan.seed));
        let breaches = stage.tally.breaches();
        assert!(breaches.is_empty(), "CHAOS_SEED={}: {} breaches: {breaches:#?}", plan.seed, breaches.len());
        assert!(lacking.is_empty(), "CHAOS_SEED={}: proves too little: {lacking:#?}", plan.seed);
    }

    /// Answers what there was too little of.
    async fn chaos(stage: &Arc<Stage>, plan: Plan) -> Vec<String> {
        let began = Instant::now();
        let mut tasks = load(stage);
        let pause = plan.lasts / (plan.crashes + 1);
        for _ in 0..plan.crashes {
            tokio::time::sleep(pause).await;
            havoc::crash(stage, "the power").await;
        }
        tokio::time::sleep(plan.lasts.saturating_sub(began.elapsed())).await;
        while !stage.tally.lacking(&LEAST, plan.times).is_empty() && began.elapsed() < 3 * plan.lasts {
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        let lacking = stage.tally.lacking(&LEAST, plan.times);
        println!("{:?} of load", began.elapsed());
        stage.is_over.store(true, Ordering::Relaxed);
        while let Some(ended) = tasks.join_next().await {
            ended.unwrap();
        }
        println!("{:?} until all had ended", began.elapsed());
        havoc::crash(stage, "the power").await;
        serve_sixteen(stage).await;
        println!("{:?} until 16 were served again", began.elapsed());
        rest(stage).await;
        println!("{:?} until nothing was left to do", began.elapsed());
        proof::prove_writes(stage).await;
        books::prove_books(stage).await;
        proof::prove_trails(stage).await;
        println!("{:?} in all", began.elapsed());
        lacking
    }

    fn load(stage: &Arc<Stage>) -> JoinSet<()> {
        let mut tasks = JoinSet::new();
        for worker in 0..WORKERS {
            let (stage, mut dice) = (Arc::clone(stage), Dice::of(stage.seed, worker));
            let who = format!("worker {worker}");
            tasks.spawn(async move {
                while !stage.is_over() {
                    if dice.below(4) == 0 {
                        purchases::trade(&stage, &mut dice, &who).await;
                    } else {
                        requests::request(&stage, &mut dice, &who).await;
                    }
                    tokio::time::sleep(Duration::from_millis(dice.below(4))).await;
                }
            });
        }
        for nth in 0..2 {
            let (stage, mut dice) = (Arc::clone(stage), Dice::of(stage.seed, 100 + nth));
            tasks.spawn(async move {
                while !stage.is_over() {
                    if purchases::work(&stage, &mut dice, &format!("claims {nth}")).await == 0 {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                }
            });
        }
        let (cutter, mut dice) = (Arc::clone(stage), Dice::of(stage.seed, 200));
        tasks.spawn(async move {
            while !cutter.is_over() {
                havoc::cut(&cutter, &mut dice, "cuts").await;
            }
        });
        let (judge, mut dice) = (Arc::clone(stage), Dice::of(stage.seed, 300));
        tasks.spawn(async move {
            while !judge.is_over() {
                havoc::judge(&judge, &mut dice, "the operators").await;
            }
        });
        tasks
    }

    /// Does what is left to do.
    async fn rest(stage: &Arc<Stage>) {
        let until = Instant::now() + REST;
        let mut tasks = JoinSet::new();
        for nth in 0..4 {
            let (stage, mut dice) = (Arc::clone(stage), Dice::of(stage.seed, 400 + nth).patient());
            tasks.spawn(async move {
                let mut connection = PgConnection::connect(&stage.superuser()).await.unwrap();
                loop {
                    let left: i64 = sqlx::query_scalar(LEFT).fetch_one(&mut connection).await.unwrap();
                    if left == 0 {
                        break;
                    }
                    assert!(Instant::now() < until, "{left} pieces of work are never done");
                    if purchases::work(&stage, &mut dice, &format!("rest {nth}")).await == 0 {
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
            });
        }
        drop(tasks.join_all().await);
    }

    const LEFT: &str = "SELECT count(*) FROM tenantry_directory.tenantry_work WHERE kind <> 'payment_window'";

    /// No connection is lost: each pool still lends all that it has, at once.
    async fn serve_sixteen(stage: &Arc<Stage>) {
        for process in 0..stage.processes.len() {
            let (barrier, mut tasks) = (Arc::new(Barrier::new(16)), JoinSet::new());
            for nth in 0..16 {
                let (stage, barrier) = (Arc::clone(stage), Arc::clone(&barrier));
                tasks.spawn(async move {
                    let (process, resident) = (&stage.processes[process], &stage.residents[nth]);
                    let caller = resident.caller();
                    let mut tx = process.store.begin(&caller).await.unwrap();
                    let marks: Vec<String> = sqlx::query_scalar("SELECT mark FROM entries")
                        .fetch_all(tx.connection())
                        .await
                        .unwrap();
                    assert!(marks.iter().all(|mark| *mark == resident.mark));
                    barrier.wait().await;
                    tx.rollback().await.unwrap();
                    process.app.usage(&caller).all().await.unwrap();
                    barrier.wait().await;
                });
            }
            let served = timeout(Duration::from_secs(20), tasks.join_all()).await;
            stage
                .tally
                .holds(served.is_ok(), "proved: pools serve 16 at once", || format!("process {process}"));
        }
        let operators: Vec<_> = stage.operators.clone();
        let (mut connection, mut commits) =
            (PgConnection::connect(&stage.superuser()).await.unwrap(), JoinSet::new());
        for nth in 0..16 {
            let (stage, caller) = (Arc::clone(stage), operators[nth % operators.len()].clone());
            commits.spawn(async move {
                let app = &stage.processes[nth % stage.processes.len()].app;
                app.usage(&caller).consume("calls".parse().unwrap(), 1).await.unwrap();
            });
        }
        let committed = timeout(Duration::from_secs(20), commits.join_all()).await;
        stage
            .tally
            .holds(committed.is_ok(), "proved: lanes serve 16 at once", || "a commit waits".to_owned());
        let (open, all) = open_transactions(&mut connection).await;
        stage.tally.holds(open == 0, "proved: no transaction is left open", || format!("{open} of {all}"));
        stage.tally.count_all("connections at the end", u64::try_from(all).unwrap());
    }

    /// How many transactions are open among how many connections, once they had time to end.
    async fn open_transactions(connection: &mut PgConnection) -> (i64, i64) {
        let patience = Instant::now() + Duration::from_secs(10);
        loop {
            let found: (i64, i64) = sqlx::query_as(
                "SELECT count(*) FILTER (WHERE state LIKE 'idle in transaction%'), count(*) \
                 FROM pg_stat_activity WHERE usename LIKE 'shop\\_%'",
            )
            .fetch_one(&mut *connection)
            .await
            .unwrap();
            if found.0 == 0 || Instant::now() > patience {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
