//! Requests over loopback: connections that are kept, one request at a time on each, every one another's.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::ServiceExt as _;
use axum::extract::Request;
use axum::response::Response;
use tenantry_bench_measure::order;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower::Service;

use crate::Fault;
use crate::asks::Ask;
use crate::measure::{Effort, Measured};
use crate::routes::PONG;

/// How many connections ask at the same time.
pub(crate) const CONNECTIONS: usize = 16;

/// Serves a service on a port of the system's choosing.
///
/// # Errors
/// When there is none.
pub(crate) async fn serve<S>(service: S) -> Result<SocketAddr, Fault>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, service.into_make_service()).await });
    Ok(address)
}

/// Has every server answer as many of these as it can, in turn.
///
/// # Errors
/// An answer that isn't 200 and the handler's.
pub(crate) async fn measure(
    servers: &[(&'static str, SocketAddr)],
    asks: &[Ask],
    effort: Effort,
) -> Result<Vec<Measured>, Fault> {
    let requests: Arc<[Vec<u8>]> = asks.iter().map(Ask::bytes).collect();
    for (_, server) in servers {
        ask_all(*server, &requests).await?;
    }
    let mut found = vec![(vec![], 0); servers.len()];
    for cycle in 0..effort.spans {
        for place in order(servers.len(), cycle) {
            let (each, answered) = throughput(servers[place].1, &requests, effort.span).await?;
            found[place].0.push(each);
            found[place].1 += answered;
        }
    }
    let all = servers.iter().zip(found);
    Ok(all.map(|((name, _), (cycles, answers))| Measured::of(name, cycles, None, answers)).collect())
}

/// Every request once, so that nothing is asked for the first time later.
async fn ask_all(server: SocketAddr, requests: &[Vec<u8>]) -> Result<(), Fault> {
    let mut client = Client::connect(server).await?;
    for request in requests {
        client.ask(request).await?;
    }
    Ok(())
}

/// Microseconds of the whole process for each request, and how many there were.
async fn throughput(
    server: SocketAddr,
    requests: &Arc<[Vec<u8>]>,
    span: Duration,
) -> Result<(f64, usize), Fault> {
    let (answered, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let mut askers = Vec::new();
    for number in 0..CONNECTIONS {
        let mut client = Client::connect(server).await?;
        let (requests, answered, over) = (Arc::clone(requests), Arc::clone(&answered), Arc::clone(&over));
        askers.push(tokio::spawn(async move {
            let from = number * requests.len() / CONNECTIONS;
            for request in requests.iter().cycle().skip(from) {
                client.ask(request).await?;
                answered.fetch_add(1, Ordering::Relaxed);
                if over.load(Ordering::Relaxed) {
                    break;
                }
            }
            Ok::<_, std::io::Error>(())
        }));
    }
    let began = Instant::now();
    tokio::time::sleep(span).await;
    let (count, took) = (answered.load(Ordering::Relaxed), began.elapsed());
    over.store(true, Ordering::Relaxed);
    for asker in askers {
        asker.await??;
    }
    Ok((took.as_secs_f64() * 1e6 / f64::from(u32::try_from(count)?), count))
}

struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Client {
    async fn connect(server: SocketAddr) -> Result<Self, Fault> {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: vec![0; 4_096] })
    }

    async fn ask(&mut self, request: &[u8]) -> Result<(), std::io::Error> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        loop {
            let read = self.stream.read(&mut self.buffer[filled..]).await?;
            filled += read;
            let answer = &self.buffer[..filled];
            let is_other = answer.len() >= 12 && !answer.starts_with(b"HTTP/1.1 200");
            if read == 0 || is_other {
                let answer = String::from_utf8_lossy(answer);
                return Err(std::io::Error::other(format!("not 200: {answer}")));
            }
            if answer.ends_with(PONG.as_bytes()) {
                return Ok(());
            }
        }
    }
}
