use std::net::{IpAddr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::HeaderMap;
use actix_web::http::{Uri, uri::Authority};

use crate::RequestView;
use crate::gate::{one_host, only};

impl RequestView for HttpRequest {
    fn host(&self) -> Option<&str> {
        host(self.uri(), self.headers())
    }

    fn path(&self) -> &str {
        self.uri().path()
    }

    fn query(&self) -> Option<&str> {
        self.uri().query()
    }

    fn authorization(&self) -> Option<&str> {
        RequestView::field(self, "authorization")
    }

    fn content_length(&self) -> Option<u64> {
        RequestView::field(self, "content-length").and_then(|length| length.parse().ok())
    }

    fn peer(&self) -> Option<IpAddr> {
        self.peer_addr().as_ref().map(SocketAddr::ip)
    }

    fn field(&self, name: &str) -> Option<&str> {
        field(self.headers(), name)
    }
}

impl RequestView for ServiceRequest {
    fn host(&self) -> Option<&str> {
        host(self.uri(), self.headers())
    }

    fn path(&self) -> &str {
        self.uri().path()
    }

    fn query(&self) -> Option<&str> {
        self.uri().query()
    }

    fn authorization(&self) -> Option<&str> {
        RequestView::field(self, "authorization")
    }

    fn content_length(&self) -> Option<u64> {
        RequestView::field(self, "content-length").and_then(|length| length.parse().ok())
    }

    fn peer(&self) -> Option<IpAddr> {
        self.peer_addr().as_ref().map(SocketAddr::ip)
    }

    fn field(&self, name: &str) -> Option<&str> {
        field(self.headers(), name)
    }
}

fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let fields = headers.get_all("host").map(|value| value.to_str().ok());
    one_host(uri.authority().map(Authority::as_str), fields)
}

fn field<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    only(headers.get_all(name).map(|value| value.to_str().ok()))
}
