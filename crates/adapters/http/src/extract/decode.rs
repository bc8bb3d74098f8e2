//! From bytes to values, with refusals that say where.

use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt as _};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::error::Category;
use tenantry_core::{Cursor, PageRequest};

use crate::{FieldError, FieldErrors, Problem, Validate};

/// A body of at most `limit` bytes, read to its end.
pub(crate) async fn collect<E>(
    body: impl Stream<Item = Result<Bytes, E>>,
    limit: u64,
) -> Result<Bytes, Problem> {
    let mut body = std::pin::pin!(body);
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    let mut length: u64 = 0;
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|_| Problem::malformed("the body ended before its end"))?;
        length =
            u64::try_from(chunk.len()).ok().and_then(|more| length.checked_add(more)).unwrap_or(u64::MAX);
        if length > limit {
            return Err(Problem::too_large(limit));
        }
        if first.is_empty() {
            first = chunk;
        } else {
            rest.extend_from_slice(&chunk);
        }
    }
    if rest.is_empty() {
        return Ok(first);
    }
    let mut whole = BytesMut::from(&*first);
    whole.unsplit(rest);
    Ok(whole.freeze())
}

/// Whether a `Content-Type` says JSON: `application/json`, or any `application/…+json`.
pub(crate) fn is_json(content_type: Option<&str>) -> bool {
    let media = content_type.and_then(|text| text.split(';').next()).unwrap_or_default().trim();
    let subtype = media.split_once('/').filter(|(kind, _)| kind.eq_ignore_ascii_case("application"));
    subtype.is_some_and(|(_, subtype)| {
        let subtype = subtype.to_ascii_lowercase();
        subtype == "json" || subtype.ends_with("+json")
    })
}

/// A value from a body, where `deferred` says what else is wrong with the request's fields.
pub(crate) fn json<T>(body: &[u8], deferred: Vec<FieldError>) -> Result<T, Problem>
where
    T: DeserializeOwned + Validate,
{
    let text = std::str::from_utf8(body).map_err(|_| Problem::malformed("the body is not UTF-8"))?;
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| not_json(&error))?;
    let mut errors = FieldErrors::default();
    errors.extend(deferred);
    let mut deserializer = serde_json::Deserializer::from_str(text);
    match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Ok(value) => {
            value.validate(&mut errors);
            if errors.is_empty() { Ok(value) } else { Err(Problem::invalid(errors.into_vec())) }
        }
        Err(error) if error.inner().classify() == Category::Data => {
            let message = without_place(&error.inner().to_string());
            errors.extend([field_of(&error.path().to_string(), message)]);
            Err(Problem::invalid(errors.into_vec()))
        }
        Err(error) => Err(not_json(error.inner())),
    }
}

/// A value from a query.
pub(crate) fn query<T>(query: Option<&str>) -> Result<T, Problem>
where
    T: DeserializeOwned + Validate,
{
    let pairs = form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    let deserializer = serde_urlencoded::Deserializer::new(pairs);
    let value: T = serde_path_to_error::deserialize(deserializer).map_err(|error| {
        Problem::invalid(vec![field_of(&error.path().to_string(), error.inner().to_string())])
    })?;
    let mut errors = FieldErrors::default();
    value.validate(&mut errors);
    if errors.is_empty() { Ok(value) } else { Err(Problem::invalid(errors.into_vec())) }
}

/// The page that a query asks for.
pub(crate) fn paging(query: Option<&str>) -> Result<PageRequest, Problem> {
    let (mut limits, mut cursors) = (Vec::new(), Vec::new());
    for (name, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match &*name {
            "limit" => limits.push(value),
            "cursor" => cursors.push(value),
            _ => {}
        }
    }
    let mut errors = FieldErrors::default();
    let limit = match limits.as_slice() {
        [] => Some(PageRequest::DEFAULT),
        [one] => one.parse().ok(),
        _ => None,
    };
    let limit = limit.filter(|limit| PageRequest::new(*limit, None).is_ok());
    errors.check("limit", limit.is_some(), "a number from 1 to 200, once");
    let cursor = match cursors.as_slice() {
        [] => Ok(None),
        [one] => Cursor::parse(one).map(Some).map_err(|_| ()),
        _ => Err(()),
    };
    errors.check("cursor", cursor.is_ok(), "not a cursor: send back what `next` said");
    match (limit, cursor) {
        (Some(limit), Ok(cursor)) => PageRequest::new(limit, cursor).map_err(Problem::from),
        _ => Err(Problem::invalid(errors.into_vec())),
    }
}

fn not_json(error: &serde_json::Error) -> Problem {
    Problem::malformed(format!("the body is not JSON: {error}"))
}

/// serde names the field in the message alone where it is missing, there twice or, in enums, unknown: the path
/// then ends at what contains it.
fn field_of(path: &str, message: String) -> FieldError {
    let base = if path == "." { "" } else { path };
    let named =
        |start: &str| message.strip_prefix(start).and_then(|rest| rest.split_once('`')).map(|(name, _)| name);
    let inner = named("missing field `").or_else(|| named("duplicate field `")).or_else(|| {
        named("unknown field `").filter(|name| base != *name && !base.ends_with(&format!(".{name}")))
    });
    let field = match (inner, base) {
        (Some(name), "") => name.to_owned(),
        (Some(name), base) => format!("{base}.{name}"),
        (None, "") => "body".to_owned(),
        (None, base) => base.to_owned(),
    };
    let message = if message.starts_with("missing field") { "is required".to_owned() } else { message };
    FieldError { field, message }
}

/// serde_json's message without the ` at line 1 column 5` at its end.
fn without_place(message: &str) -> String {
    message.rsplit_once(" at line ").map_or(message, |(message, _)| message).to_owned()
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::Value;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Listing {
        name: String,
        price: Price,
        #[serde(default)]
        tags: Vec<Tag>,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Price {
        amount: i64,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    struct Tag {
        key: String,
    }

    impl Validate for Listing {
        fn validate(&self, errors: &mut FieldErrors) {
            errors.check("name", !self.name.is_empty(), "say how it is called");
            errors.within("price", |errors| errors.check("amount", self.price.amount > 0, "above zero"));
        }
    }

    fn answer(body: &str) -> (u16, Vec<String>) {
        let problem = json::<Listing>(body.as_bytes(), Vec::new()).unwrap_err();
        (problem.status(), fields(&problem))
    }

    fn fields(problem: &Problem) -> Vec<String> {
        let document: Value = serde_json::from_slice(&problem.body()).unwrap();
        let errors = document["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|error| error["field"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn syntax_comes_before_fields() {
        for body in ["", "{", "[1,]", "{\"name\": 1, ", "{\"name\": 1} x", "nul", "{\"name\": \"\\ud800\"}"] {
            assert_eq!(answer(body).0, 400, "{body}");
        }
        assert_eq!(json::<Listing>(b"\"\xff\"", Vec::new()).unwrap_err().code(), "malformed");
        let deep = "[".repeat(100_000);
        assert_eq!(answer(&deep).0, 400);
    }

    #[test]
    fn fields_are_named_by_their_path() {
        let table = [
            ("{}", vec!["name"]),
            ("[]", vec!["body"]),
            ("7", vec!["body"]),
            (r#"{"name": 1}"#, vec!["name"]),
            (r#"{"name": "a"}"#, vec!["price"]),
            (r#"{"name": "a", "price": {}}"#, vec!["price.amount"]),
            (r#"{"name": "a", "price": {"amount": "x"}}"#, vec!["price.amount"]),
            (r#"{"name": "a", "price": {"amount": 1.5}}"#, vec!["price.amount"]),
            (r#"{"name": "a", "price": {"amount": 99999999999999999999}}"#, vec!["price.amount"]),
            (r#"{"name": "a", "price": {"amount": 1, "vat": 2}}"#, vec!["price.vat"]),
            (r#"{"name": "a", "price": {"amount": 1}, "tags": [{"key": "k"}, {}]}"#, vec!["tags[1].key"]),
            (r#"{"name": "a", "price": {"amount": 1}, "name": "b"}"#, vec!["name"]),
            (r#"{"name": "a", "price": {"amount": 1}, "extra": 1}"#, vec!["extra"]),
            (r#"{"name": "a", "price": {"amount": 1, "price": 2}}"#, vec!["price.price"]),
            (r#"{"name": "", "price": {"amount": 0}}"#, vec!["name", "price.amount"]),
        ];
        for (body, expected) in table {
            assert_eq!(answer(body), (422, expected.iter().map(ToString::to_string).collect()), "{body}");
        }
    }

    #[test]
    fn queries_name_their_fields_too() {
        #[derive(Debug, Deserialize)]
        struct Filter {
            state: String,
            #[serde(default)]
            least: u32,
        }
        impl Validate for Filter {
            fn validate(&self, errors: &mut FieldErrors) {
                errors.check("state", self.state != "lost", "no such state");
            }
        }
        let wrong = |text| fields(&query::<Filter>(Some(text)).unwrap_err());
        assert_eq!(wrong(""), ["state"]);
        assert_eq!(wrong("state=lost"), ["state"]);
        assert_eq!(wrong("state=a&least=x"), ["least"]);
        assert_eq!(query::<Filter>(Some("state=a+b&least=7")).unwrap().least, 7);
    }

    #[test]
    fn wrong_headers_are_told_with_the_fields() {
        let deferred = || vec![FieldError::new("Idempotency-Key", "missing")];
        let problem = json::<Listing>(br#"{"name": "", "price": {"amount": 1}}"#, deferred()).unwrap_err();
        assert_eq!(fields(&problem), ["Idempotency-Key", "name"]);
        let problem = json::<Listing>(br#"{"name": "a", "price": {"amount": 1}}"#, deferred()).unwrap_err();
        assert_eq!(fields(&problem), ["Idempotency-Key"]);
        assert_eq!(json::<Listing>(b"{", deferred()).unwrap_err().status(), 400);
    }

    #[test]
    fn json_is_called_json() {
        for good in ["application/json", "Application/JSON; charset=utf-8", "application/merge-patch+json"] {
            assert!(is_json(Some(good)), "{good}");
        }
        for bad in
            [None, Some(""), Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("json")]
        {
            assert!(!is_json(bad), "{bad:?}");
        }
    }

    #[test]
    fn pages_are_asked_for_within_bounds() {
        assert_eq!(paging(None), Ok(PageRequest::first()));
        assert_eq!(paging(Some("limit=200&other=1")), Ok(PageRequest::largest()));
        assert_eq!(paging(Some("cursor=a~b")).unwrap().after().unwrap().as_str(), "a~b");
        let wrong = |text| fields(&paging(Some(text)).unwrap_err());
        for text in ["limit=0", "limit=201", "limit=x", "limit=", "limit=-1", "limit=1&limit=2"] {
            assert_eq!(wrong(text), ["limit"], "{text}");
        }
        for text in ["cursor=", "cursor=%20", "cursor=a&cursor=b"] {
            assert_eq!(wrong(text), ["cursor"], "{text}");
        }
        assert_eq!(wrong("limit=0&cursor="), ["limit", "cursor"]);
    }

    #[test]
    fn bodies_are_cut_off_at_the_limit() {
        let read = |chunks: &[&'static str], limit| {
            let chunks: Vec<Result<Bytes, ()>> = chunks.iter().map(|chunk| Ok(Bytes::from(*chunk))).collect();
            futures::executor::block_on(collect(futures::stream::iter(chunks), limit))
        };
        assert_eq!(read(&["ab", "", "cd", "e"], 5).unwrap(), "abcde");
        assert_eq!(read(&[], 0).unwrap(), "");
        assert_eq!(read(&["ab", "cd", "ef"], 5).unwrap_err().code(), "too_large");
        let broken = futures::stream::iter([Ok(Bytes::from("a")), Err(())]);
        assert_eq!(futures::executor::block_on(collect(broken, 9)).unwrap_err().code(), "malformed");
    }
}
