//! What axum can be given without a declaration, and what comes of it.

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::body::Body;
    use axum::extract::{FromRequestParts, Request};
    use axum::http::request::Parts;
    use axum::response::Response;
    use axum::routing::{self, MethodFilter};
    use tenantry::http::axum::{Guarded, Methods, Routes, any, get, on, post};
    use tenantry::http::{Access, Principal, Problem, Public, Require, RequireOn, RouteFault, Tenant};
    use tower::{Service, ServiceExt as _, service_fn};

    use crate::gate::World;
    use crate::gate::handlers::{Forgotten, ListingRead, ListingWrite};

    const READ: Access = Access::permission::<ListingRead>();
    const WRITE: Access = Access::permission::<ListingWrite>();
    const WRITE_ON: Access = Access::permission_on::<ListingWrite>();

    /// Counts how often what was never to be reached was reached.
    #[derive(Clone, Default)]
    struct Reached(Arc<AtomicUsize>);

    impl Reached {
        fn handler(
            &self,
        ) -> impl Fn() -> std::future::Ready<&'static str> + Clone + Send + Sync + use<> + 'static {
            let reached = self.clone();
            move || {
                reached.0.fetch_add(1, Ordering::Relaxed);
                std::future::ready("reached")
            }
        }

        fn times(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    /// The status and the code of an answer.
    async fn ask<S>(service: &S, method: &str, path: &str, token: Option<&str>) -> (u16, String)
    where
        S: Service<Request, Response = Response, Error = std::convert::Infallible> + Clone,
    {
        let mut request = Request::builder().method(method).uri(path).header("host", "a.localhost");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let answer = service.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        let gated = answer.headers().contains_key("x-request-id");
        let body = axum::body::to_bytes(answer.into_body(), 10_000).await.unwrap();
        let document: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        let code = document["code"].as_str().unwrap_or_default().to_owned();
        assert!(gated || code == "no_gate" || status == 200, "{method} {path} {status} {code}");
        (status, code)
    }

    async fn behind(world: &World, routes: Routes) -> Guarded {
        let _ = world.gate.tenantry();
        routes.behind(&world.gate).unwrap()
    }

    async fn list(_: Require<ListingRead>) -> &'static str {
        "listings"
    }

    async fn change(_: Require<ListingWrite>) -> &'static str {
        "changed"
    }

    async fn change_one(_: RequireOn<ListingWrite>) -> &'static str {
        "changed one"
    }

    async fn me(who: Principal) -> String {
        who.caller().id().to_string()
    }

    async fn alive(_: Public) -> &'static str {
        "alive"
    }

    #[tokio::test]
    async fn a_service_with_a_route_that_declares_nothing_does_not_start() {
        let world = World::new().await;
        let reached = Reached::default();
        let plain = || Methods::<()>::plain(routing::get(reached.handler()));
        let nested = Routes::new().route("/", plain()).route("/deep", plain());
        let merged = Routes::new().route("/merged", plain().declared(Access::Public)).route("/late", plain());
        let routes = Routes::new()
            .route("/listings", get(list))
            .route("/plain", plain())
            .nest("/api", Routes::new().nest("/v1", nested))
            .merge(merged);
        let refused = routes.behind(&world.gate).unwrap_err();
        let undeclared = |path: &str| RouteFault::Undeclared { method: "*".into(), path: path.into() };
        assert_eq!(refused.faults, ["/plain", "/api/v1", "/api/v1/deep", "/late"].map(undeclared));
        let text = refused.to_string();
        assert!(
            text.starts_with("the routes aren't guarded: * /plain declares nothing: let its handler"),
            "{text}"
        );
        assert_eq!(reached.times(), 0);
    }

    #[tokio::test]
    async fn nor_does_one_that_contradicts_itself_or_asks_for_what_nobody_has() {
        let world = World::new().await;
        async fn forgotten(_: Require<Forgotten>) {}
        let faults = |routes: Routes| routes.behind(&world.gate).unwrap_err().faults;
        let (method, path) = (|| "GET".to_owned(), || "/x".to_owned());
        let contradicted = |declared, handler| {
            vec![RouteFault::Contradicted { method: method(), path: path(), declared, handler }]
        };
        let at = |methods: Methods| Routes::new().route("/x", methods);
        assert_eq!(faults(at(get(list).declared(WRITE))), contradicted(WRITE, READ));
        assert_eq!(faults(at(get(list).declared(Access::Member))), contradicted(Access::Member, READ));
        assert_eq!(faults(at(get(list).declared(Access::Public))), contradicted(Access::Public, READ));
        assert_eq!(
            faults(at(get(me).declared(Access::Public))),
            contradicted(Access::Public, Access::Member)
        );
        assert_eq!(faults(at(get(alive).declared(READ))), contradicted(READ, Access::Public));
        assert_eq!(faults(at(get(change_one).declared(READ))), contradicted(READ, WRITE_ON));
        assert_eq!(
            faults(at(get(change_one).declared(Access::Member))),
            contradicted(Access::Member, WRITE_ON)
        );
        assert_eq!(
            faults(at(get(change_one).declared(Access::Public))),
            contradicted(Access::Public, WRITE_ON)
        );
        assert_eq!(faults(at(get(change).declared(WRITE_ON))), contradicted(WRITE_ON, WRITE));
        let unknown = RouteFault::UnknownPermission { method: method(), path: path(), key: "forgotten:one" };
        assert_eq!(faults(at(get(forgotten))), [unknown]);
        let twice = || RouteFault::Twice { method: method(), path: path() };
        assert_eq!(faults(at(get(list)).route("/x", get(alive))), [twice()]);
        assert_eq!(faults(at(get(list).get(alive))), [twice()]);
        for declared in [WRITE, WRITE_ON] {
            assert!(at(get(change_one).declared(declared)).behind(&world.gate).is_ok());
        }
        assert!(at(get(me).declared(WRITE)).behind(&world.gate).is_ok());
        let unchecked = RouteFault::Unchecked { method: method(), path: path(), key: "listing:write" };
        assert_eq!(faults(at(get(me).declared(WRITE_ON))), [unchecked]);
        assert!(at(get(list).declared(READ)).route("/y", get(me).declared(READ)).behind(&world.gate).is_ok());
    }

    #[tokio::test]
    async fn what_lets_in_for_a_resource_has_to_be_seen_to_check_it() {
        let world = World::new().await;
        let reached = Reached::default();
        let plain = || Methods::<()>::plain(routing::get(reached.handler())).declared(WRITE_ON);
        let below = || Router::new().fallback(reached.handler());
        let routes = Routes::new()
            .route("/plain", plain())
            .nest("/deep", Routes::new().service("/service", WRITE_ON, below()))
            .nest_service("/below", WRITE_ON, below())
            .fallback(change_one);
        let unchecked = |path: &str| RouteFault::Unchecked {
            method: "*".into(),
            path: path.into(),
            key: "listing:write",
        };
        let refused = routes.behind(&world.gate).unwrap_err();
        assert_eq!(refused.faults, ["/plain", "/deep/service", "/below/*"].map(unchecked));
        let refused = world.gate.guard(WRITE_ON, below()).unwrap_err();
        assert_eq!(refused.faults, [unchecked("*")]);
        assert_eq!(reached.times(), 0);
    }

    /// Every way of adding what says nothing of itself, each with a declaration of its own.
    fn unspoken(reached: &Reached) -> Routes {
        let service = || {
            let reached = reached.handler();
            service_fn(move |_: Request| {
                let body = reached();
                async move { Ok::<_, std::convert::Infallible>(Response::new(Body::from(body.await))) }
            })
        };
        let below = Router::new().route("/in", routing::get(reached.handler())).fallback(reached.handler());
        Routes::new()
            .route("/get", Methods::plain(routing::get(reached.handler())).declared(WRITE))
            .route("/any", Methods::plain(routing::any(reached.handler())).declared(WRITE))
            .route(
                "/with-fallback",
                Methods::plain(routing::post(reached.handler()).fallback(reached.handler())).declared(WRITE),
            )
            .service("/service", WRITE, service())
            .nest_service("/below", WRITE, below.clone())
            .nest("/nested", Routes::new().service("/service", WRITE, service()))
            .nest("/nested", Routes::new().nest_service("/below", WRITE, below))
    }

    const UNSPOKEN: [&str; 9] = [
        "/get",
        "/any",
        "/with-fallback",
        "/service",
        "/below",
        "/below/in",
        "/below/elsewhere",
        "/nested/service",
        "/nested/below/in",
    ];

    #[tokio::test]
    async fn what_a_route_declares_is_decided_before_anything_behind_it_runs() {
        let world = World::new().await;
        let reached = Reached::default();
        let service = behind(&world, unspoken(&reached)).await;
        for slow in [true, false, true] {
            world.counters.slow.store(slow, Ordering::Relaxed);
            for path in UNSPOKEN {
                for method in ["GET", "HEAD"] {
                    let before = reached.times();
                    assert_eq!(ask(&service, method, path, None).await.0, 401, "{path}");
                    assert_eq!(ask(&service, method, path, Some("b-owner")).await.0, 403, "{path}");
                    assert_eq!(ask(&service, method, path, Some("a-reader")).await.0, 403, "{path}");
                    assert_eq!(reached.times(), before, "{method} {path}");
                    assert_eq!(ask(&service, method, path, Some("a-owner")).await.0, 200, "{path}");
                    assert_eq!(reached.times(), before + 1, "{method} {path}");
                }
            }
        }
    }

    #[tokio::test]
    async fn a_handler_that_asks_for_something_else_does_not_run() {
        let world = World::new().await;
        let at = |access, methods| Routes::new().route("/x", Methods::plain(methods).declared(access));
        let contradictions = [
            at(READ, routing::get(change)),
            at(READ, routing::get(change_one)),
            at(Access::Member, routing::get(change_one)),
            at(Access::Public, routing::get(change_one)),
            at(Access::Member, routing::get(list)),
            at(Access::Member, routing::get(alive)),
            at(Access::Public, routing::get(me)),
            at(Access::Public, routing::get(list)),
            Routes::new().nest_service("/x", READ, Router::new().route("/", routing::get(change))),
        ];
        for routes in contradictions {
            let service = behind(&world, routes).await;
            let answer = ask(&service, "GET", "/x", Some("a-owner")).await;
            assert_eq!(answer, (500, "route_contradicted".to_owned()));
        }
        for routes in [
            at(READ, routing::get(list)),
            at(READ, routing::get(me)),
            at(WRITE, routing::get(change_one)),
            at(Access::Public, routing::get(alive)),
        ] {
            let service = behind(&world, routes).await;
            assert_eq!(ask(&service, "GET", "/x", Some("a-owner")).await.0, 200);
        }
    }

    /// Where the route isn't to be known of.
    struct Elsewhere;

    impl<S: Send + Sync> FromRequestParts<S> for Elsewhere {
        type Rejection = Problem;

        async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Problem> {
            Err(Problem::not_found())
        }
    }

    #[tokio::test]
    async fn an_extractor_before_the_one_that_declares_hides_a_route() {
        let world = World::new().await;
        async fn hidden(_: Elsewhere, _: Require<ListingWrite>) {}
        let routes = Routes::new().route("/x", get(hidden)).route("/y", get(hidden).declared(WRITE));
        let service = behind(&world, routes).await;
        for token in [None, Some("a-reader"), Some("a-owner")] {
            assert_eq!(ask(&service, "GET", "/x", token).await, (404, "not_found".to_owned()), "{token:?}");
        }
        assert_eq!(ask(&service, "GET", "/y", None).await.0, 401);
    }

    #[tokio::test]
    async fn each_method_is_decided_by_its_own_declaration() {
        let world = World::new().await;
        async fn own(_: Public, tenant: Tenant) -> String {
            format!("nothing at {}", tenant.tenant().slug)
        }
        let routes = Routes::new()
            .route("/x", get(list).post(change))
            .route("/x", on(MethodFilter::PUT.or(MethodFilter::PATCH), change))
            .route("/any", any(me))
            .route("/x/{id}", get(change_one).put(change_one))
            .fallback(own);
        let service = behind(&world, routes).await;
        let reader = Some("a-reader");
        for (method, path, status) in [
            ("GET", "/x", 200),
            ("HEAD", "/x", 200),
            ("POST", "/x", 403),
            ("PUT", "/x", 403),
            ("PATCH", "/x", 403),
            ("DELETE", "/x", 405),
            ("DELETE", "/any", 200),
            ("PUT", "/x/1", 403),
            ("GET", "/elsewhere", 200),
        ] {
            assert_eq!(ask(&service, method, path, reader).await.0, status, "{method} {path}");
        }
        assert_eq!(ask(&service, "DELETE", "/any", None).await.0, 401);
        let table = service.table();
        assert_eq!((table.access("PATCH", "/x"), table.access("DELETE", "/x")), (Some(WRITE), None));
        assert_eq!(
            table.to_string(),
            "*      *        public\n\
             *      /any     member\n\
             GET    /x       listing:read               Read listings.\n\
             PATCH  /x       listing:write              Change listings.\n\
             POST   /x       listing:write              Change listings.\n\
             PUT    /x       listing:write              Change listings.\n\
             GET    /x/{id}  listing:write on resource  Change listings.\n\
             PUT    /x/{id}  listing:write on resource  Change listings.\n"
        );
    }

    #[tokio::test]
    async fn what_stands_outside_the_gate_learns_of_nobody() {
        let world = World::new().await;
        let guarded = behind(&world, Routes::new().route("/me", get(me)).route("/x", post(change))).await;
        let outside = Router::new()
            .route("/late/alive", routing::get(alive))
            .route("/late/me", routing::get(me))
            .route("/late/listings", routing::get(list))
            .route("/late/tenant", routing::get(|_: Tenant| async { "reached" }))
            .fallback_service(guarded);
        for path in ["/late/alive", "/late/me", "/late/listings", "/late/tenant"] {
            let answer = ask(&outside, "GET", path, Some("a-owner")).await;
            assert_eq!(answer, (500, "no_gate".to_owned()), "{path}");
        }
        assert_eq!(ask(&outside, "GET", "/me", Some("a-owner")).await.0, 200);
        assert_eq!(ask(&outside, "GET", "/x", None).await.1, "method_not_allowed");
        assert_eq!(ask(&outside, "GET", "/nowhere", None).await.1, "not_found");
    }

    #[tokio::test]
    async fn a_service_of_tower_has_one_declaration() {
        let world = World::new().await;
        let reached = Reached::default();
        let router = Router::new().fallback(reached.handler());
        let service = world.gate.guard(WRITE, router.clone()).unwrap();
        assert_eq!(ask(&service, "GET", "/", None).await.0, 401);
        assert_eq!(ask(&service, "GET", "/", Some("a-reader")).await.0, 403);
        assert_eq!(reached.times(), 0);
        assert_eq!(ask(&service, "GET", "/", Some("a-owner")).await.0, 200);
        assert_eq!(reached.times(), 1);
        let refused = world.gate.guard(Access::permission::<Forgotten>(), router).unwrap_err();
        assert!(refused.to_string().contains("forgotten:one"), "{refused}");
    }
}
