//! Tenants with their roles, members and documents, as plain data: what every evaluator is made of.

use tenantry_bench_measure::Draw;
use tenantry_core::{Kind, Resource, Value};
use uuid::Uuid;

use crate::vocabulary::PERMISSIONS;

/// Tenants, their roles and who holds them.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// How many tenants there are; they are numbered.
    pub tenants: usize,
    /// The roles; the numbers of the lines are those of [`key`](crate::key).
    pub roles: Vec<Role>,
    /// Who holds which of them. A user is in a tenant at most once.
    pub memberships: Vec<Membership>,
    /// What there is to be asked about.
    pub documents: Vec<Document>,
}

/// A role.
#[derive(Debug, Clone)]
pub struct Role {
    /// Whose it is; every tenant has it where it is nobody's own.
    pub tenant: Option<usize>,
    /// What it gives and takes.
    pub lines: Vec<Line>,
    /// The roles of the same tenant that whoever holds this one holds too, by their places in [`Model::roles`].
    pub juniors: Vec<usize>,
}

/// What a role gives, or takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line {
    /// The permission, by its number.
    pub permission: usize,
    /// Whether it is taken.
    pub denies: bool,
    /// Under which condition.
    pub when: Option<When>,
}

/// A condition on a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Who asks owns it.
    Own,
    /// It comes to this at most.
    AtMost(i64),
}

/// That a user is in a tenant.
#[derive(Debug, Clone)]
pub struct Membership {
    /// Where.
    pub tenant: usize,
    /// Who, by number.
    pub user: usize,
    /// What it holds there, by the places in [`Model::roles`].
    pub roles: Vec<usize>,
}

/// May this user do that, here, to that?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Question {
    /// The place of the membership in [`Model::memberships`].
    pub membership: usize,
    /// The permission, by its number.
    pub permission: usize,
    /// The place of the document in [`Model::documents`]; the tenant as a whole where there is none.
    pub document: Option<usize>,
}

/// Something of a tenant's that is guarded.
#[derive(Debug, Clone)]
pub struct Document {
    /// What names it.
    pub id: Uuid,
    /// In which tenant.
    pub tenant: usize,
    /// Whose it is, by number.
    pub owner: usize,
    /// The same as the id that a user has.
    pub owner_id: Uuid,
    /// What it comes to.
    pub amount: Option<i64>,
}

/// The id of a user.
pub(crate) fn user_id(user: usize) -> Uuid {
    Uuid::from_u128(0x0197_0000_0000_7000_8000_0000_0000_0000 | (user as u128))
}

impl Document {
    /// The document of this number.
    #[must_use]
    pub fn new(number: usize, tenant: usize, owner: usize, amount: Option<i64>) -> Self {
        let id = Uuid::from_u128(0x0198_0000_0000_7000_8000_0000_0000_0000 | (number as u128));
        Self { id, tenant, owner, owner_id: user_id(owner), amount }
    }
}

impl Resource for Document {
    const TYPE: &'static str = "document";
    const ATTRIBUTES: &'static [(&'static str, Kind)] = &[("owner", Kind::Id), ("amount", Kind::Integer)];

    fn id(&self) -> Value<'_> {
        self.id.into()
    }

    fn attribute(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "owner" => Some(self.owner_id.into()),
            "amount" => self.amount.map(Value::Integer),
            _ => None,
        }
    }
}

impl Model {
    /// Some tenants with roles of their own, of which some include others and some deny, and users who are in several
    /// tenants. With `has_conditions` some lines hold for some documents only.
    #[must_use]
    pub fn random(seed: u64, has_conditions: bool) -> Self {
        const USERS: usize = 12;
        let draw = &mut Draw::new(seed);
        let mut model = Self { tenants: draw.between(2, 4), ..Self::default() };
        for tenant in 0..model.tenants {
            let first = model.roles.len();
            for place in 0..draw.between(3, 6) {
                let permitted = draw.between(4, 16);
                let lines = draw.some(permitted, ASKED).into_iter().map(|place| Line {
                    permission: place * (PERMISSIONS / ASKED),
                    denies: draw.once_in(14),
                    when: (has_conditions && draw.once_in(2)).then(|| condition(draw)),
                });
                let lines = lines.collect();
                let juniors =
                    if place > 0 && draw.once_in(3) { vec![first + draw.below(place)] } else { vec![] };
                model.roles.push(Role { tenant: Some(tenant), lines, juniors });
            }
            let roles = model.roles.len() - first;
            for user in 0..USERS {
                let count = draw.below(4);
                let held = draw.some(count, roles).into_iter().map(|role| first + role).collect();
                model.memberships.push(Membership { tenant, user, roles: held });
            }
            for _ in 0..8 {
                let amount = (!draw.once_in(8)).then(|| amount(draw));
                let document = Document::new(model.documents.len(), tenant, draw.below(USERS), amount);
                model.documents.push(document);
            }
        }
        model
    }

    /// Questions about this model; about documents of the asked tenant where `about_documents`.
    #[must_use]
    pub fn questions(&self, seed: u64, count: usize, about_documents: bool) -> Vec<Question> {
        let draw = &mut Draw::new(seed);
        let here = |tenant: usize| {
            let of = |(_, document): &(usize, &Document)| document.tenant == tenant;
            self.documents.iter().enumerate().filter(of).map(|(place, _)| place).collect::<Vec<_>>()
        };
        let documents: Vec<Vec<usize>> = (0..self.tenants).map(here).collect();
        let mut one = || {
            let membership = draw.below(self.memberships.len());
            let here = &documents[self.memberships[membership].tenant];
            let document = (about_documents && !draw.once_in(16)).then(|| here[draw.below(here.len())]);
            Question { membership, permission: draw.below(ASKED) * (PERMISSIONS / ASKED), document }
        };
        (0..count).map(|_| one()).collect()
    }

    /// The roles that a membership comes to, with all that they include, each once.
    #[must_use]
    pub fn held(&self, membership: &Membership) -> Vec<usize> {
        let mut held = membership.roles.clone();
        let mut place = 0;
        while let Some(role) = held.get(place) {
            let new: Vec<_> =
                self.roles[*role].juniors.iter().copied().filter(|j| !held.contains(j)).collect();
            held.extend(new);
            place += 1;
        }
        held
    }
}

/// How many different permissions a random model is about, so that those asked for are often held.
const ASKED: usize = 25;

fn condition(draw: &mut Draw) -> When {
    if draw.once_in(2) { When::Own } else { When::AtMost(amount(draw)) }
}

fn amount(draw: &mut Draw) -> i64 {
    i64::try_from(draw.below(200)).unwrap_or(0) * 1_000
}
