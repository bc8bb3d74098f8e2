//! What owners do with their own: the proof that a route works at all. And what only shows once they have: names
//! that are taken, keys that are used.

use serde_json::Value;

use super::stand::Stand;
use super::walker::{About, Asked, Walker};
use crate::client::{Answer, Request, text};
use crate::place::{Form, Place};
use crate::report::Leak;
use crate::route::{Fill, Hole, Route};
use crate::tenant::Thing;

/// How many of its own things an owner tries before a route counts as failing.
const TRIES: usize = 8;

/// A request that made something under an idempotency key.
#[derive(Debug, Clone)]
struct Made {
    route: usize,
    stand: Stand,
    key: String,
    answer: Answer,
}

impl Walker {
    /// Everybody at home does with their own what each route does: first what changes and makes, and `ending` what
    /// deletes and ends.
    pub(super) async fn write_own(&mut self, ending: bool) {
        let mut chosen: Vec<usize> = self
            .routes
            .iter()
            .enumerate()
            .filter(|(_, route)| !route.reads() && (route.deletes() || route.is_last) == ending)
            .map(|(place, _)| place)
            .collect();
        chosen.sort_by_key(|place| self.routes.get(*place).map(|route| route.is_last));
        let mut made = Vec::new();
        for route in chosen {
            for stand in self.homes() {
                made.extend(self.try_own(route, &stand).await);
            }
        }
        for made in made {
            self.use_key_of(&made).await;
        }
    }

    async fn try_own(&mut self, route: usize, stand: &Stand) -> Option<Made> {
        let about = About { route, stand, place: Place::Nowhere, form: Form::Plain, victim: None };
        for own in 0..self.own_count(route, stand).clamp(1, TRIES) {
            let asked = self.asked(route, stand, own, &mut |_, _| None);
            let answer = self.ask(&about, &asked).await;
            self.tally.owner_was_told(route, stand.caller, answer.status);
            if answer.is_success() {
                let key = key_of(&asked.request)?;
                return Some(Made { route, stand: stand.clone(), key, answer });
            }
        }
        None
    }

    /// Others do the same under a key that a tenant has used: as under a fresh one, and never with its answer.
    async fn use_key_of(&mut self, made: &Made) {
        let others: Vec<Stand> =
            self.homes().into_iter().filter(|stand| stand.tenant != made.stand.tenant).collect();
        for stand in others {
            let about = About {
                route: made.route,
                stand: &stand,
                place: Place::Header("Idempotency-Key".to_owned()),
                form: Form::Plain,
                victim: made.stand.tenant.clone(),
            };
            let [one, something, other] =
                [None, Some(&made.key), None].map(|key| self.with_key(made.route, &stand, key));
            let Some(answer) = self.compare(&about, &something, [&one, &other]).await else { continue };
            let own = self.ask(&about, &one).await;
            let is_theirs = !answer.body.is_empty() && answer.body == made.answer.body;
            if is_theirs && own.body != made.answer.body {
                let said = format!("{} {}", answer.status, crate::told::short(&answer.text(), 100));
                self.found(&about, Leak::Replayed, vec![said]);
            }
        }
    }

    fn with_key(&mut self, route: usize, stand: &Stand, key: Option<&String>) -> Asked {
        self.asked(route, stand, 0, &mut |place, _| {
            let is_key = matches!(place, Place::Header(name) if name.eq_ignore_ascii_case("idempotency-key"));
            key.filter(|_| is_key).map(|key| Fill::Value(Value::from(key.as_str())))
        })
    }

    /// Everybody at home makes things under names that other tenants' things have, and names such things beside
    /// their own in what they write.
    pub(super) async fn take_names(&mut self) {
        let chosen = self.routes.iter().enumerate().filter(|(_, route)| !route.reads() && !route.is_last);
        let chosen: Vec<(usize, Vec<(Place, Hole)>)> =
            chosen.map(|(place, route): (usize, &Route)| (place, route.holes())).collect();
        let mut taken: Vec<(String, Thing)> = Vec::new();
        for (route, holes) in chosen {
            for (place, hole) in holes {
                for stand in self.stands.clone() {
                    match &hole {
                        Hole::New(kind) => self.take_name(route, &stand, &place, kind, &mut taken).await,
                        Hole::Named(kind)
                            if stand.is_home
                                && !self.is_sparing(route)
                                && !matches!(place, Place::Path(_)) =>
                        {
                            for thing in self.foreign(&stand, kind).into_iter().take(2) {
                                self.beside_own(route, &stand, &place, &thing).await;
                            }
                        }
                        _ => {}
                    }
                }
            }
        }
    }

    async fn take_name(
        &mut self,
        route: usize,
        stand: &Stand,
        place: &Place,
        kind: &str,
        taken: &mut Vec<(String, Thing)>,
    ) {
        let tenant = format!("{:?} at {:?}", stand.tenant, stand.at);
        let is_key = kind == "idempotency-key";
        let mut seen: Vec<Vec<String>> = Vec::new();
        for thing in self.foreign(stand, kind) {
            let is_taken = taken.iter().any(|(by, known)| *by == tenant && known.value == thing.value);
            if is_taken || !is_key && seen.contains(&thing.owners) {
                continue;
            }
            let about = About {
                route,
                stand,
                place: place.clone(),
                form: Form::Plain,
                victim: Some(thing.owners.join(" and ")),
            };
            if let Some(exception) = self.exception(&about, kind, &thing.value) {
                self.tally.excepted(exception);
                continue;
            }
            seen.push(thing.owners.clone());
            let fresh = [self.absent_like(&thing.value), self.absent_like(&thing.value)];
            let [something, one, other] = [&thing.value, &fresh[0], &fresh[1]].map(|name| {
                self.asked(route, stand, 0, &mut |here, hole| {
                    (here == place && matches!(hole, Hole::New(_))).then(|| Fill::Value(name.clone()))
                })
            });
            taken.push((tenant.clone(), thing));
            self.compare(&about, &something, [&one, &other]).await;
        }
    }
}

fn key_of(request: &Request) -> Option<String> {
    let mut headers = request.headers.iter();
    let (_, key) = headers.find(|(name, _)| name.eq_ignore_ascii_case("idempotency-key"))?;
    Some(text(&Value::from(key.as_str())))
}
