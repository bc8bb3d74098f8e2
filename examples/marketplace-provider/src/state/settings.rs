//! What outlives a restart besides the money: the port, and the controls.

use crate::wire::{Controls, ControlsChange};

use super::State;

const PORT: &str = "port";
const DELAY: &str = "delay_ms";
const DUPLICATE: &str = "duplicate";
const REORDER: &str = "reorder";
const HOLD: &str = "hold";

impl State {
    /// The port that was kept, if there is one.
    pub(crate) async fn port(&self) -> Result<Option<u16>, sqlx::Error> {
        sqlx::query_scalar("SELECT value FROM settings WHERE name = ?")
            .bind(PORT)
            .fetch_optional(&self.pool)
            .await
    }

    /// Keeps the port for the next start.
    pub(crate) async fn keep_port(&self, port: u16) -> Result<(), sqlx::Error> {
        let mut tx = self.begin().await?;
        set(&mut tx, PORT, port.into()).await?;
        tx.commit().await
    }

    /// How events are delivered.
    pub(crate) async fn controls(&self) -> Result<Controls, sqlx::Error> {
        let rows: Vec<(String, u32)> =
            sqlx::query_as("SELECT name, value FROM settings").fetch_all(&self.pool).await?;
        Ok(read(&rows))
    }

    /// Changes how events are delivered, and answers how they are from now on.
    pub(crate) async fn change_controls(&self, change: ControlsChange) -> Result<Controls, sqlx::Error> {
        let mut tx = self.begin().await?;
        let rows: Vec<(String, u32)> =
            sqlx::query_as("SELECT name, value FROM settings").fetch_all(&mut *tx).await?;
        let after = change.applied_to(read(&rows));
        set(&mut tx, DELAY, after.delay_ms.into()).await?;
        set(&mut tx, DUPLICATE, after.duplicate.into()).await?;
        set(&mut tx, REORDER, after.reorder.into()).await?;
        set(&mut tx, HOLD, after.hold.into()).await?;
        tx.commit().await?;
        Ok(after)
    }
}

fn read(rows: &[(String, u32)]) -> Controls {
    let value = |name: &str| rows.iter().find(|row| row.0 == name).map_or(0, |row| row.1);
    Controls {
        delay_ms: value(DELAY),
        duplicate: value(DUPLICATE),
        reorder: value(REORDER) != 0,
        hold: value(HOLD) != 0,
    }
}

async fn set(tx: &mut sqlx::SqliteConnection, name: &str, value: i64) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
    )
    .bind(name)
    .bind(value)
    .execute(tx)
    .await?;
    Ok(())
}
