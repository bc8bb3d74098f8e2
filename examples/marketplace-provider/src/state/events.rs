//! The queue of events: rows that wait until the webhook has acknowledged them.

use std::time::Duration;

use jiff::Timestamp;
use sqlx::SqliteConnection;

use crate::refusal::Refusal;
use crate::values::{Amount, EventId, Reference};
use crate::wire::{
    Controls, DeliveryState, Event, EventData, EventKind, EventList, EventSummary, Redelivery, Requeued,
};

use super::{CheckoutRow, State};

const LONGEST_QUEUE: i64 = 10_000;
const PAGE: usize = 200;
const HEADS: i64 = 33;

const OLDEST_HEADS: &str = "SELECT e.seq, e.id, e.checkout, e.body, e.failures,
        MAX(e.next_attempt_at, e.queued_at + ?1, ?2) AS due
    FROM events e
    JOIN (SELECT MIN(seq) AS seq FROM events WHERE state = 'pending' GROUP BY checkout) head USING (seq)
    ORDER BY due, e.seq LIMIT ?3";
const NEWEST_HEADS: &str = "SELECT e.seq, e.id, e.checkout, e.body, e.failures,
        MAX(e.next_attempt_at, e.queued_at + ?1, ?2) AS due
    FROM events e
    JOIN (SELECT MAX(seq) AS seq FROM events WHERE state = 'pending' GROUP BY checkout) head USING (seq)
    ORDER BY due, e.seq DESC LIMIT ?3";

/// An event on its way: what an attempt needs to know.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Parcel {
    pub(crate) seq: i64,
    pub(crate) id: EventId,
    pub(crate) checkout: Reference,
    pub(crate) body: String,
    pub(crate) failures: u32,
}

/// The next event of a checkout, and when it is due on the queue's clock (milliseconds).
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Head {
    #[sqlx(flatten)]
    pub(crate) parcel: Parcel,
    pub(crate) due: i64,
}

/// What an event is made from.
pub(super) struct NewEvent<'a> {
    pub(super) kind: EventKind,
    pub(super) checkout: &'a CheckoutRow,
    pub(super) amount: Amount,
    pub(super) refund: Option<&'a Reference>,
}

/// Queues an event, unless too many wait.
pub(super) async fn queue(tx: &mut SqliteConnection, new: NewEvent<'_>, now: i64) -> Result<(), Refusal> {
    if waiting(tx).await? >= LONGEST_QUEUE {
        return Err(Refusal::QueueFull);
    }
    let event = Event {
        id: EventId::fresh(),
        kind: new.kind,
        created: Timestamp::now(),
        data: EventData {
            reference: new.checkout.reference.clone(),
            checkout: new.checkout.id.clone(),
            amount: new.amount,
            currency: new.checkout.currency.clone(),
            refund: new.refund.cloned(),
        },
    };
    let body = serde_json::to_string(&event).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query(
        "INSERT INTO events (id, checkout, kind, body, state, acknowledged, failures, queued_at, next_attempt_at)
         VALUES (?, ?, ?, ?, 'pending', 0, 0, ?, 0)",
    )
    .bind(&event.id)
    .bind(&event.data.reference)
    .bind(event.kind)
    .bind(body)
    .bind(now)
    .execute(tx)
    .await?;
    Ok(())
}

async fn waiting(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar("SELECT COUNT(*) FROM events WHERE state = 'pending'").fetch_one(connection).await
}

impl State {
    /// Forgets pauses, so that whatever waited is due now.
    pub(super) async fn make_due(&self) -> Result<(), sqlx::Error> {
        sqlx::query(
            "UPDATE events SET next_attempt_at = 0, queued_at = MIN(queued_at, ?) WHERE state = 'pending'",
        )
        .bind(self.now())
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// The next event of each of the checkouts that are due first.
    pub(crate) async fn heads(&self, controls: Controls, now: i64) -> Result<Vec<Head>, sqlx::Error> {
        let statement = if controls.reorder { NEWEST_HEADS } else { OLDEST_HEADS };
        sqlx::query_as(statement).bind(controls.delay_ms).bind(now).bind(HEADS).fetch_all(&self.pool).await
    }

    /// Notes that an event was acknowledged; it is done once it was acknowledged `duplicate` times more
    /// than once.
    pub(crate) async fn acknowledged(&self, seq: i64, duplicate: u32) -> Result<(), sqlx::Error> {
        sqlx::query(
            "UPDATE events SET acknowledged = acknowledged + 1, failures = 0, next_attempt_at = 0,
                 state = CASE WHEN acknowledged >= ? THEN 'delivered' ELSE state END
             WHERE seq = ? AND state = 'pending'",
        )
        .bind(duplicate)
        .bind(seq)
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Notes that an attempt failed: the event waits for `pause`, or is dead after `most` failures.
    pub(crate) async fn failed(
        &self,
        seq: i64,
        pause: Duration,
        most: u32,
    ) -> Result<DeliveryState, sqlx::Error> {
        let pause = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
        let state: Option<DeliveryState> = sqlx::query_scalar(
            "UPDATE events SET failures = failures + 1, next_attempt_at = ?,
                 state = CASE WHEN failures + 1 >= ? THEN 'dead' ELSE state END
             WHERE seq = ? AND state = 'pending' RETURNING state",
        )
        .bind(self.now().saturating_add(pause))
        .bind(most)
        .bind(seq)
        .fetch_optional(&self.pool)
        .await?;
        Ok(state.unwrap_or(DeliveryState::Delivered))
    }

    /// Queues one event again, or all that are acknowledged or dead, as far as the queue has room.
    pub(crate) async fn redeliver(&self, which: &Redelivery) -> Result<Requeued, Refusal> {
        let mut tx = self.begin().await?;
        if let Some(id) = &which.event {
            let known: Option<i64> = sqlx::query_scalar("SELECT seq FROM events WHERE id = ?")
                .bind(id)
                .fetch_optional(&mut *tx)
                .await?;
            known.ok_or(Refusal::Unknown("event"))?;
        }
        let room = LONGEST_QUEUE.saturating_sub(waiting(&mut tx).await?).max(0);
        let queued = sqlx::query(
            "UPDATE events SET state = 'pending', acknowledged = 0, failures = 0, queued_at = ?1, next_attempt_at = 0
             WHERE seq IN (SELECT seq FROM events WHERE state <> 'pending' AND (?2 IS NULL OR id = ?2)
                           ORDER BY queued_at, seq LIMIT ?3)",
        )
        .bind(self.now())
        .bind(&which.event)
        .bind(room)
        .execute(&mut *tx)
        .await?
        .rows_affected();
        sqlx::query("UPDATE events SET failures = 0, next_attempt_at = 0 WHERE state = 'pending' AND (?1 IS NULL OR id = ?1)")
            .bind(&which.event)
            .execute(&mut *tx)
            .await?;
        let left: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM events WHERE state <> 'pending' AND (?1 IS NULL OR id = ?1)",
        )
        .bind(&which.event)
        .fetch_one(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(Requeued { queued, left: u64::try_from(left).unwrap_or(0) })
    }

    /// Events after another one, oldest first, of one state or of all.
    pub(crate) async fn events(
        &self,
        state: Option<DeliveryState>,
        after: Option<&EventId>,
    ) -> Result<EventList, Refusal> {
        let start: i64 = match after {
            None => 0,
            Some(id) => sqlx::query_scalar("SELECT seq FROM events WHERE id = ?")
                .bind(id)
                .fetch_optional(&self.pool)
                .await?
                .ok_or(Refusal::Unknown("event"))?,
        };
        let rows: Vec<SummaryRow> = sqlx::query_as(
            "SELECT id, kind, checkout, state, failures FROM events
             WHERE seq > ?1 AND (?2 IS NULL OR state = ?2) ORDER BY seq LIMIT 201",
        )
        .bind(start)
        .bind(state)
        .fetch_all(&self.pool)
        .await?;
        let more = rows.len() > PAGE;
        let items: Vec<EventSummary> = rows.into_iter().take(PAGE).map(EventSummary::from).collect();
        let next = if more { items.last().map(|event| event.id.clone()) } else { None };
        Ok(EventList { items, next })
    }
}

#[derive(sqlx::FromRow)]
struct SummaryRow {
    id: EventId,
    kind: EventKind,
    checkout: Reference,
    state: DeliveryState,
    failures: u32,
}

impl From<SummaryRow> for EventSummary {
    fn from(row: SummaryRow) -> Self {
        Self { id: row.id, kind: row.kind, reference: row.checkout, state: row.state, failures: row.failures }
    }
}
