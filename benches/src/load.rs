//! Requests over loopback: connections that are kept, one request at a time on each.

use std::convert::Infallible;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::ServiceExt as _;
use axum::extract::Request;
use axum::response::Response;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tower::Service;

/// How many connections ask at the same time.
pub(crate) const CONNECTIONS: usize = 16;

/// Serves a service on a port of the system's choosing.
pub(crate) async fn serve<S>(service: S) -> Result<SocketAddr, Box<dyn Error>>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(async move { axum::serve(listener, service.into_make_service()).await });
    Ok(address)
}

/// Requests a second that a server answers with 200 and `body`, over `span`.
#[expect(clippy::float_arithmetic, reason = "a measurement, not money")]
pub(crate) async fn throughput(
    server: SocketAddr,
    request: &str,
    body: &'static str,
    span: Duration,
) -> Result<f64, Box<dyn Error>> {
    let request: Arc<[u8]> = request.as_bytes().into();
    let (answered, over) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut askers = Vec::new();
    for _ in 0..CONNECTIONS {
        let stream = TcpStream::connect(server).await?;
        stream.set_nodelay(true)?;
        let (request, answered, over) = (request.clone(), answered.clone(), over.clone());
        askers.push(tokio::spawn(ask(stream, request, body, answered, over)));
    }
    let began = Instant::now();
    tokio::time::sleep(span).await;
    let count = answered.load(Ordering::Relaxed);
    let took = began.elapsed();
    over.store(true, Ordering::Relaxed);
    for asker in askers {
        asker.await??;
    }
    #[expect(clippy::cast_precision_loss, reason = "a count of requests")]
    Ok(count as f64 / took.as_secs_f64())
}

async fn ask(
    mut stream: TcpStream,
    request: Arc<[u8]>,
    body: &'static str,
    answered: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
) -> Result<(), std::io::Error> {
    let mut buffer = vec![0_u8; 4_096];
    while !over.load(Ordering::Relaxed) {
        stream.write_all(&request).await?;
        let mut filled = 0;
        loop {
            let rest = buffer.get_mut(filled..).unwrap_or_default();
            let read = stream.read(rest).await?;
            if read == 0 {
                return Err(std::io::Error::other("the server hung up"));
            }
            filled += read;
            let answer = buffer.get(..filled).unwrap_or_default();
            if answer.ends_with(body.as_bytes()) {
                break;
            }
        }
        if !buffer.starts_with(b"HTTP/1.1 200") {
            let answer = String::from_utf8_lossy(buffer.get(..filled).unwrap_or_default()).into_owned();
            return Err(std::io::Error::other(format!("not 200: {answer}")));
        }
        answered.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}
