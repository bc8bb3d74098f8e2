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
    /// A program that a backend needs, on a machine where this may not install it.
    #[error("{what} can't be found on this machine; install it with: {mend}")]
    Missing {
        /// What is missing.
        what: String,
        /// The one command that installs it.
        mend: String,
    },
    /// A program that ended badly, with what it said.
    #[error("`{command}` failed ({status}):\n{said}")]
    Told {
        /// The command line.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its output.
        said: String,
    },
    /// A server that didn't come up, and why.
    #[error("{server} didn't start:\n{said}")]
    NotStarted {
        /// Which one.
        server: String,
        /// The last lines of its log.
        said: String,
    },
    /// A server of the caller's own that can't be used.
    #[error(
        "the server that {variable} names can't be used: {reason}; mend the address, or leave it to this command: env -u {variable} cargo xtask test"
    )]
    Address {
        /// The variable that holds its address.
        variable: &'static str,
        /// What came of asking it.
        reason: String,
    },
    /// The caller brought a server for the first run of the tests, and none for the second.
    #[error(
        "DATABASE_URL is set and DATABASE_URL_NEWEST isn't, so nothing ran on the newest PostgreSQL; set both or neither: env -u DATABASE_URL cargo xtask test"
    )]
    NoNewest,
    /// No test speaks to PostgreSQL.
    #[error(
        "no integration test's name begins with `postgres`, so there is nothing to run on the newest PostgreSQL; call the tests that speak to it tests/postgres_….rs"
    )]
    NoPostgresTests,
    /// A folder that the user whom PostgreSQL runs as may not enter.
    #[error(
        "the user `{user}`, whom PostgreSQL runs as, may not enter `{folder}`; use a folder that everybody may enter: TMPDIR=/tmp cargo xtask test"
    )]
    Closed {
        /// That user.
        user: String,
        /// That folder.
        folder: PathBuf,
    },
    /// A file that could not be read or written.
    #[error("`{path}` could not be {verb}: {source}")]
    File {
        /// Its path.
        path: PathBuf,
        /// What was to be done, such as `written`.
        verb: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Rules that the tree breaks, one a line.
    #[error("{}", .0.join("\n"))]
    Broken(Vec<String>),
}
