use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::tenant::From;

/// How long an answer may take before it counts as none.
const PATIENCE: Duration = Duration::from_secs(30);

/// A client of one address, with connections of its own for each address that it calls from.
#[derive(Debug)]
pub(crate) struct Client {
    to: SocketAddr,
    pools: BTreeMap<Option<IpAddr>, Pool<HttpConnector, Full<Bytes>>>,
    /// How many addresses were called from, of those that are used once.
    turns: u32,
}

/// A request, ready to be sent.
#[derive(Debug, Clone, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// The path as it goes over the wire.
    pub(crate) path: String,
    /// Pairs, not encoded yet.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) host: Option<String>,
    pub(crate) body: Option<Body>,
}

/// What a request carries.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Body {
    Json(Value),
    Form(Value),
}

/// An answer. Its status is 0 when none came.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn of(to: SocketAddr) -> Self {
        Self { to, pools: BTreeMap::new(), turns: 0 }
    }

    /// Sends it from an address of this machine, or from any.
    pub(crate) async fn send(&mut self, from: From, request: &Request) -> Answer {
        let pool = match from {
            From::Everywhere => {
                self.turns = self.turns.wrapping_add(1);
                let [_, b, c, d] = self.turns.to_be_bytes();
                pool(Some(IpAddr::from([127, b.saturating_add(1), c, d.max(1)])))
            }
            From::One(address) => {
                self.pools.entry(Some(address)).or_insert_with(|| pool(Some(address))).clone()
            }
            From::Any => self.pools.entry(None).or_insert_with(|| pool(None)).clone(),
        };
        let Some(prepared) = request.prepared(self.to) else { return Answer::default() };
        let exchange = async {
            let response = pool.request(prepared).await.ok()?;
            let (parts, body) = response.into_parts();
            let headers = parts.headers.iter().map(|(name, value)| {
                (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            });
            let headers = headers.collect();
            let body = body.collect().await.ok()?.to_bytes().to_vec();
            Some(Answer { status: parts.status.as_u16(), headers, body })
        };
        tokio::time::timeout(PATIENCE, exchange).await.ok().flatten().unwrap_or_default()
    }
}

fn pool(from: Option<IpAddr>) -> Pool<HttpConnector, Full<Bytes>> {
    let mut connector = HttpConnector::new();
    connector.set_local_address(from);
    connector.set_nodelay(true);
    Pool::builder(TokioExecutor::new()).build(connector)
}

impl Request {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.to_owned(), value.to_owned()));
        self
    }

    fn prepared(&self, to: SocketAddr) -> Option<http::Request<Full<Bytes>>> {
        let mut uri = format!("http://{to}{}", self.path);
        for (place, (name, value)) in self.query.iter().enumerate() {
            uri.push(if place == 0 { '?' } else { '&' });
            uri.push_str(&format!("{}={}", encoded(name), encoded(value)));
        }
        let mut builder = http::Request::builder().method(self.method.as_str()).uri(uri);
        if let Some(host) = &self.host {
            builder = builder.header(HOST, host);
        }
        for (name, value) in &self.headers {
            builder = builder.header(name, value);
        }
        let bytes = match &self.body {
            None => Bytes::new(),
            Some(Body::Json(value)) => {
                builder = builder.header("content-type", "application/json");
                value.to_string().into()
            }
            Some(Body::Form(value)) => {
                builder = builder.header("content-type", "application/x-www-form-urlencoded");
                let pairs = value.as_object().into_iter().flatten();
                let pairs = pairs.map(|(name, value)| format!("{}={}", encoded(name), encoded(&text(value))));
                pairs.collect::<Vec<_>>().join("&").into()
            }
        };
        builder.body(Full::new(bytes)).ok()
    }

    /// Everything that is sent, as text that an answer may echo.
    pub(crate) fn sent(&self) -> String {
        let mut sent = format!("{}\n{}\n", self.path, decoded(&self.path));
        for (name, value) in self.query.iter().chain(&self.headers) {
            sent.push_str(&format!("{name}={value}\n"));
        }
        match &self.body {
            Some(Body::Json(value) | Body::Form(value)) => leaves(value, &mut sent),
            None => {}
        }
        sent
    }
}

fn leaves(value: &Value, to: &mut String) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| leaves(item, to)),
        Value::Object(members) => members.values().for_each(|member| leaves(member, to)),
        leaf => {
            to.push_str(&text(leaf));
            to.push('\n');
        }
    }
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..400).contains(&self.status)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Option<Value> {
        serde_json::from_slice(&self.body).ok()
    }
}

/// A value as text: a string without its quotes, anything else as JSON.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Everything but letters, digits and `-._~` in hex; what is in hex already stays so.
pub(crate) fn encoded(text: &str) -> String {
    encode(text, |byte| byte.is_ascii_alphanumeric() || b"-._~%".contains(&byte))
}

/// Every byte in hex.
pub(crate) fn all_encoded(text: &str) -> String {
    encode(text, |_| false)
}

fn encode(text: &str, stays: impl Fn(u8) -> bool) -> String {
    let part = |byte| if stays(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(part).collect()
}

/// The text with what is in hex decoded.
pub(crate) fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()).filter(|_| first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_decodes_to_itself() {
        for text in ["a/b c", "ünknown", "plain-1.2_3~", "\"quoted\""] {
            assert_eq!(decoded(&encoded(text)), text);
            assert_eq!(decoded(&all_encoded(text)), text);
        }
        assert_eq!(encoded("%FF"), "%FF");
    }
}
