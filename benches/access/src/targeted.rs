//! Roles on single resources, and authorities built: what has no peer.

use std::collections::HashSet;
use std::sync::Arc;

use tenantry_bench_measure::Draw;
use tenantry_core::{Assignee, Authority, Holding, ResourceRef, Scope, UserId};
use uuid::Uuid;

use crate::model::{Document, Line, Membership, Model, Role, user_id};
use crate::ours::{Ours, caller, rights};
use crate::vocabulary::key;
use crate::way::{Asker, Way};
use crate::{Fault, World};

/// Principals who hold a role on documents one by one.
pub(crate) struct Targeted {
    authorities: Vec<Arc<Authority>>,
    by_hand: Vec<HashSet<(Uuid, &'static str)>>,
    documents: Arc<[Document]>,
    asked: Vec<(usize, usize)>,
    ours: Arc<Ours>,
}

/// How many principals there are.
const PRINCIPALS: usize = 1_000;

/// How many documents each of them has a role on.
pub(crate) const EACH: usize = 100;

/// The permission that is asked for.
const PERMISSION: usize = 3;

impl Targeted {
    pub(crate) fn new() -> Result<Self, Fault> {
        let draw = &mut Draw::new(7);
        let line = |permission| Line { permission, denies: false, when: None };
        let role = Role { tenant: Some(0), lines: (0..20).map(line).collect(), juniors: vec![] };
        let memberships =
            (0..PRINCIPALS).map(|user| Membership { tenant: 0, user, roles: vec![0] }).collect();
        let model = Model { tenants: 1, roles: vec![role], memberships, documents: vec![] };
        let documents: Arc<[Document]> =
            (0..10 * EACH).map(|number| Document::new(number, 0, 0, None)).collect();
        let ours = Arc::new(Ours::new(&model)?);
        let held: Vec<Vec<usize>> = (0..PRINCIPALS).map(|_| draw.some(EACH, documents.len())).collect();
        let (mut authorities, mut by_hand) = (vec![], vec![]);
        for ((membership, rights), held) in model.memberships.iter().zip(rights(&model)?).zip(&held) {
            let role = rights.first().ok_or("no role")?.role.clone();
            let assignee = Assignee::User(UserId::from_uuid(user_id(membership.user)));
            let on = |place: &usize| {
                Ok(Holding::of(Arc::clone(&role), assignee).on(ResourceRef::to(&documents[*place])?))
            };
            let holdings = held.iter().map(on).collect::<Result<Vec<_>, Fault>>()?;
            authorities.push(Arc::new(Authority::of(
                &ours.catalog,
                caller(membership),
                holdings,
                &[Scope::all()],
            )));
            let named =
                (0..20).flat_map(|permission| held.iter().map(move |place| (*place, key(permission))));
            by_hand.push(named.map(|(place, key)| (documents[place].id, key)).collect());
        }
        let one = |_| {
            let principal = draw.below(PRINCIPALS);
            let of_own = held[principal][draw.below(EACH)];
            (principal, if draw.once_in(2) { of_own } else { draw.below(documents.len()) })
        };
        let asked = (0..World::QUESTIONS).map(one).collect();
        Ok(Self { authorities, by_hand, documents, asked, ours })
    }

    pub(crate) fn check(self: &Arc<Self>) -> impl Way + use<> {
        let this = Arc::clone(self);
        Asker::new("tenantry", this.asked.len(), move |place| {
            let (principal, document) = this.asked[place];
            let (authority, document) = (&this.authorities[principal], &this.documents[document]);
            authority.check(this.ours.indexes[PERMISSION], document, &this.ours.request).is_allowed()
        })
    }

    pub(crate) fn by_hand(self: &Arc<Self>) -> impl Way + use<> {
        let this = Arc::clone(self);
        Asker::new("HashSet", this.asked.len(), move |place| {
            let (principal, document) = this.asked[place];
            this.by_hand[principal].contains(&(this.documents[document].id, key(PERMISSION)))
        })
    }
}

/// [`Authority::of`] for somebody who holds all roles of a world.
pub(crate) fn building_all(world: &World) -> Result<impl Way + use<>, Fault> {
    let roles = (0..world.model.roles.len()).collect();
    let memberships = vec![Membership { tenant: 0, user: 0, roles }];
    let model = Model { memberships, ..world.model.clone() };
    let rights = rights(&model)?;
    let caller = caller(&model.memberships[0]);
    let (catalog, plan) = (crate::catalog()?, [Scope::all()]);
    Ok(Asker::new("tenantry, Authority::of", 8, move |place| {
        let authority = Authority::of(&catalog, caller.clone(), rights[place / 8].clone(), &plan);
        !std::hint::black_box(authority).permissions().is_empty()
    }))
}
