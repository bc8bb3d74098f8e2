//! The same within a request: the smallest axum service, asked over loopback.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::Fault;
use super::pace::{Ask as _, an_answer};
use super::question::{Cell, Draw};
use super::ways::Asker;

/// Serves `GET /{tenant}/{key}`.
pub(crate) async fn serve(asker: Asker, cell: Cell) -> Result<u16, Fault> {
    let routes = Router::new().route("/{tenant}/{key}", get(answer)).with_state((asker, cell));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let port = listener.local_addr()?.port();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(port)
}

async fn answer(
    State((asker, cell)): State<(Asker, Cell)>,
    Path((tenant, key)): Path<(usize, i64)>,
) -> Result<&'static str, (StatusCode, String)> {
    let answered = asker.ask(cell, tenant, key).await;
    answered.map(|()| "ok").map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error))
}

/// Connections to one server, kept.
pub(crate) struct Clients {
    streams: Vec<TcpStream>,
}

impl Clients {
    pub(crate) async fn connect(port: u16, count: usize) -> Result<Self, Fault> {
        let mut streams = Vec::new();
        for _ in 0..count {
            let stream = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port))).await?;
            stream.set_nodelay(true)?;
            streams.push(stream);
        }
        Ok(Self { streams })
    }

    /// Nanoseconds a request, with `cell.at_once` connections asking.
    #[expect(clippy::float_arithmetic, reason = "a measurement, not money")]
    pub(crate) async fn block(&mut self, cell: Cell, span: Duration, seed: u64) -> Result<f64, Fault> {
        let began = Instant::now();
        let mut tasks = Vec::new();
        let idle = self.streams.split_off(cell.at_once.min(self.streams.len()));
        for (task, mut stream) in (0_u64..).zip(std::mem::replace(&mut self.streams, idle)) {
            let mut draw = Draw::new(seed.wrapping_mul(1_000).wrapping_add(task));
            tasks.push(tokio::spawn(async move {
                let mut took = vec![];
                let mut buffer = vec![0; 4_096];
                loop {
                    let (tenant, key) = draw.row(cell);
                    let asked = Instant::now();
                    ask(&mut stream, &mut buffer, tenant, key).await?;
                    took.push(asked.elapsed().as_secs_f64() * 1e9);
                    if began.elapsed() >= span {
                        return Ok::<_, Fault>((took, stream));
                    }
                }
            }));
        }
        let mut took = vec![];
        for task in tasks {
            let (each, stream) = task.await??;
            took.extend(each);
            self.streams.push(stream);
        }
        Ok(an_answer(took, cell, began.elapsed()))
    }
}

async fn ask(stream: &mut TcpStream, buffer: &mut [u8], tenant: usize, key: i64) -> Result<(), Fault> {
    let request = format!("GET /{tenant}/{key} HTTP/1.1\r\nhost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut filled = 0;
    loop {
        let read = stream.read(buffer.get_mut(filled..).unwrap_or_default()).await?;
        filled += read;
        let answer = buffer.get(..filled).unwrap_or_default();
        if read == 0 || !answer.starts_with(b"HTTP/1.1 200") {
            return Err(format!("not 200: {}", String::from_utf8_lossy(answer)).into());
        }
        if answer.ends_with(b"\r\n\r\nok") {
            return Ok(());
        }
    }
}
