//! Callers, requests and resources that a condition could tell apart.

use std::ops::Range;

use tenantry_core::{
    ApiKeyId, CallerFacts, Kind, Literal, PrincipalId, RequestFacts, Resource, ServiceAccountId, TenantId,
    Timestamp, UserId, Value,
};
use uuid::Uuid;

use super::shape::values;

/// The attributes of the application's that every caller here has.
pub(super) const OF_CALLER: &[(&str, Kind)] =
    &[("department", Kind::Text), ("level", Kind::Integer), ("manager", Kind::Id)];

/// Those that every request has.
pub(super) const OF_REQUEST: &[(&str, Kind)] =
    &[("address", Kind::Text), ("trusted", Kind::Bool), ("sent", Kind::Time)];

/// Values of every kind: those that conditions name, their neighbours, and some that they don't.
pub(super) struct Pool(Vec<Literal>);

impl Pool {
    pub(super) fn of(written: &[String]) -> Self {
        let mut pool = vec![Literal::Bool(true), Literal::Bool(false), Literal::Time(Timestamp::EPOCH)];
        pool.extend([0, 5, i64::MIN, i64::MAX].map(Literal::Integer));
        pool.extend(["", "draft", "user"].map(|text| Literal::Text(text.into())));
        pool.extend([1, 2].map(|number| Literal::Id(Uuid::from_u128(number))));
        for text in written {
            let (quoted, numbers) = values(text);
            let near = numbers.iter().flat_map(|number| {
                [*number, number.saturating_add(1), number.saturating_sub(1)].map(Literal::Integer)
            });
            pool.extend(near);
            for quoted in quoted {
                pool.extend(Uuid::try_parse(&quoted).map(Literal::Id));
                if let Ok(at) = quoted.parse::<Timestamp>() {
                    let near = [-1, 0, 1].map(|later| at.as_micros().saturating_add(later));
                    pool.extend(near.map(|micros| Literal::Time(Timestamp::from_micros(micros))));
                }
                pool.extend((quoted.len() <= 1_000).then(|| Literal::Text(quoted.into())));
            }
        }
        Self(pool)
    }

    /// A caller with all its attributes.
    pub(super) fn caller(&self, seed: u64) -> CallerFacts {
        let id = self.id("caller.id", seed);
        let principal = match seed % 3 {
            0 => PrincipalId::User(UserId::from_uuid(id)),
            1 => PrincipalId::ServiceAccount(ServiceAccountId::from_uuid(id)),
            _ => PrincipalId::ApiKey(ApiKeyId::from_uuid(id)),
        };
        let caller = CallerFacts::of(principal, TenantId::from_uuid(self.id("caller.tenant", seed)));
        let attributes = self.all(OF_CALLER, seed);
        caller.with_attributes(attributes).unwrap_or_else(|error| panic!("{error}"))
    }

    /// A request with all its attributes, by somebody who may have proved a second factor.
    pub(super) fn request(&self, seed: u64) -> RequestFacts {
        let now = self.time("request.time", seed);
        let proved = (seed.is_multiple_of(2)).then(|| self.time("proved", seed));
        self.requested(RequestFacts::new(now, proved), seed)
    }

    /// The same by somebody who did.
    pub(super) fn whole_request(&self, seed: u64) -> RequestFacts {
        let now = self.time("request.time", seed);
        let ago = self.integer("request.mfa_age", seed).saturating_mul(1_000_000);
        let proved = Timestamp::from_micros(now.as_micros().saturating_sub(ago)).min(now);
        self.requested(RequestFacts::new(now, Some(proved)), seed)
    }

    fn requested(&self, request: RequestFacts, seed: u64) -> RequestFacts {
        let attributes = self.all(OF_REQUEST, seed);
        request.with_attributes(attributes).unwrap_or_else(|error| panic!("{error}"))
    }

    /// A resource that has values of any kind, or none, in any attribute.
    pub(super) fn loose(&self, seed: u64) -> Loose<'_> {
        Loose { pool: self, seed }
    }

    /// A resource that has values of the declared kinds in some attributes.
    pub(super) fn strict(&self, seed: u64) -> Strict<'_> {
        Strict { pool: self, seed, is_whole: false }
    }

    /// The same with a value in every attribute.
    pub(super) fn whole(&self, seed: u64) -> Strict<'_> {
        Strict { pool: self, seed, is_whole: true }
    }

    fn all(&self, declared: &[(&'static str, Kind)], seed: u64) -> Vec<(&'static str, Literal)> {
        let value =
            |(name, kind): &(&'static str, Kind)| Some((*name, self.kind(name, *kind, seed)?.to_literal()));
        declared.iter().filter_map(value).collect()
    }

    fn kind(&self, name: &str, kind: Kind, seed: u64) -> Option<Value<'_>> {
        let of_kind: Vec<&Literal> = self.0.iter().filter(|value| value.kind() == kind).collect();
        of_kind.get(drawn(name, seed, 0..of_kind.len())).map(|value| value.value())
    }

    fn id(&self, name: &str, seed: u64) -> Uuid {
        let Some(Value::Id(id)) = self.kind(name, Kind::Id, seed) else { return Uuid::nil() };
        id
    }

    fn time(&self, name: &str, seed: u64) -> Timestamp {
        let Some(Value::Time(at)) = self.kind(name, Kind::Time, seed) else { return Timestamp::EPOCH };
        at
    }

    fn integer(&self, name: &str, seed: u64) -> i64 {
        let Some(Value::Integer(number)) = self.kind(name, Kind::Integer, seed) else { return 0 };
        number
    }
}

/// What is drawn for a name: always the same from the same seed.
fn drawn(name: &str, seed: u64, from: Range<usize>) -> usize {
    let mixed = name.bytes().fold(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15), |mixed, byte| {
        (mixed ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29)
    });
    let wide = u128::from(mixed.wrapping_mul(0xd6e8_feb8_6659_fd93)) * from.len() as u128;
    from.start + (wide >> 64) as usize
}

pub(super) struct Loose<'a> {
    pool: &'a Pool,
    seed: u64,
}

impl Resource for Loose<'_> {
    const TYPE: &'static str = "loose";

    fn id(&self) -> Value<'_> {
        Value::Id(self.pool.id("resource.id", self.seed))
    }

    fn attribute(&self, name: &str) -> Option<Value<'_>> {
        let place = drawn(name, self.seed, 0..self.pool.0.len() + 2);
        self.pool.0.get(place).map(Literal::value)
    }
}

pub(super) struct Strict<'a> {
    pool: &'a Pool,
    seed: u64,
    is_whole: bool,
}

impl Strict<'_> {
    /// What conditions may name.
    pub(super) const ATTRIBUTES_AND_ID: &'static [(&'static str, Kind)] = &[
        ("id", Kind::Id),
        ("owner", Kind::Id),
        ("tenant", Kind::Id),
        ("size", Kind::Integer),
        ("amount", Kind::Integer),
        ("state", Kind::Text),
        ("department", Kind::Text),
        ("locked", Kind::Bool),
        ("created", Kind::Time),
    ];
}

impl Resource for Strict<'_> {
    const TYPE: &'static str = "strict";
    const ATTRIBUTES: &'static [(&'static str, Kind)] = Strict::ATTRIBUTES_AND_ID.split_at(1).1;

    fn id(&self) -> Value<'_> {
        Value::Id(self.pool.id("resource.id", self.seed))
    }

    fn attribute(&self, name: &str) -> Option<Value<'_>> {
        let (_, kind) = Self::ATTRIBUTES.iter().find(|(known, _)| *known == name)?;
        let is_there = self.is_whole || drawn(name, !self.seed, 0..4) > 0;
        self.pool.kind(name, *kind, self.seed).filter(|_| is_there)
    }
}
