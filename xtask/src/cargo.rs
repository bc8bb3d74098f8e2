//! Calls of cargo.

use std::{
    env,
    ffi::OsStr,
    fmt,
    io::{self, BufRead, BufReader},
    process::{Command, ExitStatus, Stdio},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

use crate::error::Error;

/// How long a call that has ended may still be silent before its output is taken to be over. A process that it
/// left behind can keep the output open for ever.
const QUIET: Duration = Duration::from_millis(200);

/// One call of cargo: its arguments and the variables it is given.
///
/// The variables that `cargo run` set for this program are kept from it: a build script that watches one of
/// them would otherwise run again each time a person alternates between `cargo` and `cargo xtask`.
#[derive(Clone, Debug)]
pub(crate) struct Cargo {
    arguments: Vec<String>,
    variables: Vec<(String, String)>,
}

impl Cargo {
    /// `cargo` with these arguments.
    pub(crate) fn new<A: Into<String>>(arguments: impl IntoIterator<Item = A>) -> Self {
        Self { arguments: arguments.into_iter().map(Into::into).collect(), variables: Vec::new() }
    }

    /// The same call with more arguments behind those it has.
    pub(crate) fn and<A: Into<String>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// The same call with one more variable in its environment.
    pub(crate) fn with(mut self, variable: &str, value: impl Into<String>) -> Self {
        self.variables.push((variable.to_owned(), value.into()));
        self
    }

    /// Runs it on this terminal.
    pub(crate) fn run(&self) -> Result<(), Error> {
        let status = self.command().status().map_err(|source| self.not_started(source))?;
        if status.success() { Ok(()) } else { Err(self.failed(status)) }
    }

    /// Runs it and returns what it printed on standard output; its errors go to this terminal.
    pub(crate) fn output(&self) -> Result<String, Error> {
        let output =
            self.command().stderr(Stdio::inherit()).output().map_err(|source| self.not_started(source))?;
        if !output.status.success() {
            return Err(self.failed(output.status));
        }
        String::from_utf8(output.stdout).map_err(|error| self.unreadable(error))
    }

    /// Runs it and hands over each line as it is printed, standard output and error in the order written.
    pub(crate) fn lines(&self, mut each: impl FnMut(&str)) -> Result<ExitStatus, Error> {
        let start = || -> io::Result<_> {
            let (reader, writer) = io::pipe()?;
            let child = self
                .command()
                .env("CARGO_TERM_COLOR", "never")
                .env("CARGO_TERM_QUIET", "false")
                .stdin(Stdio::null())
                .stdout(writer.try_clone()?)
                .stderr(writer)
                .spawn()?;
            Ok((reader, child))
        };
        let (reader, mut child) = start().map_err(|source| self.not_started(source))?;
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            BufReader::new(reader).split(b'\n').map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        loop {
            match lines.recv_timeout(QUIET) {
                Ok(line) => each(String::from_utf8_lossy(&line).trim_end_matches('\r')),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    if child.try_wait().map_err(|error| self.unreadable(error))?.is_some() {
                        break;
                    }
                }
            }
        }
        child.wait().map_err(|error| self.unreadable(error))
    }

    /// The error for an answer that could not be understood.
    pub(crate) fn unreadable(&self, reason: impl fmt::Display) -> Error {
        Error::Unreadable { command: self.to_string(), reason: reason.to_string() }
    }

    fn failed(&self, status: ExitStatus) -> Error {
        Error::Failed { command: self.to_string(), status }
    }

    fn not_started(&self, source: io::Error) -> Error {
        Error::Start { command: self.to_string(), source }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        for (variable, _) in env::vars_os().filter(|(variable, _)| is_set_by_cargo_run(variable)) {
            command.env_remove(variable);
        }
        command.args(&self.arguments).envs(self.variables.iter().map(|(variable, value)| (variable, value)));
        command
    }
}

impl fmt::Display for Cargo {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (variable, value) in &self.variables {
            write!(formatter, "{variable}={} ", quoted(value))?;
        }
        write!(formatter, "cargo")?;
        self.arguments.iter().try_for_each(|argument| write!(formatter, " {}", quoted(argument)))
    }
}

fn quoted(word: &str) -> String {
    if word.contains(' ') { format!("'{word}'") } else { word.to_owned() }
}

fn is_set_by_cargo_run(variable: &OsStr) -> bool {
    variable.to_str().is_some_and(|name| {
        name.starts_with("CARGO_PKG_")
            || matches!(name, "CARGO_MANIFEST_DIR" | "CARGO_MANIFEST_PATH" | "CARGO_PRIMARY_PACKAGE")
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;

    use super::*;

    #[test]
    fn a_call_reads_as_it_would_be_typed() {
        let call = Cargo::new(["doc"]).and(["--no-deps"]).with("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(call.to_string(), "RUSTDOCFLAGS='-D warnings' cargo doc --no-deps");
    }

    #[test]
    fn a_failure_names_the_call() {
        let error = Cargo::new(["build"]).failed(ExitStatus::from_raw(101 << 8));
        assert_eq!(error.to_string(), "`cargo build` failed (exit status: 101)");
    }

    #[test]
    fn lines_of_both_streams_arrive_in_order() {
        let mut seen = Vec::new();
        let status = Cargo::new(["--version"]).lines(|line| seen.push(line.to_owned())).unwrap();
        assert!(status.success());
        assert!(matches!(seen.as_slice(), [line] if line.starts_with("cargo ")), "{seen:?}");
    }

    #[test]
    fn what_cargo_run_sets_is_told_from_what_a_person_sets() {
        assert!(is_set_by_cargo_run(OsStr::new("CARGO_PKG_VERSION")));
        assert!(is_set_by_cargo_run(OsStr::new("CARGO_MANIFEST_DIR")));
        assert!(!is_set_by_cargo_run(OsStr::new("CARGO_TARGET_DIR")));
        assert!(!is_set_by_cargo_run(OsStr::new("CARGO_INCREMENTAL")));
    }
}
