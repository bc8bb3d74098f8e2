//! The roles that a principal holds, as a decision looks at them.

use std::cmp::Ordering;
use std::slice::SliceIndex;
use std::sync::Arc;

use super::catalog::Catalog;
use super::compiled_role::{CompiledRole, Named, Sort};
use super::compiled_roles::{CompiledRoles, Shared};
use super::condition::Value;
use super::grant::{Effect, Grant};
use super::holding::{Holding, Target};
use super::permission_set::{PermissionIndex, PermissionSet};
use super::resource::ResourceRef;

/// The roles that a principal holds: those on the whole tenant in the order in which they came, then those on single
/// resources, ordered by these.
///
/// What a role's lines say is compiled once for all who hold them; what is told here is who holds them, on what.
#[derive(Debug, Clone)]
#[repr(C)]
pub(super) struct Held {
    /// The roles on the whole tenant, whose holdings come first.
    general: Arc<CompiledRoles>,
    /// Those on resources, if there are any.
    targeted: Option<Arc<Targeted>>,
    holdings: Arc<[Holding]>,
}

/// Roles on resources, in the order of their holdings.
#[derive(Debug)]
struct Targeted {
    /// A [`sort_key`] for each, in their order: what a search reads, close together.
    keys: Box<[u128]>,
    roles: Box<[Shared]>,
}

/// A role that a principal holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct HeldRole<'a> {
    pub(super) holding: &'a Holding,
    pub(super) role: &'a CompiledRole,
}

/// A line of a role that a principal holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rule<'a> {
    pub(super) holding: &'a Holding,
    pub(super) grant: &'a Grant,
}

impl Held {
    /// Roles whose lines nobody else has read keep the compiled ones in place of their own, so that equal lines are in
    /// memory once.
    pub(super) fn of(catalog: &Catalog, mut holdings: Vec<Holding>) -> Self {
        if holdings.iter().any(|holding| resource_of(holding).is_some()) {
            holdings.sort_by(in_order);
        }
        let compiled = |holding: &mut Holding| {
            let compiled = catalog.compiled(holding.role.lines());
            if let Some(role) = Arc::get_mut(&mut holding.role) {
                role.share(compiled.grants());
            }
            Shared(compiled)
        };
        let roles: Vec<Shared> = holdings.iter_mut().map(compiled).collect();
        let keys: Box<[u128]> =
            holdings.iter().filter_map(resource_of).map(|on| sort_key(on.id().value())).collect();
        let (general, on_resources) = roles.split_at(roles.len().saturating_sub(keys.len()));
        let targeted = || Arc::new(Targeted { keys, roles: on_resources.into() });
        Self {
            general: catalog.together(general),
            targeted: (!on_resources.is_empty()).then(targeted),
            holdings: holdings.into(),
        }
    }

    /// The roles that count, those on the whole tenant first.
    pub(super) fn holdings(&self) -> &[Holding] {
        &self.holdings
    }

    /// All roles.
    pub(super) fn all(&self) -> impl Iterator<Item = HeldRole<'_>> {
        self.general().chain(self.on_resources(..))
    }

    /// The roles on the whole tenant.
    pub(super) fn general(&self) -> impl Iterator<Item = HeldRole<'_>> {
        held(self.general.roles(), &self.holdings)
    }

    /// What lines of roles on the whole tenant name.
    pub(super) fn named(&self) -> &Named {
        self.general.named()
    }

    /// What lines of this effect name, of any role.
    pub(super) fn named_anywhere(&self, effect: Effect) -> PermissionSet {
        let on_resources = self.targeted.iter().flat_map(|targeted| &targeted.roles);
        on_resources.fold(self.named().by_any(effect), |all, role| all.union(&role.named().by_any(effect)))
    }

    /// The roles on the whole tenant, if one of them has a line of this effect and sort that names the permission; else
    /// none.
    #[inline]
    pub(super) fn naming(
        &self,
        effect: Effect,
        sort: Sort,
        permission: PermissionIndex,
    ) -> impl Iterator<Item = HeldRole<'_>> {
        held(self.general.naming(effect, sort, permission), &self.holdings)
    }

    /// The roles on single resources, with these.
    pub(super) fn targeted(&self) -> impl Iterator<Item = (&ResourceRef, HeldRole<'_>)> {
        self.on_resources(..).filter_map(|held| Some((resource_of(held.holding)?, held)))
    }

    /// Whether there are roles on single resources.
    #[inline]
    pub(super) fn has_targeted(&self) -> bool {
        self.targeted.is_some()
    }

    /// The roles on this resource.
    pub(super) fn on(&self, of: &str, id: Value<'_>) -> impl Iterator<Item = HeldRole<'_>> {
        let key = sort_key(id);
        let keys = self.targeted.as_ref().map_or(&[][..], |targeted| &targeted.keys);
        let before = keys.partition_point(|known| *known < key);
        let alike = keys.get(before..).unwrap_or_default().iter().take_while(|known| **known == key);
        let found = self.on_resources(before..before + alike.count());
        found.filter(move |held| resource_of(held.holding).is_some_and(|on| on.order(of, id).is_eq()))
    }

    /// Some of the roles on single resources, by their places among these.
    fn on_resources(
        &self,
        places: impl SliceIndex<[Shared], Output = [Shared]> + SliceIndex<[Holding], Output = [Holding]> + Clone,
    ) -> impl Iterator<Item = HeldRole<'_>> {
        let roles = self.targeted.as_ref().map_or(&[][..], |targeted| &targeted.roles);
        let holdings = self.holdings.get(self.general.roles().len()..).unwrap_or_default();
        held(roles.get(places.clone()).unwrap_or_default(), holdings.get(places).unwrap_or_default())
    }
}

/// Roles with who holds them, on what.
#[inline]
fn held<'a>(roles: &'a [Shared], holdings: &'a [Holding]) -> impl Iterator<Item = HeldRole<'a>> {
    roles.iter().zip(holdings).map(|(role, holding)| HeldRole { holding, role })
}

fn resource_of(holding: &Holding) -> Option<&ResourceRef> {
    match &holding.on {
        Target::Tenant => None,
        Target::Resource(on) => Some(on),
    }
}

fn in_order(one: &Holding, two: &Holding) -> Ordering {
    match (resource_of(one), resource_of(two)) {
        (Some(one), Some(two)) => {
            let by_key = sort_key(one.id().value()).cmp(&sort_key(two.id().value()));
            by_key.then_with(|| one.order(two.of(), two.id().value()))
        }
        (one, two) => one.is_some().cmp(&two.is_some()),
    }
}

/// A number that equal ids share, by which roles on resources are searched. Others may share it too: what is found is
/// compared whole.
///
/// Ids and integers stand for themselves. A text is hashed, since texts often begin alike (FNV-1a, 64 bits:
/// <https://www.rfc-editor.org/rfc/rfc9923>); whoever makes many alike slows down only those who hold roles on them.
fn sort_key(id: Value<'_>) -> u128 {
    match id {
        Value::Id(id) => id.as_u128(),
        Value::Integer(id) => u128::from(id.cast_unsigned()),
        Value::Text(id) => {
            let hash = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            u128::from(id.bytes().fold(0xcbf2_9ce4_8422_2325, hash))
        }
        Value::Bool(_) | Value::Time(_) => 0,
    }
}
