//! Roles against permissions, for whoever reviews a policy.

mod html;
mod text;

use serde::Serialize;

use super::authority::Authority;
use super::catalog::Catalog;
use super::condition::{CallerFacts, Condition};
use super::extent::{Extent, Place};
use super::grant::{Effect, Grant};
use super::holding::{Holding, PrincipalId};
use super::permission::Danger;
use super::permission_key::PermissionKey;
use super::permission_set::PermissionIndex;
use super::role::{Role, RoleKey};
use super::scope::Scope;
use crate::id::UserId;

/// What each role gives: a row for each permission of the catalog, a column for each role.
///
/// Displayed, it is an aligned table and, below it, a line for each thing that a mark alone doesn't say; checked in as a
/// golden file, it shows a change of policy as a diff. [`Matrix::to_html`] is the same for a reviewer. A role is looked
/// at alone and in its whole tenant: somebody who holds several has what any of them allows, less what any denies.
///
/// ```
/// use tenantry_core::{Catalog, MatrixCell, Matrix, Role, TenantId, permissions};
///
/// permissions! {
///     /// Read listings.
///     pub ListingRead = "listing:read";
///     /// Change listings.
///     pub ListingEdit = "listing:edit", implies ["listing:read"];
/// }
///
/// let catalog = Catalog::builder().permission::<ListingRead>().permission::<ListingEdit>().build()?;
/// let own = vec!["listing:read".parse()?, "listing:edit when resource.seller = caller.id".parse()?];
/// let seller = Role::new(TenantId::generate(), "seller".parse()?, "Seller", own, 1)?;
///
/// let matrix = Matrix::of(&catalog, &[seller]);
/// let read = matrix.rows().iter().find(|row| row.key.as_str() == "listing:read").ok_or("no such row")?;
/// assert_eq!(read.cells, [MatrixCell::Allowed { implied_by: None }]);
/// assert!(matrix.to_string().contains("listing:edit, seller: when resource.seller = caller.id"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Matrix {
    columns: Vec<MatrixHead>,
    rows: Vec<MatrixRow>,
}

/// What a column of a [`Matrix`] is about: a role, under a plan.
#[derive(Debug, Clone)]
pub struct MatrixColumn<'a> {
    title: String,
    role: &'a Role,
    plan: Vec<Scope>,
}

/// The head of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MatrixHead {
    /// What stands above it: unless it was given one, the role's key.
    pub title: String,
    /// The role.
    pub role: RoleKey,
    /// The role's name.
    pub name: String,
    /// What the plan allows, where it doesn't allow all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<Vec<Scope>>,
}

/// A permission, and what each role makes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MatrixRow {
    /// The permission.
    pub key: PermissionKey,
    /// What it allows.
    pub description: &'static str,
    /// What harm it can do.
    pub danger: Danger,
    /// A cell for each column.
    pub cells: Vec<MatrixCell>,
}

/// What one role makes of one permission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "cell", rename_all = "snake_case")]
#[non_exhaustive]
pub enum MatrixCell {
    /// Nothing: no line of the role names it.
    Unnamed,
    /// The role allows it to everything, in every request.
    Allowed {
        /// The permission through which it comes along, where no line names it itself.
        #[serde(skip_serializing_if = "Option::is_none")]
        implied_by: Option<PermissionKey>,
    },
    /// The role allows it under conditions.
    Conditional {
        /// At least one of these is true; nothing to meet where there is none.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        when: Vec<Condition>,
        /// Each of these is false: one that can't be told denies.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        unless: Vec<Condition>,
        /// The permission through which it comes along, where no line names it itself.
        #[serde(skip_serializing_if = "Option::is_none")]
        implied_by: Option<PermissionKey>,
    },
    /// The role denies it, also to who holds it through another role.
    Denied {
        /// Where one of these isn't false; everywhere where there is none.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        unless_false: Vec<Condition>,
    },
    /// The role allows it, but the plan doesn't.
    AbovePlan,
}

impl Matrix {
    /// What each role gives where the plan allows all, in the order of the roles.
    #[must_use]
    pub fn of(catalog: &Catalog, roles: &[Role]) -> Self {
        Self::of_columns(catalog, roles.iter().map(MatrixColumn::of))
    }

    /// What each column's role gives under its plan.
    #[must_use]
    pub fn of_columns<'a>(catalog: &Catalog, columns: impl IntoIterator<Item = MatrixColumn<'a>>) -> Self {
        let columns: Vec<_> = columns.into_iter().map(|column| (column.authority(catalog), column)).collect();
        let row = |entry: super::catalog::Entry<'_>| {
            let index = catalog.by_key(entry.key.as_str())?;
            let cells =
                columns.iter().map(|(authority, column)| column.cell(catalog, authority, index, entry.key));
            let cells = cells.collect();
            Some(MatrixRow {
                key: entry.key.clone(),
                description: entry.description,
                danger: entry.danger,
                cells,
            })
        };
        let rows = catalog.iter().filter_map(row).collect();
        Self { columns: columns.into_iter().map(|(_, column)| column.head()).collect(), rows }
    }

    /// The heads of the columns.
    #[must_use]
    pub fn columns(&self) -> &[MatrixHead] {
        &self.columns
    }

    /// The rows, ordered by permission.
    #[must_use]
    pub fn rows(&self) -> &[MatrixRow] {
        &self.rows
    }
}

impl<'a> MatrixColumn<'a> {
    /// A column about `role`, titled by its key, under a plan that allows all.
    #[must_use]
    pub fn of(role: &'a Role) -> Self {
        Self { title: role.key().to_string(), role, plan: vec![Scope::all()] }
    }

    /// The same under another title: where roles of several tenants stand side by side.
    #[must_use]
    pub fn titled(self, title: impl Into<String>) -> Self {
        Self { title: title.into(), ..self }
    }

    /// The same under a plan that allows these.
    #[must_use]
    pub fn within(self, plan: &[Scope]) -> Self {
        Self { plan: plan.to_vec(), ..self }
    }

    /// That of somebody who holds the role on its tenant and no other role.
    fn authority(&self, catalog: &Catalog) -> Authority {
        let nobody = PrincipalId::User(UserId::from_uuid(uuid::Uuid::nil()));
        let held = Holding::of(self.role.clone(), nobody.into());
        let caller = CallerFacts::of(nobody, self.role.tenant());
        Authority::of(catalog, caller, vec![held], &self.plan)
    }

    fn head(self) -> MatrixHead {
        let is_limited = self.plan != [Scope::all()];
        MatrixHead {
            title: self.title,
            role: self.role.key().clone(),
            name: self.role.name().to_owned(),
            plan: is_limited.then_some(self.plan),
        }
    }

    fn cell(
        &self,
        catalog: &Catalog,
        authority: &Authority,
        index: PermissionIndex,
        key: &PermissionKey,
    ) -> MatrixCell {
        let is_allowing = |grant: &&Grant| {
            let scope = std::slice::from_ref(grant.scope());
            grant.effect() == Effect::Allow && catalog.resolve(scope).contains(index)
        };
        let allowing: Vec<&Grant> = self.role.grants().iter().filter(is_allowing).collect();
        let implied_by = || {
            let is_named = allowing.iter().any(|grant| grant.scope().matches(key));
            let mut every = catalog.iter().filter(|known| known.implied.contains(index));
            let through = |known: &super::catalog::Entry<'_>| {
                allowing.iter().any(|grant| grant.scope().matches(known.key))
            };
            if is_named { None } else { every.find(through).map(|known| known.key.clone()) }
        };
        match authority.extent(index, &Place::Tenant) {
            Extent::Always => MatrixCell::Allowed { implied_by: implied_by() },
            Extent::Conditional { when, unless } => {
                MatrixCell::Conditional { when, unless, implied_by: implied_by() }
            }
            Extent::Never => match authority.denied(index, &Place::Tenant) {
                Some(always) if always.is_empty() => MatrixCell::Denied { unless_false: always },
                _ if !allowing.is_empty() => MatrixCell::AbovePlan,
                Some(unless_false) => MatrixCell::Denied { unless_false },
                None => MatrixCell::Unnamed,
            },
        }
    }
}
