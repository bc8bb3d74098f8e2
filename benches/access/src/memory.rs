//! What is kept in memory for the principals of many tenants.

use std::any::Any;

use serde::{Deserialize, Serialize};

use crate::peers::{Casbin, Cedar, Gatehouse, HashSets};
use crate::{Fault, Lines, Model, Ours, Shape, World};

/// What keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
pub enum Holder {
    /// An `Authority` for each principal, of roles that all tenants share.
    Tenantry,
    /// The same, of five roles that each tenant made for itself, read for each principal apart.
    TenantryOwnRoles,
    /// An enforcer with 100 rules.
    Casbin,
    /// Five policies, and the entities.
    Cedar,
    /// The one policy, and a map for each principal.
    Gatehouse,
    /// A set for each principal.
    HashSet,
}

impl Holder {
    /// Everybody.
    pub const ALL: [Self; 6] =
        [Self::Tenantry, Self::TenantryOwnRoles, Self::HashSet, Self::Gatehouse, Self::Cedar, Self::Casbin];

    /// What the reports call it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tenantry => "tenantry, roles of the application",
            Self::TenantryOwnRoles => "tenantry, roles of each tenant's own",
            Self::Casbin => "casbin, 100 rules",
            Self::Cedar => "Cedar, 5 policies",
            Self::Gatehouse => "gatehouse",
            Self::HashSet => "HashSet",
        }
    }
}

/// What one holder keeps.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Memory {
    /// Who.
    pub holder: Holder,
    /// Bytes asked of the allocator and not given back, for a principal.
    pub of_principal: u64,
    /// The same for a tenant with all its principals, [`Memory::PRINCIPALS`] of them.
    pub of_tenant: u64,
}

impl Memory {
    /// How many tenants are kept.
    pub const TENANTS: usize = 1_000;

    /// How many principals each of them has.
    pub const PRINCIPALS: usize = 10;

    /// Of this many bytes in all.
    #[must_use]
    pub fn of(holder: Holder, bytes: u64) -> Self {
        let of = |count: usize| bytes / u64::try_from(count).unwrap_or(1);
        Self { holder, of_principal: of(Self::TENANTS * Self::PRINCIPALS), of_tenant: of(Self::TENANTS) }
    }
}

/// The tenants that are kept.
#[must_use]
pub fn tenants(holder: Holder) -> World {
    let shape = Shape {
        tenants: Memory::TENANTS,
        principals: Memory::TENANTS * Memory::PRINCIPALS,
        roles: 5,
        lines: Lines::Plain,
    };
    let mut world = World::new(shape, shape.principals);
    if holder == Holder::TenantryOwnRoles {
        world.model = of_their_own(&world.model);
    }
    world
}

/// What the holder keeps of a world, and nothing else.
///
/// # Errors
/// Whatever keeps it from being built.
pub fn hold(holder: Holder, world: &World) -> Result<Box<dyn Any>, Fault> {
    Ok(match holder {
        Holder::Tenantry => Box::new(Ours::new(&world.model)?.authorities),
        Holder::TenantryOwnRoles => Box::new(Ours::read(&world.model)?.authorities),
        Holder::Casbin => Box::new(Casbin::shared(&world.model)?),
        Holder::Cedar => Box::new(Cedar::shared(&world.model, None)?),
        Holder::Gatehouse => Box::new(Gatehouse::new(world)?.into_kept()),
        Holder::HashSet => Box::new(HashSets::new(world).plain().to_vec()),
    })
}

/// The same model, with a copy of each role for each tenant.
fn of_their_own(model: &Model) -> Model {
    let count = model.roles.len();
    let mut own = model.clone();
    own.roles = (0..model.tenants)
        .flat_map(|tenant| {
            model.roles.iter().map(move |role| crate::Role { tenant: Some(tenant), ..role.clone() })
        })
        .collect();
    for membership in &mut own.memberships {
        membership.roles.iter_mut().for_each(|role| *role += membership.tenant * count);
    }
    own
}
