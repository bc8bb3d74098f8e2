//! One decision that a model's file writes down, and the lists that several of them come to.

use std::fmt;
use std::sync::Arc;

use super::items::{Asked, Item, Table};
use crate::{
    Authority, Decision, Explanation, PermissionIndex, PermissionKey, Predicate, Reason, RequestFacts,
    ResourceId,
};

/// One line of a model's decisions: who asks to do what to what, and what the answer has to be.
#[derive(Debug)]
pub struct Case {
    pub(super) line: usize,
    pub(super) principal: Box<str>,
    pub(super) authority: Arc<Authority>,
    pub(super) permission: PermissionIndex,
    pub(super) key: PermissionKey,
    pub(super) asked_of: Option<(Arc<Table>, Item)>,
    pub(super) said: Box<str>,
    pub(super) request: RequestFacts,
    pub(super) expected: Decision,
    pub(super) reason: Reason,
}

impl Case {
    /// The line of the file, counted from 1.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.line
    }

    /// Who asks.
    #[must_use]
    pub fn authority(&self) -> &Authority {
        &self.authority
    }

    /// To do what.
    #[must_use]
    pub const fn permission(&self) -> PermissionIndex {
        self.permission
    }

    /// To which resource of which table; nothing where it is the tenant as a whole.
    #[must_use]
    pub fn asked_of(&self) -> Option<(&Table, &Item)> {
        self.asked_of.as_ref().map(|(table, item)| (&**table, item))
    }

    /// In which request.
    #[must_use]
    pub const fn request(&self) -> &RequestFacts {
        &self.request
    }

    /// What the file says.
    pub const fn expected(&self) -> Decision {
        self.expected
    }

    /// Why, as the file says.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// What [`Authority::check`] says, or [`Authority::check_tenant`].
    pub fn check(&self) -> Decision {
        match &self.asked_of {
            Some((table, item)) => table.shape.check(&self.asked(), item),
            None => self.authority.check_tenant(self.permission, &self.request),
        }
    }

    /// What [`Authority::explain`] says, or [`Authority::explain_tenant`].
    #[must_use]
    pub fn explain(&self) -> Option<Explanation> {
        match &self.asked_of {
            Some((table, item)) => table.shape.explain(&self.asked(), item),
            None => self.authority.explain_tenant(self.permission, &self.request),
        }
    }

    /// What [`Authority::filter`] says; nothing where no resource is asked about.
    #[must_use]
    pub fn filter(&self) -> Option<Predicate> {
        self.asked_of.as_ref().map(|(table, _)| table.shape.filter(&self.asked()))
    }

    fn asked(&self) -> Asked<'_> {
        Asked { authority: &self.authority, permission: self.permission, request: &self.request }
    }

    /// Whether both ask the same of resources of the same table.
    fn asks_like(&self, other: &Self) -> bool {
        let is_same_table = match (&self.asked_of, &other.asked_of) {
            (Some((one, _)), Some((two, _))) => Arc::ptr_eq(one, two),
            _ => false,
        };
        is_same_table
            && self.principal == other.principal
            && self.permission == other.permission
            && self.request == other.request
    }
}

/// As a line of the file says it.
impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let may = if self.expected.is_allowed() { "may" } else { "may not" };
        write!(f, "line {}: {} {may} {}", self.line, self.principal, self.key)?;
        if let Some((table, item)) = &self.asked_of {
            write!(f, " on {}/{}", table.of(), item.name())?;
        }
        if !self.said.is_empty() {
            write!(f, ", {}", self.said)?;
        }
        write!(f, ": {}", self.reason)
    }
}

/// Which resources of a table somebody may do something to.
#[derive(Debug)]
pub struct Listing<'a> {
    cases: Vec<&'a Case>,
    first: &'a Case,
    table: &'a Table,
}

impl<'a> Listing<'a> {
    pub(super) fn of(cases: &'a [Case]) -> Vec<Self> {
        let mut listings: Vec<Self> = Vec::new();
        for case in cases {
            let Some((table, _)) = case.asked_of() else { continue };
            match listings.iter_mut().find(|listing| listing.first.asks_like(case)) {
                Some(listing) => listing.cases.push(case),
                None => listings.push(Self { cases: vec![case], first: case, table }),
            }
        }
        listings
    }

    /// The resources that are asked about.
    #[must_use]
    pub const fn table(&self) -> &'a Table {
        self.table
    }

    /// Its cases: one for each resource of the table.
    #[must_use]
    pub fn cases(&self) -> &[&'a Case] {
        &self.cases
    }

    /// What [`Authority::filter`] says.
    #[must_use]
    pub fn filter(&self) -> Predicate {
        self.table.shape.filter(&self.first.asked())
    }

    /// The ids of the resources that it has to keep, in the order of [`Table::items`].
    pub fn expected(&self) -> impl Iterator<Item = &'a ResourceId> {
        let allowed = |item: &&Item| {
            let of_item = |case: &&&Case| case.asked_of().is_some_and(|(_, asked)| asked.id() == item.id());
            self.cases.iter().find(of_item).is_some_and(|case| case.expected().is_allowed())
        };
        self.table.items().iter().filter(allowed).map(Item::id)
    }
}

impl fmt::Display for Listing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Case { line, principal, key, said, .. } = self.first;
        write!(f, "from line {line}: what of {} {principal} has {key} on", self.table.of())?;
        if said.is_empty() { Ok(()) } else { write!(f, ", {said}") }
    }
}
