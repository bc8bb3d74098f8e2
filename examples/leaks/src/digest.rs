//! Digests: mails that a worker writes after the request is answered.

use std::sync::{Arc, Mutex, PoisonError};

use sqlx::PgPool;
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::leak::{Leak, Planted};
use crate::store::TenantRows;

/// A mail as it went out.
#[derive(Debug, Clone)]
pub struct Mail {
    /// The tenant whose member gets it.
    pub to: Uuid,
    /// What it says.
    pub text: String,
}

/// Hands jobs to the worker, and shows the mails that it wrote.
#[derive(Debug, Clone)]
pub(crate) struct Digests {
    jobs: mpsc::UnboundedSender<Job>,
    sent: Arc<Mutex<Vec<Mail>>>,
}

#[derive(Debug)]
enum Job {
    /// Writes a digest for a tenant.
    Write(Uuid),
    /// Answers when everything before it is done.
    Caught(oneshot::Sender<()>),
}

impl Digests {
    /// Starts the worker; it ends with the last handle.
    pub(crate) fn start(pool: PgPool, planted: Planted) -> Self {
        let (jobs, mut waiting) = mpsc::unbounded_channel();
        let sent = Arc::new(Mutex::new(Vec::new()));
        let outbox = Arc::clone(&sent);
        tokio::spawn(async move {
            let mut first = None;
            while let Some(job) = waiting.recv().await {
                match job {
                    Job::Caught(asking) => drop(asking.send(())),
                    Job::Write(to) => {
                        let of = if planted.has(Leak::Job) { *first.get_or_insert(to) } else { to };
                        if let Ok(text) = digest(&pool, of).await {
                            outbox.lock().unwrap_or_else(PoisonError::into_inner).push(Mail { to, text });
                        }
                    }
                }
            }
        });
        Self { jobs, sent }
    }

    /// Has a digest written for a tenant.
    pub(crate) fn ask_for(&self, tenant: Uuid) -> bool {
        self.jobs.send(Job::Write(tenant)).is_ok()
    }

    /// The mails, once all that was asked for is done.
    pub(crate) async fn sent(&self) -> Vec<Mail> {
        let (caught, up) = oneshot::channel();
        if self.jobs.send(Job::Caught(caught)).is_ok() {
            up.await.ok();
        }
        self.sent.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn digest(pool: &PgPool, tenant: Uuid) -> Result<String, sqlx::Error> {
    let mut rows = TenantRows::begin(pool, tenant).await?;
    let titles = rows.titles().await?;
    rows.commit().await?;
    Ok(titles.join("\n"))
}
