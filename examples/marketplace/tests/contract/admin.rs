//! What the platform's admin sees.

use serde_json::Value;

use crate::shared::{admin, server};

#[test]
fn tenants_are_listed_page_by_page() {
    for slug in ["adm-page-a", "adm-page-b", "adm-page-c"] {
        server().register("buyer", slug);
    }
    let mine = |limit| -> Vec<String> {
        let tenants = admin().all("/api/admin/tenants", limit);
        let slugs: Vec<_> =
            tenants.iter().map(|tenant| tenant["slug"].as_str().unwrap().to_owned()).collect();
        let unique: std::collections::HashSet<_> = slugs.iter().collect();
        assert_eq!(unique.len(), slugs.len(), "one twice: {slugs:?}");
        slugs.into_iter().filter(|slug| slug.starts_with("adm-page-")).collect()
    };
    for limit in [1, 2, 200] {
        assert_eq!(mine(limit), ["adm-page-a", "adm-page-b", "adm-page-c"], "with {limit} a page");
    }
    let tenants = admin().all("/api/admin/tenants", 200);
    let one = tenants.iter().find(|tenant| tenant["slug"] == "adm-page-a").unwrap();
    assert_eq!((&one["kind"], &one["status"]), (&Value::from("buyer"), &Value::from("active")));
}

#[test]
fn the_audit_trail_tells_who_did_what() {
    let seller = server().register("seller", "adm-audit");
    admin().act("/api/admin/tenants/adm-audit/suspend").expect(200);
    admin().act("/api/admin/tenants/adm-audit/reactivate").expect(200);
    let me = admin().get("/api/me").expect(200);
    let by_admin = format!("user:{}", me["user"]["id"].as_str().unwrap());
    let seller_id = {
        let again = server().login("adm-audit", &seller.email, &seller.password);
        again.get("/api/me").expect(200)["tenant"]["id"].as_str().unwrap().to_owned()
    };
    let entries = crate::support::wait_until("the trail", crate::support::PATIENCE, || {
        let entries = admin().all("/api/admin/audit", 200);
        let told = entries.iter().filter(|entry| {
            entry["action"] == "tenant.status" && entry["target"].as_str().unwrap().contains(&seller_id)
        });
        let told: Vec<_> = told.cloned().collect();
        (told.len() == 2).then_some(told)
    });
    assert!(entries.iter().all(|entry| entry["actor"] == by_admin.as_str()), "{entries:?}");
    assert_eq!(entries[1]["detail"]["status"], "suspended", "the newest first: {entries:?}");
    for time in entries.iter().map(|entry| entry["at"].as_str().unwrap()) {
        assert!(time.parse::<jiff::Timestamp>().is_ok(), "{time}");
    }
    let text = Value::from(admin().all("/api/admin/audit", 200)).to_string();
    assert!(!text.contains(&seller.password) && !text.contains("argon2"), "a secret in the trail");
    let place: Vec<_> =
        admin().all("/api/admin/audit", 7).iter().map(|entry| entry["seq"].as_u64()).collect();
    assert!(place.is_sorted_by(|newer, older| newer > older), "{place:?}");
    assert_eq!(place.last(), Some(&Some(1)), "without gaps to the first");
}

#[test]
fn others_may_not_use_the_admins_routes() {
    let server = server();
    let platform = server.platform();
    for path in ["/api/admin/tenants", "/api/admin/audit", "/api/admin/ledger"] {
        platform.get(path).refused(401, "unauthenticated");
        admin().get(path).expect(200);
    }
}
