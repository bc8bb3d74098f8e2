use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;

use super::Effect;
use super::stand::Stand;
use super::view::View;
use crate::client::{Answer, Client, Request, encoded, text};
use crate::draw::Draw;
use crate::exception::{Exception, Telling};
use crate::marks::{Mark, Marks};
use crate::place::{Form, Place};
use crate::report::{Finding, Leak, Report, Tally};
use crate::route::{Fill, Hole, Route};
use crate::shape;
use crate::tenant::{Caller, From, Tenant, Thing, things};
use crate::told::{Apart, Noise, Told, short};

/// A walk under way.
pub(super) struct Walker {
    pub(super) address: SocketAddr,
    pub(super) client: Client,
    pub(super) routes: Vec<Route>,
    pub(super) tenants: Vec<Tenant>,
    pub(super) callers: Vec<Caller>,
    pub(super) stands: Vec<Stand>,
    pub(super) things: Vec<Thing>,
    pub(super) nothing: Vec<(String, Value)>,
    pub(super) marks: Marks,
    pub(super) apart: Apart,
    pub(super) draw: Draw,
    pub(super) tally: Tally,
    pub(super) views: Vec<View>,
    /// The entity tag of each thing, as its owner was given it.
    pub(super) tags: BTreeMap<(String, String), String>,
    seed: u64,
}

/// A request, with the names in it that another would have in their place.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    pub(super) request: Request,
    pub(super) names: Vec<String>,
}

/// What a request is for.
#[derive(Debug, Clone)]
pub(super) struct About<'a> {
    pub(super) route: usize,
    pub(super) stand: &'a Stand,
    pub(super) place: Place,
    pub(super) form: Form,
    pub(super) victim: Option<String>,
}

impl Walker {
    #[expect(clippy::too_many_arguments, reason = "the parts of a walk, taken apart once")]
    pub(super) fn new(
        address: SocketAddr,
        mut routes: Vec<Route>,
        tenants: Vec<Tenant>,
        callers: Vec<Caller>,
        exceptions: Vec<Exception>,
        nothing: Vec<(String, Value)>,
        apart: Apart,
        seed: u64,
    ) -> Option<Self> {
        let things = things(&tenants);
        let kinds: BTreeSet<String> = things.iter().map(|thing| thing.kind.clone()).collect();
        routes.iter_mut().for_each(|route| route.bind(&kinds));
        Some(Self {
            address,
            client: Client::of(address),
            stands: Stand::all(&callers, &tenants),
            marks: Marks::of(&tenants, &things, seed)?,
            tally: Tally::of(routes.len(), exceptions),
            draw: Draw::from_seed(seed),
            routes,
            tenants,
            callers,
            things,
            nothing,
            apart,
            views: Vec::new(),
            tags: BTreeMap::new(),
            seed,
        })
    }

    /// The identifiers of a kind that a tenant has.
    pub(super) fn own(&self, tenant: Option<&str>, kind: &str) -> Vec<Value> {
        let is_own = |thing: &&Thing| thing.kind == kind && tenant.is_some_and(|tenant| thing.is_of(tenant));
        self.things.iter().filter(is_own).map(|thing| thing.value.clone()).collect()
    }

    /// The things of a kind that aren't a stand's own.
    pub(super) fn foreign(&self, stand: &Stand, kind: &str) -> Vec<Thing> {
        let is_own = |thing: &Thing| stand.reader().is_some_and(|tenant| thing.is_of(tenant));
        self.things.iter().filter(|thing| thing.kind == kind && !is_own(thing)).cloned().collect()
    }

    /// A name of nothing, of the shape of a kind's identifiers.
    pub(super) fn absent(&mut self, kind: &str) -> Value {
        let like = self.things.iter().find(|thing| thing.kind == kind).map(|thing| thing.value.clone());
        let like = like.unwrap_or_else(|| Value::from("0198c0de-0000-7000-8000-000000000000"));
        self.absent_like(&like)
    }

    pub(super) fn absent_like(&mut self, like: &Value) -> Value {
        loop {
            let absent = shape::absent(like, &mut self.draw);
            if !like.is_string() && !like.is_number() || self.things.iter().all(|thing| thing.value != absent)
            {
                return absent;
            }
        }
    }

    /// A request to a route: with the caller's own things at some place in its list, but for what `here` fills.
    pub(super) fn asked(
        &mut self,
        route: usize,
        stand: &Stand,
        own: usize,
        here: &mut dyn FnMut(&Place, &Hole) -> Option<Fill>,
    ) -> Asked {
        let Some(template) = self.routes.get(route).cloned() else { return Asked::default() };
        let mut names = Vec::new();
        let mut request = template.draft(&mut |place, hole| {
            if let Some(fill) = here(place, hole) {
                match &fill {
                    Fill::Value(Value::Array(items)) => names.extend(items.iter().map(text)),
                    Fill::Value(value) => names.push(text(value)),
                    Fill::Raw(raw) => names.push(raw.clone()),
                    Fill::Nothing => {}
                }
                return fill;
            }
            let kind = match hole {
                Hole::Mark => {
                    return Fill::Value(Value::from(self.marks.left_by(stand.tenant.as_deref())));
                }
                Hole::New(kind) => {
                    let fresh = self.absent(kind);
                    names.push(text(&fresh));
                    return Fill::Value(fresh);
                }
                Hole::Named(kind) => kind,
            };
            let owned = self.own(stand.tenant.as_deref(), kind);
            let turn = own.checked_rem(owned.len()).unwrap_or_default();
            match (owned.into_iter().nth(turn), place) {
                _ if kind == "cursor" => Fill::Nothing,
                (Some(value), _) => Fill::Value(value),
                (None, Place::Path(_) | Place::Body(_)) => {
                    let absent = self.absent(kind);
                    names.push(text(&absent));
                    Fill::Value(absent)
                }
                (None, _) => Fill::Nothing,
            }
        });
        if let Some(caller) = self.callers.get(stand.caller) {
            for (name, value) in &caller.headers {
                request = request.header(name, value);
            }
        }
        request.host.clone_from(&stand.host);
        Asked { request, names }
    }

    /// Sends a request, and holds against its answer what must be in none.
    pub(super) async fn ask(&mut self, about: &About<'_>, asked: &Asked) -> Answer {
        let answer = self.client.send(self.from(about.stand), &asked.request).await;
        self.hold_against(about, asked, &answer);
        self.undo(about, asked, &answer).await;
        answer
    }

    pub(super) fn from(&self, stand: &Stand) -> From {
        self.callers.get(stand.caller).map_or(From::Any, |caller| caller.from)
    }

    /// Takes back what a request made, where its route says how.
    pub(super) async fn undo(&mut self, about: &About<'_>, asked: &Asked, answer: &Answer) {
        let undo = self.routes.get(about.route).and_then(|route| route.undo.clone());
        let Some((method, template)) = undo.filter(|_| answer.is_success()) else { return };
        let body = answer.json().unwrap_or_default();
        let mut path = template;
        while let Some((start, rest)) = path.split_once("{/") {
            let Some((pointer, end)) = rest.split_once('}') else { break };
            let Some(value) = body.pointer(&format!("/{pointer}")) else { return };
            path = format!("{start}{}{end}", encoded(&text(value)));
        }
        let undoing = Request { method, path, query: Vec::new(), body: None, ..asked.request.clone() };
        let answer = self.client.send(self.from(about.stand), &undoing).await;
        self.hold_against(about, &Asked { request: undoing, names: Vec::new() }, &answer);
    }

    pub(super) fn hold_against(&mut self, about: &About<'_>, asked: &Asked, answer: &Answer) {
        self.tally.requested(about.route);
        if answer.status == 429 {
            self.tally.throttled = self.tally.throttled.saturating_add(1);
        }
        for mark in self.marks.in_answer(answer, &asked.request.sent(), about.stand.reader()) {
            self.found_mark(about, answer, &mark);
        }
        if answer.status >= 500 || answer.status == 0 {
            let said = match answer.status {
                0 => "no answer came".to_owned(),
                status => format!("answered {status}: {}", short(&answer.text(), 120)),
            };
            self.found(about, Leak::Broken, vec![said]);
        }
    }

    fn found_mark(&mut self, about: &About<'_>, answer: &Answer, mark: &Mark) {
        let exception = mark.thing.as_ref().and_then(|(kind, value)| self.exception(about, kind, value));
        if let Some(exception) = exception {
            self.tally.excepted(exception);
            return;
        }
        let shown = format!("{} holds {:?}", answer.status, short(&mark.text, 24));
        let victim = Some(mark.owners.join(" and "));
        self.found(&About { victim, ..about.clone() }, Leak::Mark, vec![shown]);
    }

    pub(super) fn found(&mut self, about: &About<'_>, leak: Leak, detail: Vec<String>) {
        let caller = self.callers.get(about.stand.caller);
        self.tally.found(Finding {
            leak,
            route: self.routes.get(about.route).map(ToString::to_string).unwrap_or_default(),
            caller: caller.map(|caller| caller.name.clone()).unwrap_or_default(),
            at: about.stand.at.clone().filter(|_| !about.stand.is_home),
            victim: about.victim.clone(),
            place: about.place.clone(),
            form: about.form,
            detail,
            times: 1,
        });
    }

    /// The exception that lets a stand be told of a thing.
    pub(super) fn exception(&self, about: &About<'_>, kind: &str, value: &Value) -> Option<usize> {
        let route = self.routes.get(about.route)?.to_string();
        self.tally.covering(&Telling {
            route: &route,
            kind,
            value,
            caller: about.stand.tenant.as_deref(),
            host: about.stand.at.as_deref(),
            is_home: about.stand.is_home,
        })
    }

    pub(super) fn told(&self, asked: &Asked, answer: &Answer) -> Told {
        Told::of(answer, &asked.names, &self.apart)
    }

    /// Asks about nothing, about something, and about nothing again. What is told of something must be what is told
    /// of nothing; where the two answers about nothing differ in more than noise, nothing can be said.
    pub(super) async fn compare(
        &mut self,
        about: &About<'_>,
        something: &Asked,
        nothing: [&Asked; 2],
    ) -> Option<Answer> {
        let before = self.ask(about, nothing[0]).await;
        let answer = self.ask(about, something).await;
        let after = self.ask(about, nothing[1]).await;
        let nothing = [self.told(nothing[0], &before), self.told(nothing[1], &after)];
        let told = self.told(something, &answer);
        self.judge(about, &told, &nothing).then_some(answer)
    }

    /// Compares what was told of something with what was told of nothing; whether they could be compared.
    pub(super) fn judge(&mut self, about: &About<'_>, told: &Told, nothing: &[Told; 2]) -> bool {
        if nothing.iter().chain([told]).any(|told| told.status == 429) {
            return false;
        }
        let Some(noise) = Noise::between(&nothing[0], &nothing[1]) else {
            self.tally.unsteady = self.tally.unsteady.saturating_add(1);
            return false;
        };
        self.tally.compared(about.route, about.stand.caller, &about.place, told.status);
        let differences = told.against(&nothing[0], &noise);
        if !differences.is_empty() {
            self.found(about, Leak::Difference, differences);
        }
        true
    }

    /// Looks for marks in what isn't an answer.
    pub(super) fn probed(&mut self, name: &str, effects: &[Effect]) {
        for effect in effects {
            for mark in self.marks.find(&effect.text, "", effect.tenant.as_deref()) {
                self.tally.found(Finding {
                    leak: Leak::Mark,
                    route: name.to_owned(),
                    caller: effect.tenant.clone().unwrap_or_else(|| "anybody".to_owned()),
                    at: None,
                    victim: Some(mark.owners.join(" and ")),
                    place: Place::Probe(name.to_owned()),
                    form: Form::Plain,
                    detail: vec![format!("holds {:?}", short(&mark.text, 24))],
                    times: 1,
                });
            }
        }
        self.tally.effects.push((name.to_owned(), effects.len()));
    }

    pub(super) fn report(self, took: Duration) -> Report {
        let marks = self.marks.declared();
        self.tally.report(&self.routes, &self.things, self.tenants.len(), marks, (self.seed, took))
    }
}
