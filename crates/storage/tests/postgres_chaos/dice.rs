//! Random numbers that a seed repeats.

/// Sebastiano Vigna's `splitmix64`.
pub(crate) struct Dice {
    state: u64,
    /// Whether everything is waited for that is asked with it.
    pub(crate) is_patient: bool,
}

impl Dice {
    /// The numbers of one of many tasks that share a seed.
    pub(crate) fn of(seed: u64, task: u64) -> Self {
        let state = seed ^ task.wrapping_mul(0xA076_1D64_78BD_642F);
        let mut dice = Self { state, is_patient: false };
        dice.next();
        dice
    }

    pub(crate) fn patient(self) -> Self {
        Self { is_patient: true, ..self }
    }

    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn amount(&mut self, most: i64) -> i64 {
        1 + i64::try_from(self.below(most.unsigned_abs())).unwrap()
    }

    pub(crate) fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let nth = self.below(u64::try_from(from.len()).unwrap());
        &from[usize::try_from(nth).unwrap()]
    }
}
