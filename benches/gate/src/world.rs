//! The tenants, their members, and what each member may do: the same for both services.

use std::sync::Arc;
use std::time::Duration;

use tenantry::{
    Catalog, Founding, Interval, MemoryStore, Meter, MeterKey, NewRole, Plan, Plans, Rate, Reach, Registered,
    Registration, RoleKey, StoredSecret, TenantCtx, Tenantry, UserId,
};
use tenantry_bench_measure::Draw;
use tenantry_identity::{AccessTokens, SigningKey, TokenSubject};

use crate::Fault;
use crate::routes::{ROUTES, Route, every};

pub(crate) const ISSUER: &str = "https://id.example.com";
pub(crate) const AUDIENCE: &str = "bench";
pub(crate) const BASE: &str = "example.com";
pub(crate) const SECRET: &[u8] = b"a secret of at least thirty-two bytes";
/// How many roles there are, the same in every tenant.
pub(crate) const ROLES: usize = 5;
/// How many routes a role opens.
const ROUTES_OF_A_ROLE: usize = 8;
/// How many members a tenant has, its owner aside.
pub(crate) const MEMBERS: usize = 9;

pub(crate) struct World {
    pub(crate) app: Tenantry,
    pub(crate) tokens: AccessTokens,
    pub(crate) tenants: Vec<Tenant>,
    pub(crate) members: Vec<Member>,
}

pub(crate) struct Tenant {
    pub(crate) host: String,
    ctx: TenantCtx,
    made: Registered,
}

/// Somebody in a tenant: a user who is in other tenants too, with other roles there.
pub(crate) struct Member {
    pub(crate) tenant: usize,
    pub(crate) user: UserId,
    pub(crate) roles: Vec<usize>,
    pub(crate) token: String,
}

impl Tenant {
    /// What tokens and rules call it.
    pub(crate) fn name(&self) -> String {
        self.ctx.id().to_string()
    }
}

impl World {
    /// So many tenants, each of which may make requests at this rate.
    ///
    /// # Errors
    /// Whatever the library refuses.
    pub(crate) async fn of(tenants: usize, rate: Rate) -> Result<Self, Fault> {
        let calls = MeterKey::new("calls")?;
        let plan =
            Plan::new("plan@1".parse()?, Interval::Month).with_quota(calls.clone(), 1_000).with_rate(rate);
        let plans = Plans::builder().meter(Meter::counter(calls)).plan(plan).build()?;
        let app = Tenantry::new(Arc::new(MemoryStore::default()), every(Catalog::builder()).build()?, plans);
        app.found(&founding()?).await?;
        let platform = app.resolve(&"platform".parse()?).await?;
        let key = SigningKey::from_bytes(SECRET)?;
        let tokens = AccessTokens::new(ISSUER, AUDIENCE, key, &[]).with_lifetime(Duration::from_secs(86_400));
        let mut world = Self { app, tokens, tenants: vec![], members: vec![] };
        for number in 0..tenants {
            let made = world.app.register(&platform, registration(number)?).await?;
            let ctx = world.app.resolve_id(made.tenant.id).await?;
            world.tenants.push(Tenant { host: format!("tenant-{number}.{BASE}"), ctx, made });
        }
        let mut draw = Draw::new(7);
        for tenant in 0..tenants {
            world.join(tenant, &mut draw).await?;
        }
        Ok(world)
    }

    /// Makes owners of other tenants members of this one, with 1 to 3 roles each.
    async fn join(&mut self, number: usize, draw: &mut Draw) -> Result<(), Fault> {
        let Tenant { ctx, made, .. } = &self.tenants[number];
        let owner = self.app.admit(ctx, made.user.realm, made.user.id).await?;
        let members = self.app.members(&owner);
        for place in 1..=MEMBERS {
            let user = &self.tenants[(number + place) % self.tenants.len()].made.user;
            let mut roles: Vec<usize> = (0..=draw.below(3)).map(|_| draw.below(ROLES)).collect();
            roles.sort_unstable();
            roles.dedup();
            members.add(user).await?;
            for role in &roles {
                members.assign(user.id, role_key(*role)?).await?;
            }
            let subject = TokenSubject { tenant: ctx.id(), realm: user.realm, user: user.id };
            let token = self.tokens.issue(&subject, self.app.now())?;
            self.members.push(Member { tenant: number, user: user.id, roles, token });
        }
        Ok(())
    }

    /// The routes that a role opens.
    pub(crate) fn routes_of(role: usize) -> impl Iterator<Item = &'static Route> {
        ROUTES.iter().cycle().skip(role * 3).take(ROUTES_OF_A_ROLE)
    }
}

impl Member {
    /// Whether one of its roles opens the route.
    pub(crate) fn may(&self, route: &Route) -> bool {
        self.roles.iter().any(|role| World::routes_of(*role).any(|open| open.path == route.path))
    }
}

fn founding() -> Result<Founding, Fault> {
    Ok(Founding {
        slug: "platform".parse()?,
        name: "Platform".to_owned(),
        kind: "platform".parse()?,
        plan: "plan@1".parse()?,
        roles: vec![NewRole::owner()],
        email: "admin@example.com".parse()?,
        user_name: "Admin".to_owned(),
        secret: StoredSecret::new("no password".to_owned()),
        reach: Reach::Here,
    })
}

fn registration(number: usize) -> Result<Registration, Fault> {
    let mut roles = vec![NewRole::owner()];
    for role in 0..ROLES {
        let grants = World::routes_of(role).map(|route| format!("{}:{}", route.area, route.action).parse());
        let grants = grants.collect::<Result<_, _>>()?;
        roles.push(NewRole { key: role_key(role)?, name: format!("Role {role}"), grants });
    }
    Ok(Registration {
        slug: format!("tenant-{number}").parse()?,
        name: format!("Tenant {number}"),
        kind: "team".parse()?,
        plan: "plan@1".parse()?,
        roles,
        email: format!("owner@tenant-{number}.example").parse()?,
        user_name: "Owner".to_owned(),
        secret: StoredSecret::new("no password".to_owned()),
        reach: Reach::Here,
    })
}

fn role_key(role: usize) -> Result<RoleKey, Fault> {
    Ok(format!("role{role}").parse()?)
}
