//! Both services answer every kind of request alike.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use tenantry::Rate;
use tower::{Service, ServiceExt as _};

use crate::Fault;
use crate::asks::{Ask, Kind};
use crate::composed::{self, Bucket, Tokens};
use crate::ours::{self, Memory};
use crate::world::World;

/// A rate that nothing reaches, for both.
pub(crate) const UNREACHED: Bucket = Bucket { burst: u32::MAX, period: Duration::from_nanos(1) };

/// The same for the gate.
///
/// # Errors
/// None: it is a rate.
pub(crate) fn unreached() -> Result<Rate, Fault> {
    Ok(Rate::new(UNREACHED.burst, Duration::from_secs(1))?)
}

/// Sends requests of every kind to both services, and more requests than a rate allows; how many answers were alike, with
/// their statuses.
///
/// # Errors
/// A difference, or a status that isn't what the request is drawn for.
pub(crate) async fn compare(each: usize) -> Result<Vec<(u16, usize)>, Fault> {
    let world = World::of(20, unreached()?).await?;
    let mut counted = std::collections::BTreeMap::<u16, usize>::new();
    for tokens in [Tokens::Verified, Tokens::Remembered] {
        for memory in [Memory::All, Memory::None] {
            let mut gate = ours::service(&world, memory)?;
            let mut peer = composed::service(&world, tokens, UNREACHED).await?;
            for kind in Kind::EACH {
                for ask in kind.draw(&world, each)? {
                    let both = [status(&mut gate, &ask).await?, status(&mut peer, &ask).await?];
                    if both != [ask.status; 2] {
                        return Err(format!("{kind:?}: {both:?} and not {}: {ask:?}", ask.status).into());
                    }
                    *counted.entry(ask.status).or_default() += 1;
                }
            }
        }
    }
    let (admitted, refused) = over_the_rate().await?;
    *counted.entry(200).or_default() += admitted;
    *counted.entry(429).or_default() += refused;
    Ok(counted.into_iter().collect())
}

/// Five an hour for each tenant: after them both refuse, whatever the caller may do, and other tenants go on.
async fn over_the_rate() -> Result<(usize, usize), Fault> {
    let hour = Duration::from_secs(3_600);
    let world = World::of(20, Rate::new(5, hour)?).await?;
    let mut gate = ours::service(&world, Memory::All)?;
    let bucket = Bucket { burst: 5, period: hour / 5 };
    let mut peer = composed::service(&world, Tokens::Verified, bucket).await?;
    let mut used = std::collections::HashMap::<String, usize>::new();
    let (mut admitted, mut refused) = (0, 0);
    for kind in [Kind::Allowed, Kind::Denied] {
        for ask in kind.draw(&world, 120)? {
            let used = used.entry(ask.host.clone()).or_default();
            let expected = if *used < 5 { ask.status } else { 429 };
            *used += 1;
            let both = [status(&mut gate, &ask).await?, status(&mut peer, &ask).await?];
            if both != [expected; 2] {
                return Err(format!("{both:?} and not {expected}, after {used}: {ask:?}").into());
            }
            admitted += usize::from(expected == 200);
            refused += usize::from(expected == 429);
        }
    }
    Ok((admitted, refused))
}

async fn status<S>(service: &mut S, ask: &Ask) -> Result<u16, Fault>
where
    S: Service<Request, Response = Response, Error = Infallible>,
{
    Ok(service.ready().await?.call(ask.request()).await?.status().as_u16())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn both_answer_alike() {
        let counted = compare(100).await.unwrap();
        println!("{counted:?}");
        let statuses: Vec<u16> = counted.iter().map(|(status, _)| *status).collect();
        assert_eq!(statuses, [200, 401, 403, 404, 429]);
        assert!(counted.iter().all(|(_, answers)| *answers >= 50), "{counted:?}");
    }
}
