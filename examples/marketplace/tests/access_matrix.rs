//! What each kind of tenant may do, against the table that is checked in: a change of policy is a diff of it.
//!
//! To accept a change that was meant: `BLESS=1 cargo test -p marketplace --test access_matrix`, then read the diff.

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tenantry::MatrixCell;

    const GOLDEN: &str = "tests/access_matrix.txt";

    #[test]
    fn the_matrix_is_the_one_that_was_reviewed() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(GOLDEN);
        let matrix = marketplace::access_matrix().unwrap().to_string();
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &matrix).unwrap();
        }
        let reviewed = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            matrix == reviewed,
            "what the roles allow isn't what {GOLDEN} says. It is now:\n\n{matrix}\n\
             If this is meant: BLESS=1 cargo test -p marketplace --test access_matrix, then read the diff"
        );
    }

    #[test]
    fn each_kind_has_what_sets_it_apart_and_nobody_else_has_it() {
        let matrix = marketplace::access_matrix().unwrap();
        let held = |key: &str, holds: fn(&MatrixCell) -> bool| {
            let row = matrix.rows().iter().find(|row| row.key.as_str() == key).unwrap();
            let held = row.cells.iter().zip(matrix.columns()).filter(|(cell, _)| holds(cell));
            held.map(|(_, column)| column.title.clone()).collect::<Vec<_>>()
        };
        let holders = |key| held(key, |cell| matches!(cell, MatrixCell::Allowed { .. }));
        let at_times = |key| held(key, |cell| matches!(cell, MatrixCell::Conditional { .. }));
        for own in ["listing:write", "listing:publish", "listing:delete"] {
            assert_eq!(
                (holders(own), at_times(own)),
                (titles(&["seller owner"]), titles(&["seller author"]))
            );
        }
        assert_eq!(holders("listing:create"), ["seller owner", "seller author"]);
        assert_eq!(at_times("listing:read"), ["seller author"]);
        assert_eq!(holders("order:place"), ["buyer owner", "buyer purchaser"]);
        assert_eq!(
            (holders("order:review"), at_times("order:review")),
            (titles(&["buyer owner"]), titles(&["buyer purchaser"]))
        );
        assert_eq!(at_times("order:read"), ["buyer purchaser"]);
        assert_eq!(holders("performance:read"), ["investor owner"]);
        for only_platform in ["order:resolve", "admin:tenants", "admin:audit", "admin:ledger"] {
            assert_eq!(holders(only_platform), ["platform owner"], "{only_platform}");
            assert_eq!(at_times(only_platform), [""; 0], "{only_platform}");
        }
    }

    fn titles(titles: &[&str]) -> Vec<String> {
        titles.iter().map(ToString::to_string).collect()
    }
}
