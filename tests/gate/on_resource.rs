//! What a role allows on some things only, or in some requests: alike in both frameworks.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::{Answer, Ask, GOOD, Server, World, ask};

fn asked(token: &str, method: &'static str, target: &str) -> Ask {
    ask(method, target).at("a.localhost").token(token)
}

fn read(token: &str, id: &str) -> Ask {
    asked(token, "GET", &format!("/documents/{id}"))
}

fn edit(token: &str, id: &str) -> Ask {
    asked(token, "PUT", &format!("/documents/{id}")).json(GOOD)
}

fn step(token: &str, step: &str) -> Ask {
    asked(token, "POST", &format!("/documents/1/{step}"))
}

/// The answer of both, which is the same.
fn both(servers: &[Server; 2], ask: &Ask) -> Answer {
    let [axum, actix] = servers.each_ref().map(|server| ask.send(server.address));
    assert_eq!(axum.comparable(), actix.comparable(), "{ask:?}");
    axum
}

fn answer(servers: &[Server; 2], ask: &Ask) -> (u16, String) {
    let answer = both(servers, ask);
    (answer.status, answer.code())
}

#[tokio::test]
async fn what_is_not_seen_is_404_and_what_is_seen_but_not_changed_is_403() {
    let world = World::new().await;
    let servers = Server::both(&world);
    let refused = |status: u16| match status {
        200 => String::new(),
        403 => "forbidden".to_owned(),
        _ => "not_found".to_owned(),
    };
    for round in ["cold", "warm", "waiting for counters"] {
        world.counters.slow.store(round == "waiting for counters", Ordering::Relaxed);
        for (id, reads, edits, why) in [
            ("1", 200, 200, "its own"),
            ("2", 200, 403, "another's, published"),
            ("3", 404, 404, "another's draft"),
            ("4", 200, 403, "its own, and a line denies it"),
            ("5", 200, 403, "its own, and whether a line denies it can't be told"),
            ("6", 404, 404, "whose it is can't be told"),
            ("7", 404, 404, "absent"),
            ("8", 404, 404, "another tenant's"),
            ("x", 404, 404, "no id"),
        ] {
            let read = answer(&servers, &read("a-drafter", id));
            assert_eq!(read, (reads, refused(reads)), "{round}, {why}");
            let edit = answer(&servers, &edit("a-drafter", id));
            assert_eq!(edit, (edits, refused(edits)), "{round}, {why}");
        }
        for id in ["1", "2", "3", "4", "5", "6"] {
            assert_eq!(answer(&servers, &edit("a-owner", id)).0, 200, "{round}, the owner and {id}");
        }
        assert_eq!(answer(&servers, &read("a-owner", "8")).0, 404, "{round}, another tenant's");
    }
}

#[tokio::test]
async fn what_is_hidden_is_answered_like_what_is_absent() {
    let world = World::new().await;
    let servers = Server::both(&world);
    let absent = both(&servers, &read("a-drafter", "7"));
    for hidden in ["3", "6", "8", "x"] {
        assert_eq!(both(&servers, &read("a-drafter", hidden)).comparable(), absent.comparable(), "{hidden}");
        assert_eq!(both(&servers, &edit("a-drafter", hidden)).comparable(), absent.comparable(), "{hidden}");
    }
    let nowhere = both(&servers, &asked("a-drafter", "GET", "/nowhere"));
    assert_eq!(nowhere.text(), absent.text());
}

#[tokio::test]
async fn whoever_may_do_it_to_nothing_is_refused_before_the_body_is_looked_at() {
    let world = World::new().await;
    let servers = Server::both(&world);
    for slow in [false, true] {
        world.counters.slow.store(slow, Ordering::Relaxed);
        for nobody in ["a-barred", "a-reader"] {
            for id in ["1", "7", "x"] {
                let torn = asked(nobody, "PUT", &format!("/documents/{id}")).json("{");
                assert_eq!(answer(&servers, &torn), (403, "forbidden".to_owned()), "{nobody} {id}");
            }
        }
        assert_eq!(answer(&servers, &read("a-barred", "3")).0, 200, "a line denies it to change, not to see");
        assert_eq!(answer(&servers, &read("a-reader", "2")).0, 403);
        assert_eq!(answer(&servers, &asked("a-drafter", "PUT", "/documents/7").json("{")).0, 400);
        assert_eq!(answer(&servers, &read("nonsense", "1")).0, 401);
        assert_eq!(answer(&servers, &read("b-owner", "1")).1, "tenant_mismatch");
    }
}

#[tokio::test]
async fn a_demotion_between_two_requests_shows_with_the_second() {
    let world = World::new().await;
    let servers = Server::both(&world);
    assert_eq!(
        [answer(&servers, &edit("a-drafter", "1")).0, answer(&servers, &edit("a-drafter", "1")).0],
        [200; 2]
    );
    world.demote_drafter().await;
    assert_eq!(answer(&servers, &edit("a-drafter", "1")), (403, "forbidden".to_owned()));
    assert_eq!(answer(&servers, &read("a-drafter", "2")), (403, "forbidden".to_owned()));
    assert_eq!(answer(&servers, &asked("a-drafter", "GET", "/me")).0, 200, "still a member");
}

#[tokio::test]
async fn the_second_factor_and_its_age_are_the_tokens() {
    let world = World::new().await;
    let servers = Server::both(&world);
    for round in ["cold", "warm"] {
        assert_eq!(answer(&servers, &step("a-drafter-mfa", "sign")).0, 200, "{round}");
        assert_eq!(answer(&servers, &step("a-drafter", "sign")), (403, "forbidden".to_owned()), "{round}");
    }
    world.clock.advance(Duration::from_secs(300));
    assert_eq!(answer(&servers, &step("a-drafter-mfa", "sign")).0, 200, "15 minutes old, to the second");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(answer(&servers, &step("a-drafter-mfa", "sign")).0, 403);
    assert_eq!(answer(&servers, &step("a-owner", "sign")).0, 200, "without a condition");
}

#[tokio::test]
async fn the_address_is_the_connections_and_the_time_is_the_stores() {
    let world = World::new().await;
    let servers = Server::both(&world);
    let spoken = step("a-drafter-mfa", "sign").field("X-Forwarded-For", "192.0.2.1");
    assert_eq!(answer(&servers, &spoken.field("Forwarded", "for=192.0.2.1")).0, 200);
    let print = step("a-drafter", "print").field("Date", "Tue, 14 Nov 2023 00:00:00 GMT");
    assert_eq!(answer(&servers, &print).0, 200, "22:13");
    world.clock.advance(Duration::from_secs(399));
    assert_eq!(answer(&servers, &print).0, 200, "22:19:59");
    world.clock.advance(Duration::from_secs(1));
    assert_eq!(answer(&servers, &print), (403, "forbidden".to_owned()), "22:20");
}

#[tokio::test]
async fn an_attribute_that_the_application_reads_is_asked_for_and_unknown_where_it_is_not() {
    let world = World::new().await;
    let servers = Server::both(&world);
    let from = |region: &str| step("a-drafter", "send").field("X-Region", region);
    assert_eq!(answer(&servers, &from("eu")).0, 200);
    for unmet in
        [from("us"), from("eu").field("X-Region", "eu"), step("a-drafter", "send"), from(&"e".repeat(1_001))]
    {
        assert_eq!(answer(&servers, &unmet), (403, "forbidden".to_owned()), "{unmet:?}");
    }
}

#[tokio::test]
async fn a_list_keeps_what_each_may_see() {
    let world = World::new().await;
    let servers = Server::both(&world);
    for (token, listed) in [("a-drafter", "1 2 4 5"), ("a-owner", "1 2 3 4 5 6"), ("a-barred", "1 2 3 4 5 6")]
    {
        let answer = both(&servers, &asked(token, "GET", "/documents"));
        assert_eq!((answer.status, answer.text()), (200, listed), "{token}");
        for id in ["1", "2", "3", "4", "5", "6"] {
            let is_read = both(&servers, &read(token, id)).status == 200;
            assert_eq!(is_read, listed.contains(id), "{token} {id}");
        }
    }
    assert_eq!(answer(&servers, &asked("a-reader", "GET", "/documents")).0, 403);
}

#[tokio::test]
async fn no_framework_lets_a_handler_pass_it_by() {
    let world = World::new().await;
    let [axum, actix] = Server::both(&world);
    let looks_first = asked("a-drafter", "GET", "/misordered-on").send(axum.address);
    assert_eq!((looks_first.status, &*looks_first.code()), (500, "misordered"));
    for token in ["a-reader", "nonsense", "b-owner"] {
        let refused = asked(token, "GET", "/attempted-on").send(actix.address);
        assert!([401, 403].contains(&refused.status), "{token}: {refused:?}");
    }
    assert_eq!(world.handled.load(Ordering::Relaxed), 0, "no handler ran");
    assert_eq!(asked("a-owner", "GET", "/attempted-on").send(actix.address).status, 200);
}
