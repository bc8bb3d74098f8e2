//! Checkouts, their payment and its events.

use reqwest::Method;
use serde_json::json;

use crate::inbox::{Delivery, Inbox};
use crate::program::{Answer, Setup, client};

#[tokio::test]
async fn the_same_request_finds_the_same_checkout() {
    let inbox = Inbox::start().await;
    let setup = Setup::new(&inbox.url());
    let provider = setup.start().await;
    let body = json!({"amount": 4900, "currency": "USD", "description": "a shop"});
    let first = provider.send(Method::PUT, "/v1/checkouts/order-1", &body).await;
    assert_eq!(first.status, 201);
    let id = first.body["id"].as_str().unwrap();
    assert_eq!(first.body["checkout_url"], format!("{}/pay/{id}", provider.base));
    assert_eq!(first.body["status"], "open");
    assert!(id.len() >= 32 && !id.contains("order-1"));

    let again = provider.send(Method::PUT, "/v1/checkouts/order-1", &body).await;
    assert_eq!((again.status, &again.body), (200, &first.body));
    assert_eq!(provider.get("/v1/checkouts/order-1").await.body, first.body);
    for other in [json!({"amount": 4901, "currency": "USD"}), json!({"amount": 4900, "currency": "EUR"})] {
        provider.send(Method::PUT, "/v1/checkouts/order-1", &other).await.refused(409, "conflict");
    }
}

#[tokio::test]
async fn a_payment_is_told_once_and_signed() {
    let inbox = Inbox::start().await;
    let setup = Setup::new(&inbox.url());
    let provider = setup.start().await;
    let checkout = provider.open("order-1", 4900).await;
    let paid = provider.attempt(&checkout, "paid").await;
    assert_eq!((paid.status, paid.body["status"].as_str()), (200, Some("paid")));
    let again = provider.attempt(&checkout, "paid").await;
    assert_eq!((again.status, again.body["status"].as_str()), (200, Some("paid")));
    provider.attempt(&checkout, "failed").await.refused(409, "conflict");
    assert_eq!(provider.get("/v1/checkouts/order-1").await.body["status"], "paid");

    provider.open_and_pay("order-2", 1).await;
    let deliveries = inbox.wait_until(|all| all.iter().any(|one| one.reference() == "order-2")).await;
    let first: Vec<&Delivery> = deliveries.iter().filter(|one| one.reference() == "order-1").collect();
    assert_eq!(first.len(), 1);
    assert!(first[0].is_genuine());
    let event = first[0].event();
    assert_eq!(event["type"], "checkout.paid");
    assert_eq!(event["id"], first[0].id);
    assert!(event["created"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    assert_eq!(
        event["data"],
        json!({"reference": "order-1", "checkout": checkout["id"], "amount": 4900, "currency": "USD"})
    );
    let age = jiff::Timestamp::now().as_second() - first[0].timestamp;
    assert!((0..60).contains(&age), "{age}");
    let altered = Delivery { body: "{}".into(), ..first[0].clone() };
    assert!(!altered.is_genuine());
}

#[tokio::test]
async fn a_failed_attempt_leaves_the_checkout_open() {
    let inbox = Inbox::start().await;
    let setup = Setup::new(&inbox.url());
    let provider = setup.start().await;
    let checkout = provider.open("order-1", 4900).await;
    for _ in 0..2 {
        let failed = provider.attempt(&checkout, "failed").await;
        assert_eq!((failed.status, failed.body["status"].as_str()), (200, Some("open")));
    }
    assert_eq!(provider.attempt(&checkout, "paid").await.status, 200);
    let deliveries = inbox.wait_for(3).await;
    let kinds: Vec<String> = deliveries.iter().map(Delivery::kind).collect();
    assert_eq!(kinds, ["checkout.failed", "checkout.failed", "checkout.paid"]);
    assert_ne!(deliveries[0].id, deliveries[1].id);
}

#[tokio::test]
async fn a_browser_pays_without_scripts() {
    let inbox = Inbox::start().await;
    let setup = Setup::new(&inbox.url());
    let provider = setup.start().await;
    let new = json!({"amount": 4900, "currency": "USD", "description": "<script>x</script>",
        "return_url": "http://shop.localhost:3000/orders/1"});
    let checkout = provider.send(Method::PUT, "/v1/checkouts/order-1", &new).await.body;
    let url = checkout["checkout_url"].as_str().unwrap();
    let browser = client();

    let page = Answer::read(browser.get(url).send().await.unwrap()).await;
    assert_eq!((page.status, page.media.as_str()), (200, "text/html; charset=utf-8"));
    let html = page.body.as_str().unwrap();
    assert!(html.contains("&lt;script&gt;x") && !html.contains("<script>"), "{html}");
    assert!(html.contains(r#"method="post""#) && html.contains(r#"value="failed""#));

    let path = format!("/pay/{}", checkout["id"].as_str().unwrap());
    for (outcome, next) in [("failed", path.as_str()), ("paid", "http://shop.localhost:3000/orders/1")] {
        let form = format!("outcome={outcome}");
        let media = "application/x-www-form-urlencoded";
        let answer = browser.post(url).header("content-type", media).body(form).send().await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.headers()["location"].to_str().unwrap()), (303, next));
    }
    let page = Answer::read(browser.get(url).send().await.unwrap()).await;
    assert!(!page.body.as_str().unwrap().contains("<form"));
    let kinds: Vec<String> = inbox.wait_for(2).await.iter().map(Delivery::kind).collect();
    assert_eq!(kinds, ["checkout.failed", "checkout.paid"]);
}
