//! What an answer tells, apart from what differs between any two answers.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimeParser;
use serde_json::Value;

use crate::client::{Answer, all_encoded, encoded};

/// Headers that say nothing of what was asked for.
const APART: [&str; 14] = [
    "date",
    "content-length",
    "connection",
    "keep-alive",
    "x-request-id",
    "x-correlation-id",
    "traceparent",
    "server-timing",
    "x-response-time",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "age",
    "last-modified",
];
/// How many differences a finding shows.
const SHOWN: usize = 6;
/// A day, in seconds: times that near to now are the time of the answer.
const DAY: i64 = 86_400;

/// What else to leave out, as the user of the walk says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Apart {
    pub(crate) headers: BTreeSet<String>,
    pub(crate) members: BTreeSet<String>,
}

/// What an answer tells: its status, and each header and each leaf of its body by name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Told {
    pub(crate) status: u16,
    parts: BTreeMap<String, Part>,
}

/// A header or a leaf, as it came and without what the request sent. Two are alike if they are in either way: a name
/// that was sent may be repeated, and may be there on its own account.
#[derive(Debug, Clone, Default, PartialEq)]
struct Part {
    raw: String,
    rest: String,
}

impl Part {
    fn is_like(&self, other: &Self) -> bool {
        self.raw == other.raw || self.rest == other.rest
    }
}

/// The parts in which two answers to requests for nothing differ from each other.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Noise(BTreeSet<String>);

impl Told {
    /// What an answer tells to a request that sent these names.
    pub(crate) fn of(answer: &Answer, sent: &[String], apart: &Apart) -> Self {
        let echo = Echo::of(sent);
        let mut parts = BTreeMap::new();
        for (name, value) in &answer.headers {
            let is_apart = APART.contains(&name.as_str())
                || name.starts_with("x-ratelimit-")
                || name.starts_with("ratelimit-")
                || apart.headers.contains(name);
            if !is_apart {
                let whole: &mut Part = parts.entry(name.clone()).or_default();
                whole.raw.push_str(&format!("{value}\n"));
                whole.rest.push_str(&format!("{}\n", echo.without(value)));
            }
        }
        match answer.json() {
            Some(body) => leaves(&body, "", &echo, apart, &mut parts),
            None => words(&answer.text(), &echo, &mut parts),
        }
        Self { status: answer.status, parts }
    }

    /// Where this and another differ, noise apart; nothing if they tell the same.
    pub(crate) fn against(&self, other: &Self, noise: &Noise) -> Vec<String> {
        let mut differences = Vec::new();
        if self.status != other.status {
            differences.push(format!("status: {} | {}", self.status, other.status));
        }
        let names: BTreeSet<&String> = self.parts.keys().chain(other.parts.keys()).collect();
        for name in names {
            let [here, there] = [self, other].map(|told| told.parts.get(name));
            let is_same = here.zip(there).is_some_and(|(here, there)| here.is_like(there));
            if !is_same && !noise.0.contains(name) {
                let shown =
                    |part: Option<&Part>| part.map_or("(none)".to_owned(), |part| short(&part.raw, 60));
                differences.push(format!("{name}: {} | {}", shown(here), shown(there)));
            }
        }
        if let Some(more) = differences.len().checked_sub(SHOWN).filter(|more| *more > 0) {
            differences.truncate(SHOWN);
            differences.push(format!("and {more} more"));
        }
        differences
    }
}

impl Noise {
    /// What differs between two answers that should tell the same; none if they differ in more than the contents of
    /// their parts, so that nothing can be compared with them.
    pub(crate) fn between(one: &Told, other: &Told) -> Option<Self> {
        let is_alike = one.status == other.status && one.parts.keys().eq(other.parts.keys());
        let is_noise =
            |name: &String, part: &Part| !other.parts.get(name).is_some_and(|there| part.is_like(there));
        let differing = one.parts.iter().filter(|(name, part)| is_noise(name, part));
        is_alike.then(|| Self(differing.map(|(name, _)| name.clone()).collect()))
    }

    pub(crate) fn and(mut self, other: &Self) -> Self {
        self.0.extend(other.0.iter().cloned());
        self
    }
}

/// A text of at most so many characters.
pub(crate) fn short(text: &str, most: usize) -> String {
    let text = text.trim();
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most).chain(['…']).collect()
}

/// The names that a request sent, in the ways in which an answer may repeat them.
struct Echo(Vec<String>);

impl Echo {
    fn of(sent: &[String]) -> Self {
        let mut ways: Vec<String> = sent
            .iter()
            .flat_map(|name| {
                let trimmed = name.trim().to_owned();
                let undashed = uuid::Uuid::parse_str(&trimmed).map(|id| id.simple().to_string());
                let dashed = uuid::Uuid::parse_str(&trimmed).map(|id| id.to_string());
                [
                    encoded(name),
                    all_encoded(name),
                    name.to_lowercase(),
                    name.to_uppercase(),
                    name.clone(),
                    trimmed,
                ]
                .into_iter()
                .chain(undashed)
                .chain(dashed)
            })
            .filter(|way| !way.is_empty())
            .collect();
        ways.sort_by_key(|way| std::cmp::Reverse(way.len()));
        ways.dedup();
        Self(ways)
    }

    fn without(&self, text: &str) -> String {
        let mut rest = text.to_owned();
        for way in &self.0 {
            if way.len() >= 4 || way.contains('%') {
                rest = rest.replace(way.as_str(), "<sent>");
            } else if rest == *way {
                rest = "<sent>".to_owned();
            } else if rest.contains(way.as_str()) {
                let parts = rest.split_inclusive(|letter: char| !letter.is_alphanumeric());
                rest = parts
                    .map(|part| {
                        let word = part.trim_end_matches(|letter: char| !letter.is_alphanumeric());
                        if word == way { part.replacen(word, "<sent>", 1) } else { part.to_owned() }
                    })
                    .collect();
            }
        }
        rest
    }
}

fn leaves(value: &Value, at: &str, echo: &Echo, apart: &Apart, to: &mut BTreeMap<String, Part>) {
    match value {
        Value::Object(members) if !members.is_empty() => {
            for (name, member) in members.iter().filter(|(name, _)| !apart.members.contains(*name)) {
                leaves(member, &format!("{at}/{name}"), echo, apart, to);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (place, item) in items.iter().enumerate() {
                leaves(item, &format!("{at}/{place}"), echo, apart, to);
            }
        }
        leaf => {
            let at = if at.is_empty() { "/" } else { at };
            to.insert(at.to_owned(), of_leaf(leaf, echo));
        }
    }
}

fn of_leaf(leaf: &Value, echo: &Echo) -> Part {
    let is_now = match leaf {
        Value::String(text) => is_now(text),
        Value::Number(number) => number.as_i64().is_some_and(is_epoch_now),
        _ => false,
    };
    if is_now {
        return time();
    }
    let rest = match leaf {
        Value::String(text) => format!("{:?}", echo.without(text)),
        Value::Number(number) => echo.without(&number.to_string()),
        other => other.to_string(),
    };
    Part { raw: leaf.to_string(), rest }
}

fn time() -> Part {
    Part { raw: "<time>".to_owned(), rest: "<time>".to_owned() }
}

fn words(text: &str, echo: &Echo, to: &mut BTreeMap<String, Part>) {
    for (place, word) in text.split_whitespace().enumerate() {
        let part =
            if is_now(word) { time() } else { Part { raw: word.to_owned(), rest: echo.without(word) } };
        to.insert(format!("word {place:05}"), part);
    }
}

fn is_now(text: &str) -> bool {
    const HTTP_DATE: DateTimeParser = DateTimeParser::new();
    let parsed = text.parse::<Timestamp>().or_else(|_| HTTP_DATE.parse_timestamp(text));
    text.len() >= 19 && parsed.is_ok_and(|time| is_near(time.as_second()))
}

fn is_epoch_now(number: i64) -> bool {
    [1, 1_000, 1_000_000].into_iter().any(|unit: i64| number.checked_div(unit).is_some_and(is_near))
}

fn is_near(second: i64) -> bool {
    Timestamp::now().as_second().abs_diff(second) < DAY.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(status: u16, body: &Value) -> Answer {
        Answer { status, headers: vec![], body: body.to_string().into_bytes() }
    }

    fn told(body: &Value, sent: &str) -> Told {
        Told::of(&answer(200, body), &[sent.to_owned()], &Apart::default())
    }

    #[test]
    fn what_was_sent_and_the_time_are_no_difference() {
        let now = Timestamp::now();
        let one =
            told(&json!({ "id": "abcd-1", "at": now.to_string(), "n": 17, "in": "/x/abcd-1" }), "abcd-1");
        let later = Timestamp::from_second(now.as_second() + 5).unwrap();
        let two =
            told(&json!({ "id": "efgh-2", "at": later.to_string(), "n": 17, "in": "/x/efgh-2" }), "efgh-2");
        assert_eq!(one.against(&two, &Noise::default()), Vec::<String>::new());
        let three = told(&json!({ "id": "efgh-2", "at": "2001-01-01T00:00:00Z", "n": 18 }), "efgh-2");
        let differences = one.against(&three, &Noise::default());
        assert_eq!(differences.len(), 3, "{differences:?}");
    }

    #[test]
    fn a_short_number_is_taken_out_only_where_it_stands_alone() {
        let one = told(&json!({ "id": 7, "text": "item 7 of 177" }), "7");
        let two = told(&json!({ "id": 9, "text": "item 9 of 177" }), "9");
        assert_eq!(one.against(&two, &Noise::default()), Vec::<String>::new());
        let three = told(&json!({ "id": 9, "text": "item 9 of 199" }), "9");
        assert_eq!(one.against(&three, &Noise::default()).len(), 1);
    }

    #[test]
    fn a_name_that_was_sent_may_be_there_on_its_own_account() {
        let [one, two] = ["bolt", "wxyz"].map(|sent| told(&json!({ "seller": "bolt" }), sent));
        assert_eq!(one.against(&two, &Noise::default()), Vec::<String>::new());
    }

    #[test]
    fn noise_is_what_two_answers_about_nothing_differ_in_and_no_more() {
        let [one, two, three] = [("a1", 1), ("b2", 1), ("c3", 2)]
            .map(|(trace, count)| told(&json!({ "trace": trace, "count": count }), "-"));
        let noise = Noise::between(&one, &two).unwrap();
        assert_eq!(one.against(&three, &noise), ["/count: 1 | 2"]);
        let other = Told::of(&answer(404, &json!({})), &[], &Apart::default());
        assert_eq!(Noise::between(&one, &other), None);
    }
}
