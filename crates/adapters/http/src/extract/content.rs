use bytes::Bytes;
use tenantry_core::PageRequest;

/// A body of JSON, well-formed and valid.
///
/// | the body | answer |
/// | --- | --- |
/// | is longer than the gate allows | 413 `too_large`; one of unknown length is cut off while it is read |
/// | isn't called `application/json`, or isn't JSON to its last byte | 400 `malformed` |
/// | has wrong fields | 422 `invalid`, with the path of the first field that serde refuses |
/// | is refused by [`Validate`](crate::Validate) | 422 `invalid`, with all fields that are wrong |
///
/// Unknown fields are as `T`'s serde attributes say. It comes last among a handler's arguments in axum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Body<T>(pub T);

/// A body as it came, byte for byte, no longer than the gate allows: for what is verified over its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawBody(pub Bytes);

/// The query of the request's target as a `T`; a field that is wrong is 422 `invalid`.
///
/// In axum it comes after the gate's extractors, as all that looks into a request does: see the
/// [order of refusals](crate). A handler that has it the other way round answers 500 `misordered`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query<T>(pub T);

/// The page of a list that `?limit=` and `?cursor=` ask for: 1 to 200 items, 50 unless said. Anything else is 422
/// `invalid`.
///
/// In axum it comes after the gate's extractors, like [`Query`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paging(pub PageRequest);
