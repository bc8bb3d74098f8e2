use std::fmt;

use tenantry_core::{Catalog, Permission, PermissionIndex};

/// Who may use a route: what each route of a service declares.
///
/// Mostly read from what its handler asks for (see [`Declares`](crate::Declares)); written down where there is no
/// such handler, as for a folder of files.
///
/// ```
/// use tenantry_core::permissions;
/// use tenantry_http::Access;
///
/// permissions! {
///     /// Read listings.
///     pub ListingRead = "listing:read";
/// }
///
/// let access = Access::permission::<ListingRead>();
/// assert_eq!(access.to_string(), "listing:read");
/// assert_ne!(access, Access::Member);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody, signed in or not, at any host: signing in, health, what a provider signs itself.
    Public,
    /// Any member of the tenant at whose host the request is, whatever its roles.
    Member,
    /// Members who hold a permission, within the tenant's plan: see [`Access::permission`].
    Permission(DeclaredPermission),
}

impl Access {
    /// Members who hold `P`.
    #[must_use]
    pub const fn permission<P: Permission>() -> Self {
        Self::Permission(DeclaredPermission {
            key: P::KEY,
            description: P::DESCRIPTION,
            index: Catalog::index::<P>,
        })
    }

    /// The permission that is asked for, if one is.
    #[must_use]
    pub const fn asked(&self) -> Option<&DeclaredPermission> {
        match self {
            Self::Permission(permission) => Some(permission),
            Self::Public | Self::Member => None,
        }
    }

    /// What this comes to in an application with this catalog; `None` for a permission that it doesn't have.
    #[cfg(any(feature = "tower", feature = "actix"))]
    pub(crate) fn ruling(&self, catalog: &Catalog) -> Option<Ruling> {
        Some(match self {
            Self::Public => Ruling::Public,
            Self::Member => Ruling::Member,
            Self::Permission(permission) => Ruling::Holds(permission.index(catalog)?),
        })
    }

    /// Whether a handler that asks for this can stand behind a route that declares `declared`.
    #[cfg(any(feature = "axum", feature = "actix"))]
    pub(crate) fn fits(&self, declared: &Self) -> bool {
        self == declared || (*self == Self::Member && declared.asked().is_some())
    }
}

/// `public`, `member`, or the permission's name.
impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Public => "public",
            Self::Member => "member",
            Self::Permission(permission) => permission.key,
        })
    }
}

/// A permission that a route asks for: its name and what it allows. Two are equal when their names are.
#[derive(Clone, Copy)]
pub struct DeclaredPermission {
    key: &'static str,
    description: &'static str,
    index: fn(&Catalog) -> Option<PermissionIndex>,
}

impl DeclaredPermission {
    /// Its name, such as `listing:read`.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        self.key
    }

    /// What it allows, in words.
    #[must_use]
    pub const fn description(&self) -> &'static str {
        self.description
    }

    /// Its place in a catalog; `None` when the catalog doesn't have it.
    #[must_use]
    pub fn index(&self, catalog: &Catalog) -> Option<PermissionIndex> {
        (self.index)(catalog)
    }
}

impl PartialEq for DeclaredPermission {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for DeclaredPermission {}

impl fmt::Debug for DeclaredPermission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeclaredPermission({})", self.key)
    }
}

/// An [`Access`] within one application.
#[cfg(any(feature = "tower", feature = "actix"))]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ruling {
    Public,
    Member,
    Holds(PermissionIndex),
}

#[cfg(any(feature = "tower", feature = "actix"))]
impl Ruling {
    /// Whether what an extractor asks for is what the route declared: a handler may be content with a member where
    /// the route asks for a permission, and in no other way ask for something else.
    pub(crate) fn admits(self, asked: Self) -> bool {
        self == asked || matches!((self, asked), (Self::Holds(_), Self::Member))
    }
}
