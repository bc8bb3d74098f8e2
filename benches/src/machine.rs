//! What a bench over stores was measured on.

use std::error::Error;

use serde::Serialize;
use sqlx::{Connection as _, PgConnection};
use tenantry_storage::testing::TestDatabase;

/// The machine, and the server on it.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    #[serde(flatten)]
    own: tenantry_bench_measure::Machine,
    postgres: String,
    settings: String,
}

impl Machine {
    /// This one, and the server that the database is on.
    pub(crate) async fn of(database: &TestDatabase) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let own = tenantry_bench_measure::Machine::now();
        let mut owner = PgConnection::connect(&database.owner_address()).await?;
        let asked = "SELECT current_setting('server_version'), concat_ws(', ', \
            'shared_buffers ' || current_setting('shared_buffers'), 'fsync ' || current_setting('fsync'), \
            'synchronous_commit ' || current_setting('synchronous_commit'))";
        let (postgres, settings) = sqlx::query_as(asked).fetch_one(&mut owner).await?;
        Ok(Self { own, postgres, settings })
    }

    /// Everything was measured.
    pub(crate) fn ended(&mut self) {
        self.own.ended();
    }

    /// As a report says it.
    pub(crate) fn told(&self) -> String {
        let Self { own, postgres, settings } = self;
        let tenantry_bench_measure::Machine { cpus, model, gigabytes, load: [before, after] } = own;
        let busy = if own.is_busy() {
            "\n\n**The machine was busy with other work: ratios are wide, and times are longer than they would be. Run it \
             again on a quiet one before quoting it.**"
        } else {
            ""
        };
        format!(
            "Measured on {cpus} × {model} with {gigabytes} GB of memory, PostgreSQL {postgres} on the same machine over \
             loopback ({settings}). Load average before {before}, after {after}; the bench itself is part of the second.{busy}"
        )
    }
}
