use std::str::FromStr;

use super::Slug;

/// The domain whose subdomains are the tenants: `example.com`, or `localhost` on a laptop.
///
/// ```
/// use tenantry_core::{BaseDomain, HostTarget};
///
/// let base: BaseDomain = "example.com".parse()?;
/// assert_eq!(base.target("Seller-One.Example.COM.:3000")?, HostTarget::Tenant("seller-one".parse()?));
/// assert_eq!(base.target("example.com")?, HostTarget::Platform);
/// assert!(base.target("example.com.evil.org").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BaseDomain(String);

/// Whom a host name means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HostTarget {
    /// The base domain itself: the platform.
    Platform,
    /// A subdomain: the tenant with this slug, if there is one.
    Tenant(Slug),
}

impl BaseDomain {
    /// Whom `host`, as in a `Host` header, means: lower-cased, without its port and one trailing dot.
    ///
    /// # Errors
    /// [`HostRefused`] for any other domain, an address, a deeper subdomain or a label that is no slug; never a
    /// default tenant.
    pub fn target(&self, host: &str) -> Result<HostTarget, HostRefused> {
        let name = host_name(host)?;
        if name.eq_ignore_ascii_case(&self.0) {
            return Ok(HostTarget::Platform);
        }
        let cut = name.len().checked_sub(self.0.len()).and_then(|at| at.checked_sub(1)).ok_or(HostRefused)?;
        let (label, domain) = name.split_at_checked(cut).ok_or(HostRefused)?;
        let domain = domain.strip_prefix('.').ok_or(HostRefused)?;
        if !domain.eq_ignore_ascii_case(&self.0) {
            return Err(HostRefused);
        }
        label.to_ascii_lowercase().parse().map(HostTarget::Tenant).map_err(|_| HostRefused)
    }

    /// The name in `host`, as in a `Host` header: without its port and one trailing dot, spelled as it came. What
    /// differs only there, and in case, means the same tenant.
    ///
    /// # Errors
    /// [`HostRefused`] when what follows the name is no port.
    pub fn name_in(host: &str) -> Result<&str, HostRefused> {
        host_name(host)
    }

    /// The domain, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn host_name(host: &str) -> Result<&str, HostRefused> {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) => return Err(HostRefused),
        None => host,
    };
    Ok(name.strip_suffix('.').unwrap_or(name))
}

impl FromStr for BaseDomain {
    type Err = InvalidBaseDomain;

    fn from_str(text: &str) -> Result<Self, InvalidBaseDomain> {
        let lower = text.to_ascii_lowercase();
        let labels_are_fine = lower.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        });
        if labels_are_fine && lower.len() <= 190 { Ok(Self(lower)) } else { Err(InvalidBaseDomain) }
    }
}

/// The host names neither the platform nor a tenant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no tenant has this host")]
pub struct HostRefused;

/// The text is no domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a domain: expected labels of a-z, 0-9 and - joined by dots, such as example.com")]
pub struct InvalidBaseDomain;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_that_only_look_like_a_tenant_are_refused() {
        let base: BaseDomain = "example.com".parse().unwrap();
        for host in [
            "",
            ".",
            ":80",
            "example.com:",
            "example.com:8x",
            "a.b.example.com",
            ".example.com",
            "-.example.com",
            "aexample.com",
            "example.com.evil.org",
            "xn--a.example.com",
            "127.0.0.1",
            "[::1]:80",
            "a..example.com",
            "a@example.com",
            "é.example.com",
            "example.com..",
        ] {
            assert_eq!(base.target(host), Err(HostRefused), "{host}");
        }
    }

    #[test]
    fn spelling_does_not_matter() {
        let base: BaseDomain = "localhost".parse().unwrap();
        for host in ["a.localhost", "A.LOCALHOST.", "a.localhost:3000", "a.localhost.:3000"] {
            assert_eq!(base.target(host), Ok(HostTarget::Tenant("a".parse().unwrap())), "{host}");
        }
        assert_eq!(base.target("LOCALHOST:1"), Ok(HostTarget::Platform));
    }
}
