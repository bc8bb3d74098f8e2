use axum::body::Body as Bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use tenantry::http::axum::{Routes, get};
use tenantry::http::{Body, Principal, Problem};
use tower::ServiceExt as _;

use super::{Ask, Listing, Rows, Shop};

pub(super) async fn answer<R: Rows>(shop: &Shop<R>, of: &str, ask: Ask) -> (u16, String) {
    let routes = Routes::new().route("/listings", get(listings::<R>).post(put_up::<R>));
    let app = routes.behind(&shop.gate).unwrap().with_state::<()>(shop.clone());
    let request = Request::builder()
        .method(ask.method())
        .uri("/listings")
        .header("host", format!("{of}.localhost"))
        .header("authorization", format!("Bearer {of}"))
        .header("content-type", "application/json");
    let answer = app.oneshot(request.body(Bytes::from(ask.body())).unwrap()).await.unwrap();
    let status = answer.status().as_u16();
    let body = axum::body::to_bytes(answer.into_body(), 10_000).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn listings<R: Rows>(State(shop): State<Shop<R>>, caller: Principal) -> Result<String, Problem> {
    shop.listings(&caller).await
}

async fn put_up<R: Rows>(
    State(shop): State<Shop<R>>,
    caller: Principal,
    Body(listing): Body<Listing>,
) -> Result<(StatusCode, String), Problem> {
    shop.put_up(&caller, &listing).await.map(|all| (StatusCode::CREATED, all))
}
