use std::fmt;

/// Where in a request another tenant was named, or in what other way the answer could have come to hold its data.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Place {
    /// Nowhere: the caller asked for its own, or for nothing in particular.
    Nowhere,
    /// The parameter of the path with this name.
    Path(String),
    /// The parameter of the query with this name.
    Query(String),
    /// The header with this name.
    Header(String),
    /// The member of the body at this JSON pointer.
    Body(String),
    /// Every place that names something, at once.
    Everywhere,
    /// A header with this name that the route doesn't declare, naming a tenant.
    TenantHeader(String),
    /// A parameter of the query with this name that the route doesn't declare, naming a tenant.
    TenantQuery(String),
    /// A member of the body with this name that the route doesn't declare, naming a tenant.
    TenantMember(String),
    /// The path, with a header that asks for another method.
    Method(String),
    /// `If-None-Match` with the entity tag of another tenant's answer.
    EntityTag,
    /// The same address, asked for by two tenants in turn.
    Turns,
    /// Many connections at once, of several tenants.
    Crowd,
    /// What a probe with this name saw.
    Probe(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => f.write_str("its own things"),
            Self::Path(name) => write!(f, "path parameter `{name}`"),
            Self::Query(name) => write!(f, "query parameter `{name}`"),
            Self::Header(name) => write!(f, "header `{name}`"),
            Self::Body(pointer) => write!(f, "body `{pointer}`"),
            Self::Everywhere => f.write_str("every place that names something"),
            Self::TenantHeader(name) => write!(f, "added header `{name}`"),
            Self::TenantQuery(name) => write!(f, "added query parameter `{name}`"),
            Self::TenantMember(name) => write!(f, "added body member `{name}`"),
            Self::Method(header) => write!(f, "path, with another method in `{header}`"),
            Self::EntityTag => f.write_str("header `If-None-Match`"),
            Self::Turns => f.write_str("the same address, asked for in turns"),
            Self::Crowd => f.write_str("many connections at once"),
            Self::Probe(name) => write!(f, "probe `{name}`"),
        }
    }
}

/// How an identifier was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Form {
    /// As its owner was given it.
    Plain,
    /// In capitals.
    Upper,
    /// In small letters.
    Lower,
    /// Every byte in hex (`%61`).
    Encoded,
    /// Every byte in hex, twice (`%2561`).
    EncodedTwice,
    /// With a slash after it.
    TrailingSlash,
    /// With a space before and after it.
    Spaced,
    /// A UUID without its hyphens.
    Undashed,
    /// In a list, after one of the caller's own.
    BesideOwn,
    /// With the entity tag of its owner's answer in `If-None-Match` and `If-Match`.
    WithEntityTag,
    /// With headers that name its tenant.
    WithTenantHeaders,
}

impl Form {
    /// The forms in which each identifier in a path is tried, beside the plain one.
    pub(crate) const IN_A_PATH: [Self; 9] = [
        Self::Upper,
        Self::Lower,
        Self::Encoded,
        Self::EncodedTwice,
        Self::TrailingSlash,
        Self::Spaced,
        Self::Undashed,
        Self::WithEntityTag,
        Self::WithTenantHeaders,
    ];
    /// The same, elsewhere in a request.
    pub(crate) const ELSEWHERE: [Self; 5] =
        [Self::Upper, Self::Lower, Self::Spaced, Self::Undashed, Self::WithTenantHeaders];

    /// The identifier in this form, where the form changes it.
    pub(crate) fn of(self, text: &str) -> Option<String> {
        let written = match self {
            Self::Upper => text.to_uppercase(),
            Self::Lower => text.to_lowercase(),
            Self::Spaced => format!(" {text} "),
            Self::Undashed => uuid::Uuid::parse_str(text).ok()?.simple().to_string(),
            _ => return Some(text.to_owned()),
        };
        (written != text).then_some(written)
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plain => "as it is",
            Self::Upper => "in capitals",
            Self::Lower => "in small letters",
            Self::Encoded => "percent-encoded",
            Self::EncodedTwice => "percent-encoded twice",
            Self::TrailingSlash => "with a trailing slash",
            Self::Spaced => "between spaces",
            Self::Undashed => "without hyphens",
            Self::BesideOwn => "in a list beside an own one",
            Self::WithEntityTag => "with its owner's entity tag",
            Self::WithTenantHeaders => "with headers that name its tenant",
        })
    }
}
