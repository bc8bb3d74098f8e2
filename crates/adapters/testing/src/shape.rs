//! Names of nothing: identifiers of the shape of a given one that, for all anybody knows, name nothing.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use serde_json::Value;
use uuid::Uuid;

use crate::draw::Draw;

/// An identifier of the same shape: a UUID for a UUID (of its version), a large number for a number, the same
/// domain for an e-mail address, and for other text a letter for each letter and a digit for each digit.
pub(crate) fn absent(value: &Value, draw: &mut Draw) -> Value {
    match value {
        Value::String(text) => Value::String(absent_text(text, draw)),
        Value::Number(number) if number.as_i64().is_some_and(|number| number > i64::from(i32::MAX)) => {
            Value::from(4_000_000_000_000_000_u64.saturating_add(draw.below(1_000_000_000_000)))
        }
        Value::Number(_) => Value::from(1_500_000_000_u64.saturating_add(draw.below(500_000_000))),
        other => other.clone(),
    }
}

fn absent_text(text: &str, draw: &mut Draw) -> String {
    if let Ok(id) = Uuid::parse_str(text) {
        return like(id, text, absent_id(id, draw));
    }
    if let Some((local, domain)) = text.split_once('@') {
        return format!("{}@{domain}", same_letters(local, draw));
    }
    same_letters(text, draw)
}

fn absent_id(id: Uuid, draw: &mut Draw) -> Uuid {
    let mut bytes = *id.as_bytes();
    for byte in bytes.iter_mut().skip(9) {
        *byte = u8::try_from(draw.below(256)).unwrap_or_default();
    }
    Uuid::from_bytes(bytes)
}

/// `made` written as `text` writes `id`.
fn like(id: Uuid, text: &str, made: Uuid) -> String {
    if text == id.simple().to_string() { made.simple().to_string() } else { made.to_string() }
}

fn same_letters(text: &str, draw: &mut Draw) -> String {
    let is_hex = text.len() >= 8
        && text.bytes().any(|byte| byte.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    let mut pick = |from: &[u8]| {
        let bound = u64::try_from(from.len()).unwrap_or(1);
        let place = usize::try_from(draw.below(bound)).unwrap_or_default();
        from.get(place).copied().map_or('x', char::from)
    };
    let drawn: String = text
        .chars()
        .map(|letter| match letter {
            '0'..='9' | 'a'..='f' if is_hex => pick(b"0123456789abcdef"),
            '0'..='9' => pick(b"123456789"),
            'a'..='z' => pick(b"abcdefghijklmnopqrstuvwxyz"),
            'A'..='Z' => pick(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
            other => other,
        })
        .collect();
    if drawn == text || drawn.len() < 4 { format!("{drawn}{}", pick(b"bcdfghjkmnpqrstvwxz")) } else { drawn }
}

/// A cursor to a place right beside that of a given one: its last id or number changed as little as possible, also
/// inside base64, so that what follows it for somebody who has no part in what it names is the same.
pub(crate) fn beside(cursor: &Value, step: u8) -> Value {
    match cursor {
        Value::String(text) => Value::String(beside_text(text, step)),
        Value::Number(number) => {
            Value::from(number.as_i64().unwrap_or_default().saturating_add(i64::from(step)))
        }
        other => other.clone(),
    }
}

fn beside_text(text: &str, step: u8) -> String {
    for engine in [&URL_SAFE_NO_PAD, &URL_SAFE, &STANDARD_NO_PAD, &STANDARD] {
        let inside = engine.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let is_text =
            |inside: &String| inside.len() >= 3 && inside.chars().all(|letter| !letter.is_control());
        if let Some(inside) = inside.filter(is_text) {
            return engine.encode(changed_at_its_end(&inside, step));
        }
    }
    changed_at_its_end(text, step)
}

/// The contents of a cursor that is base64 of text, or the cursor itself.
pub(crate) fn inside(cursor: &str) -> String {
    let decode = |engine: &base64::engine::GeneralPurpose| {
        engine.decode(cursor).ok().and_then(|bytes| String::from_utf8(bytes).ok())
    };
    [&URL_SAFE_NO_PAD, &STANDARD].into_iter().find_map(decode).unwrap_or_else(|| cursor.to_owned())
}

fn changed_at_its_end(text: &str, step: u8) -> String {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    let end = text.rfind(is_part).map_or(text.len(), |at| at.saturating_add(1));
    let start = text.get(..end).unwrap_or_default().rfind(|letter| !is_part(letter));
    let start = start.map_or(0, |at| at.saturating_add(1));
    let (before, last) = text.get(..end).unwrap_or_default().split_at_checked(start).unwrap_or(("", text));
    let after = text.get(end..).unwrap_or_default();
    let changed = match (Uuid::parse_str(last), last.parse::<u64>()) {
        (Ok(id), _) => {
            let mut bytes = *id.as_bytes();
            if let Some(byte) = bytes.last_mut() {
                *byte ^= step;
            }
            like(id, last, Uuid::from_bytes(bytes))
        }
        (_, Ok(number)) => number.saturating_add(u64::from(step)).to_string(),
        _ => format!("{last}{step}"),
    };
    format!("{before}{changed}{after}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn draw() -> Draw {
        Draw::from_seed(7)
    }

    #[test]
    fn an_absent_identifier_keeps_the_shape() {
        let id = "0198c0de-7e4a-7000-8000-000000000001";
        let other = absent(&json!(id), &mut draw());
        let other = Uuid::parse_str(other.as_str().unwrap()).unwrap();
        assert_eq!(other.get_version_num(), 7);
        assert_ne!(other.to_string(), id);
        assert!(absent(&json!(17), &mut draw()).as_i64().unwrap() > 1_000_000_000);
        assert!(absent(&json!(17), &mut draw()).as_i64().unwrap() <= i64::from(i32::MAX));
        let email = absent(&json!("ada@acme.example"), &mut draw());
        assert!(email.as_str().unwrap().ends_with("@acme.example"));
        let slug = absent(&json!("corner-Shop-12"), &mut draw());
        let slug = slug.as_str().unwrap();
        assert_eq!((slug.len(), slug.find('-'), slug.rfind('-')), (14, Some(6), Some(11)));
        assert!(slug.ends_with(|letter: char| letter.is_ascii_digit()));
        let hex = absent(&json!("deadbeef01"), &mut draw());
        assert!(u64::from_str_radix(hex.as_str().unwrap(), 16).is_ok());
    }

    #[test]
    fn a_cursor_beside_another_is_changed_at_its_end_only() {
        assert_eq!(beside(&json!("1699999~41"), 1), json!("1699999~42"));
        assert_eq!(beside(&json!(41), 2), json!(43));
        let plain = "12~0198c0de-7e4a-7000-8000-000000000001";
        assert_eq!(beside(&json!(plain), 1), json!("12~0198c0de-7e4a-7000-8000-000000000000"));
        let wrapped = URL_SAFE_NO_PAD.encode(r#"{"after":41}"#);
        assert_eq!(beside(&json!(wrapped), 1), json!(URL_SAFE_NO_PAD.encode(r#"{"after":42}"#)));
        assert_eq!(beside(&json!("corner-draft"), 1), json!("corner-draft1"));
    }
}
