//! Reading request bodies and references.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::IntoResponse;
use serde::de::DeserializeOwned;
use serde_json::error::Category;

use crate::refusal::Refusal;
use crate::values::Reference;

/// The longest body that is read, in bytes.
pub(crate) const LONGEST: usize = 16 * 1024;

/// The JSON body of a request, whatever content type it claims.
pub(crate) struct Body<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        let Raw(bytes) = Raw::from_request(request, state).await?;
        from_json(&bytes).map(Body)
    }
}

/// The bytes of a body, no more than [`LONGEST`].
pub(crate) struct Raw(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Raw {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Self::Rejection> {
        match Bytes::from_request(request, state).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(rejection) => Err(unread(rejection)),
        }
    }
}

fn unread(rejection: BytesRejection) -> Refusal {
    if rejection.into_response().status() == StatusCode::PAYLOAD_TOO_LARGE {
        Refusal::TooLarge
    } else {
        Refusal::Malformed("the body broke off".to_owned())
    }
}

/// Reads JSON; what is well formed but wrong is refused by field.
pub(crate) fn from_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let field = error.path().to_string();
        let inner = error.into_inner();
        match inner.classify() {
            Category::Data => Refusal::field(if field == "." { "" } else { &field }, inner.to_string()),
            Category::Io | Category::Syntax | Category::Eof => {
                Refusal::Malformed(format!("the body is not JSON: {inner}"))
            }
        }
    })?;
    deserializer.end().map_err(|error| Refusal::Malformed(format!("the body is not JSON: {error}")))?;
    Ok(value)
}

/// The reference that a path names.
pub(crate) struct Named(pub(crate) Reference);

impl<S: Send + Sync> FromRequestParts<S> for Named {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Self::Rejection> {
        let Path(text) =
            Path::<String>::from_request_parts(parts, state).await.map_err(|_| Refusal::NoRoute)?;
        Reference::try_from(text).map(Self).map_err(|message| Refusal::field("reference", message))
    }
}
