//! The payment provider's own requests, and its signature.

use std::borrow::Borrow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::Url;
use reqwest::blocking::Client;
use serde_json::{Value, json};
use sha2::Sha256;

use super::{PATIENCE, Server, wait_until};

/// The provider that a server started.
#[derive(Debug, Clone)]
pub(crate) struct Provider {
    origin: Url,
    api_key: String,
    client: Client,
}

impl Server {
    /// The provider that serves this checkout.
    pub(crate) fn provider(&self, checkout_url: &str) -> Provider {
        let origin = Url::parse(checkout_url).unwrap().join("/").unwrap();
        let api_key = hex::encode(mac(&self.provider_key(), &[b"api-key"]));
        Provider { origin, api_key, client: Client::builder().no_proxy().build().unwrap() }
    }

    /// The key that is shared with the provider.
    pub(crate) fn provider_key(&self) -> Vec<u8> {
        hex::decode(std::fs::read_to_string(self.provider_secret_file()).unwrap().trim()).unwrap()
    }
}

impl Provider {
    /// Changes how events are delivered: `delay_ms`, `duplicate`, `reorder`, `hold`.
    pub(crate) fn controls(&self, change: impl Borrow<Value>) -> Value {
        let sent =
            self.client.post(self.url("v1/controls")).bearer_auth(&self.api_key).json(change.borrow()).send();
        sent.unwrap().error_for_status().unwrap().json().unwrap()
    }

    /// Queues every event again that was delivered.
    pub(crate) fn redeliver_all(&self) -> Value {
        let sent = self.client.post(self.url("v1/redeliver")).bearer_auth(&self.api_key);
        let sent = sent.json(&json!({ "all": true })).send();
        sent.unwrap().error_for_status().unwrap().json().unwrap()
    }

    /// Every event and how its delivery stands: `id`, `type`, `reference`, `state`, `failures`.
    pub(crate) fn events(&self) -> Vec<Value> {
        let mut events: Vec<Value> = Vec::new();
        loop {
            let mut url = self.url("v1/events");
            if let Some(last) = events.last() {
                url.query_pairs_mut().append_pair("after", last["id"].as_str().unwrap());
            }
            let sent = self.client.get(url).bearer_auth(&self.api_key).send();
            let page: Value = sent.unwrap().error_for_status().unwrap().json().unwrap();
            events.extend(page["items"].as_array().unwrap().iter().cloned());
            if page["next"].is_null() {
                return events;
            }
        }
    }

    /// Waits until no event waits to be delivered.
    pub(crate) fn until_delivered(&self) {
        wait_until("every event to be delivered", PATIENCE, || {
            self.events().iter().all(|event| event["state"] != "pending").then_some(())
        });
    }

    /// The checkout of an order, as the provider has it.
    pub(crate) fn checkout(&self, order: &str) -> Value {
        let url = self.url(&format!("v1/checkouts/{order}"));
        let sent = self.client.get(url).bearer_auth(&self.api_key).send();
        sent.unwrap().error_for_status().unwrap().json().unwrap()
    }

    /// Where it listens.
    pub(crate) fn origin(&self) -> &Url {
        &self.origin
    }

    fn url(&self, path: &str) -> Url {
        self.origin.join(path).unwrap()
    }
}

/// The headers of a report: its id, its time in Unix seconds, and the signature over both and the body.
pub(crate) fn signed_headers(
    key: &[u8],
    id: &str,
    timestamp: i64,
    body: &[u8],
) -> [(&'static str, String); 3] {
    let timestamp = timestamp.to_string();
    let signed = mac(key, &[id.as_bytes(), b".", timestamp.as_bytes(), b".", body]);
    [
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", format!("v1,{}", STANDARD.encode(signed))),
    ]
}

/// HMAC-SHA256 over these parts, one after the other.
pub(crate) fn mac(key: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().to_vec()
}
