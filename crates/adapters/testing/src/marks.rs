use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;
use serde_json::Value;

use crate::client::Answer;
use crate::tenant::{Tenant, Thing};

/// A text that only some tenants may read.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    pub(crate) text: String,
    pub(crate) owners: Vec<String>,
    /// The thing whose identifier it is.
    pub(crate) thing: Option<(String, Value)>,
    /// Whether the user of the walk declared it.
    pub(crate) is_declared: bool,
}

/// Finds marks in answers.
#[derive(Debug)]
pub(crate) struct Marks {
    marks: Vec<Mark>,
    finder: AhoCorasick,
    own: Vec<(String, String)>,
    seen_by_owner: BTreeSet<usize>,
}

impl Marks {
    pub(crate) fn of(tenants: &[Tenant], things: &[Thing], seed: u64) -> Option<Self> {
        let mut marks: Vec<Mark> = Vec::new();
        let mut own = Vec::new();
        for (place, tenant) in tenants.iter().enumerate() {
            let made = format!("Walk {seed:016x} of {}, {place:04}.", tenant.name);
            let declared = tenant.marks.iter().filter(|text| !text.is_empty());
            for (text, is_declared) in declared.map(|text| (text, true)).chain([(&made, false)]) {
                match marks.iter_mut().find(|mark| mark.text == *text) {
                    Some(mark) => mark.owners.push(tenant.name.clone()),
                    None => marks.push(Mark {
                        text: text.clone(),
                        owners: vec![tenant.name.clone()],
                        thing: None,
                        is_declared,
                    }),
                }
            }
            own.push((tenant.name.clone(), made));
        }
        for thing in things.iter().filter(|thing| thing.is_a_mark()) {
            let text = crate::client::text(&thing.value);
            if marks.iter().all(|mark| mark.text != text) {
                marks.push(Mark {
                    text,
                    owners: thing.owners.clone(),
                    thing: Some((thing.kind.clone(), thing.value.clone())),
                    is_declared: false,
                });
            }
        }
        let finder = AhoCorasick::new(marks.iter().map(|mark| &mark.text)).ok()?;
        Some(Self { marks, finder, own, seen_by_owner: BTreeSet::new() })
    }

    /// The mark that a tenant's callers leave behind.
    pub(crate) fn left_by(&self, tenant: Option<&str>) -> String {
        let found = self.own.iter().find(|(name, _)| Some(name.as_str()) == tenant);
        found.map_or("Walk of nobody".to_owned(), |(_, mark)| mark.clone())
    }

    /// The marks in an answer that its reader may not see, those that its request sent apart.
    pub(crate) fn in_answer(&mut self, answer: &Answer, sent: &str, reader: Option<&str>) -> Vec<Mark> {
        let mut text = answer.text();
        for (_, value) in &answer.headers {
            text.push('\n');
            text.push_str(value);
        }
        let mut found = self.find(&text, sent, reader);
        if let Some(body) = answer.json().filter(|_| text.contains('\\')) {
            let mut leaves = String::new();
            strings(&body, &mut leaves);
            found.extend(self.find(&leaves, sent, reader));
        }
        found.sort_by(|one, other| one.text.cmp(&other.text));
        found.dedup_by(|one, other| one.text == other.text);
        found
    }

    /// The marks in a text that its reader may not see.
    pub(crate) fn find(&mut self, text: &str, sent: &str, reader: Option<&str>) -> Vec<Mark> {
        let places: BTreeSet<usize> =
            self.finder.find_overlapping_iter(text).map(|found| found.pattern().as_usize()).collect();
        let mut forbidden = Vec::new();
        for place in places {
            let Some(mark) = self.marks.get(place) else { continue };
            if reader.is_some_and(|reader| mark.owners.iter().any(|owner| owner == reader)) {
                self.seen_by_owner.insert(place);
            } else if !sent.contains(&mark.text) {
                forbidden.push(mark.clone());
            }
        }
        forbidden
    }

    /// How many marks were declared, and those of them that no owner ever saw.
    pub(crate) fn declared(&self) -> (usize, Vec<String>) {
        let declared = || self.marks.iter().enumerate().filter(|(_, mark)| mark.is_declared);
        let unseen = declared().filter(|(place, _)| !self.seen_by_owner.contains(place));
        (declared().count(), unseen.map(|(_, mark)| mark.text.clone()).collect())
    }
}

fn strings(value: &Value, to: &mut String) {
    match value {
        Value::String(text) => {
            to.push_str(text);
            to.push('\n');
        }
        Value::Array(items) => items.iter().for_each(|item| strings(item, to)),
        Value::Object(members) => {
            for (name, member) in members {
                to.push_str(name);
                to.push('\n');
                strings(member, to);
            }
        }
        _ => {}
    }
}
