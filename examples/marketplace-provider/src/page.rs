//! Where a checkout is paid: a page without scripts for people, JSON for programs.

use axum::Json;
use axum::extract::{Path, State as Shared};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::{Html, IntoResponse, Redirect, Response};

use crate::api::Provider;
use crate::body::{Raw, from_json};
use crate::refusal::Refusal;
use crate::state::CheckoutRow;
use crate::values::CheckoutId;
use crate::wire::{Attempt, CheckoutStatus};

const PAGE_HEADERS: [(HeaderName, HeaderValue); 3] = [
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
        ),
    ),
];

/// `GET /pay/{id}`.
pub(crate) async fn show(
    Shared(provider): Shared<Provider>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let checkout = provider.state().checkout_by_id(&CheckoutId::from_text(id)).await?;
    Ok((PAGE_HEADERS, Html(page(&checkout))).into_response())
}

/// `POST /pay/{id}`: JSON is answered with the checkout, a form with a redirect.
pub(crate) async fn pay(
    Shared(provider): Shared<Provider>,
    Path(id): Path<String>,
    headers: HeaderMap,
    Raw(bytes): Raw,
) -> Result<Response, Refusal> {
    let encoding = Encoding::of(&headers, &bytes);
    let attempt: Attempt = match encoding {
        Encoding::Json => from_json(&bytes)?,
        Encoding::Form => serde_urlencoded::from_bytes(&bytes)
            .map_err(|error| Refusal::field("outcome", error.to_string()))?,
    };
    let checkout = provider.state().pay(&CheckoutId::from_text(id), attempt.outcome).await?;
    provider.queue_changed();
    Ok(match encoding {
        Encoding::Json => Json(checkout.at(provider.base())).into_response(),
        Encoding::Form => Redirect::to(&next_address(&checkout)).into_response(),
    })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Json,
    Form,
}

impl Encoding {
    /// A body that begins as an object is JSON even where a client calls it a form, as `curl -d` does.
    fn of(headers: &HeaderMap, bytes: &[u8]) -> Self {
        let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let form = media.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded");
        if form && !bytes.trim_ascii_start().starts_with(b"{") { Self::Form } else { Self::Json }
    }
}

fn next_address(checkout: &CheckoutRow) -> String {
    match (&checkout.return_url, checkout.status) {
        (Some(url), CheckoutStatus::Paid) => url.clone(),
        _ => format!("/pay/{}", checkout.id.as_str()),
    }
}

fn page(checkout: &CheckoutRow) -> String {
    let what = checkout.description.as_deref().map_or_else(|| checkout.reference.to_string(), escape);
    let body = match checkout.status {
        CheckoutStatus::Open => {
            r#"<form method="post">
<button name="outcome" value="paid">Pay</button>
<button name="outcome" value="failed">Let it fail</button>
</form>"#
        }
        CheckoutStatus::Paid => "<p>Paid.</p>",
    };
    format!(
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Checkout</title>
<style>body {{ font: 1.1rem/1.5 system-ui; margin: 4rem auto; max-width: 28rem; padding: 0 1rem }}
button {{ font: inherit; padding: .5rem 1.5rem }}</style>
</head>
<body>
<h1>Checkout</h1>
<p>{what}</p>
<p><strong>{amount} {currency}</strong>, in minor units. No real money moves here.</p>
{body}
</body>
</html>
"#,
        amount = checkout.amount.get(),
        currency = checkout.currency,
    )
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_in_a_description_is_text() {
        assert_eq!(escape("<b a='1'>\"&"), "&lt;b a=&#39;1&#39;&gt;&quot;&amp;");
    }

    #[test]
    fn json_is_recognised_under_the_content_type_of_curl() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        assert_eq!(Encoding::of(&headers, br#" {"outcome": "paid"}"#), Encoding::Json);
        assert_eq!(Encoding::of(&headers, b"outcome=paid"), Encoding::Form);
        assert_eq!(Encoding::of(&HeaderMap::new(), b"outcome=paid"), Encoding::Json);
    }
}
