//! The roles that a principal holds, as a decision looks at them.

use std::cmp::Ordering;
use std::sync::Arc;

use super::catalog::Catalog;
use super::compiled_role::CompiledRole;
use super::condition::Value;
use super::grant::Grant;
use super::holding::{Holding, Target};
use super::resource::ResourceRef;

/// The roles that a principal holds: those on the whole tenant in the order in which they came, then those on single
/// resources, ordered by these.
///
/// What a role's lines say is compiled once for all who hold them; what is told here is who holds them, on what.
#[derive(Debug, Clone)]
pub(super) struct Held {
    /// In the order of the holdings.
    roles: Arc<[Arc<CompiledRole>]>,
    /// A [`sort_key`] for each role on a resource, in their order: what a search reads, close together.
    keys: Arc<[u128]>,
    holdings: Arc<[Holding]>,
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
            compiled
        };
        let roles = holdings.iter_mut().map(compiled).collect();
        let keys = holdings.iter().filter_map(resource_of).map(|on| sort_key(on.id().value())).collect();
        Self { roles, keys, holdings: holdings.into() }
    }

    /// The roles, as they were given.
    pub(super) fn holdings(&self) -> &[Holding] {
        &self.holdings
    }

    /// All roles.
    pub(super) fn all(&self) -> impl Iterator<Item = HeldRole<'_>> {
        self.range(0, self.roles.len())
    }

    /// The roles on the whole tenant.
    #[inline]
    pub(super) fn general(&self) -> impl Iterator<Item = HeldRole<'_>> {
        self.range(0, self.first_targeted())
    }

    /// The roles on single resources, with these.
    pub(super) fn targeted(&self) -> impl Iterator<Item = (&ResourceRef, HeldRole<'_>)> {
        let all = self.range(self.first_targeted(), self.roles.len());
        all.filter_map(|held| Some((resource_of(held.holding)?, held)))
    }

    /// Whether there are roles on single resources.
    #[inline]
    pub(super) fn has_targeted(&self) -> bool {
        !self.keys.is_empty()
    }

    /// The roles on this resource.
    pub(super) fn on(&self, of: &str, id: Value<'_>) -> impl Iterator<Item = HeldRole<'_>> {
        let key = sort_key(id);
        let before = self.keys.partition_point(|known| *known < key);
        let alike = self.keys.get(before..).unwrap_or_default().iter().take_while(|known| **known == key);
        let first = self.first_targeted() + before;
        let found = self.range(first, first + alike.count());
        found.filter(move |held| resource_of(held.holding).is_some_and(|on| on.order(of, id).is_eq()))
    }

    #[inline]
    fn first_targeted(&self) -> usize {
        self.roles.len().saturating_sub(self.keys.len())
    }

    #[inline]
    fn range(&self, from: usize, to: usize) -> impl Iterator<Item = HeldRole<'_>> {
        let roles = self.roles.get(from..to).unwrap_or_default().iter();
        let holdings = self.holdings.get(from..to).unwrap_or_default();
        roles.zip(holdings).map(|(role, holding)| HeldRole { holding, role })
    }
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
