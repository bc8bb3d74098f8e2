//! The shapes that several requests share on the wire.

use axum::extract::{FromRequestParts, Path};
use axum::http::request::Parts;
use serde::{Deserialize, Serialize};
use tenantry::Page;
use tenantry::http::Problem;
use utoipa::ToSchema;

/// An amount in minor units of its currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Money {
    /// Minor units: 4900 is 49 dollars.
    #[schema(example = 4900)]
    pub(crate) amount: i64,
    /// ISO 4217.
    #[schema(value_type = String, example = "USD")]
    pub(crate) currency: tenantry::Currency,
}

impl From<tenantry::Money> for Money {
    fn from(money: tenantry::Money) -> Self {
        Self { amount: money.amount(), currency: money.currency() }
    }
}

impl From<Money> for tenantry::Money {
    fn from(money: Money) -> Self {
        Self::new(money.amount, money.currency)
    }
}

/// The name in a request's path. What isn't even text names nothing, and is answered like that: 404.
pub(crate) struct Named(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let named = Path::from_request_parts(parts, state).await;
        named.map(|Path(name)| Self(name)).map_err(|_| Problem::not_found())
    }
}

/// A page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Listed<T> {
    /// The items, in the list's order.
    pub(crate) items: Vec<T>,
    /// What to send as `cursor` for the next page; null on the last.
    pub(crate) next: Option<String>,
}

impl<T> Listed<T> {
    pub(crate) fn of<U>(page: Page<U>, item: impl FnMut(U) -> T) -> Self {
        let next = page.next.map(|cursor| cursor.as_str().to_owned());
        Self { items: page.items.into_iter().map(item).collect(), next }
    }
}

/// A refusal: RFC 9457. Which of the optional members there are depends on the code.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Refusal {
    /// `about:blank`: the title is the status's own.
    #[schema(example = "about:blank")]
    pub(crate) r#type: String,
    /// What kind of refusal, for programs.
    #[schema(example = "not_found")]
    pub(crate) code: String,
    /// What kind of refusal, for people.
    pub(crate) title: String,
    /// The status.
    #[schema(example = 404)]
    pub(crate) status: u16,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
    /// `invalid`: the fields that are wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) errors: Option<Vec<WrongField>>,
    /// `quota_exceeded`: what is used up.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "listings")]
    pub(crate) meter: Option<String>,
    /// `quota_exceeded`: how much of it the plan allows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<i64>,
    /// `quota_exceeded`: how much of it is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) used: Option<i64>,
    /// `quota_exceeded`: when the count starts again; null for things held.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) resets_at: Option<tenantry::Timestamp>,
}

/// A field that is wrong.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct WrongField {
    /// Its path.
    #[schema(example = "price.amount")]
    pub(crate) field: String,
    /// What would be right.
    pub(crate) message: String,
}

/// What went wrong in the server itself: logged, and answered with nothing about it.
pub(crate) fn broken(doing: &'static str, error: &dyn std::fmt::Display) -> Problem {
    tracing::error!(%error, "could not {doing}");
    Problem::unavailable()
}
