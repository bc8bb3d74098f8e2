//! What is refused, and that it says why.

use reqwest::Method;
use serde_json::json;

use crate::inbox::Inbox;
use crate::program::{Answer, Setup, client};

#[tokio::test]
async fn every_guarded_route_wants_the_key() {
    let inbox = Inbox::start().await;
    let setup = Setup::new(&inbox.url());
    let provider = setup.start().await;
    let guarded = [
        (Method::PUT, "/v1/checkouts/order-1"),
        (Method::GET, "/v1/checkouts/order-1"),
        (Method::PUT, "/v1/refunds/refund-1"),
        (Method::POST, "/v1/refunds/refund-1"),
        (Method::GET, "/v1/refunds/refund-1"),
        (Method::GET, "/v1/controls"),
        (Method::POST, "/v1/controls"),
        (Method::GET, "/v1/events"),
        (Method::POST, "/v1/redeliver"),
    ];
    for (method, path) in guarded {
        let ask = || client().request(method.clone(), format!("{}{path}", provider.base));
        let wrong = "00".repeat(32);
        for request in
            [ask(), ask().bearer_auth(""), ask().bearer_auth(wrong), ask().header("authorization", "Basic x")]
        {
            let response = request.send().await.unwrap();
            assert_eq!(response.headers()["www-authenticate"], "Bearer", "{method} {path}");
            Answer::read(response).await.refused(401, "unauthenticated");
        }
    }
    let health = client().get(format!("{}/healthz", provider.base)).send().await.unwrap();
    assert_eq!(health.status(), 200);
}

#[tokio::test]
async fn bad_bodies_are_told_what_is_wrong() {
    let inbox = Inbox::start().await;
    let setup = Setup::new(&inbox.url());
    let provider = setup.start().await;
    let put = |body: String| async {
        let request = provider.request(Method::PUT, "/v1/checkouts/order-1").body(body);
        Answer::read(request.send().await.unwrap()).await
    };
    put("{".to_owned()).await.refused(400, "malformed");
    put(r#"{"amount": 1, "currency": "USD"} trailing"#.to_owned()).await.refused(400, "malformed");
    put(" ".repeat(16 * 1024 + 1)).await.refused(413, "too_large");
    let wrong = [
        (json!({"amount": 0, "currency": "USD"}), "amount"),
        (json!({"amount": -5, "currency": "USD"}), "amount"),
        (json!({"amount": 1.5, "currency": "USD"}), "amount"),
        (json!({"amount": 9_223_372_036_854_775_808_u64, "currency": "USD"}), "amount"),
        (json!({"amount": 1, "currency": "usd"}), "currency"),
        (json!({"amount": 1, "currency": "USD", "description": "x".repeat(501)}), "description"),
        (json!({"amount": 1, "currency": "USD", "return_url": "javascript:alert(1)"}), "return_url"),
        (json!({"amount": 1, "currency": "USD", "return_url": "http://a/\nb"}), "return_url"),
    ];
    for (body, field) in wrong {
        let answer = put(body.to_string()).await;
        answer.refused(422, "invalid");
        assert_eq!(answer.body["errors"][0]["field"], field, "{}", answer.body);
    }
    let unnamed = put(json!({"currency": "USD"}).to_string()).await;
    unnamed.refused(422, "invalid");
    assert!(unnamed.body["errors"][0]["message"].as_str().unwrap().contains("amount"));
    assert_eq!(provider.get("/v1/checkouts/order-1").await.status, 404);
}

#[tokio::test]
async fn what_is_not_there_is_said_so() {
    let inbox = Inbox::start().await;
    let setup = Setup::new(&inbox.url());
    let provider = setup.start().await;
    for path in ["/v1/checkouts/nobody", "/v1/refunds/nobody", "/pay/co_00", "/nowhere", "/v1/nowhere"] {
        provider.get(path).await.refused(404, "not_found");
    }
    provider.get("/v1/checkouts/with%20space").await.refused(422, "invalid");
    provider.send(Method::POST, "/pay/co_00", &json!({"outcome": "paid"})).await.refused(404, "not_found");
    provider.send(Method::DELETE, "/v1/controls", &json!({})).await.refused(405, "method_not_allowed");
    let checkout = provider.open("order-1", 1).await;
    provider.attempt(&checkout, "perhaps").await.refused(422, "invalid");
    for wrong in
        [json!({"delay_ms": 600_001}), json!({"duplicate": 21}), json!({"reorder": 1}), json!({"late": true})]
    {
        provider.send(Method::POST, "/v1/controls", &wrong).await.refused(422, "invalid");
    }
    for wrong in [json!({}), json!({"all": false}), json!({"all": true, "event": "evt_1"})] {
        provider.send(Method::POST, "/v1/redeliver", &wrong).await.refused(422, "invalid");
    }
    provider.send(Method::POST, "/v1/redeliver", &json!({"event": "evt_1"})).await.refused(404, "not_found");
    provider.get("/v1/events?state=lost").await.refused(422, "invalid");
}
