//! The folder of a run, and random names.

use std::{
    env,
    fs::{self, File},
    io::Read,
    os::unix::fs::PermissionsExt,
    path::PathBuf,
};

use crate::{error::Error, services::program::file_error};

/// A new folder among the system's temporary ones, which every user may enter: PostgreSQL's server does, as
/// another user than root.
///
/// # Errors
/// [`Error::Folder`] where temporary files can't be written.
pub(super) fn new_folder() -> Result<PathBuf, Error> {
    let folder = env::temp_dir().join(format!("tenantry-tests-{}", random::<6>()?));
    fs::create_dir(&folder)
        .and_then(|()| fs::set_permissions(&folder, fs::Permissions::from_mode(0o755)))
        .and_then(|()| folder.canonicalize())
        .map_err(|source| Error::Folder { folder, source })
}

/// So many random bytes in hexadecimal: names that nobody guesses, and passwords for a server that lives as long as a
/// run.
///
/// # Errors
/// [`Error::File`] where the system gives no random bytes.
pub(super) fn random<const BYTES: usize>() -> Result<String, Error> {
    let source = PathBuf::from("/dev/urandom");
    let mut bytes = [0_u8; BYTES];
    File::open(&source)
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(file_error(&source, "read"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_folders_are_two() {
        let (one, other) = (new_folder().unwrap(), new_folder().unwrap());
        assert_ne!(one, other);
        for folder in [one, other] {
            assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o755);
            fs::remove_dir(folder).unwrap();
        }
    }

    #[test]
    fn a_password_is_long_and_needs_no_quoting() {
        let password = random::<16>().unwrap();
        assert_eq!(password.len(), 32);
        assert!(password.chars().all(|letter| letter.is_ascii_hexdigit()), "{password}");
    }
}
