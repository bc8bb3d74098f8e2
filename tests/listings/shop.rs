use std::collections::HashMap;
use std::future::{Future, pending};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Deserialize;
use tenantry::http::{FieldErrors, Gate, InvalidToken, Problem, TokenVerifier, Validate, VerifiedToken};
use tenantry::{
    Caller, Catalog, CommitError, Failure, Founding, Interval, MemoryCounters, Meter, NewRole, Plan, Plans,
    Registration, Scope, Store, StoredSecret, Tenantry, Timestamp, UsageRefusal,
};
use tokio::sync::Notify;

/// How many listings a plan allows.
const LIMIT: i64 = 2;

/// A listing, as a row and as a request's body.
#[derive(Debug, Clone, Deserialize, sqlx::FromRow)]
pub(crate) struct Listing {
    pub(crate) slug: String,
    pub(crate) price: i64,
}

impl Listing {
    /// All of them in one line.
    pub(crate) fn all(listings: &[Self]) -> String {
        let listings = listings.iter().map(|listing| format!("{} for {}", listing.slug, listing.price));
        listings.collect::<Vec<_>>().join(", ")
    }
}

impl Validate for Listing {
    fn validate(&self, errors: &mut FieldErrors) {
        errors.check("price", self.price > 0, "above zero");
    }
}

/// The application's statements on one of the databases.
pub(crate) trait Rows: Clone + Send + Sync + 'static {
    /// Puts a listing up together with a use of the plan's, and answers all there are then. It stands at the door before
    /// it commits.
    fn put_up(
        &self,
        app: &Tenantry,
        caller: &Caller,
        listing: &Listing,
        door: &Door,
    ) -> impl Future<Output = Result<Vec<Listing>, Problem>> + Send;

    /// The caller's listings.
    fn listings(&self, caller: &Caller) -> impl Future<Output = Result<Vec<Listing>, Problem>> + Send;
}

/// A door in a handler that a test closes: whoever comes to it then stays there.
#[derive(Default)]
pub(crate) struct Door {
    is_closed: AtomicBool,
    came: Notify,
}

impl Door {
    pub(crate) async fn pass(&self) {
        if self.is_closed.load(Ordering::SeqCst) {
            self.came.notify_one();
            pending::<()>().await;
        }
    }

    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
    }

    pub(crate) fn open(&self) {
        self.is_closed.store(false, Ordering::SeqCst);
    }

    pub(crate) async fn has_come(&self) {
        self.came.notified().await;
    }
}

/// The sellers `red` and `blue`, each with an owner whose token is its name.
#[derive(Clone)]
pub(crate) struct Shop<R> {
    pub(crate) app: Tenantry,
    pub(crate) gate: Gate,
    pub(crate) rows: R,
    pub(crate) door: Arc<Door>,
}

struct Tokens(HashMap<String, VerifiedToken>);

impl TokenVerifier for Tokens {
    fn verify(&self, token: &str, _: Timestamp) -> Result<VerifiedToken, InvalidToken> {
        self.0.get(token).copied().ok_or(InvalidToken)
    }
}

impl<R: Rows> Shop<R> {
    pub(crate) async fn open(store: Arc<dyn Store>, rows: R) -> Self {
        let listings = Meter::gauge("listings".parse().unwrap());
        let plan = Plan::new("any@1".parse().unwrap(), Interval::Month).with_access([Scope::all()]);
        let plan = plan.with_quota(listings.key.clone(), LIMIT);
        let plans = Plans::builder().meter(listings).plan(plan).build().unwrap();
        let app = Tenantry::new(store, Catalog::builder().build().unwrap(), plans);
        let mut tokens = HashMap::new();
        app.found(&founding()).await.unwrap();
        let platform = app.resolve(&"platform".parse().unwrap()).await.unwrap();
        for slug in ["red", "blue"] {
            let made = app.register(&platform, registration(slug)).await.unwrap();
            let expires_at = app.now().after(Duration::from_secs(900));
            let (tenant, realm, user) = (made.tenant.id, made.user.realm, made.user.id);
            tokens.insert(slug.to_owned(), VerifiedToken { tenant, realm, user, expires_at, mfa_at: None });
        }
        let (tokens, counters) = (Arc::new(Tokens(tokens)), Arc::new(MemoryCounters::default()));
        let (domain, home) = ("localhost".parse().unwrap(), "platform".parse().unwrap());
        let gate = Gate::builder(app.clone(), domain, home, tokens, counters).build();
        Self { app, gate, rows, door: Arc::default() }
    }

    pub(super) async fn put_up(&self, caller: &Caller, listing: &Listing) -> Result<String, Problem> {
        self.rows.put_up(&self.app, caller, listing, &self.door).await.map(|all| Listing::all(&all))
    }

    pub(super) async fn listings(&self, caller: &Caller) -> Result<String, Problem> {
        self.rows.listings(caller).await.map(|all| Listing::all(&all))
    }

    /// How many listings the plan of a seller counts.
    pub(crate) async fn used(&self, slug: &str) -> i64 {
        let tenant = self.app.resolve(&slug.parse().unwrap()).await.unwrap();
        let email = format!("{slug}@example.com").parse().unwrap();
        let user = self.app.store().user_by_email(tenant.tenant().realm, &email).await.unwrap().unwrap();
        let caller = self.app.admit(&tenant, user.realm, user.id).await.unwrap();
        self.app.usage(&caller).all().await.unwrap().iter().map(|usage| usage.used).sum()
    }
}

/// What is answered to a statement that broke a rule of the table.
pub(crate) fn taken(error: sqlx::Error) -> Problem {
    let sqlx::Error::Database(error) = error else { panic!("{error}") };
    assert!(error.is_unique_violation(), "{error}");
    Problem::conflict("the slug is taken")
}

pub(crate) fn away(error: CommitError) -> Problem {
    match error {
        CommitError::Unavailable(unavailable) => unavailable.into(),
        error => panic!("{error:?}"),
    }
}

pub(crate) fn refused(failure: Failure<UsageRefusal>) -> Problem {
    Problem::from_failure(failure, |refusal| match refusal {
        UsageRefusal::Exceeded(exceeded) => Problem::quota_exceeded(&exceeded),
        refusal => panic!("{refusal:?}"),
    })
}

fn founding() -> Founding {
    Founding {
        slug: "platform".parse().unwrap(),
        name: "Platform".to_owned(),
        kind: "platform".parse().unwrap(),
        plan: "any@1".parse().unwrap(),
        roles: vec![NewRole::owner()],
        email: "platform@example.com".parse().unwrap(),
        user_name: "Platform".to_owned(),
        secret: StoredSecret::new(String::new()),
        reach: tenantry::Reach::Here,
    }
}

fn registration(slug: &str) -> Registration {
    Registration {
        slug: slug.parse().unwrap(),
        name: slug.to_owned(),
        kind: "seller".parse().unwrap(),
        plan: "any@1".parse().unwrap(),
        roles: vec![NewRole::owner()],
        email: format!("{slug}@example.com").parse().unwrap(),
        user_name: slug.to_owned(),
        secret: StoredSecret::new(String::new()),
        reach: tenantry::Reach::Here,
    }
}
