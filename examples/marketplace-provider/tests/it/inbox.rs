//! A webhook that records what it is sent and answers as it is told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tokio::net::TcpListener;

use crate::program::{BOUND, SECRET_HEX};

/// What the webhook does with a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Answers with this status.
    Status(u16),
    /// Never answers.
    Silence,
}

/// One delivery, as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) id: String,
    pub(crate) timestamp: i64,
    pub(crate) signature: String,
    pub(crate) body: Bytes,
    pub(crate) at: Instant,
}

impl Delivery {
    pub(crate) fn event(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn kind(&self) -> String {
        self.event()["type"].as_str().unwrap().to_owned()
    }

    pub(crate) fn reference(&self) -> String {
        self.event()["data"]["reference"].as_str().unwrap().to_owned()
    }

    /// Checks the signature as a third party would: over the bytes that came in.
    pub(crate) fn is_genuine(&self) -> bool {
        let mut signed = format!("{}.{}.", self.id, self.timestamp).into_bytes();
        signed.extend_from_slice(&self.body);
        let expected = hmac(&hex::decode(SECRET_HEX).unwrap(), &signed);
        self.signature == format!("v1,{}", STANDARD.encode(expected))
    }
}

#[derive(Debug)]
struct Inner {
    deliveries: Vec<Delivery>,
    script: VecDeque<Reply>,
    otherwise: Reply,
    open: usize,
    most_open: usize,
}

/// The webhook: a server on a port of its own until the test ends.
#[derive(Debug, Clone)]
pub(crate) struct Inbox {
    inner: Arc<Mutex<Inner>>,
    pub(crate) port: u16,
}

impl Inbox {
    /// Answers 200 to everything, until it is told otherwise.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let inner = Inner {
            deliveries: Vec::new(),
            script: VecDeque::new(),
            otherwise: Reply::Status(200),
            open: 0,
            most_open: 0,
        };
        let inbox = Self { inner: Arc::new(Mutex::new(inner)), port: listener.local_addr().unwrap().port() };
        let router = Router::new().route("/events", post(receive)).with_state(inbox.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        inbox
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}/events", self.port)
    }

    /// Answers the next deliveries like this, and those after them with 200.
    pub(crate) fn script(&self, replies: &[Reply]) {
        self.inner.lock().unwrap().script.extend(replies);
    }

    /// Answers everything beyond the script like this.
    pub(crate) fn otherwise(&self, reply: Reply) {
        self.inner.lock().unwrap().otherwise = reply;
    }

    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        self.inner.lock().unwrap().deliveries.clone()
    }

    /// The most deliveries that were open at one time.
    pub(crate) fn most_open(&self) -> usize {
        self.inner.lock().unwrap().most_open
    }

    /// The deliveries, once there are at least so many.
    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Delivery> {
        self.wait_until(|deliveries| deliveries.len() >= count).await
    }

    /// The deliveries, once they are as the test wants them.
    pub(crate) async fn wait_until(&self, wanted: impl Fn(&[Delivery]) -> bool) -> Vec<Delivery> {
        let started = Instant::now();
        loop {
            let deliveries = self.deliveries();
            if wanted(&deliveries) {
                return deliveries;
            }
            let kinds: Vec<String> = deliveries.iter().map(Delivery::kind).collect();
            assert!(started.elapsed() < BOUND, "waited in vain; received {kinds:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

struct Open(Inbox);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.inner.lock().unwrap().open -= 1;
    }
}

async fn receive(State(inbox): State<Inbox>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header = |name: &str| headers[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/json");
    let delivery = Delivery {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp").parse().unwrap(),
        signature: header("webhook-signature"),
        body,
        at: Instant::now(),
    };
    let (reply, _open) = {
        let mut inner = inbox.inner.lock().unwrap();
        inner.deliveries.push(delivery);
        inner.open += 1;
        inner.most_open = inner.most_open.max(inner.open);
        let otherwise = inner.otherwise;
        (inner.script.pop_front().unwrap_or(otherwise), Open(inbox.clone()))
    };
    match reply {
        Reply::Status(status) => StatusCode::from_u16(status).unwrap(),
        Reply::Silence => std::future::pending().await,
    }
}

pub(crate) fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(message);
    mac.finalize().into_bytes().to_vec()
}
