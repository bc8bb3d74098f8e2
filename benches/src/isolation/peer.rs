//! The peer's process.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use super::Fault;
use super::question::Cell;
use super::wire::{PeerJob, PeerWay, Tell, Told};

/// The peer, started. It ends when this is dropped.
pub(crate) struct Peer {
    child: Child,
    told: BufReader<ChildStdout>,
    tell: Option<ChildStdin>,
}

impl Peer {
    pub(crate) fn start(program: &Path, job: &PeerJob) -> Result<Self, Fault> {
        let mut child =
            Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().map_err(|error| {
                format!("the peer's program {} can't be started: {error}", program.display())
            })?;
        let told = BufReader::new(child.stdout.take().ok_or("the peer has no output")?);
        let mut tell = child.stdin.take().ok_or("the peer has no input")?;
        writeln!(tell, "{}", serde_json::to_string(job)?)?;
        Ok(Self { child, told, tell: Some(tell) })
    }

    pub(crate) fn block(
        &mut self,
        way: PeerWay,
        cell: Cell,
        span: Duration,
        seed: u64,
    ) -> Result<f64, Fault> {
        let micros = u64::try_from(span.as_micros())?;
        match self.ask(&Tell::Block { way, cell, micros, seed })? {
            Told::Took(nanoseconds) => Ok(nanoseconds),
            told => Err(format!("the peer answered a block with {told:?}").into()),
        }
    }

    pub(crate) fn once(&mut self, way: PeerWay, cell: Cell, seed: u64) -> Result<(), Fault> {
        self.done(&Tell::Once { way, cell, seed })
    }

    pub(crate) fn settle(&mut self) -> Result<(), Fault> {
        self.done(&Tell::Settle)
    }

    pub(crate) fn serve(&mut self, way: PeerWay, cell: Cell) -> Result<u16, Fault> {
        match self.ask(&Tell::Serve { way, cell })? {
            Told::Serves(port) => Ok(port),
            told => Err(format!("the peer answered a call to serve with {told:?}").into()),
        }
    }

    fn done(&mut self, tell: &Tell) -> Result<(), Fault> {
        match self.ask(tell)? {
            Told::Done => Ok(()),
            told => Err(format!("the peer answered a step with {told:?}").into()),
        }
    }

    fn ask(&mut self, tell: &Tell) -> Result<Told, Fault> {
        let input = self.tell.as_mut().ok_or("the peer has ended")?;
        writeln!(input, "{}", serde_json::to_string(tell)?)?;
        let mut line = String::new();
        self.told.read_line(&mut line)?;
        match serde_json::from_str(&line)? {
            Told::Failed(why) => Err(format!("the peer failed: {why}").into()),
            told => Ok(told),
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.tell = None;
        if let Err(error) = self.child.wait() {
            eprintln!("bench: the peer's process can't be waited for: {error}");
        }
    }
}
