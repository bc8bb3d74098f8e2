//! Programs of the machine: where they are, and what they answer.

use std::{
    env,
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use crate::error::Error;

/// Lines of a failed program's output that are worth showing.
const SHOWN: usize = 20;

/// The first file of this name in the folders of `PATH`, then in those that an ordinary user's `PATH` leaves out.
pub(super) fn on_path(name: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH").unwrap_or_default();
    let beside = ["/usr/sbin", "/usr/local/sbin", "/opt/homebrew/bin"].map(PathBuf::from);
    env::split_paths(&folders).chain(beside).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// Runs a program without a terminal and returns what it printed on standard output.
///
/// # Errors
/// [`Error::Told`], with the last lines of what it said, where it ends badly.
pub(super) fn answer(command: &mut Command) -> Result<String, Error> {
    let output = finished(command.stdin(Stdio::null()))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
    }
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    Err(Error::Told { command: shown(command), status: output.status, said: last_lines(&said) })
}

/// Runs a program that takes its time; what it says goes to this terminal's standard error.
///
/// # Errors
/// [`Error::Failed`] where it ends badly.
pub(super) fn watch(command: &mut Command) -> Result<(), Error> {
    let status = command
        .stdin(Stdio::null())
        .stdout(io::stderr())
        .status()
        .map_err(|source| Error::Start { command: shown(command), source })?;
    if status.success() { Ok(()) } else { Err(Error::Failed { command: shown(command), status }) }
}

/// The output of a program, however it ended.
pub(super) fn finished(command: &mut Command) -> Result<Output, Error> {
    command.output().map_err(|source| Error::Start { command: shown(command), source })
}

/// A command as it would be typed.
pub(super) fn shown(command: &Command) -> String {
    let words: Vec<String> =
        std::iter::once(command.get_program()).chain(command.get_args()).map(for_a_shell).collect();
    words.join(" ")
}

/// A word as a shell has to read it: bare where nothing in it is special, else in single quotes.
pub(super) fn for_a_shell(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref().to_string_lossy();
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=@%+,".contains(letter);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The end of a text, which is where programs say what stopped them.
pub(super) fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines.get(lines.len().saturating_sub(SHOWN)..).unwrap_or_default().join("\n")
}

/// The error for a file that could not be read, written, …
pub(super) fn file_error(path: &Path, verb: &'static str) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { path, verb, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_a_shell() {
        for word in ["plain", "two words", "it's", "$HOME", "", "a\"b", "postgres://o:p@h:1/d?x=1&y=2"] {
            let told = answer(Command::new("sh").arg("-c").arg(format!("printf %s {}", for_a_shell(word))));
            assert_eq!(told.unwrap(), word);
        }
        assert_eq!(for_a_shell("/usr/sbin/pgbouncer"), "/usr/sbin/pgbouncer");
    }

    #[test]
    fn a_failure_says_what_the_program_said() {
        let error = answer(Command::new("sh").args(["-c", "echo this is why >&2; exit 3"])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "`sh -c 'echo this is why >&2; exit 3'` failed (exit status: 3):\nthis is why"
        );
    }

    #[test]
    fn of_a_long_text_the_end_is_shown() {
        let text: String = (1..=50).map(|line| format!("line {line}\n\n")).collect();
        let shown = last_lines(&text);
        assert!(shown.starts_with("line 31\n") && shown.ends_with("line 50"), "{shown}");
    }

    #[test]
    fn a_program_is_found_by_its_name() {
        assert!(on_path("sh").is_some_and(|path| path.is_absolute()));
        assert_eq!(on_path("no-program-is-called-this"), None);
    }
}
