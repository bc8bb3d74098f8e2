//! What a command prints for somebody to read, or to stop reading.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write as _};

/// Prints a page. That nobody reads on (`| head`) is no mistake.
pub(crate) fn print(page: &impl Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match write!(out, "{page}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}
