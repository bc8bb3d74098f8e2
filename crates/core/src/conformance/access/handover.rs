//! What somebody may and may not hand on.

use std::fmt;
use std::sync::Arc;

use crate::{Authority, Grant, Reach, Target};

/// One line of a model's attempts to hand out rights: what is asked for, and what the giver lacks for it.
#[derive(Debug)]
pub struct Handover {
    pub(super) line: usize,
    pub(super) giver: Box<str>,
    pub(super) authority: Arc<Authority>,
    pub(super) asks: Vec<Grant>,
    pub(super) on: Target,
    pub(super) reach: Reach,
    pub(super) lacking: Vec<Grant>,
}

impl Handover {
    /// The line of the file, counted from 1.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.line
    }

    /// The lines that the giver has to be told it lacks, in the order in which it asks; none where it may grant all.
    #[must_use]
    pub fn lacking(&self) -> &[Grant] {
        &self.lacking
    }

    /// The lines of which [`Authority::may_grant`] says that the giver lacks them.
    #[must_use]
    pub fn attempt(&self) -> Vec<Grant> {
        let refused = self.authority.may_grant(&self.asks, &self.on, self.reach).err();
        refused.map(|refused| refused.grants).unwrap_or_default()
    }
}

/// As a line of the file says it.
impl fmt::Display for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, giver, asks, on, reach, .. } = self;
        write!(f, "line {line}: {giver} hands out {asks:?} on {on}, {reach:?}")
    }
}
