//! Delivery: takes events from the queue to the webhook until they are acknowledged.

use std::collections::HashMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use tokio::sync::Notify;
use tokio::task::{Id, JoinSet};
use tokio::time::sleep;

use crate::args::WebhookUrl;
use crate::secret::Secret;
use crate::state::{Parcel, State};
use crate::values::Reference;
use crate::wire::DeliveryState;

const AT_A_TIME: usize = 16;
const ATTEMPT_LIMIT: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
const STATE_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_IDLE: Duration = Duration::from_secs(60);

/// How long an event waits after so many failures in a row: 200 ms after the first, then twice as long
/// each time, 5 s at most.
///
/// ```
/// use std::time::Duration;
/// use marketplace_provider::pause_after;
///
/// assert_eq!(pause_after(1), Duration::from_millis(200));
/// assert_eq!(pause_after(3), Duration::from_millis(800));
/// assert_eq!(pause_after(50), Duration::from_secs(5));
/// ```
#[must_use]
pub fn pause_after(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(10);
    FIRST_PAUSE.saturating_mul(1 << doublings).min(LONGEST_PAUSE)
}

/// Sends what is due, one event at a time for each checkout, and up to 16 checkouts at once.
pub(crate) struct Courier {
    state: State,
    post: Arc<Post>,
    wake: Arc<Notify>,
}

impl Courier {
    pub(crate) fn new(
        state: State,
        secret: Secret,
        url: WebhookUrl,
        most_failures: u32,
        wake: Arc<Notify>,
    ) -> Result<Self, reqwest::Error> {
        let post = Post { client: client(&url)?, secret, url, most_failures };
        Ok(Self { state, post: Arc::new(post), wake })
    }

    /// Delivers until the process ends.
    pub(crate) async fn run(self) {
        let mut flights = JoinSet::new();
        let mut away = HashMap::new();
        loop {
            let idle = match self.dispatch(&mut flights, &mut away).await {
                Ok(idle) => idle,
                Err(error) => {
                    tracing::error!(%error, "the queue could not be read");
                    STATE_PAUSE
                }
            };
            tokio::select! {
                () = self.wake.notified() => {}
                () = sleep(idle) => {}
                Some(landed) = flights.join_next_with_id() => {
                    away.remove(&landed.map_or_else(|error| error.id(), |(id, ())| id));
                }
            }
            while let Some(landed) = flights.try_join_next_with_id() {
                away.remove(&landed.map_or_else(|error| error.id(), |(id, ())| id));
            }
        }
    }

    /// Starts what is due, and answers how long until more is.
    async fn dispatch(
        &self,
        flights: &mut JoinSet<()>,
        away: &mut HashMap<Id, Reference>,
    ) -> Result<Duration, sqlx::Error> {
        if flights.len() >= AT_A_TIME {
            return Ok(LONGEST_IDLE);
        }
        let controls = self.state.controls().await?;
        if controls.hold {
            return Ok(LONGEST_IDLE);
        }
        let now = self.state.now();
        for head in self.state.heads(controls, now).await? {
            if flights.len() >= AT_A_TIME {
                break;
            }
            if away.values().any(|checkout| *checkout == head.parcel.checkout) {
                continue;
            }
            if head.due > now {
                let wait = u64::try_from(head.due.saturating_sub(now)).unwrap_or(0);
                return Ok(Duration::from_millis(wait).min(LONGEST_IDLE));
            }
            let checkout = head.parcel.checkout.clone();
            let flight = deliver(self.state.clone(), Arc::clone(&self.post), head.parcel, controls.duplicate);
            away.insert(flights.spawn(flight).id(), checkout);
        }
        Ok(LONGEST_IDLE)
    }
}

/// One attempt, and its outcome noted in the queue.
async fn deliver(state: State, post: Arc<Post>, parcel: Parcel, duplicate: u32) {
    let noted = match post.attempt(&parcel).await {
        Ok(()) => state.acknowledged(parcel.seq, duplicate).await,
        Err(failure) => post.note_failure(&state, &parcel, &failure).await,
    };
    if let Err(error) = noted {
        tracing::error!(%error, event = %parcel.id, "an attempt could not be noted: the event will be sent again");
        sleep(STATE_PAUSE).await;
    }
}

struct Post {
    client: Client,
    secret: Secret,
    url: WebhookUrl,
    most_failures: u32,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("the webhook answered {0}")]
    Answered(StatusCode),
    #[error("the webhook did not answer: {0}")]
    Silent(#[from] reqwest::Error),
}

impl Post {
    async fn attempt(&self, parcel: &Parcel) -> Result<(), Failure> {
        let timestamp = Timestamp::now().as_second();
        let signature = self.secret.signature(&parcel.id, timestamp, parcel.body.as_bytes());
        let answer = self
            .client
            .post(self.url.url().clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", parcel.id.as_str())
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(parcel.body.clone())
            .send()
            .await?;
        if answer.status().is_success() { Ok(()) } else { Err(Failure::Answered(answer.status())) }
    }

    async fn note_failure(
        &self,
        state: &State,
        parcel: &Parcel,
        failure: &Failure,
    ) -> Result<(), sqlx::Error> {
        let failures = parcel.failures.saturating_add(1);
        let noted = state.failed(parcel.seq, pause_after(failures), self.most_failures).await?;
        if noted == DeliveryState::Dead {
            tracing::error!(event = %parcel.id, %failure, "given up after {failures} failures: redeliver it");
        } else if failures == 1 {
            tracing::warn!(event = %parcel.id, %failure, "not acknowledged: it will be sent again");
        }
        Ok(())
    }
}

/// A client that reaches the webhook and nothing else: no proxy, no redirects, no lookup of names.
fn client(url: &WebhookUrl) -> Result<Client, reqwest::Error> {
    let mut builder = Client::builder().no_proxy().redirect(Policy::none()).timeout(ATTEMPT_LIMIT);
    if let Some(name) = url.name() {
        let loopback =
            [SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), SocketAddr::from((Ipv6Addr::LOCALHOST, 0))];
        builder = builder.resolve_to_addrs(name, &loopback);
    }
    builder.build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_their_cap() {
        let pauses: Vec<u128> = (0..=7).map(|failures| pause_after(failures).as_millis()).collect();
        assert_eq!(pauses, [200, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        assert_eq!(pause_after(u32::MAX), LONGEST_PAUSE);
    }
}
