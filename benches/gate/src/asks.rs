//! What is asked: requests of random members at random routes, and of those who are nobody.

use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::request::Parts;
use tenantry::Timestamp;
use tenantry_bench_measure::Draw;
use tenantry_identity::TokenSubject;

use crate::Fault;
use crate::routes::ROUTES;
use crate::world::{BASE, Member, World};

/// One request, and the status that answers it.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) host: String,
    pub(crate) path: &'static str,
    pub(crate) token: Option<String>,
    pub(crate) status: u16,
    parts: Parts,
}

impl Ask {
    fn new(host: &str, path: &'static str, token: Option<&str>, status: u16) -> Result<Self, Fault> {
        let mut request = Request::get(path).header("host", host);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let (parts, ()) = request.body(())?.into_parts();
        Ok(Self { host: host.to_owned(), path, token: token.map(str::to_owned), status, parts })
    }

    /// As a service is handed it.
    pub(crate) fn request(&self) -> Request {
        Request::from_parts(self.parts.clone(), Body::empty())
    }

    /// As it goes over a connection.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let Self { host, path, token, .. } = self;
        let token =
            token.as_ref().map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
        format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n{token}\r\n").into_bytes()
    }
}

/// Of whom requests are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Members, at routes that their roles open.
    Allowed,
    /// Members, at routes that their roles don't open.
    Denied,
    /// Whoever brings a token that nobody signed, another one each time.
    Forged,
    /// Members of another tenant.
    Stranger,
    /// Whoever asks at a host of nobody's.
    NoHost,
    /// Whoever brings no token.
    NoToken,
    /// Whoever brings a token of yesterday's.
    Expired,
}

impl Kind {
    pub(crate) const EACH: [Self; 7] = [
        Self::Allowed,
        Self::Denied,
        Self::Forged,
        Self::Stranger,
        Self::NoHost,
        Self::NoToken,
        Self::Expired,
    ];

    /// So many requests of this kind, drawn from all members and routes.
    ///
    /// # Errors
    /// A request that can't be written.
    pub(crate) fn draw(self, world: &World, count: usize) -> Result<Vec<Ask>, Fault> {
        let mut draw = Draw::new(11);
        let mut asks = Vec::with_capacity(count);
        while asks.len() < count {
            let member = &world.members[draw.below(world.members.len())];
            let route = &ROUTES[draw.below(ROUTES.len())];
            let host = &world.tenants[member.tenant].host;
            let own = Some(member.token.as_str());
            let may = member.may(route);
            asks.push(match self {
                Self::Allowed if may => Ask::new(host, route.path, own, 200)?,
                Self::Denied if !may => Ask::new(host, route.path, own, 403)?,
                Self::Allowed | Self::Denied => continue,
                Self::Forged => Ask::new(host, route.path, Some(&forged(&member.token, &mut draw)), 401)?,
                Self::Stranger => {
                    let other =
                        (member.tenant + 1 + draw.below(world.tenants.len() - 1)) % world.tenants.len();
                    Ask::new(&world.tenants[other].host, route.path, own, 403)?
                }
                Self::NoHost => Ask::new(&format!("nobody-{}.{BASE}", asks.len()), route.path, own, 404)?,
                Self::NoToken => Ask::new(host, route.path, None, 401)?,
                Self::Expired => Ask::new(host, route.path, Some(&expired(world, member)?), 401)?,
            });
        }
        Ok(asks)
    }
}

/// The token with the first fifteen letters of its signature replaced.
fn forged(token: &str, draw: &mut Draw) -> String {
    let (signed, signature) = token.rsplit_once('.').unwrap_or((token, ""));
    format!("{signed}.{:015x}{}", draw.number() >> 4, signature.get(15..).unwrap_or_default())
}

fn expired(world: &World, member: &Member) -> Result<String, Fault> {
    let claims = world.tokens.verify(&member.token, world.app.now())?;
    let subject = TokenSubject { tenant: claims.tenant, realm: claims.realm, user: claims.user };
    let ago = Duration::from_secs(2 * 86_400);
    let then = Timestamp::from_micros(world.app.now().as_micros() - i64::try_from(ago.as_micros())?);
    Ok(world.tokens.issue(&subject, then)?)
}
