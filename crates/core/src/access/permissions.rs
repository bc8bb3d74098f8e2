//! The macro that declares an application's permissions.

/// Declares permissions: unit types that implement [`Permission`](crate::Permission).
///
/// The doc comment of each becomes its description in the [`Catalog`](crate::Catalog), and so is required.
/// A first line `fn name;` also declares a function that adds them all to a builder, so that none is
/// forgotten. After the key may stand `danger` with a [`Danger`](crate::Danger), and `implies` with the keys that
/// come with it. A key that isn't a [`PermissionKey`](crate::PermissionKey) doesn't compile.
///
/// ```
/// use tenantry_core::{Catalog, Permission, permissions};
///
/// permissions! {
///     /// Adds the permissions of listings.
///     pub fn listing_permissions;
///
///     /// Read listings.
///     pub ListingRead = "listing:read";
///     /// Publish a listing
///     /// and take it back.
///     pub ListingPublish = "listing:publish", implies ["listing:read"];
///     /// Delete a listing for good.
///     pub ListingDelete = "listing:delete", danger Critical, implies ["listing:read"];
/// }
///
/// let catalog = Catalog::builder().with(listing_permissions).build()?;
/// assert_eq!(catalog.len(), 3);
/// assert_eq!(catalog.resolve(&["listing:publish".parse()?]).len(), 2);
/// assert_eq!(ListingRead::DESCRIPTION, "Read listings.");
/// assert_eq!(ListingPublish::DESCRIPTION, "Publish a listing and take it back.");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A pattern isn't a permission:
///
/// ```compile_fail
/// tenantry_core::permissions! {
///     /// Everything about listings.
///     pub Listings = "listing:*";
/// }
/// ```
#[macro_export]
macro_rules! permissions {
    (
        $(#[$function_attribute:meta])*
        $function_vis:vis fn $function:ident;
        $(
            $(#[doc = $doc:literal])+ $vis:vis $name:ident = $key:literal
                $(, danger $danger:ident)? $(, implies [$($implied:literal),+ $(,)?])?;
        )+
    ) => {
        $crate::permissions! {
            $($(#[doc = $doc])+ $vis $name = $key $(, danger $danger)? $(, implies [$($implied),+])?;)+
        }

        $(#[$function_attribute])*
        $function_vis fn $function(builder: $crate::CatalogBuilder) -> $crate::CatalogBuilder {
            builder$(.permission::<$name>())+
        }
    };
    ($(
        $(#[doc = $doc:literal])+ $vis:vis $name:ident = $key:literal
            $(, danger $danger:ident)? $(, implies [$($implied:literal),+ $(,)?])?;
    )+) => {$(
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        $vis struct $name;

        impl $crate::Permission for $name {
            const KEY: &'static str = {
                assert!($crate::PermissionKey::is_valid($key), "not a permission: write it like listing:read");
                $key
            };
            const DESCRIPTION: &'static str = concat!($($doc),+).trim_ascii();
            $(const DANGER: $crate::Danger = $crate::Danger::$danger;)?
            $(const IMPLIES: &'static [&'static str] = &[$($implied),+];)?
        }

        const _: &str = <$name as $crate::Permission>::KEY;
    )+};
}
