use std::time::Duration;

use async_trait::async_trait;
use tenantry_core::{Claim, Inbox, Key, ReadScope, Record, Timestamp, Unavailable, WorkItem, WorkQueue};
use uuid::Uuid;

use super::MemoryStore;
use super::data::Job;

#[async_trait]
impl WorkQueue for MemoryStore {
    async fn claim(&self, limit: u16, lease: Duration) -> Result<Vec<Claim>, Unavailable> {
        let mut guard = self.data();
        let data = &mut *guard;
        let now = self.clock.now();
        let ready = data.jobs.iter().filter(|(_, job)| job.ready_at() <= now);
        let mut ready: Vec<(Timestamp, Job)> = ready.map(|(key, job)| (job.due, *key)).collect();
        ready.sort_unstable();
        ready.truncate(usize::from(limit));
        let mut claims = Vec::with_capacity(ready.len());
        for (due, key) in ready {
            let Some(job) = data.jobs.get_mut(&key) else { continue };
            let out_of_fences = || Unavailable::new("claim work", "there is no higher fence");
            data.fences = data.fences.checked_add(1).ok_or_else(out_of_fences)?;
            let (tenant, kind, subject) = key;
            let item = WorkItem { tenant, kind, subject, due };
            claims.push(Claim { item, fence: data.fences, attempts: job.attempts });
            job.fence = data.fences;
            job.attempts = job.attempts.saturating_add(1);
            job.claimed_until = Some(now.after(lease));
        }
        Ok(claims)
    }

    async fn postpone(&self, claim: &Claim, pause: Duration) -> Result<(), Unavailable> {
        let WorkItem { tenant, kind, subject, .. } = claim.item;
        let now = self.clock.now();
        if let Some(job) = self.data().jobs.get_mut(&(tenant, kind, subject))
            && job.fence == claim.fence
        {
            job.claimed_until = None;
            job.due = now.after(pause);
        }
        Ok(())
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Unavailable> {
        Ok(self.data().jobs.values().map(super::data::Pending::ready_at).min())
    }

    async fn inbox(&self, scope: ReadScope, id: Uuid) -> Result<Option<Inbox>, Unavailable> {
        match self.data().rows.get(&Key::Inbox(scope.tenant(), id)) {
            Some(Record::Inbox(inbox)) => Ok(Some(inbox.clone())),
            _ => Ok(None),
        }
    }
}
