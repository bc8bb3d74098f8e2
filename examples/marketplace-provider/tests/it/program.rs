//! The provider as a process, and what its callers send it.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

pub(crate) const SECRET_HEX: &str = "6b65792d666f722d74657374732d6f6e6c792d33322d62797465732d6c6f6e67";
pub(crate) const BOUND: Duration = Duration::from_secs(20);

/// A folder with a secret, and the flags that a provider is started with there.
pub(crate) struct Setup {
    pub(crate) folder: TempDir,
    webhook: String,
    more: Vec<String>,
}

impl Setup {
    pub(crate) fn new(webhook: &str) -> Self {
        let folder = TempDir::new().unwrap();
        std::fs::write(folder.path().join("secret"), format!("{SECRET_HEX}\n")).unwrap();
        Self { folder, webhook: webhook.to_owned(), more: Vec::new() }
    }

    pub(crate) fn with(mut self, flags: &[&str]) -> Self {
        self.more.extend(flags.iter().map(|&flag| flag.to_owned()));
        self
    }

    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_marketplace-provider"));
        command
            .args(self.flags())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    pub(crate) fn flags(&self) -> Vec<String> {
        let path = |name: &str| self.path(name).display().to_string();
        let mut flags =
            vec!["--state".to_owned(), path("state.db"), "--secret-file".to_owned(), path("secret")];
        flags.extend(["--webhook-url".to_owned(), self.webhook.clone()]);
        flags.extend(self.more.clone());
        flags
    }

    pub(crate) fn path(&self, name: &str) -> Box<Path> {
        self.folder.path().join(name).into()
    }

    pub(crate) async fn start(&self) -> Program {
        Program::start(self.command()).await
    }

    /// Starts where starting is to fail, and answers what was said on standard error.
    pub(crate) async fn start_in_vain(&self) -> String {
        let mut child = self.command().spawn().unwrap();
        let status = timeout(BOUND, child.wait()).await.unwrap().unwrap();
        assert!(!status.success());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).await.unwrap();
        said
    }
}

/// A running provider; it is killed when dropped.
pub(crate) struct Program {
    pub(crate) child: Child,
    pub(crate) base: String,
    client: Client,
}

impl Program {
    pub(crate) async fn start(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut errors = child.stderr.take().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = timeout(BOUND, lines.next_line()).await.unwrap().unwrap();
        let Some(line) = line else {
            let mut said = String::new();
            errors.read_to_string(&mut said).await.unwrap();
            panic!("it did not start: {said}");
        };
        tokio::spawn(async move { tokio::io::copy(&mut errors, &mut tokio::io::sink()).await });
        let base = line.strip_prefix("listening ").unwrap().to_owned();
        Self { child, base, client: client() }
    }

    /// Ends it as `kill -9` does.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// A request with the api key.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base)).bearer_auth(api_key())
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: &Value) -> Answer {
        Answer::read(self.request(method, path).json(body).send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::read(self.request(Method::GET, path).send().await.unwrap()).await
    }

    pub(crate) async fn open(&self, reference: &str, amount: i64) -> Value {
        let path = format!("/v1/checkouts/{reference}");
        let answer = self.send(Method::PUT, &path, &json!({"amount": amount, "currency": "USD"})).await;
        assert_eq!(answer.status, 201, "{}", answer.body);
        answer.body
    }

    /// One attempt to pay, as the payer makes it: without a key.
    pub(crate) async fn attempt(&self, checkout: &Value, outcome: &str) -> Answer {
        let url = checkout["checkout_url"].as_str().unwrap();
        Answer::read(self.client.post(url).json(&json!({"outcome": outcome})).send().await.unwrap()).await
    }

    pub(crate) async fn open_and_pay(&self, reference: &str, amount: i64) -> Value {
        let checkout = self.open(reference, amount).await;
        assert_eq!(self.attempt(&checkout, "paid").await.status, 200);
        checkout
    }

    pub(crate) async fn refund(&self, refund: &str, checkout: &str, amount: i64) -> Answer {
        let body = json!({"checkout_reference": checkout, "amount": amount, "currency": "USD"});
        self.send(Method::POST, &format!("/v1/refunds/{refund}"), &body).await
    }

    pub(crate) async fn control(&self, change: &Value) -> Value {
        let answer = self.send(Method::POST, "/v1/controls", change).await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) media: String,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) async fn read(response: Response) -> Self {
        let status = response.status().as_u16();
        let media =
            response.headers().get("content-type").map_or("", |value| value.to_str().unwrap()).to_owned();
        let text = response.text().await.unwrap();
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Self { status, media, body }
    }

    /// Asserts that this is a problem document with a code.
    pub(crate) fn refused(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.body["code"].as_str()), (status, Some(code)), "{}", self.body);
        assert_eq!(self.media, "application/problem+json");
        assert_eq!(self.body["status"], status);
        assert!(!self.body["detail"].as_str().unwrap().is_empty());
    }
}

/// A client that follows nothing.
pub(crate) fn client() -> Client {
    Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).timeout(BOUND).build().unwrap()
}

/// The api key, derived as the documentation says and not by the library.
pub(crate) fn api_key() -> String {
    hex::encode(crate::inbox::hmac(&hex::decode(SECRET_HEX).unwrap(), b"api-key"))
}
