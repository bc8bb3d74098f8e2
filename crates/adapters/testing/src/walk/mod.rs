mod attack;
mod control;
mod crowd;
mod naming;
mod stand;
mod turns;
mod view;
mod walker;

use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::time::Instant;

use serde_json::Value;
use thiserror::Error;

use crate::app::App;
use crate::exception::Exception;
use crate::report::Report;
use crate::route::Routes;
use crate::tenant::{Caller, Tenant};
use crate::told::Apart;
use walker::Walker;

/// A walk over every route of a service, as every caller, naming every other tenant's things in every place.
///
/// See the [crate's page](crate) for an example, and for what it tries and in what order.
pub struct Walk {
    app: App,
    routes: Routes,
    tenants: Vec<Tenant>,
    callers: Vec<Caller>,
    exceptions: Vec<Exception>,
    nothing: Vec<(String, Value)>,
    apart: Apart,
    probes: Vec<Probe>,
    seed: u64,
    connections: usize,
    rounds: usize,
}

/// Something that isn't an answer, and that one tenant gets to see: a mail, a file, the effect of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    pub(crate) tenant: Option<String>,
    pub(crate) text: String,
}

impl Effect {
    /// What a tenant gets to see.
    #[must_use]
    pub fn seen_by(tenant: impl Into<String>, text: impl Into<String>) -> Self {
        Self { tenant: Some(tenant.into()), text: text.into() }
    }

    /// What anybody gets to see, such as a log that all tenants share: it must hold nobody's marks.
    #[must_use]
    pub fn seen_by_anybody(text: impl Into<String>) -> Self {
        Self { tenant: None, text: text.into() }
    }
}

struct Probe {
    name: String,
    look: Box<dyn FnOnce() -> Looking + Send>,
}

type Looking = Pin<Box<dyn Future<Output = Vec<Effect>> + Send>>;

/// Why a walk couldn't be made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WalkError {
    /// The app can't be served, or nothing listens at its address.
    #[error("the app can't be reached: {0}; start it first, or give its router")]
    Unreachable(#[from] io::Error),
    /// A caller's tenant isn't among the tenants.
    #[error(
        "the caller `{caller}` is of the tenant `{tenant}`, which the walk doesn't have: add it with `tenant`"
    )]
    UnknownTenant {
        /// The caller.
        caller: String,
        /// The tenant that is missing.
        tenant: String,
    },
    /// No randomness could be had for names of nothing.
    #[error("the system gives no random numbers; give a seed with `seed`")]
    NoRandomness,
    /// The marks are too many, or too long, to be looked for.
    #[error("the marks of all tenants together are too long to be looked for; declare fewer")]
    TooManyMarks,
}

impl Walk {
    /// A walk over an app. It needs routes, at least two tenants with things, and a caller of each.
    #[must_use]
    pub fn of(app: App) -> Self {
        Self {
            app,
            routes: Routes::new(),
            tenants: Vec::new(),
            callers: Vec::new(),
            exceptions: Vec::new(),
            nothing: Vec::new(),
            apart: Apart::default(),
            probes: Vec::new(),
            seed: 0,
            connections: 16,
            rounds: 8,
        }
    }

    /// The routes, all of them: from the service's OpenAPI document, or by hand.
    #[must_use]
    pub fn routes(self, routes: impl IntoRoutes) -> Self {
        Self { routes: routes.into_routes(), ..self }
    }

    /// Adds a tenant.
    #[must_use]
    pub fn tenant(mut self, tenant: Tenant) -> Self {
        self.tenants.push(tenant);
        self
    }

    /// Adds a caller. It asks at its own tenant's host, and with the same credentials at every other one's.
    #[must_use]
    pub fn caller(mut self, caller: Caller) -> Self {
        self.callers.push(caller);
        self
    }

    /// Adds something that may be told.
    #[must_use]
    pub fn except(mut self, exception: Exception) -> Self {
        self.exceptions.push(exception);
        self
    }

    /// A further name of nothing: what is told of another tenant's things must also equal what is told of this one.
    /// Such as `not an id` for a kind whose identifiers are parsed.
    #[must_use]
    pub fn nothing(mut self, kind: impl Into<String>, name: impl Into<Value>) -> Self {
        self.nothing.push((kind.into(), name.into()));
        self
    }

    /// A header that differs between any two answers. Times, request ids and what is left of a rate are known.
    #[must_use]
    pub fn apart_from_header(mut self, name: impl AsRef<str>) -> Self {
        self.apart.headers.insert(name.as_ref().to_lowercase());
        self
    }

    /// A member of JSON bodies that differs between any two answers. What differs between two answers about nothing
    /// is left out without being declared; marks are looked for in everything.
    #[must_use]
    pub fn apart_from_member(mut self, name: impl Into<String>) -> Self {
        self.apart.members.insert(name.into());
        self
    }

    /// Looks at something that isn't an answer, when all requests are made: mails, files, what jobs did. The closure
    /// waits until that has happened, and returns what each tenant gets to see of it. To find nothing to look at is a
    /// problem of its own.
    #[must_use]
    pub fn probe<F, L>(mut self, name: impl Into<String>, look: F) -> Self
    where
        F: FnOnce() -> L + Send + 'static,
        L: Future<Output = Vec<Effect>> + Send + 'static,
    {
        self.probes.push(Probe { name: name.into(), look: Box::new(move || Box::pin(look())) });
        self
    }

    /// The seed from which names of nothing are drawn, as a report showed it. Another for each walk unless given.
    #[must_use]
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// How many connections ask at once (16), and how many rounds of every caller's own requests they make (8).
    #[must_use]
    pub fn crowd(self, connections: usize, rounds: usize) -> Self {
        Self { connections: connections.max(1), rounds, ..self }
    }

    /// Makes the walk.
    ///
    /// # Errors
    /// [`WalkError`] when it can't begin. What a service answers, or that it doesn't, is in the report.
    pub async fn run(self) -> Result<Report, WalkError> {
        let began = Instant::now();
        for caller in &self.callers {
            let Some(tenant) = &caller.tenant else { continue };
            if self.tenants.iter().all(|known| known.name != *tenant) {
                let (caller, tenant) = (caller.name.clone(), tenant.clone());
                return Err(WalkError::UnknownTenant { caller, tenant });
            }
        }
        let seed = match self.seed {
            0 => u64::from(getrandom::u32().map_err(|_| WalkError::NoRandomness)?).max(1),
            seed => seed,
        };
        let (address, serving) = self.app.serve()?;
        tokio::net::TcpStream::connect(address).await?;
        let mut walker = Walker::new(
            address,
            self.routes.into_vec(),
            self.tenants,
            self.callers,
            self.exceptions,
            self.nothing,
            self.apart,
            seed,
        )
        .ok_or(WalkError::TooManyMarks)?;
        walker.look_at_own(false).await;
        walker.take_cursors().await;
        walker.attack(true).await;
        walker.name_tenants(true).await;
        walker.take_turns().await;
        walker.attack(false).await;
        walker.look_at_own(true).await;
        walker.write_own(false).await;
        walker.name_tenants(false).await;
        walker.take_names().await;
        walker.crowd(self.connections, self.rounds).await;
        walker.write_own(true).await;
        let mut problems = Vec::new();
        for probe in self.probes {
            let effects = (probe.look)().await;
            if effects.is_empty() {
                problems.push(format!("probe `{}`: there was nothing to look at", probe.name));
            }
            walker.probed(&probe.name, &effects);
        }
        drop(serving);
        let mut report = walker.report(began.elapsed());
        report.problems.extend(problems);
        Ok(report)
    }
}

impl fmt::Debug for Walk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Walk")
            .field("app", &self.app)
            .field("routes", &self.routes.len())
            .field("tenants", &self.tenants.len())
            .field("callers", &self.callers.len())
            .finish_non_exhaustive()
    }
}

/// What can be given as the routes of a service: [`Routes`], or an array or list of [`Route`](crate::Route)s.
pub trait IntoRoutes {
    /// The routes.
    fn into_routes(self) -> Routes;
}

impl IntoRoutes for Routes {
    fn into_routes(self) -> Routes {
        self
    }
}

impl<const N: usize> IntoRoutes for [crate::route::Route; N] {
    fn into_routes(self) -> Routes {
        self.into_iter().collect()
    }
}

impl IntoRoutes for Vec<crate::route::Route> {
    fn into_routes(self) -> Routes {
        self.into_iter().collect()
    }
}
