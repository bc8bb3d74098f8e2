//! What a service answers when it doesn't do what was asked (RFC 9457).

mod field;
mod from;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value};
use tenantry_core::QuotaExceeded;

pub use field::{FieldError, FieldErrors, Validate};

/// A refusal as a document: `application/problem+json` with a stable `code`, the `title` of its status, a
/// `detail` for people, and what else the code has. A handler answers with `Result<_, Problem>`.
///
/// ```
/// use tenantry_http::Problem;
///
/// let problem = Problem::conflict("the listing has been changed: read it again");
/// assert_eq!((problem.status(), problem.code()), (409, "conflict"));
/// let body: serde_json::Value = serde_json::from_slice(&problem.body())?;
/// assert_eq!(body["title"], "Conflict");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Problem(Box<Inner>);

#[derive(Debug, Clone, PartialEq)]
struct Inner {
    status: u16,
    code: &'static str,
    detail: Cow<'static, str>,
    members: Map<String, Value>,
    retry_after: Option<u64>,
    challenge: Option<&'static str>,
}

impl Problem {
    /// The media type of its body.
    pub const MEDIA_TYPE: &'static str = "application/problem+json";

    /// A refusal of the application's own.
    pub fn new(status: u16, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        let detail = detail.into();
        let (members, retry_after, challenge) = (Map::new(), None, None);
        Self(Box::new(Inner { status, code, detail, members, retry_after, challenge }))
    }

    /// 404 `tenant_unknown`: no tenant has the request's host.
    #[must_use]
    pub fn tenant_unknown() -> Self {
        Self::new(404, "tenant_unknown", "no tenant has this address")
    }

    /// 401 `unauthenticated`, with `WWW-Authenticate`: nobody is signed in.
    #[must_use]
    pub fn unauthenticated() -> Self {
        Self::new(401, "unauthenticated", "sign in, and send the token as `Authorization: Bearer …`")
            .challenge("Bearer")
    }

    /// 401 `unauthenticated`, with `WWW-Authenticate`: the token is no good (RFC 6750 §3.1).
    #[must_use]
    pub fn token_invalid() -> Self {
        Self::new(401, "unauthenticated", "the token is not valid: sign in again")
            .challenge("Bearer error=\"invalid_token\"")
    }

    /// 403 `tenant_mismatch`: the token is another tenant's.
    #[must_use]
    pub fn tenant_mismatch() -> Self {
        let detail = "the token belongs to another tenant: use its address, or sign in here";
        Self::new(403, "tenant_mismatch", detail)
    }

    /// 403 `tenant_suspended`: the tenant can't act.
    #[must_use]
    pub fn tenant_suspended() -> Self {
        Self::new(403, "tenant_suspended", "the tenant is suspended: ask the platform's operator")
    }

    /// 413 `too_large`: the body is longer than `limit` bytes.
    #[must_use]
    pub fn too_large(limit: u64) -> Self {
        Self::new(413, "too_large", format!("the body is too large: at most {limit} bytes"))
    }

    /// 429 `rate_limited`, with `Retry-After` in seconds.
    #[must_use]
    pub fn rate_limited(retry_after: u64) -> Self {
        let detail = format!("too many requests: try again in {retry_after} seconds");
        Self::new(429, "rate_limited", detail).with_retry_after(retry_after)
    }

    /// 403 `forbidden`: a route that the caller's roles don't allow.
    #[must_use]
    pub fn forbidden() -> Self {
        Self::new(403, "forbidden", "your roles don't allow this")
    }

    /// 400 `malformed`: not JSON, or not what it says it is.
    pub fn malformed(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, "malformed", detail)
    }

    /// 422 `invalid`, with `errors`: the fields that are wrong.
    #[must_use]
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let errors: Vec<Value> = errors.into_iter().map(Value::from).collect();
        Self::new(422, "invalid", "some fields are wrong: see errors").with_member("errors", errors)
    }

    /// 422 `invalid`, with one field that is wrong.
    #[must_use]
    pub fn invalid_field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError::new(field, message)])
    }

    /// 409 `idempotency_mismatch`: the key was used for another request.
    #[must_use]
    pub fn idempotency_mismatch() -> Self {
        let detail = "the idempotency key was used for another request: choose another key";
        Self::new(409, "idempotency_mismatch", detail)
    }

    /// 404 `not_found`: absent, not to be read by this caller, or named by an id that doesn't parse. It is the same
    /// document each time, so that it doesn't tell which.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(404, "not_found", "there is nothing here, or nothing that you may read")
    }

    /// 405 `method_not_allowed`: there is something here, but not for this method.
    #[must_use]
    pub fn method_not_allowed() -> Self {
        Self::new(405, "method_not_allowed", "this address doesn't answer to this method")
    }

    /// 409 `conflict`: a stale version, not possible in this state, or a name that is taken.
    pub fn conflict(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(409, "conflict", detail)
    }

    /// 402 `quota_exceeded`, with `meter`, `limit`, `used` and `resets_at` (null for things held).
    #[must_use]
    pub fn quota_exceeded(exceeded: &QuotaExceeded) -> Self {
        Self::new(402, "quota_exceeded", exceeded.to_string())
            .with_member("meter", exceeded.meter.as_str())
            .with_member("limit", exceeded.limit)
            .with_member("used", exceeded.used)
            .with_member("resets_at", exceeded.resets_at.map(|at| at.to_string()))
    }

    /// 503 `unavailable`, with `Retry-After`: what is needed to answer doesn't answer itself.
    #[must_use]
    pub fn unavailable() -> Self {
        Self::new(503, "unavailable", "the service can't answer at the moment: try again").with_retry_after(1)
    }

    /// 500 `internal`: a mistake of the service. What it is belongs into the log.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(500, "internal", "the service made a mistake: it has been logged")
    }

    /// The same with other words for what to do about it.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.0.detail = detail.into();
        self
    }

    /// The same with one more member. The names of the standard's own members are refused silently.
    #[must_use]
    pub fn with_member(mut self, name: &str, value: impl Into<Value>) -> Self {
        if !["type", "title", "status", "detail", "code"].contains(&name) {
            self.0.members.insert(name.to_owned(), value.into());
        }
        self
    }

    /// The same with the field `Retry-After`, in seconds.
    #[must_use]
    pub fn with_retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    fn challenge(mut self, challenge: &'static str) -> Self {
        self.0.challenge = Some(challenge);
        self
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> u16 {
        self.0.status
    }

    /// What it is, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.0.code
    }

    /// What it is, for people.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// The fields of the answer besides its media type, names in lower case.
    pub fn fields(&self) -> impl Iterator<Item = (&'static str, Cow<'static, str>)> {
        let retry = self.0.retry_after.map(|seconds| ("retry-after", Cow::Owned(seconds.to_string())));
        let challenge = self.0.challenge.map(|challenge| ("www-authenticate", Cow::Borrowed(challenge)));
        retry.into_iter().chain(challenge)
    }

    /// The document.
    #[must_use]
    pub fn body(&self) -> Vec<u8> {
        let Inner { status, code, detail, members, .. } = &*self.0;
        let further = members.iter().map(|(name, value)| (name.as_str(), Member::Further(value)));
        let mut document: BTreeMap<&str, Member<'_>> = further.collect();
        document.extend([
            ("type", Member::Text("about:blank")),
            ("title", Member::Text(title(*status))),
            ("status", Member::Status(*status)),
            ("code", Member::Text(code)),
            ("detail", Member::Text(detail)),
        ]);
        serde_json::to_vec(&document).unwrap_or_default()
    }
}

/// What a member of the document says, borrowed: whoever is refused makes the gate write one with every request.
#[derive(Serialize)]
#[serde(untagged)]
enum Member<'a> {
    Status(u16),
    Text(&'a str),
    Further(&'a Value),
}

/// The phrase of a status: with the type `about:blank` it is the title (RFC 9457 §4.2.1).
fn title(status: u16) -> &'static str {
    match status {
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        409 => "Conflict",
        410 => "Gone",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        415 => "Unsupported Media Type",
        422 => "Unprocessable Content",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        _ => "Refused",
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.0.status, self.0.code, self.0.detail)
    }
}

impl std::error::Error for Problem {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_says_all_there_is() {
        let exceeded = QuotaExceeded {
            meter: "listings".parse().unwrap(),
            limit: 10,
            used: 10,
            requested: 1,
            resets_at: None,
        };
        let body: Value = serde_json::from_slice(&Problem::quota_exceeded(&exceeded).body()).unwrap();
        assert_eq!(body["status"], 402);
        assert_eq!(body["code"], "quota_exceeded");
        assert_eq!(body["meter"], "listings");
        assert_eq!((&body["limit"], &body["used"]), (&Value::from(10), &Value::from(10)));
        assert_eq!(body.get("resets_at"), Some(&Value::Null));
    }

    #[test]
    fn a_document_is_in_the_order_of_its_names() {
        let told = |problem: Problem| String::from_utf8(problem.body()).unwrap();
        assert_eq!(
            told(Problem::token_invalid()),
            r#"{"code":"unauthenticated","detail":"the token is not valid: sign in again","status":401,"title":"Unauthorized","type":"about:blank"}"#
        );
        let problem = Problem::new(418, "teapot", "\"short\" and stout").with_member("zone", 1);
        assert_eq!(
            told(problem.with_member("errors", vec!["é", "\n"])),
            r#"{"code":"teapot","detail":"\"short\" and stout","errors":["é","\n"],"status":418,"title":"Refused","type":"about:blank","zone":1}"#
        );
    }

    #[test]
    fn own_members_take_no_standard_names() {
        let problem = Problem::new(418, "teapot", "short and stout").with_member("status", 200);
        let body: Value = serde_json::from_slice(&problem.body()).unwrap();
        assert_eq!((&body["status"], &body["title"]), (&Value::from(418), &Value::from("Refused")));
    }
}
