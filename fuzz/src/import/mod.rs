//! Imports: what is read is written and read as it was, and what it decides is never wider than its importer.

mod compact;
mod world;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use tenantry_core::{
    AccessDocument, Assignee, Authority, CallerFacts, Direction, DryRun, Holding, ImportRefusal,
    PermissionIndex, PrincipalId, Role, Scope, UserId,
};
use uuid::Uuid;
use world::{Document, HOME, catalog, documents, requests};

/// The most principals of a document that are asked.
const MAX_ASKED: usize = 12;

/// Reads a document, or two with a line `---` between them, as JSON or in the [short form](compact::document); then
/// imports the second over the first.
pub fn import(text: &str) {
    let (before, after) = text.split_once("\n---\n").unwrap_or(("", text));
    let (Some(before), Some(after)) = (read(before), read(after)) else { return };
    let plan = [Scope::all()];
    let run = DryRun::of(catalog(), HOME, &plan, &before, &after);
    stays_without_change(&after);
    is_its_own_mirror(&run, &DryRun::of(catalog(), HOME, &plan, &after, &before));
    let (old, new) = (Answers::of(&before), Answers::of(&after));
    old.missing_changes(&new, &run);
    let owner = owner();
    let refused = run.may_import(&owner).err();
    assert!(!matches!(refused, Some(ImportRefusal::Escalation { .. })), "{refused:?}");
    old.escalations(&new, &run);
}

fn read(text: &str) -> Option<AccessDocument> {
    let document = match text.trim_start().starts_with('{') {
        true => read_json(text)?,
        false => compact::document(text)?,
    };
    is_written_as_it_is(&document);
    Some(document)
}

fn read_json(text: &str) -> Option<AccessDocument> {
    match text.parse::<AccessDocument>() {
        Ok(document) => {
            conforms(text);
            Some(document)
        }
        Err(refused) => {
            assert!(!refused.to_string().is_empty());
            None
        }
    }
}

static SCHEMA: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
    let schema = serde_json::from_str(AccessDocument::SCHEMA).unwrap_or_else(|error| panic!("{error}"));
    jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{error}"))
});

/// Whatever is read conforms to the schema.
fn conforms(text: &str) {
    let json = serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let problems: Vec<String> = SCHEMA.iter_errors(&json).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{problems:?} in {text}");
}

fn is_written_as_it_is(document: &AccessDocument) {
    let text = document.to_string();
    conforms(&text);
    let again = text.parse::<AccessDocument>().unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(&again, document);
    assert_eq!(again.to_string(), text);
    let (roles, teams) = (document.roles().to_vec(), document.teams().to_vec());
    let put_together = AccessDocument::new(
        roles.into_iter().rev().collect(),
        teams.into_iter().rev().collect(),
        document.assignments().iter().rev().cloned().collect(),
    );
    assert_eq!(put_together.as_ref(), Ok(document));
    assert!(document.roles().len() <= Role::MAX && document.teams().len() <= AccessDocument::MAX_TEAMS);
    assert!(document.roles().iter().all(|role| role.grants.len() <= Role::MAX_GRANTS));
}

fn stays_without_change(document: &AccessDocument) {
    let run = DryRun::of(catalog(), HOME, &[Scope::all()], document, document);
    assert!(run.is_empty() && run.principals().is_empty(), "{run}");
    let refused = run.may_import(&nobody()).err();
    assert!(matches!(refused, None | Some(ImportRefusal::LastOwner)), "{refused:?}");
}

/// Taking a change back loses what it gained.
fn is_its_own_mirror(run: &DryRun, back: &DryRun) {
    assert!(!run.to_string().is_empty() || run.is_empty());
    assert!(serde_json::to_value(run).is_ok());
    let [there, here] = [run, back].map(|run| run.principals().iter().map(|change| change.principal));
    assert!(there.eq(here), "{run}\n\n{back}");
    for (there, here) in run.principals().iter().zip(back.principals()) {
        assert_eq!(there.changes.len(), here.changes.len(), "{run}\n\n{back}");
        for (there, here) in there.changes.iter().zip(&here.changes) {
            assert_eq!((&there.permission, &there.place), (&here.permission, &here.place));
            assert_eq!((&there.before, &there.after), (&here.after, &here.before));
            let mirrored = match there.direction {
                Direction::Gained => Direction::Lost,
                Direction::Lost => Direction::Gained,
                Direction::Widened => Direction::Narrowed,
                Direction::Narrowed => Direction::Widened,
                same => same,
            };
            assert_eq!(here.direction, mirrored, "{run}\n\n{back}");
        }
    }
}

/// What everybody of a document may do, and everything that was answered about it.
struct Answers(BTreeMap<PrincipalId, (Authority, Vec<bool>)>);

impl Answers {
    fn of(document: &AccessDocument) -> Self {
        let authorities = document.authorities(catalog(), HOME, &[Scope::all()]);
        let asked = authorities.into_iter().take(MAX_ASKED);
        Self(asked.map(|it| (it.caller().principal(), (it.clone(), answers(&it)))).collect())
    }

    fn allowed(&self, principal: &PrincipalId) -> Vec<bool> {
        self.0.get(principal).map_or_else(|| answers(&nobody()), |(_, allowed)| allowed.clone())
    }

    /// Nobody's answers change of whom the dry run doesn't tell.
    fn missing_changes(&self, new: &Self, run: &DryRun) {
        if self.0.len() == MAX_ASKED || new.0.len() == MAX_ASKED {
            return;
        }
        for principal in self.0.keys().chain(new.0.keys()) {
            let is_told = run.principals().iter().any(|change| change.principal == *principal);
            let is_same = self.allowed(principal) == new.allowed(principal);
            assert!(is_told || is_same, "{principal} isn't told of in\n{run}");
        }
    }

    /// Where somebody may import it, nobody comes to do what that somebody couldn't.
    fn escalations(&self, new: &Self, run: &DryRun) {
        if self.0.len() == MAX_ASKED || new.0.len() == MAX_ASKED {
            return;
        }
        for (importer, (authority, own)) in &self.0 {
            if run.may_import(authority).is_err() {
                continue;
            }
            for (principal, (_, now)) in &new.0 {
                let was = self.allowed(principal);
                let gained = now.iter().zip(&was).map(|(now, was)| *now && !*was);
                let beyond = gained.zip(own).position(|(gained, own)| gained && !own);
                assert_eq!(beyond, None, "{importer} gives {principal} what it doesn't have:\n{run}");
            }
        }
    }
}

/// Every answer about every permission, document and request, having checked that all ways of asking agree.
fn answers(authority: &Authority) -> Vec<bool> {
    let (whole, as_itself) = (authority.narrowed_to(&[Scope::all()]), authority.limited_to(authority));
    let mut answers = Vec::new();
    for known in catalog().iter() {
        let Some(index) = catalog().by_key(known.key.as_str()) else { panic!("{} is lost", known.key) };
        assert_eq!(authority.permissions().contains(index), authority.holds(index));
        for request in &requests() {
            let in_tenant = authority.check_tenant(index, request).is_allowed();
            let told = authority.explain_tenant(index, request);
            assert_eq!(told.map(|told| told.is_allowed), Some(in_tenant), "{}", known.key);
            fits_the_summary(authority, index, in_tenant);
            let filter = authority.filter::<Document>(index, request);
            answers.push(in_tenant);
            for document in &documents() {
                let allowed = authority.check(index, document, request).is_allowed();
                let told = authority.explain(index, document, request);
                assert_eq!(told.map(|told| told.is_allowed), Some(allowed), "{} {document:?}", known.key);
                assert_eq!(filter.evaluate(document) == Some(true), allowed, "{filter:?} {document:?}");
                for other in [&whole, &as_itself] {
                    assert_eq!(other.check(index, document, request).is_allowed(), allowed, "{}", known.key);
                }
                fits_the_summary(authority, index, allowed);
                answers.push(allowed);
            }
        }
    }
    answers
}

fn fits_the_summary(authority: &Authority, index: PermissionIndex, is_allowed: bool) {
    assert!(is_allowed || !authority.holds(index));
    assert!(!is_allowed || authority.may_hold(index));
}

fn somebody(grants: &[&str]) -> Authority {
    let user = UserId::from_uuid(Uuid::from_u128(200));
    let grants = grants.iter().filter_map(|grant| grant.parse().ok()).collect();
    let role = "r".parse().and_then(|key| Role::new(HOME, key, "R", grants, 1));
    let held = role.map(|role| Holding::of(role, Assignee::User(user)).descending());
    let caller = CallerFacts::of(PrincipalId::User(user), HOME);
    Authority::of(catalog(), caller, held.into_iter().collect(), &[Scope::all()])
}

/// One who may do everything, here and below.
fn owner() -> Authority {
    somebody(&["*"])
}

/// One who may do nothing.
fn nobody() -> Authority {
    somebody(&[])
}
