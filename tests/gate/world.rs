use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use tenantry::http::{Gate, VerifiedToken};
use tenantry::{
    Caller, Catalog, Counters, Declared, Email, Founding, Interval, Kind, Literal, ManualClock, MemoryStore,
    NewRole, Plan, PlanRef, Plans, Rate, RateKey, Registered, Registration, RoleKey, Scope, Slug,
    StoredSecret, TenantCtx, TenantId, Tenantry, Timestamp, User,
};

use super::documents::{self, BARRED, DRAFTER, Document, Documents};
use super::handlers::declared;
use super::store::SwitchedStore;
use super::{SwitchedCounters, Tokens};

/// The largest body in this world, in bytes.
pub(crate) const BODY_LIMIT: u64 = 1000;

/// The tenants `a` and `b` (1000 requests an hour), `spent` (1 an hour, used up), `fifty` (50 an hour), `free` (no
/// rate), `suspended` and `closed`, below the platform; the tokens `<tenant>-owner` of each, and `<tenant>-reader`
/// of `a`, `spent` and `fifty`, who may read listings only and is the owner of `b`. In `a` there are also `a-drafter`
/// (and `a-drafter-mfa`, with a second factor 10 minutes old) and `a-barred`, for the documents.
pub(crate) struct World {
    app: Tenantry,
    pub(crate) gate: Gate,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) tokens: Arc<Tokens>,
    pub(crate) counters: Arc<SwitchedCounters>,
    pub(crate) store: Arc<SwitchedStore>,
    pub(crate) handled: Arc<AtomicUsize>,
    pub(crate) documents: Documents,
    platform: Caller,
}

const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
const PLANS: [(&str, Option<u32>); 4] =
    [("wide", Some(1000)), ("one", Some(1)), ("fifty", Some(50)), ("free", None)];
const TENANTS: [(&str, &str); 7] = [
    ("a", "wide"),
    ("b", "wide"),
    ("spent", "one"),
    ("fifty", "fifty"),
    ("free", "free"),
    ("suspended", "wide"),
    ("closed", "wide"),
];

impl World {
    pub(crate) async fn new() -> Self {
        Self::with_cache(Gate::CACHE_CAPACITY).await
    }

    /// The same with a gate that remembers so much.
    pub(crate) async fn with_cache(entries: u64) -> Self {
        let clock = Arc::new(ManualClock::at(START));
        let store = Arc::new(SwitchedStore::over(MemoryStore::new(Arc::<ManualClock>::clone(&clock))));
        let asked = [Gate::REQUEST_ATTRIBUTES[0], ("region", Kind::Text)];
        let catalog = Catalog::builder().with(declared).with(documents::declared).resource::<Document>();
        let catalog = catalog.attributes(Declared::new(&[], &asked).unwrap()).build().unwrap();
        let app = Tenantry::new(Arc::<SwitchedStore>::clone(&store), catalog, plans());
        let (tokens, counters) = (Arc::new(Tokens::default()), Arc::new(SwitchedCounters::default()));
        let gate = Gate::builder(
            app.clone(),
            "localhost".parse().unwrap(),
            "platform".parse().unwrap(),
            Arc::<Tokens>::clone(&tokens),
            Arc::<SwitchedCounters>::clone(&counters),
        );
        let gate = gate.request_attributes(|request| {
            let region = request.field("x-region").map(|region| ("region", Literal::Text(region.into())));
            region.into_iter().collect()
        });
        let gate = gate.body_limit(BODY_LIMIT).cache_capacity(entries).build();
        let platform = found(&app).await;
        let (handled, documents) = (Arc::default(), Documents::default());
        let world = Self { app, gate, clock, tokens, counters, store, handled, documents, platform };
        world.populate().await;
        world
    }

    /// Another gate to the same tenants that remembers nothing.
    pub(crate) fn forgetful(&self) -> Gate {
        let (base, platform) = ("localhost".parse().unwrap(), slug("platform"));
        let (tokens, counters) =
            (Arc::<Tokens>::clone(&self.tokens), Arc::<SwitchedCounters>::clone(&self.counters));
        let gate = Gate::builder(self.app.clone(), base, platform, tokens, counters);
        gate.body_limit(BODY_LIMIT).cache_capacity(0).build()
    }

    async fn populate(&self) {
        self.issue("platform-owner", &self.platform);
        for (slug, plan) in TENANTS {
            let Registered { tenant, user } = self.register(slug, plan).await;
            self.issue(&format!("{slug}-owner"), &self.admit(tenant.id, &user).await);
        }
        let expired = VerifiedToken { expires_at: START, ..verified(&self.owner("b").await) };
        self.tokens.issue("b-expired", expired);
        for tenant in ["a", "spent", "fifty"] {
            self.add_reader(tenant).await;
        }
        self.draft().await;
        self.spend("spent").await;
        self.suspend("suspended").await;
        self.app.tenants(&self.platform).close(slug("closed")).await.unwrap();
    }

    async fn tenant(&self, name: &str) -> TenantCtx {
        self.app.resolve(&slug(name)).await.unwrap()
    }

    /// The owner of a tenant, as a caller.
    async fn owner(&self, name: &str) -> Caller {
        let user = self.owner_of(name).await;
        self.admit(self.tenant(name).await.id(), &user).await
    }

    pub(crate) async fn suspend(&self, name: &str) {
        self.app.tenants(&self.platform).suspend(slug(name)).await.unwrap();
    }

    pub(crate) async fn reactivate(&self, name: &str) {
        self.app.tenants(&self.platform).reactivate(slug(name)).await.unwrap();
    }

    pub(crate) async fn subscribe(&self, name: &str, plan: &str) {
        self.app.tenants(&self.platform).subscribe(slug(name), plan_of(plan)).await.unwrap();
    }

    /// Takes the role `reader` from the reader of a tenant.
    pub(crate) async fn demote_reader(&self, name: &str) {
        let (owner, user) = (self.owner(name).await, self.owner_of("b").await);
        self.app.members(&owner).unassign(user.id, role("reader")).await.unwrap();
    }

    /// Takes the role `drafter` from the drafter of `a`.
    pub(crate) async fn demote_drafter(&self) {
        let (owner, user) = (self.owner("a").await, self.owner_of("fifty").await);
        self.app.members(&owner).unassign(user.id, role("drafter")).await.unwrap();
    }

    /// Ends the membership of the reader of a tenant.
    pub(crate) async fn remove_reader(&self, name: &str) {
        let (owner, user) = (self.owner(name).await, self.owner_of("b").await);
        self.app.members(&owner).remove(user.id).await.unwrap();
    }

    /// Uses up one request of the rate of a tenant's plan.
    async fn spend(&self, name: &str) {
        let tenant = self.tenant(name).await;
        let rate = self.app.plans().plan(&tenant.tenant().plan).unwrap().rate.unwrap();
        let key = RateKey::tenant(tenant.id());
        assert!(self.counters.admit(key, rate, self.app.now()).await.unwrap().admitted);
    }

    async fn owner_of(&self, name: &str) -> User {
        let email: Email = format!("{name}@example.com").parse().unwrap();
        let realm = self.platform.tenant().tenant().realm;
        self.app.store().user_by_email(realm, &email).await.unwrap().unwrap()
    }

    async fn register(&self, name: &str, plan: &str) -> Registered {
        let registration = Registration {
            slug: slug(name),
            name: name.to_owned(),
            kind: "seller".parse().unwrap(),
            plan: plan_of(plan),
            roles: roles(),
            email: format!("{name}@example.com").parse().unwrap(),
            user_name: name.to_owned(),
            secret: StoredSecret::new(String::new()),
            reach: tenantry::Reach::Here,
        };
        self.app.register(self.platform.tenant(), registration).await.unwrap()
    }

    async fn admit(&self, tenant: TenantId, user: &User) -> Caller {
        let tenant = self.app.resolve_id(tenant).await.unwrap();
        self.app.admit(&tenant, user.realm, user.id).await.unwrap()
    }

    async fn add_reader(&self, name: &str) {
        let (owner, user) = (self.owner(name).await, self.owner_of("b").await);
        self.app.members(&owner).add(&user).await.unwrap();
        self.app.members(&owner).assign(user.id, role("reader")).await.unwrap();
        self.issue(&format!("{name}-reader"), &self.admit(owner.tenant().id(), &user).await);
    }

    /// The documents of `a` and one of `b`, and who may do something with those of `a`.
    async fn draft(&self) {
        let owner = self.owner("a").await;
        let drafter = self.owner_of("fifty").await;
        for (name, lines, user) in
            [("drafter", &DRAFTER[..], &drafter), ("barred", &BARRED[..], &self.owner_of("free").await)]
        {
            let grants = lines.iter().map(|line| line.parse().unwrap()).collect();
            let made = NewRole { key: role(name), name: name.to_owned(), grants };
            self.app.roles(&owner).define(made).await.unwrap();
            self.app.members(&owner).add(user).await.unwrap();
            self.app.members(&owner).assign(user.id, role(name)).await.unwrap();
            let caller = self.admit(owner.tenant().id(), user).await;
            self.issue(&format!("a-{name}"), &caller);
            let mfa_at = Some(Timestamp::from_micros(START.as_micros() - 600_000_000));
            self.tokens.issue(&format!("a-{name}-mfa"), VerifiedToken { mfa_at, ..verified(&caller) });
        }
        let (a, b, me) = (owner.tenant().id(), self.tenant("b").await.id(), Some(drafter.id));
        let (other, draft, published) = (owner.user(), Some("draft"), Some("published"));
        for (tenant, id, owner, state, locked) in [
            (a, 1, me, draft, Some(false)),
            (a, 2, other, published, Some(false)),
            (a, 3, other, draft, Some(false)),
            (a, 4, me, draft, Some(true)),
            (a, 5, me, draft, None),
            (a, 6, None, None, Some(false)),
            (b, 8, me, published, Some(false)),
        ] {
            self.documents.add(Document { tenant, id, owner, state, locked });
        }
    }

    fn issue(&self, token: &str, caller: &Caller) {
        self.tokens.issue(token, verified(caller));
    }
}

fn verified(caller: &Caller) -> VerifiedToken {
    VerifiedToken {
        tenant: caller.tenant().id(),
        realm: caller.principal().realm(),
        user: caller.user().expect("a user"),
        expires_at: START.after(Duration::from_secs(900)),
        mfa_at: None,
    }
}

async fn found(app: &Tenantry) -> Caller {
    let founding = Founding {
        slug: slug("platform"),
        name: "Platform".to_owned(),
        kind: "platform".parse().unwrap(),
        plan: plan_of("wide"),
        roles: roles(),
        email: "platform@example.com".parse().unwrap(),
        user_name: "Platform".to_owned(),
        secret: StoredSecret::new(String::new()),
        reach: tenantry::Reach::Here,
    };
    let tenant = app.found(&founding).await.unwrap().tenant().clone();
    let user = app.store().user_by_email(tenant.realm, &founding.email).await.unwrap().unwrap();
    let tenant = app.resolve_id(tenant.id).await.unwrap();
    app.admit(&tenant, user.realm, user.id).await.unwrap()
}

fn plans() -> Plans {
    let mut plans = Plans::builder();
    for (name, requests) in PLANS {
        let plan = Plan::new(plan_of(name), Interval::Month).with_access([Scope::all()]);
        plans = plans.plan(match requests {
            Some(requests) => plan.with_rate(Rate::per_hour(requests)),
            None => plan,
        });
    }
    plans.build().unwrap()
}

fn plan_of(name: &str) -> PlanRef {
    format!("{name}@1").parse().unwrap()
}

fn roles() -> Vec<NewRole> {
    let of = |key: &str, scope: &str| NewRole {
        key: role(key),
        name: key.to_owned(),
        grants: vec![scope.parse().unwrap()],
    };
    vec![of("owner", "*"), of("reader", "listing:read")]
}

fn role(key: &str) -> RoleKey {
    key.parse().unwrap()
}

fn slug(name: &str) -> Slug {
    name.parse().unwrap()
}
