//! A store that can be away, and whose process can be paused.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tenantry::{
    AccessReader, AccountBalance, Answer, ApiKey, Assignee, Assignment, Balance, Batch, Claim, CommitError,
    Directory, Email, Epochs, EscrowReader, Fingerprint, Holding, IdentityReader, Inbox, KeyOwner,
    Membership, MemoryStore, MeterKey, Order, OrderId, OrderSide, Page, PageRequest, Predicate,
    PrincipalFacts, PrincipalId, Reach, ReadScope, RealmId, Role, RoleKey, SealedAudit, SealedEvent,
    ServiceAccount, Slug, StatementLine, Team, TeamId, TeamMember, TenancyReader, Tenant, TenantId,
    Timestamp, TrailReader, Unavailable, UsagePeriod, UsageReader, User, UserId, WorkQueue, WriteDoor,
};
use uuid::Uuid;

/// A store in memory that answers nothing while it is away. It takes itself for one that other processes write too:
/// what they change it hears when it is told to poll.
pub(crate) struct SwitchedStore {
    inner: MemoryStore,
    pub(crate) away: AtomicBool,
    epochs: Epochs,
    /// What a clock shows that never goes back.
    shown: Arc<Mutex<Instant>>,
    /// Whether what is committed is committed by another process.
    pub(crate) elsewhere: AtomicBool,
    unheard: Mutex<Vec<TenantId>>,
    /// What happens, once, between the reading of a member and the answer.
    pub(crate) meanwhile: Mutex<Option<Meanwhile>>,
    pub(crate) members_read: AtomicUsize,
}

type Meanwhile = Box<dyn FnOnce(&SwitchedStore, TenantId) + Send>;

impl SwitchedStore {
    pub(crate) fn over(inner: MemoryStore) -> Self {
        let shown = Arc::new(Mutex::new(Instant::now()));
        let clock = Arc::clone(&shown);
        let store = Self {
            inner,
            away: AtomicBool::new(false),
            epochs: Epochs::shared(move || *clock.lock().unwrap()),
            shown,
            elsewhere: AtomicBool::new(false),
            unheard: Mutex::default(),
            meanwhile: Mutex::default(),
            members_read: AtomicUsize::new(0),
        };
        store.poll();
        store
    }

    /// Time goes on, and the process doesn't.
    pub(crate) fn pause(&self, by: Duration) {
        *self.shown.lock().unwrap() += by;
    }

    /// Hears what was committed elsewhere.
    pub(crate) fn poll(&self) {
        let began = *self.shown.lock().unwrap();
        self.unheard.lock().unwrap().drain(..).for_each(|tenant| self.epochs.moved(tenant));
        self.epochs.polled(began);
    }

    fn there(&self, doing: &'static str) -> Result<&MemoryStore, Unavailable> {
        if self.away.load(Ordering::Relaxed) { Err(Unavailable::bare(doing)) } else { Ok(&self.inner) }
    }
}

#[async_trait]
impl WriteDoor for SwitchedStore {
    async fn commit(&self, batch: Batch) -> Result<(), CommitError> {
        let moved: Vec<TenantId> = batch.moved_epochs().collect();
        self.there("commit")?.commit(batch).await?;
        if self.elsewhere.load(Ordering::Relaxed) {
            self.unheard.lock().unwrap().extend(moved);
        } else {
            moved.into_iter().for_each(|tenant| self.epochs.moved(tenant));
        }
        Ok(())
    }

    async fn answer(
        &self,
        owner: &KeyOwner,
        fingerprint: &Fingerprint,
    ) -> Result<Option<Answer>, CommitError> {
        self.there("answer")?.answer(owner, fingerprint).await
    }

    fn now(&self) -> Timestamp {
        self.inner.now()
    }

    fn epochs(&self) -> &Epochs {
        &self.epochs
    }

    async fn ping(&self) -> Result<(), Unavailable> {
        self.there("ping")?.ping().await
    }
}

#[async_trait]
impl WorkQueue for SwitchedStore {
    async fn claim(&self, limit: u16, lease: Duration) -> Result<Vec<Claim>, Unavailable> {
        self.there("claim")?.claim(limit, lease).await
    }

    async fn postpone(&self, claim: &Claim, pause: Duration) -> Result<(), Unavailable> {
        self.there("postpone")?.postpone(claim, pause).await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Unavailable> {
        self.there("next due")?.next_due().await
    }

    async fn inbox(&self, scope: ReadScope, id: Uuid) -> Result<Option<Inbox>, Unavailable> {
        self.there("inbox")?.inbox(scope, id).await
    }
}

#[async_trait]
impl UsageReader for SwitchedStore {
    async fn used(
        &self,
        scope: ReadScope,
        meters: &[(MeterKey, UsagePeriod)],
    ) -> Result<Vec<i64>, Unavailable> {
        self.there("used")?.used(scope, meters).await
    }
}

#[async_trait]
impl TrailReader for SwitchedStore {
    async fn seal(&self, tenant: TenantId, limit: u16) -> Result<usize, Unavailable> {
        self.there("seal")?.seal(tenant, limit).await
    }

    async fn unsealed(&self, limit: u16) -> Result<Vec<TenantId>, Unavailable> {
        self.there("unsealed")?.unsealed(limit).await
    }

    async fn audit(&self, scope: ReadScope, page: &PageRequest) -> Result<Page<SealedAudit>, Unavailable> {
        self.there("audit")?.audit(scope, page).await
    }

    async fn events(
        &self,
        scope: ReadScope,
        after: u64,
        limit: u16,
    ) -> Result<Vec<SealedEvent>, Unavailable> {
        self.there("events")?.events(scope, after, limit).await
    }
}

#[async_trait]
impl EscrowReader for SwitchedStore {
    async fn order(&self, scope: ReadScope, id: OrderId) -> Result<Option<Order>, Unavailable> {
        self.there("order")?.order(scope, id).await
    }

    async fn orders(
        &self,
        scope: ReadScope,
        filter: &Predicate,
        page: &PageRequest,
    ) -> Result<Page<Order>, Unavailable> {
        self.there("orders")?.orders(scope, filter, page).await
    }

    async fn open_orders_of_seller(
        &self,
        scope: ReadScope,
        seller: TenantId,
        page: &PageRequest,
    ) -> Result<Page<OrderId>, Unavailable> {
        self.there("open orders of seller")?.open_orders_of_seller(scope, seller, page).await
    }

    async fn order_side(&self, scope: ReadScope, id: OrderId) -> Result<Option<OrderSide>, Unavailable> {
        self.there("order side")?.order_side(scope, id).await
    }

    async fn order_sides(
        &self,
        scope: ReadScope,
        filter: &Predicate,
        page: &PageRequest,
    ) -> Result<Page<OrderSide>, Unavailable> {
        self.there("order sides")?.order_sides(scope, filter, page).await
    }

    async fn statement(
        &self,
        scope: ReadScope,
        page: &PageRequest,
    ) -> Result<Page<StatementLine>, Unavailable> {
        self.there("statement")?.statement(scope, page).await
    }

    async fn balances(&self, scope: ReadScope) -> Result<Vec<Balance>, Unavailable> {
        self.there("balances")?.balances(scope).await
    }

    async fn account_balances(&self, scope: ReadScope) -> Result<Vec<AccountBalance>, Unavailable> {
        self.there("account balances")?.account_balances(scope).await
    }
}

#[async_trait]
impl IdentityReader for SwitchedStore {
    async fn user_by_email(&self, realm: RealmId, email: &Email) -> Result<Option<User>, Unavailable> {
        self.there("user by email")?.user_by_email(realm, email).await
    }

    async fn user(&self, scope: ReadScope, user: UserId) -> Result<Option<User>, Unavailable> {
        self.there("user")?.user(scope, user).await
    }

    async fn principal(
        &self,
        scope: ReadScope,
        principal: PrincipalId,
    ) -> Result<Option<PrincipalFacts>, Unavailable> {
        let read = self.there("principal")?.principal(scope, principal).await;
        self.members_read.fetch_add(1, Ordering::Relaxed);
        if let Some(meanwhile) = self.meanwhile.lock().unwrap().take() {
            meanwhile(self, scope.tenant());
        }
        read
    }
}

/// Lists that are only handed through.
macro_rules! lists {
    ($($name:ident: $item:ty,)+) => {
        #[async_trait]
        impl AccessReader for SwitchedStore {
            async fn role(&self, scope: ReadScope, key: &RoleKey) -> Result<Option<Role>, Unavailable> {
                self.there("role")?.role(scope, key).await
            }

            async fn assigned(&self, scope: ReadScope, to: Assignee) -> Result<Vec<Holding>, Unavailable> {
                self.there("assigned")?.assigned(scope, to).await
            }

            async fn assignments_of(
                &self,
                scope: ReadScope,
                role: &RoleKey,
                reach: Reach,
                limit: u16,
            ) -> Result<Vec<Assignment>, Unavailable> {
                self.there("assignments of a role")?.assignments_of(scope, role, reach, limit).await
            }

            async fn members_of(
                &self,
                scope: ReadScope,
                team: TeamId,
                page: &PageRequest,
            ) -> Result<Page<TeamMember>, Unavailable> {
                self.there("members of a team")?.members_of(scope, team, page).await
            }

            $(async fn $name(&self, scope: ReadScope, page: &PageRequest) -> Result<Page<$item>, Unavailable> {
                self.there(stringify!($name))?.$name(scope, page).await
            })+
        }
    };
}

lists! {
    roles: Role,
    assignments: Assignment,
    members: Membership,
    teams: Team,
    team_members: TeamMember,
    service_accounts: ServiceAccount,
    api_keys: ApiKey,
    principals_above: PrincipalId,
}

#[async_trait]
impl Directory for SwitchedStore {
    async fn tenant_by_slug(&self, slug: &Slug) -> Result<Option<Tenant>, Unavailable> {
        self.there("tenant by slug")?.tenant_by_slug(slug).await
    }

    async fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, Unavailable> {
        self.there("tenant")?.tenant(id).await
    }
}

#[async_trait]
impl TenancyReader for SwitchedStore {
    async fn children(&self, scope: ReadScope, page: &PageRequest) -> Result<Page<Tenant>, Unavailable> {
        self.there("children")?.children(scope, page).await
    }
}
