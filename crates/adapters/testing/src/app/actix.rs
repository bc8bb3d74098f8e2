use std::fmt;
use std::io;
use std::sync::mpsc;
use std::thread;

use actix_http::{Request, Response};
use actix_service::{IntoServiceFactory, Service, ServiceFactory};
use actix_web::body::MessageBody;
use actix_web::dev::{AppConfig, ServerHandle};
use actix_web::rt::System;
use actix_web::{Error, HttpServer};

use super::{App, Serving};

impl App {
    /// An actix-web app, as `HttpServer::new` takes it: a closure that makes the app, once for each of two workers. It
    /// is served on a loopback port of the system's choosing while the walk lasts, in a thread of its own, since
    /// actix's futures stay on theirs.
    #[must_use]
    pub fn actix<F, I, S, B>(factory: F) -> Self
    where
        F: Fn() -> I + Send + Clone + 'static,
        I: IntoServiceFactory<S, Request>,
        S: ServiceFactory<Request, Config = AppConfig> + 'static,
        S::Error: Into<Error> + 'static,
        S::InitError: fmt::Debug,
        S::Response: Into<Response<B>> + 'static,
        <S::Service as Service<Request>>::Future: 'static,
        S::Service: 'static,
        B: MessageBody + 'static,
    {
        Self::started(move |listener| {
            let (send, started) = mpsc::channel::<io::Result<ServerHandle>>();
            let serving = thread::spawn(move || {
                System::new().block_on(async move {
                    let server = HttpServer::new(factory).workers(2).disable_signals().listen(listener);
                    match server {
                        Ok(server) => {
                            let server = server.run();
                            if send.send(Ok(server.handle())).is_ok() {
                                server.await.ok();
                            }
                        }
                        Err(error) => drop(send.send(Err(error))),
                    }
                });
            });
            let handle = started.recv().map_err(io::Error::other)??;
            Ok(Serving::until(move || {
                drop(handle.stop(false));
                drop(serving);
            }))
        })
    }
}
