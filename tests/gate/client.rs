use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// A request, written to the socket as it stands here.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    method: &'static str,
    target: String,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
}

pub(crate) fn ask(method: &'static str, target: &str) -> Ask {
    Ask { method, target: target.to_owned(), fields: Vec::new(), body: Vec::new() }
}

impl Ask {
    pub(crate) fn at(self, host: &str) -> Self {
        self.field("Host", host)
    }

    /// The same request of another target.
    pub(crate) fn to(mut self, target: &str) -> Self {
        self.target = target.to_owned();
        self
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.field("Authorization", &format!("Bearer {token}"))
    }

    pub(crate) fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn json(self, body: &str) -> Self {
        self.field("Content-Type", "application/json").bytes(body.as_bytes())
    }

    pub(crate) fn bytes(mut self, body: &[u8]) -> Self {
        self.body = body.to_vec();
        let length = body.len().to_string();
        self.field("Content-Length", &length)
    }

    /// Says that so many bytes follow, and sends none.
    pub(crate) fn announced(self, length: u64) -> Self {
        self.field("Content-Type", "application/json").field("Content-Length", &length.to_string())
    }

    pub(crate) fn chunked(self, body: &[u8]) -> Self {
        let mut ask = self.field("Content-Type", "application/json").field("Transfer-Encoding", "chunked");
        for chunk in body.chunks(100) {
            ask.body.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            ask.body.extend_from_slice(chunk);
            ask.body.extend_from_slice(b"\r\n");
        }
        ask.body.extend_from_slice(b"0\r\n\r\n");
        ask
    }

    pub(crate) fn send(&self, address: SocketAddr) -> Answer {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut raw = format!("{} {} HTTP/1.1\r\n", self.method, self.target).into_bytes();
        for (name, value) in &self.fields {
            raw.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        raw.extend_from_slice(b"Connection: close\r\n\r\n");
        raw.extend_from_slice(&self.body);
        stream.write_all(&raw).unwrap();
        let mut answer = Vec::new();
        let mut buffer = [0; 4096];
        while !is_whole(&answer) {
            match stream.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(read) => answer.extend_from_slice(&buffer[..read]),
            }
        }
        Answer::parse(&answer)
    }
}

/// Whether an answer has come to its end, as far as its length says.
fn is_whole(answer: &[u8]) -> bool {
    let Some(head) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return false };
    let text = String::from_utf8_lossy(&answer[..head]).to_ascii_lowercase();
    let length = text.split("\r\n").find_map(|line| line.strip_prefix("content-length:"));
    length.is_some_and(|length| length.trim().parse() == Ok(answer.len() - head - 4))
}

/// An answer, as it came.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    fields: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn parse(raw: &[u8]) -> Self {
        let end = raw.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or_else(|| {
            panic!("no answer: {:?}", String::from_utf8_lossy(raw));
        });
        let head = String::from_utf8(raw[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let fields = lines
            .map(|line| line.split_once(':').unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Self { status, fields, body: raw[end + 4..].to_vec() }
    }

    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let mut found = self.fields.iter().filter(|(known, _)| known == name);
        let first = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} is there twice");
        first
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn document(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    /// The code of a problem; empty for an answer that isn't one.
    pub(crate) fn code(&self) -> String {
        self.document()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The fields that a problem is about.
    pub(crate) fn errors(&self) -> Vec<String> {
        let document = self.document();
        let errors = document["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
    }

    /// All that two frameworks have to agree on.
    pub(crate) fn comparable(&self) -> (u16, Vec<(&'static str, Option<String>)>, String) {
        let names = ["content-type", "www-authenticate", "retry-after", "ratelimit-policy"];
        let fields = names.iter().map(|name| (*name, self.field(name).map(ToOwned::to_owned))).collect();
        (self.status, fields, self.text().to_owned())
    }
}
