//! Tenants, registered as a service would register them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tenantry::{
    Caller, Catalog, Founding, Interval, Meter, MeterKey, NewRole, Plan, Plans, Registration, Store,
    StoredSecret, TenantCtx, Tenantry,
};

use super::Fault;

/// A platform with one meter, `calls`, of which every tenant may use more than any bench does.
pub(crate) async fn platform(store: Arc<dyn Store>) -> Result<Tenantry, Fault> {
    found(known_platform(store)?).await
}

/// The same with these permissions.
pub(crate) async fn platform_of(store: Arc<dyn Store>, catalog: Catalog) -> Result<Tenantry, Fault> {
    found(known(store, catalog)?).await
}

async fn found(app: Tenantry) -> Result<Tenantry, Fault> {
    app.found(&Founding {
        slug: "platform".parse()?,
        name: "Platform".to_owned(),
        kind: "platform".parse()?,
        plan: "plan@1".parse()?,
        roles: vec![NewRole::owner()],
        email: "admin@example.com".parse()?,
        user_name: "Admin".to_owned(),
        secret: StoredSecret::new("no password".to_owned()),
        reach: tenantry::Reach::Here,
    })
    .await?;
    Ok(app)
}

/// The same, where it was founded before.
pub(crate) fn known_platform(store: Arc<dyn Store>) -> Result<Tenantry, Fault> {
    known(store, Catalog::builder().build()?)
}

fn known(store: Arc<dyn Store>, catalog: Catalog) -> Result<Tenantry, Fault> {
    let plan = Plan::new("plan@1".parse()?, Interval::Month).with_quota(calls()?, 1_000_000_000_000);
    let plans = Plans::builder().meter(Meter::counter(calls()?)).plan(plan).build()?;
    Ok(Tenantry::new(store, catalog, plans))
}

/// Registers `count` tenants, many at once.
pub(crate) async fn register(app: &Tenantry, count: usize) -> Result<(), Fault> {
    let platform = app.resolve(&"platform".parse()?).await?;
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = Vec::new();
    for _ in 0..64 {
        let (app, platform, next) = (app.clone(), platform.clone(), Arc::clone(&next));
        tasks.push(tokio::spawn(async move {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return Ok::<_, Fault>(());
                }
                app.register(&platform, registration(number)?).await?;
            }
        }));
    }
    for task in tasks {
        task.await??;
    }
    Ok(())
}

/// The first `count` tenants, resolved.
pub(crate) async fn resolve(app: &Tenantry, count: usize) -> Result<Vec<TenantCtx>, Fault> {
    let mut tenants = Vec::with_capacity(count);
    for number in 0..count {
        tenants.push(app.resolve(&slug(number).parse()?).await?);
    }
    Ok(tenants)
}

/// `count` tenants' owners, admitted.
pub(crate) async fn callers(app: &Tenantry, count: usize) -> Result<Vec<Caller>, Fault> {
    let platform = app.resolve(&"platform".parse()?).await?;
    let mut callers = Vec::with_capacity(count);
    for number in 0..count {
        let made = app.register(&platform, registration(number)?).await?;
        let tenant = app.resolve_id(made.tenant.id).await?;
        callers.push(app.admit(&tenant, made.user.realm, made.user.id).await?);
    }
    Ok(callers)
}

/// The meter of the plan.
pub(crate) fn calls() -> Result<MeterKey, Fault> {
    Ok(MeterKey::new("calls")?)
}

/// What a tenant registers with.
pub(crate) fn registration(number: usize) -> Result<Registration, Fault> {
    Ok(Registration {
        slug: slug(number).parse()?,
        name: format!("Tenant {number}"),
        kind: "team".parse()?,
        plan: "plan@1".parse()?,
        roles: vec![NewRole::owner()],
        email: format!("owner@{}.example", slug(number)).parse()?,
        user_name: "Owner".to_owned(),
        secret: StoredSecret::new("no password".to_owned()),
        reach: tenantry::Reach::Here,
    })
}

/// A tenant's name in addresses.
pub(crate) fn slug(number: usize) -> String {
    format!("tenant-{number}")
}
