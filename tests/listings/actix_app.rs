use actix_web::http::{Method, StatusCode};
use actix_web::{App, test, web};
use tenantry::http::actix::{Guarded, Routes, get};
use tenantry::http::{Body, Principal, Problem};

use super::{Ask, Listing, Rows, Shop};

pub(super) async fn answer<R: Rows>(shop: &Shop<R>, of: &str, ask: Ask) -> (u16, String) {
    let routes = || Routes::new().route("/listings", get(listings::<R>).post(put_up::<R>));
    let guarded = Guarded::behind(&shop.gate, routes).unwrap();
    let app = App::new().app_data(web::Data::new(shop.clone()));
    let app = test::init_service(app.wrap(guarded.middleware()).service(guarded.clone())).await;
    let request = test::TestRequest::with_uri("/listings")
        .method(Method::from_bytes(ask.method().as_bytes()).unwrap())
        .insert_header(("host", format!("{of}.localhost")))
        .insert_header(("authorization", format!("Bearer {of}")))
        .insert_header(("content-type", "application/json"))
        .set_payload(ask.body());
    let answer = test::call_service(&app, request.to_request()).await;
    let status = answer.status().as_u16();
    let body = test::read_body(answer).await;
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn listings<R: Rows>(shop: web::Data<Shop<R>>, caller: Principal) -> Result<String, Problem> {
    shop.listings(&caller).await
}

async fn put_up<R: Rows>(
    shop: web::Data<Shop<R>>,
    caller: Principal,
    listing: Body<Listing>,
) -> Result<(String, StatusCode), Problem> {
    shop.put_up(&caller, &listing.0).await.map(|all| (all, StatusCode::CREATED))
}
