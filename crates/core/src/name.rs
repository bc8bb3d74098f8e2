//! Names that people read.

/// Whether people can tell something by this name: 1 to 100 characters, not all blank, none of them a control
/// character.
pub(crate) fn is_readable(name: &str) -> bool {
    let is_shown = !name.trim().is_empty() && !name.chars().any(char::is_control);
    is_shown && name.chars().count() <= 100
}

/// A name that people couldn't read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a name has 1 to 100 characters, not all blank and without control characters")]
pub struct InvalidName;
