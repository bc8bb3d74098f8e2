//! Programs from the system's package manager, where this may call it.

use std::{env, fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use crate::{
    error::Error,
    services::{
        ending::Ending,
        program::{file_error, for_a_shell, on_path, watch},
        run_as::caller_is_root,
    },
};

/// Asked by Debian's packages before they start a service.
const POLICY: &str = "/usr/sbin/policy-rc.d";

/// Asked by Debian's PostgreSQL packages before they make a cluster of their own, which would start with the machine.
const CLUSTERS: &str = "/etc/postgresql-common/createcluster.conf";

/// Installs packages of Debian's as root; elsewhere says what to install.
///
/// No service of theirs is started by it, and PostgreSQL makes no cluster: what was changed for that is as before when this
/// returns.
///
/// # Errors
/// [`Error::Missing`] where this may not install anything, [`Error::Failed`] where installing fails.
pub(super) fn packages(what: &str, names: &[&str]) -> Result<(), Error> {
    if !caller_is_root()? || on_path("apt-get").is_none() {
        return Err(missing(what));
    }
    eprintln!("      installing {} with apt-get, once on this machine", names.join(" "));
    let mut ending = Ending::new()?;
    if !Path::new(POLICY).exists() {
        replace(Path::new(POLICY), "#!/bin/sh\nexit 101\n", 0o755, &mut ending)?;
    }
    watch(apt_get().args(["update", "-qq"]))?;
    if names.contains(&"postgresql") {
        watch(apt_get().args(["install", "-y", "-qq", "--no-install-recommends", "postgresql-common"]))?;
        let before = fs::read_to_string(CLUSTERS).unwrap_or_default();
        replace(Path::new(CLUSTERS), &without_a_cluster(&before), 0o644, &mut ending)?;
    }
    watch(apt_get().args(["install", "-y", "-qq", "--no-install-recommends"]).args(names))
}

/// The error for a program that this may not install, with the command that installs all that the tests need.
pub(super) fn missing(what: &str) -> Error {
    let mend = match env::consts::OS {
        "macos" => "brew install postgresql@15 pgbouncer node",
        _ => "sudo apt-get install -y postgresql pgbouncer npm",
    };
    Error::Missing { what: what.to_owned(), mend: mend.to_owned() }
}

fn apt_get() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive").args([
        "-o",
        "DPkg::Lock::Timeout=300",
        "-o",
        "Dpkg::Options::=--force-confold",
        "-o",
        "Dpkg::Use-Pty=0",
    ]);
    command
}

/// Writes a file, and has what was there before put back at the end.
fn replace(path: &Path, text: &str, mode: u32, ending: &mut Ending) -> Result<(), Error> {
    let quoted = for_a_shell(path);
    if path.exists() {
        let kept = path.with_extension("before-tenantry");
        fs::copy(path, &kept).map_err(file_error(&kept, "written"))?;
        ending.undo(&format!("mv -f {} {quoted}", for_a_shell(&kept)))?;
    } else {
        ending.undo(&format!("rm -f {quoted}"))?;
    }
    fs::write(path, text)
        .and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(mode)))
        .map_err(file_error(path, "written"))
}

/// The settings with one more line, which counts because it is the last.
fn without_a_cluster(settings: &str) -> String {
    let between = if settings.is_empty() || settings.ends_with('\n') { "" } else { "\n" };
    format!("{settings}{between}create_main_cluster = false\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::folder::new_folder;

    #[test]
    fn what_is_missing_is_said_with_the_command_that_installs_it() {
        let error = missing("PgBouncer").to_string();
        assert!(error.starts_with("PgBouncer can't be found on this machine; install it with: "), "{error}");
    }

    #[test]
    fn the_setting_that_keeps_clusters_away_comes_last() {
        assert_eq!(without_a_cluster(""), "create_main_cluster = false\n");
        assert_eq!(without_a_cluster("ssl = on"), "ssl = on\ncreate_main_cluster = false\n");
        let twice = without_a_cluster("create_main_cluster = true\n");
        assert_eq!(twice, "create_main_cluster = true\ncreate_main_cluster = false\n");
    }

    #[test]
    fn a_replaced_file_is_put_back_and_a_new_one_taken_away() {
        let folder = new_folder().unwrap();
        let (old, new) = (folder.join("old.conf"), folder.join("new.conf"));
        fs::write(&old, "as it was").unwrap();
        let mut ending = Ending::new().unwrap();
        replace(&old, "changed", 0o644, &mut ending).unwrap();
        replace(&new, "made", 0o755, &mut ending).unwrap();
        assert_eq!(fs::read_to_string(&old).unwrap(), "changed");
        assert_eq!(fs::metadata(&new).unwrap().permissions().mode() & 0o777, 0o755);
        drop(ending);
        assert_eq!(fs::read_to_string(&old).unwrap(), "as it was");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        fs::remove_dir_all(folder).unwrap();
    }
}
