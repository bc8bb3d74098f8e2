//! The served OpenAPI document says what the server answers: a purchase and the usual refusals are driven, and every
//! answer is looked up in the document and checked against its schema.

#[cfg(test)]
#[path = "../support/mod.rs"]
pub(crate) mod support;

#[cfg(test)]
pub(crate) mod document;
#[cfg(test)]
pub(crate) mod drive;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use serde_json::json;
    use tenantry::http::Access;

    use crate::document::Document;
    use crate::drive::drive;
    use crate::support::{Options, Server};

    #[test]
    fn every_answer_is_documented_and_fits_its_schema() {
        let server = Server::start(Options::new().flag("--buyer-rate", "200"));
        let document = Document::new(server.platform().get("/openapi.json").expect(200));
        assert!(document.version().starts_with("3.1"), "OpenAPI {}", document.version());
        let replies = drive(&server);
        let (mut kinds, mut bodies, mut wrong) = (BTreeSet::new(), 0, BTreeSet::new());
        for reply in &replies {
            match document.check(reply) {
                Ok((kind, has_body)) => {
                    kinds.insert(kind);
                    bodies += u32::from(has_body);
                }
                Err(said) => drop(wrong.insert(said)),
            }
        }
        let operations: BTreeSet<_> = kinds.iter().map(|kind| (&kind.method, &kind.path)).collect();
        println!(
            "{} answers, {} kinds of answer from {} of {} operations, {bodies} bodies fit their schemas",
            replies.len(),
            kinds.len(),
            operations.len(),
            document.operations().len()
        );
        let wrong: Vec<_> = wrong.into_iter().collect();
        assert!(wrong.is_empty(), "{} are wrong:\n{}", wrong.len(), wrong.join("\n"));
        let missing: Vec<_> = document
            .operations()
            .into_iter()
            .filter(|(method, path)| !operations.contains(&(method, path)))
            .collect();
        assert!(missing.is_empty(), "never driven: {missing:?}");
    }

    #[test]
    fn the_documented_routes_are_the_documents() {
        let server = Server::start(Options::new());
        let document = Document::new(server.platform().get("/openapi.json").expect(200));
        let listed: BTreeSet<_> = marketplace::documented_routes().into_iter().collect();
        assert_eq!(listed, document.operations());
        println!("{} operations", listed.len());
        for (method, path) in &listed {
            let path = path.replace("{slug}", "x").replace("{id}", "x");
            let reply = server.platform().request(method, &path).send();
            assert_ne!(reply.status, 405, "{reply}");
            let is_served = reply.status != 404 || reply.json()["code"] != "not_found";
            assert!(is_served, "documented and not there: {reply}");
        }
    }

    /// To accept a change that was meant: `BLESS=1 cargo test -p marketplace --test openapi`, then read the diff.
    #[test]
    fn the_document_says_who_may_as_it_was_agreed_on() {
        let server = Server::start(Options::new());
        let document = Document::new(server.platform().get("/openapi.json").expect(200));
        let mut said = String::new();
        for (method, path) in document.operations() {
            let operation = document.operation(&method, &path);
            let security = &operation["security"];
            said.push_str(&format!("{method:6} {path:42} {security} {}\n", operation["x-permission"]["on"]));
        }
        let agreed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/openapi/security.txt");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&agreed, &said).unwrap();
        }
        assert_eq!(said, std::fs::read_to_string(&agreed).unwrap_or_default());
    }

    #[test]
    fn each_operation_says_who_may_use_it_as_its_route_does() {
        let server = Server::start(Options::new());
        let document = Document::new(server.platform().get("/openapi.json").expect(200));
        let table = marketplace::route_table().unwrap();
        let mut open = BTreeSet::new();
        for (method, path) in document.operations() {
            let access = table.access(&method, &path).unwrap();
            let (security, permission) = match &access {
                Access::Public => (json!([]), json!(null)),
                Access::Member => (json!([{ "bearer": [] }]), json!(null)),
                Access::Permission(permission) => (
                    json!([{ "bearer": [permission.key()] }]),
                    json!({ "key": permission.key(), "description": permission.description() }),
                ),
                Access::PermissionOn(permission) => (
                    json!([{ "bearer": [permission.key()] }]),
                    json!({
                        "key": permission.key(), "description": permission.description(), "on": "resource",
                    }),
                ),
            };
            let operation = document.operation(&method, &path);
            assert_eq!(operation["security"], security, "{method} {path}");
            assert_eq!(operation["x-permission"], permission, "{method} {path}");
            if access == Access::Public {
                open.insert(path);
            }
        }
        let expected =
            ["/api/auth/login", "/api/auth/register", "/api/payments/events", "/healthz", "/readyz"];
        assert_eq!(open.iter().collect::<Vec<_>>(), expected.iter().collect::<Vec<_>>());
    }
}
