//! What one would write by hand: the names of a principal's permissions in a `HashSet`.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use crate::World;
use crate::model::{Question, When, user_id};
use crate::vocabulary::key;
use crate::way::{Asker, Way};

/// What every principal may, by name, with the standard library's own hasher:
/// <https://doc.rust-lang.org/std/collections/struct.HashSet.html>.
#[derive(Debug)]
pub struct HashSets {
    plain: Vec<HashSet<String>>,
    conditional: Vec<(Uuid, HashMap<String, Vec<When>>)>,
}

impl HashSets {
    /// Those of the principals of a world.
    #[must_use]
    pub fn new(world: &World) -> Arc<Self> {
        let lines = |roles: &[usize]| {
            roles.iter().flat_map(|role| &world.model.roles[*role].lines).collect::<Vec<_>>()
        };
        let mut sets = Self { plain: vec![], conditional: vec![] };
        for membership in &world.model.memberships {
            let (mut plain, mut conditional) = (HashSet::new(), HashMap::<String, Vec<When>>::new());
            for line in lines(&membership.roles) {
                match line.when {
                    None => drop(plain.insert(key(line.permission).to_owned())),
                    Some(when) => conditional.entry(key(line.permission).to_owned()).or_default().push(when),
                }
            }
            sets.plain.push(plain);
            sets.conditional.push((user_id(membership.user), conditional));
        }
        Arc::new(sets)
    }

    /// The sets.
    pub(crate) fn plain(&self) -> &[HashSet<String>] {
        &self.plain
    }

    /// `contains` for each question.
    #[must_use]
    pub fn static_check(self: &Arc<Self>, world: &World) -> impl Way + use<> {
        let (sets, asked) = (Arc::clone(self), asked(world));
        Asker::new("HashSet", asked.len(), move |place| {
            let (principal, _, permission) = asked[place];
            sets.plain[principal].contains(permission)
        })
    }

    /// The condition of the permission, found by its name, evaluated by a `match`.
    #[must_use]
    pub fn conditional_check(self: &Arc<Self>, world: &World) -> impl Way + use<> {
        let (sets, asked, documents) = (Arc::clone(self), asked(world), world.model.documents.clone());
        Asker::new("HashMap and match", asked.len(), move |place| {
            let (principal, document, permission) = asked[place];
            let (caller, conditions) = &sets.conditional[principal];
            let document = &documents[document];
            conditions.get(permission).is_some_and(|conditions| {
                conditions.iter().any(|when| match when {
                    When::Own => document.owner_id == *caller,
                    When::AtMost(limit) => document.amount.is_some_and(|amount| amount <= *limit),
                })
            })
        })
    }
}

/// What the measuring itself costs: a question is read and its principal's entry in a list, nothing decided.
#[derive(Debug, Clone, Copy)]
pub struct Loop;

impl Loop {
    /// One bit of the question.
    #[must_use]
    pub fn over(world: &World) -> impl Way + use<> {
        let asked: Vec<Question> = world.questions.clone();
        Asker::new("the loop alone", asked.len(), move |place| asked[place].permission & 1 == 0)
    }
}

fn asked(world: &World) -> Vec<(usize, usize, &'static str)> {
    let one = |asked: &Question| (asked.membership, asked.document.unwrap_or(0), key(asked.permission));
    world.questions.iter().map(one).collect()
}
