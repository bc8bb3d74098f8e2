//! `cargo run -p marketplace` serves the marketplace; see the README of this package.

use std::process::ExitCode;

use clap::Parser as _;
use marketplace::{Cli, Role};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_env_filter(cli.log_filter()).init();
    let ended = match cli.role() {
        Role::Marketplace(settings) => marketplace::run(settings).await.map_err(|error| error.to_string()),
        Role::Provider(args) => marketplace_provider::run(args).await.map_err(|error| error.to_string()),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("marketplace: {error}");
            ExitCode::FAILURE
        }
    }
}
