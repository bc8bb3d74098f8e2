//! The marketplace is killed (SIGKILL) again and again while several clients buy, and started anew on the same
//! files; in the end no acknowledged order is lost, none is there twice, none is stuck, and the books balance.
//!
//! # When it is killed
//! At random: whatever it does, or when one of the next ten writes is there (a frame in SQLite's write-ahead log, a
//! writing session on PostgreSQL) while a client waits for an answer, at once or up to half a millisecond later. While
//! under half of the kills were inside a commit, it is watched for the next one, and at once it is. Before some kills the payment provider is killed alone, so
//! that the marketplace runs without it for a moment.
//!
//! # What is counted as "inside a commit"
//! The kill landed after the first write of a transaction and before its answer was received by the client who asked
//! for it. It is known from what the kill left, never guessed from times:
//!
//! - *not committed*: SQLite's log ends in at least one whole frame, its checksum right, of a transaction whose last
//!   frame is missing, which recovery has to drop; PostgreSQL says that the transaction which was seen writing was
//!   aborted. Transactions of the background worker count too.
//! - *committed but unanswered*: the transaction is whole, so it is in a copy of the files that SQLite recovers, or in
//!   PostgreSQL's tables once the killed server's sessions have ended; it answers a keyed request whose client got an error instead of the answer. A request that an earlier kill had
//!   found committed already isn't counted again. Nor are transactions that no client waits for, and the reports
//!   that the provider sends.
//!
//! At least a third of the kills have to be inside; while they aren't, up to as many again follow. `CRASH_KILLS`
//! says how many there are, `CRASH_SEED` repeats a run's random choices (not its timing).

#[cfg(test)]
pub(crate) mod support;

#[cfg(test)]
mod crash {
    mod books;
    mod files;
    mod kills;
    mod purchases;
    mod sessions;
    mod wal;

    use std::thread::ScopedJoinHandle;
    use std::time::Instant;

    use rand::rngs::StdRng;
    use rand::{RngExt as _, SeedableRng as _};

    use crate::support::{Options, Server, is_on_postgres};
    use kills::Killer;
    use purchases::Market;

    /// Kills when nobody says how many: on SQLite, and on PostgreSQL, where they are repeated on each version.
    const KILLS: [usize; 2] = [24, 12];
    const CLIENTS: u64 = 9;
    /// Before every so manieth kill the provider is killed alone.
    const PROVIDER_TOO: usize = 8;

    fn from_environment<T: std::str::FromStr>(name: &str) -> Option<T> {
        let given = std::env::var(name).ok()?;
        Some(given.parse().unwrap_or_else(|_| panic!("{name} is a whole number, not {given}")))
    }

    #[test]
    fn killed_again_and_again_the_marketplace_loses_and_doubles_nothing() {
        let kills = from_environment("CRASH_KILLS").unwrap_or(KILLS[usize::from(is_on_postgres())]);
        let seed = from_environment("CRASH_SEED").unwrap_or_else(|| rand::rng().random());
        println!("CRASH_KILLS={kills} CRASH_SEED={seed}");
        let server = Server::start(
            Options::new()
                .flag("--review-period", "5s")
                .flag("--payment-window", "20s")
                .flag("--seller-rate", "10000000")
                .flag("--buyer-rate", "10000000"),
        );
        let market = Market::set_up(&server);
        let mut killer = Killer::of(&server);
        let mut random = StdRng::seed_from_u64(seed);
        let began = Instant::now();
        std::thread::scope(|scope| {
            let abandon = market.abandon_on_drop();
            let clients: Vec<_> = (1..=CLIENTS)
                .map(|client| {
                    scope.spawn({
                        let market = &market;
                        move || market.buy_without_end(client, seed)
                    })
                })
                .collect();
            while killer.tally.kills < kills
                || !killer.tally.means_something() && killer.tally.kills < 2 * kills
            {
                if (killer.tally.kills + 1).is_multiple_of(PROVIDER_TOO) {
                    killer.kill_provider(&server);
                }
                killer.kill(&server, &market, &mut random);
                server.restart();
                market.open();
                books::balance_now(&market);
                assert!(!clients.iter().any(ScopedJoinHandle::is_finished), "a client has given up");
            }
            market.close();
            clients.into_iter().for_each(|client| client.join().unwrap());
            drop(abandon);
        });
        let tally = killer.tally;
        let purchases = market.purchases();
        println!("{tally}; {} purchases, {:?}", purchases.len(), began.elapsed());
        println!("{}; {:?}", books::close(&server, &purchases), began.elapsed());
        assert!(purchases.len() > kills, "too little was bought for this to mean anything");
        assert!(tally.means_something(), "under a third of the kills were inside a commit");
    }
}
