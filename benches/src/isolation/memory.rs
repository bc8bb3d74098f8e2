//! Memory of the client and of the server's backends, each way in a process of its own.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::{Connection as _, PgConnection};
use tenantry::SqliteStore;
use tenantry_bench_measure::median;
use tenantry_storage::Logins;
use tokio::runtime::Runtime;

use super::Fault;
use super::pace::block;
use super::question::{Cell, Question, Spread};
use super::tenants::{known_platform, resolve};
use super::way::Way;
use super::ways::{Asker, OwnWay, Places, Ways};

/// The ways whose memory is looked at.
pub(crate) const LOOKED_AT: [OwnWay; 4] =
    [OwnWay::Autocommit, OwnWay::TxDropped, OwnWay::Tenantry, OwnWay::Sealed];

/// What a process of its own is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct MemoryJob {
    /// An index into [`LOOKED_AT`].
    pub(crate) way: usize,
    pub(crate) tenants: usize,
    pub(crate) directory: PathBuf,
    pub(crate) by_hand: String,
    /// The logins of app and writer in the plain database, then in the sealed one, and its key.
    pub(crate) plain: [String; 2],
    pub(crate) sealed: [String; 2],
    pub(crate) key: String,
    pub(crate) millis: u64,
    pub(crate) connections: u32,
}

/// What was found, in KiB.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Memory {
    #[serde(skip)]
    pub(crate) way: Way,
    pub(crate) name: &'static str,
    pub(crate) tenants: usize,
    /// By how much the client's resident memory grew from before its pool was opened.
    pub(crate) client: u64,
    /// The median of the backends' own memory, shared memory aside; none where the server is elsewhere.
    pub(crate) backend: Option<f64>,
    pub(crate) backends: usize,
}

#[derive(Debug, Serialize, Deserialize)]
struct Resident {
    before: u64,
    after: u64,
}

/// Looks at one way. `role` is the login whose backends are the way's; `owner` may see them.
pub(crate) fn look(runtime: &Runtime, job: &MemoryJob, role: &str, owner: &str) -> Result<Memory, Fault> {
    let way = *LOOKED_AT.get(job.way).ok_or("no such way")?;
    let mut child = Command::new(std::env::current_exe()?)
        .arg("isolation-memory")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut told = BufReader::new(child.stdout.take().ok_or("no output")?);
    let mut tell = child.stdin.take().ok_or("no input")?;
    let before = runtime.block_on(backends(owner, role))?;
    writeln!(tell, "{}", serde_json::to_string(job)?)?;
    let mut line = String::new();
    told.read_line(&mut line)?;
    let resident: Resident = serde_json::from_str(&line)?;
    let now = runtime.block_on(backends(owner, role))?;
    let own: Vec<f64> =
        now.iter().filter(|pid| !before.contains(pid)).filter_map(|pid| private(*pid)).collect();
    writeln!(tell)?;
    drop(tell);
    child.wait()?;
    Ok(Memory {
        way: Way::Own(way),
        name: Way::Own(way).name(),
        tenants: job.tenants,
        client: resident.after.saturating_sub(resident.before),
        backends: own.len(),
        backend: (!own.is_empty()).then(|| median(own)),
    })
}

/// The other side of [`look`].
pub(crate) fn be_looked_at() -> Result<(), Fault> {
    let mut lines = std::io::stdin().lock().lines();
    let job: MemoryJob = serde_json::from_str(&lines.next().ok_or("no job")??)?;
    let way = *LOOKED_AT.get(job.way).ok_or("no such way")?;
    let runtime = Runtime::new()?;
    let (resident, ways) = runtime.block_on(ask_around(&job, way))?;
    println!("{}", serde_json::to_string(&resident)?);
    if let Some(line) = lines.next() {
        line?;
    }
    drop(ways);
    Ok(())
}

/// Answers the ways too: their connections stay open while they are looked at.
async fn ask_around(job: &MemoryJob, way: OwnWay) -> Result<(Resident, Arc<Ways>), Fault> {
    let directory = SqliteStore::open(&job.directory).await?;
    let tenants = resolve(&known_platform(Arc::new(directory))?, job.tenants).await?;
    let [app, writer] = &job.plain;
    let [sealed_app, sealed_writer] = &job.sealed;
    let places = Places {
        by_hand: &job.by_hand,
        app,
        plain: Logins::new(app, writer),
        sealed: Logins::new(sealed_app, sealed_writer).with_sealing_key(job.key.parse()?),
        sqlite: None,
        connections: job.connections,
    };
    let ways = Arc::new(Ways::open(places, tenants, &[job.tenants]).await?);
    let before = status(Path::new("/proc/self/status"), "VmRSS:").ok_or("no /proc")?;
    let at_once = usize::try_from(job.connections)?;
    let cell = Cell { question: Question::Read, tenants: job.tenants, spread: Spread::Random, at_once };
    let asker = Asker { way, ways: Arc::clone(&ways) };
    for (seed, question) in (0..).zip([Question::Read, Question::Join, Question::Page, Question::Read]) {
        let span = Duration::from_millis(job.millis / 4);
        block(&asker, Cell { question, ..cell }, span, seed).await?;
    }
    let after = status(Path::new("/proc/self/status"), "VmRSS:").ok_or("no /proc")?;
    Ok((Resident { before, after }, ways))
}

async fn backends(owner: &str, role: &str) -> Result<Vec<i32>, Fault> {
    let mut owner = PgConnection::connect(owner).await?;
    let pids = sqlx::query_scalar("SELECT pid FROM pg_stat_activity WHERE usename = $1");
    Ok(pids.bind(role).fetch_all(&mut owner).await?)
}

/// What a process has for itself alone, where this one may look.
fn private(pid: i32) -> Option<f64> {
    let rollup = PathBuf::from(format!("/proc/{pid}/smaps_rollup"));
    let (clean, dirty) = (status(&rollup, "Private_Clean:")?, status(&rollup, "Private_Dirty:")?);
    u32::try_from(clean + dirty).ok().map(f64::from)
}

/// A line of a file in `/proc`, in KiB.
fn status(file: &Path, name: &str) -> Option<u64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}
