//! Killed at any moment, the provider forgets nothing that it said.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use tokio::sync::mpsc::unbounded_channel;

use crate::inbox::{Delivery, Inbox, Reply};
use crate::program::{Setup, client};

#[tokio::test]
async fn an_unacknowledged_event_comes_again_after_a_kill() {
    let inbox = Inbox::start().await;
    inbox.otherwise(Reply::Silence);
    let setup = Setup::new(&inbox.url());
    let provider = setup.start().await;
    let base = provider.base.clone();
    let checkout = provider.open_and_pay("order-1", 1000).await;
    inbox.wait_for(1).await;
    provider.kill().await;

    inbox.otherwise(Reply::Status(200));
    let provider = setup.start().await;
    assert_eq!(provider.base, base);
    let deliveries = inbox.wait_for(2).await;
    assert_eq!(deliveries[0].id, deliveries[1].id);
    assert_eq!(deliveries[0].body, deliveries[1].body);
    assert!(deliveries[1].is_genuine());
    let kept = provider.get("/v1/checkouts/order-1").await.body;
    assert_eq!((&kept["status"], &kept["checkout_url"]), (&json!("paid"), &checkout["checkout_url"]));
}

#[tokio::test]
async fn payments_and_events_agree_whenever_it_is_killed() {
    const ROUNDS: usize = 6;
    const PAYERS: usize = 12;
    let inbox = Inbox::start().await;
    let setup = Setup::new(&inbox.url());
    let mut answered = BTreeSet::new();
    for round in 0..ROUNDS {
        let provider = setup.start().await;
        let mut urls = Vec::new();
        for payer in 0..PAYERS {
            let reference = format!("order-{round}-{payer}");
            let url = provider.open(&reference, 1000).await["checkout_url"].as_str().unwrap().to_owned();
            urls.push((reference, url));
        }
        let payer = client();
        let (done, mut answers) = unbounded_channel();
        let payments: Vec<_> = urls
            .into_iter()
            .map(|(reference, url)| {
                let (payer, done) = (payer.clone(), done.clone());
                tokio::spawn(async move {
                    let sent = payer.post(url).json(&json!({"outcome": "paid"})).send().await;
                    done.send(()).unwrap();
                    sent.is_ok_and(|answer| answer.status() == 200).then_some(reference)
                })
            })
            .collect();
        for _ in 0..2 * round {
            answers.recv().await.unwrap();
        }
        provider.kill().await;
        for payment in payments {
            answered.extend(payment.await.unwrap());
        }
    }

    let provider = setup.start().await;
    let mut paid = BTreeSet::new();
    for round in 0..ROUNDS {
        for payer in 0..PAYERS {
            let reference = format!("order-{round}-{payer}");
            if provider.get(&format!("/v1/checkouts/{reference}")).await.body["status"] == "paid" {
                paid.insert(reference);
            }
        }
    }
    assert!(!answered.is_empty());
    assert!(answered.is_subset(&paid), "a payment was confirmed and forgotten");
    let told = |deliveries: &[Delivery]| deliveries.iter().map(Delivery::reference).collect::<BTreeSet<_>>();
    let deliveries = inbox.wait_until(|deliveries| told(deliveries).is_superset(&paid)).await;
    assert_eq!(told(&deliveries), paid);
    let mut events = BTreeMap::<String, BTreeSet<String>>::new();
    for delivery in &deliveries {
        events.entry(delivery.reference()).or_default().insert(delivery.id.clone());
    }
    assert!(events.values().all(|ids| ids.len() == 1), "a payment was told of under two ids");
}
