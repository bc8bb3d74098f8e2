//! A client that names a host and connects to this machine.

use std::borrow::Borrow;
use std::io::{Read, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use reqwest::blocking::{Body, Client, RequestBuilder};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

/// A host of the server, and who speaks to it.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    address: SocketAddr,
    host: String,
    token: Option<String>,
    client: Client,
}

/// A request that isn't sent yet.
#[derive(Debug)]
pub(crate) struct Request(RequestBuilder);

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Clients at several addresses of this machine: what one address may do in a minute isn't in the way of tests that
/// aren't about it.
static CLIENTS: LazyLock<Vec<Client>> =
    LazyLock::new(|| (1..=8).map(|last| client(Ipv4Addr::new(127, 0, 0, last).into())).collect());

fn any_client() -> Client {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    CLIENTS[NEXT.fetch_add(1, Ordering::Relaxed) % CLIENTS.len()].clone()
}

fn client(from: IpAddr) -> Client {
    Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .pool_max_idle_per_host(0)
        .timeout(Duration::from_secs(60))
        .local_address(from)
        .build()
        .unwrap()
}

impl Site {
    pub(super) fn new(address: SocketAddr, host: &str) -> Self {
        Self { address, host: host.to_owned(), token: None, client: any_client() }
    }

    /// The same host, signed in with a token.
    pub(crate) fn token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same host, signed out.
    pub(crate) fn signed_out(&self) -> Self {
        Self { token: None, ..self.clone() }
    }

    /// Another host, with the same token.
    pub(crate) fn elsewhere(&self, host: &Site) -> Self {
        Self { token: self.token.clone(), ..host.clone() }
    }

    /// The same from another address of this machine (`127.x.y.z`).
    #[expect(clippy::wrong_self_convention, reason = "the address that a request comes from")]
    pub(crate) fn from_address(&self, from: [u8; 4]) -> Self {
        Self { client: client(from.into()), ..self.clone() }
    }

    /// The token, if signed in.
    pub(crate) fn bearer(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The `Host` header that is sent.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Sends these bytes as they are, and reads until the other end closes: for requests that no client sends. The
    /// text has to say `Connection: close`; the answer must not be chunked.
    pub(crate) fn raw(&self, request: &[u8]) -> Reply {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = Vec::new();
        let _cut_off = stream.read_to_end(&mut answer).is_err();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer: {}", String::from_utf8_lossy(&answer)));
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines
            .map(|line| {
                let (name, value) = line.split_once(':').unwrap();
                (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value.trim()).unwrap())
            })
            .collect();
        let text = String::from_utf8_lossy(request);
        let mut words = text.split(' ').map(str::to_owned);
        Reply {
            method: words.next().unwrap(),
            path: words.next().unwrap(),
            status,
            headers,
            body: answer[end + 4..].to_vec(),
        }
    }

    /// Begins a request.
    pub(crate) fn request(&self, method: &str, path: &str) -> Request {
        let method = method.parse().unwrap();
        let url = format!("http://{}{path}", self.address);
        let request = self.client.request(method, url).header("host", &self.host);
        Request(match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        })
    }

    /// Reads.
    pub(crate) fn get(&self, path: &str) -> Reply {
        self.request("GET", path).send()
    }

    /// Posts JSON.
    pub(crate) fn post(&self, path: &str, body: Value) -> Reply {
        self.request("POST", path).json(body).send()
    }

    /// Posts nothing.
    pub(crate) fn act(&self, path: &str) -> Reply {
        self.request("POST", path).send()
    }

    /// Deletes.
    pub(crate) fn delete(&self, path: &str) -> Reply {
        self.request("DELETE", path).send()
    }
}

impl Request {
    /// Adds a header.
    pub(crate) fn header(self, name: &str, value: &str) -> Self {
        Self(self.0.header(name, value))
    }

    /// With a JSON body.
    pub(crate) fn json(self, body: impl Borrow<Value>) -> Self {
        Self(self.0.header("content-type", "application/json").body(body.borrow().to_string()))
    }

    /// With these bytes as body, and their length in `Content-Length`.
    pub(crate) fn bytes(self, body: impl Into<Vec<u8>>) -> Self {
        Self(self.0.body(body.into()))
    }

    /// With a body whose length isn't said before: chunked.
    pub(crate) fn chunked(self, body: impl Read + Send + 'static) -> Self {
        Self(self.0.body(Body::new(body)))
    }

    /// Sends it; fails when no whole answer comes.
    pub(crate) fn send(self) -> Reply {
        self.try_send().unwrap()
    }

    /// Sends it; an error when no whole answer comes, as from a server that is killed meanwhile.
    pub(crate) fn try_send(self) -> Result<Reply, reqwest::Error> {
        let (client, request) = self.0.build_split();
        let request = request?;
        let (method, path) = (request.method().to_string(), request.url().path().to_owned());
        let response = client.execute(request)?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Reply { method, path, status, headers, body: response.bytes()?.to_vec() })
    }
}

impl Reply {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// A header's value, or the empty text.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// Fails unless the status is this one; the body as JSON, null when it is empty.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self}");
        if self.body.is_empty() { Value::Null } else { self.json() }
    }

    /// Fails unless it is a problem document with this status and code; the document.
    #[track_caller]
    pub(crate) fn refused(&self, status: u16, code: &str) -> Value {
        let problem = self.expect(status);
        assert_eq!(self.header("content-type"), "application/problem+json", "{self}");
        assert_eq!(problem["code"], code, "{self}");
        assert_eq!(problem["status"], status, "{self}");
        problem
    }

    /// Fails unless it is refused as invalid for these fields, and no others.
    #[track_caller]
    pub(crate) fn invalid(&self, fields: &[&str]) {
        let problem = self.refused(422, "invalid");
        let errors = problem["errors"].as_array().unwrap_or_else(|| panic!("no errors: {self}"));
        let mut named: Vec<_> = errors.iter().map(|error| error["field"].as_str().unwrap()).collect();
        let mut wanted = fields.to_vec();
        named.sort_unstable();
        wanted.sort_unstable();
        assert_eq!(named, wanted, "{self}");
        assert!(errors.iter().all(|error| !error["message"].as_str().unwrap().is_empty()), "{self}");
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = String::from_utf8_lossy(&self.body);
        write!(f, "{} {} answered {} {body}", self.method, self.path, self.status)
    }
}
