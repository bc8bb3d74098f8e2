use serde_json::{Map, Value};
use thiserror::Error;

use super::{Route, Routes};
use crate::client::Body;
use crate::place::Place;

/// Methods of a path item, in the order in which a walk asks.
const METHODS: [&str; 7] = ["get", "head", "put", "patch", "post", "delete", "query"];
/// How deep a schema is followed.
const DEPTH: u8 = 8;

/// Why routes can't be listed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RouteError {
    /// Not an OpenAPI 3 document.
    #[error(
        "this is no OpenAPI 3 document: it has no object `paths`; give the document as the service serves it"
    )]
    NotOpenApi,
    /// There is no such route.
    #[error(
        "there is no route `{route}`: write the method in capitals and the path as the list of routes does"
    )]
    Unknown {
        /// The method and path that were asked for.
        route: String,
    },
}

/// A place that may name something: known once the kinds are.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Guess {
    pub(crate) place: Place,
    pub(crate) name: String,
    /// What to put there if it names nothing; none, if it can be left out.
    pub(crate) sample: Option<Value>,
}

impl Routes {
    /// The routes of an OpenAPI 3 document.
    ///
    /// Bodies are made from their examples or schemas: required members, and optional ones that name something a
    /// tenant has. A member or parameter names something when its name does (`order`, `order_id`, `orderIds`); text
    /// that is free otherwise carries the calling tenant's mark. `cursor`, `after` and the like are cursors, and a
    /// header `Idempotency-Key` gets a new key each time. [`with`](Routes::with) says what a document doesn't.
    ///
    /// # Errors
    /// [`RouteError::NotOpenApi`] when there is no object `paths`.
    pub fn from_openapi(document: &Value) -> Result<Self, RouteError> {
        let paths = document.get("paths").and_then(Value::as_object).ok_or(RouteError::NotOpenApi)?;
        let reader = Reader { document };
        let mut routes = Self::new();
        for (path, item) in paths {
            for method in METHODS {
                if let Some(operation) = item.get(method) {
                    routes = routes.and(reader.route(method, path, item, operation));
                }
            }
        }
        Ok(routes)
    }
}

struct Reader<'a> {
    document: &'a Value,
}

impl<'a> Reader<'a> {
    fn route(&self, method: &str, path: &str, item: &'a Value, operation: &'a Value) -> Route {
        let mut route = Route::new(method, path);
        let parameters = [item, operation].map(|from| from.get("parameters").and_then(Value::as_array));
        for parameter in parameters.into_iter().flatten().flatten() {
            self.parameter(&mut route, self.resolved(parameter));
        }
        let body = operation.get("requestBody").map(|body| self.resolved(body));
        if let Some(content) = body.and_then(|body| body.get("content")).and_then(Value::as_object) {
            self.body(&mut route, content);
        }
        route
    }

    fn parameter(&self, route: &mut Route, parameter: &'a Value) {
        let text = |member| parameter.get(member).and_then(Value::as_str).unwrap_or_default();
        let (name, place) = (text("name"), text("in"));
        let is_required = parameter.get("required").and_then(Value::as_bool).unwrap_or(false);
        let schema = parameter.get("schema").unwrap_or(&Value::Null);
        let sample = is_required.then(|| self.scalar(self.resolved(schema), name));
        match place {
            "header" if name.eq_ignore_ascii_case("idempotency-key") => {
                route.headers.push((name.to_owned(), "{new:idempotency-key}".to_owned()));
            }
            "header" => {
                route.guesses.push(Guess {
                    place: Place::Header(name.to_owned()),
                    name: name.to_owned(),
                    sample,
                });
            }
            "query" => {
                route.guesses.push(Guess {
                    place: Place::Query(name.to_owned()),
                    name: name.to_owned(),
                    sample,
                });
            }
            _ => {}
        }
    }

    fn body(&self, route: &mut Route, content: &'a Map<String, Value>) {
        let json = content.iter().find(|(kind, _)| kind.contains("json"));
        let form = content.iter().find(|(kind, _)| kind.contains("urlencoded"));
        let Some((_, media)) = json.or(form) else { return };
        let body = match example(media) {
            Some(example) => {
                guesses_within(example, "", &mut route.guesses);
                example.clone()
            }
            None => {
                let schema = media.get("schema").unwrap_or(&Value::Null);
                self.sample(schema, "", "", DEPTH, &mut route.guesses)
            }
        };
        route.body = Some(if json.is_some() { Body::Json(body) } else { Body::Form(body) });
    }

    /// A value that fits a schema.
    fn sample(&self, schema: &'a Value, pointer: &str, name: &str, depth: u8, to: &mut Vec<Guess>) -> Value {
        let schema = self.resolved(schema);
        let Some(deeper) = depth.checked_sub(1) else { return Value::Null };
        if let Some(example) = example(schema).filter(|example| example.is_object() || example.is_array()) {
            guesses_within(example, pointer, to);
            return example.clone();
        }
        for choice in ["oneOf", "anyOf"] {
            if let Some(first) = schema.get(choice).and_then(Value::as_array).and_then(|all| all.first()) {
                return self.sample(first, pointer, name, deeper, to);
            }
        }
        if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            let mut whole = Map::new();
            for part in parts {
                if let Value::Object(members) = self.sample(part, pointer, name, deeper, to) {
                    whole.extend(members);
                }
            }
            return Value::Object(whole);
        }
        match type_of(schema) {
            "object" => self.object(schema, pointer, deeper, to),
            "array" => {
                let items = schema.get("items").unwrap_or(&Value::Null);
                Value::Array(vec![self.sample(items, &format!("{pointer}/0"), name, deeper, to)])
            }
            _ => {
                let value = self.scalar(schema, name);
                let guess = Guess {
                    place: Place::Body(pointer.to_owned()),
                    name: name.to_owned(),
                    sample: Some(value.clone()),
                };
                to.push(guess);
                value
            }
        }
    }

    fn object(&self, schema: &'a Value, pointer: &str, depth: u8, to: &mut Vec<Guess>) -> Value {
        let required = schema.get("required").and_then(Value::as_array);
        let is_required = |name: &str| required.is_some_and(|all| all.iter().any(|known| known == name));
        let mut members = Map::new();
        for (name, property) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
            let at = format!("{pointer}/{name}");
            let property = self.resolved(property);
            if is_required(name) {
                members.insert(name.clone(), self.sample(property, &at, name, depth, to));
            } else if !matches!(type_of(property), "object" | "array") {
                to.push(Guess { place: Place::Body(at), name: name.clone(), sample: None });
            }
        }
        Value::Object(members)
    }

    /// A plain value that fits a schema.
    fn scalar(&self, schema: &'a Value, name: &str) -> Value {
        let first_choice = schema.get("enum").and_then(Value::as_array).and_then(|all| all.first());
        let given = [example(schema), schema.get("const"), schema.get("default"), first_choice];
        if let Some(given) = given.into_iter().flatten().find(|given| !given.is_null()) {
            return given.clone();
        }
        match type_of(schema) {
            "integer" | "number" => schema.get("minimum").cloned().unwrap_or(Value::from(1)),
            "boolean" => Value::from(false),
            _ => Value::from(words(schema, name)),
        }
    }

    fn resolved(&self, value: &'a Value) -> &'a Value {
        let mut value = value;
        for _ in 0..DEPTH {
            let target = value.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix('#'));
            match target.and_then(|pointer| self.document.pointer(pointer)) {
                Some(target) => value = target,
                None => break,
            }
        }
        value
    }
}

fn example(of: &Value) -> Option<&Value> {
    let examples = of.get("examples");
    let first = examples.and_then(Value::as_array).and_then(|all| all.first());
    let named = examples.and_then(Value::as_object).and_then(|all| all.values().next());
    of.get("example").or(first).or_else(|| named?.get("value"))
}

fn type_of(schema: &Value) -> &str {
    let named = match schema.get("type") {
        Some(Value::String(name)) => Some(name.as_str()),
        Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).find(|name| *name != "null"),
        _ => None,
    };
    let shape = || if schema.get("properties").is_some() { "object" } else { "string" };
    named.unwrap_or_else(shape)
}

fn words(schema: &Value, name: &str) -> &'static str {
    let is_short = schema.get("maxLength").and_then(Value::as_u64).is_some_and(|most| most < 40);
    match schema.get("format").and_then(Value::as_str).unwrap_or_default() {
        "email" => "somebody@walk.example",
        "uri" | "url" => "https://walk.example/",
        "uuid" => "0198c0de-0000-7000-8000-00000000dead",
        "date" => "2030-01-01",
        "date-time" => "2030-01-01T00:00:00Z",
        "password" => "a long enough password 1",
        _ if name.contains("password") => "a long enough password 1",
        _ if name.contains("email") => "somebody@walk.example",
        _ if is_short || schema.get("pattern").is_some() => "walk",
        _ => "{mark}",
    }
}

fn guesses_within(value: &Value, pointer: &str, to: &mut Vec<Guess>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                guesses_within(member, &format!("{pointer}/{name}"), to);
            }
        }
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                guesses_within(item, &format!("{pointer}/{place}"), to);
            }
        }
        leaf => {
            let name = pointer.rsplit('/').find(|part| part.parse::<usize>().is_err()).unwrap_or_default();
            to.push(Guess {
                place: Place::Body(pointer.to_owned()),
                name: name.to_owned(),
                sample: Some(leaf.clone()),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_becomes_routes_with_bodies_that_name_what_tenants_have() {
        let document = json!({
            "paths": {
                "/orders": {
                    "get": { "parameters": [{ "name": "cursor", "in": "query" }, { "name": "note", "in": "query" }] },
                    "post": {
                        "parameters": [{ "name": "Idempotency-Key", "in": "header", "required": true }],
                        "requestBody": { "content": { "application/json": {
                            "schema": { "$ref": "#/components/schemas/NewOrder" },
                        } } },
                    },
                },
                "/listings": { "post": { "requestBody": { "content": { "application/json": {
                    "example": { "slug": "shop", "price": 5 },
                } } } } },
            },
            "components": { "schemas": { "NewOrder": {
                "type": "object",
                "required": ["listing_id", "count", "remark", "state", "tags"],
                "properties": {
                    "listing_id": { "type": "string", "format": "uuid" },
                    "count": { "type": "integer", "minimum": 2 },
                    "remark": { "type": ["string", "null"] },
                    "state": { "enum": ["open"] },
                    "tags": { "type": "array", "items": { "type": "string" } },
                    "order": { "type": "string" },
                    "colour": { "type": "string" },
                },
            } } },
        });
        let routes = Routes::from_openapi(&document).unwrap();
        let known = ["order", "listing"].map(str::to_owned).into();
        let [list, place, create] = [0, 1, 2].map(|at| {
            let mut all = routes.clone().into_vec();
            all.sort_by_key(|route| (route.path == "/listings", route.method.clone()));
            all[at].bind(&known);
            all[at].clone()
        });
        assert_eq!(list.query, [("cursor".to_owned(), "{cursor}".to_owned())]);
        assert_eq!(place.headers, [("Idempotency-Key".to_owned(), "{new:idempotency-key}".to_owned())]);
        let body = json!({
            "listing_id": "{listing}", "count": 2, "remark": "{mark}", "state": "open", "tags": ["{mark}"],
            "order": "{order}",
        });
        assert_eq!(place.body, Some(Body::Json(body)));
        assert_eq!(create.body, Some(Body::Json(json!({ "slug": "{new:listing}", "price": 5 }))));
        assert_eq!(Routes::from_openapi(&json!({})).unwrap_err(), RouteError::NotOpenApi);
    }
}
