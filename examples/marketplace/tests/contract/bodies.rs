//! How long a body may be.

use std::io::Write as _;

use serde_json::json;

use crate::shared::server;
use crate::support::{Site, listing};

const LIMIT: usize = 1024 * 1024;

fn padded(body: &str, length: usize) -> Vec<u8> {
    let mut padded = body.as_bytes().to_vec();
    padded.resize(length, b' ');
    padded
}

/// Chunks that say nothing of the whole, without an end.
fn endless(site: &Site, path: &str, body: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\
         Connection: close\r\n",
        site.host()
    )
    .into_bytes();
    if let Some(token) = site.bearer() {
        write!(request, "Authorization: Bearer {token}\r\n").unwrap();
    }
    request.extend_from_slice(b"\r\n");
    for part in body.chunks(64 * 1024) {
        write!(request, "{:x}\r\n", part.len()).unwrap();
        request.extend_from_slice(part);
        request.extend_from_slice(b"\r\n");
    }
    request
}

#[test]
fn a_body_of_1_mib_is_read() {
    let member = server().register("seller", "body-full");
    let sign_in = json!({ "email": member.email, "password": member.password }).to_string();
    let login = |body: Vec<u8>| {
        let request = member.signed_out().request("POST", "/api/auth/login");
        request.header("content-type", "application/json").bytes(body).send()
    };
    login(padded(&sign_in, LIMIT)).expect(200);
    let create = member.request("POST", "/api/platform/create").header("content-type", "application/json");
    let body = padded(&listing("body-full", 100).to_string(), LIMIT);
    create.chunked(std::io::Cursor::new(body)).send().expect(201);
}

#[test]
fn a_longer_one_is_refused_before_it_is_read() {
    let member = server().register("seller", "body-long");
    let sites = [
        (server().platform(), "/api/auth/register"),
        (member.signed_out(), "/api/auth/login"),
        ((*member).clone(), "/api/platform/create"),
        (server().on("127.0.0.1"), "/api/payments/events"),
    ];
    for (site, path) in sites {
        let token =
            site.bearer().map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\n{token}Content-Type: application/json\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            site.host(),
            LIMIT + 1
        );
        let reply = site.raw(head.as_bytes());
        reply.refused(413, "too_large");
        assert!(!reply.header("x-request-id").is_empty());
        site.raw(&endless(&site, path, &padded("{}", LIMIT + 1))).refused(413, "too_large");
    }
}
