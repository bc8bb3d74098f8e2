//! How events reach the webhook, and what happens when they do not.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use crate::inbox::{Delivery, Inbox, Reply};
use crate::program::{BOUND, Program, Setup};

fn ids(deliveries: &[Delivery]) -> Vec<&str> {
    deliveries.iter().map(|one| one.id.as_str()).collect()
}

fn kinds(deliveries: &[Delivery]) -> Vec<String> {
    deliveries.iter().map(Delivery::kind).collect()
}

/// The events of a state, once there are so many.
async fn wait_for_state(provider: &Program, state: &str, count: usize) -> Vec<Value> {
    let started = Instant::now();
    loop {
        let items = provider.get(&format!("/v1/events?state={state}")).await.body["items"]
            .as_array()
            .unwrap()
            .clone();
        if items.len() == count {
            return items;
        }
        assert!(started.elapsed() < BOUND, "{state}: {items:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn what_is_not_acknowledged_comes_again_before_what_follows() {
    let inbox = Inbox::start().await;
    inbox.script(&[Reply::Status(500), Reply::Status(302), Reply::Status(500)]);
    let setup = Setup::new(&inbox.url().replace("127.0.0.1", "localhost"));
    let provider = setup.start().await;
    provider.open_and_pay("order-1", 1000).await;
    assert_eq!(provider.refund("refund-1", "order-1", 10).await.status, 201);
    let deliveries = inbox.wait_for(5).await;
    assert_eq!(
        kinds(&deliveries),
        ["checkout.paid", "checkout.paid", "checkout.paid", "checkout.paid", "refund.succeeded"]
    );
    assert!(deliveries[..4].iter().all(|one| one.id == deliveries[0].id && one.body == deliveries[0].body));
    assert!(deliveries.iter().all(Delivery::is_genuine));
    let pauses: Vec<Duration> = deliveries[..4].windows(2).map(|pair| pair[1].at - pair[0].at).collect();
    assert!(pauses[0] >= Duration::from_millis(190) && pauses[2] >= Duration::from_millis(790), "{pauses:?}");
    wait_for_state(&provider, "delivered", 2).await;
    assert_eq!(inbox.deliveries().len(), 5);
}

#[tokio::test]
async fn a_webhook_that_does_not_answer_is_given_up_on_and_tried_again() {
    let inbox = Inbox::start().await;
    inbox.script(&[Reply::Silence]);
    let setup = Setup::new(&inbox.url());
    let provider = setup.start().await;
    provider.open_and_pay("order-1", 1000).await;
    let deliveries = inbox.wait_for(2).await;
    assert_eq!(deliveries[0].id, deliveries[1].id);
    wait_for_state(&provider, "delivered", 1).await;
}

#[tokio::test]
async fn checkouts_do_not_wait_for_each_other_up_to_a_bound() {
    let inbox = Inbox::start().await;
    inbox.script(&[Reply::Silence]);
    let setup = Setup::new(&inbox.url());
    let provider = setup.start().await;
    provider.open_and_pay("stuck", 1000).await;
    inbox.wait_for(1).await;
    for number in 0..20 {
        provider.open_and_pay(&format!("order-{number}"), 1000).await;
    }
    wait_for_state(&provider, "delivered", 20).await;

    provider.control(&json!({"hold": true})).await;
    for number in 20..60 {
        provider.open_and_pay(&format!("order-{number}"), 1000).await;
    }
    inbox.otherwise(Reply::Silence);
    let before = inbox.deliveries().len();
    provider.control(&json!({"hold": false})).await;
    inbox.wait_for(before + 15).await;
    for _ in 0..20 {
        assert_eq!(provider.get("/v1/controls").await.status, 200);
    }
    assert!((15..=16).contains(&inbox.most_open()), "{}", inbox.most_open());
    inbox.otherwise(Reply::Status(200));
    wait_for_state(&provider, "delivered", 61).await;
}

#[tokio::test]
async fn duplicates_come_as_often_as_they_are_asked_for() {
    let inbox = Inbox::start().await;
    let setup = Setup::new(&inbox.url());
    let provider = setup.start().await;
    let controls = provider.control(&json!({"duplicate": 2})).await;
    assert_eq!(controls, json!({"delay_ms": 0, "duplicate": 2, "reorder": false, "hold": false}));
    provider.open_and_pay("order-1", 1000).await;
    assert_eq!(provider.refund("refund-1", "order-1", 10).await.status, 201);
    wait_for_state(&provider, "delivered", 2).await;
    let deliveries = inbox.deliveries();
    let (paid, refunded) = (deliveries[0].id.as_str(), deliveries[3].id.as_str());
    assert_eq!(ids(&deliveries), [paid, paid, paid, refunded, refunded, refunded]);
    assert!(deliveries.iter().all(Delivery::is_genuine));
}

#[tokio::test]
async fn held_events_come_newest_first_when_reordered() {
    let inbox = Inbox::start().await;
    let setup = Setup::new(&inbox.url());
    let provider = setup.start().await;
    provider.control(&json!({"hold": true, "reorder": true})).await;
    let checkout = provider.open("order-1", 1000).await;
    assert_eq!(provider.attempt(&checkout, "failed").await.status, 200);
    assert_eq!(provider.attempt(&checkout, "paid").await.status, 200);
    assert_eq!(provider.refund("refund-1", "order-1", 10).await.status, 201);
    assert_eq!(wait_for_state(&provider, "pending", 3).await.len(), 3);
    assert!(inbox.deliveries().is_empty());

    let provider = {
        provider.kill().await;
        setup.start().await
    };
    let kept = provider.get("/v1/controls").await.body;
    assert_eq!(kept, json!({"delay_ms": 0, "duplicate": 0, "reorder": true, "hold": true}));
    assert!(inbox.deliveries().is_empty());
    provider.control(&json!({"hold": false})).await;
    let deliveries = inbox.wait_for(3).await;
    assert_eq!(kinds(&deliveries), ["refund.succeeded", "checkout.paid", "checkout.failed"]);
}

#[tokio::test]
async fn late_events_are_late() {
    let inbox = Inbox::start().await;
    let setup = Setup::new(&inbox.url());
    let provider = setup.start().await;
    provider.control(&json!({"delay_ms": 400})).await;
    let checkout = provider.open("order-1", 1000).await;
    let asked = Instant::now();
    assert_eq!(provider.attempt(&checkout, "paid").await.status, 200);
    let deliveries = inbox.wait_for(1).await;
    assert!(deliveries[0].at - asked >= Duration::from_millis(400));

    provider.control(&json!({"delay_ms": 600_000})).await;
    provider.open_and_pay("order-2", 1000).await;
    assert_eq!(wait_for_state(&provider, "pending", 1).await[0]["reference"], "order-2");
    provider.control(&json!({"delay_ms": 0})).await;
    inbox.wait_for(2).await;
}

#[tokio::test]
async fn a_dead_letter_is_revived_by_redelivery() {
    let inbox = Inbox::start().await;
    inbox.otherwise(Reply::Status(503));
    let setup = Setup::new(&inbox.url()).with(&["--max-attempts", "2"]);
    let provider = setup.start().await;
    provider.open_and_pay("order-1", 1000).await;
    let dead = wait_for_state(&provider, "dead", 1).await;
    assert_eq!(dead[0]["failures"], 2);
    assert_eq!(inbox.deliveries().len(), 2);

    inbox.otherwise(Reply::Status(204));
    let which = json!({"event": dead[0]["id"]});
    let answer = provider.send(Method::POST, "/v1/redeliver", &which).await;
    assert_eq!(answer.body, json!({"queued": 1, "left": 0}));
    let delivered = wait_for_state(&provider, "delivered", 1).await;
    assert_eq!(delivered[0]["id"], dead[0]["id"]);
    assert_eq!(inbox.deliveries().len(), 3);
}

#[tokio::test]
async fn acknowledged_events_come_again_on_request() {
    let inbox = Inbox::start().await;
    let setup = Setup::new(&inbox.url());
    let provider = setup.start().await;
    provider.open_and_pay("order-1", 1000).await;
    assert_eq!(provider.refund("refund-1", "order-1", 10).await.status, 201);
    wait_for_state(&provider, "delivered", 2).await;
    let answer = provider.send(Method::POST, "/v1/redeliver", &json!({"all": true})).await;
    assert_eq!(answer.body, json!({"queued": 2, "left": 0}));
    let deliveries = inbox.wait_for(4).await;
    assert_eq!(ids(&deliveries[2..]), ids(&deliveries[..2]));
    assert_eq!(deliveries[2].body, deliveries[0].body);
    wait_for_state(&provider, "delivered", 2).await;

    let first = provider.get("/v1/events").await.body["items"][0].clone();
    assert_eq!(
        (first["type"].as_str(), first["reference"].as_str()),
        (Some("checkout.paid"), Some("order-1"))
    );
    let rest = provider.get(&format!("/v1/events?after={}", first["id"].as_str().unwrap())).await.body;
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next"]), (1, &json!(null)));
}
