//! What the OpenAPI document says once for many routes: who may use them, and the refusals that come before a handler's
//! own.

use axum::routing::MethodFilter;
use serde_json::json;
use tenantry::http::{Access, DeclaredPermission, RouteTable};
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{Operation, Parameter, PathItem};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};

const GUARDED: [(&str, &str); 6] = [
    ("401", "no token, or one that isn't good"),
    ("403", "another tenant's token, a suspended tenant, or a role that may not"),
    ("404", "no tenant has this host"),
    ("413", "the body is longer than 1 MiB"),
    ("429", "over the tenant's rate"),
    ("503", "the store is away"),
];
const WITH_BODY: [(&str, &str); 3] =
    [("400", "the body is no JSON"), ("413", "the body is longer than 1 MiB"), ("503", "the store is away")];
const WRONG_FIELDS: (&str, &str) = ("422", "fields are wrong: see `errors`");

/// Says of each route who may use it, as its declaration does: `security` asks for a token or for nothing, with the
/// permission as its scope (OpenAPI 3.1, §4.8.30), and `x-permission` says what it allows, and that it is asked for on what
/// the request names, where it is.
pub(crate) fn say_who_may(document: &mut OpenApi, table: &RouteTable) {
    each_operation(document, |method, path, operation| {
        let access = table.access(method, path);
        let scopes = access.iter().filter_map(Access::asked).map(DeclaredPermission::key);
        operation.security = Some(match access {
            Some(Access::Public) => vec![],
            _ => vec![SecurityRequirement::new("bearer", scopes)],
        });
        operation.extensions = access.as_ref().and_then(Access::asked).map(|permission| {
            let mut said = json!({ "key": permission.key(), "description": permission.description() });
            if let (Some(Access::PermissionOn(_)), Some(said)) = (&access, said.as_object_mut()) {
                said.insert("on".to_owned(), "resource".into());
            }
            ExtensionsBuilder::new().add("x-permission", said).build()
        });
    });
}

/// Adds to each route the refusals that it shares with others, where it doesn't say them itself.
pub(crate) fn add_shared_refusals(document: &mut OpenApi, table: &RouteTable) {
    each_operation(document, |method, path, operation| {
        let is_guarded = table.access(method, path) != Some(Access::Public);
        let has_body = operation.request_body.is_some();
        if is_guarded {
            GUARDED.into_iter().for_each(|refusal| add(operation, refusal));
        }
        if has_body {
            WITH_BODY.into_iter().for_each(|refusal| add(operation, refusal));
        }
        if is_guarded && (has_body || is_paged(operation)) {
            add(operation, WRONG_FIELDS);
        }
    });
}

fn each_operation(document: &mut OpenApi, mut change: impl FnMut(&str, &str, &mut Operation)) {
    for (path, item) in &mut document.paths.paths {
        let PathItem { get, put, post, patch, delete, .. } = item;
        let operations = [("GET", get), ("PUT", put), ("POST", post), ("PATCH", patch), ("DELETE", delete)];
        for (method, operation) in operations {
            if let Some(operation) = operation {
                change(method, path, operation);
            }
        }
    }
}

/// The operations of a path, by method.
pub(crate) fn operations(item: &PathItem) -> impl Iterator<Item = (MethodFilter, &Operation)> {
    let operations = [
        (MethodFilter::GET, &item.get),
        (MethodFilter::PUT, &item.put),
        (MethodFilter::POST, &item.post),
        (MethodFilter::PATCH, &item.patch),
        (MethodFilter::DELETE, &item.delete),
    ];
    operations.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}

fn is_paged(operation: &Operation) -> bool {
    let is_limit =
        |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(parameter) if parameter.name == "limit");
    operation.parameters.iter().flatten().any(is_limit)
}

fn add(operation: &mut Operation, (status, description): (&str, &str)) {
    let refusal = || RefOr::T(refusal(description));
    operation.responses.responses.entry(status.to_owned()).or_insert_with(refusal);
}

fn refusal(description: &str) -> Response {
    let schema = ContentBuilder::new().schema(Some(Ref::from_schema_name("Refusal"))).build();
    ResponseBuilder::new().description(description).content("application/problem+json", schema).build()
}
