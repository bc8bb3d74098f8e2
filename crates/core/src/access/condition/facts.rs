//! What conditions know of the caller and of the request.

use super::attribute::{Attributes, InvalidAttributes, Owner};
use super::value::{Literal, Value};
use crate::{PrincipalId, TenantId, Timestamp};

/// What a condition is evaluated with, besides the resource.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// Who asks.
    pub caller: &'a CallerFacts,
    /// When and how.
    pub request: &'a RequestFacts,
}

/// What conditions may ask about a caller.
///
/// ```
/// use tenantry_core::{CallerFacts, Literal, PrincipalId, TenantId, UserId, Value};
///
/// let user = UserId::generate();
/// let caller = CallerFacts::of(PrincipalId::User(user), TenantId::generate())
///     .with_attributes([("department", Literal::Text("sales".into()))])?;
/// assert_eq!(caller.attribute("department"), Some(Value::Text("sales")));
/// # Ok::<(), tenantry_core::InvalidAttributes>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[repr(C)]
pub struct CallerFacts {
    principal: PrincipalId,
    tenant: TenantId,
    attributes: Attributes<Literal>,
}

impl CallerFacts {
    /// The most attributes that an application gives a caller.
    pub const MAX_ATTRIBUTES: usize = Attributes::<Literal>::MAX;

    /// The caller that `principal` is, in a tenant.
    #[must_use]
    pub fn of(principal: PrincipalId, tenant: TenantId) -> Self {
        Self { principal, tenant, attributes: Attributes::default() }
    }

    /// The same caller with these attributes of the application's, instead of those it had.
    ///
    /// # Errors
    /// [`InvalidAttributes`] for more than 32, for a name that isn't `[a-z][a-z0-9_]{0,47}`, is a keyword, is built
    /// in (`id`, `kind`, `tenant`) or comes twice, and for a text of more than 1,000 bytes or with control
    /// characters.
    pub fn with_attributes<N: Into<Box<str>>>(
        self,
        attributes: impl IntoIterator<Item = (N, Literal)>,
    ) -> Result<Self, InvalidAttributes> {
        Ok(Self { attributes: literals(Owner::Caller, attributes)?, ..self })
    }

    /// Who it is: `caller.id` and `caller.kind`.
    #[must_use]
    #[inline]
    pub const fn principal(&self) -> PrincipalId {
        self.principal
    }

    /// Where it acts: `caller.tenant`.
    #[must_use]
    #[inline]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// The value of an attribute of the application's.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<Value<'_>> {
        self.attributes.get(name).map(Literal::value)
    }

    /// The attributes of the application's, in the order of their names.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &Literal)> {
        self.attributes.iter()
    }
}

/// What conditions may ask about a request.
///
/// ```
/// use tenantry_core::RequestFacts;
///
/// let now = "2026-01-31T17:30:59Z".parse()?;
/// let request = RequestFacts::new(now, Some("2026-01-31T17:29:59Z".parse()?));
/// assert_eq!((request.mfa_at().map(|at| at.to_string()).as_deref(), request.mfa_age()), (Some("2026-01-31T17:29:59Z"), Some(60)));
/// assert_eq!(request.time_of_day(), 17 * 60 + 30);
/// assert_eq!(request.weekday(), 6);
/// # Ok::<(), tenantry_core::InvalidTimestamp>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestFacts {
    now: Timestamp,
    mfa_at: Option<Timestamp>,
    attributes: Attributes<Literal>,
}

impl RequestFacts {
    /// The most attributes that an application gives a request.
    pub const MAX_ATTRIBUTES: usize = Attributes::<Literal>::MAX;

    /// A request at `now`, by a caller who last proved a second factor at `mfa_at`, if ever.
    #[must_use]
    pub fn new(now: Timestamp, mfa_at: Option<Timestamp>) -> Self {
        Self { now, mfa_at, attributes: Attributes::default() }
    }

    /// The same request with these attributes of the application's, instead of those it had.
    ///
    /// # Errors
    /// [`InvalidAttributes`] for more than 32, for a name that isn't `[a-z][a-z0-9_]{0,47}`, is a keyword, is built
    /// in (`time`, `mfa_age`, `time_of_day`, `weekday`) or comes twice, and for a text of more than 1,000 bytes or
    /// with control characters.
    pub fn with_attributes<N: Into<Box<str>>>(
        self,
        attributes: impl IntoIterator<Item = (N, Literal)>,
    ) -> Result<Self, InvalidAttributes> {
        Ok(Self { attributes: literals(Owner::Request, attributes)?, ..self })
    }

    /// When it is made: `request.time`.
    #[must_use]
    pub const fn now(&self) -> Timestamp {
        self.now
    }

    /// When the caller last proved a second factor.
    #[must_use]
    pub const fn mfa_at(&self) -> Option<Timestamp> {
        self.mfa_at
    }

    /// Whole seconds since the caller proved a second factor: `request.mfa_age`. `None` when that never was, or is
    /// said to lie after now.
    #[must_use]
    pub fn mfa_age(&self) -> Option<i64> {
        let proved = self.mfa_at.filter(|at| *at <= self.now)?;
        Some(self.now.as_micros().saturating_sub(proved.as_micros()) / MICROS_PER_SECOND)
    }

    /// Whole minutes since midnight, UTC, 0 to 1439: `request.time_of_day`.
    #[must_use]
    pub const fn time_of_day(&self) -> i64 {
        self.now.as_micros().rem_euclid(MICROS_PER_DAY) / (60 * MICROS_PER_SECOND)
    }

    /// The day of the week, UTC, from 1 for Monday to 7 for Sunday (ISO 8601): `request.weekday`.
    #[must_use]
    pub const fn weekday(&self) -> i64 {
        const THURSDAY: i64 = 3;
        (self.now.as_micros().div_euclid(MICROS_PER_DAY) + THURSDAY).rem_euclid(7) + 1
    }

    /// The value of an attribute of the application's.
    #[must_use]
    pub fn attribute(&self, name: &str) -> Option<Value<'_>> {
        self.attributes.get(name).map(Literal::value)
    }

    /// The attributes of the application's, in the order of their names.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &Literal)> {
        self.attributes.iter()
    }
}

const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 24 * 60 * 60 * MICROS_PER_SECOND;
const MAX_TEXT: usize = 1_000;

fn literals<N: Into<Box<str>>>(
    owner: Owner,
    attributes: impl IntoIterator<Item = (N, Literal)>,
) -> Result<Attributes<Literal>, InvalidAttributes> {
    Attributes::new(owner, attributes, |value| match value {
        Literal::Text(text) => text.len() <= MAX_TEXT && !text.chars().any(char::is_control),
        Literal::Bool(_) | Literal::Integer(_) | Literal::Id(_) | Literal::Time(_) => true,
    })
}
