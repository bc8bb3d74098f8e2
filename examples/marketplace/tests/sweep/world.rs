//! Who there is, what each of them has, and who may know of it.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use serde_json::json;
use tenantry_testing::{Caller, Tenant};

use crate::support::{Member, Server, listing};

const SELLERS: [&str; 2] = ["corner", "desk"];
const BUYERS: [&str; 2] = ["ada", "grace"];
const INVESTORS: [&str; 2] = ["applicant", "approved"];
pub(super) const PLATFORM: &str = "platform";
/// Who reads published listings; sellers read their own only.
const NO_SELLERS: [&str; 5] = [BUYERS[0], BUYERS[1], INVESTORS[0], INVESTORS[1], PLATFORM];

/// Something that exists, by the name that a request can give it.
#[derive(Debug)]
struct Thing {
    kind: &'static str,
    name: String,
    /// The tenants that may know of it.
    known_to: BTreeSet<String>,
}

/// A text that only some may ever be answered.
#[derive(Debug)]
struct Secret {
    text: String,
    known_to: BTreeSet<String>,
}

/// The marketplace with everything in it.
#[derive(Debug)]
pub(super) struct World {
    server: SocketAddr,
    members: Vec<Member>,
    things: Vec<Thing>,
    secrets: Vec<Secret>,
}

fn these<const N: usize>(slugs: [&str; N]) -> BTreeSet<String> {
    slugs.map(str::to_owned).into()
}

impl World {
    /// Registers everybody, and gives each seller a draft and two published listings, and each buyer orders in
    /// several states.
    pub(super) fn set_up(server: &Server) -> Self {
        let admin = server.admin();
        let sellers = SELLERS.map(|slug| server.register("seller", slug));
        let buyers = BUYERS.map(|slug| server.register("buyer", slug));
        let investors = INVESTORS.map(|slug| server.register("investor", slug));
        admin.act("/api/admin/tenants/approved/approve").expect(200);
        let members: Vec<Member> =
            [admin].into_iter().chain(sellers).chain(buyers).chain(investors).collect();
        let mut world = Self { server: server.address(), members, things: vec![], secrets: vec![] };
        world.list();
        world.order();
        world.name_tenants();
        world
    }

    /// The tenants, each with what it may know of.
    pub(super) fn tenants(&self) -> Vec<Tenant> {
        self.members.iter().map(|member| self.tenant(&member.slug)).collect()
    }

    fn tenant(&self, slug: &str) -> Tenant {
        let port = self.server.port();
        let host = if slug == PLATFORM { String::new() } else { format!("{slug}.") };
        let mut tenant = Tenant::new(slug).host(format!("{host}localhost:{port}"));
        for thing in self.things.iter().filter(|thing| thing.known_to.contains(slug)) {
            tenant = tenant.has(thing.kind, thing.name.as_str());
        }
        for secret in self.secrets.iter().filter(|secret| secret.known_to.contains(slug)) {
            tenant = tenant.mark(&secret.text);
        }
        tenant
    }

    /// A member of each tenant, and two who are nobody's.
    pub(super) fn callers(&self) -> Vec<Caller> {
        let token = |member: &Member| member.bearer().unwrap().to_owned();
        let mut callers: Vec<Caller> =
            self.members.iter().map(|member| Caller::of(&member.slug).bearer(token(member))).collect();
        let seller = token(&self.members[1]);
        let (rest, last) = seller.split_at(seller.len() - 6);
        let tampered = format!("{rest}{}", last.chars().rev().collect::<String>());
        callers.push(Caller::nobody().named("no token"));
        callers.push(Caller::nobody().named("bad token").bearer(tampered));
        callers
    }

    /// The member of a tenant.
    fn member(&self, slug: &str) -> &Member {
        self.members.iter().find(|member| member.slug == slug).unwrap()
    }

    fn thing(&mut self, kind: &'static str, name: &str, known_to: BTreeSet<String>) {
        self.things.push(Thing { kind, name: name.to_owned(), known_to });
    }

    fn secret(&mut self, text: impl Into<String>, known_to: BTreeSet<String>) {
        self.secrets.push(Secret { text: text.into(), known_to });
    }

    fn list(&mut self) {
        for seller in SELLERS {
            for (what, publish) in [("draft", false), ("open", true), ("spare", true)] {
                let slug = format!("{seller}-{what}");
                let mut wanted = listing(&slug, 4_900);
                wanted["publish"] = json!(publish);
                wanted["businessAssets"] = json!({ "businessPlan": format!("secret-plan-of-{slug}.pdf") });
                if !publish {
                    wanted["name"] = json!(format!("Secret name of {slug}"));
                    self.secret(format!("Secret name of {slug}"), these([seller]));
                }
                self.member(seller).post("/api/platform/create", wanted).expect(201);
                self.secret(format!("secret-plan-of-{slug}"), these([seller]));
                let public = if publish { these(NO_SELLERS) } else { BTreeSet::new() };
                self.thing("listing", &slug, these([seller]).into_iter().chain(public).collect());
            }
        }
    }

    fn order(&mut self) {
        let wanted = [
            ("ada", "corner", "awaiting_payment"),
            ("ada", "corner", "in_review"),
            ("ada", "desk", "in_review"),
            ("ada", "desk", "released"),
            ("ada", "desk", "disputed"),
            ("grace", "desk", "in_review"),
            ("grace", "corner", "in_review"),
            ("grace", "corner", "awaiting_payment"),
            ("grace", "corner", "released"),
            ("grace", "corner", "disputed"),
            ("grace", "desk", "released"),
        ];
        for (buyer, seller, state) in wanted {
            let member = self.member(buyer);
            let slug = format!("{seller}-open");
            let placed =
                if state == "awaiting_payment" { member.buy(&slug) } else { member.buy_and_pay(&slug) };
            let parties = these([buyer, seller, PLATFORM]);
            match state {
                "released" => drop(member.take(&placed.order, "accept").expect(200)),
                "disputed" => {
                    let reason = format!("secret reason of {}", placed.order);
                    member.dispute(&placed.order, &reason).expect(200);
                    self.secret(reason, parties.clone());
                }
                _ => {}
            }
            self.secret(placed.order.clone(), parties.clone());
            self.thing("order", &placed.order, parties);
            self.thing("idempotency-key", &placed.key, these([buyer]));
        }
    }

    fn name_tenants(&mut self) {
        for member in self.members.clone() {
            let known_to = these([&*member.slug, PLATFORM]);
            let me = member.get("/api/me").expect(200);
            let user = me["user"]["id"].as_str().unwrap();
            self.secret(user, known_to.clone());
            self.secret(member.email.clone(), known_to.clone());
            self.thing("tenant", &member.slug, known_to.clone());
            self.thing("email", &member.email, known_to);
        }
    }
}

/// Further names of nothing: an id that can't be, and texts that are no id and no slug.
pub(super) fn nothing() -> Vec<(&'static str, String)> {
    let unparsable = ["not an id", "%FF", "a/b", "Ünknown"].map(str::to_owned);
    let order = [uuid::Uuid::nil().to_string()].into_iter().chain(unparsable.clone());
    let slug = ["unused-slug".to_owned(), uuid::Uuid::now_v7().to_string(), "x".repeat(300)];
    let slugs: Vec<String> = slug.into_iter().chain(unparsable).collect();
    let order = order.map(|name| ("order", name));
    let slugs =
        ["listing", "tenant"].into_iter().flat_map(|kind| slugs.iter().map(move |name| (kind, name.clone())));
    order.chain(slugs).collect()
}
