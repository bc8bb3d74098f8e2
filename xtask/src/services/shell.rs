//! `cargo xtask services`: the servers that the tests need, for tests run by hand.

use std::io::{self, Read, Write};

use crate::{
    error::Error,
    services::{Postgres, Server, Services, program::for_a_shell},
    step::Verdict,
    workspace::Workspace,
};

/// Brings both servers up, prints what a shell has to know of them, and keeps them until standard input ends or
/// Ctrl-C.
///
/// # Errors
/// Those of [`Services::postgres`].
pub(crate) fn run() -> Result<Verdict, Error> {
    let mut services = Services::new(Workspace::members_only()?.target_folder())?;
    let system = services.postgres(Server::System)?;
    let newest = services.postgres(Server::Newest)?;
    let printed =
        io::stdout().write_all(lines(&system, &newest).as_bytes()).and_then(|()| io::stdout().flush());
    let kept = printed.and_then(|()| {
        eprintln!("the servers stay until Ctrl-C or the end of standard input");
        io::stdin().lock().read_to_end(&mut Vec::new())
    });
    drop(services);
    eprintln!("the servers are gone");
    Ok(if kept.is_ok() { Verdict::Passed } else { Verdict::Failed })
}

/// Lines of shell: the variables of the first server, and as a remark how the second is tested.
fn lines(system: &Postgres, newest: &Postgres) -> String {
    let mut lines = format!("# PostgreSQL {}, and the newest, {}\n", system.version, newest.version);
    for (variable, value) in system.variables() {
        lines += &format!("export {variable}={}\n", for_a_shell(value));
    }
    lines += &format!("export DATABASE_URL_NEWEST={}\n", for_a_shell(&newest.url));
    lines += &format!("export SUPERUSER_DATABASE_URL_NEWEST={}\n", for_a_shell(&newest.superuser));
    lines += &format!(
        "# on the newest: DATABASE_URL=\"$DATABASE_URL_NEWEST\" TENANTRY_PG_BIN={} cargo test …\n",
        for_a_shell(&newest.bin)
    );
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_printed_is_what_a_shell_reads() {
        let system = Postgres {
            url: "postgres://owner:pw@127.0.0.1:5/postgres".into(),
            superuser: "postgres://superuser:pw@127.0.0.1:5/postgres".into(),
            version: "15.14".into(),
            bin: "/usr/lib/postgresql/15/bin".into(),
            run_as: String::new(),
            pgbouncer: "/usr/sbin/pgbouncer".into(),
        };
        let newest = Postgres {
            url: "postgres://owner:pw@127.0.0.1:6/postgres".into(),
            superuser: "postgres://superuser:pw@127.0.0.1:6/postgres".into(),
            version: "18.4".into(),
            bin: "/my clone/bin".into(),
            ..system.clone()
        };
        let expected = "\
# PostgreSQL 15.14, and the newest, 18.4
export DATABASE_URL=postgres://owner:pw@127.0.0.1:5/postgres
export SUPERUSER_DATABASE_URL=postgres://superuser:pw@127.0.0.1:5/postgres
export TENANTRY_PG_BIN=/usr/lib/postgresql/15/bin
export TENANTRY_PG_RUN_AS=''
export TENANTRY_PGBOUNCER=/usr/sbin/pgbouncer
export DATABASE_URL_NEWEST=postgres://owner:pw@127.0.0.1:6/postgres
export SUPERUSER_DATABASE_URL_NEWEST=postgres://superuser:pw@127.0.0.1:6/postgres
# on the newest: DATABASE_URL=\"$DATABASE_URL_NEWEST\" TENANTRY_PG_BIN='/my clone/bin' cargo test …
";
        assert_eq!(lines(&system, &newest), expected);
    }
}
