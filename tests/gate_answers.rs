//! Every situation at the gate, alone and together with the next one, answered alike by axum and actix-web.

#[cfg(test)]
mod gate;

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;
    use std::time::Duration;

    use tenantry::Epochs;

    use super::gate::{
        Answer, Ask, BODY_LIMIT, GOOD, Row, Says, Server, SwitchedCounters, World, ask, keyed, me, table,
        write,
    };

    fn check(server: &Server, row: &Row) -> Answer {
        let answer = row.ask.send(server.address);
        let context = format!("{}, {}: {:?}", server.name, row.when, row.ask);
        assert_eq!((answer.status, &*answer.code()), (row.status, row.code), "{context}: {}", answer.text());
        assert_eq!(answer.errors(), row.errors, "{context}");
        assert!(answer.field("x-request-id").is_some(), "{context}");
        let counted = matches!(row.says, Says::Counted | Says::RetryCounted);
        assert_eq!(answer.field("ratelimit-policy").is_some(), counted, "{context}");
        assert_eq!(answer.field("ratelimit").is_some(), counted, "{context}");
        let retry = row.says == Says::RetryCounted;
        assert_eq!(answer.field("retry-after").is_some(), retry, "{context}");
        let challenge = answer.field("www-authenticate").is_some_and(|field| field.starts_with("Bearer"));
        assert_eq!(challenge, row.says == Says::Challenge, "{context}");
        if row.status >= 400 {
            assert_eq!(answer.field("content-type"), Some("application/problem+json"), "{context}");
            assert_eq!(answer.document()["status"], row.status, "{context}");
        }
        answer
    }

    #[tokio::test]
    async fn both_frameworks_give_the_same_answers_cold_and_warm() {
        let world = World::new().await;
        let servers = Server::both(&world);
        for round in ["cold", "warm"] {
            for row in table() {
                let [axum, actix] = servers.each_ref().map(|server| check(server, &row));
                assert_eq!(axum.comparable(), actix.comparable(), "{round}, {}", row.when);
            }
        }
        world.counters.slow.store(true, Ordering::Relaxed);
        for row in table() {
            let [axum, actix] = servers.each_ref().map(|server| check(server, &row));
            assert_eq!(axum.comparable(), actix.comparable(), "waiting for counters, {}", row.when);
        }
    }

    #[tokio::test]
    async fn two_host_fields_are_no_host() {
        let world = World::new().await;
        let twice = ask("GET", "/public").at("a.localhost").at("a.localhost");
        let mixed = ask("GET", "/public").at("a.localhost").at("b.localhost");
        let none = ask("GET", "/public");
        for server in Server::both(&world) {
            for ask in [&twice, &mixed, &none] {
                let answer = ask.send(server.address);
                assert!(matches!(answer.status, 400 | 404), "{}: {ask:?}: {answer:?}", server.name);
                if answer.status == 404 {
                    assert_eq!(answer.code(), "tenant_unknown");
                }
            }
        }
        assert_eq!(world.gate.remembered().0, 0);
    }

    #[tokio::test]
    async fn what_is_not_found_is_one_document() {
        let world = World::new().await;
        for server in Server::both(&world) {
            let absent = keyed("a", "a-owner", "absent").send(server.address);
            let nowhere = ask("GET", "/nowhere").at("b.localhost").send(server.address);
            assert_eq!(absent.text(), nowhere.text());
        }
    }

    #[tokio::test]
    async fn a_request_is_counted_once_and_only_behind_the_tenant_check() {
        let world = World::new().await;
        for (server, spent) in Server::both(&world).iter().zip([0, 2]) {
            let left = |ask: Ask| ask.send(server.address).field("ratelimit").map(ToOwned::to_owned);
            for refused in [me("a", "nonsense"), me("a", "b-owner"), ask("GET", "/public").at("a.localhost")]
            {
                assert_eq!(left(refused), None);
            }
            assert_eq!(left(write("a", "a-owner").announced(BODY_LIMIT + 1)), None);
            let twice = ask("GET", "/twice").at("a.localhost").token("a-reader");
            let answer = twice.send(server.address);
            assert_eq!(answer.text(), "true true");
            let expected = |spent: u32| Some(format!("\"default\";r={};t=3600", 999 - spent));
            assert_eq!(answer.field("ratelimit").map(ToOwned::to_owned), expected(spent), "{}", server.name);
            assert_eq!(answer.field("ratelimit-policy"), Some("\"default\";q=1000;w=3600"));
            assert_eq!(left(write("a", "a-reader")), expected(spent + 1), "forbidden counts");
        }
    }

    #[tokio::test]
    async fn a_refusal_by_rate_says_when_to_come_again() {
        let world = World::new().await;
        for server in Server::both(&world) {
            let answer = me("spent", "spent-owner").send(server.address);
            assert_eq!(answer.field("ratelimit"), Some("\"default\";r=0;t=3600"));
            assert_eq!(answer.field("retry-after"), Some("3600"));
        }
        world.clock.advance(Duration::from_secs(600));
        for server in Server::both(&world) {
            assert_eq!(me("spent", "spent-owner").send(server.address).field("retry-after"), Some("3000"));
        }
    }

    #[tokio::test]
    async fn sixty_four_at_once_are_fifty() {
        for choice in 0..2 {
            for slow in [false, true] {
                let world = World::new().await;
                world.counters.slow.store(slow, Ordering::Relaxed);
                let servers = Server::both(&world);
                let address = servers[choice].address;
                let threads: Vec<_> = (0..64)
                    .map(|_| std::thread::spawn(move || me("fifty", "fifty-reader").send(address).status))
                    .collect();
                let answers: Vec<u16> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
                let count = |status| answers.iter().filter(|answer| **answer == status).count();
                assert_eq!((count(200), count(429)), (50, 14), "{}", servers[choice].name);
                assert_eq!(world.handled.load(Ordering::Relaxed), 50);
            }
        }
    }

    #[tokio::test]
    async fn counters_that_are_away_are_503_and_nobody_passes() {
        let world = World::new().await;
        let SwitchedCounters { away, slow, .. } = &*world.counters;
        for waiting in [false, true] {
            slow.store(waiting, Ordering::Relaxed);
            for server in Server::both(&world) {
                away.store(true, Ordering::Relaxed);
                let answer = me("a", "a-owner").send(server.address);
                assert_eq!((answer.status, &*answer.code()), (503, "unavailable"), "{}", server.name);
                assert_eq!(me("a", "nonsense").send(server.address).status, 401);
                assert_eq!(me("a", "b-owner").send(server.address).status, 403);
                assert_eq!(me("free", "free-owner").send(server.address).status, 200);
                away.store(false, Ordering::Relaxed);
                assert_eq!(me("a", "a-owner").send(server.address).status, 200);
            }
        }
    }

    #[tokio::test]
    async fn a_store_that_is_away_is_503_for_whoever_was_not_seen_before() {
        let world = World::new().await;
        let servers = Server::both(&world);
        let both = |ask: Ask| {
            let [axum, actix] = servers.each_ref().map(|server| ask.send(server.address));
            assert_eq!(axum.comparable(), actix.comparable());
            axum
        };
        assert_eq!(both(me("b", "b-owner")).status, 200);
        world.store.away.store(true, Ordering::Relaxed);
        let unseen = [
            me("a", "a-owner"),
            me("nobody", "a-owner"),
            me("suspended", "suspended-owner"),
            ask("GET", "/public").at("a.localhost"),
        ];
        for (ask, status) in unseen.into_iter().zip([503; 4]) {
            let answer = both(ask.clone());
            assert_eq!(answer.status, status, "{ask:?}");
            assert_eq!((&*answer.code(), answer.field("retry-after")), ("unavailable", Some("1")));
            assert_eq!(answer.field("ratelimit"), None);
        }
        assert_eq!(both(me("b", "b-owner")).status, 200, "seen before");
        assert_eq!(both(me("b", "nonsense")).status, 401, "the host was seen before");
        world.store.away.store(false, Ordering::Relaxed);
        assert_eq!(both(me("a", "a-owner")).status, 200);
    }

    #[tokio::test]
    async fn a_process_that_cannot_hear_what_others_changed_is_503_for_everybody() {
        let world = World::new().await;
        let servers = Server::both(&world);
        let both = |ask: Ask| {
            let [axum, actix] = servers.each_ref().map(|server| ask.send(server.address));
            assert_eq!(axum.comparable(), actix.comparable());
            axum
        };
        let public = || ask("GET", "/public").at("b.localhost");
        assert_eq!([both(me("b", "b-owner")).status, both(public()).status], [200; 2], "both are remembered");
        world.store.pause(Epochs::STALE_AFTER - Duration::from_millis(1));
        assert_eq!([both(me("b", "b-owner")).status, both(public()).status], [200; 2], "not yet");
        world.store.pause(Duration::from_millis(1));
        let everybody = [
            me("b", "b-owner"),
            public(),
            me("a", "a-owner"),
            ask("GET", "/public").at("a.localhost"),
            me("b", "nonsense"),
            me("a", "b-owner"),
            me("suspended", "suspended-owner"),
            me("nobody", "a-owner"),
            me("spent", "spent-owner"),
            write("a", "a-reader").json("{"),
            write("b", "b-owner").announced(BODY_LIMIT + 1),
        ];
        for ask in everybody {
            let answer = both(ask.clone());
            assert_eq!((answer.status, &*answer.code()), (503, "unavailable"), "{ask:?}");
            assert_eq!(answer.field("content-type"), Some("application/problem+json"), "{ask:?}");
            assert_eq!(
                (answer.field("retry-after"), answer.field("ratelimit")),
                (Some("1"), None),
                "{ask:?}"
            );
        }
        world.store.poll();
        assert_eq!([both(me("b", "b-owner")).status, both(public()).status], [200; 2]);
        assert_eq!(both(me("a", "b-owner")).code(), "tenant_mismatch");
    }

    #[tokio::test]
    async fn a_change_of_another_process_shows_with_the_poll() {
        let world = World::new().await;
        let servers = Server::both(&world);
        let both = |ask: Ask| servers.each_ref().map(|server| ask.send(server.address).status);
        let public = || ask("GET", "/public").at("a.localhost");
        assert_eq!([both(me("a", "a-owner")), both(public()), both(me("b", "b-owner"))], [[200, 200]; 3]);
        let asked = world.tokens.asked();
        world.store.elsewhere.store(true, Ordering::Relaxed);
        world.suspend("a").await;
        assert_eq!([both(me("a", "a-owner")), both(public())], [[200, 200]; 2], "not heard of yet");
        world.store.pause(Duration::from_secs(60));
        assert_eq!([both(me("a", "a-owner")), both(public())], [[503, 503]; 2], "woken, and not polled yet");
        world.store.poll();
        assert_eq!([both(me("a", "a-owner")), both(public())], [[403, 403]; 2]);
        assert_eq!(both(me("b", "b-owner")), [200, 200]);
        assert_eq!(world.tokens.asked() - asked, 2, "b is still remembered");
    }

    #[tokio::test]
    async fn request_ids_are_taken_over_when_they_are_sane() {
        let world = World::new().await;
        for server in Server::both(&world) {
            let id = |name: &str| {
                let answer = ask("GET", "/id").at("x").field("X-Request-Id", name).send(server.address);
                assert_eq!(answer.field("x-request-id"), Some(answer.text()));
                answer.text().to_owned()
            };
            assert_eq!(id("build-7.a_B"), "build-7.a_B");
            for insane in ["a b", "a/b", &"a".repeat(65), "<script>"] {
                assert_eq!(id(insane).len(), 36, "{insane}");
            }
            let twice = ask("GET", "/id").at("x").field("X-Request-Id", "a").field("X-Request-Id", "b");
            assert_eq!(twice.send(server.address).text().len(), 36);
            let address = ask("GET", "/address").at("x").field("X-Forwarded-For", "192.0.2.1");
            assert_eq!(address.send(server.address).text(), "127.0.0.1");
        }
    }

    #[tokio::test]
    async fn axum_refuses_handlers_that_look_before_they_check() {
        let world = World::new().await;
        let [axum, _] = Server::both(&world);
        let answer = me("a", "a-owner").to("/misordered").send(axum.address);
        assert_eq!((answer.status, &*answer.code()), (500, "misordered"));
    }

    #[tokio::test]
    async fn actix_never_takes_a_refusal_for_an_anonymous_caller() {
        let world = World::new().await;
        let [_, actix] = Server::both(&world);
        for target in ["/optional", "/attempted"] {
            for slow in [false, true] {
                world.counters.slow.store(slow, Ordering::Relaxed);
                let before = world.handled.load(Ordering::Relaxed);
                let refused = [
                    (ask("GET", target).at("a.localhost"), 401),
                    (me("a", "nonsense").to(target), 401),
                    (me("a", "b-owner").to(target), 403),
                    (me("suspended", "suspended-owner").to(target), 403),
                    (me("spent", "spent-owner").to(target), 429),
                    (me("nobody", "a-owner").to(target), 404),
                ];
                for (ask, status) in refused {
                    let answer = ask.send(actix.address);
                    assert_eq!(answer.status, status, "{ask:?}");
                    assert!(answer.field("x-request-id").is_some());
                }
                assert_eq!(world.handled.load(Ordering::Relaxed), before, "no handler ran");
                assert_eq!(me("a", "a-owner").to(target).send(actix.address).status, 200);
                assert_eq!(world.handled.load(Ordering::Relaxed), before + 1);
            }
        }
    }

    #[tokio::test]
    async fn actix_checks_before_it_looks_whatever_the_order() {
        let world = World::new().await;
        let [_, actix] = Server::both(&world);
        for slow in [false, true] {
            world.counters.slow.store(slow, Ordering::Relaxed);
            let backwards = |token| ask("POST", "/backwards").at("a.localhost").token(token);
            assert_eq!(backwards("nonsense").json("{").send(actix.address).status, 401);
            assert_eq!(backwards("a-reader").json("{").send(actix.address).status, 403);
            assert_eq!(backwards("a-owner").json("{").send(actix.address).status, 400);
            assert_eq!(backwards("a-owner").json(GOOD).send(actix.address).status, 200);
        }
    }
}
