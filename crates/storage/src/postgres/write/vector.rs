use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use sqlx::Arguments as _;
use sqlx::postgres::PgArguments;
use uuid::Uuid;

use crate::sql::{SqlError, Value};

/// One of the parts that a statement is put together from: the same single-row statement for many rows at once,
/// its values as arrays.
#[derive(Debug, Clone)]
pub(super) struct Section {
    text: Arc<Text>,
    columns: Vec<Column>,
}

/// What a row is locked for while it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Lock {
    /// It is only read, and needs no lock.
    Nothing,
    /// Nobody else may change it: `FOR SHARE`.
    Share,
    /// The batch will change it: `FOR NO KEY UPDATE`, so that foreign keys of the application's aren't held up.
    Change,
}

/// What becomes of a single-row statement's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Shape {
    /// `INSERT`, `UPDATE` or `DELETE`: answers a row for each that it wrote.
    Write,
    /// `SELECT`: answers a number of the section, the place of the values in the arrays, from 1, and what was
    /// selected, under the first names of `answers` and laid out as the second. Rows are locked in the order of
    /// the arrays.
    Find { lock: Lock, number: i32, answers: (&'static str, &'static str) },
    /// Written for arrays already.
    Verbatim,
}

/// A text with parameters numbered from 1.
#[derive(Debug)]
struct Text {
    id: usize,
    sql: String,
}

/// The values of one parameter, one for each row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Column {
    Ids(Vec<Option<Uuid>>),
    Numbers(Vec<Option<i64>>),
    Texts(Vec<Option<String>>),
    Bytes(Vec<Option<Vec<u8>>>),
    /// The same for all rows.
    Number(i64),
}

/// The text isn't one that can be said for many rows, or its values differ in type.
#[derive(Debug, thiserror::Error)]
#[error("not a statement that can be said for many rows: {0}")]
struct NotVectorised(String);

impl Section {
    /// `sql` for each of `rows`, none of which is missing a value. A parameter that is used after an
    /// `ON CONFLICT` has to be the same in all rows.
    pub(super) fn of(sql: &str, shape: Shape, rows: Vec<Vec<Value>>) -> Result<Self, SqlError> {
        let refused = || SqlError::Failed(NotVectorised(sql.to_owned()).into());
        let mut columns: Vec<Column> = Vec::new();
        for (n, row) in rows.into_iter().enumerate() {
            if n == 0 {
                columns = row.into_iter().map(Column::of).collect();
                continue;
            }
            if row.len() != columns.len() {
                return Err(refused());
            }
            for (column, value) in columns.iter_mut().zip(row) {
                column.push(value).ok_or_else(refused)?;
            }
        }
        if let Some(after) = shared_parameters(sql, shape) {
            for n in after {
                let column = columns.get_mut(n - 1).ok_or_else(refused)?;
                *column = column.same().ok_or_else(refused)?;
            }
        }
        Ok(Self { text: TEXTS.text(sql, shape, &columns)?, columns })
    }

    /// A text that is written for arrays.
    pub(super) fn verbatim(sql: &'static str, columns: Vec<Column>) -> Result<Self, SqlError> {
        Ok(Self { text: TEXTS.text(sql, Shape::Verbatim, &columns)?, columns })
    }
}

impl Column {
    pub(super) fn ids(ids: impl IntoIterator<Item = Uuid>) -> Self {
        Self::Ids(ids.into_iter().map(Some).collect())
    }

    pub(super) fn texts<'t>(texts: impl IntoIterator<Item = &'t str>) -> Self {
        Self::Texts(texts.into_iter().map(|text| Some(text.to_owned())).collect())
    }

    fn of(value: Value) -> Self {
        match value {
            Value::Id(id) => Self::Ids(vec![Some(id)]),
            Value::MaybeId(id) => Self::Ids(vec![id]),
            Value::Number(number) => Self::Numbers(vec![Some(number)]),
            Value::MaybeNumber(number) => Self::Numbers(vec![number]),
            Value::Text(text) => Self::Texts(vec![Some(text)]),
            Value::MaybeText(text) => Self::Texts(vec![text]),
            Value::Bytes(bytes) => Self::Bytes(vec![Some(bytes)]),
        }
    }

    fn push(&mut self, value: Value) -> Option<()> {
        match (self, value) {
            (Self::Ids(ids), Value::Id(id)) => ids.push(Some(id)),
            (Self::Ids(ids), Value::MaybeId(id)) => ids.push(id),
            (Self::Numbers(numbers), Value::Number(number)) => numbers.push(Some(number)),
            (Self::Numbers(numbers), Value::MaybeNumber(number)) => numbers.push(number),
            (Self::Texts(texts), Value::Text(text)) => texts.push(Some(text)),
            (Self::Texts(texts), Value::MaybeText(text)) => texts.push(text),
            (Self::Bytes(all), Value::Bytes(bytes)) => all.push(Some(bytes)),
            _ => return None,
        }
        Some(())
    }

    /// The one number that all rows have.
    fn same(&self) -> Option<Self> {
        let Self::Numbers(numbers) = self else { return None };
        let first = numbers.first().copied().flatten()?;
        numbers.iter().all(|number| *number == Some(first)).then_some(Self::Number(first))
    }

    fn sql_type(&self) -> &'static str {
        match self {
            Self::Ids(_) => "uuid[]",
            Self::Numbers(_) => "int8[]",
            Self::Texts(_) => "text[]",
            Self::Bytes(_) => "bytea[]",
            Self::Number(_) => "int8",
        }
    }

    fn bind(self, arguments: &mut PgArguments) -> Result<(), SqlError> {
        match self {
            Self::Ids(ids) => arguments.add(ids),
            Self::Numbers(numbers) => arguments.add(numbers),
            Self::Texts(texts) => arguments.add(texts),
            Self::Bytes(all) => arguments.add(all),
            Self::Number(number) => arguments.add(number),
        }
        .map_err(SqlError::Failed)
    }
}

/// A statement that finds: the sections' rows one after another, each section's locks taken before the next's.
pub(super) fn union(sections: Vec<Section>) -> Result<(Arc<str>, PgArguments), SqlError> {
    join(sections, "union", |texts| texts.join(" UNION ALL "))
}

/// A statement that writes: all sections at once. It answers one row, how many rows each section wrote.
pub(super) fn at_once(sections: Vec<Section>) -> Result<(Arc<str>, PgArguments), SqlError> {
    join(sections, "at once", |texts| {
        let (mut with, mut counts) = (String::new(), String::new());
        for (n, text) in texts.iter().enumerate() {
            let (comma, also) = if n == 0 { ("WITH ", "SELECT ") } else { (", ", ", ") };
            let written = write!(with, "{comma}w{n} AS ({text})");
            let counted = write!(counts, "{also}(SELECT count(*) FROM w{n})");
            debug_assert!(written.is_ok() && counted.is_ok());
        }
        format!("{with} {counts}")
    })
}

fn join(
    sections: Vec<Section>,
    how: &'static str,
    put_together: impl FnOnce(&[String]) -> String,
) -> Result<(Arc<str>, PgArguments), SqlError> {
    let ids: Vec<usize> = sections.iter().map(|section| section.text.id).collect();
    let text = TEXTS.joined(how, ids, || {
        let mut before = 0;
        let texts: Vec<String> = sections
            .iter()
            .map(|section| {
                let text = each_parameter(&section.text.sql, |n| format!("${}", n + before).into());
                before += section.columns.len();
                text
            })
            .collect();
        put_together(&texts)
    });
    let mut arguments = PgArguments::default();
    for column in sections.into_iter().flat_map(|section| section.columns) {
        column.bind(&mut arguments)?;
    }
    Ok((text, arguments))
}

/// The texts that this process has made so far. There are as many as the library has statements, and of those
/// that are put together at most [`MAX_JOINED`].
struct Texts {
    sections: RwLock<HashMap<Shape, HashMap<String, Arc<Text>>>>,
    joined: RwLock<HashMap<Joined, Arc<str>>>,
}

/// How sections are put together, and which.
type Joined = (&'static str, Vec<usize>);

/// The most texts that are remembered: beyond that they are made anew.
const MAX_JOINED: usize = 2_048;

static TEXTS: LazyLock<Texts> =
    LazyLock::new(|| Texts { sections: RwLock::default(), joined: RwLock::default() });

impl Texts {
    fn text(&self, sql: &str, shape: Shape, columns: &[Column]) -> Result<Arc<Text>, SqlError> {
        let known = self.sections.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = known.get(&shape).and_then(|texts| texts.get(sql)) {
            return Ok(Arc::clone(text));
        }
        drop(known);
        let made = vectorised(sql, shape, columns)
            .ok_or_else(|| SqlError::Failed(NotVectorised(sql.to_owned()).into()))?;
        let mut known = self.sections.write().unwrap_or_else(PoisonError::into_inner);
        let id = known.values().map(HashMap::len).sum();
        let text = known.entry(shape).or_default().entry(sql.to_owned());
        Ok(Arc::clone(text.or_insert_with(|| Arc::new(Text { id, sql: made }))))
    }

    fn joined(&self, how: &'static str, ids: Vec<usize>, make: impl FnOnce() -> String) -> Arc<str> {
        let key = (how, ids);
        let known = self.joined.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(text) = known.get(&key) {
            return Arc::clone(text);
        }
        drop(known);
        let text: Arc<str> = make().into();
        let mut known = self.joined.write().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MAX_JOINED {
            known.insert(key, Arc::clone(&text));
        }
        text
    }
}

fn vectorised(sql: &str, shape: Shape, columns: &[Column]) -> Option<String> {
    let source = |extra: &str| {
        let is_array = |column: &&Column| !matches!(column, Column::Number(_));
        let numbered = || columns.iter().enumerate().filter(|(_, column)| is_array(column));
        let arrays: Vec<_> =
            numbered().map(|(n, column)| format!("${}::{}", n + 1, column.sql_type())).collect();
        let names: Vec<_> = numbered().map(|(n, _)| format!("c{}", n + 1)).collect();
        let ordinality = if extra.is_empty() { "" } else { " WITH ORDINALITY" };
        format!("unnest({}){ordinality} AS v({}{extra})", arrays.join(", "), names.join(", "))
    };
    let of_row = |text: &str| each_parameter(text, |n| format!("v.c{n}").into());
    let typed = |text: &str| {
        each_parameter(text, |n| {
            let sql_type = columns.get(n - 1).map_or("int8", Column::sql_type);
            format!("${n}::{sql_type}").into()
        })
    };
    match shape {
        Shape::Verbatim => Some(sql.to_owned()),
        Shape::Find { lock, number, answers: (names, layout) } => {
            let (what, rest) = sql.strip_prefix("SELECT ")?.split_once(" FROM ")?;
            let (table, condition) = rest.split_once(" WHERE ")?;
            let lock = match lock {
                Lock::Nothing => String::new(),
                Lock::Share => format!(" FOR SHARE OF {table}"),
                Lock::Change => format!(" FOR NO KEY UPDATE OF {table}"),
            };
            let (source, condition) = (source(", n"), of_row(condition));
            let rows =
                format!("SELECT v.n, {what} FROM {source}, {table} WHERE {condition} ORDER BY v.n{lock}");
            Some(format!("SELECT {number} AS s, x.n, {layout} FROM ({rows}) AS x(n, {names})"))
        }
        Shape::Write if sql.starts_with("INSERT INTO ") => {
            let (into, rest) = sql.split_once(" VALUES (")?;
            let end = closing(rest)?;
            let (values, after) = (rest.get(..end)?, rest.get(end + 1..)?);
            let (values, source, after) = (of_row(values), source(""), typed(after));
            Some(format!("{into} SELECT {values} FROM {source}{after} RETURNING 1"))
        }
        Shape::Write if sql.starts_with("UPDATE ") => {
            let (set, condition) = sql.split_once(" WHERE ")?;
            let (set, source, condition) = (of_row(set), source(""), of_row(condition));
            Some(format!("{set} FROM {source} WHERE {condition} RETURNING 1"))
        }
        Shape::Write => {
            let (table, condition) = sql.strip_prefix("DELETE FROM ")?.split_once(" WHERE ")?;
            let (source, condition) = (source(""), of_row(condition));
            Some(format!("DELETE FROM {table} USING {source} WHERE {condition} RETURNING 1"))
        }
    }
}

/// The parameters that an `INSERT` uses after its values: there it can't see the row that they came from.
fn shared_parameters(sql: &str, shape: Shape) -> Option<Vec<usize>> {
    if shape != Shape::Write {
        return None;
    }
    let (_, rest) = sql.split_once(" VALUES (")?;
    let after = rest.get(closing(rest)?..)?;
    let mut numbers = Vec::new();
    drop(each_parameter(after, |n| {
        numbers.push(n);
        "".into()
    }));
    Some(numbers)
}

/// Where the parenthesis is closed that was opened before `text`.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1_usize;
    text.char_indices().find_map(|(at, char)| {
        match char {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at)
    })
}

/// The text with something else in place of each `$n`.
fn each_parameter(sql: &str, mut instead: impl FnMut(usize) -> Cow<'static, str>) -> String {
    let mut parts = sql.split('$');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        let (number, rest) = part.split_at(end);
        match number.parse() {
            Ok(number) => text.push_str(&instead(number)),
            Err(_) => text.push('$'),
        }
        text.push_str(rest);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u128) -> Value {
        Value::Id(Uuid::from_u128(n))
    }

    fn sql_of(sql: &str, shape: Shape, row: Vec<Value>) -> String {
        Section::of(sql, shape, vec![row]).unwrap().text.sql.clone()
    }

    const FIND: Shape = Shape::Find { lock: Lock::Share, number: 9, answers: ("a", "a, NULL::int8 AS b") };

    #[test]
    fn each_kind_of_statement_is_said_for_many_rows() {
        assert_eq!(
            sql_of(
                "INSERT INTO t (a, b, c) VALUES ($1, f($2), 0)",
                Shape::Write,
                vec![id(1), Value::Number(2)]
            ),
            "INSERT INTO t (a, b, c) SELECT v.c1, f(v.c2), 0 \
             FROM unnest($1::uuid[], $2::int8[]) AS v(c1, c2) RETURNING 1"
        );
        assert_eq!(
            sql_of(
                "UPDATE t SET a = $2, b = b + $3 WHERE k = $1",
                Shape::Write,
                vec![id(1), Value::MaybeText(None), Value::Number(2)]
            ),
            "UPDATE t SET a = v.c2, b = b + v.c3 \
             FROM unnest($1::uuid[], $2::text[], $3::int8[]) AS v(c1, c2, c3) WHERE k = v.c1 RETURNING 1"
        );
        assert_eq!(
            sql_of("DELETE FROM t WHERE k = $1", Shape::Write, vec![Value::Bytes(vec![1])]),
            "DELETE FROM t USING unnest($1::bytea[]) AS v(c1) WHERE k = v.c1 RETURNING 1"
        );
        assert_eq!(
            sql_of("SELECT version FROM t WHERE k = $1 AND l = $2", FIND, vec![id(1), Value::text("x")]),
            "SELECT 9 AS s, x.n, a, NULL::int8 AS b FROM (SELECT v.n, version \
             FROM unnest($1::uuid[], $2::text[]) WITH ORDINALITY AS v(c1, c2, n), t \
             WHERE k = v.c1 AND l = v.c2 ORDER BY v.n FOR SHARE OF t) AS x(n, a)"
        );
    }

    #[test]
    fn what_follows_a_conflict_sees_one_value_for_all_rows() {
        let sql = "INSERT INTO t (k, a) VALUES ($1, $2) ON CONFLICT (k) DO UPDATE SET a = excluded.a \
            WHERE t.until <= $3";
        let row = |until| vec![id(1), Value::text("x"), Value::Number(until)];
        let section = Section::of(sql, Shape::Write, vec![row(7), row(7)]).unwrap();
        assert!(section.text.sql.ends_with("WHERE t.until <= $3::int8 RETURNING 1"), "{}", section.text.sql);
        assert!(section.text.sql.contains("FROM unnest($1::uuid[], $2::text[]) AS v(c1, c2) ON CONFLICT"));
        assert_eq!(section.columns.last(), Some(&Column::Number(7)));
        assert!(Section::of(sql, Shape::Write, vec![row(7), row(8)]).is_err(), "they differ");
    }

    #[test]
    fn sections_are_numbered_on() {
        let write = |sql, values| Section::of(sql, Shape::Write, vec![values]).unwrap();
        let sections = || {
            vec![
                write("DELETE FROM t WHERE k = $1 AND l = $2", vec![id(1), id(2)]),
                write("DELETE FROM u WHERE k = $1", vec![id(3)]),
            ]
        };
        let (text, arguments) = at_once(sections()).unwrap();
        assert_eq!(
            &*text,
            "WITH w0 AS (DELETE FROM t USING unnest($1::uuid[], $2::uuid[]) AS v(c1, c2) \
             WHERE k = v.c1 AND l = v.c2 RETURNING 1), \
             w1 AS (DELETE FROM u USING unnest($3::uuid[]) AS v(c1) WHERE k = v.c1 RETURNING 1) \
             SELECT (SELECT count(*) FROM w0), (SELECT count(*) FROM w1)"
        );
        assert_eq!(arguments.len(), 3);
        let (again, _) = at_once(sections()).unwrap();
        assert!(Arc::ptr_eq(&text, &again), "the text is made once");
    }

    #[test]
    fn rows_that_dont_match_are_refused() {
        let rows = |second: Vec<Value>| vec![vec![id(1), Value::Number(1)], second];
        let of = |rows| Section::of("UPDATE t SET a = $2 WHERE k = $1", Shape::Write, rows);
        assert!(of(rows(vec![id(2), Value::MaybeNumber(None)])).is_ok());
        assert!(of(rows(vec![id(2), Value::text("2")])).is_err(), "another type");
        assert!(of(rows(vec![id(2)])).is_err(), "too few");
    }
}
