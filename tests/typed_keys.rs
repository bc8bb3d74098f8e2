//! Keys of caches and paths of objects have the tenant in them.

#[cfg(test)]
mod typed_keys {
    use std::sync::Arc;

    use object_store::memory::InMemory;
    use object_store::path::Path;
    use object_store::{ObjectStore as _, ObjectStoreExt as _};
    use tenantry::objects::TenantObjects;
    use tenantry::{
        Caller, Catalog, Founding, Interval, MemoryStore, NewRole, Plan, Plans, Registration, StoredSecret,
        TenantKey, Tenantry,
    };

    async fn shop() -> (Tenantry, Caller, Caller) {
        let plans =
            Plans::builder().plan(Plan::new("any@1".parse().unwrap(), Interval::Month)).build().unwrap();
        let store = Arc::new(MemoryStore::default());
        let app = Tenantry::new(store, Catalog::builder().build().unwrap(), plans);
        let roles = vec![NewRole::owner()];
        app.found(&Founding {
            slug: "market".parse().unwrap(),
            name: "Market".to_owned(),
            kind: "platform".parse().unwrap(),
            plan: "any@1".parse().unwrap(),
            roles: roles.clone(),
            email: "market@example.com".parse().unwrap(),
            user_name: "Root".to_owned(),
            secret: StoredSecret::new("$fake$".to_owned()),
            reach: tenantry::Reach::Here,
        })
        .await
        .unwrap();
        let market = app.resolve(&"market".parse().unwrap()).await.unwrap();
        let mut callers = Vec::new();
        for slug in ["one", "two"] {
            let registration = Registration {
                slug: slug.parse().unwrap(),
                name: slug.to_owned(),
                kind: "party".parse().unwrap(),
                plan: "any@1".parse().unwrap(),
                roles: roles.clone(),
                email: format!("{slug}@example.com").parse().unwrap(),
                user_name: slug.to_owned(),
                secret: StoredSecret::new("$fake$".to_owned()),
                reach: tenantry::Reach::Here,
            };
            let email = registration.email.clone();
            app.register(&market, registration).await.unwrap();
            let tenant = app.resolve(&slug.parse().unwrap()).await.unwrap();
            let user = app.store().user_by_email(tenant.tenant().realm, &email).await.unwrap().unwrap();
            callers.push(app.admit(&tenant, user.realm, user.id).await.unwrap());
        }
        let two = callers.pop().unwrap();
        (app, callers.pop().unwrap(), two)
    }

    #[tokio::test]
    async fn a_cache_keeps_tenants_apart() {
        let (_app, one, two) = shop().await;
        let cache = moka::sync::Cache::new(100);
        cache.insert(TenantKey::of(&one, "figures"), 1);
        assert_eq!(cache.get(&TenantKey::of(one.tenant(), "figures")), Some(1), "whoever acts in the tenant");
        assert_eq!(cache.get(&TenantKey::of(&two, "figures")), None);
    }

    #[tokio::test]
    async fn no_text_of_one_tenants_keys_is_anothers() {
        let (_app, one, two) = shop().await;
        let id = two.tenant().id();
        let forged = TenantKey::of(&one, format!("x:t:{id}:figures")).to_string();
        let real = TenantKey::of(&two, "figures").to_string();
        assert_eq!(real, format!("t:{id}:figures"));
        assert_ne!(forged, real);
        assert!(forged.starts_with(&format!("t:{}:", one.tenant().id())));
    }

    #[tokio::test]
    async fn an_object_is_seen_by_its_tenant_only() {
        let (_app, one, two) = shop().await;
        let store = Arc::new(InMemory::new());
        let objects = TenantObjects::new(store.clone());
        let path = Path::from("plans/q3.pdf");
        objects.of(&one).put(&path, "secret".into()).await.unwrap();
        assert!(objects.of(&one).get(&path).await.is_ok());
        assert!(objects.of(&two).get(&path).await.is_err());
        let listed = objects.of(&two).list_with_delimiter(None).await.unwrap();
        assert!(listed.objects.is_empty() && listed.common_prefixes.is_empty());
        let own = objects.of(&one).list_with_delimiter(Some(&Path::from("plans"))).await.unwrap();
        assert_eq!(own.objects.iter().map(|object| &object.location).collect::<Vec<_>>(), [&path]);
        let stored = Path::from(format!("tenants/{}/plans/q3.pdf", one.tenant().id()));
        assert!(store.get(&stored).await.is_ok());
    }

    #[tokio::test]
    async fn a_path_does_not_lead_out_of_its_tenant() {
        let (_app, one, two) = shop().await;
        let objects = TenantObjects::new(Arc::new(InMemory::new()));
        let path = Path::from("plans/q3.pdf");
        objects.of(&one).put(&path, "secret".into()).await.unwrap();
        let id = one.tenant().id();
        let ways = [
            format!("../{id}/plans/q3.pdf"),
            format!("/tenants/{id}/plans/q3.pdf"),
            format!("..%2f{id}/plans/q3.pdf"),
        ];
        for way in &ways {
            let path = Path::parse(way).unwrap_or_else(|_| Path::from(way.as_str()));
            assert!(objects.of(&two).get(&path).await.is_err(), "{way}");
        }
        let into = Path::from(format!("../{id}/plans/q3.pdf"));
        objects.of(&two).put(&into, "forged".into()).await.unwrap();
        let kept = objects.of(&one).get(&path).await.unwrap().bytes().await.unwrap();
        assert_eq!(kept, "secret".as_bytes());
    }
}
