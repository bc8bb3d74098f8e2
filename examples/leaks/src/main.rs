//! Walks over the demo with the leaks that are named, and prints what is found.

use std::process::ExitCode;

use clap::Parser;
use leaks::{Installation, Leak, Planted, walk};

/// Walks over a small service with the leaks that are named, and prints what the boot audit and the test kit find:
/// nothing, unless one is named.
#[derive(Debug, Parser)]
struct Args {
    /// A leak to plant; may be given several times.
    #[arg(long = "leak", env = "LEAKS", value_delimiter = ',')]
    leaks: Vec<Leak>,
    /// A login with CREATEDB and CREATEROLE. A database of its own is made beside the one it names, and dropped.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database: String,
}

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let args = Args::parse();
    let planted: Planted = args.leaks.into_iter().collect();
    let installation = Installation::make(&args.database, &planted).await?;
    let app = installation.app().await?;
    let audit = installation.audit(&app).await;
    let report = walk(app.clone(), planted).await?.run().await;
    app.close().await;
    installation.drop().await?;
    let (audit, report) = (audit?, report?);
    println!("{audit}\n{report}");
    Ok(if audit.may_serve() && report.is_clean() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
