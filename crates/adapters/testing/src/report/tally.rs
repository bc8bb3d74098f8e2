//! What a walk counts as it goes.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{Finding, Report, RouteOutcome, Unproved};
use crate::exception::{Exception, Telling};
use crate::place::Place;
use crate::route::{Hole, Route};
use crate::tenant::Thing;

/// Refusals that come before a thing is looked at.
const BEFORE: [u16; 7] = [400, 401, 403, 405, 415, 422, 429];

/// What a walk has counted and found so far.
#[derive(Debug)]
pub(crate) struct Tally {
    routes: Vec<Count>,
    findings: Vec<Finding>,
    exceptions: Vec<(Exception, usize)>,
    pub(crate) unsteady: usize,
    pub(crate) throttled: usize,
    pub(crate) effects: Vec<(String, usize)>,
}

#[derive(Debug, Default)]
struct Count {
    requests: usize,
    pairs: usize,
    owner: Option<u16>,
    succeeded: BTreeSet<usize>,
    /// For each place: the callers whose answers were compared, and whether the thing was looked at.
    compared: BTreeMap<Place, BTreeSet<(usize, bool)>>,
}

impl Tally {
    pub(crate) fn of(routes: usize, exceptions: Vec<Exception>) -> Self {
        Self {
            routes: (0..routes).map(|_| Count::default()).collect(),
            findings: Vec::new(),
            exceptions: exceptions.into_iter().map(|exception| (exception, 0)).collect(),
            unsteady: 0,
            throttled: 0,
            effects: Vec::new(),
        }
    }

    pub(crate) fn requested(&mut self, route: usize) {
        if let Some(count) = self.routes.get_mut(route) {
            count.requests = count.requests.saturating_add(1);
        }
    }

    /// Two answers were compared: `status` is that to the request that named another tenant's thing.
    pub(crate) fn compared(&mut self, route: usize, caller: usize, place: &Place, status: u16) {
        if let Some(count) = self.routes.get_mut(route) {
            count.pairs = count.pairs.saturating_add(1);
            let got_past = status < 500 && !BEFORE.contains(&status);
            count.compared.entry(place.clone()).or_default().insert((caller, got_past));
        }
    }

    /// Somebody asked for their own.
    pub(crate) fn owner_was_told(&mut self, route: usize, caller: usize, status: u16) {
        if let Some(count) = self.routes.get_mut(route) {
            if (200..400).contains(&status) {
                count.succeeded.insert(caller);
            }
            let best = count.owner.into_iter().chain([status]).min_by_key(|status| rank(*status));
            count.owner = best;
        }
    }

    pub(crate) fn has_succeeded(&self, route: usize, caller: usize) -> bool {
        self.routes.get(route).is_some_and(|count| count.succeeded.contains(&caller))
    }

    pub(crate) fn found(&mut self, finding: Finding) {
        match self.findings.iter_mut().find(|known| known.is_like(&finding)) {
            Some(known) => known.times = known.times.saturating_add(1),
            None => self.findings.push(finding),
        }
    }

    /// The exception that covers this, if one does.
    pub(crate) fn covering(&self, told: &Telling<'_>) -> Option<usize> {
        self.exceptions.iter().position(|(exception, _)| exception.covers(told))
    }

    pub(crate) fn excepted(&mut self, exception: usize) {
        if let Some((_, times)) = self.exceptions.get_mut(exception) {
            *times = times.saturating_add(1);
        }
    }

    pub(crate) fn report(
        self,
        routes: &[Route],
        things: &[Thing],
        tenants: usize,
        marks: (usize, Vec<String>),
        (seed, took): (u64, Duration),
    ) -> Report {
        let mut outcomes = Vec::new();
        for (route, count) in routes.iter().zip(&self.routes) {
            let findings = self.findings.iter().filter(|finding| finding.route == route.to_string()).count();
            outcomes.push(RouteOutcome {
                route: route.to_string(),
                requests: count.requests,
                pairs: count.pairs,
                owner: count.owner,
                findings,
                unproved: unproved(route, count, things, tenants),
                expected: route.unproved.clone(),
            });
        }
        let requests = outcomes.iter().map(RouteOutcome::requests).sum();
        let pairs = outcomes.iter().map(RouteOutcome::pairs).sum();
        let mut problems = Vec::new();
        if tenants < 2 {
            problems.push("a walk needs two tenants, each with a caller of its own".to_owned());
        }
        if requests == 0 || pairs == 0 {
            problems.push("no answers were compared: this walk proves nothing".to_owned());
        }
        for outcome in &outcomes {
            match (&outcome.expected, outcome.unproved.is_empty()) {
                (None, false) => {
                    let reasons = outcome.unproved.iter().map(ToString::to_string).collect::<Vec<_>>();
                    problems.push(format!("{}: {}", outcome.route, reasons.join("; ")));
                }
                (Some(reason), true) => {
                    let said =
                        format!("{}: said to be unproved, since {reason}; it is proved", outcome.route);
                    problems.push(said);
                }
                _ => {}
            }
        }
        for (exception, _) in self.exceptions.iter().filter(|(_, times)| *times == 0) {
            let (route, reason) = (exception.route(), exception.reason());
            problems.push(format!("{route}: excepted, since {reason}; nothing there needs an exception"));
        }
        let excepted = self
            .exceptions
            .iter()
            .map(|(exception, times)| (exception.route().to_owned(), exception.reason().to_owned(), *times));
        Report {
            excepted: excepted.collect(),
            routes: outcomes,
            findings: self.findings,
            problems,
            requests,
            pairs,
            unsteady: self.unsteady,
            throttled: self.throttled,
            marks: marks.0,
            unseen_marks: marks.1,
            effects: self.effects,
            seed,
            took,
        }
    }
}

fn unproved(route: &Route, count: &Count, things: &[Thing], tenants: usize) -> Vec<Unproved> {
    let mut unproved = Vec::new();
    if !count.owner.is_some_and(|status| (200..400).contains(&status)) {
        unproved.push(Unproved::OwnerNeverSucceeded { status: count.owner });
    }
    for (place, hole) in route.holes() {
        let Hole::Named(kind) = hole else { continue };
        let is_somebodys = |thing: &&Thing| thing.kind == kind && thing.owners.len() < tenants;
        let missing = Unproved::NoIdentifier { kind: kind.clone() };
        if !things.iter().any(|thing| is_somebodys(&thing)) {
            if !unproved.contains(&missing) {
                unproved.push(missing);
            }
            continue;
        }
        let pairs = count.compared.get(&place);
        let got_past = pairs.is_some_and(|pairs| {
            pairs.iter().any(|(caller, got_past)| *got_past || count.succeeded.contains(caller))
        });
        if !got_past {
            unproved.push(Unproved::NobodyGotPast { place });
        }
    }
    if unproved.is_empty() && count.pairs == 0 {
        unproved.push(Unproved::NothingCompared);
    }
    unproved
}

fn rank(status: u16) -> u16 {
    match status {
        200..400 => 0,
        404 | 409 | 410 | 412 | 402 => 1,
        400 | 422 => 2,
        403 => 3,
        401 => 4,
        _ => 5,
    }
}
