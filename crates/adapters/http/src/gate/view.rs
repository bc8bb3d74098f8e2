use std::net::IpAddr;

/// What the gate reads of a request, whatever framework it came through.
///
/// An implementation answers from the request itself, never from what a client can add to it, such as
/// `X-Forwarded-Host`.
pub trait RequestView {
    /// The one host that the request names: the `Host` field, or the authority of its target (HTTP/2, or a target
    /// in absolute form). `None` when there is none, more than one, one that isn't text, or two that differ: such
    /// a request belongs to no tenant.
    fn host(&self) -> Option<&str>;

    /// The path of the target.
    fn path(&self) -> &str;

    /// The query of the target, without its question mark.
    fn query(&self) -> Option<&str>;

    /// The one `Authorization` field, if it is there once and is text.
    fn authorization(&self) -> Option<&str>;

    /// The length of the body in bytes, where the client says it.
    fn content_length(&self) -> Option<u64>;

    /// The address of whoever is at the other end of the connection.
    fn peer(&self) -> Option<IpAddr>;

    /// The value of the field `name` (in lower case), if it is there once and is text.
    fn field(&self, name: &str) -> Option<&str>;
}

/// What a request shows at the gate: the host that it names, its token and the length of its body.
#[derive(Clone, Copy)]
pub struct Credentials<'a> {
    pub(super) host: Option<&'a str>,
    pub(super) token: Presented<'a>,
    pub(super) content_length: Option<u64>,
}

impl std::fmt::Debug for Credentials<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials")
            .field("host", &self.host)
            .field("content_length", &self.content_length)
            .finish_non_exhaustive()
    }
}

impl<'a> Credentials<'a> {
    pub(super) fn of<R: RequestView + ?Sized>(request: &'a R) -> Self {
        Self {
            host: request.host(),
            token: request.authorization().map_or(Presented::Nothing, Presented::parse),
            content_length: request.content_length(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Presented<'a> {
    Nothing,
    NoBearer,
    Bearer(&'a str),
}

impl<'a> Presented<'a> {
    /// `Bearer` in any case, one or more spaces, and a token (RFC 6750 §2.1, RFC 9110 §11.1).
    fn parse(field: &'a str) -> Self {
        match field.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("Bearer") && !token.trim().is_empty() => {
                Self::Bearer(token.trim())
            }
            _ => Self::NoBearer,
        }
    }
}

/// The one host of a request that may name one in its target and one in a field.
#[cfg(any(feature = "tower", feature = "actix"))]
pub(crate) fn one_host<'a>(
    authority: Option<&'a str>,
    mut fields: impl Iterator<Item = Option<&'a str>>,
) -> Option<&'a str> {
    let field = fields.next();
    if fields.next().is_some() {
        return None;
    }
    match (authority, field) {
        (Some(authority), Some(Some(field))) => authority.eq_ignore_ascii_case(field).then_some(authority),
        (Some(authority), None) => Some(authority),
        (None, Some(Some(field))) => Some(field),
        (_, Some(None)) | (None, None) => None,
    }
}

/// The only value, if there is exactly one and it is text.
#[cfg(any(feature = "tower", feature = "actix"))]
pub(crate) fn only<'a>(mut values: impl Iterator<Item = Option<&'a str>>) -> Option<&'a str> {
    let first = values.next()??;
    if values.next().is_some() { None } else { Some(first) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_bearer_in_any_case() {
        for field in ["Bearer abc", "bearer abc", "BEARER   abc", "Bearer abc "] {
            assert_eq!(Presented::parse(field), Presented::Bearer("abc"), "{field}");
        }
        for field in ["", "abc", "Bearer", "Bearer ", "Basic abc", "Bearer\tabc"] {
            assert_eq!(Presented::parse(field), Presented::NoBearer, "{field}");
        }
    }

    #[cfg(any(feature = "tower", feature = "actix"))]
    #[test]
    fn two_hosts_are_none() {
        let host = |authority, fields: &[Option<&'static str>]| one_host(authority, fields.iter().copied());
        assert_eq!(host(None, &[Some("a.localhost")]), Some("a.localhost"));
        assert_eq!(host(Some("a.localhost"), &[]), Some("a.localhost"));
        assert_eq!(host(Some("a.localhost"), &[Some("A.localhost")]), Some("a.localhost"));
        assert_eq!(host(Some("a.localhost"), &[Some("b.localhost")]), None);
        assert_eq!(host(None, &[Some("a.localhost"), Some("a.localhost")]), None);
        assert_eq!(host(Some("a.localhost"), &[Some("a.localhost"), Some("a.localhost")]), None);
        assert_eq!(host(Some("a.localhost"), &[None]), None);
        assert_eq!(host(None, &[]), None);
    }
}
