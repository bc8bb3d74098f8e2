//! Batches for tests: only operations make them.

use std::sync::Arc;

use tenantry_core::{
    Batch, Caller, Catalog, Founding, Guard, Interval, Meter, NewRole, Plan, Plans, Registration,
    StoredSecret, Tenantry,
};

use super::find::Look;
use crate::MemoryStore;

/// A seller and another one, who both may make ten calls.
pub(super) struct Shop {
    app: Tenantry,
    operator: Caller,
    seller: Caller,
    other: Caller,
}

impl Shop {
    pub(super) async fn open() -> Self {
        let plan = Plan::new("any@1".parse().unwrap(), Interval::Month);
        let plan = plan.with_quota("calls".parse().unwrap(), 10);
        let meter = Meter::counter("calls".parse().unwrap());
        let plans = Plans::builder().meter(meter).plan(plan).build().unwrap();
        let store = Arc::new(MemoryStore::default());
        let app = Tenantry::new(store, Catalog::builder().build().unwrap(), plans);
        app.found(&Founding {
            slug: "market".parse().unwrap(),
            name: "Market".to_owned(),
            kind: "platform".parse().unwrap(),
            plan: "any@1".parse().unwrap(),
            roles: vec![NewRole::owner()],
            email: "market@example.com".parse().unwrap(),
            user_name: "Root".to_owned(),
            secret: StoredSecret::new("$fake$".to_owned()),
            reach: tenantry_core::Reach::Here,
        })
        .await
        .unwrap();
        for slug in ["seller", "other"] {
            let market = app.resolve(&"market".parse().unwrap()).await.unwrap();
            app.register(&market, registration(slug)).await.unwrap();
        }
        let (seller, other) = (caller(&app, "seller").await, caller(&app, "other").await);
        Self { operator: caller(&app, "market").await, seller, other, app }
    }

    pub(super) async fn call(&self, amount: i64) -> Batch {
        self.call_of(&self.seller, amount).await
    }

    pub(super) async fn other_call(&self, amount: i64) -> Batch {
        self.call_of(&self.other, amount).await
    }

    /// A batch that changes the seller's row and moves its epoch.
    pub(super) async fn suspend(&self) -> Batch {
        let tenants = self.app.tenants(&self.operator);
        let change = tenants.suspend("seller".parse().unwrap());
        change.unsent().await.unwrap().into_parts().0.unwrap()
    }

    /// What the store finds for the guards on the seller's epoch.
    pub(super) fn epochs(&self) -> Vec<(Look, i64)> {
        vec![(Look::Tenant(self.seller.tenant().id()), 1)]
    }

    /// Where a batch counts.
    pub(super) fn usage_of(&self, batch: &Batch) -> Look {
        let usage = batch.guards().iter().find_map(|guard| match guard {
            Guard::Consume { tenant, meter, period, .. } => {
                Some(Look::Usage(*tenant, meter.clone(), *period))
            }
            _ => None,
        });
        usage.unwrap()
    }

    async fn call_of(&self, caller: &Caller, amount: i64) -> Batch {
        let consume = self.app.usage(caller).consume("calls".parse().unwrap(), amount);
        consume.unsent().await.unwrap().into_parts().0.unwrap()
    }
}

async fn caller(app: &Tenantry, slug: &str) -> Caller {
    let tenant = app.resolve(&slug.parse().unwrap()).await.unwrap();
    let email = format!("{slug}@example.com").parse().unwrap();
    let user = app.store().user_by_email(tenant.tenant().realm, &email).await.unwrap().unwrap();
    app.admit(&tenant, user.realm, user.id).await.unwrap()
}

fn registration(slug: &str) -> Registration {
    Registration {
        slug: slug.parse().unwrap(),
        name: slug.to_owned(),
        kind: "party".parse().unwrap(),
        plan: "any@1".parse().unwrap(),
        roles: vec![NewRole::owner()],
        email: format!("{slug}@example.com").parse().unwrap(),
        user_name: slug.to_owned(),
        secret: StoredSecret::new("$fake$".to_owned()),
        reach: tenantry_core::Reach::Here,
    }
}
