//! The signing secret's file: made once, kept private, and the same for whoever starts at the same time.

#![cfg(unix)]

#[cfg(test)]
mod secret_file {
    use std::collections::HashSet;
    use std::fs;
    use std::io::ErrorKind;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::{Path, PathBuf};
    use std::sync::Barrier;
    use std::thread;

    use tempfile::TempDir;
    use tenantry_identity::{SecretFile, SecretOrigin, SigningKey};

    fn folder() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.secret");
        (folder, path)
    }

    fn write(path: &Path, text: impl AsRef<[u8]>, mode: u32) {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn names(folder: &TempDir) -> Vec<String> {
        let entries = fs::read_dir(folder.path()).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_secret_is_made_once_and_read_ever_after() {
        let (folder, path) = folder();
        let (made, origin) = SecretFile::open_or_create(&path).unwrap();
        assert_eq!(origin, SecretOrigin::Created);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.trim_end().len(), 64);
        assert_eq!(names(&folder), ["server.secret"]);

        let (read, origin) = SecretFile::open_or_create(&path).unwrap();
        assert_eq!((read.id(), origin), (made.id(), SecretOrigin::Existing));
        assert_eq!(SecretFile::open(&path).unwrap().id(), made.id());
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }

    #[test]
    fn all_who_start_at_once_have_the_same_secret_and_one_made_it() {
        for _ in 0..50 {
            let (folder, path) = folder();
            let together = Barrier::new(8);
            let start = || {
                together.wait();
                SecretFile::open_or_create(&path).unwrap()
            };
            let all: Vec<_> = thread::scope(|scope| {
                let started: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
                started.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            let ids: HashSet<_> = all.iter().map(|(key, _)| key.id()).collect();
            let created = all.iter().filter(|(_, origin)| *origin == SecretOrigin::Created).count();
            assert_eq!((ids.len(), created), (1, 1));
            assert_eq!(SecretFile::open(&path).unwrap().id(), all[0].0.id());
            assert_eq!(names(&folder), ["server.secret"]);
        }
    }

    #[test]
    fn a_file_that_others_have_rights_to_is_refused() {
        let (_folder, path) = folder();
        for mode in [0o640, 0o604, 0o644, 0o620, 0o601, 0o777] {
            write(&path, "ab".repeat(32), mode);
            let error = SecretFile::open_or_create(&path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{mode:o}");
            assert!(error.to_string().contains(&format!("chmod 600 {}", path.display())), "{error}");
        }
        write(&path, "ab".repeat(32), 0o400);
        assert_eq!(SecretFile::open_or_create(&path).unwrap().1, SecretOrigin::Existing);
    }

    #[test]
    fn a_file_that_holds_no_secret_is_refused_and_left_as_it_is() {
        let (folder, path) = folder();
        for (what, text) in [
            ("empty", String::new()),
            ("blank", "\n".to_owned()),
            ("short", "ab".repeat(31)),
            ("odd", "ab".repeat(32) + "a"),
            ("not hex", "zz".repeat(32)),
            ("signed", "+a".repeat(32)),
            ("two lines", format!("{}\n{}", "ab".repeat(16), "ab".repeat(16))),
            ("long", "ab".repeat(513)),
            ("a secret and much else", "ab".repeat(32) + &"\n".repeat(1000)),
            ("no ASCII", "é".repeat(64)),
        ] {
            write(&path, &text, 0o600);
            let error = SecretFile::open_or_create(&path).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidData, "{what}: {error}");
            assert!(error.to_string().contains("server.secret"), "{what}: {error}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text, "{what}");
        }
        write(&path, [0xff; 64], 0o600);
        assert_eq!(SecretFile::open(&path).unwrap_err().kind(), ErrorKind::InvalidData);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(SecretFile::open_or_create(&path).unwrap_err().kind(), ErrorKind::InvalidData);
        assert_eq!(names(&folder), ["server.secret"]);
    }

    #[test]
    fn a_secret_written_by_hand_is_the_bytes_that_it_spells() {
        let (_folder, path) = folder();
        write(&path, "00FFa5".repeat(11) + "\r\n", 0o600);
        let key = SigningKey::from_bytes(&[0x00, 0xff, 0xa5].repeat(11)).unwrap();
        assert_eq!(SecretFile::open(&path).unwrap().id(), key.id());
    }

    #[test]
    fn what_cannot_be_made_or_found_says_so() {
        let (folder, path) = folder();
        assert_eq!(SecretFile::open(&path).unwrap_err().kind(), ErrorKind::NotFound);
        let nowhere = folder.path().join("none").join("server.secret");
        let error = SecretFile::open_or_create(&nowhere).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().contains("can't make the secret file"), "{error}");
        std::os::unix::fs::symlink(folder.path().join("gone"), &path).unwrap();
        assert!(SecretFile::open_or_create(&path).is_err());
        assert_eq!(names(&folder), ["server.secret"]);
    }
}
