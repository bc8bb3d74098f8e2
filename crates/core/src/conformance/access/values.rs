//! The values that cells write, and the ids that names stand for.

use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::{InvalidResource, Kind, Literal, RequestFacts, ResourceId, Timestamp};

/// What a name stands for, among things of one sort: always the same id.
pub(super) fn id_of(sort: &str, name: &str) -> Uuid {
    let digest = Sha256::digest(format!("{sort}/{name}"));
    let mut bytes = [0; 16];
    for (byte, hashed) in bytes.iter_mut().zip(digest) {
        *byte = hashed;
    }
    Uuid::new_v8(bytes)
}

/// The id that a resource of type `of` has, by the name that the file gives it.
pub(super) fn resource_id(of: &str, kind: Kind, name: &str) -> Result<ResourceId, InvalidResource> {
    match kind {
        Kind::Id => Ok(ResourceId::Id(id_of(of, name))),
        Kind::Integer => name.parse().map(ResourceId::Integer).map_err(|_| InvalidResource::Id),
        Kind::Text => ResourceId::try_from(name),
        Kind::Bool | Kind::Time => Err(InvalidResource::Id),
    }
}

/// A value of this kind as a cell of a resource writes it, where it is no id.
pub(super) fn plain(kind: Kind, cell: &str) -> Option<Literal> {
    match kind {
        Kind::Bool => cell.parse().ok().map(Literal::Bool),
        Kind::Integer => cell.parse().ok().map(Literal::Integer),
        Kind::Text => Some(Literal::Text(cell.into())),
        Kind::Time => cell.parse().ok().map(Literal::Time),
        Kind::Id => None,
    }
}

/// `name=value, …`, each value as a condition writes it.
pub(super) fn pairs(cell: &str) -> Result<Vec<(&str, Literal)>, String> {
    cell.split(',')
        .map(str::trim)
        .map(|part| {
            let pair = part.split_once('=');
            let (name, value) = pair.ok_or_else(|| format!("{part:?} is no pair: write name=value"))?;
            let value = written(value).ok_or_else(|| format!("{value:?} is no value: true, 5 or 'text'"))?;
            Ok((name, value))
        })
        .collect()
}

fn written(value: &str) -> Option<Literal> {
    let quoted = value.strip_prefix('\'').and_then(|value| value.strip_suffix('\''));
    match (quoted, value) {
        (Some(text), _) => Some(Literal::Text(text.into())),
        (None, "true") => Some(Literal::Bool(true)),
        (None, "false") => Some(Literal::Bool(false)),
        (None, number) => number.parse().ok().map(Literal::Integer),
    }
}

/// A request: at 10:00 on a Monday, without a second factor, unless the cell says `time=…`, `mfa_age=…` (seconds) or
/// names attributes of the application's.
pub(super) fn request(cell: Option<&str>) -> Result<RequestFacts, String> {
    let (mut now, mut mfa_age, mut others) = (Timestamp::from_micros(MONDAY_AT_TEN), None, Vec::new());
    for part in cell.into_iter().flat_map(|cell| cell.split(',')).map(str::trim) {
        match part.split_once('=') {
            Some(("time", at)) => now = at.parse().map_err(|error| format!("{at:?}: {error}"))?,
            Some(("mfa_age", age)) => {
                mfa_age = Some(age.parse::<i64>().map_err(|error| format!("{age:?}: {error}"))?);
            }
            _ => others.extend(pairs(part)?),
        }
    }
    let proved =
        |age: i64| Some(Timestamp::from_micros(now.as_micros().checked_sub(age.checked_mul(1_000_000)?)?));
    let request = RequestFacts::new(now, mfa_age.and_then(proved));
    request.with_attributes(others).map_err(|error| error.to_string())
}

/// 2026-03-02T10:00:00Z.
const MONDAY_AT_TEN: i64 = 1_772_445_600_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_ids_and_those_of_different_sorts_differ() {
        assert_eq!(id_of("user", "alice"), id_of("user", "alice"));
        assert_ne!(id_of("user", "alice"), id_of("user", "bob"));
        assert_ne!(id_of("user", "alice"), id_of("team", "alice"));
    }

    #[test]
    fn cells_are_requests() {
        let usual = request(None).unwrap();
        assert_eq!((usual.weekday(), usual.time_of_day(), usual.mfa_age()), (1, 600, None));
        let cell = "time=2026-03-07T23:00:00Z, mfa_age=60, trusted=true, zone='eu', hops=3";
        let other = request(Some(cell)).unwrap();
        assert_eq!((other.weekday(), other.time_of_day(), other.mfa_age()), (6, 1380, Some(60)));
        let named: Vec<_> = other.attributes().map(|(name, value)| (name, value.clone())).collect();
        let text = Literal::Text("eu".into());
        assert_eq!(named, [("hops", Literal::Integer(3)), ("trusted", Literal::Bool(true)), ("zone", text)]);
        for cell in ["time=noon", "mfa_age=x", "trusted", "trusted=yes"] {
            assert!(request(Some(cell)).is_err(), "{cell}");
        }
    }
}
