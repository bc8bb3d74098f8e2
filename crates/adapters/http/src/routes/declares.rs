use tenantry_core::Permission;

use crate::{Access, Principal, Public, Require, RequireOn};

/// An argument of a handler that says who may use its route: [`Public`], [`Principal`], [`Require<P>`] and
/// [`RequireOn<P>`].
///
/// An extractor of one's own that holds one of them passes its declaration on:
///
/// ```
/// use tenantry_core::permissions;
/// use tenantry_http::{Access, Declares, Require};
///
/// permissions! {
///     /// Manage tenants.
///     pub TenantManage = "admin:tenants";
/// }
///
/// /// Somebody who may manage tenants, at the platform's own address.
/// struct Administrator(Require<TenantManage>);
///
/// impl Declares for Administrator {
///     const ACCESS: Access = Require::<TenantManage>::ACCESS;
/// }
/// ```
///
/// [`Tenant`](crate::Tenant) is none of them: that a route is for anybody is a word that somebody has to write.
#[diagnostic::on_unimplemented(
    message = "`{Self}` doesn't say who may use the route",
    label = "declares nothing"
)]
pub trait Declares {
    /// Who may use the route.
    const ACCESS: Access;
}

impl Declares for Public {
    const ACCESS: Access = Access::Public;
}

impl Declares for Principal {
    const ACCESS: Access = Access::Member;
}

impl<P: Permission> Declares for Require<P> {
    const ACCESS: Access = Access::permission::<P>();
}

impl<P: Permission> Declares for RequireOn<P> {
    const ACCESS: Access = Access::permission_on::<P>();
}

/// The arguments of a handler of which exactly one [`Declares`] who may use its route, the one at `Place`.
///
/// It is what the frameworks' own `Handler` traits carry: a tuple of up to 16 arguments, with a marker of axum's own
/// before them. It has no methods to call and no types to implement it for: give the handler one argument more.
#[diagnostic::on_unimplemented(
    message = "this handler doesn't say who may use its route",
    label = "no argument of it is `Public`, `Principal`, `Require<P>` or `RequireOn<P>`",
    note = "add one of them as an argument: `Public` for anybody, `Principal` for any member of the tenant, \
            `Require<P>` for those who hold the permission `P`, `RequireOn<P>` for those who hold it on what the \
            handler loads"
)]
pub trait DeclaringArguments<Place> {
    /// Who may use the route.
    const ACCESS: Access;
}

/// The place of an argument.
#[derive(Debug, Clone, Copy)]
pub struct At<const PLACE: usize>;

/// Implements [`DeclaringArguments`] for every place of the tuple `[before…] one [after…]`, one after the other.
macro_rules! every_place {
    ($place:expr, [$($before:ident)*]) => {};
    ($place:expr, [$($before:ident)*] $one:ident $($after:ident)*) => {
        impl<$($before,)* $one: Declares, $($after,)*> DeclaringArguments<At<{ $place }>>
            for ($($before,)* $one, $($after,)*)
        {
            const ACCESS: Access = $one::ACCESS;
        }
        every_place!($place + 1, [$($before)* $one] $($after)*);
    };
}

macro_rules! every_length {
    ([$($taken:ident)*]) => {};
    ([$($taken:ident)*] $next:ident $($rest:ident)*) => {
        every_place!(0, [] $($taken)* $next);
        every_length!([$($taken)* $next] $($rest)*);
    };
}

every_length!([] A B C D E F G H I J K L M N O P Q);
