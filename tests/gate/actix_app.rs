use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use actix_web::http::StatusCode;
use actix_web::{App, HttpServer, web};
use tenantry::Permission;
use tenantry::http::actix::{Guarded, Methods, Routes, get, post, put};
use tenantry::http::{
    Access, Body, ClientAddress, IdempotencyKeyHeader, IfMatch, Paging, Principal, Problem, Public, Query,
    RawBody, RequestId, Require, RequireOn, Tenant,
};

use super::documents::{DocumentEdit, DocumentPrint, DocumentRead, DocumentSend, DocumentSign, Documents};
use super::handlers::{self, Filter, Forgotten, ListingRead, ListingWrite, NewListing};
use super::{Server, World};

type Handled = web::Data<AtomicUsize>;

pub(super) fn serve(world: &World) -> Server {
    let (told, address) = std::sync::mpsc::channel();
    let guarded = Guarded::behind(&world.gate, routes).unwrap();
    let handled = web::Data::from(Arc::clone(&world.handled));
    let documents = web::Data::new(world.documents.clone());
    let thread = std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = move || {
                let app = App::new().app_data(handled.clone()).app_data(documents.clone());
                app.wrap(guarded.middleware()).service(guarded.clone())
            };
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

fn routes() -> Routes {
    let plain = |route| Methods::plain(route).declared(Access::permission::<ListingRead>());
    Routes::new()
        .route("/public", get(public).post(public))
        .route("/me", get(me).post(me))
        .route("/id", get(id))
        .route("/address", get(address))
        .route("/listings", get(listings).post(create))
        .route("/listings/{slug}", put(replace))
        .route("/found", get(find))
        .route("/raw", post(raw))
        .route("/twice", plain(web::get().to(twice)))
        .route("/forgotten", Methods::plain(web::get().to(forgotten)).declared(Access::Public))
        .route("/optional", Methods::plain(web::get().to(optional)).declared(Access::Member))
        .route("/attempted", Methods::plain(web::get().to(attempted)).declared(Access::Member))
        .route("/backwards", post(backwards))
        .route("/attempted-on", Methods::plain(web::get().to(attempted_on)).declared(READ))
        .nest("/documents", documents_routes())
}

const READ: Access = Access::permission::<DocumentRead>();

fn documents_routes() -> Routes {
    Routes::new()
        .route("/", get(list_documents))
        .route("/{id}", get(take::<DocumentRead>).put(edit))
        .route("/{id}/sign", post(take::<DocumentSign>))
        .route("/{id}/print", post(take::<DocumentPrint>))
        .route("/{id}/send", post(take::<DocumentSend>))
}

async fn take<P: Permission>(
    documents: web::Data<Documents>,
    by: RequireOn<P>,
    id: web::Path<String>,
) -> Result<String, Problem> {
    documents.take(&by, &id)
}

/// Asks for the body before it asks who sends it.
async fn edit(
    _: Body<NewListing>,
    documents: web::Data<Documents>,
    by: RequireOn<DocumentEdit>,
    id: web::Path<String>,
) -> Result<String, Problem> {
    documents.take(&by, &id)
}

async fn list_documents(documents: web::Data<Documents>, by: RequireOn<DocumentRead>) -> String {
    documents.list(&by)
}

/// Would take a refusal for an answer, if the gate let it.
async fn attempted_on(handled: Handled, by: Option<RequireOn<DocumentRead>>) -> String {
    handled.fetch_add(1, Ordering::Relaxed);
    by.map_or_else(|| "anonymous".to_owned(), |by| handlers::me(by.caller()))
}

async fn public(_: Public, tenant: Tenant) -> String {
    tenant.tenant().slug.to_string()
}

async fn me(handled: Handled, caller: Principal) -> String {
    handled.fetch_add(1, Ordering::Relaxed);
    handlers::me(&caller)
}

async fn id(_: Public, id: RequestId) -> String {
    id.to_string()
}

async fn address(_: Public, address: ClientAddress) -> String {
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

async fn raw(_: Public, body: RawBody) -> String {
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
