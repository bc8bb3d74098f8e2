//! What has to be undone when a run ends, however it ends.

use std::{
    io::{self, Write},
    os::unix::process::CommandExt,
    process::{Child, Command, Stdio},
};

use crate::error::Error;

/// Reads one command a line until this program is gone, then runs them, the last one first.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
all=:
while IFS= read -r line; do all="$line
$all"; done
eval "$all"
"#;

/// A shell beside this program that undoes what a run has set up, once the run is over.
///
/// It learns of the end by its standard input closing, which happens when this is dropped and just as well when
/// the program is ended by Ctrl-C, by a panic or by a `SIGKILL`. It stands in a process group of its own, so that
/// Ctrl-C at the terminal doesn't reach it.
#[derive(Debug)]
pub(super) struct Ending {
    shell: Child,
}

impl Ending {
    /// A shell with nothing to undo yet.
    ///
    /// # Errors
    /// [`Error::Start`] where `sh` can't be started.
    pub(super) fn new() -> Result<Self, Error> {
        let shell = Command::new("sh")
            .args(["-c", SCRIPT])
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|source| Error::Start { command: "sh".to_owned(), source })?;
        Ok(Self { shell })
    }

    /// Has this line of shell run at the end, before all that were asked for earlier. To be called before what it
    /// undoes is done, so that there is no moment at which an end leaves something behind.
    ///
    /// # Errors
    /// [`Error::Start`] where the shell is gone.
    pub(super) fn undo(&mut self, line: &str) -> Result<(), Error> {
        let written = match self.shell.stdin.as_mut() {
            Some(input) => writeln!(input, "{line}").and_then(|()| input.flush()),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        };
        written.map_err(|source| Error::Start { command: line.to_owned(), source })
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        match self.shell.wait() {
            Ok(status) if status.success() => {}
            Ok(status) => eprintln!("what the run has set up may still be there ({status})"),
            Err(error) => eprintln!("what the run has set up may still be there: {error}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::services::{folder::new_folder, program::for_a_shell};

    #[test]
    fn the_last_thing_done_is_undone_first() {
        let folder = new_folder().unwrap();
        let log = for_a_shell(folder.join("log"));
        let mut ending = Ending::new().unwrap();
        for word in ["first", "second's", "$third"] {
            ending.undo(&format!("echo {} >> {log}", for_a_shell(word))).unwrap();
        }
        assert!(!folder.join("log").exists());
        drop(ending);
        assert_eq!(fs::read_to_string(folder.join("log")).unwrap(), "$third\nsecond's\nfirst\n");
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn one_line_that_fails_keeps_none_from_running() {
        let folder = new_folder().unwrap();
        let mut ending = Ending::new().unwrap();
        ending.undo(&format!("rm -rf {}", for_a_shell(&folder))).unwrap();
        ending.undo("false; no-program-is-called-this").unwrap();
        drop(ending);
        assert!(!folder.exists());
    }
}
