//! The suite that every store passes: what [`Store`] means, as behaviour.
//!
//! Whoever writes a store runs it on a multi-threaded runtime. Core has none, so a [`Harness`] hands the suite
//! empty stores and a way to spawn; time is a [`ManualClock`] that the suite moves. It sleeps nowhere (what another
//! process hears it waits for with [`Harness::pause`]), draws no random numbers and prints nothing: each [`Case`]
//! answers with a [`Report`] of what it counted, or says in [`Failed`] what the store did instead and where the
//! suite asked. A case that checked nothing has failed.
//!
//! ```
//! use tenantry_core::conformance::{self, Harness, Report};
//!
//! async fn my_store_conforms(harness: &dyn Harness) -> Result<(), conformance::Failures> {
//!     let summary = conformance::run_all(harness).await?;
//!     println!("{summary}");
//!     Ok(())
//! }
//! # assert!(conformance::cases().len() > 30);
//! ```

pub mod access;
mod assignments;
mod books;
mod commits;
mod disputes;
mod hierarchy;
mod impersonation;
mod isolation;
mod keys;
mod members;
mod orders;
mod pages;
mod programs;
mod proof;
mod quotas;
mod race;
mod races;
mod reviews;
mod sequence;
mod teams;
mod tenants;
mod trail;
mod work;
mod workers;
mod world;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use async_trait::async_trait;

use crate::{ManualClock, Store};

pub use proof::Report;
use proof::{Outcome, Proof};
use race::step_aside;

/// What the suite needs from whoever runs it.
#[async_trait]
pub trait Harness: Send + Sync {
    /// A new, empty store whose time is `clock`.
    ///
    /// # Errors
    /// Whatever kept it from being opened: the case fails with it.
    async fn open(&self, clock: Arc<ManualClock>) -> Result<Opened, Box<dyn Error + Send + Sync>>;

    /// Runs a task at once with others, on another thread where one is free. The future that it returns is done
    /// when the task is, also when the task panicked.
    fn spawn(&self, task: Task) -> Task;

    /// Lets a moment pass, some milliseconds of real time, while a case waits for what a store does by itself, such
    /// as to hear what another process changed. Unless told otherwise it only gives other tasks a turn, which
    /// keeps a thread busy meanwhile.
    async fn pause(&self) {
        step_aside().await;
    }
}

/// A piece of the suite that runs by itself.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A store that was opened for a case.
#[derive(Clone)]
pub struct Opened {
    /// The store.
    pub store: Arc<dyn Store>,
    /// A second handle onto the same data, as another process has it; `None` where the store has no such thing.
    pub other: Option<Arc<dyn Store>>,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").field("has_other", &self.other.is_some()).finish_non_exhaustive()
    }
}

/// One thing that a store promises.
#[derive(Clone, Copy)]
pub struct Case {
    name: &'static str,
    about: &'static str,
    run: Run,
}

type Run = for<'a> fn(&'a dyn Harness, &'a mut Proof) -> Running<'a>;
type Running<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

impl Case {
    /// Its name, such as `races::quota`: unique in the suite.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it shows.
    #[must_use]
    pub fn about(&self) -> &'static str {
        self.about
    }

    /// Runs it on a store of its own.
    ///
    /// # Errors
    /// [`Failed`] says what the store did instead.
    pub async fn run(&self, harness: &dyn Harness) -> Result<Report, Failed> {
        let mut proof = Proof::default();
        let outcome = (self.run)(harness, &mut proof).await;
        outcome
            .and_then(|()| proof.report())
            .map_err(|stop| Failed { case: self.name, why: stop.to_string() })
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Case").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The store broke a promise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{case}: {why}")]
pub struct Failed {
    case: &'static str,
    why: String,
}

impl Failed {
    /// The name of the case that failed.
    #[must_use]
    pub fn case(&self) -> &'static str {
        self.case
    }
}

/// What came of a whole run, without a failure. Displayed, it is one line for each case.
#[derive(Debug, Clone)]
pub struct Summary {
    /// Each case with its report, in the order of [`cases`].
    pub reports: Vec<(Case, Report)>,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reports.iter().try_for_each(|(case, report)| writeln!(f, "{}: {report}", case.name))?;
        write!(f, "{} cases, none failed", self.reports.len())
    }
}

/// The promises that a store broke. Displayed, it is one line for each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failures {
    /// Those that failed, in the order of [`cases`].
    pub failed: Vec<Failed>,
}

impl fmt::Display for Failures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.failed.iter().try_for_each(|failed| writeln!(f, "{failed}"))?;
        write!(f, "{} of {} cases failed", self.failed.len(), CASES.len())
    }
}

impl Error for Failures {}

/// Runs every case, one after another, those after a failed one too.
///
/// # Errors
/// [`Failures`] lists every case that failed.
pub async fn run_all(harness: &dyn Harness) -> Result<Summary, Failures> {
    let (mut reports, mut failed) = (vec![], vec![]);
    for case in cases() {
        match case.run(harness).await {
            Ok(report) => reports.push((*case, report)),
            Err(failure) => failed.push(failure),
        }
    }
    if failed.is_empty() { Ok(Summary { reports }) } else { Err(Failures { failed }) }
}

/// Every case of the suite.
#[must_use]
pub fn cases() -> &'static [Case] {
    CASES
}

macro_rules! suite {
    ($($module:ident :: $case:ident: $about:literal;)+) => {
        const CASES: &[Case] = &[$(Case {
            name: concat!(stringify!($module), "::", stringify!($case)),
            about: $about,
            run: |harness, proof| Box::pin($module::$case(harness, proof)),
        }),+];
    };
}

suite! {
    tenants::registers: "a tenant that registers can be looked up, signed in to and admitted";
    tenants::names: "slugs are unique among tenants, addresses within a realm";
    tenants::status: "a tenant that isn't active is neither resolved nor served, not even in flight";
    tenants::epochs: "an epoch moves by one with what may be cached, and a change of the row leaves it alone";
    tenants::elsewhere: "a second handle onto the same data hears in time that an epoch moved, and of which tenant";
    tenants::abandoned_commit: "a commit whose caller has gone runs to its end and moves its epochs";
    isolation::reads: "no read shows a row of another tenant";
    isolation::operators: "two marketplaces in one store have nothing to do with each other";
    members::roles: "roles are defined, given and taken, and nobody grants what they don't hold";
    members::edited_roles: "editing a role is no way around what one may grant";
    members::last_owner: "a tenant keeps an owner";
    assignments::on_resources: "a role on one resource is held there and nowhere else";
    assignments::deleted_roles: "a role that is deleted and made again under its name is nobody's";
    assignments::bounds: "roles, teams, programs and what is assigned to one end at their limits";
    assignments::lists: "lists of who may do what hold every row once, and none of another tenant's";
    teams::nested: "who is in a team holds what is assigned to it and above it, as long as that is so";
    teams::escalation: "a team is no way around what one may grant";
    programs::keys: "a key may do what its roles allow within what it carries, until it expires or is revoked";
    programs::accounts: "a service account acts for itself, and leaves its name in the trail";
    hierarchy::descends: "what descends reaches the tenants below, and nothing else does";
    hierarchy::takes_effect: "a change above reaches the callers below, in another process too";
    hierarchy::suspended: "nothing descends from a tenant that isn't active, and what lies above it still does";
    hierarchy::reviewed: "who can names everybody who may, also who is let in from above, and nobody else";
    hierarchy::depth: "at most eight tenants lie above one";
    reviews::documents: "what is imported is what is exported, who may see it sees it, and an import is no way around";
    impersonation::both: "who acts as another is never more than either, for an hour at most, and says so";
    quotas::counters: "a counter stops at its limit and starts again with its period";
    quotas::gauges: "what a gauge holds is given back, and never falls below zero";
    quotas::one_batch: "uses of one meter in one batch add up";
    commits::every_guard_is_listed: "a refusal lists every guard that failed, with what was found";
    commits::nothing_is_left: "nothing is left of a refused batch";
    commits::floors: "an account that has a floor is not overdrawn, whatever the batch's other postings";
    commits::broken: "a change that hits no row is unavailable and writes nothing";
    commits::size: "a batch of 1000 changes is taken and a larger one refused";
    sequence::one_row: "changes of one row in one batch are applied in their order";
    sequence::names: "in one batch a name can be taken once it is given up, and not before";
    keys::replay: "the same request gets the same bytes, another one is refused, for 24 hours";
    keys::owners: "keys of other tenants, principals and operations have nothing to do with each other";
    keys::before_guards: "a key is compared before any guard, inside the commit too";
    orders::purchase: "a purchase from its order to its release, with the books balanced at each step";
    orders::review_ends: "the money is released when the review's time is up";
    orders::unpaid: "an order that isn't paid expires or is cancelled, and a late payment is refunded";
    orders::partial_refunds: "refunds in parts leave no unit over, and settle once";
    disputes::resolved: "a dispute stops the review's clock until the operator resolves it either way";
    disputes::suspended_seller: "a suspended seller's orders are held, and let go when it is active again";
    disputes::seller_suspended_in_flight: "money does not move to a seller that was suspended meanwhile";
    books::sums: "statements add up to balances, and balances to the books, over many orders and two currencies";
    work::claims: "work is claimed by one worker at a time, the longest due first";
    work::fences: "a worker that was paused past its lease writes nothing";
    work::rescheduled: "work that is scheduled anew is nobody's, and its fences never repeat";
    work::reports: "a report is stored once, as work that is due now";
    trail::sealing: "sealed rows have gapless numbers and a chain that verifies";
    trail::versions: "the events of an aggregate come in the order of its versions";
    pages::complete: "pages hold every row once, in order, also while rows are added";
    pages::filtered: "a list of orders holds what a filter keeps and nothing else, in order";
    pages::cursors: "a cursor shows nothing of another tenant, and one that can't be read shows nothing";
    races::quota: "64 tasks at one quota of 10: 10 are admitted";
    races::accept_and_dispute: "an order that is accepted and disputed at once is one of both";
    races::one_key: "one key sent twice at once makes one order, and both get its answer";
    races::last_owners: "two owners that leave at once leave one";
    races::payments: "two reports of a payment at once fund an order once";
    races::slugs: "of 16 tenants that register one slug at once, one gets it";
    workers::seal_at_once: "sealers at once give each row one number, while others commit";
    workers::claim_at_once: "workers at once share work out";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let mut names: Vec<_> = cases().iter().map(Case::name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), cases().len());
    }

    #[test]
    fn a_case_that_checks_nothing_has_failed() {
        assert!(Proof::default().report().is_err());
    }
}
