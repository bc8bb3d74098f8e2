//! Every route and who may use it, as it was last agreed on: a change of policy is a change of `routes.txt`.

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    const AGREED: &str = include_str!("routes.txt");

    #[test]
    fn the_routes_are_those_that_were_agreed_on() {
        let table = marketplace::route_table().unwrap().to_string();
        assert_eq!(
            table, AGREED,
            "if the change is meant: cargo run -p marketplace -- routes > examples/marketplace/tests/routes.txt"
        );
    }

    #[test]
    fn whoever_stops_reading_breaks_nothing() {
        let mut printing = Command::new(env!("CARGO_BIN_EXE_marketplace"))
            .arg("routes")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(printing.stdout.take());
        let ended = printing.wait_with_output().unwrap();
        assert!(ended.status.success(), "{ended:?}");
        assert!(ended.stderr.is_empty(), "{ended:?}");
    }

    #[test]
    fn the_command_prints_them_and_touches_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let printed = Command::new(env!("CARGO_BIN_EXE_marketplace"))
            .arg("routes")
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert!(printed.status.success(), "{printed:?}");
        assert_eq!(String::from_utf8(printed.stdout).unwrap(), AGREED);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
