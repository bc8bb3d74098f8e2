use serde_json::{Value, json};

/// A field that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldError {
    /// Which: a path such as `price.amount`, or the name of a field of HTTP.
    pub field: String,
    /// What would be right.
    pub message: String,
}

impl FieldError {
    /// What is wrong with `field`.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

impl From<FieldError> for Value {
    fn from(error: FieldError) -> Self {
        json!({ "field": error.field, "message": error.message })
    }
}

/// What a request must be besides well-formed: said of all its fields at once, so that nobody has to try field
/// by field.
///
/// ```
/// use tenantry_http::{FieldErrors, Validate};
///
/// struct Dispute {
///     reason: String,
/// }
///
/// impl Validate for Dispute {
///     fn validate(&self, errors: &mut FieldErrors) {
///         errors.check("reason", !self.reason.trim().is_empty(), "say what is wrong");
///     }
/// }
///
/// let mut errors = FieldErrors::default();
/// Dispute { reason: " ".into() }.validate(&mut errors);
/// assert_eq!(errors.into_vec()[0].field, "reason");
/// ```
pub trait Validate {
    /// Says which fields are wrong; as provided, none.
    fn validate(&self, errors: &mut FieldErrors) {
        let _ = errors;
    }
}

/// The fields that are wrong, in the order in which they were looked at; the first
/// [`MOST`](FieldErrors::MOST) of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldErrors {
    within: String,
    errors: Vec<FieldError>,
}

impl FieldErrors {
    /// The most errors that are told.
    pub const MOST: usize = 100;

    /// `field` is wrong.
    pub fn push(&mut self, field: impl AsRef<str>, message: impl Into<String>) {
        if self.errors.len() < Self::MOST {
            let field = format!("{}{}", self.within, field.as_ref());
            self.errors.push(FieldError::new(field, message));
        }
    }

    /// `field` is wrong unless it `fits`.
    pub fn check(&mut self, field: impl AsRef<str>, fits: bool, message: impl Into<String>) {
        if !fits {
            self.push(field, message);
        }
    }

    /// Looks at what is within `field`: the paths told there begin with it.
    pub fn within(&mut self, field: impl AsRef<str>, look: impl FnOnce(&mut Self)) {
        let outer = self.within.len();
        self.within.push_str(field.as_ref());
        self.within.push('.');
        look(self);
        self.within.truncate(outer);
    }

    /// Whether no field is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }

    /// The errors.
    #[must_use]
    pub fn into_vec(self) -> Vec<FieldError> {
        self.errors
    }
}

impl Extend<FieldError> for FieldErrors {
    fn extend<I: IntoIterator<Item = FieldError>>(&mut self, errors: I) {
        for FieldError { field, message } in errors {
            self.push(field, message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_nest_and_errors_are_bounded() {
        let mut errors = FieldErrors::default();
        errors.within("price", |errors| {
            errors.check("amount", false, "above zero");
            errors.within("tax", |errors| errors.push("rate", "in basis points"));
        });
        errors.check("name", true, "never told");
        errors.push("slug", "taken");
        let fields: Vec<String> = errors.clone().into_vec().into_iter().map(|error| error.field).collect();
        assert_eq!(fields, ["price.amount", "price.tax.rate", "slug"]);
        for _ in 0..200 {
            errors.push("again", "");
        }
        assert_eq!(errors.into_vec().len(), FieldErrors::MOST);
    }
}
