use std::net::SocketAddr;

use super::{App, Serving};

impl App {
    /// An axum router, served on a loopback port of the system's choosing while the walk lasts, by the runtime that
    /// the walk runs on. Handlers may extract `ConnectInfo<SocketAddr>`.
    #[must_use]
    pub fn axum(router: axum::Router) -> Self {
        Self::started(move |listener| {
            listener.set_nonblocking(true)?;
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            let server = tokio::spawn(async move { axum::serve(listener, service).await });
            Ok(Serving::until(move || server.abort()))
        })
    }
}
