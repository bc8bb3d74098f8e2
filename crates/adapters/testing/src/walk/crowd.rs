//! Many connections of several tenants at once: whoever keeps a tenant where another request finds it mixes them up.

use std::collections::VecDeque;

use tokio::task::JoinSet;

use super::stand::Stand;
use super::walker::{About, Asked, Walker};
use crate::client::{Answer, Client};
use crate::place::{Form, Place};
use crate::report::Leak;
use crate::route::Hole;
use crate::told::{Noise, Told};

/// One request of the crowd: whose, and what it must be answered.
#[derive(Debug, Clone)]
struct Turn {
    route: usize,
    stand: Stand,
    asked: Asked,
    expected: Option<(Told, Noise)>,
}

impl Walker {
    /// Everybody at home asks for their own at once, several rounds; then once more while everybody writes.
    pub(super) async fn crowd(&mut self, connections: usize, rounds: usize) {
        let readers = self.readers().await;
        let mut turns: Vec<Turn> = Vec::new();
        for _ in 0..rounds {
            turns.extend(readers.iter().cloned());
        }
        self.run_crowd(self.shuffled(turns), connections).await;
        let mut writers = self.writers();
        writers.extend(readers.into_iter().map(|reader| Turn { expected: None, ..reader }));
        self.run_crowd(self.shuffled(writers), connections).await;
        self.read_all().await;
    }

    /// What everybody reads of their own, with what they are answered when alone.
    async fn readers(&mut self) -> Vec<Turn> {
        let mut turns = Vec::new();
        for view in self.views.clone().into_iter().filter(|view| view.own < 2) {
            let about = About {
                route: view.route,
                stand: &view.stand,
                place: Place::Crowd,
                form: Form::Plain,
                victim: None,
            };
            let asked = self.asked(view.route, &view.stand, view.own, &mut |_, _| None);
            let answers = [self.ask(&about, &asked).await, self.ask(&about, &asked).await];
            let told = answers.map(|answer| self.told(&asked, &answer));
            let noise = Noise::between(&told[0], &told[1]).map(|noise| noise.and(&view.noise));
            let [told, _] = told;
            turns.push(Turn {
                route: view.route,
                stand: view.stand,
                asked,
                expected: noise.map(|noise| (told, noise)),
            });
        }
        turns
    }

    /// What everybody makes who could before: two of each.
    fn writers(&mut self) -> Vec<Turn> {
        let makes = self.routes.iter().enumerate().filter(|(_, route)| {
            let is_own = |(_, hole): &(Place, Hole)| matches!(hole, Hole::Mark | Hole::New(_));
            !route.reads() && !route.deletes() && !route.is_last && route.holes().iter().any(is_own)
        });
        let makes: Vec<usize> = makes.map(|(place, _)| place).collect();
        let mut turns = Vec::new();
        for route in makes {
            for stand in self.homes() {
                if self.tally.has_succeeded(route, stand.caller) {
                    for own in 0..2 {
                        let asked = self.asked(route, &stand, own, &mut |_, _| None);
                        turns.push(Turn { route, stand: stand.clone(), asked, expected: None });
                    }
                }
            }
        }
        turns
    }

    fn shuffled(&self, mut turns: Vec<Turn>) -> Vec<Turn> {
        let mut draw = self.draw.clone();
        let mut last = turns.len();
        while let Some(before) = last.checked_sub(1).filter(|before| *before > 0) {
            let bound = u64::try_from(last).unwrap_or(1);
            turns.swap(before, usize::try_from(draw.below(bound)).unwrap_or_default());
            last = before;
        }
        turns
    }

    async fn run_crowd(&mut self, turns: Vec<Turn>, connections: usize) {
        let mut queues: Vec<VecDeque<Turn>> = (0..connections).map(|_| VecDeque::new()).collect();
        for (place, turn) in turns.into_iter().enumerate() {
            let queue = place.checked_rem(connections).and_then(|place| queues.get_mut(place));
            if let Some(queue) = queue {
                queue.push_back(turn);
            }
        }
        let mut asking = JoinSet::new();
        for queue in queues {
            let mut client = Client::of(self.address);
            let queue: Vec<_> = queue.into_iter().map(|turn| (self.from(&turn.stand), turn)).collect();
            asking.spawn(async move {
                let mut answered: Vec<(Turn, Answer)> = Vec::new();
                for (from, turn) in queue {
                    let answer = client.send(from, &turn.asked.request).await;
                    answered.push((turn, answer));
                }
                answered
            });
        }
        while let Some(answered) = asking.join_next().await {
            for (turn, answer) in answered.unwrap_or_default() {
                self.hold_turn(&turn, &answer);
                let (route, stand) = (turn.route, &turn.stand);
                let about = About { route, stand, place: Place::Crowd, form: Form::Plain, victim: None };
                self.undo(&about, &turn.asked, &answer).await;
            }
        }
    }

    fn hold_turn(&mut self, turn: &Turn, answer: &Answer) {
        let (route, stand) = (turn.route, &turn.stand);
        let about = About { route, stand, place: Place::Crowd, form: Form::Plain, victim: None };
        self.hold_against(&about, &turn.asked, answer);
        let Some((expected, noise)) = &turn.expected else { return };
        if answer.status == 429 {
            return;
        }
        self.tally.compared(route, stand.caller, &Place::Crowd, answer.status);
        let differences = self.told(&turn.asked, answer).against(expected, noise);
        if !differences.is_empty() {
            self.found(&about, Leak::Mixed, differences);
        }
    }
}
