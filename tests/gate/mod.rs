//! One world of tenants and members, behind one gate, served by axum and by actix-web on loopback sockets.

mod actix_app;
mod axum_app;
mod bare;
mod client;
mod documents;
mod elsewhere;
mod handlers;
mod memory;
mod on_resource;
mod routes_actix;
mod routes_alike;
mod routes_axum;
mod store;
mod switches;
mod table;
mod world;

pub(crate) use bare::Bare;
pub(crate) use client::{Answer, Ask, ask};
pub(crate) use switches::{SwitchedCounters, Tokens};
pub(crate) use table::{GOOD, Row, Says, keyed, me, table, write};
pub(crate) use world::{BODY_LIMIT, World};

/// A server that runs until it is dropped.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) address: std::net::SocketAddr,
    stop: Option<Box<dyn FnOnce() + Send>>,
}

impl Server {
    pub(crate) fn both(world: &World) -> [Self; 2] {
        [axum_app::serve(world), actix_app::serve(world)]
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            stop();
        }
    }
}
