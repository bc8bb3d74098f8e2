use std::fmt;
use std::str::FromStr;

/// The name of a table or a column: a letter or `_`, then letters, digits and `_`, at most 63 bytes, in lower case.
///
/// Statements write it in quotes, so that it may be a keyword. No text that isn't such a name gets into one.
///
/// ```
/// use tenantry_storage::filter::{InvalidSqlName, SqlName};
///
/// let name: SqlName = "order".parse()?;
/// assert_eq!(name.as_str(), "order");
/// assert_eq!("id; DROP TABLE notes".parse::<SqlName>(), Err(InvalidSqlName));
/// # Ok::<(), InvalidSqlName>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SqlName(Box<str>);

impl SqlName {
    /// PostgreSQL cuts names after so many bytes.
    const MOST: usize = 63;

    /// The name, without quotes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as a statement writes it.
    pub(super) fn quoted(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

impl FromStr for SqlName {
    type Err = InvalidSqlName;

    fn from_str(text: &str) -> Result<Self, InvalidSqlName> {
        let mut bytes = text.bytes();
        let begins = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase() || byte == b'_');
        let goes_on = bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_');
        if begins && goes_on && text.len() <= Self::MOST {
            Ok(Self(text.into()))
        } else {
            Err(InvalidSqlName)
        }
    }
}

impl fmt::Display for SqlName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text can't name a table or a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the name of a table or column has lower-case letters, digits and _, begins with no digit and has at most 63 bytes"
)]
pub struct InvalidSqlName;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_can_be_written_into_a_statement() {
        let long = "a".repeat(64);
        for wrong in ["", "1st", "Notes", "a b", "a\"", "a\\", "a.b", "a-b", "a;", "a\0", "é", "a\n", &*long]
        {
            assert_eq!(wrong.parse::<SqlName>(), Err(InvalidSqlName), "{wrong}");
        }
        for right in ["a", "_", "group", "notes_2", &*"a".repeat(63)] {
            assert_eq!(right.parse::<SqlName>().unwrap().quoted(), format!("\"{right}\""));
        }
    }
}
