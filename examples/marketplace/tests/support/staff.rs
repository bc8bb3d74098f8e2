//! Members that a tenant has besides its owner. The marketplace has no request that makes them: they are made here by the
//! library, in a process beside the server's.

use std::sync::Arc;

use tenantry::{
    Caller, Logins, NewRole, PostgresOptions, PostgresStore, RoleKey, SqliteStore, Store, Tenantry, User,
};

use super::{Database, Member, Server};

impl Server {
    /// Makes somebody a member of the owner's tenant too, with a role, and signs them in there.
    pub(crate) fn hire(&self, owner: &Member, who: &Member, role: &str) -> Member {
        self.beside(async |app| {
            let (owner, user) = (caller(&app, owner).await, user(&app, owner, who).await);
            app.members(&owner).add(&user).await.unwrap();
            app.members(&owner).assign(user.id, role_key(role)).await.unwrap();
        });
        self.login(&owner.slug, &who.email, &who.password)
    }

    /// Makes a role in the owner's tenant, with these lines.
    pub(crate) fn define(&self, owner: &Member, role: &str, lines: &[&str]) {
        self.beside(async |app| {
            let grants = lines.iter().map(|line| line.parse().unwrap()).collect();
            let made = NewRole { key: role_key(role), name: role.to_owned(), grants };
            app.roles(&caller(&app, owner).await).define(made).await.unwrap();
        });
    }

    /// Takes a role of the owner's tenant from somebody.
    pub(crate) fn demote(&self, owner: &Member, who: &Member, role: &str) {
        self.beside(async |app| {
            let (owner, user) = (caller(&app, owner).await, user(&app, owner, who).await);
            app.members(&owner).unassign(user.id, role_key(role)).await.unwrap();
        });
    }

    fn beside(&self, work: impl AsyncFnOnce(Tenantry)) {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        runtime.block_on(async {
            let store: Arc<dyn Store> = match self.database() {
                Database::File(path) => Arc::new(SqliteStore::open(path).await.unwrap()),
                Database::OnServer(server) => {
                    let login = |name| server.setting(name).unwrap();
                    let logins =
                        Logins::new(login("MARKETPLACE_DATABASE"), login("MARKETPLACE_WRITER_DATABASE"));
                    Arc::new(PostgresStore::connect(&logins, PostgresOptions::default()).await.unwrap())
                }
            };
            work(marketplace::library(store).unwrap()).await;
        });
    }
}

async fn caller(app: &Tenantry, owner: &Member) -> Caller {
    let tenant = app.resolve(&owner.slug.parse().unwrap()).await.unwrap();
    let user = user(app, owner, owner).await;
    app.admit(&tenant, user.realm, user.id).await.unwrap()
}

/// The user that somebody is in the realm of the owner's tenant.
async fn user(app: &Tenantry, owner: &Member, who: &Member) -> User {
    let tenant = app.resolve(&owner.slug.parse().unwrap()).await.unwrap();
    let found = app.store().user_by_email(tenant.tenant().realm, &who.email.parse().unwrap()).await;
    found.unwrap().unwrap()
}

fn role_key(role: &str) -> RoleKey {
    role.parse().unwrap()
}
