//! What an `App` of actix-web can be given without a declaration, and what comes of it.

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use actix_web::body::{self, MessageBody};
    use actix_web::dev::{Service as _, ServiceResponse};
    use actix_web::test::{TestRequest, init_service};
    use actix_web::web::{self, ServiceConfig};
    use actix_web::{App, guard};
    use tenantry::http::actix::{Guarded, Methods, Routes, any, get, post};
    use tenantry::http::{Access, DeclaredRoute, Principal, Public, Require, RequireOn, RouteFault};

    use crate::gate::World;
    use crate::gate::handlers::{ListingRead, ListingWrite};

    const READ: Access = Access::permission::<ListingRead>();
    const WRITE: Access = Access::permission::<ListingWrite>();
    const WRITE_ON: Access = Access::permission_on::<ListingWrite>();

    type Reached = web::Data<AtomicUsize>;

    async fn reached(times: Reached) -> &'static str {
        times.fetch_add(1, Ordering::Relaxed);
        "reached"
    }

    #[actix_web::get("/by-macro")]
    async fn by_macro(times: Reached) -> &'static str {
        reached(times).await
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

    async fn me(_: Principal) -> &'static str {
        "me"
    }

    async fn alive(_: Public) -> &'static str {
        "alive"
    }

    fn request(path: &str, fields: &[(&str, &str)]) -> TestRequest {
        let request = TestRequest::get().uri(path).insert_header(("host", "a.localhost"));
        fields.iter().fold(request, |request, (name, value)| request.insert_header((*name, *value)))
    }

    /// The status and the code of an answer.
    async fn read<B: MessageBody>(answer: ServiceResponse<B>) -> (u16, String) {
        let status = answer.status().as_u16();
        let body = body::to_bytes(answer.into_body()).await.unwrap_or_default();
        let document: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        (status, document["code"].as_str().unwrap_or_default().to_owned())
    }

    macro_rules! ask {
        ($app:expr, $path:expr, $fields:expr) => {
            read($app.call(request($path, $fields).to_request()).await.unwrap()).await
        };
    }

    const OWNER: (&str, &str) = ("authorization", "Bearer a-owner");
    const READER: (&str, &str) = ("authorization", "Bearer a-reader");
    const LATE: (&str, &str) = ("x-late", "yes");

    fn declared() -> Routes {
        let inside = Routes::new().route("/guarded", get(alive)).guard(guard::Header("x-inside", "yes"));
        Routes::new()
            .route("/me", get(me))
            .route("/listings", get(list).post(change))
            .route("/listings/{slug}", get(list))
            .merge(inside)
    }

    /// A way to add a route past the declared ones, and what asks for it.
    struct Way {
        name: &'static str,
        add: fn(&mut ServiceConfig),
        path: &'static str,
        fields: &'static [(&'static str, &'static str)],
    }

    fn late() -> impl guard::Guard {
        guard::Header("x-late", "yes")
    }

    fn ways() -> Vec<Way> {
        let way = |name, path, add| Way { name, add, path, fields: &[OWNER, LATE] };
        vec![
            way("App::route", "/late", |app| {
                app.route("/late", web::get().to(reached));
            }),
            way("percent-encoded", "/%6Cate", |app| {
                app.route("/late", web::get().to(reached));
            }),
            way("a resource", "/resource", |app| {
                app.service(web::resource("/resource").to(reached));
            }),
            way("a resource with a guard", "/resource", |app| {
                app.service(web::resource("/resource").guard(late()).to(reached));
            }),
            way("a route with a guard", "/late", |app| {
                app.route("/late", web::get().guard(late()).to(reached));
            }),
            way("several patterns", "/two", |app| {
                app.service(web::resource(["/one", "/two"]).to(reached));
            }),
            way("a scope", "/scope/in", |app| {
                app.service(web::scope("/scope").route("/in", web::get().to(reached)));
            }),
            way("a nested scope", "/scope/deep/in", |app| {
                let deep = web::scope("/deep").service(web::resource("/in").to(reached));
                app.service(web::scope("/scope").service(deep));
            }),
            way("a scope with a guard", "/scope/in", |app| {
                app.service(web::scope("/scope").guard(late()).route("/in", web::get().to(reached)));
            }),
            way("configure", "/configured", |app| {
                app.configure(|app| {
                    app.route("/configured", web::get().to(reached));
                });
            }),
            way("a macro", "/by-macro", |app| {
                app.service(by_macro);
            }),
            way("everything", "/whatever/there/is", |app| {
                app.service(web::resource("/{all:.*}").to(reached));
            }),
        ]
    }

    /// Ways to take a path that a declared route has.
    fn usurpers() -> Vec<Way> {
        let way = |name, path, add| Way { name, add, path, fields: &[OWNER, LATE] };
        vec![
            way("the same path", "/me", |app| {
                app.route("/me", web::get().to(reached));
            }),
            way("the same path, with a guard", "/me", |app| {
                app.service(web::resource("/me").guard(late()).to(reached));
            }),
            way("the same path, for a guarded one", "/guarded", |app| {
                app.service(web::resource("/guarded").guard(late()).to(reached));
            }),
            way("a path within a pattern", "/listings/mine", |app| {
                app.route("/listings/mine", web::get().to(reached));
            }),
            way("a scope over it", "/listings/mine", |app| {
                app.service(web::scope("/listings").default_service(web::to(reached)));
            }),
            way("a scope of everything", "/me", |app| {
                app.service(web::scope("").guard(late()).default_service(web::to(reached)));
            }),
            way("everything", "/listings/mine", |app| {
                app.service(web::resource("/{all:.*}").guard(late()).to(reached));
            }),
        ]
    }

    #[actix_web::test]
    async fn what_an_app_has_besides_answers_500_before_it_runs() {
        let world = World::new().await;
        let guarded = Guarded::behind(&world.gate, declared).unwrap();
        let times = Reached::from(Arc::new(AtomicUsize::new(0)));
        for Way { name, add, path, fields } in ways() {
            let app = || App::new().app_data(times.clone()).wrap(guarded.middleware());
            let before = init_service(app().configure(add).service(guarded.clone())).await;
            let after = init_service(app().service(guarded.clone()).configure(add)).await;
            let alone = init_service(app().configure(add)).await;
            let refused = (500, "route_undeclared".to_owned());
            assert_eq!(ask!(before, path, fields), refused, "{name}, before");
            assert_eq!(ask!(after, path, fields), refused, "{name}, after");
            assert_eq!(ask!(alone, path, fields), refused, "{name}, alone");
            assert_eq!(times.load(Ordering::Relaxed), 0, "{name}");
            assert_eq!(ask!(after, "/me", &[OWNER]).0, 200, "{name}");
        }
    }

    #[actix_web::test]
    async fn what_would_take_a_declared_path_never_runs() {
        let world = World::new().await;
        let guarded = Guarded::behind(&world.gate, declared).unwrap();
        let times = Reached::from(Arc::new(AtomicUsize::new(0)));
        for Way { name, add, path, fields } in usurpers() {
            let app = || App::new().app_data(times.clone()).wrap(guarded.middleware());
            let before = init_service(app().configure(add).service(guarded.clone())).await;
            let after = init_service(app().service(guarded.clone()).configure(add)).await;
            for app in [&before, &after] {
                let answer = ask!(app, path, fields);
                assert!([200, 404, 500].contains(&answer.0), "{name}: {answer:?}");
            }
            assert_eq!(times.load(Ordering::Relaxed), 0, "{name}");
            let declared = ask!(after, path, fields).0;
            assert_eq!(declared, if path == "/guarded" { 404 } else { 200 }, "{name}");
        }
    }

    #[actix_web::test]
    async fn default_services_are_never_asked() {
        let world = World::new().await;
        let guarded = Guarded::behind(&world.gate, || declared().fallback(alive)).unwrap();
        let times = Reached::from(Arc::new(AtomicUsize::new(0)));
        let app = App::new().app_data(times.clone()).wrap(guarded.middleware());
        let app =
            app.service(web::scope("/scope").default_service(web::to(reached))).service(guarded.clone());
        let app = init_service(app.default_service(web::to(reached))).await;
        for path in ["/nowhere", "/scope/nowhere", "/guarded", "/", "/me/", "//me"] {
            assert_eq!(ask!(app, path, &[OWNER]).0, 200, "{path}");
        }
        assert_eq!(times.load(Ordering::Relaxed), 0);
    }

    #[actix_web::test]
    async fn routes_without_the_gate_around_them_answer_500() {
        let world = World::new().await;
        let routes = || {
            declared()
                .route("/alive", get(alive))
                .route("/plain", Methods::plain(web::get().to(reached)).declared(Access::Public))
        };
        let guarded = Guarded::behind(&world.gate, routes).unwrap();
        let times = Reached::from(Arc::new(AtomicUsize::new(0)));
        let bare = init_service(App::new().app_data(times.clone()).service(guarded.clone())).await;
        for path in ["/me", "/alive", "/listings", "/plain", "/guarded"] {
            let answer = ask!(bare, path, &[OWNER, ("x-inside", "yes")]);
            assert_eq!(answer, (500, "no_gate".to_owned()), "{path}");
        }
        let scope = web::scope("/v1").guard(late()).service(guarded.clone());
        let app = App::new().app_data(times.clone()).wrap(guarded.middleware()).service(scope);
        let scoped = init_service(app.service(web::resource("/v1/me").to(reached))).await;
        for fields in [&[OWNER, LATE][..], &[OWNER]] {
            let answer = ask!(scoped, "/v1/me", fields);
            assert_eq!(answer, (500, "route_undeclared".to_owned()), "a scope");
        }
        assert_eq!(times.load(Ordering::Relaxed), 0);
    }

    #[actix_web::test]
    async fn guards_choose_a_route_and_its_declaration_with_it() {
        let world = World::new().await;
        let routes = || {
            Routes::new()
                .route("/x", get(change).guard(guard::Header("x-kind", "write")))
                .route("/x", get(list).guard(guard::Header("x-kind", "read")))
                .route("/y", post(change).put(change_one))
                .route("/y", get(list).guard(guard::Header("x-kind", "read")))
                .nest("/deep", Routes::new().route("/x", get(alive)).guard(guard::Header("x-kind", "read")))
        };
        let guarded = Guarded::behind(&world.gate, routes).unwrap();
        let app = App::new().wrap(guarded.middleware()).service(guarded.clone());
        let app = init_service(app).await;
        for (path, kind, status) in [
            ("/x", "read", 200),
            ("/x", "write", 403),
            ("/x", "", 404),
            ("/y", "read", 200),
            ("/y", "", 405),
            ("/deep/x", "read", 200),
            ("/deep/x", "", 404),
        ] {
            assert_eq!(ask!(app, path, &[READER, ("x-kind", kind)]).0, status, "{path} {kind}");
        }
        assert_eq!(
            guarded.table().to_string(),
            "GET   /deep/x  public\n\
             GET   /x       listing:write              Change listings.\n\
             GET   /x       listing:read               Read listings.\n\
             GET   /y       listing:read               Read listings.\n\
             POST  /y       listing:write              Change listings.\n\
             PUT   /y       listing:write on resource  Change listings.\n"
        );
    }

    #[actix_web::test]
    async fn a_plain_route_is_asked_before_what_answers_any_method() {
        let world = World::new().await;
        let plain = || Methods::plain(web::get().to(|| async { "plain" })).declared(WRITE);
        let routes = move || {
            Routes::new()
                .route("/x", any(alive))
                .route("/x", plain())
                .route("/guarded", plain().get(alive).guard(guard::Header("x-inside", "yes")))
        };
        let guarded = Guarded::behind(&world.gate, routes).unwrap();
        let app = init_service(App::new().wrap(guarded.middleware()).service(guarded)).await;
        assert_eq!([ask!(app, "/x", &[]).0, ask!(app, "/x", &[OWNER]).0], [401, 200]);
        let post = request("/x", &[]).method(actix_web::http::Method::POST);
        assert_eq!(app.call(post.to_request()).await.unwrap().status(), 200);
        assert_eq!(ask!(app, "/guarded", &[("x-inside", "yes")]).0, 200);
    }

    #[actix_web::test]
    async fn a_path_has_a_slash_before_it_however_it_is_written() {
        let world = World::new().await;
        let below = || Routes::new().route("", get(list)).route("me", get(me)).route("{slug}", post(change));
        let routes = move || {
            let deep = Routes::new().nest("in", below()).nest("/", Routes::new().route("other", get(me)));
            Routes::new().route("", get(alive)).route("me", get(me)).nest("api", below()).nest("/deep/", deep)
        };
        let guarded = Guarded::behind(&world.gate, routes).unwrap();
        let listed: Vec<_> = guarded.table().iter().map(DeclaredRoute::path).collect();
        let paths = ["/", "/api", "/api/me", "/api/{slug}", "/deep/in", "/deep/in/me", "/deep/in/{slug}"];
        assert_eq!(listed, [&paths[..], &["/deep/other", "/me"]].concat());
        let app = init_service(App::new().wrap(guarded.middleware()).service(guarded)).await;
        for (path, status) in [("/", 200), ("/me", 401), ("/api", 401), ("/api/me", 401), ("/deep/in", 401)] {
            assert_eq!(ask!(app, path, &[]).0, status, "{path}");
            assert_eq!(ask!(app, path, &[OWNER]).0, 200, "{path}");
        }
        for (one, other, path) in [("nos", "/nos", "/nos"), ("", "/", "/"), ("/{a}", "{a}", "/{a}")] {
            let routes = move || Routes::new().route(one, get(alive)).route(other, get(change));
            let twice = RouteFault::Twice { method: "GET".into(), path: path.into() };
            assert_eq!(Guarded::behind(&world.gate, routes).unwrap_err().faults, [twice]);
        }
    }

    #[actix_web::test]
    async fn a_service_with_a_route_that_declares_nothing_does_not_start() {
        let world = World::new().await;
        let routes = || {
            let plain = || Methods::plain(web::get().to(reached));
            let nested = Routes::new().route("/", plain()).route("/deep", plain().guard(late()));
            let on = Methods::plain(web::get().to(reached)).declared(WRITE_ON);
            let routes = Routes::new().route("/plain", plain()).nest("/api", nested).route("/on", on);
            let routes =
                routes.route("/me", get(me).declared(WRITE)).route("/some", get(me).declared(WRITE_ON));
            routes.route("/x", get(list).declared(WRITE)).route("/y", get(change).declared(WRITE_ON))
        };
        let refused = Guarded::behind(&world.gate, routes).unwrap_err();
        let undeclared = |path: &str| RouteFault::Undeclared { method: "*".into(), path: path.into() };
        let unchecked = |method: &str, path: &str| {
            let (method, path) = (method.to_owned(), path.to_owned());
            RouteFault::Unchecked { method, path, key: "listing:write" }
        };
        let contradicted = |path: &str, declared, handler| {
            let (method, path) = ("GET".to_owned(), path.to_owned());
            RouteFault::Contradicted { method, path, declared, handler }
        };
        assert_eq!(refused.faults[..3], ["/plain", "/api", "/api/deep"].map(undeclared));
        let contradictions = [contradicted("/x", WRITE, READ), contradicted("/y", WRITE_ON, WRITE)];
        assert_eq!(refused.faults[3..5], [unchecked("*", "/on"), unchecked("GET", "/some")]);
        assert_eq!(refused.faults[5..], contradictions);
    }

    #[actix_web::test]
    async fn what_a_route_declares_is_decided_before_anything_behind_it_runs() {
        let world = World::new().await;
        let routes = || {
            let plain = |access, route| Methods::plain(route).declared(access);
            Routes::new()
                .route("/plain", plain(WRITE, web::get().to(reached)))
                .route("/any", any(alive))
                .route("/else", plain(READ, web::get().to(change)))
                .route("/less", plain(Access::Public, web::get().to(me)))
                .route("/more", plain(READ, web::get().to(me)))
                .route("/on", plain(WRITE, web::get().to(change_one)))
                .route("/on-else", plain(READ, web::get().to(change_one)))
                .route("/on-less", plain(Access::Member, web::get().to(change_one)))
                .route("/on-both", get(change_one).declared(WRITE_ON))
        };
        let guarded = Guarded::behind(&world.gate, routes).unwrap();
        let times = Reached::from(Arc::new(AtomicUsize::new(0)));
        let app = App::new().app_data(times.clone()).wrap(guarded.middleware()).service(guarded);
        let app = init_service(app).await;
        for slow in [true, false] {
            world.counters.slow.store(slow, Ordering::Relaxed);
            let before = times.load(Ordering::Relaxed);
            assert_eq!(ask!(app, "/plain", &[]).0, 401);
            assert_eq!(ask!(app, "/plain", &[READER]).0, 403);
            assert_eq!(times.load(Ordering::Relaxed), before);
            assert_eq!(ask!(app, "/plain", &[OWNER]).0, 200);
            assert_eq!(times.load(Ordering::Relaxed), before + 1);
            for path in ["/on", "/on-both"] {
                assert_eq!([ask!(app, path, &[READER]).0, ask!(app, path, &[OWNER]).0], [403, 200]);
            }
            for path in ["/else", "/less", "/on-else", "/on-less"] {
                assert_eq!(ask!(app, path, &[OWNER]), (500, "route_contradicted".to_owned()));
            }
            assert_eq!([ask!(app, "/more", &[OWNER]).0, ask!(app, "/any", &[]).0], [200, 200]);
        }
    }
}
