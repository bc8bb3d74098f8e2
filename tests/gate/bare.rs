use std::net::IpAddr;

use tenantry::http::RequestView;

/// A request of no framework.
pub(crate) struct Bare<'a> {
    host: &'a str,
    authorization: Option<String>,
    content_length: Option<u64>,
}

impl<'a> Bare<'a> {
    pub(crate) fn of(host: &'a str, token: &str) -> Self {
        Self { host, authorization: Some(format!("Bearer {token}")), content_length: None }
    }

    pub(crate) fn announced(self, content_length: u64) -> Self {
        Self { content_length: Some(content_length), ..self }
    }
}

impl RequestView for Bare<'_> {
    fn host(&self) -> Option<&str> {
        Some(self.host)
    }

    fn path(&self) -> &str {
        "/"
    }

    fn query(&self) -> Option<&str> {
        None
    }

    fn authorization(&self) -> Option<&str> {
        self.authorization.as_deref()
    }

    fn content_length(&self) -> Option<u64> {
        self.content_length
    }

    fn peer(&self) -> Option<IpAddr> {
        None
    }

    fn field(&self, _: &str) -> Option<&str> {
        None
    }
}
