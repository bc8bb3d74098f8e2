//! The payment provider as a process of its own; see the library for what it answers and sends.

use std::process::ExitCode;

use clap::Parser;
use marketplace_provider::{Args, run};

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    tracing_subscriber::fmt().with_writer(std::io::stderr).with_max_level(tracing::Level::INFO).init();
    match run(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("marketplace-provider: {error}");
            ExitCode::FAILURE
        }
    }
}
