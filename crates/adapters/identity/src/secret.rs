use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use uuid::Uuid;
use zeroize::Zeroizing;

use crate::key::SigningKey;

const BYTES_OF_A_NEW_SECRET: usize = 32;
const MOST_BYTES_OF_A_FILE: u64 = 1024;

/// A signing secret in a file of its own, so that tokens outlive a restart.
///
/// The file holds one line: 64 or more hexadecimal digits. `openssl rand -hex 32` writes such a line too. On
/// Unix nobody but its owner may have any right to it.
///
/// ```no_run
/// use tenantry_identity::{AccessTokens, SecretFile, SecretOrigin};
///
/// let (key, origin) = SecretFile::open_or_create("marketplace.secret")?;
/// if origin == SecretOrigin::Created {
///     println!("made a new signing secret: marketplace.secret");
/// }
/// let tokens = AccessTokens::new("https://id.example.com", "marketplace", key, &[]);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub enum SecretFile {}

/// Where a secret came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretOrigin {
    /// There was no file: this call made it.
    Created,
    /// The file was there.
    Existing,
}

impl SecretFile {
    /// The secret in the file at `path`, which is made with 32 random bytes and mode 600 when there is none.
    ///
    /// The file appears whole or not at all, and is never replaced: processes that start at the same time end
    /// up with the same secret, and one of them is told that it created it. Blocks for as long as the disk
    /// takes: call it while starting.
    ///
    /// # Errors
    /// As [`SecretFile::open`]; otherwise what the file system says. The folder must exist, be writable, and
    /// lie on a file system that knows hard links.
    pub fn open_or_create(path: impl AsRef<Path>) -> io::Result<(SigningKey, SecretOrigin)> {
        let path = path.as_ref();
        match Self::open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            opened => return Ok((opened?, SecretOrigin::Existing)),
        }
        let key = SigningKey::generate()?;
        match create(path, &key) {
            Ok(()) => Ok((key, SecretOrigin::Created)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Ok((Self::open(path)?, SecretOrigin::Existing))
            }
            Err(error) => Err(at(path, "can't make the secret file", &error)),
        }
    }

    /// The secret in the file at `path`, for instance a previous one.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] when there is none; [`io::ErrorKind::PermissionDenied`] when its group or
    /// others have any right to it, or when this process has none; [`io::ErrorKind::InvalidData`] when it
    /// isn't a file of 64 to 1022 hexadecimal digits. The text says which file, and what to do.
    pub fn open(path: impl AsRef<Path>) -> io::Result<SigningKey> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|error| at(path, "can't open the secret file", &error))?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(invalid(path, "is not a file"));
        }
        refuse_rights_of_others(path, &metadata)?;
        let mut text = Zeroizing::new(String::new());
        file.take(MOST_BYTES_OF_A_FILE + 1)
            .read_to_string(&mut text)
            .map_err(|error| at(path, "can't read the secret file", &error))?;
        if text.len() as u64 > MOST_BYTES_OF_A_FILE {
            return Err(invalid(path, "is longer than 1 KiB"));
        }
        let secret =
            from_hex(text.trim()).ok_or_else(|| invalid(path, "is not an even number of hex digits"))?;
        SigningKey::from_bytes(&secret).map_err(|_| invalid(path, "is shorter than 64 hex digits"))
    }
}

/// Writes the secret under a name of its own, then links it to `path`: unlike a rename, a link never replaces
/// what another process has put there meanwhile.
fn create(path: &Path, key: &SigningKey) -> io::Result<()> {
    let draft = Draft(draft_beside(path)?);
    let mut file = new_file_for_its_owner(&draft.0)?;
    file.write_all(to_hex(key.secret()).as_bytes())?;
    file.sync_all()?;
    fs::hard_link(&draft.0, path)?;
    drop(draft);
    sync_folder(path)
}

/// The name under which a file is written; removed again, whatever happens.
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.0));
    }
}

fn draft_beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
    let mut draft = std::ffi::OsString::from(".");
    draft.push(name);
    draft.push(format!(".{}", Uuid::now_v7().simple()));
    Ok(path.with_file_name(draft))
}

fn new_file_for_its_owner(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn refuse_rights_of_others(path: &Path, metadata: &fs::Metadata) -> io::Result<()> {
    let rights = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
    if rights & 0o077 == 0 {
        return Ok(());
    }
    let path = path.display();
    let text = format!(
        "the secret file {path} is open to others than its owner (mode {rights:03o}): run `chmod 600 {path}`, \
         and make a new secret if somebody may have read it"
    );
    Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
}

#[cfg(not(unix))]
fn refuse_rights_of_others(_path: &Path, _metadata: &fs::Metadata) -> io::Result<()> {
    Ok(())
}

fn to_hex(secret: &[u8]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(2 * BYTES_OF_A_NEW_SECRET + 1));
    for digit in secret.iter().flat_map(|byte| [byte >> 4, byte & 0xf]) {
        text.extend(char::from_digit(u32::from(digit), 16));
    }
    text.push('\n');
    text
}

fn from_hex(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return None };
    let mut secret = Zeroizing::new(Vec::with_capacity(pairs.len()));
    for [high, low] in pairs {
        let byte = char::from(*high).to_digit(16)? << 4 | char::from(*low).to_digit(16)?;
        secret.push(u8::try_from(byte).ok()?);
    }
    Some(secret)
}

fn invalid(path: &Path, what: &str) -> io::Error {
    let path = path.display();
    let text = format!(
        "the secret file {path} {what}: restore it, or remove it to have a new one made (every token then ends)"
    );
    io::Error::new(io::ErrorKind::InvalidData, text)
}

fn at(path: &Path, what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what} {}: {error}", path.display()))
}
