//! The same address, asked for by two tenants in turn: whoever keeps answers by address alone mixes them up.

use super::stand::Stand;
use super::walker::{About, Asked, Walker};
use crate::place::{Form, Place};
use crate::report::Leak;
use crate::told::Noise;

impl Walker {
    /// Each pair of neighbouring tenants asks for the same addresses, one first and then the other first, each time
    /// with a parameter that nobody has asked with before, and once without.
    pub(super) async fn take_turns(&mut self) {
        let homes = self.homes();
        let mut pairs = Vec::new();
        for (place, one) in homes.iter().enumerate() {
            let after = homes.iter().cycle().skip(place.saturating_add(1)).take(homes.len());
            let mut after = after.filter(|other| other.tenant != one.tenant);
            pairs.extend(after.next().map(|other| (one.clone(), other.clone())));
        }
        let reading = self.routes.iter().enumerate().filter(|(_, route)| route.reads());
        let reading: Vec<usize> = reading.map(|(place, _)| place).collect();
        for route in reading {
            for (one, other) in &pairs {
                self.turn(route, one, other).await;
            }
        }
    }

    async fn turn(&mut self, route: usize, one: &Stand, other: &Stand) {
        let own = self.asked(route, one, 0, &mut |_, _| None);
        let mut theirs = own.clone();
        let sent = self.asked(route, other, 0, &mut |_, _| None).request;
        (theirs.request.headers, theirs.request.host) = (sent.headers, sent.host);
        self.in_order(route, (one, &own), (other, &theirs), None).await;
        for _ in 0..2 {
            let fresh = self.draw.below(u64::from(u32::MAX)).to_string();
            self.in_order(route, (one, &own), (other, &theirs), Some(&fresh)).await;
        }
    }

    /// One asks, the other, and one again; then with another fresh parameter the other first.
    async fn in_order(
        &mut self,
        route: usize,
        (one, own): (&Stand, &Asked),
        (other, theirs): (&Stand, &Asked),
        fresh: Option<&str>,
    ) {
        let with = |asked: &Asked, turn: &str| {
            let mut asked = asked.clone();
            if let Some(fresh) = fresh {
                asked.names.push(format!("{fresh}{turn}"));
                asked.request = asked.request.query("walk", &format!("{fresh}{turn}"));
            }
            asked
        };
        let order = [
            (one, with(own, "1")),
            (other, with(theirs, "1")),
            (one, with(own, "1")),
            (other, with(theirs, "2")),
            (one, with(own, "2")),
            (other, with(theirs, "2")),
        ];
        let mut told = Vec::new();
        for (stand, asked) in &order {
            let about = About { route, stand, place: Place::Turns, form: Form::Plain, victim: None };
            let answer = self.ask(&about, asked).await;
            told.push(self.told(asked, &answer));
        }
        let [first, second, third, fourth, fifth, sixth] = told.as_slice() else { return };
        for (stand, same, now) in [(one, [first, third], fifth), (other, [fourth, sixth], second)] {
            let Some(noise) = Noise::between(same[0], same[1]) else {
                self.tally.unsteady = self.tally.unsteady.saturating_add(1);
                continue;
            };
            let victim = if stand.caller == one.caller { other } else { one }.tenant.clone();
            let about = About { route, stand, place: Place::Turns, form: Form::Plain, victim };
            self.tally.compared(route, stand.caller, &Place::Turns, now.status);
            let differences = now.against(same[0], &noise.and(&self.noise_of(route, stand)));
            if !differences.is_empty() {
                self.found(&about, Leak::Mixed, differences);
            }
        }
    }

    /// What differs between two answers of a route to the same caller.
    pub(super) fn noise_of(&self, route: usize, stand: &Stand) -> Noise {
        let views = self.views.iter().filter(|view| view.route == route && view.stand.caller == stand.caller);
        views.fold(Noise::default(), |noise, view| noise.and(&view.noise))
    }
}
