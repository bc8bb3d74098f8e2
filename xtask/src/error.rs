//! Why a command could not do its work. What it found wrong in the tree is a [`Error::Broken`].

use std::{io, path::PathBuf, process::ExitStatus};

/// A reason to stop, worded for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// A child process that never ran.
    #[error("`{command}` could not be started: {source}")]
    Start {
        /// The command line.
        command: String,
        /// What the system said.
        source: io::Error,
    },
    /// A child process that ended badly.
    #[error("`{command}` failed ({status})")]
    Failed {
        /// The command line.
        command: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// An answer of cargo's in a form that this program doesn't know.
    #[error("what `{command}` printed could not be read: {reason}")]
    Unreadable {
        /// The command line.
        command: String,
        /// Where reading stopped.
        reason: String,
    },
    /// The folder of a test run.
    #[error(
        "the folder `{folder}` for the tests' files could not be made: {source}; set TMPDIR to one that can be written"
    )]
    Folder {
        /// Its path.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A name that is neither a suite nor a package.
    #[error("there is nothing called `{name}` to test; choose one of: {known}")]
    UnknownSuite {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// Rules that the tree breaks, one a line.
    #[error("{}", .0.join("\n"))]
    Broken(Vec<String>),
}
