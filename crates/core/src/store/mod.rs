//! The one write door, what goes through it, and what every store answers.

mod batch;
mod change;
mod error;
mod guard;
mod idempotency;
mod page;
mod record;
mod seal;
mod trail;
mod traits;
mod work;

pub use batch::Batch;
pub use change::Change;
pub use error::{CommitError, GuardFailure, Unavailable};
pub use guard::Guard;
pub use idempotency::{Answer, Fingerprint, IdempotencyKey, InvalidIdempotencyKey, KeyOwner, Keyed};
pub use page::{Cursor, InvalidPage, Page, PageRequest};
pub use record::{Inbox, Key, Record};
pub use seal::{ChainBroken, ChainHead, SealedAudit, SealedEvent, seal_audit, seal_events, verify_chain};
pub use trail::{Aggregate, AuditActor, AuditEntry, Event};
pub use traits::{Clock, ManualClock, Store, TrailReader, UsageReader, WorkQueue, WriteDoor};
pub use work::{UnknownWorkKind, WorkItem, WorkKind};
