//! A way of answering the questions of a world.

use std::hint::black_box;
use std::ops::Range;

/// An evaluator with all that it needs to answer the questions of a world by their places.
pub trait Way {
    /// What the reports call it.
    fn name(&self) -> &'static str;

    /// How many of the questions it is ready for, from the first on.
    fn reach(&self) -> usize;

    /// Answers the question at `place`.
    fn decide(&self, place: usize) -> bool;

    /// Answers these questions and counts those that are allowed. Neither place nor answer is known to the compiler.
    fn ask(&self, places: Range<usize>) -> usize {
        places.filter(|place| black_box(self.decide(black_box(*place)))).count()
    }

    /// The same, each question only after the answer before it: `nothing` is 0, which the compiler isn't told.
    fn ask_in_turn(&self, places: Range<usize>, nothing: usize) -> usize {
        let (mut allowed, mut last) = (0, 0);
        for place in places {
            last = usize::from(black_box(self.decide(place + (last & nothing))));
            allowed += last;
        }
        allowed
    }
}

/// A [`Way`] that is a function.
#[derive(Debug)]
pub struct Asker<F> {
    name: &'static str,
    reach: usize,
    decide: F,
}

impl<F: Fn(usize) -> bool> Asker<F> {
    /// The way that `decide` is.
    pub const fn new(name: &'static str, reach: usize, decide: F) -> Self {
        Self { name, reach, decide }
    }
}

impl<F: Fn(usize) -> bool> Way for Asker<F> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn reach(&self) -> usize {
        self.reach
    }

    fn decide(&self, place: usize) -> bool {
        (self.decide)(place)
    }
}

/// A [`Way`] that is asked each question only after the answer before it.
#[derive(Debug)]
pub struct InTurn<W>(pub W);

impl<W: Way> Way for InTurn<W> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn reach(&self) -> usize {
        self.0.reach() - 1
    }

    fn decide(&self, place: usize) -> bool {
        self.0.decide(place)
    }

    fn ask(&self, places: Range<usize>) -> usize {
        self.0.ask_in_turn(places, black_box(0))
    }
}
