//! What each tenant sees of its own things, before and after others had their way.

use serde_json::Value;

use super::stand::Stand;
use super::walker::{About, Walker};
use crate::client::{Answer, text};
use crate::place::{Form, Place};
use crate::report::Leak;
use crate::route::{Fill, Hole};
use crate::shape;
use crate::tenant::Thing;
use crate::told::{Noise, Told};

/// How many of its own things of a kind a tenant looks at.
const LOOKED_AT: usize = 12;
/// How many pages of a list are read to its end.
const PAGES: usize = 50;
/// Members of a list's answer in which the next cursor is given.
const NEXT: [&str; 8] = [
    "next",
    "next_cursor",
    "nextCursor",
    "cursor",
    "next_page_token",
    "nextPageToken",
    "continuation",
    "end_cursor",
];

/// What a tenant saw of its own.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) route: usize,
    pub(super) stand: Stand,
    pub(super) own: usize,
    pub(super) told: Told,
    pub(super) noise: Noise,
    pub(super) tag: Option<String>,
    pub(super) is_of_a_thing: bool,
}

impl Walker {
    /// Everybody at home reads everything of their own, twice; `again` to see whether it is still the same.
    pub(super) async fn look_at_own(&mut self, again: bool) {
        if again {
            let steady = |route: usize| self.routes.get(route).is_some_and(|route| route.is_steady);
            let views = self.views.iter().filter(|view| view.is_of_a_thing || steady(view.route));
            for view in views.cloned().collect::<Vec<_>>() {
                self.look_again(&view).await;
            }
            return;
        }
        let reading = self.routes.iter().enumerate().filter(|(_, route)| route.reads());
        let reading: Vec<usize> = reading.map(|(place, _)| place).collect();
        for route in reading {
            for stand in self.homes() {
                for own in 0..self.own_count(route, &stand).clamp(1, LOOKED_AT) {
                    self.look(route, &stand, own).await;
                }
            }
        }
    }

    /// The stands of callers at home.
    pub(super) fn homes(&self) -> Vec<Stand> {
        self.stands.iter().filter(|stand| stand.is_home).cloned().collect()
    }

    /// How many things of its own a stand can name on a route.
    pub(super) fn own_count(&self, route: usize, stand: &Stand) -> usize {
        let kinds = self.routes.get(route).map(crate::route::Route::named_kinds).unwrap_or_default();
        let kinds = kinds.iter().filter(|kind| *kind != "cursor");
        kinds.map(|kind| self.own(stand.tenant.as_deref(), kind).len()).max().unwrap_or(0)
    }

    async fn look(&mut self, route: usize, stand: &Stand, own: usize) {
        let about = About { route, stand, place: Place::Nowhere, form: Form::Plain, victim: None };
        let asked = self.asked(route, stand, own, &mut |_, _| None);
        let answers = [self.ask(&about, &asked).await, self.ask(&about, &asked).await];
        self.tally.owner_was_told(route, stand.caller, answers[0].status);
        let told = [self.told(&asked, &answers[0]), self.told(&asked, &answers[1])];
        let tag = answers[1].header("etag").map(str::to_owned);
        let things = self.named_in_path(route, stand, own);
        if let (Some(tag), [(kind, value)]) = (&tag, things.as_slice()) {
            self.tags.insert((kind.clone(), text(value)), tag.clone());
        }
        let noise = Noise::between(&told[0], &told[1]);
        if let (Some(noise), true) = (noise, answers[0].is_success()) {
            let [told, _] = told;
            let is_of_a_thing = !things.is_empty();
            self.views.push(View { route, stand: stand.clone(), own, told, noise, tag, is_of_a_thing });
        }
    }

    fn named_in_path(&self, route: usize, stand: &Stand, own: usize) -> Vec<(String, Value)> {
        let holes = self.routes.get(route).map(crate::route::Route::holes).unwrap_or_default();
        let named = holes.into_iter().filter_map(|(place, hole)| match (place, hole) {
            (Place::Path(_), Hole::Named(kind)) => Some(kind),
            _ => None,
        });
        named
            .filter_map(|kind| {
                let things = self.own(stand.tenant.as_deref(), &kind);
                let turn = own.checked_rem(things.len())?;
                Some((kind, things.into_iter().nth(turn)?))
            })
            .collect()
    }

    async fn look_again(&mut self, view: &View) {
        let about = About {
            route: view.route,
            stand: &view.stand,
            place: Place::Nowhere,
            form: Form::Plain,
            victim: view.stand.tenant.clone(),
        };
        let asked = self.asked(view.route, &view.stand, view.own, &mut |_, _| None);
        let answer = self.ask(&about, &asked).await;
        let differences = self.told(&asked, &answer).against(&view.told, &view.noise);
        if !differences.is_empty() {
            self.found(&about, Leak::Changed, differences);
        }
    }

    /// Takes the cursors that each tenant's own lists give, as things of kind `cursor`. One belongs to every tenant
    /// that has a part in a thing it names.
    pub(super) async fn take_cursors(&mut self) {
        let with_cursor = self.routes.iter().enumerate();
        let with_cursor =
            with_cursor.filter(|(_, route)| route.reads() && route.named_kinds().contains("cursor"));
        let with_cursor: Vec<usize> = with_cursor.map(|(place, _)| place).collect();
        for route in with_cursor {
            for stand in self.homes() {
                let about =
                    About { route, stand: &stand, place: Place::Nowhere, form: Form::Plain, victim: None };
                for limit in [None, Some("limit"), Some("page_size"), Some("per_page"), Some("first")] {
                    let mut asked = self.asked(route, &stand, 0, &mut |_, _| None);
                    if let Some(limit) = limit {
                        asked.request.query.retain(|(name, _)| name != limit);
                        asked.request = asked.request.query(limit, "1");
                    }
                    let answer = self.ask(&about, &asked).await;
                    if let Some(cursor) = next_of(&answer) {
                        self.take_cursor(&cursor, &stand);
                        break;
                    }
                }
            }
        }
    }

    fn take_cursor(&mut self, cursor: &Value, stand: &Stand) {
        let inside = shape::inside(&text(cursor));
        let mut owners: Vec<String> = stand.tenant.iter().cloned().collect();
        for thing in &self.things {
            let name = text(&thing.value);
            if thing.kind != "cursor" && name.len() >= 8 && inside.contains(&name) {
                owners.extend(
                    thing.owners.iter().filter(|owner| !owners.contains(owner)).cloned().collect::<Vec<_>>(),
                );
            }
        }
        let known = self.things.iter_mut().find(|thing| thing.kind == "cursor" && thing.value == *cursor);
        match known {
            Some(thing) => thing.owners.extend(owners),
            None => self.things.push(Thing { kind: "cursor".to_owned(), value: cursor.clone(), owners }),
        }
    }

    /// Everybody reads everything of their own once more, lists to their end, for the marks that others may have left.
    pub(super) async fn read_all(&mut self) {
        for view in self.views.clone() {
            let (route, stand) = (view.route, &view.stand);
            let about = About { route, stand, place: Place::Nowhere, form: Form::Plain, victim: None };
            let has_cursor =
                self.routes.get(route).is_some_and(|route| route.named_kinds().contains("cursor"));
            let mut cursor = None;
            for _ in 0..PAGES {
                let asked = self.asked(route, stand, view.own, &mut |_, hole| match (hole, &cursor) {
                    (Hole::Named(kind), Some(cursor)) if kind == "cursor" => {
                        Some(Fill::Value(Value::clone(cursor)))
                    }
                    _ => None,
                });
                let answer = self.ask(&about, &asked).await;
                match next_of(&answer).filter(|_| has_cursor) {
                    Some(next) => cursor = Some(next),
                    None => break,
                }
            }
        }
    }
}

/// The cursor of the next page, wherever an answer gives it.
fn next_of(answer: &Answer) -> Option<Value> {
    next_in(&answer.json().filter(|_| answer.is_success())?)
}

fn next_in(body: &Value) -> Option<Value> {
    match body {
        Value::Object(members) => {
            let given = NEXT.iter().filter_map(|name| members.get(*name));
            let mut cursors = given.filter(|cursor| cursor.is_string() || cursor.is_number());
            cursors.next().cloned().or_else(|| members.values().find_map(next_in))
        }
        _ => None,
    }
}
