use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{ConnectInfo, FromRef, Path, State};
use axum::http::StatusCode;
use tenantry::Permission;
use tenantry::http::axum::{Methods, Routes, get, post, put};
use tenantry::http::{
    Access, Body, ClientAddress, IdempotencyKeyHeader, IfMatch, Paging, Principal, Problem, Public, Query,
    RawBody, RequestId, Require, RequireOn, Tenant,
};

use super::documents::{DocumentEdit, DocumentPrint, DocumentRead, DocumentSend, DocumentSign, Documents};
use super::handlers::{self, Filter, Forgotten, ListingRead, ListingWrite, NewListing};
use super::{Server, World};

#[derive(Clone)]
struct Shared {
    handled: Arc<AtomicUsize>,
    documents: Documents,
}

impl FromRef<Shared> for Arc<AtomicUsize> {
    fn from_ref(shared: &Shared) -> Self {
        Self::clone(&shared.handled)
    }
}

impl FromRef<Shared> for Documents {
    fn from_ref(shared: &Shared) -> Self {
        shared.documents.clone()
    }
}

pub(super) fn serve(world: &World) -> Server {
    let (told, address) = std::sync::mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let shared = Shared { handled: Arc::clone(&world.handled), documents: world.documents.clone() };
    let guarded = routes().behind(&world.gate).unwrap().with_state::<()>(shared);
    let app = guarded.into_make_service_with_connect_info::<SocketAddr>();
    let thread = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.unwrap().block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            told.send(listener.local_addr().unwrap()).unwrap();
            let stopped = async move { drop(stopped.await) };
            axum::serve(listener, app).with_graceful_shutdown(stopped).await.unwrap();
        });
    });
    let stop = Box::new(move || {
        let _ = stop.send(());
        thread.join().unwrap();
    });
    Server { name: "axum", address: address.recv().unwrap(), stop: Some(stop) }
}

fn routes() -> Routes<Shared> {
    let plain = |methods| Methods::plain(methods).declared(Access::permission::<ListingRead>());
    Routes::new()
        .route("/public", get(public).post(public))
        .route("/me", get(me).post(me))
        .route("/id", get(id))
        .route("/address", get(address))
        .route("/listings", get(listings).post(create))
        .route("/listings/{slug}", put(replace))
        .route("/found", get(find))
        .route("/raw", post(raw))
        .route("/twice", plain(axum::routing::get(twice)))
        .route("/forgotten", Methods::plain(axum::routing::get(forgotten)).declared(Access::Public))
        .route("/misordered", get(misordered))
        .route("/misordered-on", get(misordered_on))
        .nest("/documents", documents())
}

fn documents() -> Routes<Shared> {
    Routes::new()
        .route("/", get(list_documents))
        .route("/{id}", get(take::<DocumentRead>).put(edit))
        .route("/{id}/sign", post(take::<DocumentSign>))
        .route("/{id}/print", post(take::<DocumentPrint>))
        .route("/{id}/send", post(take::<DocumentSend>))
}

async fn take<P: Permission>(
    State(documents): State<Documents>,
    by: RequireOn<P>,
    Path(id): Path<String>,
) -> Result<String, Problem> {
    documents.take(&by, &id)
}

async fn edit(
    State(documents): State<Documents>,
    by: RequireOn<DocumentEdit>,
    Path(id): Path<String>,
    Body(_): Body<NewListing>,
) -> Result<String, Problem> {
    documents.take(&by, &id)
}

async fn list_documents(State(documents): State<Documents>, by: RequireOn<DocumentRead>) -> String {
    documents.list(&by)
}

async fn misordered_on(_: Paging, _: RequireOn<DocumentRead>) -> String {
    String::new()
}

async fn public(_: Public, tenant: Tenant) -> String {
    tenant.tenant().slug.to_string()
}

async fn me(State(handled): State<Arc<AtomicUsize>>, caller: Principal) -> String {
    handled.fetch_add(1, Ordering::Relaxed);
    handlers::me(&caller)
}

async fn id(_: Public, id: RequestId) -> String {
    id.to_string()
}

async fn address(_: Public, ClientAddress(address): ClientAddress, _: ConnectInfo<SocketAddr>) -> String {
    address.to_string()
}

async fn listings(_: Require<ListingRead>, Paging(page): Paging) -> String {
    page.limit().to_string()
}

async fn find(_: Require<ListingRead>, Query(filter): Query<Filter>) -> String {
    format!("{:?}", filter.least)
}

async fn create(
    _: Require<ListingWrite>,
    key: IdempotencyKeyHeader,
    Body(listing): Body<NewListing>,
) -> Result<(StatusCode, String), Problem> {
    handlers::create(key, &listing).map(|text| (StatusCode::CREATED, text))
}

async fn replace(
    _: Require<ListingWrite>,
    version: IfMatch,
    Body(listing): Body<NewListing>,
) -> Result<String, Problem> {
    handlers::replace(version, &listing)
}

async fn raw(_: Public, RawBody(body): RawBody) -> String {
    body.len().to_string()
}

async fn twice(tenant: Tenant, one: Principal, two: Require<ListingRead>, _: Principal) -> String {
    format!("{} {}", tenant.id() == one.tenant().id(), one.user() == two.caller().user())
}

async fn forgotten(_: Require<Forgotten>) -> String {
    String::new()
}

async fn misordered(_: Paging, _: Principal) -> String {
    String::new()
}
