//! What a bench over stores was measured on.

use std::error::Error;

use serde::Serialize;
use sqlx::{Connection as _, PgConnection};
use tenantry_storage::testing::TestDatabase;

/// The machine, and the server on it.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    cpus: usize,
    model: String,
    postgres: String,
    settings: String,
    /// `/proc/loadavg` before and after.
    load: [String; 2],
}

impl Machine {
    /// This one, and the server that the database is on.
    pub(crate) async fn of(database: &TestDatabase) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let mut owner = PgConnection::connect(&database.owner_address()).await?;
        let asked = "SELECT current_setting('server_version'), concat_ws(', ', \
            'shared_buffers ' || current_setting('shared_buffers'), 'fsync ' || current_setting('fsync'), \
            'synchronous_commit ' || current_setting('synchronous_commit'))";
        let (postgres, settings) = sqlx::query_as(asked).fetch_one(&mut owner).await?;
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self { cpus, model: model(), postgres, settings, load: [load(), String::new()] })
    }

    /// Everything was measured.
    pub(crate) fn ended(&mut self) {
        self.load[1] = load();
    }

    /// As a report says it.
    pub(crate) fn told(&self) -> String {
        let Self { cpus, model, postgres, settings, load: [before, after] } = self;
        let running = before.split('.').next().and_then(|whole| whole.parse::<usize>().ok());
        let is_busy = running.is_some_and(|running| running >= *cpus);
        let busy = if is_busy {
            "\n\n**The machine was busy with other work: ratios are wide, and times are longer than they would be. Run it \
             again on a quiet one before quoting it.**"
        } else {
            ""
        };
        format!(
            "Measured on {cpus} × {model}, PostgreSQL {postgres} on the same machine over loopback ({settings}). Load \
             average before {before}, after {after}; the bench itself is part of the second.{busy}"
        )
    }
}

fn load() -> String {
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    load.split_whitespace().take(3).collect::<Vec<_>>().join(" ")
}

fn model() -> String {
    let cpus = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let named = cpus.lines().find_map(|line| line.strip_prefix("model name"));
    named.map_or("an unknown processor", |name| name.trim_start_matches([' ', '\t', ':'])).to_owned()
}
