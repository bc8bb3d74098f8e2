//! Nobody hands out, or takes from others, what they don't hold.

use super::{Refused, refuse};
use crate::{Caller, Effect, Grant, Holding, Reach, Target};

/// Whose a change is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// The caller's own.
    Own,
    /// Somebody else's, or also somebody else's.
    Others,
}

pub(super) fn may_grant(caller: &Caller, grants: &[Grant], on: &Target, reach: Reach) -> Result<(), Refused> {
    match caller.principal().authority().may_grant(grants, on, reach) {
        Ok(()) => Ok(()),
        Err(escalation) => refuse(escalation),
    }
}

/// Nobody gives what they couldn't grant line by line.
pub(super) fn may_give<'a>(
    caller: &Caller,
    given: impl IntoIterator<Item = &'a Holding>,
) -> Result<(), Refused> {
    let mut given = given.into_iter();
    given.try_for_each(|held| may_grant(caller, held.role.grants(), &held.on, reach(held)))
}

/// Nobody takes from another what they couldn't grant. One's own roles anybody may lay down, except for what they deny:
/// without it one could do more.
pub(super) fn may_take<'a>(
    caller: &Caller,
    whose: Whose,
    taken: impl IntoIterator<Item = &'a Holding>,
) -> Result<(), Refused> {
    taken.into_iter().try_for_each(|held| {
        let lines = held.role.grants().iter();
        let lines = lines.filter(|line| whose == Whose::Others || line.effect() == Effect::Deny);
        may_grant(caller, &lines.cloned().collect::<Vec<_>>(), &held.on, reach(held))
    })
}

fn reach(held: &Holding) -> Reach {
    if held.descends { Reach::Below } else { Reach::Here }
}
