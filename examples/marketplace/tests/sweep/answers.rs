//! What an answer tells, apart from what differs between any two answers.

use std::fmt;

use serde_json::Value;

use crate::support::Reply;

/// Headers that two equal answers may differ in: the time, the request's id, what is left of a rate, and the length
/// of a body, which is compared itself.
const APART: [&str; 6] =
    ["date", "x-request-id", "ratelimit", "ratelimit-policy", "retry-after", "content-length"];

/// What an answer tells.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Told {
    pub(super) status: u16,
    headers: Vec<(String, String)>,
    body: Value,
}

impl Told {
    /// What an answer to a request that named something by `name` tells. A refusal is taken as it is; of what was
    /// made for the caller, ids, times and addresses are left out, and the name that the caller sent.
    pub(super) fn by(reply: &Reply, name: &str) -> Self {
        let mut headers: Vec<(String, String)> = reply
            .headers
            .iter()
            .map(|(header, value)| {
                (header.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .filter(|(header, _)| !APART.contains(&header.as_str()))
            .collect();
        headers.sort_unstable();
        let text = || Value::String(String::from_utf8_lossy(&reply.body).into_owned());
        let mut body = serde_json::from_slice(&reply.body).unwrap_or_else(|_| text());
        if (200..300).contains(&reply.status) {
            leave_out(&mut body, name);
        }
        Self { status: reply.status, headers, body }
    }
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?} {}", self.status, self.headers, self.body)
    }
}

fn leave_out(value: &mut Value, name: &str) {
    match value {
        Value::Object(members) => {
            for (member, value) in members {
                match member.as_str() {
                    "checkout_url" => *value = Value::from("<address>"),
                    _ => leave_out(value, name),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| leave_out(item, name)),
        Value::String(text) if *text == name => *text = "<name>".to_owned(),
        Value::String(text) if text.parse::<uuid::Uuid>().is_ok() => *text = "<id>".to_owned(),
        Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() => *text = "<time>".to_owned(),
        _ => {}
    }
}
