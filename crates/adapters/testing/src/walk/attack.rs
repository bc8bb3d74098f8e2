//! Other tenants' things, named in every place that a route has for them.

use serde_json::Value;

use super::stand::Stand;
use super::walker::{About, Asked, Walker};
use crate::client::{all_encoded, encoded, text};
use crate::place::{Form, Place};
use crate::report::Leak;
use crate::route::{Fill, Hole};
use crate::shape;
use crate::tenant::Thing;
use crate::told::{Noise, Told};

/// Headers by which some frameworks let a request ask for another method.
const METHOD_HEADERS: [&str; 3] = ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"];

impl Walker {
    /// Every stand names everything that isn't its own, on the routes that read or on those that write; those that
    /// delete come last.
    pub(super) async fn attack(&mut self, reading: bool) {
        let mut routes: Vec<usize> = self
            .routes
            .iter()
            .enumerate()
            .filter(|(_, route)| route.reads() == reading)
            .map(|(place, _)| place)
            .collect();
        routes.sort_by_key(|place| self.routes.get(*place).map(|route| (route.deletes(), route.is_last)));
        let stands = self.stands.clone();
        for route in routes {
            let holes = self.routes.get(route).map(crate::route::Route::holes).unwrap_or_default();
            let named: Vec<(Place, String)> = holes
                .into_iter()
                .filter_map(|(place, hole)| match hole {
                    Hole::Named(kind) => Some((place, kind)),
                    _ => None,
                })
                .collect();
            let is_sparing = self.is_sparing(route);
            for (turn, stand) in stands.iter().enumerate() {
                for (place, kind) in &named {
                    self.name_foreign(route, stand, place, kind, turn).await;
                    if stand.is_home && !is_sparing {
                        self.in_other_forms(route, stand, place, kind).await;
                    }
                }
                if named.iter().filter(|(_, kind)| kind != "cursor").count() > 1 && !is_sparing {
                    self.everywhere(route, stand).await;
                }
                if !stand.is_home && stand.tenant.is_some() {
                    self.admitted(route, stand).await;
                }
            }
            self.other_methods(route, &named).await;
        }
    }

    fn with(&mut self, route: usize, stand: &Stand, place: &Place, value: &Value) -> Asked {
        self.asked(route, stand, 0, &mut |here, hole| {
            let is_here = here == place && matches!(hole, Hole::Named(_));
            is_here.then(|| Fill::Value(value.clone()))
        })
    }

    /// Names each thing of others in one place, and compares what is told with what is told of nothing.
    async fn name_foreign(&mut self, route: usize, stand: &Stand, place: &Place, kind: &str, turn: usize) {
        let mut things = self.foreign(stand, kind);
        if let Some(place) = turn.checked_rem(things.len()).filter(|_| self.is_sparing(route)) {
            things = things.into_iter().skip(place).take(1).collect();
        }
        let Some(first) = things.first().map(|thing| thing.value.clone()) else { return };
        let about = About { route, stand, place: place.clone(), form: Form::Plain, victim: None };
        if kind == "cursor" {
            for thing in &things {
                self.name_one(&about, thing).await;
            }
            return;
        }
        let before = self.tell_nothing(&about, &first).await;
        let further: Vec<Value> =
            self.nothing.iter().filter(|(of, _)| of == kind).map(|(_, name)| name.clone()).collect();
        let mut others = Vec::new();
        for name in further {
            let asked = self.with(route, stand, place, &name);
            let answer = self.ask(&about, &asked).await;
            others.push((text(&name), self.told(&asked, &answer)));
        }
        let mut told = Vec::new();
        for thing in things {
            let exception = self.exception(&about, kind, &thing.value);
            if let (Some(exception), false) = (exception, self.reads(route)) {
                self.tally.excepted(exception);
                continue;
            }
            let asked = self.with(route, stand, place, &thing.value);
            let about = About { victim: Some(thing.owners.join(" and ")), ..about.clone() };
            let answer = self.ask(&about, &asked).await;
            told.push((thing, self.told(&asked, &answer)));
        }
        let after = self.tell_nothing(&about, &first).await;
        let nothing = [before, after];
        let is_steady = Noise::between(&nothing[0], &nothing[1]).is_some();
        for (thing, told) in told {
            if !is_steady {
                self.name_one(&about, &thing).await;
                continue;
            }
            self.hold_beside(&about, &thing, &told, &nothing);
            for (name, other) in &others {
                let differences = told.against(other, &Noise::default());
                let exception = self.exception(&about, kind, &thing.value);
                self.tally.compared(route, stand.caller, place, told.status);
                if !differences.is_empty() && exception.is_none() {
                    let said = std::iter::once(format!("told from {name:?}")).chain(differences);
                    let victim = Some(thing.owners.join(" and "));
                    self.found(&About { victim, ..about.clone() }, Leak::Difference, said.collect());
                }
            }
        }
    }

    pub(super) fn is_sparing(&self, route: usize) -> bool {
        self.routes.get(route).is_some_and(|route| route.is_sparing)
    }

    fn reads(&self, route: usize) -> bool {
        self.routes.get(route).is_some_and(crate::route::Route::reads)
    }

    async fn tell_nothing(&mut self, about: &About<'_>, like: &Value) -> Told {
        let absent = self.absent_like(like);
        let asked = self.with(about.route, about.stand, &about.place, &absent);
        let answer = self.ask(about, &asked).await;
        self.told(&asked, &answer)
    }

    fn hold_beside(&mut self, about: &About<'_>, thing: &Thing, told: &Told, nothing: &[Told; 2]) {
        let about = About { victim: Some(thing.owners.join(" and ")), ..about.clone() };
        match self.exception(&about, &thing.kind, &thing.value) {
            None => drop(self.judge(&about, told, nothing)),
            Some(exception) => {
                let differs = Noise::between(&nothing[0], &nothing[1])
                    .is_some_and(|noise| !told.against(&nothing[0], &noise).is_empty());
                if differs {
                    self.tally.excepted(exception);
                }
            }
        }
    }

    /// Names one thing between two names of nothing: for cursors, and where answers change on their own.
    async fn name_one(&mut self, about: &About<'_>, thing: &Thing) {
        let nothing = self.nothing_like(thing);
        if self.exception(about, &thing.kind, &thing.value).is_some() {
            return;
        }
        let about = About { victim: Some(thing.owners.join(" and ")), ..about.clone() };
        let [one, other] = nothing.map(|name| self.with(about.route, about.stand, &about.place, &name));
        let something = self.with(about.route, about.stand, &about.place, &thing.value);
        self.compare(&about, &something, [&one, &other]).await;
    }

    /// Two names of nothing in the place of a thing's.
    pub(super) fn nothing_like(&mut self, thing: &Thing) -> [Value; 2] {
        match thing.kind.as_str() {
            "cursor" => [1, 2].map(|step| shape::beside(&thing.value, step)),
            _ => [self.absent_like(&thing.value), self.absent_like(&thing.value)],
        }
    }

    /// Names one thing of each other tenant in other ways of writing it.
    async fn in_other_forms(&mut self, route: usize, stand: &Stand, place: &Place, kind: &str) {
        let mut seen: Vec<String> = Vec::new();
        for thing in self.foreign(stand, kind) {
            let owner = thing.owners.first().cloned().unwrap_or_default();
            let about = About { route, stand, place: place.clone(), form: Form::Plain, victim: None };
            if seen.contains(&owner) || self.exception(&about, kind, &thing.value).is_some() {
                continue;
            }
            seen.push(owner.clone());
            let forms: &[Form] = match place {
                Place::Path(_) => &Form::IN_A_PATH,
                _ => &Form::ELSEWHERE,
            };
            for form in forms {
                self.in_form(route, stand, place, &thing, *form).await;
            }
            if self.reads(route) && !matches!(place, Place::Path(_)) {
                self.beside_own(route, stand, place, &thing).await;
            }
        }
    }

    async fn in_form(&mut self, route: usize, stand: &Stand, place: &Place, thing: &Thing, form: Form) {
        let absent = self.nothing_like(thing);
        let tag = self.tags.get(&(thing.kind.clone(), text(&thing.value))).cloned();
        let mut all = Vec::new();
        for value in [&thing.value, &absent[0], &absent[1]] {
            let Some(written) = form.of(&text(value)) else { return };
            let fill = match (form, place) {
                (Form::Encoded, _) => Fill::Raw(all_encoded(&written)),
                (Form::EncodedTwice, _) => Fill::Raw(all_encoded(&all_encoded(&written))),
                (Form::TrailingSlash, _) => Fill::Raw(format!("{}/", encoded(&written))),
                (Form::Upper | Form::Lower | Form::Spaced | Form::Undashed, _) => {
                    Fill::Value(Value::from(written))
                }
                _ => Fill::Value(value.clone()),
            };
            let mut asked = self.asked(route, stand, 0, &mut |here, _| (here == place).then(|| fill.clone()));
            asked.names.push(text(value));
            asked.names.push(all_encoded(&text(value)));
            match form {
                Form::WithEntityTag => {
                    let Some(tag) = &tag else { return };
                    let header = if self.reads(route) { "If-None-Match" } else { "If-Match" };
                    asked.request = asked.request.header(header, tag);
                }
                Form::WithTenantHeaders => self.add_tenant_headers(&mut asked, &thing.owners),
                _ => {}
            }
            all.push(asked);
        }
        let [something, one, other] = all.as_slice() else { return };
        let victim = Some(thing.owners.join(" and "));
        let about = About { route, stand, place: place.clone(), form, victim };
        self.compare(&about, something, [one, other]).await;
    }

    /// Names a thing in a list, after one of the caller's own.
    pub(super) async fn beside_own(&mut self, route: usize, stand: &Stand, place: &Place, thing: &Thing) {
        let Some(own) = self.own(stand.tenant.as_deref(), &thing.kind).into_iter().next() else { return };
        let absent = self.nothing_like(thing);
        let [something, one, other] = [&thing.value, &absent[0], &absent[1]].map(|value| {
            let mut asked = self.with(route, stand, place, &Value::Array(vec![own.clone(), value.clone()]));
            asked.names.retain(|name| *name != text(&own));
            asked
        });
        let victim = Some(thing.owners.join(" and "));
        let about = About { route, stand, place: place.clone(), form: Form::BesideOwn, victim };
        self.compare(&about, &something, [&one, &other]).await;
    }

    /// Names things of one other tenant in all places at once, those that belong together.
    async fn everywhere(&mut self, route: usize, stand: &Stand) {
        for tenant in self.tenants.clone() {
            if stand.reader() == Some(tenant.name.as_str()) {
                continue;
            }
            let kinds = self.routes.get(route).map(crate::route::Route::named_kinds).unwrap_or_default();
            let own = kinds.iter().map(|kind| self.own(Some(&tenant.name), kind).len());
            for turn in 0..own.max().unwrap_or(0).min(8) {
                let mut chosen: Vec<(String, Value, [Value; 2])> = Vec::new();
                for kind in kinds.iter().filter(|kind| *kind != "cursor") {
                    let theirs = self.own(Some(&tenant.name), kind);
                    let place = turn.checked_rem(theirs.len()).unwrap_or_default();
                    let Some(value) = theirs.into_iter().nth(place) else { continue };
                    let absent = [self.absent_like(&value), self.absent_like(&value)];
                    chosen.push((kind.clone(), value, absent));
                }
                let is_own =
                    chosen.iter().any(|(kind, value, _)| self.own(stand.reader(), kind).contains(value));
                if is_own || chosen.is_empty() {
                    continue;
                }
                let about = About {
                    route,
                    stand,
                    place: Place::Everywhere,
                    form: Form::Plain,
                    victim: Some(tenant.name.clone()),
                };
                let excepted = |(kind, value, _): &(String, Value, [Value; 2])| {
                    self.exception(&about, kind, value).is_some()
                };
                if chosen.iter().any(excepted) {
                    continue;
                }
                let mut fill = |choose: fn(&(String, Value, [Value; 2])) -> &Value| {
                    self.asked(route, stand, 0, &mut |_, hole| match hole {
                        Hole::Named(kind) => {
                            let chosen = chosen.iter().find(|(known, ..)| known == kind);
                            chosen.map(|chosen| Fill::Value(choose(chosen).clone()))
                        }
                        _ => None,
                    })
                };
                let something = fill(|(_, value, _)| value);
                let one = fill(|(_, _, absent)| &absent[0]);
                let other = fill(|(_, _, absent)| &absent[1]);
                self.compare(&about, &something, [&one, &other]).await;
            }
        }
    }

    /// Whether a route says yes to this caller at another tenant's host, and not to anybody there.
    async fn admitted(&mut self, route: usize, stand: &Stand) {
        let about =
            About { route, stand, place: Place::Nowhere, form: Form::Plain, victim: stand.at.clone() };
        let asked = self.asked_at_other_host(route, stand);
        let answer = self.ask(&about, &asked).await;
        if !(200..300).contains(&answer.status) {
            return;
        }
        let mut without = self.asked_at_other_host(route, stand);
        let headers = self.callers.get(stand.caller).map(|caller| caller.headers.clone()).unwrap_or_default();
        without.request.headers.retain(|(name, _)| headers.iter().all(|(known, _)| known != name));
        let nobody = Stand { tenant: None, is_home: false, ..stand.clone() };
        let anonymous = self.ask(&About { stand: &nobody, ..about.clone() }, &without).await;
        let told = self.told(&asked, &answer);
        let differences = told.against(&self.told(&without, &anonymous), &Noise::default());
        let is_public = anonymous.status == answer.status && (!self.reads(route) || differences.is_empty());
        if !is_public {
            let said =
                format!("answers {} where nobody in particular gets {}", answer.status, anonymous.status);
            self.found(&about, Leak::Admitted, vec![said]);
        }
    }

    /// A request that reads the caller's own things, or writes to what doesn't exist.
    fn asked_at_other_host(&mut self, route: usize, stand: &Stand) -> Asked {
        if self.reads(route) {
            return self.asked(route, stand, 0, &mut |_, _| None);
        }
        let kinds = self.routes.get(route).map(crate::route::Route::named_kinds).unwrap_or_default();
        let absent: Vec<(String, Value)> =
            kinds.into_iter().map(|kind| (kind.clone(), self.absent(&kind))).collect();
        self.asked(route, stand, 0, &mut |_, hole| match hole {
            Hole::Named(kind) => {
                let absent = absent.iter().find(|(known, _)| known == kind);
                absent.map(|(_, value)| Fill::Value(value.clone()))
            }
            _ => None,
        })
    }

    /// Asks a path for another method by a header.
    async fn other_methods(&mut self, route: usize, named: &[(Place, String)]) {
        let Some((place, kind)) = named.iter().find(|(place, _)| matches!(place, Place::Path(_))) else {
            return;
        };
        let path = self.routes.get(route).map(|route| route.path.clone());
        let is_first = self.routes.iter().position(|known| Some(&known.path) == path.as_ref()) == Some(route);
        for stand in self.homes().into_iter().filter(|_| is_first) {
            let Some(thing) = self.foreign(&stand, kind).into_iter().next() else { continue };
            let absent = [self.absent_like(&thing.value), self.absent_like(&thing.value)];
            for header in METHOD_HEADERS {
                for method in ["GET", "PUT", "DELETE"] {
                    let [something, one, other] = [&thing.value, &absent[0], &absent[1]].map(|value| {
                        let mut asked = self.with(route, &stand, place, value);
                        "POST".clone_into(&mut asked.request.method);
                        asked.request = asked.request.header(header, method);
                        asked
                    });
                    let about = About {
                        route,
                        stand: &stand,
                        place: Place::Method(header.to_owned()),
                        form: Form::Plain,
                        victim: Some(thing.owners.join(" and ")),
                    };
                    if self.exception(&about, kind, &thing.value).is_none() {
                        self.compare(&about, &something, [&one, &other]).await;
                    }
                }
            }
        }
    }
}
