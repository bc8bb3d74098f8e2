use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::http::StatusCode;
use actix_web::{App, HttpServer, Resource, web};
use tenantry::http::actix::{method_not_allowed, not_found};
use tenantry::http::{
    Body, ClientAddress, Gate, IdempotencyKeyHeader, IfMatch, Paging, Principal, Problem, Query, RawBody,
    RequestId, Require, Tenant,
};

use super::handlers::{self, Filter, Forgotten, ListingRead, ListingWrite, NewListing};
use super::{Server, World};

type Handled = web::Data<AtomicUsize>;

pub(super) fn serve(world: &World) -> Server {
    let (told, address) = std::sync::mpsc::channel();
    let (gate, handled) = (world.gate.clone(), web::Data::from(Arc::clone(&world.handled)));
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = move || App::new().app_data(handled.clone()).configure(|config| routes(&gate, config));
            let server = HttpServer::new(app).workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
            let address = server.addrs()[0];
            let server = server.run();
            told.send((address, server.handle())).unwrap();
            server.await.unwrap();
        });
    });
    let (address, handle) = address.recv().unwrap();
    let stop = Box::new(move || {
        drop(handle.stop(false));
        thread.join().unwrap();
    });
    Server { name: "actix", address, stop: Some(stop) }
}

fn at(path: &str) -> Resource {
    web::resource(path).default_service(web::to(method_not_allowed))
}

fn routes(gate: &Gate, config: &mut web::ServiceConfig) {
    config
        .service(at("/outside/public").get(public))
        .service(at("/outside/me").get(me))
        .service(at("/outside/listings").get(listings))
        .service(
            web::scope("")
                .wrap(gate.middleware())
                .service(at("/public").get(public).post(public))
                .service(at("/me").get(me).post(me))
                .service(at("/id").get(id))
                .service(at("/address").get(address))
                .service(at("/listings").get(listings).post(create))
                .service(at("/listings/{slug}").put(replace))
                .service(at("/found").get(find))
                .service(at("/raw").post(raw))
                .service(at("/twice").get(twice))
                .service(at("/forgotten").get(forgotten))
                .service(at("/optional").get(optional))
                .service(at("/attempted").get(attempted))
                .service(at("/backwards").post(backwards))
                .default_service(web::to(not_found)),
        );
}

async fn public(tenant: Tenant) -> String {
    tenant.tenant().slug.to_string()
}

async fn me(handled: Handled, caller: Principal) -> String {
    handled.fetch_add(1, Ordering::Relaxed);
    handlers::me(&caller)
}

async fn id(id: RequestId) -> String {
    id.to_string()
}

async fn address(address: ClientAddress) -> String {
    address.0.to_string()
}

async fn listings(_: Require<ListingRead>, page: Paging) -> String {
    page.0.limit().to_string()
}

async fn find(_: Require<ListingRead>, filter: Query<Filter>) -> String {
    format!("{:?}", filter.0.least)
}

async fn create(
    _: Require<ListingWrite>,
    key: IdempotencyKeyHeader,
    listing: Body<NewListing>,
) -> Result<(String, StatusCode), Problem> {
    handlers::create(key, &listing.0).map(|text| (text, StatusCode::CREATED))
}

async fn replace(
    _: Require<ListingWrite>,
    version: IfMatch,
    listing: Body<NewListing>,
) -> Result<String, Problem> {
    handlers::replace(version, &listing.0)
}

async fn raw(body: RawBody) -> String {
    body.0.len().to_string()
}

async fn twice(tenant: Tenant, one: Principal, two: Require<ListingRead>, _: Principal) -> String {
    format!("{} {}", tenant.id() == one.tenant().id(), one.user() == two.caller().user())
}

async fn forgotten(_: Require<Forgotten>) -> String {
    String::new()
}

/// Would take a refusal for an anonymous caller, if the gate let it.
async fn optional(handled: Handled, caller: Option<Principal>) -> String {
    handled.fetch_add(1, Ordering::Relaxed);
    caller.map_or_else(|| "anonymous".to_owned(), |caller| handlers::me(&caller))
}

async fn attempted(handled: Handled, caller: Result<Principal, Problem>) -> String {
    handled.fetch_add(1, Ordering::Relaxed);
    caller.map_or_else(|_| "anonymous".to_owned(), |caller| handlers::me(&caller))
}

/// Asks for the body before it asks who sends it.
async fn backwards(_: Body<NewListing>, caller: Require<ListingWrite>) -> String {
    handlers::me(&caller)
}
