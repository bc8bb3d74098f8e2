//! What happened, counted; and what must never happen.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Mutex;

/// So many breaches are shown in full.
const SHOWN: usize = 20;

#[derive(Default)]
pub(crate) struct Tally {
    counts: Mutex<BTreeMap<String, u64>>,
    breaches: Mutex<Vec<String>>,
}

impl Tally {
    pub(crate) fn count(&self, what: impl Into<String>) {
        self.count_all(what, 1);
    }

    pub(crate) fn count_all(&self, what: impl Into<String>, times: u64) {
        *self.counts.lock().unwrap().entry(what.into()).or_default() += times;
    }

    pub(crate) fn of(&self, what: &str) -> u64 {
        self.counts.lock().unwrap().get(what).copied().unwrap_or(0)
    }

    /// How many answers were good ones.
    pub(crate) fn acknowledged(&self) -> u64 {
        let counts = self.counts.lock().unwrap();
        counts.iter().filter(|(what, _)| what.ends_with(": acknowledged")).map(|(_, count)| count).sum()
    }

    /// An invariant that doesn't hold.
    pub(crate) fn breach(&self, what: impl Display) {
        let mut breaches = self.breaches.lock().unwrap();
        if breaches.len() < SHOWN {
            eprintln!("BREACH: {what}");
        }
        breaches.push(what.to_string());
    }

    /// Checks an invariant, and counts that it was.
    pub(crate) fn holds(&self, holds: bool, checked: &str, otherwise: impl FnOnce() -> String) {
        self.count(checked);
        if !holds {
            self.breach(format!("{checked}: {}", otherwise()));
        }
    }

    /// Which of the counts are too low for a run so many times as long to have proved anything.
    pub(crate) fn lacking(&self, least: &[(&'static str, u64)], times: u64) -> Vec<String> {
        let least = least.iter().map(|(what, least)| (what, least * times));
        let lacking = least.filter(|(what, least)| self.of(what) < *least);
        lacking.map(|(what, least)| format!("{what}: {} of at least {least}", self.of(what))).collect()
    }

    pub(crate) fn breaches(&self) -> Vec<String> {
        self.breaches.lock().unwrap().clone()
    }

    pub(crate) fn print(&self) {
        for (what, count) in &*self.counts.lock().unwrap() {
            println!("{count:>9}  {what}");
        }
    }
}
