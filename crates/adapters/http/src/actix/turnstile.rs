use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::Waker;

use actix_web::HttpRequest;

use crate::Problem;
use crate::gate::Passage;

/// Where a request's extractors wait for each other: those that look into the request until those that check it
/// have let it pass.
pub(super) struct Turnstile {
    passage: Passage,
    checking: Cell<usize>,
    waiting: RefCell<Vec<Waker>>,
    refused: RefCell<Option<(HttpRequest, Problem)>>,
}

impl Turnstile {
    pub(super) fn new(passage: Passage) -> Rc<Self> {
        Rc::new(Self {
            passage,
            checking: Cell::new(0),
            waiting: RefCell::new(Vec::new()),
            refused: RefCell::new(None),
        })
    }

    pub(super) fn passage(&self) -> &Passage {
        &self.passage
    }

    /// A check begins.
    pub(super) fn enter(&self) {
        self.checking.set(self.checking.get().saturating_add(1));
    }

    /// A check is over: after the last one, those that wait go on.
    pub(super) fn leave(&self) {
        self.checking.set(self.checking.get().saturating_sub(1));
        if self.checking.get() == 0 {
            self.waiting.take().into_iter().for_each(Waker::wake);
        }
    }

    /// Whether a check is under way; whoever is told so is woken after it.
    pub(super) fn must_wait(&self, waker: &Waker) -> bool {
        let must = self.checking.get() > 0;
        if must {
            let mut waiting = self.waiting.borrow_mut();
            if !waiting.iter().any(|known| known.will_wake(waker)) {
                waiting.push(waker.clone());
            }
        }
        must
    }

    /// The request is refused: the middleware answers.
    pub(super) fn refuse(&self, request: HttpRequest, problem: Problem) {
        self.refused.borrow_mut().get_or_insert((request, problem));
    }

    /// The refusal, if there is one.
    pub(super) fn take_refused(&self) -> Option<(HttpRequest, Problem)> {
        self.refused.borrow_mut().take()
    }
}
