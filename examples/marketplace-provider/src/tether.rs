//! The line to the process that started this one: when it is cut, this process ends.

use std::io::{Read, stdin};
use std::{io, process, thread};

/// Watches standard input from a thread of its own and ends the process at its end of file.
///
/// The kernel closes a dead process's end of the pipe, however it died, so this works after kill -9 too.
/// Ending at once is safe: whatever was answered is on disk.
pub(crate) fn end_with_parent() -> io::Result<()> {
    thread::Builder::new().name("tether".to_owned()).spawn(|| {
        let mut scratch = [0; 64];
        loop {
            match stdin().lock().read(&mut scratch) {
                Ok(0) => process::exit(0),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => process::exit(0),
            }
        }
    })?;
    Ok(())
}
