//! The permissions that everybody is asked about: twenty areas, ten actions in each.

use tenantry_core::{Catalog, CatalogBuilder, CatalogError, Permission};

/// How many permissions there are.
pub const PERMISSIONS: usize = AREAS.len() * ACTIONS.len();

/// What is done in each area.
pub const ACTIONS: [&str; 10] =
    ["read", "list", "create", "edit", "publish", "archive", "delete", "export", "share", "approve"];

/// One permission, by its area and its action.
struct Of<const AREA: usize, const ACTION: usize>;

impl<const AREA: usize, const ACTION: usize> Permission for Of<AREA, ACTION> {
    const KEY: &'static str = KEYS[AREA][ACTION];
    const DESCRIPTION: &'static str = "One of the two hundred.";
}

macro_rules! areas {
    ($($place:literal $area:literal),+ $(,)?) => {
        /// The areas.
        pub const AREAS: [&str; 20] = [$($area),+];

        const KEYS: [[&str; 10]; 20] = [$([
            concat!($area, ":read"), concat!($area, ":list"), concat!($area, ":create"), concat!($area, ":edit"),
            concat!($area, ":publish"), concat!($area, ":archive"), concat!($area, ":delete"),
            concat!($area, ":export"), concat!($area, ":share"), concat!($area, ":approve"),
        ]),+];

        fn declared(builder: CatalogBuilder) -> CatalogBuilder {
            builder$(
                .permission::<Of<$place, 0>>().permission::<Of<$place, 1>>().permission::<Of<$place, 2>>()
                .permission::<Of<$place, 3>>().permission::<Of<$place, 4>>().permission::<Of<$place, 5>>()
                .permission::<Of<$place, 6>>().permission::<Of<$place, 7>>().permission::<Of<$place, 8>>()
                .permission::<Of<$place, 9>>()
            )+
        }
    };
}

areas! {
    0 "listing", 1 "order", 2 "invoice", 3 "payment", 4 "refund", 5 "dispute", 6 "message", 7 "review", 8 "package",
    9 "coupon", 10 "member", 11 "team", 12 "role", 13 "key", 14 "domain", 15 "webhook", 16 "audit", 17 "report",
    18 "plan", 19 "branding",
}

/// The key of a permission by its number: its area's number times ten and its action's.
#[must_use]
pub fn key(permission: usize) -> &'static str {
    KEYS[permission / ACTIONS.len()][permission % ACTIONS.len()]
}

/// All of them.
///
/// # Errors
/// [`CatalogError`], were one of the keys none.
pub fn catalog() -> Result<Catalog, CatalogError> {
    Catalog::builder().with(declared).resource::<crate::Document>().build()
}
