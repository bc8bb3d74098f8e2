use serde_json::Value;

/// Something that may be told although another tenant owns it, and why.
///
/// An exception covers differences between a thing that is there and one that isn't, and the sight of that thing's
/// own identifier. It never covers a declared mark. Requests that write are not sent for what is excepted. One that
/// covers nothing fails the walk, so that exceptions don't outlive their reasons.
///
/// ```
/// use tenantry_testing::Exception;
///
/// let published = Exception::on("GET /listings/{slug}", "published listings are public; drafts are not")
///     .of("listing", ["corner-open", "desk-open"])
///     .told_to(["ada", "grace"]);
/// # drop(published);
/// ```
#[derive(Debug, Clone)]
pub struct Exception {
    route: String,
    reason: String,
    kind: Option<String>,
    values: Vec<Value>,
    callers: Vec<String>,
    hosts: Vec<String>,
}

impl Exception {
    /// On one route, written as `GET /orders/{id}`, for a reason.
    #[must_use]
    pub fn on(route: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            route: route.into(),
            reason: reason.into(),
            kind: None,
            values: Vec::new(),
            callers: Vec::new(),
            hosts: Vec::new(),
        }
    }

    /// Only for these things of a kind.
    #[must_use]
    pub fn of<V: Into<Value>>(self, kind: impl Into<String>, values: impl IntoIterator<Item = V>) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        Self { kind: Some(kind.into()), values, ..self }
    }

    /// Only for callers of these tenants, at their own hosts.
    #[must_use]
    pub fn told_to<T: Into<String>>(self, tenants: impl IntoIterator<Item = T>) -> Self {
        Self { callers: tenants.into_iter().map(Into::into).collect(), ..self }
    }

    /// Only at the hosts of these tenants, to anybody.
    #[must_use]
    pub fn at<T: Into<String>>(self, tenants: impl IntoIterator<Item = T>) -> Self {
        Self { hosts: tenants.into_iter().map(Into::into).collect(), ..self }
    }

    /// Why it may be told.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    pub(crate) fn route(&self) -> &str {
        &self.route
    }

    pub(crate) fn covers(&self, told: &Telling<'_>) -> bool {
        let is_of = self.kind.as_deref().is_none_or(|kind| kind == told.kind)
            && (self.values.is_empty() || self.values.contains(told.value));
        let is_told = self.callers.is_empty()
            || told.is_home && self.callers.iter().any(|tenant| Some(tenant.as_str()) == told.caller);
        let is_there =
            self.hosts.is_empty() || self.hosts.iter().any(|tenant| Some(tenant.as_str()) == told.host);
        self.route == told.route && is_of && is_told && is_there
    }
}

/// What an exception is asked about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Telling<'a> {
    pub(crate) route: &'a str,
    pub(crate) kind: &'a str,
    pub(crate) value: &'a Value,
    /// The caller's tenant.
    pub(crate) caller: Option<&'a str>,
    /// The tenant at whose host it was asked.
    pub(crate) host: Option<&'a str>,
    pub(crate) is_home: bool,
}
