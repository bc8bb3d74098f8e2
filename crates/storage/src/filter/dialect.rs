use sqlx::{Database, QueryBuilder};
use tenantry_core::{Literal, Value};

/// A database that filters are written for: `sqlx::Sqlite` and `sqlx::Postgres`.
pub trait FilterDialect: Database + sealed::Sealed {
    /// Binds a value.
    #[doc(hidden)]
    fn bind(query: &mut QueryBuilder<Self>, value: Value<'_>);

    /// Writes that `column` is one of the values, which are of one kind and at least one.
    #[doc(hidden)]
    fn is_in(query: &mut QueryBuilder<Self>, column: &str, values: &[Literal]);

    /// How branches become one list in the order of their ids.
    #[doc(hidden)]
    const MERGES: Merges;
}

/// How a database merges the branches of a list without reading past the page.
#[doc(hidden)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Merges {
    /// Ordered as a whole, the branches are read in turn, each in the order of its index.
    Branches,
    /// Each branch is ordered and ends with the page by itself.
    Pages,
}

mod sealed {
    pub trait Sealed {}

    #[cfg(feature = "sqlite")]
    impl Sealed for sqlx::Sqlite {}
    #[cfg(feature = "postgres")]
    impl Sealed for sqlx::Postgres {}
}

/// Both bind alike: a time as its microseconds.
macro_rules! bind {
    () => {
        fn bind(query: &mut QueryBuilder<Self>, value: Value<'_>) {
            match value {
                Value::Bool(value) => query.push_bind(value),
                Value::Integer(value) => query.push_bind(value),
                Value::Text(value) => query.push_bind(value.to_owned()),
                Value::Id(value) => query.push_bind(value),
                Value::Time(value) => query.push_bind(value.as_micros()),
            };
        }
    };
}

#[cfg(feature = "sqlite")]
impl FilterDialect for sqlx::Sqlite {
    bind!();

    /// A branch with a page of its own would be read to its end and sorted.
    const MERGES: Merges = Merges::Branches;

    fn is_in(query: &mut QueryBuilder<Self>, column: &str, values: &[Literal]) {
        query.push(column).push(" IN (");
        for (place, value) in values.iter().enumerate() {
            if place > 0 {
                query.push(", ");
            }
            Self::bind(query, value.value());
        }
        query.push(")");
    }
}

/// One array for a list of any length, so that the statement stays the same and is prepared once.
#[cfg(feature = "postgres")]
impl FilterDialect for sqlx::Postgres {
    bind!();

    const MERGES: Merges = Merges::Pages;

    fn is_in(query: &mut QueryBuilder<Self>, column: &str, values: &[Literal]) {
        query.push(column).push(" = ANY(");
        let (mut bools, mut numbers, mut texts, mut ids) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for value in values {
            match value {
                Literal::Bool(value) => bools.push(*value),
                Literal::Integer(value) => numbers.push(*value),
                Literal::Time(value) => numbers.push(value.as_micros()),
                Literal::Text(value) => texts.push(value.to_string()),
                Literal::Id(value) => ids.push(*value),
            }
        }
        match values.first() {
            Some(Literal::Bool(_)) => query.push_bind(bools),
            Some(Literal::Integer(_) | Literal::Time(_)) | None => query.push_bind(numbers),
            Some(Literal::Text(_)) => query.push_bind(texts),
            Some(Literal::Id(_)) => query.push_bind(ids),
        };
        query.push(")");
    }
}
