//! `cargo run -p marketplace` serves the marketplace; see the README of this package.

use std::error::Error;
use std::process::ExitCode;

use marketplace::{Cli, Role};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = match Cli::from_process() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(cli.log_filter()).init();
    let ended = match cli.role() {
        Role::Marketplace(settings) => ended(marketplace::run(*settings).await),
        Role::Migrate(args) => ended(marketplace::migrate(args).await),
        Role::Audit(args) => ended(marketplace::audit(args).await),
        Role::Routes => marketplace::print_routes(),
        Role::Provider(args) => ended(marketplace_provider::run(args).await),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => refuse(error.as_ref()),
    }
}

fn ended<E: Error + 'static>(result: Result<(), E>) -> Result<(), Box<dyn Error>> {
    result.map_err(Into::into)
}

/// Says why, down to the first cause: the mend may be there.
fn refuse(error: &dyn Error) -> ExitCode {
    let mut said = vec![error.to_string()];
    for cause in std::iter::successors(error.source(), |&cause| cause.source()) {
        let cause = cause.to_string();
        if said.last().is_some_and(|last| !last.ends_with(&cause)) {
            said.push(cause);
        }
    }
    eprintln!("marketplace: {}", said.join(": "));
    ExitCode::FAILURE
}
