//! A served OpenAPI document, and answers held against it.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::support::Reply;

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "patch", "head", "options"];

pub(crate) struct Document(Value);

/// What tells answers apart.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Kind {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) status: u16,
    pub(crate) media: String,
}

impl Document {
    pub(crate) fn new(document: Value) -> Self {
        Self(document)
    }

    pub(crate) fn version(&self) -> &str {
        self.0["openapi"].as_str().unwrap()
    }

    fn paths(&self) -> &Map<String, Value> {
        self.0["paths"].as_object().unwrap()
    }

    /// Every method and path.
    pub(crate) fn operations(&self) -> BTreeSet<(String, String)> {
        let of = |(path, item): (&String, &Value)| -> Vec<(String, String)> {
            let methods = item.as_object().unwrap().keys().filter(|key| METHODS.contains(&key.as_str()));
            methods.map(|method| (method.to_uppercase(), path.clone())).collect()
        };
        self.paths().iter().flat_map(of).collect()
    }

    pub(crate) fn operation(&self, method: &str, path: &str) -> &Value {
        &self.paths()[path][method.to_lowercase()]
    }

    /// The path of the document that an address matches: one with fewer parameters first.
    fn template(&self, address: &str) -> Option<&String> {
        let matches = |template: &&String| {
            let (wanted, found): (Vec<_>, Vec<_>) =
                (template.split('/').collect(), address.split('/').collect());
            wanted.len() == found.len()
                && wanted.iter().zip(&found).all(|(want, found)| want.starts_with('{') || want == found)
        };
        self.paths().keys().filter(matches).min_by_key(|template| template.matches('{').count())
    }

    /// What kind of answer it is, and whether it has a body; or what is missing or wrong in the document.
    pub(crate) fn check(&self, reply: &Reply) -> Result<(Kind, bool), String> {
        let path = self.template(&reply.path).ok_or_else(|| format!("no path for {}", reply.path))?;
        let (method, status) = (reply.method.to_lowercase(), reply.status.to_string());
        let media = reply.header("content-type").split(';').next().unwrap_or_default().trim().to_owned();
        let seen = format!("{} {path} {status} {media}", reply.method);
        let response =
            self.paths()[path].get(&method).and_then(|operation| operation["responses"].get(&status));
        let response = response.ok_or_else(|| format!("{seen}: no such response"))?;
        let kind = Kind { method: reply.method.clone(), path: path.clone(), status: reply.status, media };
        if reply.body.is_empty() {
            let has_content = response.get("content").is_some();
            return if has_content { Err(format!("{seen}: no body")) } else { Ok((kind, false)) };
        }
        let content = response.get("content").and_then(|content| content.get(&kind.media));
        content.ok_or_else(|| format!("{seen}: no such content"))?;
        let escaped =
            |text: &str| text.replace('~', "~0").replace('/', "~1").replace('{', "%7B").replace('}', "%7D");
        let pointer = format!(
            "#/paths/{}/{method}/responses/{status}/content/{}/schema",
            escaped(path),
            escaped(&kind.media)
        );
        let mut schema = self.0.clone();
        schema["$schema"] = Value::from("https://json-schema.org/draft/2020-12/schema");
        schema["$ref"] = Value::from(pointer);
        let validator = jsonschema::validator_for(&schema).map_err(|error| format!("{seen}: {error}"))?;
        let body = reply.json();
        let errors: Vec<_> = validator
            .iter_errors(&body)
            .map(|error| format!("{} at {}", error, error.instance_path()))
            .collect();
        if errors.is_empty() {
            Ok((kind, true))
        } else {
            Err(format!("{seen}: {}: {body}", errors.join("; ")))
        }
    }
}
