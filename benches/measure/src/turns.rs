//! In which order ways take their turns.

/// The places of the ways in a cycle: forwards, and in the next one backwards, so that whatever else the machine does
/// falls on all alike.
pub fn order(ways: usize, cycle: usize) -> impl Iterator<Item = usize> {
    (0..ways).map(move |step| if cycle.is_multiple_of(2) { step } else { ways - 1 - step })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_other_cycle_goes_backwards() {
        let cycles: Vec<Vec<usize>> = (0..3).map(|cycle| order(3, cycle).collect()).collect();
        assert_eq!(cycles, [[0, 1, 2], [2, 1, 0], [0, 1, 2]]);
    }
}
