use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use uuid::Uuid;

/// One way of leaking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// A note is read by id alone.
    MissingFilter,
    /// Another tenant's note is refused in other words than one that isn't there.
    Forbidden,
    /// A note is written by id alone, and the answer says it isn't there.
    BlindWrite,
    /// The host isn't compared with the token.
    BelievesHost,
    /// `X-Tenant` names the tenant.
    BelievesHeader,
    /// `X-Forwarded-Host` names the tenant.
    BelievesForwarded,
    /// `tenant_id` in the body names the tenant.
    BelievesMember,
    /// The cursor names the tenant.
    Cursor,
    /// Idempotency keys are everybody's.
    Key,
    /// The entity tag is compared before the owner.
    EntityTag,
    /// The method in a header is looked at before the owner.
    MethodOverride,
    /// Ids in another form are looked up by another path.
    Undashed,
    /// Only the first of several ids is checked.
    OnlyFirst,
    /// Slugs are unique over all tenants.
    UniqueSlug,
    /// A refusal quotes the note.
    ErrorText,
    /// One answer is kept for everybody.
    Cache,
    /// Answers are kept by address.
    CacheByAddress,
    /// The current tenant is kept where the next request overwrites it.
    CurrentTenant,
    /// A reminder is made without its tenant.
    Job,
}

impl Flaw {
    pub(crate) const ALL: [Self; 19] = [
        Self::MissingFilter,
        Self::Forbidden,
        Self::BlindWrite,
        Self::BelievesHost,
        Self::BelievesHeader,
        Self::BelievesForwarded,
        Self::BelievesMember,
        Self::Cursor,
        Self::Key,
        Self::EntityTag,
        Self::MethodOverride,
        Self::Undashed,
        Self::OnlyFirst,
        Self::UniqueSlug,
        Self::ErrorText,
        Self::Cache,
        Self::CacheByAddress,
        Self::CurrentTenant,
        Self::Job,
    ];
}

#[derive(Debug, Clone)]
struct Note {
    tenant: String,
    title: String,
    slug: String,
    is_archived: bool,
}

#[derive(Debug, Default)]
struct State {
    notes: BTreeMap<Uuid, Note>,
    paid: BTreeMap<String, Value>,
    mails: Vec<(String, String)>,
    kept: BTreeMap<String, Value>,
    current: String,
}

/// Notes of several tenants, in memory.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    flaw: Option<Flaw>,
    state: Arc<Mutex<State>>,
}

struct Asked<'a> {
    method: &'a str,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    body: Value,
}

type Answer = (u16, Vec<(&'static str, String)>, Value);

fn says(status: u16, code: &str) -> Answer {
    (status, vec![], json!({ "code": code, "request_id": Uuid::now_v7().to_string() }))
}

fn ok(body: Value) -> Answer {
    (200, vec![], body)
}

impl Asked<'_> {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    fn query(&self, name: &str) -> Option<String> {
        let query = self.uri.query().unwrap_or_default();
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.into_iter().find(|(known, _)| *known == name).map(|(_, value)| value.replace("%7E", "~"))
    }
}

impl Service {
    pub(crate) fn new(flaw: Option<Flaw>) -> Self {
        let mut state = State::default();
        for tenant in ["acme", "bolt"] {
            for number in 0..4 {
                let note = Note {
                    tenant: tenant.to_owned(),
                    title: format!("{tenant}'s secret plan {number}"),
                    slug: format!("{tenant}-slug-{number}"),
                    is_archived: false,
                };
                state.notes.insert(Uuid::now_v7(), note);
            }
        }
        Self { flaw, state: Arc::new(Mutex::new(state)) }
    }

    pub(crate) fn notes_of(&self, tenant: &str) -> Vec<(Uuid, String)> {
        let state = self.state.lock().unwrap();
        let own = state.notes.iter().filter(|(_, note)| note.tenant == tenant);
        own.map(|(id, note)| (*id, note.slug.clone())).collect()
    }

    pub(crate) fn mails(&self) -> Vec<(String, String)> {
        self.state.lock().unwrap().mails.clone()
    }

    pub(crate) fn axum(&self) -> axum::Router {
        let service = self.clone();
        axum::Router::new().fallback(move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            let service = service.clone();
            async move {
                let (status, headers, body) = service.answer(method.as_str(), &uri, &headers, &body).await;
                let mut response: Response =
                    (StatusCode::from_u16(status).unwrap(), body.to_string()).into_response();
                for (name, value) in headers {
                    response.headers_mut().insert(name, value.parse().unwrap());
                }
                response
            }
        })
    }

    pub(crate) fn actix(
        &self,
    ) -> actix_web::App<
        impl actix_web::dev::ServiceFactory<
            actix_web::dev::ServiceRequest,
            Config = (),
            Response = actix_web::dev::ServiceResponse,
            Error = actix_web::Error,
            InitError = (),
        > + use<>,
    > {
        let service = self.clone();
        let answer = move |request: actix_web::HttpRequest, body: Bytes| {
            let service = service.clone();
            async move {
                let uri: Uri = request.uri().to_string().parse().unwrap();
                let headers: HeaderMap = request
                    .headers()
                    .iter()
                    .map(|(name, value)| {
                        let name: http::HeaderName = name.as_str().parse().unwrap();
                        (name, http::HeaderValue::from_bytes(value.as_bytes()).unwrap())
                    })
                    .collect();
                let (status, headers, body) =
                    service.answer(request.method().as_str(), &uri, &headers, &body).await;
                let status = actix_web::http::StatusCode::from_u16(status).unwrap();
                let mut response = actix_web::HttpResponse::build(status);
                for header in headers {
                    response.insert_header(header);
                }
                response.body(body.to_string())
            }
        };
        actix_web::App::new().default_service(actix_web::web::to(answer))
    }

    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    async fn answer(&self, method: &str, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Answer {
        let body = serde_json::from_slice(body).unwrap_or(Value::Null);
        let asked = Asked { method, uri, headers, body };
        let host = asked.header("host").split('.').next().unwrap_or_default().to_owned();
        let forwarded = asked.header("x-forwarded-host").split('.').next().unwrap_or_default().to_owned();
        let Some(token) = asked.header("authorization").strip_prefix("Bearer ") else {
            return says(401, "signed_out");
        };
        let is_known = |name: &str| ["acme", "bolt"].contains(&name);
        let tenant = match asked.header("x-tenant") {
            name if self.has(Flaw::BelievesHeader) && is_known(name) => name,
            _ if self.has(Flaw::BelievesForwarded) && is_known(&forwarded) => &forwarded,
            _ if token != host && !self.has(Flaw::BelievesHost) => return says(403, "other_tenant"),
            _ => token,
        };
        if !is_known(tenant) {
            return says(401, "unknown_token");
        }
        if self.has(Flaw::CurrentTenant) {
            tenant.clone_into(&mut self.state.lock().unwrap().current);
            tokio::time::sleep(Duration::from_millis(1)).await;
            let current = self.state.lock().unwrap().current.clone();
            return self.routed(&asked, &current);
        }
        self.routed(&asked, tenant)
    }

    fn routed(&self, asked: &Asked<'_>, tenant: &str) -> Answer {
        let mut state = self.state.lock().unwrap();
        let path: Vec<&str> = asked.uri.path().split('/').skip(1).collect();
        match (asked.method, path.as_slice()) {
            ("GET", ["me"]) => self.me(&mut state, asked, tenant),
            ("GET", ["notes"]) => self.list(&state, asked, tenant),
            ("POST", ["notes"]) => self.create(&mut state, asked, tenant),
            ("POST", ["pay"]) => self.pay(&mut state, asked, tenant),
            ("POST", ["archive"]) => self.archive(&mut state, asked, tenant),
            ("POST", ["remind"]) => self.remind(&mut state, asked, tenant),
            (method, ["notes", id]) => self.note(&mut state, asked, tenant, method, id),
            _ => says(404, "no_route"),
        }
    }

    fn me(&self, state: &mut State, asked: &Asked<'_>, tenant: &str) -> Answer {
        let fresh = json!({ "tenant": tenant.len(), "first": state.notes.values().find(|note| note.tenant == tenant).map(|note| &note.title), "name": tenant.chars().next().map(String::from) });
        let key = match self.flaw {
            Some(Flaw::Cache) => "me".to_owned(),
            Some(Flaw::CacheByAddress) => {
                let plain = json!({ "name": tenant });
                let address = asked.uri.to_string();
                return ok(state.kept.entry(address).or_insert(plain).clone());
            }
            _ => return ok(fresh),
        };
        ok(state.kept.entry(key).or_insert(fresh).clone())
    }

    fn list(&self, state: &State, asked: &Asked<'_>, tenant: &str) -> Answer {
        let cursor = asked.query("cursor").unwrap_or_default();
        let (of, after) = cursor.split_once('~').unwrap_or((tenant, &cursor));
        let of = if self.has(Flaw::Cursor) { of } else { tenant };
        let after = after.parse::<Uuid>().unwrap_or(Uuid::nil());
        let own = state.notes.iter().filter(|(id, note)| note.tenant == of && **id > after);
        let page: Vec<_> = own.take(2).collect();
        let next = page.last().map(|(id, _)| format!("{of}~{id}"));
        let items: Vec<Value> = page.iter().map(|(id, note)| shown(**id, note)).collect();
        ok(json!({ "items": items, "next": next }))
    }

    fn create(&self, state: &mut State, asked: &Asked<'_>, tenant: &str) -> Answer {
        let (Some(title), Some(slug)) = (asked.body["title"].as_str(), asked.body["slug"].as_str()) else {
            return says(422, "invalid");
        };
        let named = asked.body["tenant_id"].as_str().filter(|_| self.has(Flaw::BelievesMember));
        let tenant = named.unwrap_or(tenant).to_owned();
        let is_taken =
            |note: &Note| note.slug == slug && (note.tenant == tenant || self.has(Flaw::UniqueSlug));
        if state.notes.values().any(is_taken) {
            return says(409, "taken");
        }
        let (id, title, slug) = (Uuid::now_v7(), title.to_owned(), slug.to_owned());
        let note = Note { tenant, title, slug, is_archived: false };
        let answer = (201, vec![], shown(id, &note));
        state.notes.insert(id, note);
        answer
    }

    fn pay(&self, state: &mut State, asked: &Asked<'_>, tenant: &str) -> Answer {
        let key = asked.header("idempotency-key");
        let key = if self.has(Flaw::Key) { key.to_owned() } else { format!("{tenant}/{key}") };
        let fresh = json!({ "payment": Uuid::now_v7().to_string(), "cents": asked.body["cents"] });
        ok(state.paid.entry(key).or_insert(fresh).clone())
    }

    fn archive(&self, state: &mut State, asked: &Asked<'_>, tenant: &str) -> Answer {
        let ids = asked.body["notes"].as_array().cloned().unwrap_or_default();
        let mut archived = 0;
        for (place, id) in ids.iter().enumerate() {
            let id = id.as_str().and_then(|id| id.parse::<Uuid>().ok()).unwrap_or_default();
            let is_checked = place == 0 || !self.has(Flaw::OnlyFirst);
            match state.notes.get_mut(&id) {
                Some(note) if note.tenant == tenant || !is_checked => {
                    note.is_archived = true;
                    archived += 1;
                }
                _ => {}
            }
        }
        if archived == 0 { says(404, "absent") } else { ok(json!({ "archived": archived })) }
    }

    fn remind(&self, state: &mut State, asked: &Asked<'_>, tenant: &str) -> Answer {
        let id = asked.body["note"].as_str().and_then(|id| id.parse::<Uuid>().ok()).unwrap_or_default();
        match state.notes.get(&id) {
            Some(note) if note.tenant == tenant => {
                let text = note.title.clone();
                let to = if self.has(Flaw::Job) { "bolt" } else { tenant };
                state.mails.push((to.to_owned(), text));
                (202, vec![], json!({}))
            }
            _ => says(404, "absent"),
        }
    }

    fn note(&self, state: &mut State, asked: &Asked<'_>, tenant: &str, method: &str, id: &str) -> Answer {
        let Ok(id) = id.parse::<Uuid>().map_err(drop).and_then(|parsed| {
            if parsed.to_string() == id || self.has(Flaw::Undashed) { Ok(parsed) } else { Err(()) }
        }) else {
            return says(404, "absent");
        };
        let is_undashed = !asked.uri.path().contains('-');
        let tag = format!("\"{:x}\"", id.as_u128() % 1_000_003);
        let Some(note) = state.notes.get(&id).cloned() else { return says(404, "absent") };
        let is_own = note.tenant == tenant;
        if self.has(Flaw::EntityTag) && asked.header("if-none-match") == tag {
            return (304, vec![], Value::Null);
        }
        if self.has(Flaw::MethodOverride) && !asked.header("x-http-method-override").is_empty() {
            return says(405, "another_method");
        }
        match method {
            _ if is_own => {}
            "GET" if self.has(Flaw::MissingFilter) => {}
            "GET" if self.has(Flaw::Undashed) && is_undashed => {}
            "GET" if self.has(Flaw::Forbidden) => return says(403, "not_yours"),
            "PUT" if self.has(Flaw::BlindWrite) => {
                state.notes.get_mut(&id).unwrap().title = "overwritten".to_owned();
                return says(404, "absent");
            }
            "PUT" if self.has(Flaw::ErrorText) => {
                return says(404, &format!("no rights on {:?}", note.title));
            }
            _ => return says(404, "absent"),
        }
        match method {
            "GET" => (200, vec![("etag", tag)], shown(id, &note)),
            "PUT" => match asked.body["title"].as_str() {
                Some(title) => {
                    state.notes.get_mut(&id).unwrap().title = title.to_owned();
                    ok(json!({ "id": id.to_string() }))
                }
                None => says(422, "invalid"),
            },
            "DELETE" => {
                state.notes.remove(&id);
                (204, vec![], Value::Null)
            }
            _ => says(405, "method"),
        }
    }
}

fn shown(id: Uuid, note: &Note) -> Value {
    json!({ "id": id.to_string(), "title": note.title, "slug": note.slug, "archived": note.is_archived })
}
