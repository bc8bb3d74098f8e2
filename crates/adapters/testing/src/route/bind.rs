//! What the places of a route name, told by their names.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Hole, Route};
use crate::client::Body;
use crate::place::Place;

/// Names that say nothing of what they name.
const NAMELESS: [&str; 7] = ["id", "uuid", "slug", "key", "name", "number", "handle"];
/// Parameters that hold a cursor.
const CURSORS: [&str; 9] = [
    "cursor",
    "after",
    "before",
    "page_token",
    "pageToken",
    "next_token",
    "continuation",
    "starting_after",
    "ending_before",
];

impl Route {
    /// Settles what each place names, among the kinds that tenants have things of.
    pub(crate) fn bind(&mut self, known: &BTreeSet<String>) {
        let parameters: Vec<String> = self
            .holes()
            .into_iter()
            .filter_map(|(place, _)| match place {
                Place::Path(parameter) => Some(parameter),
                _ => None,
            })
            .collect();
        for parameter in parameters {
            if !self.kinds.contains_key(&parameter) {
                let kinds = self.kinds_of(&parameter);
                let kind = kinds.iter().find(|kind| known.contains(*kind)).or(kinds.last());
                self.kinds.insert(parameter, kind.cloned().unwrap_or_default());
            }
        }
        for guess in std::mem::take(&mut self.guesses) {
            if CURSORS.contains(&guess.name.as_str()) && matches!(guess.place, Place::Query(_)) {
                self.set(&guess.place, Value::from("{cursor}"));
                continue;
            }
            let kinds = kinds_named(&guess.name, self.collection());
            if let Some(kind) = kinds.into_iter().find(|kind| known.contains(kind)) {
                let makes = self.method == "POST"
                    && NAMELESS.contains(&guess.name.as_str())
                    && self.collection() == Some(kind.clone());
                let hole = if makes { format!("{{new:{kind}}}") } else { format!("{{{kind}}}") };
                self.set(&guess.place, Value::from(hole));
            } else if let Some(sample) = guess.sample {
                self.set(&guess.place, sample);
            }
        }
    }

    /// The kinds that a place names.
    pub(crate) fn named_kinds(&self) -> BTreeSet<String> {
        let named = self.holes().into_iter().filter_map(|(_, hole)| match hole {
            Hole::Named(kind) => Some(kind),
            Hole::New(_) | Hole::Mark => None,
        });
        named.collect()
    }

    fn kinds_of(&self, parameter: &str) -> Vec<String> {
        let before = self.path.split(&format!("{{{parameter}}}")).next().unwrap_or_default();
        let collection = before.trim_end_matches('/').rsplit('/').next().filter(|part| !part.contains('{'));
        kinds_named(parameter, collection.map(singular))
    }

    /// What the last fixed part of the path is a collection of.
    fn collection(&self) -> Option<String> {
        self.path.rsplit('/').find(|part| !part.contains('{')).map(singular)
    }

    fn set(&mut self, place: &Place, value: Value) {
        match place {
            Place::Query(name) => {
                let value = crate::client::text(&value);
                self.query.retain(|(known, _)| known != name);
                self.query.push((name.clone(), value));
            }
            Place::Header(name) => {
                let value = crate::client::text(&value);
                self.headers.retain(|(known, _)| known != name);
                self.headers.push((name.clone(), value));
            }
            Place::Body(pointer) => {
                let Some(Body::Json(body) | Body::Form(body)) = &mut self.body else { return };
                let Some((parent, member)) = pointer.rsplit_once('/') else { return };
                match body.pointer_mut(parent) {
                    Some(Value::Object(members)) => drop(members.insert(member.to_owned(), value)),
                    Some(Value::Array(items)) => {
                        if let Some(item) = member.parse().ok().and_then(|place: usize| items.get_mut(place))
                        {
                            *item = value;
                        }
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

/// The kinds that a name can mean, the likeliest first.
fn kinds_named(name: &str, collection: Option<String>) -> Vec<String> {
    let mut kinds = vec![name.to_owned()];
    for ending in ["_ids", "Ids", "-ids"] {
        kinds.extend(name.strip_suffix(ending).map(str::to_owned));
    }
    for ending in ["_id", "Id", "-id", "_slug", "Slug", "_uuid", "_key"] {
        kinds.extend(name.strip_suffix(ending).map(str::to_owned));
    }
    kinds.push(singular(name));
    if NAMELESS.contains(&name) {
        kinds.extend(collection);
    }
    kinds
}

fn singular(name: &str) -> String {
    match (name.strip_suffix("ies"), name.strip_suffix('s')) {
        (Some(stem), _) => format!("{stem}y"),
        (None, Some(stem)) => stem.to_owned(),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(path: &str, known: &[&str]) -> Vec<String> {
        let mut route = Route::get(path);
        route.bind(&known.iter().map(|kind| (*kind).to_owned()).collect());
        route.named_kinds().into_iter().collect()
    }

    #[test]
    fn a_parameter_names_what_its_name_or_its_collection_says() {
        assert_eq!(bound("/orders/{id}", &["order"]), ["order"]);
        assert_eq!(bound("/orders/{order_id}/accept", &["order"]), ["order"]);
        assert_eq!(bound("/orders/{orderId}", &["order"]), ["order"]);
        assert_eq!(bound("/companies/{slug}", &["company"]), ["company"]);
        assert_eq!(bound("/notes/{note}/comments/{id}", &["note", "comment"]), ["comment", "note"]);
        assert_eq!(bound("/orders/{id}", &[]), ["order"]);
        assert_eq!(bound("/files/{*path}", &["path"]), ["path"]);
    }
}
