//! The same routes in both frameworks: listed alike, and answered as they are listed.

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use tenantry::http::{Access, Declares, Principal, Public, Require, RequireOn, RouteTable};

    use crate::gate::World;
    use crate::gate::handlers::{ListingRead, ListingWrite};

    /// Method, path and token; no token where that is empty.
    type Ask = (&'static str, &'static str, &'static str);

    /// What is looked at of an answer.
    #[derive(Debug, Clone, PartialEq, Eq)]
    struct Answer {
        status: u16,
        code: String,
        /// What is left of the rate.
        left: Option<String>,
    }

    impl Answer {
        fn new(status: u16, left: Option<&str>, body: &[u8]) -> Self {
            let document: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
            let code = document["code"].as_str().unwrap_or_default().to_owned();
            Self { status, code, left: left.map(str::to_owned) }
        }
    }

    /// Says that it checks what is loaded, and doesn't.
    #[derive(Debug)]
    struct Pretender;

    impl Declares for Pretender {
        const ACCESS: Access = Access::permission_on::<ListingWrite>();
    }

    /// Asks for a permission besides the one that the route declares, and says nothing of it.
    #[derive(Debug)]
    struct Editor;

    /// What each framework makes of the same words.
    macro_rules! routes {
        () => {
            async fn alive(_: Public) -> &'static str {
                "alive"
            }

            async fn change(_: Require<ListingWrite>) -> &'static str {
                "changed"
            }

            pub(super) fn side_by_side() -> Routes {
                Routes::new()
                    .route("/any-first", any(alive).get(change))
                    .route("/any-last", get(change))
                    .route("/any-last", any(alive))
                    .route("/any-apart", any(alive))
                    .route("/any-apart", get(change))
                    .route("/plain-first", plain().get(change))
                    .route("/plain-last", get(change))
                    .route("/plain-last", plain())
            }

            type Numbers = Query<HashMap<String, u32>>;

            async fn by_id(_: Path<u32>, _: Require<ListingWrite>) -> &'static str {
                "by id"
            }

            async fn on_id(_: Path<u32>, _: RequireOn<ListingWrite>) -> &'static str {
                "on id"
            }

            async fn mine(_: Numbers, _: Principal) -> &'static str {
                "mine"
            }

            pub(super) fn look_first() -> Routes {
                let write = Access::permission::<ListingWrite>();
                Routes::new()
                    .route("/p/{id}", get(by_id).put(on_id).declared(write))
                    .route("/q", get(mine).declared(Access::Member))
            }

            async fn pretend(_: Pretender) -> &'static str {
                "pretended"
            }

            async fn edit(_: Require<ListingRead>, _: Editor) -> &'static str {
                "edited"
            }

            pub(super) fn of_ones_own() -> Routes {
                Routes::new()
                    .route("/pretended", get(pretend).declared(Access::permission_on::<ListingWrite>()))
                    .route("/edited", get(edit))
            }
        };
    }

    mod in_axum {
        use std::collections::HashMap;

        use axum::body::{Body, to_bytes};
        use axum::extract::{FromRequestParts, Path, Query};
        use axum::http::{Request, request::Parts};
        use axum::routing;
        use tenantry::http::Problem;
        use tenantry::http::axum::{Methods, any, get};
        use tower::ServiceExt as _;

        use super::{
            Access, Answer, Ask, Editor, ListingRead, ListingWrite, Pretender, Principal, Public, Require,
            RequireOn, RouteTable, World,
        };

        type Routes = tenantry::http::axum::Routes;

        impl<S: Send + Sync> FromRequestParts<S> for Pretender {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
                Principal::from_request_parts(parts, state).await.map(|_| Self)
            }
        }

        impl<S: Send + Sync> FromRequestParts<S> for Editor {
            type Rejection = Problem;

            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
                Require::<ListingWrite>::from_request_parts(parts, state).await.map(|_| Self)
            }
        }

        fn plain() -> Methods {
            Methods::plain(routing::any(|| async { "plain" })).declared(Access::Public)
        }

        pub(super) async fn ask(
            world: &World,
            routes: fn() -> Routes,
            asks: &[Ask],
        ) -> (RouteTable, Vec<Answer>) {
            let service = routes().behind(&world.gate).unwrap();
            let mut answers = Vec::new();
            for (method, path, token) in asks {
                let mut request = Request::builder().method(*method).uri(*path).header("host", "a.localhost");
                if !token.is_empty() {
                    request = request.header("authorization", format!("Bearer {token}"));
                }
                let request = request.body(Body::empty()).unwrap();
                let (head, body) = service.clone().oneshot(request).await.unwrap().into_parts();
                let left = head.headers.get("ratelimit").map(|left| left.to_str().unwrap());
                let body = to_bytes(body, 10_000).await.unwrap();
                answers.push(Answer::new(head.status.as_u16(), left, &body));
            }
            (service.table().clone(), answers)
        }

        routes!();
    }

    mod in_actix {
        use std::collections::HashMap;
        use std::future::Future;
        use std::pin::Pin;

        use actix_web::body::to_bytes;
        use actix_web::dev::{Payload, Service as _};
        use actix_web::test::{TestRequest, init_service};
        use actix_web::web::{self, Path, Query};
        use actix_web::{App, FromRequest, HttpRequest, http};
        use tenantry::http::Problem;
        use tenantry::http::actix::{Guarded, Methods, Routes, any, get};

        use super::{
            Access, Answer, Ask, Editor, ListingRead, ListingWrite, Pretender, Principal, Public, Require,
            RequireOn, RouteTable, World,
        };

        impl FromRequest for Pretender {
            type Error = Problem;
            type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

            fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
                let caller = Principal::from_request(request, payload);
                Box::pin(async move { caller.await.map(|_| Self) })
            }
        }

        impl FromRequest for Editor {
            type Error = Problem;
            type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

            fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
                let caller = Require::<ListingWrite>::from_request(request, payload);
                Box::pin(async move { caller.await.map(|_| Self) })
            }
        }

        fn plain() -> Methods {
            Methods::plain(web::route().to(|| async { "plain" })).declared(Access::Public)
        }

        pub(super) async fn ask(
            world: &World,
            routes: fn() -> Routes,
            asks: &[Ask],
        ) -> (RouteTable, Vec<Answer>) {
            let guarded = Guarded::behind(&world.gate, routes).unwrap();
            let app = init_service(App::new().wrap(guarded.middleware()).service(guarded.clone())).await;
            let mut answers = Vec::new();
            for (method, path, token) in asks {
                let method = http::Method::from_bytes(method.as_bytes()).unwrap();
                let mut request =
                    TestRequest::with_uri(path).method(method).insert_header(("host", "a.localhost"));
                if !token.is_empty() {
                    request = request.insert_header(("authorization", format!("Bearer {token}")));
                }
                let answer = app.call(request.to_request()).await.unwrap();
                let left = answer.headers().get("ratelimit").map(|left| left.to_str().unwrap().to_owned());
                let status = answer.status().as_u16();
                let body = to_bytes(answer.into_body()).await.unwrap_or_default();
                answers.push(Answer::new(status, left.as_deref(), &body));
            }
            (guarded.table().clone(), answers)
        }

        routes!();
    }

    /// The answers of both, which are the same, with what both list.
    macro_rules! ask_both {
        ($world:expr, $routes:ident, $asks:expr) => {{
            let (table, axum) = in_axum::ask($world, in_axum::$routes, $asks).await;
            let (listed, actix) = in_actix::ask($world, in_actix::$routes, $asks).await;
            assert_eq!(table, listed);
            let said = |answers: &[Answer]| -> Vec<(u16, String)> {
                answers.iter().map(|answer| (answer.status, answer.code.clone())).collect()
            };
            assert_eq!(said(&axum), said(&actix), "{:?}", $asks);
            (table, axum, actix)
        }};
    }

    #[actix_web::test]
    async fn a_method_of_its_own_is_asked_before_what_answers_any() {
        let world = World::new().await;
        let asks = ["/any-first", "/any-last", "/any-apart", "/plain-first", "/plain-last"]
            .into_iter()
            .flat_map(|path| [("GET", path, ""), ("POST", path, "")])
            .collect::<Vec<Ask>>();
        let (table, answers, _) = ask_both!(&world, side_by_side, &asks);
        for ((method, path, _), answer) in asks.iter().zip(answers) {
            let listed = table.access(method, path).or_else(|| table.access("*", path));
            let expected = if listed == Some(Access::Public) { 200 } else { 401 };
            assert_eq!(answer.status, expected, "{method} {path}");
            assert_eq!(answer.status, if *method == "GET" { 401 } else { 200 }, "{method} {path}");
        }
    }

    #[actix_web::test]
    async fn what_a_route_declares_is_decided_before_any_argument_looks_into_the_request() {
        let world = World::new().await;
        for slow in [false, true, false] {
            world.counters.slow.store(slow, Ordering::Relaxed);
            let nobody = [("GET", "/p/x", ""), ("PUT", "/p/x", ""), ("GET", "/q?a=b", "")];
            let (_, answers, _) = ask_both!(&world, look_first, &nobody);
            for (ask, answer) in nobody.iter().zip(answers) {
                assert_eq!((answer.status, &*answer.code), (401, "unauthenticated"), "{ask:?}");
            }
            let reader = ["GET", "PUT"].map(|method| (method, "/p/x", "a-reader"));
            let (_, answers, _) = ask_both!(&world, look_first, &reader);
            assert!(answers.iter().all(|answer| answer.status == 403), "{answers:?}");
            let owner = ["/p/7", "/q?a=1"].map(|path| ("GET", path, "a-owner"));
            let (_, answers, _) = ask_both!(&world, look_first, &owner);
            assert!(answers.iter().all(|answer| answer.status == 200), "{answers:?}");
        }
    }

    #[actix_web::test]
    async fn what_the_gate_has_decided_is_not_asked_again() {
        let asks = ["GET", "PUT", "GET"].map(|method| (method, "/p/7", "a-owner"));
        for (slow, entries) in [(false, 0), (true, 0), (false, 100), (true, 100)] {
            let world = World::with_cache(entries).await;
            world.counters.slow.store(slow, Ordering::Relaxed);
            let (_, axum, actix) = ask_both!(&world, look_first, &asks);
            let left: Vec<_> = axum.into_iter().chain(actix).filter_map(|answer| answer.left).collect();
            let counted = (994..1_000).rev().map(|left| format!("\"default\";r={left};t=3600"));
            assert_eq!(left, counted.collect::<Vec<_>>(), "waiting for counters: {slow}");
            assert_eq!(world.tokens.asked(), if entries == 0 { 6 } else { 1 });
        }
    }

    #[actix_web::test]
    async fn extractors_of_ones_own_ask_for_what_they_declare_and_may_ask_for_more() {
        let world = World::new().await;
        let asks = ["", "a-reader", "a-owner"].map(|token| ("GET", "/edited", token));
        let (_, answers, _) = ask_both!(&world, of_ones_own, &asks);
        assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [401, 403, 200]);
        let asks = ["", "a-reader", "a-owner"].map(|token| ("GET", "/pretended", token));
        let (_, answers, _) = ask_both!(&world, of_ones_own, &asks);
        assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [401, 403, 500]);
        assert_eq!(answers[2].code, "route_contradicted");
    }
}
