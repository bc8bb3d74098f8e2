//! The matrix as a table of text.

use std::fmt;

use super::super::extent::Extent;
use super::super::scope::Scope;
use super::{Matrix, MatrixCell, MatrixHead, MatrixRow};

impl MatrixCell {
    /// What stands in a table of text.
    const fn mark(&self) -> &'static str {
        match self {
            Self::Unnamed => "-",
            Self::Allowed { implied_by: None } => "yes",
            Self::Allowed { implied_by: Some(_) } => "implied",
            Self::Conditional { .. } => "if",
            Self::Denied { unless_false } if unless_false.is_empty() => "deny",
            Self::Denied { .. } => "deny if",
            Self::AbovePlan => "plan",
        }
    }

    /// What the mark alone doesn't say.
    pub(super) fn note(&self) -> Option<String> {
        match self {
            Self::Allowed { implied_by } => implied_by.as_ref().map(|by| format!("implied by {by}")),
            Self::Conditional { when, unless, implied_by } => {
                let extent = Extent::Conditional { when: when.clone(), unless: unless.clone() };
                Some(match implied_by {
                    Some(by) => format!("{extent}; implied by {by}"),
                    None => extent.to_string(),
                })
            }
            Self::Denied { unless_false } if !unless_false.is_empty() => {
                let denied = unless_false.iter().map(|condition| format!("deny when {condition}"));
                Some(denied.collect::<Vec<_>>().join("; "))
            }
            Self::Unnamed | Self::Denied { .. } | Self::AbovePlan => None,
        }
    }
}

/// An aligned table, then the conditions and what implies what, then the roles; each line ends without blanks.
impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let titles: Vec<String> = self.columns.iter().map(|column| shown(&column.title)).collect();
        let marks = |row: &MatrixRow| row.cells.iter().map(MatrixCell::mark).collect::<Vec<_>>();
        let head = line("permission", &titles, "danger", "what it allows");
        let rows = self
            .rows
            .iter()
            .map(|row| line(row.key.as_str(), &marks(row), row.danger.as_str(), row.description));
        write_aligned(f, &std::iter::once(head).chain(rows).collect::<Vec<_>>())?;
        self.write_notes(f, &titles)?;
        writeln!(f)?;
        let roles = self.columns.iter().zip(titles).map(|(column, title)| role_line(column, title));
        write_aligned(f, &roles.collect::<Vec<_>>())
    }
}

impl Matrix {
    fn write_notes(&self, f: &mut fmt::Formatter<'_>, titles: &[String]) -> fmt::Result {
        let noted = |row: &MatrixRow| {
            let notes = row.cells.iter().zip(titles).filter_map(|(cell, title)| Some((cell.note()?, title)));
            notes.map(|(note, title)| format!("{}, {title}: {note}\n", row.key)).collect::<String>()
        };
        let notes: String = self.rows.iter().map(noted).collect();
        if notes.is_empty() { Ok(()) } else { write!(f, "\n{notes}") }
    }
}

fn line(first: &str, cells: &[impl AsRef<str>], danger: &str, description: &str) -> Vec<String> {
    let cells = cells.iter().map(AsRef::as_ref);
    [first].into_iter().chain(cells).chain([danger, description]).map(str::to_owned).collect()
}

fn role_line(column: &MatrixHead, title: String) -> Vec<String> {
    let plan = column.plan.as_ref().map_or("no limit of a plan".to_owned(), |plan| {
        if plan.is_empty() { "a plan of nothing".to_owned() } else { format!("plan {}", Scope::list(plan)) }
    });
    vec![title, format!("role {}", column.role), plan, format!("{:?}", column.name)]
}

/// A title that a terminal and a diff show as it is: what isn't printable is escaped.
fn shown(title: &str) -> String {
    title.escape_debug().to_string()
}

fn write_aligned(f: &mut fmt::Formatter<'_>, lines: &[Vec<String>]) -> fmt::Result {
    let columns = lines.iter().map(Vec::len).max().unwrap_or_default();
    let width = |column: usize| {
        let cells = lines.iter().filter_map(|line| line.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for line in lines {
        let padded = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        writeln!(f, "{}", padded.collect::<Vec<_>>().join("  ").trim_end())?;
    }
    Ok(())
}
