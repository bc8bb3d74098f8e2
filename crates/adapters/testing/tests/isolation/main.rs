//! A small service with a switch for each way of leaking: mended, a walk over it is clean and says what it compared;
//! with any leak, the walk names it.

#[cfg(test)]
mod service;

#[cfg(test)]
mod walks {
    use serde_json::json;
    use tenantry_testing::{
        App, Caller, Effect, Exception, Form, Leak, Place, Report, Route, Tenant, Unproved, Walk, WalkError,
    };

    use crate::service::{Flaw, Service};

    fn routes() -> [Route; 9] {
        [
            Route::get("/notes").query("cursor", "{cursor}").query("limit", "2"),
            Route::get("/notes/{note}"),
            Route::get("/me"),
            Route::post("/notes").json(json!({ "title": "{mark}", "slug": "{new:slug}" })),
            Route::post("/pay")
                .header("Idempotency-Key", "{new:idempotency-key}")
                .json(json!({ "cents": 5 })),
            Route::put("/notes/{note}").json(json!({ "title": "{mark}" })),
            Route::post("/archive").json(json!({ "notes": ["{note}"] })),
            Route::post("/remind").json(json!({ "note": "{note}" })),
            Route::delete("/notes/{note}"),
        ]
    }

    fn tenants(service: &Service) -> [Tenant; 2] {
        ["acme", "bolt"].map(|name| {
            let tenant =
                Tenant::new(name).host(format!("{name}.localhost")).mark(format!("{name}'s secret plan"));
            service
                .notes_of(name)
                .into_iter()
                .fold(tenant, |tenant, (id, slug)| tenant.has("note", id.to_string()).has("slug", slug))
        })
    }

    fn walk(service: &Service, app: App) -> Walk {
        let outbox = service.clone();
        let [acme, bolt] = tenants(service);
        Walk::of(app)
            .routes(routes())
            .tenant(acme)
            .tenant(bolt)
            .caller(Caller::of("acme").named("ada").bearer("acme"))
            .caller(Caller::of("bolt").named("bob").bearer("bolt"))
            .caller(Caller::nobody())
            .seed(42)
            .probe("mail", move || async move {
                outbox.mails().into_iter().map(|(to, text)| Effect::seen_by(to, text)).collect()
            })
    }

    async fn walked(flaw: Option<Flaw>) -> Report {
        let service = Service::new(flaw);
        walk(&service, App::axum(service.axum())).run().await.unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_service_that_keeps_tenants_apart_is_clean_on_both_frameworks() {
        let report = walked(None).await;
        report.assert_clean();
        assert!(report.pairs() > 500, "{report}");
        assert!(report.routes().iter().all(|route| route.pairs() > 0 && route.owner().is_some()), "{report}");
        let service = Service::new(None);
        let app = service.clone();
        let report = walk(&service, App::actix(move || app.actix())).run().await.unwrap();
        report.assert_clean();
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn every_flaw_is_found_and_named() {
        for flaw in Flaw::ALL {
            println!("{flaw:?}");
            let report = walked(Some(flaw)).await;
            let (leak, route, place) = expected(flaw);
            let named = report.findings().iter().any(|finding| {
                finding.leak() == leak
                    && finding.route() == route
                    && place.as_ref().is_none_or(|place| finding.place() == place)
            });
            assert!(named, "{flaw:?} isn't found as {leak:?} on {route} in {place:?}:\n{report}");
        }
    }

    fn expected(flaw: Flaw) -> (Leak, &'static str, Option<Place>) {
        let path = || Some(Place::Path("note".to_owned()));
        let header = |name: &str| Some(Place::TenantHeader(name.to_owned()));
        match flaw {
            Flaw::MissingFilter => (Leak::Mark, "GET /notes/{note}", path()),
            Flaw::Forbidden => (Leak::Difference, "GET /notes/{note}", path()),
            Flaw::BlindWrite => (Leak::Changed, "GET /notes/{note}", None),
            Flaw::BelievesHost => (Leak::Admitted, "GET /me", None),
            Flaw::BelievesHeader => (Leak::Difference, "GET /me", header("X-Tenant")),
            Flaw::BelievesForwarded => (Leak::Difference, "GET /me", header("X-Forwarded-Host")),
            Flaw::BelievesMember => (Leak::Mark, "GET /notes", Some(Place::Nowhere)),
            Flaw::Cursor => (Leak::Mark, "GET /notes", Some(Place::Query("cursor".to_owned()))),
            Flaw::Key => (Leak::Replayed, "POST /pay", Some(Place::Header("Idempotency-Key".to_owned()))),
            Flaw::EntityTag => (Leak::Difference, "GET /notes/{note}", path()),
            Flaw::MethodOverride => (
                Leak::Difference,
                "GET /notes/{note}",
                Some(Place::Method("X-HTTP-Method-Override".to_owned())),
            ),
            Flaw::Undashed => (Leak::Mark, "GET /notes/{note}", path()),
            Flaw::OnlyFirst => (Leak::Difference, "POST /archive", Some(Place::Body("/notes/0".to_owned()))),
            Flaw::UniqueSlug => (Leak::Difference, "POST /notes", Some(Place::Body("/slug".to_owned()))),
            Flaw::ErrorText => (Leak::Mark, "PUT /notes/{note}", path()),
            Flaw::Cache => (Leak::Mark, "GET /me", None),
            Flaw::CacheByAddress => (Leak::Mixed, "GET /me", Some(Place::Turns)),
            Flaw::CurrentTenant => (Leak::Mixed, "GET /me", Some(Place::Crowd)),
            Flaw::Job => (Leak::Mark, "mail", Some(Place::Probe("mail".to_owned()))),
        }
    }

    #[tokio::test]
    async fn a_finding_says_where_and_shows_the_difference() {
        let report = walked(Some(Flaw::Forbidden)).await;
        let finding = &report.findings()[0];
        assert_eq!((finding.caller(), finding.victim(), finding.form()), ("ada", Some("bolt"), Form::Plain));
        assert!(finding.detail().iter().any(|line| line == "status: 403 | 404"), "{finding}");
        let shown = report.to_string();
        assert!(shown.contains("finding: GET /notes/{note} as ada"), "{shown}");
        assert!(shown.ends_with("problems"), "{shown}");
        assert!(!report.is_clean());
    }

    #[tokio::test]
    async fn what_could_not_be_exercised_is_a_problem_until_it_is_expected() {
        let service = Service::new(None);
        let unreachable = || {
            [
                Route::get("/nowhere/{note}"),
                Route::get("/things/{thing}"),
                Route::post("/notes").json(json!({ "slug": "{note}" })),
            ]
        };
        let [acme, bolt] = tenants(&service);
        let report = Walk::of(App::axum(service.axum()))
            .routes(unreachable())
            .tenant(acme)
            .tenant(bolt)
            .caller(Caller::of("acme").bearer("acme"))
            .caller(Caller::of("bolt").bearer("bolt"))
            .run()
            .await
            .unwrap();
        let reasons: Vec<_> = report.routes().iter().map(|route| route.unproved()[0].clone()).collect();
        assert_eq!(
            reasons,
            [
                Unproved::OwnerNeverSucceeded { status: Some(404) },
                Unproved::OwnerNeverSucceeded { status: Some(404) },
                Unproved::OwnerNeverSucceeded { status: Some(422) },
            ]
        );
        assert!(report.findings().is_empty(), "{report}");
        assert_eq!(report.problems().len(), 3, "{report}");
        let [acme, bolt] = tenants(&service);
        let expected = unreachable().map(|route| route.unproved("it isn't built yet"));
        let walk = Walk::of(App::axum(service.axum())).routes(expected).tenant(acme).tenant(bolt);
        let walk = walk.caller(Caller::of("acme").bearer("acme")).caller(Caller::of("bolt").bearer("bolt"));
        walk.run().await.unwrap().assert_clean();
    }

    #[tokio::test]
    async fn a_walk_that_compares_nothing_is_not_clean() {
        let service = Service::new(None);
        let report = Walk::of(App::axum(service.axum())).run().await.unwrap();
        assert_eq!((report.requests(), report.pairs()), (0, 0));
        assert!(!report.is_clean(), "{report}");
        let [acme, _] = tenants(&service);
        let alone = Walk::of(App::axum(service.axum())).routes(routes()).tenant(acme);
        let report = alone.caller(Caller::of("acme").bearer("acme")).run().await.unwrap();
        assert!(!report.is_clean(), "{report}");
    }

    #[tokio::test]
    async fn an_exception_covers_what_it_names_and_must_be_needed() {
        let service = Service::new(Some(Flaw::Forbidden));
        let told = |route: &str| {
            Exception::on(route, "the names of notes are public").of("note", Vec::<String>::new())
        };
        let report =
            walk(&service, App::axum(service.axum())).except(told("GET /notes/{note}")).run().await.unwrap();
        assert!(report.findings().iter().all(|finding| finding.route() != "GET /notes/{note}"), "{report}");
        let service = Service::new(None);
        let report =
            walk(&service, App::axum(service.axum())).except(told("GET /notes/{note}")).run().await.unwrap();
        assert!(report.findings().is_empty(), "{report}");
        assert!(report.problems().iter().any(|problem| problem.contains("excepted")), "{report}");
    }

    #[tokio::test]
    async fn a_walk_that_cannot_begin_says_why() {
        let service = Service::new(None);
        let stranger = Walk::of(App::axum(service.axum())).caller(Caller::of("nobody knows"));
        assert!(matches!(stranger.run().await, Err(WalkError::UnknownTenant { .. })));
        let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(matches!(Walk::of(App::at(gone)).run().await, Err(WalkError::Unreachable(_))));
    }
}
