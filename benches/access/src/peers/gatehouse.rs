//! gatehouse 0.6: <https://docs.rs/gatehouse/0.6.0/gatehouse/>.

use std::borrow::Cow;
use std::collections::HashMap;
use std::hint::black_box;
use std::ops::Range;

use async_trait::async_trait;
use gatehouse::{EvalCtx, EvaluationSession, GrantResult, PermissionChecker, Policy, PolicyDomain};
use tokio::runtime::{Builder, Runtime};

use crate::model::{Document, Question, When, user_id};
use crate::vocabulary::{PERMISSIONS, key};
use crate::way::Way;
use crate::{Fault, World};

/// A `PermissionChecker` with one hand-written policy with a static name, which its own benchmarks call the fastest
/// (<https://github.com/thepartly/gatehouse/blob/main/benches/README.md>), without its `tracing` feature. It has no roles
/// of its own: the policy looks the permission up, by its name, in what the principal's roles came to, as the
/// `HashSet` by hand does. All questions of a block are awaited one after the other in one future, so that entering a
/// runtime isn't counted.
pub struct Gatehouse {
    checker: PermissionChecker<Shop>,
    subjects: Vec<Subject>,
    documents: Vec<Document>,
    actions: Vec<&'static str>,
    questions: Vec<Question>,
    runtime: Runtime,
}

/// What is asked about.
struct Shop;

impl PolicyDomain for Shop {
    type Subject = Subject;
    type Action = &'static str;
    type Resource = Document;
    type Context = ();
}

/// A principal, with its permissions and their conditions; one that is always allowed has none.
struct Subject {
    id: uuid::Uuid,
    permissions: HashMap<&'static str, Vec<Option<When>>>,
}

/// The one policy.
struct ByPermission;

#[async_trait]
impl Policy<Shop> for ByPermission {
    async fn evaluate(&self, ctx: &EvalCtx<'_, Shop>) -> GrantResult {
        let (subject, document) = (ctx.subject, ctx.resource);
        let holds = |when: &Option<When>| match when {
            None => true,
            Some(When::Own) => document.owner_id == subject.id,
            Some(When::AtMost(limit)) => document.amount.is_some_and(|amount| amount <= *limit),
        };
        if subject.permissions.get(ctx.action).is_some_and(|conditions| conditions.iter().any(holds)) {
            ctx.grant("a role allows it")
        } else {
            ctx.not_applicable("no role allows it")
        }
    }

    fn policy_type(&self) -> Cow<'static, str> {
        Cow::Borrowed("ByPermission")
    }
}

impl Gatehouse {
    /// A checker for the questions of a world.
    ///
    /// # Errors
    /// A runtime that can't be made.
    pub fn new(world: &World) -> Result<Self, Fault> {
        let model = &world.model;
        let subject = |membership: &crate::Membership| {
            let mut permissions = HashMap::<_, Vec<_>>::new();
            for line in membership.roles.iter().flat_map(|role| &model.roles[*role].lines) {
                permissions.entry(key(line.permission)).or_default().push(line.when);
            }
            Subject { id: user_id(membership.user), permissions }
        };
        let mut checker = PermissionChecker::new();
        checker.add_policy(ByPermission);
        let nothing = Document::new(0, 0, usize::MAX, None);
        let documents = if model.documents.is_empty() { vec![nothing] } else { model.documents.clone() };
        Ok(Self {
            checker,
            subjects: model.memberships.iter().map(subject).collect(),
            documents,
            actions: (0..PERMISSIONS).map(key).collect(),
            questions: world.questions.clone(),
            runtime: Builder::new_current_thread().build()?,
        })
    }

    /// What is kept of it between requests.
    pub(crate) fn into_kept(self) -> impl Sized + 'static {
        (self.checker, self.subjects)
    }

    async fn check(&self, session: &EvaluationSession, place: usize) -> bool {
        let asked = &self.questions[place];
        let (subject, action) = (&self.subjects[asked.membership], &self.actions[asked.permission]);
        let bound = self.checker.bind(session, subject, action, &());
        bound.check(&self.documents[asked.document.unwrap_or(0)]).await.is_granted()
    }
}

impl Way for Gatehouse {
    fn name(&self) -> &'static str {
        "gatehouse"
    }

    fn reach(&self) -> usize {
        self.questions.len()
    }

    fn decide(&self, place: usize) -> bool {
        self.runtime.block_on(self.check(&EvaluationSession::empty(), place))
    }

    fn ask(&self, places: Range<usize>) -> usize {
        self.runtime.block_on(async {
            let session = EvaluationSession::empty();
            let mut allowed = 0;
            for place in places {
                allowed += usize::from(black_box(self.check(&session, black_box(place)).await));
            }
            allowed
        })
    }
}
