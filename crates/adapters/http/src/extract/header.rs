use tenantry_core::IdempotencyKey;
#[cfg(any(feature = "axum", feature = "actix", test))]
use tenantry_core::InvalidIdempotencyKey;

use crate::{FieldError, Problem};

/// The field `Idempotency-Key`: what a client names a request by, so that sending it again does it once.
///
/// A missing or wrong one is 422 `invalid`, told together with the wrong fields of the [`Body`](crate::Body) and
/// after a body that isn't JSON, which is 400. So the extractor itself never refuses: the body's does, or
/// [`key`](Self::key) where there is no body.
///
/// ```
/// use tenantry_http::{IdempotencyKeyHeader, Problem};
///
/// async fn cancel(key: IdempotencyKeyHeader) -> Result<String, Problem> {
///     let key = key.key()?;
///     Ok(key.as_str().to_owned())
/// }
/// ```
#[derive(Debug, Clone)]
#[must_use = "ask it for its key"]
pub struct IdempotencyKeyHeader(Result<IdempotencyKey, FieldError>);

impl IdempotencyKeyHeader {
    /// The key.
    ///
    /// # Errors
    /// 422 `invalid` when the field is missing, there twice, or no key.
    pub fn key(self) -> Result<IdempotencyKey, Problem> {
        self.0.map_err(|error| Problem::invalid(vec![error]))
    }
}

/// The field `If-Match`: the version that a request replaces, as `"3"` or `3`.
///
/// Refused as [`IdempotencyKeyHeader`] is: ask it for its [`version`](Self::version).
#[derive(Debug, Clone)]
#[must_use = "ask it for its version"]
pub struct IfMatch(Result<u64, FieldError>);

impl IfMatch {
    /// The version.
    ///
    /// # Errors
    /// 422 `invalid` when the field is missing, there twice, or no version (`*` and weak tags aren't).
    pub fn version(self) -> Result<u64, Problem> {
        self.0.map_err(|error| Problem::invalid(vec![error]))
    }
}

/// What is wrong with fields of HTTP, left beside the request for the body's extractor.
#[cfg(any(feature = "axum", feature = "actix"))]
#[derive(Debug, Clone, Default)]
pub(crate) struct Deferred(pub(crate) Vec<FieldError>);

#[cfg(any(feature = "axum", feature = "actix"))]
pub(crate) fn idempotency_key(field: Option<&str>) -> (IdempotencyKeyHeader, Option<FieldError>) {
    let read = parse_key(field);
    let error = read.as_ref().err().cloned();
    (IdempotencyKeyHeader(read), error)
}

#[cfg(any(feature = "axum", feature = "actix"))]
pub(crate) fn if_match(field: Option<&str>) -> (IfMatch, Option<FieldError>) {
    let read = parse_version(field);
    let error = read.as_ref().err().cloned();
    (IfMatch(read), error)
}

#[cfg(any(feature = "axum", feature = "actix", test))]
fn parse_key(field: Option<&str>) -> Result<IdempotencyKey, FieldError> {
    let message = InvalidIdempotencyKey.to_string();
    field.and_then(|text| text.parse().ok()).ok_or_else(|| FieldError::new("Idempotency-Key", message))
}

#[cfg(any(feature = "axum", feature = "actix", test))]
fn parse_version(field: Option<&str>) -> Result<u64, FieldError> {
    let message = "the version that this replaces, such as \"3\": send it once";
    let wrong = || FieldError::new("If-Match", message);
    let text = field.ok_or_else(wrong)?.trim();
    let digits = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(wrong());
    }
    digits.parse().map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_tags_of_digits() {
        assert_eq!(parse_version(Some("\"3\"")), Ok(3));
        assert_eq!(parse_version(Some("3")), Ok(3));
        for text in ["", "\"\"", "*", "W/\"3\"", "-1", "+1", "\"3", "3, 4", "99999999999999999999"] {
            assert_eq!(parse_version(Some(text)).unwrap_err().field, "If-Match", "{text}");
        }
        assert!(parse_version(None).is_err());
    }

    #[test]
    fn a_key_is_there_or_it_is_said() {
        assert_eq!(parse_key(Some("a-1")).unwrap().as_str(), "a-1");
        for field in [None, Some(""), Some("a b")] {
            assert_eq!(parse_key(field).unwrap_err().field, "Idempotency-Key");
        }
    }
}
