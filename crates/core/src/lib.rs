//! The model, the decisions and the storage traits of tenantry.
//!
//! This crate has no async runtime, no database, no HTTP and no framework in its dependency tree. Decisions are
//! functions of what was loaded and of the time; [`Tenantry`] loads, decides and commits.

mod access;
mod app;
#[cfg(feature = "conformance")]
pub mod conformance;
mod escrow;
mod id;
mod identity;
mod metering;
mod money;
mod name;
mod store;
mod tenancy;
mod time;

pub use access::{
    AccessDocument, Assignee, Assignment, AssignmentEntry, Authority, Authorized, CallerFacts, Catalog,
    CatalogBuilder, CatalogError, Comparison, Condition, Danger, Decision, Declared, Denied, Direction,
    DryRun, Edit, Effect, Entry, Escalation, Explanation, Extent, Facts, Grant, Holder, Holding,
    ImportRefusal, InvalidAccess, InvalidAttributes, InvalidCondition, InvalidGrant, InvalidPermissionKey,
    InvalidResource, InvalidRole, InvalidScope, Kind, Literal, Matrix, MatrixCell, MatrixColumn, MatrixHead,
    MatrixRow, Miss, Path, Permission, PermissionChange, PermissionIndex, PermissionKey, PermissionSet,
    Place, Predicate, PrincipalChange, PrincipalId, Reach, Readable, Reason, RequestFacts, Resource,
    ResourceId, ResourceRef, Role, RoleEntry, RoleKey, Scope, Target, TeamEntry, Unchecked, UnfitCondition,
    UnfitGrant, UnknownScope, Value, review, review_tenant,
};
pub use app::{
    AccessRefusal, AccessReview, Actor, AdmitError, Attempt, Books, Command, Done, Failure, Founded,
    Founding, Idempotent, ImpersonationRefusal, Ledger, Members, NewApiKey, NewRole, Note, NoteRefusal,
    Operation, OrderFailure, OrderSteps, Orders, Pending, PlaceRefusal, Placement, Programs, Receipt,
    ReceiveRefusal, Registered, Registration, RegistrationRefusal, ResolveError, Teams, TenantRefusal,
    TenantRoles, Tenantry, Tenants, Trail, Unsent, UsageAccount, UsageRefusal, Work,
};
pub use escrow::{
    Account, AccountBalance, Balance, EscrowReader, Fulfilment, Hold, HoldKind, InvalidAccount,
    InvalidPaymentRef, InvalidTerms, InvalidTransfer, Order, OrderAction, OrderCommand, OrderDecision,
    OrderRefusal, OrderSide, OrderState, OrderTransition, Party, PaymentRef, Posting, Refund, RefundState,
    Review, SeenOrder, Shares, StatementKind, StatementLine, Subject, Terms, Transfer, TransferKind,
    decide_order, refundable_fee,
};
pub use id::{
    ApiKeyId, AuditId, BatchId, EventId, InvalidId, OrderId, RealmId, RefundId, ServiceAccountId, TeamId,
    TenantId, TransferId, UserId,
};
pub use identity::{
    AccessReader, Ancestor, ApiKey, Email, Enrolment, IdentityReader, InvalidApiKey, InvalidEmail,
    InvalidUser, Membership, PrincipalFacts, Realm, ServiceAccount, StoredSecret, Team, TeamMember, User,
};
pub use metering::{
    Allowance, BillingCycle, Bucket, Counters, CountersUnavailable, CycleError, GiveBack, Interval,
    InvalidKey, Limit, Meter, MeterKey, MeterKind, Plan, PlanError, PlanKey, PlanRef, Plans, PlansBuilder,
    Quota, QuotaError, QuotaExceeded, Rate, RateDecision, RateError, RateKey, SlidingWindow, Usage,
    UsagePeriod, Use, allowance, allowances, plan_give_back, plan_use, sign_in_limits,
};
pub use money::{BasisPoints, Currency, Money, MoneyError};
pub use name::InvalidName;
pub use store::{
    Aggregate, Answer, AuditActor, AuditEntry, Batch, ChainBroken, ChainHead, Change, Clock, CommitError,
    Cursor, Event, Fingerprint, Guard, GuardFailure, IdempotencyKey, Inbox, InvalidIdempotencyKey,
    InvalidPage, Key, KeyOwner, Keyed, ManualClock, Page, PageRequest, Record, SealedAudit, SealedEvent,
    Store, TrailReader, Unavailable, UnknownWorkKind, UsageReader, WorkItem, WorkKind, WorkQueue, WriteDoor,
    seal_audit, seal_events, verify_chain,
};
pub use tenancy::{
    BaseDomain, Caller, Claim, Directory, Epoch, Epochs, Freshness, HostRefused, HostTarget, InTenant,
    InvalidBaseDomain, InvalidSlug, InvalidTenant, Principal, Purpose, ReadScope, Slug, Stamp, SystemCtx,
    TenancyReader, Tenant, TenantCtx, TenantInactive, TenantKey, TenantKind, TenantStatus,
};
pub use time::{InvalidTimestamp, Period, Timestamp};
