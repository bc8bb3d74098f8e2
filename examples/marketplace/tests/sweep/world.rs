//! Who there is, what each of them has, and who may know of it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::{Member, Server, Site, listing};

pub(super) const SELLERS: [&str; 2] = ["corner", "desk"];
pub(super) const BUYERS: [&str; 2] = ["ada", "grace"];
pub(super) const INVESTORS: [&str; 2] = ["applicant", "approved"];
pub(super) const PLATFORM: &str = "platform";

/// What an identifier names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Order,
    Listing,
    Tenant,
    Email,
    Key,
    Cursor,
}

/// Something that exists, by the name that a request can give it.
#[derive(Debug, Clone)]
pub(super) struct Thing {
    pub(super) kind: Kind,
    pub(super) name: String,
    /// The tenants that have a part in it.
    pub(super) known_to: BTreeSet<String>,
    /// Whether it is a published listing.
    pub(super) is_published: bool,
}

/// A text that only some may ever be answered.
#[derive(Debug)]
pub(super) struct Secret {
    pub(super) text: String,
    pub(super) known_to: BTreeSet<String>,
}

/// Somebody who sends requests.
#[derive(Debug)]
pub(super) struct Caller {
    pub(super) name: &'static str,
    /// Where they are at home; nobody is without a good token.
    pub(super) home: Option<String>,
    token: Option<String>,
}

impl Caller {
    /// The caller at some tenant's host.
    pub(super) fn at(&self, host: &Site) -> Site {
        match &self.token {
            Some(token) => host.token(token),
            None => host.signed_out(),
        }
    }
}

/// The marketplace with everything in it.
#[derive(Debug)]
pub(super) struct World {
    pub(super) members: Vec<Member>,
    pub(super) callers: Vec<Caller>,
    pub(super) things: Vec<Thing>,
    pub(super) secrets: Vec<Secret>,
}

fn these<const N: usize>(slugs: [&str; N]) -> BTreeSet<String> {
    slugs.map(str::to_owned).into()
}

impl World {
    /// Registers everybody, and gives each seller a draft and a published listing, and each buyer orders in
    /// several states.
    pub(super) fn set_up(server: &Server) -> Self {
        let admin = server.admin();
        let sellers = SELLERS.map(|slug| server.register("seller", slug));
        let buyers = BUYERS.map(|slug| server.register("buyer", slug));
        let investors = INVESTORS.map(|slug| server.register("investor", slug));
        admin.act("/api/admin/tenants/approved/approve").expect(200);
        let members: Vec<Member> =
            [admin].into_iter().chain(sellers).chain(buyers).chain(investors).collect();
        let mut world = Self { callers: callers(&members), members, things: vec![], secrets: vec![] };
        world.list();
        world.order();
        world.name_tenants();
        world.take_cursors();
        world
    }

    /// The member of a tenant.
    pub(super) fn member(&self, slug: &str) -> &Member {
        self.members.iter().find(|member| member.slug == slug).unwrap()
    }

    /// The things of a kind.
    pub(super) fn of(&self, kind: Kind) -> impl Iterator<Item = &Thing> {
        self.things.iter().filter(move |thing| thing.kind == kind)
    }

    fn thing(&mut self, kind: Kind, name: &str, known_to: BTreeSet<String>) {
        let thing = Thing { kind, name: name.to_owned(), known_to, is_published: false };
        self.things.push(thing);
    }

    fn secret(&mut self, text: impl Into<String>, known_to: BTreeSet<String>) {
        self.secrets.push(Secret { text: text.into(), known_to });
    }

    fn list(&mut self) {
        for seller in SELLERS {
            for (what, publish) in [("draft", false), ("open", true)] {
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
                self.thing(Kind::Listing, &slug, these([seller]));
                self.things.last_mut().unwrap().is_published = publish;
            }
        }
    }

    fn order(&mut self) {
        let wanted = [
            ("ada", "corner", "awaiting_payment"),
            ("ada", "corner", "in_review"),
            ("ada", "desk", "released"),
            ("ada", "desk", "disputed"),
            ("grace", "desk", "in_review"),
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
            self.thing(Kind::Order, &placed.order, parties);
            self.thing(Kind::Key, &placed.key, these([buyer]));
        }
    }

    fn name_tenants(&mut self) {
        for member in self.members.clone() {
            let known_to = these([&*member.slug, PLATFORM]);
            let me = member.get("/api/me").expect(200);
            let user = me["user"]["id"].as_str().unwrap();
            self.secret(user, known_to.clone());
            self.secret(member.email.clone(), known_to.clone());
            self.thing(Kind::Tenant, &member.slug, known_to.clone());
            self.thing(Kind::Email, &member.email, known_to);
        }
    }

    /// The cursors that each tenant gets in its own lists: each ends in the name of the thing that it follows.
    fn take_cursors(&mut self) {
        for member in self.members.clone() {
            for path in
                ["/api/orders", "/api/listings", "/api/balance", "/api/admin/audit", "/api/admin/tenants"]
            {
                let reply = member.get(&format!("{path}?limit=1"));
                if reply.status != 200 {
                    continue;
                }
                let body = reply.json();
                let next = if body["next"].is_null() { &body["entries"]["next"] } else { &body["next"] };
                if let Some(next) = next.as_str() {
                    let named = self.of(Kind::Order).filter(|order| next.ends_with(&order.name));
                    let mut known_to: BTreeSet<String> =
                        named.flat_map(|order| order.known_to.iter().cloned()).collect();
                    known_to.insert(member.slug.clone());
                    self.thing(Kind::Cursor, next, known_to);
                }
            }
        }
    }
}

fn callers(members: &[Member]) -> Vec<Caller> {
    let names =
        ["platform admin", "seller", "other seller", "buyer", "other buyer", "investor", "approved investor"];
    let known = members.iter().zip(names).map(|(member, name)| Caller {
        name,
        home: Some(member.slug.clone()),
        token: member.bearer().map(str::to_owned),
    });
    let tampered = members[1].bearer().map(|token| {
        let (rest, last) = token.split_at(token.len() - 6);
        format!("{rest}{}", last.chars().rev().collect::<String>())
    });
    let strangers = [("no token", None), ("bad token", tampered)];
    let strangers = strangers.map(|(name, token)| Caller { name, home: None, token });
    strangers.into_iter().chain(known).collect()
}

/// Identifiers that name nothing, well-formed first.
pub(super) fn absent(kind: Kind, thing: &str) -> Vec<String> {
    let random = uuid::Uuid::now_v7().to_string();
    let unparsable = || ["not an id", "%FF", "a/b", "Ünknown"].map(str::to_owned);
    match kind {
        Kind::Order => [random, uuid::Uuid::nil().to_string()].into_iter().chain(unparsable()).collect(),
        Kind::Listing | Kind::Tenant => {
            ["unused-slug".to_owned(), random, "x".repeat(300)].into_iter().chain(unparsable()).collect()
        }
        Kind::Email => vec![format!("nobody-{random}@nowhere.example")],
        Kind::Key => vec![random],
        Kind::Cursor => vec![beside(thing)],
    }
}

/// The cursor of the same place that names something else: another id at the same time, or a name that nobody has.
fn beside(cursor: &str) -> String {
    let (start, last) = cursor.rsplit_once('~').map_or((None, cursor), |(start, last)| (Some(start), last));
    let other = match last.parse::<uuid::Uuid>() {
        Ok(id) => {
            let mut bytes = *id.as_bytes();
            bytes[15] ^= 1;
            uuid::Uuid::from_bytes(bytes).to_string()
        }
        Err(_) => format!("{last}0"),
    };
    start.map_or(other.clone(), |start| format!("{start}~{other}"))
}

/// Everything that a tenant sees of its own things, by the request that shows it.
pub(super) fn own_view(member: &Member) -> Vec<(String, Value)> {
    let lists = ["/api/orders", "/api/listings"];
    let mut paths: Vec<String> = [
        "/api/me",
        "/api/usage",
        "/api/balance?limit=200",
        "/api/admin/tenants?limit=200",
        "/api/admin/ledger",
    ]
    .map(str::to_owned)
    .into();
    for list in lists {
        if member.get(list).status == 200 {
            for item in member.all(list, 200) {
                let name = if list == "/api/orders" { &item["id"] } else { &item["slug"] };
                paths.push(format!("{list}/{}", name.as_str().unwrap()));
            }
        }
    }
    see_again(member, paths)
}

/// What the same requests show now.
pub(super) fn see_again(member: &Member, paths: impl IntoIterator<Item = String>) -> Vec<(String, Value)> {
    let see = |path: String| {
        let reply = member.get(&path);
        (path, json!({ "status": reply.status, "body": reply.json() }))
    };
    paths.into_iter().map(see).collect()
}
