//! What the OpenAPI document says once for many routes: the refusals that come before a handler's own.

use utoipa::openapi::path::{Operation, Parameter, PathItem};
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

/// Adds to each route the refusals that it shares with others, where it doesn't say them itself.
pub(crate) fn add_shared_refusals(document: &mut OpenApi) {
    for operation in document.paths.paths.values_mut().flat_map(operations) {
        let is_guarded = operation.security.is_none();
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
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.put, &mut item.post, &mut item.delete].into_iter().flatten()
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
