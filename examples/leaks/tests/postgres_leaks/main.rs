//! Each planted leak is found and named; the mended service is clean.

#[cfg(test)]
mod walks {
    use leaks::{Installation, Leak, Planted, walk};
    use tenantry::AuditReport;
    use tenantry::testing::isolation::{Leak as Found, Place, Report};

    fn owner() -> String {
        std::env::var("DATABASE_URL").unwrap_or_else(|_| {
            panic!("DATABASE_URL is missing: `cargo xtask test` sets it to a server of its own")
        })
    }

    /// The rules of the boot audit that refuse to serve a database with this leak.
    fn refused_at_start(leak: Leak) -> &'static [&'static str] {
        match leak {
            Leak::MissingFilter => &["row-security-off", "row-security-not-forced"],
            Leak::DefinerView => &["login-owns", "view-definer"],
            Leak::ForeignKey => &["key-not-led", "foreign-key-not-led"],
            Leak::UniqueKey => &["key-not-led"],
            Leak::CacheKey | Leak::Cursor | Leak::ErrorText | Leak::Job => &[],
        }
    }

    async fn walked(leak: Option<Leak>) -> (AuditReport, Report) {
        let planted: Planted = leak.into_iter().collect();
        let installation = Installation::make(&owner(), &planted).await.unwrap();
        let pool = installation.app().await.unwrap();
        let audit = installation.audit(&pool).await.unwrap();
        let report = walk(pool.clone(), planted).await.unwrap().run().await.unwrap();
        pool.close().await;
        installation.drop().await.unwrap();
        (audit, report)
    }

    /// Every finding has to be of the planted leak: on its route, in its way.
    async fn finds(leak: Leak, found: &[Found], route: &str, place: Option<Place>) {
        let (audit, report) = walked(Some(leak)).await;
        println!("{audit}\n{report}");
        let rules: Vec<&str> = audit.refusals().map(|finding| finding.rule.id()).collect();
        assert_eq!(rules, refused_at_start(leak), "{leak}: {audit}");
        let named = |found: Found| {
            report.findings().iter().any(|finding| {
                let is_there = place.as_ref().is_none_or(|place| finding.place() == place);
                finding.leak() == found && finding.route() == route && is_there
            })
        };
        assert!(found.iter().all(|found| named(*found)), "{leak} isn't named as {found:?} on {route}");
        for caller in ["acme", "bolt"] {
            let victims = report.findings().iter().filter(|finding| finding.caller() == caller);
            let other = if caller == "acme" { "bolt" } else { "acme" };
            assert!(victims.into_iter().all(|finding| finding.victim().is_none_or(|victim| victim == other)));
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn mended_it_is_clean() {
        let (audit, report) = walked(None).await;
        assert!(audit.is_clean(), "{audit}");
        report.assert_clean();
        assert!(report.pairs() > 500 && report.routes().iter().all(|route| route.pairs() > 0), "{report}");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_missing_filter_is_found() {
        let place = Place::Path("comment".to_owned());
        finds(Leak::MissingFilter, &[Found::Mark, Found::Difference], "GET /comments/{comment}", Some(place))
            .await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_definer_view_is_found() {
        finds(Leak::DefinerView, &[Found::Mark], "GET /overview", Some(Place::Nowhere)).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_foreign_key_without_tenant_is_found() {
        let place = Place::Body("/note".to_owned());
        finds(Leak::ForeignKey, &[Found::Difference], "POST /comments", Some(place)).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_cache_key_without_tenant_is_found() {
        finds(Leak::CacheKey, &[Found::Mark], "GET /summary", None).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_cursor_across_tenants_is_found() {
        let place = Place::Query("cursor".to_owned());
        finds(Leak::Cursor, &[Found::Mark], "GET /notes", Some(place)).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_error_text_is_found() {
        let place = Place::Path("note".to_owned());
        finds(Leak::ErrorText, &[Found::Mark, Found::Difference], "PUT /notes/{note}", Some(place)).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_unique_key_without_tenant_is_found() {
        let place = Place::Body("/slug".to_owned());
        finds(Leak::UniqueKey, &[Found::Difference], "POST /notes", Some(place)).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_job_that_lost_its_tenant_is_found() {
        finds(Leak::Job, &[Found::Mark], "mails", Some(Place::Probe("mails".to_owned()))).await;
    }
}
