//! tenantry's evaluator.

use std::sync::Arc;

use tenantry_core::{
    Assignee, Authority, CallerFacts, Catalog, Grant, Holding, PermissionIndex, PrincipalId, RequestFacts,
    Role, RoleKey, Scope, TenantId, Timestamp, UserId,
};
use uuid::Uuid;

use crate::model::{Document, Line, Membership, Model, Question, When, user_id};
use crate::vocabulary::{catalog, key};
use crate::way::{Asker, Way};
use crate::{Fault, World};

/// The authorities of all principals of a model, each in an `Arc` of its own, as a cache holds what it admits.
#[derive(Debug)]
pub struct Ours {
    /// The permissions.
    pub catalog: Catalog,
    /// In the order of the memberships.
    pub authorities: Vec<Arc<Authority>>,
    /// In the order of the numbers of the permissions.
    pub indexes: Vec<PermissionIndex>,
    /// The request that all questions belong to.
    pub request: RequestFacts,
}

/// A question as it is asked here.
#[derive(Debug, Clone, Copy)]
struct Asked {
    principal: u32,
    document: u32,
    permission: PermissionIndex,
}

impl Ours {
    /// Builds everybody's authority.
    ///
    /// # Errors
    /// Whatever of the model isn't allowed in a role.
    pub fn new(model: &Model) -> Result<Self, Fault> {
        Self::of(model, rights(model)?)
    }

    /// The same, with roles that were read for each principal apart, as a store reads them.
    ///
    /// # Errors
    /// As [`Ours::new`].
    pub fn read(model: &Model) -> Result<Self, Fault> {
        let read = |held: Vec<Holding>| held.into_iter().map(read_apart).collect::<Result<Vec<_>, _>>();
        Self::of(model, rights(model)?.into_iter().map(read).collect::<Result<_, _>>()?)
    }

    fn of(model: &Model, rights: Vec<Vec<Holding>>) -> Result<Self, Fault> {
        let catalog = catalog()?;
        let of = |(membership, held): (&Membership, Vec<Holding>)| {
            Arc::new(Authority::of(&catalog, caller(membership), held, &[Scope::all()]))
        };
        let authorities = model.memberships.iter().zip(rights).map(of).collect();
        let indexes =
            (0..crate::PERMISSIONS).map(|place| catalog.by_key(key(place)).ok_or("not in the catalog"));
        let indexes = indexes.collect::<Result<_, _>>()?;
        let request = RequestFacts::new(Timestamp::from_micros(1_772_409_600_000_000), None);
        Ok(Self { catalog, authorities, indexes, request })
    }

    /// Answers a question about its model.
    #[must_use]
    pub fn allows(&self, model: &Model, question: &Question) -> bool {
        let authority = &self.authorities[question.membership];
        let permission = self.indexes[question.permission];
        let document = question.document.map(|place| &model.documents[place]);
        document
            .map_or_else(
                || authority.check_tenant(permission, &self.request),
                |document| authority.check(permission, document, &self.request),
            )
            .is_allowed()
    }

    /// [`Authority::check_tenant`] for each question: principal and permission in, decision out.
    #[must_use]
    pub fn static_check(self: &Arc<Self>, world: &World) -> impl Way + use<> {
        let (ours, asked) = (Arc::clone(self), self.asked(world));
        Asker::new("tenantry", asked.len(), move |place| {
            let asked = asked[place];
            let authority = &ours.authorities[asked.principal as usize];
            authority.check_tenant(asked.permission, &ours.request).is_allowed()
        })
    }

    /// [`Authority::check`] for each question: principal, permission and document in, decision out.
    #[must_use]
    pub fn conditional_check(self: &Arc<Self>, world: &World) -> impl Way + use<> {
        let (ours, asked, documents) = (Arc::clone(self), self.asked(world), world.model.documents.clone());
        Asker::new("tenantry", asked.len(), move |place| {
            let asked = asked[place];
            let authority = &ours.authorities[asked.principal as usize];
            authority.check(asked.permission, &documents[asked.document as usize], &ours.request).is_allowed()
        })
    }

    /// [`Authority::explain_tenant`] for each question, the explanation made and dropped.
    #[must_use]
    pub fn explain(self: &Arc<Self>, world: &World) -> impl Way + use<> {
        let (ours, asked) = (Arc::clone(self), self.asked(world));
        Asker::new("tenantry, explain", asked.len(), move |place| {
            let asked = asked[place];
            let told =
                ours.authorities[asked.principal as usize].explain_tenant(asked.permission, &ours.request);
            std::hint::black_box(told).is_some_and(|told| told.is_allowed)
        })
    }

    /// [`Authority::explain`] for each question about a document.
    #[must_use]
    pub fn explain_conditional(self: &Arc<Self>, world: &World) -> impl Way + use<> {
        let (ours, asked, documents) = (Arc::clone(self), self.asked(world), world.model.documents.clone());
        Asker::new("tenantry, explain", asked.len(), move |place| {
            let asked = asked[place];
            let authority = &ours.authorities[asked.principal as usize];
            let told =
                authority.explain(asked.permission, &documents[asked.document as usize], &ours.request);
            std::hint::black_box(told).is_some_and(|told| told.is_allowed)
        })
    }

    /// [`Authority::filter`] for each question, the predicate made and dropped.
    #[must_use]
    pub fn filter(self: &Arc<Self>, world: &World) -> impl Way + use<> {
        let (ours, asked) = (Arc::clone(self), self.asked(world));
        Asker::new("tenantry, filter", asked.len(), move |place| {
            let asked = asked[place];
            let authority = &ours.authorities[asked.principal as usize];
            std::hint::black_box(authority.filter::<Document>(asked.permission, &ours.request));
            true
        })
    }

    /// [`Authority::of`] for the principal of each question; the cloned list of its holdings is part of it.
    ///
    /// # Errors
    /// As [`Ours::new`].
    pub fn building(self: &Arc<Self>, world: &World) -> Result<impl Way + use<>, Fault> {
        let (ours, asked, rights) = (Arc::clone(self), self.asked(world), rights(&world.model)?);
        let callers: Vec<_> = world.model.memberships.iter().map(caller).collect();
        let plan = [Scope::all()];
        Ok(Asker::new("tenantry, Authority::of", asked.len(), move |place| {
            let principal = asked[place].principal as usize;
            let (caller, held) = (callers[principal].clone(), rights[principal].clone());
            let authority = Authority::of(&ours.catalog, caller, held, &plan);
            std::hint::black_box(&authority).holds(asked[place].permission)
        }))
    }

    /// The roles of the principal of each question read, from the JSON that a store keeps of them; then, where
    /// `is_built`, [`Authority::of`] made of them.
    ///
    /// # Errors
    /// As [`Ours::new`].
    pub fn reading(self: &Arc<Self>, world: &World, is_built: bool) -> Result<impl Way + use<>, Fault> {
        let (ours, asked) = (Arc::clone(self), self.asked(world));
        let texts = world.model.roles.iter().enumerate().map(text).collect::<Result<Vec<_>, _>>()?;
        let of = |membership: &Membership| (caller(membership), membership.roles.clone());
        let members: Vec<_> = world.model.memberships.iter().map(of).collect();
        let plan = [Scope::all()];
        let name = if is_built { BUILT } else { READ };
        Ok(Asker::new(name, asked.len(), move |place| {
            let principal = asked[place].principal as usize;
            let (caller, roles) = &members[principal];
            let held: Vec<Holding> = roles.iter().filter_map(|role| read_as(&texts[*role], caller)).collect();
            if is_built {
                let authority = Authority::of(&ours.catalog, caller.clone(), held, &plan);
                return std::hint::black_box(&authority).holds(asked[place].permission);
            }
            std::hint::black_box(held);
            ours.authorities[principal].holds(asked[place].permission)
        }))
    }

    fn asked(&self, world: &World) -> Vec<Asked> {
        let narrow = |place: usize| u32::try_from(place).unwrap_or(u32::MAX);
        let asked = |question: &Question| Asked {
            principal: narrow(question.membership),
            document: narrow(question.document.unwrap_or(0)),
            permission: self.indexes[question.permission],
        };
        world.questions.iter().map(asked).collect()
    }
}

/// Roles read and an authority made of them.
pub(crate) const BUILT: &str = "tenantry, roles read and Authority::of";

/// Roles read alone.
pub(crate) const READ: &str = "the roles read";

fn text(numbered: (usize, &crate::Role)) -> Result<String, Fault> {
    Ok(serde_json::to_string(&*role(numbered)?)?)
}

fn read_as(text: &str, caller: &CallerFacts) -> Option<Holding> {
    let role: Role = serde_json::from_str(text).ok()?;
    Some(Holding { tenant: caller.tenant(), ..Holding::of(role, caller.principal().into()) })
}

fn read_apart(held: Holding) -> Result<Holding, Fault> {
    let role: Role = serde_json::from_str(&serde_json::to_string(&*held.role)?)?;
    Ok(Holding { role: Arc::new(role), ..held })
}

/// What every principal holds, in the order of the memberships: the roles that it has where it is, those that they
/// include, and, so that telling tenants apart is asked too, all that the same user holds elsewhere. Roles that every
/// tenant has are shared by all who hold them.
///
/// # Errors
/// Whatever of the model isn't allowed in a role.
pub fn rights(model: &Model) -> Result<Vec<Vec<Holding>>, Fault> {
    let roles = model.roles.iter().enumerate().map(role).collect::<Result<Vec<_>, _>>()?;
    let held = |membership: &Membership| {
        let assignee = Assignee::User(UserId::from_uuid(user_id(membership.user)));
        let holding = |role: usize| Holding {
            tenant: tenant_id(membership.tenant),
            ..Holding::of(Arc::clone(&roles[role]), assignee)
        };
        model.held(membership).into_iter().map(holding).collect::<Vec<_>>()
    };
    let mut of_users = std::collections::HashMap::<usize, Vec<&Membership>>::new();
    for membership in &model.memberships {
        of_users.entry(membership.user).or_default().push(membership);
    }
    let all =
        |membership: &Membership| of_users[&membership.user].iter().flat_map(|each| held(each)).collect();
    Ok(model.memberships.iter().map(all).collect())
}

fn role((number, role): (usize, &crate::Role)) -> Result<Arc<Role>, Fault> {
    let grants = role.lines.iter().map(grant).collect::<Result<Vec<_>, _>>()?;
    let key: RoleKey = format!("role{number}").parse()?;
    Ok(Arc::new(Role::new(tenant_id(role.tenant.unwrap_or(0)), key, "A role", grants, 1)?))
}

fn grant(line: &Line) -> Result<Grant, Fault> {
    let deny = if line.denies { "deny " } else { "" };
    let when = match line.when {
        None => String::new(),
        Some(When::Own) => " when resource.owner = caller.id".to_owned(),
        Some(When::AtMost(amount)) => format!(" when resource.amount <= {amount}"),
    };
    Ok(format!("{deny}{}{when}", key(line.permission)).parse()?)
}

/// Who a member is.
pub(crate) fn caller(membership: &Membership) -> CallerFacts {
    let user = UserId::from_uuid(user_id(membership.user));
    CallerFacts::of(PrincipalId::User(user), tenant_id(membership.tenant))
}

pub(crate) fn tenant_id(tenant: usize) -> TenantId {
    TenantId::from_uuid(Uuid::from_u128(0x0196_0000_0000_7000_8000_0000_0000_0000 | (tenant as u128)))
}
