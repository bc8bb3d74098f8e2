//! Every route of the marketplace, as every kind of caller, against everybody else's things: no answer tells that a
//! thing exists which the caller may not know of.
//!
//! It is a walk of the isolation test kit. The routes come from the served document, which has to list what the router
//! has: one that is added is walked over, or fails this test until the walk knows how to call it. Nobody, a bad token
//! and one member of each kind of tenant (two of most) ask at their own host and, with the same token, at every other
//! tenant's. What is public, or shared between the parties of an order, belongs to all who may know of it; what else
//! may be told is an exception, with a reason.

#[cfg(test)]
pub(crate) mod support;

#[cfg(test)]
mod sweep {
    mod routes;
    mod world;

    use tenantry_testing::{App, Exception, Walk};

    use crate::support::{Options, Server};
    use world::{PLATFORM, World};

    #[test]
    fn no_answer_tells_of_somebody_elses_things() {
        let options = Options::new().flag("--seller-rate", "1000000").flag("--buyer-rate", "1000000");
        let server = Server::start(options);
        let world = World::set_up(&server);
        let mut walk = Walk::of(App::at(server.address())).routes(routes::of(&server)).crowd(8, 3);
        for tenant in world.tenants() {
            walk = walk.tenant(tenant);
        }
        for caller in world.callers() {
            walk = walk.caller(caller.from_everywhere());
        }
        for (kind, name) in world::nothing() {
            walk = walk.nothing(kind, name);
        }
        let told = |why| Exception::on("POST /api/auth/register", why).at([PLATFORM]);
        let slug = told("a tenant's name is its public address, and who wants a taken one has to be told");
        let email =
            told("who registers an address twice has to be told; the answer takes as long either way");
        let walk = walk
            .except(slug.of("tenant", Vec::<String>::new()))
            .except(email.of("email", Vec::<String>::new()));
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let report = runtime.block_on(walk.run()).unwrap();
        report.assert_clean();
    }
}
