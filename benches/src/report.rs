//! The table that is printed, and the file that is written.

use std::path::PathBuf;
use std::{fs, io};

use serde::Serialize;

/// One measurement against another.
#[derive(Debug, Serialize)]
pub(crate) struct Comparison {
    name: String,
    ours: f64,
    theirs: f64,
    unit: &'static str,
    ratio: f64,
}

/// What a bench found.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Report {
    comparisons: Vec<Comparison>,
}

impl Report {
    /// Adds a comparison and prints its row.
    #[expect(clippy::float_arithmetic, reason = "a measurement, not money")]
    pub(crate) fn add(
        &mut self,
        name: impl Into<String>,
        (ours, theirs): (f64, f64),
        unit: &'static str,
        theirs_are: &'static str,
    ) {
        let name = name.into();
        let ratio = ours / theirs;
        println!("{name:<44} {ours:>12.1} {theirs:>12.1} {unit:<6} {ratio:>8.3}  against {theirs_are}");
        self.comparisons.push(Comparison { name, ours, theirs, unit, ratio });
    }

    /// Prints the head of the table.
    pub(crate) fn head() {
        let (name, ours, theirs, unit, ratio) = ("medians", "ours", "theirs", "unit", "ratio");
        println!("{name:<44} {ours:>12} {theirs:>12} {unit:<6} {ratio:>8}");
    }

    /// Writes `target/bench/NAME.json`.
    pub(crate) fn write(&self, name: &str) -> io::Result<PathBuf> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let folder = root.parent().unwrap_or(&root).join("target/bench");
        fs::create_dir_all(&folder)?;
        let path = folder.join(format!("{name}.json"));
        fs::write(&path, serde_json::to_vec_pretty(self)?)?;
        Ok(path)
    }
}
