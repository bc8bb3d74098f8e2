//! What is done to the tenants and to the server meanwhile.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sqlx::{Connection as _, PgConnection};
use tokio::time::{Instant, sleep, timeout};

use super::dice::Dice;
use super::journal::Fate;
use super::requests::told;
use super::stage::{Resident, Stage};
use super::watch::impatient;
use super::wire::Fate as Cutting;

/// How long a tenant's status is left alone once nobody can say what it is: what was sent has ended by then.
const SETTLES: Duration = Duration::from_secs(8);

/// Cuts a connection at some message, or all of a line, or has the server end one.
pub(crate) async fn cut(stage: &Stage, dice: &mut Dice, who: &str) {
    let (wire, past) = dice.pick(&stage.lines);
    match dice.below(8) {
        0..=4 => {
            let fate = if dice.once_in(2) { Cutting::Cut } else { Cutting::CutBehind };
            wire.after(usize::try_from(dice.below(60)).unwrap(), fate);
            let came = stage.watch.step(
                who,
                "a message is awaited",
                timeout(Duration::from_secs(2), wire.has_come()),
            );
            if came.await.is_ok() {
                stage.tally.count("connections cut at a message");
            }
        }
        5 => {
            wire.cut();
            stage.tally.count("lines cut");
        }
        _ => {
            let ending = timeout(Duration::from_secs(5), end(past));
            match stage.watch.step(who, "the server ends connections", ending).await {
                Ok(Ok(ended)) => {
                    stage.tally.count_all("connections ended by the server", u64::try_from(ended).unwrap());
                }
                _ => stage.tally.count("the server couldn't be asked to end connections"),
            }
        }
    }
    after_some_work(stage, 10 + dice.below(50)).await;
}

/// Waits until so many more requests were answered well, or a while: what is always broken proves nothing.
async fn after_some_work(stage: &Stage, requests: u64) {
    let (begun, until) = (stage.tally.acknowledged(), Instant::now() + Duration::from_secs(2));
    while stage.tally.acknowledged() < begun + requests && Instant::now() < until && !stage.is_over() {
        sleep(Duration::from_millis(10)).await;
    }
}

/// A login may end connections of its own.
async fn end(address: &str) -> Result<i64, sqlx::Error> {
    let mut connection = PgConnection::connect(address).await?;
    let end = "SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity \
        WHERE usename = current_user AND pid <> pg_backend_pid() ORDER BY random() LIMIT 3) AS few";
    let ended = sqlx::query_scalar(end).fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(ended)
}

/// As when the server's machine loses power; and up again.
pub(crate) async fn crash(stage: &Stage, who: &str) {
    let server = Arc::clone(&stage.server);
    let (began, crashing) = (Instant::now(), tokio::task::spawn_blocking(move || server.crash()));
    stage.watch.step(who, "the server restarts", crashing).await.unwrap();
    stage.tally.count("crashes of the server");
    println!("the server crashed, and was back after {:?}", began.elapsed());
}

/// Suspends a tenant, lets it act again, or closes it.
pub(crate) async fn judge(stage: &Stage, dice: &mut Dice, who: &str) {
    sleep(Duration::from_millis(1)).await;
    let suspended = |resident: &&Resident| !resident.standing.load(Ordering::SeqCst).is_multiple_of(2);
    let is_many = stage.residents.iter().filter(suspended).count() * 4 > stage.residents.len();
    let resident = dice.pick(&stage.residents);
    if is_many && !suspended(&resident) {
        return;
    }
    let Ok(mut settling) = resident.changing.try_lock() else { return };
    if settling.is_some_and(|until| Instant::now() < until) || resident.is_closed.load(Ordering::Relaxed) {
        return;
    }
    *settling = None;
    let may_close =
        stage.tally.of("tenants closed: acknowledged") * 15 < u64::try_from(stage.residents.len()).unwrap();
    let is_suspended = !resident.standing.load(Ordering::SeqCst).is_multiple_of(2);
    let (operator, slug) = (&stage.operators[resident.operator], resident.slug.clone());
    let app = &stage.process(dice).app;
    let tenants = app.tenants(operator);
    let closes = may_close && dice.once_in(10);
    if is_suspended && !closes {
        resident.standing.fetch_add(1, Ordering::SeqCst);
    }
    let what = match (closes, is_suspended) {
        (true, _) => "tenants closed",
        (false, true) => "tenants reactivated",
        (false, false) => "tenants suspended",
    };
    let changing = async {
        match (closes, is_suspended) {
            (true, _) => tenants.close(slug).await,
            (false, true) => tenants.reactivate(slug).await,
            (false, false) => tenants.suspend(slug).await,
        }
    };
    let answer = stage.watch.step(who, "a tenant is judged", impatient(dice, &stage.tally, changing)).await;
    let fate = told(stage, what, answer.as_ref());
    match fate {
        Fate::Acknowledged if closes || !is_suspended => {
            if resident.standing.load(Ordering::SeqCst).is_multiple_of(2) {
                resident.standing.fetch_add(1, Ordering::SeqCst);
            }
            resident.is_closed.store(closes, Ordering::Relaxed);
        }
        Fate::Unknown => *settling = Some(Instant::now() + SETTLES),
        _ => {}
    }
    after_some_work(stage, dice.below(30)).await;
}
