use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::Command;

/// Settings in a file: `NAME=VALUE` lines, with the names of the environment variables. A variable that is set in the
/// environment itself wins over it, and a flag over both.
#[derive(Debug)]
pub struct EnvironmentFile {
    values: Vec<(String, String)>,
}

impl EnvironmentFile {
    /// Reads a file. Empty lines and those that begin with `#` are left out.
    ///
    /// # Errors
    /// [`EnvironmentFileError`] when it can't be read, or a line is no `NAME=VALUE`.
    pub fn read(path: &Path) -> Result<Self, EnvironmentFileError> {
        let failed = |source| EnvironmentFileError::Read { path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(failed)?;
        Self::parse(&text).map_err(|line| EnvironmentFileError::Line { path: path.to_owned(), line })
    }

    /// The settings, or the number of the line that is none.
    fn parse(text: &str) -> Result<Self, usize> {
        let lines = (1..).zip(text.lines().map(str::trim));
        let values =
            lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')).map(|(number, line)| {
                let setting = line.split_once('=').map(|(name, value)| (name.trim_end(), value.trim_start()));
                match setting {
                    Some((name, value)) if is_name(name) => Ok((name.to_owned(), value.to_owned())),
                    _ => Err(number),
                }
            });
        values.collect::<Result<_, _>>().map(|values| Self { values })
    }

    /// The command line in which the settings of the file are the defaults.
    #[must_use]
    pub fn below(&self, command: Command) -> Command {
        command.mut_args(|arg| {
            let value = arg.get_env().and_then(|name| self.value(name.to_str()?));
            match value {
                Some(value) if arg.get_action().takes_values() => {
                    arg.default_value(value).hide_default_value(true)
                }
                Some(value) => arg.default_value(value),
                None => arg,
            }
        })
    }

    fn value(&self, name: &str) -> Option<String> {
        self.values.iter().rev().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A file of settings that is being written: nobody but its owner reads it (mode 600), and it is there whole or not at
/// all.
#[derive(Debug)]
pub(super) struct NewEnvironmentFile {
    file: File,
    path: PathBuf,
    temporary: PathBuf,
}

impl NewEnvironmentFile {
    /// Begins beside the file that is there, if one is.
    pub(super) fn begin(path: &Path) -> Result<Self, EnvironmentFileError> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.new", std::process::id()));
        let temporary = path.with_file_name(name);
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let opened = options.open(&temporary);
        let failed = |source| EnvironmentFileError::Write { path: path.to_owned(), source };
        Ok(Self { file: opened.map_err(failed)?, path: path.to_owned(), temporary })
    }

    /// Puts it in place.
    pub(super) fn finish(mut self, text: &str) -> Result<(), EnvironmentFileError> {
        let mut written = || {
            self.file.write_all(text.as_bytes())?;
            self.file.sync_all()?;
            std::fs::rename(&self.temporary, &self.path)
        };
        written().map_err(|source| EnvironmentFileError::Write { path: self.path.clone(), source })
    }
}

impl Drop for NewEnvironmentFile {
    fn drop(&mut self) {
        let _is_in_place = std::fs::remove_file(&self.temporary).is_err();
    }
}

/// A file of settings can't be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentFileError {
    /// It can't be read.
    #[error("{} can't be read; `marketplace migrate --write-env FILE` writes one", path.display())]
    Read {
        /// Where it is.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A line is no setting.
    #[error("line {line} of {} is no setting: write NAME=VALUE", path.display())]
    Line {
        /// Where it is.
        path: PathBuf,
        /// The line's number, from 1 up.
        line: usize,
    },
    /// It can't be written.
    #[error("{} can't be written", path.display())]
    Write {
        /// Where it is to be.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

#[cfg(test)]
mod tests {
    use clap::{Arg, ArgAction};

    use super::*;

    fn read(file: &str, flags: &[&str]) -> (String, bool) {
        let command = Command::new("x")
            .arg(Arg::new("name").long("name").env("MARKETPLACE_TEST_NAME").default_value("own"))
            .arg(Arg::new("quiet").long("quiet").env("MARKETPLACE_TEST_QUIET").action(ArgAction::SetTrue));
        let command = EnvironmentFile::parse(file).unwrap().below(command);
        let matches = command.get_matches_from([&["x"], flags].concat());
        (matches.get_one::<String>("name").unwrap().clone(), matches.get_flag("quiet"))
    }

    #[test]
    fn a_file_is_below_the_flags_and_above_the_defaults() {
        let file = "# a comment\n\nMARKETPLACE_TEST_NAME=file=1\nMARKETPLACE_TEST_QUIET=true\nOTHER=x\n";
        assert_eq!(read("", &[]), ("own".to_owned(), false));
        assert_eq!(read(file, &[]), ("file=1".to_owned(), true));
        assert_eq!(read(file, &["--name", "flag"]), ("flag".to_owned(), true));
        assert_eq!(EnvironmentFile::parse("A=1\n\nB C=2").unwrap_err(), 3);
        assert_eq!(EnvironmentFile::parse("A").unwrap_err(), 1);
    }
}
