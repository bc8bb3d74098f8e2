use tenantry_core::{Rate, RateDecision};

/// A request that was counted against the rate of its tenant's plan, and what the fields of HTTP say of it
/// (draft-ietf-httpapi-ratelimit-headers-10).
///
/// ```
/// use tenantry_core::{Rate, SlidingWindow, Timestamp};
/// use tenantry_http::Counted;
///
/// let rate = Rate::per_hour(1000);
/// let counted = Counted::new(rate, SlidingWindow::new(rate).admit(Timestamp::EPOCH, 1));
/// assert_eq!(counted.policy(), r#""default";q=1000;w=3600"#);
/// assert_eq!(counted.state(), r#""default";r=999;t=3600"#);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    rate: Rate,
    decision: RateDecision,
}

impl Counted {
    /// A decision under a rate.
    #[must_use]
    pub const fn new(rate: Rate, decision: RateDecision) -> Self {
        Self { rate, decision }
    }

    /// What the counters decided.
    #[must_use]
    pub const fn decision(&self) -> &RateDecision {
        &self.decision
    }

    /// How many requests a window holds.
    #[must_use]
    pub const fn requests(&self) -> u32 {
        self.rate.requests()
    }

    /// How long a window is, in seconds, rounded up.
    #[must_use]
    pub fn window_seconds(&self) -> u64 {
        let window = self.rate.window();
        window.as_secs().saturating_add(u64::from(window.subsec_nanos() > 0))
    }

    /// The field `RateLimit-Policy`.
    #[must_use]
    pub fn policy(&self) -> String {
        format!("\"default\";q={};w={}", self.requests(), self.window_seconds())
    }

    /// The field `RateLimit`.
    #[must_use]
    pub fn state(&self) -> String {
        format!("\"default\";r={};t={}", self.decision.remaining, self.decision.resets_in_seconds())
    }

    /// The field `Retry-After` of a refusal in seconds: a whole window where waiting for less won't help.
    #[must_use]
    pub fn retry_after(&self) -> u64 {
        self.decision.retry_after_seconds().unwrap_or_else(|| self.window_seconds())
    }
}
