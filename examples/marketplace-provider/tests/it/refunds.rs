//! Refunds: cumulative, idempotent, never more than was paid.

use reqwest::Method;
use serde_json::json;

use crate::inbox::{Delivery, Inbox};
use crate::program::Setup;

#[tokio::test]
async fn refunds_add_up_to_what_was_paid_and_no_further() {
    let inbox = Inbox::start().await;
    let setup = Setup::new(&inbox.url());
    let provider = setup.start().await;
    let checkout = provider.open("order-1", 1000).await;
    provider.refund("refund-1", "order-1", 1).await.refused(409, "conflict");
    assert_eq!(provider.attempt(&checkout, "paid").await.status, 200);
    provider.refund("refund-1", "order-1", 1001).await.refused(409, "conflict");

    let first = provider.refund("refund-1", "order-1", 600).await;
    assert_eq!(first.status, 201);
    assert_eq!(
        first.body,
        json!({"reference": "refund-1", "checkout_reference": "order-1", "amount": 600, "currency": "USD",
            "status": "succeeded"})
    );
    provider.refund("refund-2", "order-1", 401).await.refused(409, "conflict");
    assert_eq!(provider.refund("refund-2", "order-1", 400).await.status, 201);
    provider.refund("refund-3", "order-1", 1).await.refused(409, "conflict");
    assert_eq!(provider.get("/v1/checkouts/order-1").await.body["refunded"], 1000);

    let deliveries = inbox.wait_for(3).await;
    let told: Vec<_> = deliveries
        .iter()
        .map(|one| (one.kind(), one.event()["data"]["refund"].clone(), one.event()["data"]["amount"].clone()))
        .collect();
    assert_eq!(
        told,
        [
            ("checkout.paid".to_owned(), json!(null), json!(1000)),
            ("refund.succeeded".to_owned(), json!("refund-1"), json!(600)),
            ("refund.succeeded".to_owned(), json!("refund-2"), json!(400)),
        ]
    );
    assert!(deliveries.iter().all(Delivery::is_genuine));
}

#[tokio::test]
async fn the_same_refund_is_made_once() {
    let inbox = Inbox::start().await;
    let setup = Setup::new(&inbox.url());
    let provider = setup.start().await;
    provider.open_and_pay("order-1", 1000).await;
    provider.open_and_pay("order-2", 1000).await;
    let first = provider.refund("refund-1", "order-1", 1000).await;
    let again = provider.refund("refund-1", "order-1", 1000).await;
    assert_eq!((first.status, again.status), (201, 200));
    assert_eq!(first.body, again.body);
    let body = json!({"checkout_reference": "order-1", "amount": 1000, "currency": "USD"});
    assert_eq!(provider.send(Method::PUT, "/v1/refunds/refund-1", &body).await.status, 200);
    assert_eq!(provider.get("/v1/refunds/refund-1").await.body, first.body);
    provider.refund("refund-1", "order-1", 999).await.refused(409, "conflict");
    provider.refund("refund-1", "order-2", 1000).await.refused(409, "conflict");
    provider.refund("refund-2", "order-9", 1).await.refused(404, "not_found");
    let euros = json!({"checkout_reference": "order-2", "amount": 1, "currency": "EUR"});
    provider.send(Method::POST, "/v1/refunds/refund-2", &euros).await.refused(409, "conflict");
    assert_eq!(provider.get("/v1/checkouts/order-1").await.body["refunded"], 1000);
    assert_eq!(provider.get("/v1/checkouts/order-2").await.body["refunded"], 0);
}

#[tokio::test]
async fn refunds_at_the_same_time_take_no_more_than_there_is() {
    let inbox = Inbox::start().await;
    let setup = Setup::new(&inbox.url());
    let provider = std::sync::Arc::new(setup.start().await);
    provider.open_and_pay("order-1", 1000).await;
    let tasks: Vec<_> = (0..10)
        .map(|number| {
            let provider = provider.clone();
            tokio::spawn(
                async move { provider.refund(&format!("refund-{number}"), "order-1", 300).await.status },
            )
        })
        .collect();
    let mut made = 0;
    for task in tasks {
        match task.await.unwrap() {
            201 => made += 1,
            409 => {}
            other => panic!("answered {other}"),
        }
    }
    assert_eq!(made, 3);
    assert_eq!(provider.get("/v1/checkouts/order-1").await.body["refunded"], 900);
}
