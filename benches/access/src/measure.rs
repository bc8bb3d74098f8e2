//! Ways that take turns, in short blocks, so that whatever else the machine does falls on all alike.

use std::time::{Duration, Instant};

use serde::Serialize;
use tenantry_bench_measure::{Spread, order};

use crate::Fault;
use crate::way::Way;

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Effort {
    /// How often every way has its turn.
    pub(crate) cycles: usize,
    /// How long a turn takes, about.
    pub(crate) turn: Duration,
    /// For how long at most the answers of a way are compared with the first way's.
    pub(crate) check: Duration,
    /// How many questions a way that has to be prepared for each is prepared for.
    pub(crate) reach: usize,
}

impl Effort {
    pub(crate) const fn new(is_quick: bool) -> Self {
        let millis = Duration::from_millis;
        if is_quick {
            Self { cycles: 5, turn: millis(2), check: millis(50), reach: 512 }
        } else {
            Self { cycles: 31, turn: millis(12), check: millis(700), reach: 8_192 }
        }
    }
}

/// What a way took.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Measured {
    pub(crate) way: &'static str,
    /// Nanoseconds that a question took, in each cycle.
    #[serde(skip)]
    pub(crate) cycles: Vec<f64>,
    /// The median of them.
    pub(crate) nanos: f64,
    /// How many answers were found to be those of the first way.
    pub(crate) compared: usize,
    /// How many of those were that it is allowed.
    pub(crate) allowed: usize,
}

impl Measured {
    pub(crate) fn spread(&self) -> Spread {
        Spread::of(self.cycles.clone())
    }

    /// How many times as long as `other` it takes, cycle by cycle.
    pub(crate) fn against(&self, other: &Self) -> Spread {
        let ratios = self.cycles.iter().zip(&other.cycles).map(|(own, theirs)| own / theirs);
        Spread { median: self.nanos / other.nanos, ..Spread::of(ratios.collect()) }
    }
}

/// Has every way answer the same questions, and compares what it answers with what the first one does.
pub(crate) fn measure(ways: &[Box<dyn Way>], effort: Effort) -> Result<Vec<Measured>, Fault> {
    let first = ways.first().ok_or("no way to measure")?;
    let mut turns = vec![];
    let mut found = vec![];
    for way in ways {
        let (compared, allowed) = compare(&**first, &**way, effort)?;
        found.push(Measured { way: way.name(), cycles: vec![], nanos: 0.0, compared, allowed });
        turns.push(Turn::of(&**way, effort));
    }
    for cycle in 0..effort.cycles {
        for place in order(ways.len(), cycle) {
            let took = turns[place].take(&*ways[place], cycle);
            found[place].cycles.push(took);
        }
    }
    for measured in &mut found {
        measured.nanos = measured.spread().median;
    }
    Ok(found)
}

fn compare(first: &dyn Way, way: &dyn Way, effort: Effort) -> Result<(usize, usize), Fault> {
    let began = Instant::now();
    let (mut compared, mut allowed) = (0, 0);
    for place in 0..way.reach().min(first.reach()) {
        let (expected, answered) = (first.decide(place), way.decide(place));
        if expected != answered {
            let (first, name) = (first.name(), way.name());
            return Err(format!("question {place}: {first} says {expected}, {name} {answered}").into());
        }
        compared += 1;
        allowed += usize::from(answered);
        if began.elapsed() > effort.check {
            break;
        }
    }
    Ok((compared, allowed))
}

/// How many questions a way is asked in its turn, and how often.
struct Turn {
    questions: usize,
    passes: usize,
}

impl Turn {
    /// Warms the way up, and sees how fast it is.
    fn of(way: &dyn Way, effort: Effort) -> Self {
        let few = way.reach().min(64);
        let began = Instant::now();
        let mut asked = 0_u32;
        while began.elapsed() < effort.turn {
            way.ask(0..few);
            asked += u32::try_from(few).unwrap_or(1);
        }
        let each = began.elapsed().as_secs_f64() / f64::from(asked);
        let wanted = Duration::from_secs_f64(effort.turn.as_secs_f64() / each).as_secs();
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        let questions = wanted.clamp(way.reach().min(8), way.reach());
        Self { questions, passes: (wanted / questions.max(1)).max(1) }
    }

    /// Nanoseconds that a question takes. Who can't answer all of them in one turn goes on where it left off.
    fn take(&self, way: &dyn Way, cycle: usize) -> f64 {
        let first = cycle * self.questions % (way.reach() - self.questions + 1);
        let began = Instant::now();
        for _ in 0..self.passes {
            std::hint::black_box(way.ask(first..first + self.questions));
        }
        let asked = u32::try_from(self.passes * self.questions).unwrap_or(u32::MAX);
        began.elapsed().as_secs_f64() * 1e9 / f64::from(asked)
    }
}
