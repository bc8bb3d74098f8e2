//! The tenants that are measured, and the questions drawn about them.

use tenantry_bench_measure::Draw;

use crate::model::{Document, Line, Membership, Model, Question, Role, When};
use crate::vocabulary::{ACTIONS, PERMISSIONS};

/// How large a world is, and how its roles are written.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    /// How many tenants.
    pub tenants: usize,
    /// How many principals, spread evenly over the tenants.
    pub principals: usize,
    /// How many roles every tenant has: 5 of two areas each, or any other number of 20 random permissions each.
    pub roles: usize,
    /// What the lines of the roles are.
    pub lines: Lines,
}

/// What the lines of the roles are. All have 20 permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lines {
    /// 20 lines, without conditions.
    Plain,
    /// 20 lines; those of every other role hold for what one owns, those of the others up to an amount.
    Conditional,
}

/// A shape filled, and what is asked about it.
#[derive(Debug)]
pub struct World {
    /// Which shape.
    pub shape: Shape,
    /// What is in it.
    pub model: Model,
    /// What is asked, in this order.
    pub questions: Vec<Question>,
}

impl World {
    /// How many questions are drawn: too many for a branch predictor to learn by heart.
    pub const QUESTIONS: usize = 65_536;

    /// The world of a shape. Questions are drawn from `asked` principals, evenly.
    #[must_use]
    pub fn new(shape: Shape, asked: usize) -> Self {
        let draw = &mut Draw::new(5);
        let mut model = Model { tenants: shape.tenants, ..Model::default() };
        model.roles = (0..shape.roles).map(|role| shape.role(role, draw)).collect();
        let (fewest, most) = if shape.roles == 5 { (1, 3) } else { (2, 6) };
        for principal in 0..shape.principals {
            let count = draw.between(fewest, most);
            let roles = draw.some(count, shape.roles);
            model.memberships.push(Membership { tenant: principal % shape.tenants, user: principal, roles });
        }
        if shape.lines == Lines::Conditional {
            for principal in 0..shape.principals {
                let tenant = principal % shape.tenants;
                for owner in [principal, (principal + shape.tenants) % shape.principals] {
                    let amount = i64::try_from(draw.below(200)).unwrap_or(0) * 1_000;
                    model.documents.push(Document::new(model.documents.len(), tenant, owner, Some(amount)));
                }
            }
        }
        let stride = (shape.principals / asked).max(1);
        let one = |_| shape.question(&model, stride * draw.below(asked), draw);
        let questions = (0..Self::QUESTIONS).map(one).collect();
        Self { shape, model, questions }
    }
}

impl Shape {
    fn role(self, role: usize, draw: &mut Draw) -> Role {
        let of_two_areas = || (role * 2 * ACTIONS.len()..(role + 1) * 2 * ACTIONS.len()).collect();
        let permissions: Vec<usize> =
            if self.roles == 5 { of_two_areas() } else { draw.some(2 * ACTIONS.len(), PERMISSIONS) };
        let when = (self.lines == Lines::Conditional).then_some(if role.is_multiple_of(2) {
            When::Own
        } else {
            When::AtMost(100_000)
        });
        let lines = permissions.into_iter().map(|permission| Line { permission, denies: false, when });
        Role { tenant: None, lines: lines.collect(), juniors: vec![] }
    }

    /// Plain: any permission that some role has. Conditional: one that a role of the principal names, about a document
    /// of its own or of somebody else's, so that no question is answered without looking at a condition.
    fn question(self, model: &Model, membership: usize, draw: &mut Draw) -> Question {
        if self.lines == Lines::Plain {
            let known = if self.roles == 5 { 5 * 2 * ACTIONS.len() } else { PERMISSIONS };
            return Question { membership, permission: draw.below(known), document: None };
        }
        let roles = &model.memberships[membership].roles;
        let lines = &model.roles[roles[draw.below(roles.len())]].lines;
        let permission = lines[draw.below(lines.len())].permission;
        Question { membership, permission, document: Some(2 * membership + draw.below(2)) }
    }
}
