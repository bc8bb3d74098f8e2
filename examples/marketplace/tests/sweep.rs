//! Every route of the marketplace, as every kind of caller, against everybody else's things: no answer tells that a
//! thing exists which the caller may not know of.
//!
//! The routes come from the router, not from a list kept here: one that is added is swept, or fails this test until
//! the sweep knows what its parameters name. Each caller (nobody, a bad token, and one member of each kind of tenant,
//! two of most) sends each request at its own host and, with the same token, at every other tenant's; each place in
//! a request that can name something (a path's parameter, a member of the body, the cursor, the idempotency key) is
//! given everybody else's names, and names of nothing. The answers have to be the same: status, headers and body,
//! apart from what [`answers`](sweep::answers) leaves out. What is public is an exception, in a table with reasons.
//!
//! Two more things are held against every answer: a text that only some may read isn't in it, and a guarded route
//! says yes to nobody but its own tenant's members. In the end each tenant sees of its own things what it saw before.

#[cfg(test)]
mod support;

#[cfg(test)]
mod sweep {
    mod answers;
    mod exceptions;
    mod routes;
    mod world;

    use std::collections::BTreeSet;

    use crate::support::{Options, Reply, Server, Site};
    use answers::Told;
    use exceptions::{EXCEPTIONS, covering};
    use routes::{Route, Slot};
    use world::{Caller, Kind, Thing, World, absent, own_view, see_again};

    /// The sweep as it goes on.
    struct Sweep<'a> {
        world: &'a World,
        requests: usize,
        pairs: usize,
        combinations: usize,
        excepted: [usize; EXCEPTIONS.len()],
        reached: BTreeSet<String>,
        findings: BTreeSet<String>,
    }

    /// One caller at one host, from an address of its own: sign-ins are counted by address.
    struct Stand<'a> {
        caller: &'a Caller,
        host: &'a str,
        site: Site,
        is_home: bool,
        number: usize,
    }

    impl Sweep<'_> {
        fn route(&mut self, route: &Route, stand: &Stand<'_>) {
            for slot in route.slots() {
                self.combinations += 1;
                let Some(kind) = slot.kind() else {
                    self.ask(route, stand, slot, "");
                    continue;
                };
                let mut things: Vec<&Thing> = self.world.of(kind).collect();
                if kind == Kind::Email || route.path == "/api/auth/register" {
                    let turn = stand.number % things.len();
                    things = vec![things[turn]];
                }
                let nothing = if kind == Kind::Cursor {
                    vec![]
                } else {
                    self.nothing(route, stand, slot, &absent(kind, ""))
                };
                for thing in things {
                    self.thing(route, stand, slot, thing, &nothing);
                }
            }
        }

        /// Names a thing, and compares what is told with what is told of nothing.
        fn thing(
            &mut self,
            route: &Route,
            stand: &Stand<'_>,
            slot: Slot,
            thing: &Thing,
            nothing: &[(String, Told)],
        ) {
            let home = stand.caller.home.as_deref();
            if stand.is_home && home.is_some_and(|home| thing.known_to.contains(home)) {
                return;
            }
            if let Some(exception) = covering(route, slot, thing, home, stand.host) {
                self.excepted[exception] += 1;
                if route.method == "GET" || route.path == "/api/auth/register" {
                    self.ask(route, stand, slot, &thing.name);
                }
                return;
            }
            let told = self.ask(route, stand, slot, &thing.name);
            let beside = match thing.kind {
                Kind::Cursor => self.nothing(route, stand, slot, &absent(Kind::Cursor, &thing.name)),
                _ => vec![],
            };
            for (name, nothing) in nothing.iter().chain(&beside) {
                self.pairs += 1;
                if told != *nothing {
                    self.findings.insert(format!(
                        "{route} as {} at {}, {slot:?}: {:?} {} is told from {name}:\n    {told}\n    {nothing}",
                        stand.caller.name, stand.host, thing.kind, thing.name,
                    ));
                }
            }
        }

        /// What is told of names of nothing, in this place. Registering one would make it something, and where a
        /// name is to be given, one that no name can be is refused as that.
        fn nothing(
            &mut self,
            route: &Route,
            stand: &Stand<'_>,
            slot: Slot,
            names: &[String],
        ) -> Vec<(String, Told)> {
            let most = match slot {
                Slot::Body("tenant", _) if stand.host == world::PLATFORM => 0,
                Slot::Body("slug" | "tenant", _) => 2,
                _ => names.len(),
            };
            names.iter().take(most).map(|name| (name.clone(), self.ask(route, stand, slot, name))).collect()
        }

        fn ask(&mut self, route: &Route, stand: &Stand<'_>, slot: Slot, name: &str) -> Told {
            self.requests += 1;
            let reply = route.send(&stand.site, slot, name);
            self.hold_against(route, stand, &reply, name);
            if reply.status == 201 && route.path == "/api/platform/create" {
                stand
                    .site
                    .delete(&format!("/api/listings/{}", reply.json()["slug"].as_str().unwrap()))
                    .expect(204);
            }
            Told::by(&reply, name)
        }

        fn hold_against(&mut self, route: &Route, stand: &Stand<'_>, reply: &Reply, name: &str) {
            let (caller, host) = (stand.caller.name, stand.host);
            let body = String::from_utf8_lossy(&reply.body);
            for secret in &self.world.secrets {
                let may_read = stand.is_home
                    && stand.caller.home.as_ref().is_some_and(|home| secret.known_to.contains(home));
                if !may_read && secret.text != name && body.contains(&secret.text) {
                    self.findings
                        .insert(format!("{route} as {caller} at {host} tells {:?}: {body}", secret.text));
                }
            }
            let says_yes = (200..300).contains(&reply.status);
            if says_yes && route.is_guarded && !stand.is_home {
                self.findings.insert(format!("{route} says yes to {caller} at {host}: {reply}"));
            }
            if reply.status >= 500 {
                self.findings.insert(format!("{route} breaks for {caller} at {host}: {reply}"));
            }
            let is_the_gates = reply.status == 403 || reply.status == 401 && route.is_guarded;
            if !is_the_gates {
                self.reached.insert(route.to_string());
            }
        }
    }

    fn stands<'a>(world: &'a World, server: &Server) -> Vec<Stand<'a>> {
        let hosts = world.members.iter().map(|member| member.slug.as_str());
        let everywhere =
            world.callers.iter().flat_map(|caller| hosts.clone().map(move |host| (caller, host)));
        everywhere
            .enumerate()
            .map(|(number, (caller, host))| {
                let site = if host == world::PLATFORM { server.platform() } else { server.at(host) };
                let from = [127, 0, 1, u8::try_from(number + 1).unwrap()];
                Stand {
                    site: caller.at(&site).from_address(from),
                    is_home: caller.home.as_deref() == Some(host),
                    caller,
                    host,
                    number,
                }
            })
            .collect()
    }

    #[test]
    fn no_answer_tells_of_somebody_elses_things() {
        let options = Options::new().flag("--seller-rate", "1000000").flag("--buyer-rate", "1000000");
        let server = Server::start(options);
        let world = World::set_up(&server);
        let before: Vec<_> = world.members.iter().map(own_view).collect();
        let routes = routes::of(&server);
        let stands = stands(&world, &server);
        let mut sweep = Sweep {
            world: &world,
            requests: 0,
            pairs: 0,
            combinations: 0,
            excepted: [0; EXCEPTIONS.len()],
            reached: BTreeSet::new(),
            findings: BTreeSet::new(),
        };
        for route in &routes {
            for stand in &stands {
                sweep.route(route, stand);
            }
        }
        println!(
            "{} routes × {} callers at {} hosts: {} places to name something in, {} requests, {} pairs compared",
            routes.len(),
            world.callers.len(),
            world.members.len(),
            sweep.combinations,
            sweep.requests,
            sweep.pairs,
        );
        for (exception, times) in EXCEPTIONS.iter().zip(sweep.excepted) {
            println!("{times} times excepted: {}, since {}", exception.route, exception.why);
            assert!(times > 0, "{exception:?} is no exception any more");
        }
        for (member, before) in world.members.iter().zip(before) {
            let after = see_again(member, before.iter().map(|(path, _)| path.clone()));
            for ((path, before), (_, after)) in
                before.iter().zip(&after).filter(|(before, after)| before != after)
            {
                let change = format!("{}'s own {path} has changed from {before} to {after}", member.slug);
                sweep.findings.insert(change);
            }
        }
        let unreached: Vec<String> =
            routes.iter().map(ToString::to_string).filter(|route| !sweep.reached.contains(route)).collect();
        assert!(unreached.is_empty(), "nobody got as far as these routes' own work: {unreached:#?}");
        let listed: Vec<&str> = sweep.findings.iter().map(String::as_str).collect();
        assert!(listed.is_empty(), "{} findings:\n{}", listed.len(), listed.join("\n"));
    }
}
