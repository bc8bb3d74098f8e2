//! What the provider is asked.

use std::time::Duration;

use reqwest::{Client, RequestBuilder, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tenantry::{Currency, Money, OrderId, RefundId};

use super::signature::SharedSecret;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The payment provider. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Provider {
    http: Client,
    base: Url,
    secret: SharedSecret,
    api_key: String,
}

/// A checkout as the provider has it now.
#[derive(Debug, Deserialize)]
pub(crate) struct Checkout {
    pub(crate) id: String,
    pub(crate) checkout_url: String,
    pub(crate) status: CheckoutStatus,
    amount: i64,
    currency: Currency,
}

impl Checkout {
    pub(crate) fn money(&self) -> Money {
        Money::new(self.amount, self.currency)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum CheckoutStatus {
    Paid,
    #[serde(other)]
    Open,
}

/// A refund as the provider has it now.
#[derive(Debug, Deserialize)]
pub(crate) struct ProviderRefund {
    pub(crate) status: RefundStatus,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RefundStatus {
    Succeeded,
    #[serde(other)]
    Pending,
}

impl Provider {
    pub(crate) fn new(base: Url, secret: SharedSecret) -> Result<Self, ProviderError> {
        let http = Client::builder()
            .timeout(PATIENCE)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        let api_key = secret.api_key().ok_or(ProviderError::Secret)?;
        Ok(Self { http, base, secret, api_key })
    }

    pub(crate) fn secret(&self) -> &SharedSecret {
        &self.secret
    }

    /// Opens the checkout of an order, once: asked again it answers the same.
    pub(crate) async fn open_checkout(&self, order: OrderId, gross: Money) -> Result<String, ProviderError> {
        let url = self.url(&["v1", "checkouts", &order.to_string()])?;
        let body = json!({ "amount": gross.amount(), "currency": gross.currency() });
        let checkout: Checkout = self.ask(self.http.put(url).json(&body)).await?;
        Ok(checkout.checkout_url)
    }

    /// The checkout of an order, as it is now.
    pub(crate) async fn checkout(&self, order: OrderId) -> Result<Checkout, ProviderError> {
        let url = self.url(&["v1", "checkouts", &order.to_string()])?;
        self.ask(self.http.get(url)).await
    }

    /// Pays a part or the whole of an order back, once: asked again it answers the same.
    pub(crate) async fn refund(
        &self,
        id: RefundId,
        order: OrderId,
        amount: Money,
    ) -> Result<ProviderRefund, ProviderError> {
        let url = self.url(&["v1", "refunds", &id.to_string()])?;
        let body = json!({
            "checkout_reference": order,
            "amount": amount.amount(),
            "currency": amount.currency(),
        });
        self.ask(self.http.put(url).json(&body)).await
    }

    /// A refund, as it is now.
    pub(crate) async fn refund_status(&self, id: RefundId) -> Result<ProviderRefund, ProviderError> {
        let url = self.url(&["v1", "refunds", &id.to_string()])?;
        self.ask(self.http.get(url)).await
    }

    async fn ask<T: DeserializeOwned>(&self, request: RequestBuilder) -> Result<T, ProviderError> {
        let response = request.bearer_auth(&self.api_key).send().await?;
        let status = response.status();
        if status.is_success() { Ok(response.json().await?) } else { Err(ProviderError::Refused(status)) }
    }

    fn url(&self, segments: &[&str]) -> Result<Url, ProviderError> {
        let mut url = self.base.clone();
        url.path_segments_mut().map_err(|()| ProviderError::Address)?.pop_if_empty().extend(segments);
        Ok(url)
    }
}

/// The provider can't be asked, or says no.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// It can't be reached, or its answer can't be read.
    #[error("the payment provider can't be reached: {0}")]
    Unreachable(#[from] reqwest::Error),
    /// It refuses.
    #[error("the payment provider answers {0}")]
    Refused(StatusCode),
    /// Its address has no path.
    #[error("the payment provider's address has to begin with http:// and a host")]
    Address,
    /// The shared secret is no key.
    #[error("the secret that is shared with the payment provider can't be used")]
    Secret,
}
