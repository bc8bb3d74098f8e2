use std::fmt;
use std::str::FromStr;

/// The name of a login: a letter or `_`, then letters, digits and `_`, at most 48 bytes, in lower case.
///
/// The library makes names from it (`…_door`), and PostgreSQL cuts names after 63 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RoleName(String);

impl RoleName {
    const MOST: usize = 48;

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for RoleName {
    type Err = InvalidRoleName;

    fn from_str(text: &str) -> Result<Self, InvalidRoleName> {
        let mut bytes = text.bytes();
        let begins = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let goes_on = bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        let is_reserved = text.starts_with("pg_") || text == "public" || text == "none";
        if begins && goes_on && !is_reserved && text.len() <= Self::MOST {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidRoleName)
        }
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text can't name a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a role's name has lower-case letters, digits and _, begins with no digit and has at most 48 characters; not \
     public, none or pg_…"
)]
pub struct InvalidRoleName;

/// The logins that serve: separate ones, none a member of another.
///
/// ```
/// use tenantry_storage::Roles;
///
/// let roles = Roles::new("shop_app".parse()?, "shop_writer".parse()?, "shop_admin".parse()?)?;
/// assert_eq!(roles.door(), "shop_app_door");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles {
    app: RoleName,
    writer: RoleName,
    admin: RoleName,
}

impl Roles {
    /// Three different logins.
    ///
    /// # Errors
    /// [`SameRole`] when two are one: then one of the locks would be missing.
    pub fn new(app: RoleName, writer: RoleName, admin: RoleName) -> Result<Self, SameRole> {
        if app == writer || app == admin || writer == admin {
            return Err(SameRole);
        }
        Ok(Self { app, writer, admin })
    }

    /// Serves requests, and sees one tenant at a time.
    #[must_use]
    pub fn app(&self) -> &RoleName {
        &self.app
    }

    /// The write door: has rights on the library's tables only, and is admitted to the tenants that a batch names.
    #[must_use]
    pub fn writer(&self) -> &RoleName {
        &self.writer
    }

    /// The bypass, and the workers'.
    #[must_use]
    pub fn admin(&self) -> &RoleName {
        &self.admin
    }

    /// The role without a login that owns the definer functions.
    #[must_use]
    pub fn door(&self) -> String {
        format!("{}_door", self.app)
    }
}

/// Two of the logins are one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("app, writer and admin must be three different roles")]
pub struct SameRole;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_written_into_a_statement() {
        for wrong in ["", "1app", "App", "a b", "a\"; DROP", "pg_app", "public", &"a".repeat(49)] {
            assert_eq!(wrong.parse::<RoleName>(), Err(InvalidRoleName), "{wrong}");
        }
        assert_eq!("shop_app2".parse::<RoleName>().unwrap().as_str(), "shop_app2");
    }

    #[test]
    fn three_logins_are_three() {
        let name = |text: &str| text.parse::<RoleName>().unwrap();
        assert_eq!(Roles::new(name("a"), name("b"), name("a")), Err(SameRole));
    }
}
