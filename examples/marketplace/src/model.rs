//! The marketplace in the library's words: its permissions, the kinds of tenants with their roles, its meters
//! and its plans. What a kind of tenant may do is said here and nowhere else.

use std::str::FromStr;
use std::sync::Arc;

use tenantry::{
    Catalog, CatalogError, Interval, InvalidKey, InvalidRole, Matrix, MatrixColumn, Meter, MeterKey, NewRole,
    Plan, PlanError, PlanRef, Plans, Rate, Role, RoleKey, Slug, Store, TenantId, TenantKind, Tenantry,
};

use crate::listings::Listing;
use crate::orders::PartyOrder;
use crate::settings::Settings;

tenantry::permissions! {
    /// Adds the marketplace's permissions.
    fn all_permissions;

    /// See listings.
    pub(crate) ListingRead = "listing:read";
    /// Create listings.
    pub(crate) ListingCreate = "listing:create";
    /// Change listings.
    pub(crate) ListingWrite = "listing:write";
    /// Publish listings and take them back.
    pub(crate) ListingPublish = "listing:publish";
    /// Delete listings.
    pub(crate) ListingDelete = "listing:delete";
    /// Buy.
    pub(crate) OrderPlace = "order:place", danger Sensitive;
    /// See the orders in which one has a part.
    pub(crate) OrderRead = "order:read";
    /// Accept, cancel and dispute what one buys.
    pub(crate) OrderReview = "order:review", danger Sensitive;
    /// Resolve disputes.
    pub(crate) OrderResolve = "order:resolve", danger Critical;
    /// See one's balance and statement.
    pub(crate) BalanceRead = "account:balance", danger Sensitive;
    /// See what one uses of one's plan.
    pub(crate) UsageRead = "account:usage";
    /// See the marketplace's figures.
    pub(crate) PerformanceRead = "performance:read";
    /// List, suspend, reactivate and approve tenants.
    pub(crate) TenantManage = "admin:tenants", danger Critical;
    /// Read the platform's audit trail.
    pub(crate) AuditRead = "admin:audit", danger Sensitive;
    /// Read the platform's books.
    pub(crate) LedgerRead = "admin:ledger", danger Sensitive;
}

/// The slug of the platform's own tenant: a reserved one, so that nobody can register it.
pub(crate) fn platform_slug() -> Result<Slug, tenantry::InvalidSlug> {
    "platform".parse()
}

/// How many listings a seller may hold, drafts included.
const LISTINGS: i64 = 10;

/// The meter of listings.
pub(crate) fn listings_meter() -> Result<MeterKey, InvalidKey> {
    MeterKey::new("listings")
}

/// Every permission, and what conditions may ask of what they are about.
pub(crate) fn catalog() -> Result<Catalog, CatalogError> {
    Catalog::builder().with(all_permissions).resource::<Listing>().resource::<PartyOrder>().build()
}

/// The library over a store, with the marketplace's own model: for what stands beside the server, such as tests that make
/// members. Its rates aren't the server's.
///
/// # Errors
/// [`ModelError`].
pub fn library(store: Arc<dyn Store>) -> Result<Tenantry, ModelError> {
    Ok(Tenantry::new(store, catalog()?, plans_at(Rate::per_hour(1), Rate::per_hour(1))?))
}

/// A kind of tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Runs the marketplace.
    Platform,
    /// Sells.
    Seller,
    /// Buys.
    Buyer,
    /// Sees the figures, once approved.
    Investor,
}

impl Kind {
    /// The kinds that anybody can register.
    pub(crate) const OPEN: [Self; 3] = [Self::Seller, Self::Buyer, Self::Investor];

    /// Its word.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Seller => "seller",
            Self::Buyer => "buyer",
            Self::Investor => "investor",
        }
    }

    /// The kind with this word, among those that anybody can register.
    pub(crate) fn open(word: &str) -> Option<Self> {
        Self::OPEN.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The kind as the library knows it.
    pub(crate) fn tenant_kind(self) -> Result<TenantKind, ModelError> {
        self.as_str().parse().map_err(|_| ModelError::Word(self.as_str()))
    }

    /// The plan that a tenant of this kind begins with.
    pub(crate) fn first_plan(self) -> Result<PlanRef, ModelError> {
        plan_ref(match self {
            Self::Platform => "platform@1",
            Self::Seller => "seller@1",
            Self::Buyer => "buyer@1",
            Self::Investor => "applicant@1",
        })
    }

    /// The roles that a tenant of this kind begins with.
    pub(crate) fn roles(self) -> Result<Vec<NewRole>, ModelError> {
        let owner: &[&str] = match self {
            Self::Platform => &["listing:read", "order:read", "order:resolve", "account:*", "admin:*"],
            Self::Seller => &["listing:*", "order:read", "account:*"],
            Self::Buyer => &["listing:read", "order:place", "order:read", "order:review", "account:*"],
            Self::Investor => &["listing:read", "account:*", "performance:read"],
        };
        let mut roles =
            vec![NewRole { key: RoleKey::owner(), name: "Owner".to_owned(), grants: parsed(owner)? }];
        let staff: &[(&'static str, &str, &[&str])] = match self {
            Self::Seller => &[("author", "Author", &AUTHOR)],
            Self::Buyer => &[("purchaser", "Purchaser", &PURCHASER)],
            Self::Platform | Self::Investor => &[],
        };
        for (key, name, grants) in staff {
            let key = key.parse().map_err(|_| ModelError::Word(key))?;
            roles.push(NewRole { key, name: (*name).to_owned(), grants: parsed(grants)? });
        }
        Ok(roles)
    }
}

/// Members of a seller who write listings: they see what is published and their own drafts, change and publish what they
/// wrote, and delete it while it is a draft.
const AUTHOR: [&str; 5] = [
    "listing:create",
    "listing:read when resource.author = caller.id or resource.published = true",
    "listing:write when resource.author = caller.id",
    "listing:publish when resource.author = caller.id",
    "listing:delete when resource.author = caller.id and resource.published = false",
];

/// Members of a buyer who buy: they see and review what they ordered themselves.
const PURCHASER: [&str; 4] = [
    "listing:read",
    "order:place",
    "order:read when resource.placed_by = caller.id",
    "order:review when resource.placed_by = caller.id",
];

/// What each role of each kind of tenant may do, under the plan that the kind begins with, and an investor's once it is
/// approved.
///
/// # Errors
/// [`ModelError`].
pub fn access_matrix() -> Result<Matrix, ModelError> {
    let (catalog, plans) = (catalog()?, plans_at(Rate::per_hour(1), Rate::per_hour(1))?);
    let begun = |kind: Kind| Ok::<_, ModelError>((kind.as_str(), kind, kind.first_plan()?));
    let applicant = ("applicant", Kind::Investor, Kind::Investor.first_plan()?);
    let investor = ("investor", Kind::Investor, approved_plan()?);
    let kinds = [begun(Kind::Platform)?, begun(Kind::Seller)?, begun(Kind::Buyer)?, applicant, investor];
    let mut columns = Vec::new();
    for (title, kind, plan) in kinds {
        let plan = plans.plan(&plan).ok_or(ModelError::Word(title))?;
        for NewRole { key, name, grants } in kind.roles()? {
            let title = format!("{title} {key}");
            columns.push((
                title,
                Role::new(TenantId::from_uuid(uuid::Uuid::nil()), key, name, grants, 1)?,
                plan,
            ));
        }
    }
    let columns =
        columns.iter().map(|(title, role, plan)| MatrixColumn::of(role).titled(title).within(&plan.allows));
    Ok(Matrix::of_columns(&catalog, columns))
}

/// The plan of an investor who was approved.
pub(crate) fn approved_plan() -> Result<PlanRef, ModelError> {
    plan_ref("investor@1")
}

/// The plans, with the rates of the settings. An investor who wasn't approved yet has a plan that leaves the
/// figures out: approving is a change of plan.
pub(crate) fn plans(settings: &Settings) -> Result<Plans, ModelError> {
    plans_at(Rate::per_hour(settings.seller_rate), Rate::per_hour(settings.buyer_rate))
}

fn plans_at(sellers: Rate, others: Rate) -> Result<Plans, ModelError> {
    let plan = |reference| Ok::<_, ModelError>(Plan::new(plan_ref(reference)?, Interval::Month));
    let without_figures = parsed(&["listing:*", "order:*", "account:*"])?;
    Ok(Plans::builder()
        .meter(Meter::gauge(listings_meter()?))
        .plan(plan("platform@1")?.with_rate(others))
        .plan(plan("seller@1")?.with_rate(sellers).with_quota(listings_meter()?, LISTINGS))
        .plan(plan("buyer@1")?.with_rate(others))
        .plan(plan("applicant@1")?.with_rate(others).with_access(without_figures))
        .plan(plan("investor@1")?.with_rate(others))
        .build()?)
}

fn plan_ref(text: &'static str) -> Result<PlanRef, ModelError> {
    text.parse().map_err(|_| ModelError::Word(text))
}

fn parsed<T: FromStr>(words: &[&'static str]) -> Result<Vec<T>, ModelError> {
    words.iter().map(|word| word.parse().map_err(|_| ModelError::Word(word))).collect()
}

/// A mistake in this file.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A word that is none.
    #[error("{0:?} is no word of the model")]
    Word(&'static str),
    /// The catalog.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The plans.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A meter's name.
    #[error(transparent)]
    Key(#[from] InvalidKey),
    /// A role.
    #[error(transparent)]
    Role(#[from] InvalidRole),
}
