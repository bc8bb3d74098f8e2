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
/// assert_eq!(Access::permission_on::<ListingRead>().to_string(), "listing:read on resource");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anybody, signed in or not, at any host: signing in, health, what a provider signs itself.
    Public,
    /// Any member of the tenant at whose host the request is, whatever its roles.
    Member,
    /// Members who hold a permission, within the tenant's plan: see [`Access::permission`].
    Permission(DeclaredPermission),
    /// Members who hold a permission on something, or in some requests; whether on what they ask for is decided once it is
    /// loaded: what a handler with [`RequireOn`](crate::RequireOn) declares.
    PermissionOn(DeclaredPermission),
}

impl Access {
    /// Members who hold `P`, on everything in the tenant and in every request.
    #[must_use]
    pub const fn permission<P: Permission>() -> Self {
        Self::Permission(DeclaredPermission::of::<P>())
    }

    /// Members who hold `P` on something, or in some requests. Only a handler that is known to check the rest can stand
    /// behind it: one that takes [`RequireOn<P>`](crate::RequireOn).
    #[must_use]
    pub const fn permission_on<P: Permission>() -> Self {
        Self::PermissionOn(DeclaredPermission::of::<P>())
    }

    /// The permission that is asked for, if one is, on everything or on what is loaded.
    #[must_use]
    pub const fn asked(&self) -> Option<&DeclaredPermission> {
        match self {
            Self::Permission(permission) | Self::PermissionOn(permission) => Some(permission),
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
            Self::PermissionOn(permission) => Ruling::MayHold(permission.index(catalog)?),
        })
    }

    /// Whether a handler that asks for this can stand behind a route that declares `declared`: one that asks
    /// for the same, or for less where the route has already decided on the whole permission.
    #[cfg(any(feature = "axum", feature = "actix"))]
    pub(crate) fn fits(&self, declared: &Self) -> bool {
        match (self, declared) {
            (Self::Member, Self::Permission(_)) => true,
            (Self::PermissionOn(asked), Self::Permission(declared)) => asked == declared,
            (asked, declared) => asked == declared,
        }
    }
}

/// `public`, `member`, the permission's name, or that name and `on resource`.
impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Public => f.pad("public"),
            Self::Member => f.pad("member"),
            Self::Permission(permission) => f.pad(permission.key),
            Self::PermissionOn(permission) => f.pad(&format!("{} on resource", permission.key)),
        }
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
    const fn of<P: Permission>() -> Self {
        Self { key: P::KEY, description: P::DESCRIPTION, index: Catalog::index::<P> }
    }

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
    /// On everything in the tenant, in every request.
    Holds(PermissionIndex),
    /// On something, or in some request.
    MayHold(PermissionIndex),
}

#[cfg(any(feature = "tower", feature = "actix"))]
impl Ruling {
    /// Whether what an extractor asks for is what the route declared. Where the route asks for a permission
    /// on everything, a handler may be content with a member or decide on what it loads; in no other way may
    /// it ask for something else.
    pub(crate) fn admits(self, asked: Self) -> bool {
        match (self, asked) {
            (Self::Holds(_), Self::Member) => true,
            (Self::Holds(declared), Self::MayHold(asked)) => declared == asked,
            (declared, asked) => declared == asked,
        }
    }
}
