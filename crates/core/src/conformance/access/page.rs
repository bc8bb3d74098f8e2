//! The text of a model's file: prose, then tables under headings.
//!
//! ```text
//! # Title
//!
//! Prose.
//!
//! ## Heading
//!
//! | column | column |
//! | --- | --- |
//! | cell | `cell` |
//! ```

use std::fmt;

/// A model's file that can't be read: where, and what should stand there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}.md, line {line}: {why}")]
#[non_exhaustive]
pub struct Unreadable {
    /// The model.
    pub file: &'static str,
    /// The line, counted from 1; 0 where it is the file as a whole.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
}

/// What is wrong with a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) line: usize,
    pub(super) why: String,
}

impl Wrong {
    pub(super) fn at(line: usize, why: impl fmt::Display) -> Self {
        Self { line, why: why.to_string() }
    }
}

/// A file, taken apart.
#[derive(Debug)]
pub(super) struct Page<'t> {
    pub(super) head: String,
    pub(super) sections: Vec<Section<'t>>,
}

/// What stands under one heading.
#[derive(Debug)]
pub(super) struct Section<'t> {
    pub(super) heading: &'t str,
    pub(super) line: usize,
    columns: Vec<&'t str>,
    cells: Vec<(usize, Vec<&'t str>)>,
}

impl<'t> Page<'t> {
    pub(super) fn read(text: &'t str) -> Result<Self, Wrong> {
        let mut page = Self { head: String::new(), sections: Vec::new() };
        for (number, line) in (1..).zip(text.lines()) {
            match (line.strip_prefix("## "), page.sections.last_mut()) {
                (Some(heading), _) => page.sections.push(Section {
                    heading: heading.trim(),
                    line: number,
                    columns: Vec::new(),
                    cells: Vec::new(),
                }),
                (None, None) => {
                    page.head.push_str(line);
                    page.head.push('\n');
                }
                (None, Some(section)) => section.take(number, line)?,
            }
        }
        Ok(page)
    }

    /// The lines of the table under a heading, which has no other columns than these; none where the heading isn't.
    pub(super) fn lines(&self, heading: &str, columns: &[&str]) -> Result<Vec<Line<'_>>, Wrong> {
        let section = self.sections.iter().find(|section| section.heading == heading);
        section.map_or(Ok(Vec::new()), |section| section.lines(columns))
    }
}

impl<'t> Section<'t> {
    pub(super) fn lines(&self, columns: &[&str]) -> Result<Vec<Line<'_>>, Wrong> {
        let unknown = self.columns.iter().find(|column| !columns.contains(column));
        if let Some(unknown) = unknown {
            let why = format!("no column {unknown:?} is known under {:?}: one of {columns:?}", self.heading);
            return Err(Wrong::at(self.line, why));
        }
        let line = |(number, cells): &'_ (usize, Vec<&'t str>)| Line {
            number: *number,
            cells: self.columns.iter().copied().zip(cells.iter().copied()).collect(),
        };
        Ok(self.cells.iter().map(line).collect())
    }

    fn take(&mut self, number: usize, line: &'t str) -> Result<(), Wrong> {
        let row = line.trim().strip_prefix('|').and_then(|line| line.strip_suffix('|'));
        let Some(row) = row else {
            let is_prose_before = line.trim().is_empty() || self.columns.is_empty();
            let why = "after a table stands an empty line or a heading";
            return if is_prose_before { Ok(()) } else { Err(Wrong::at(number, why)) };
        };
        let cells: Vec<&str> = row.split('|').map(|cell| cell.trim().trim_matches('`')).collect();
        if self.columns.is_empty() {
            self.columns = cells;
        } else if cells.len() != self.columns.len() {
            let why = format!("{} cells, under {} columns", cells.len(), self.columns.len());
            return Err(Wrong::at(number, why));
        } else if !cells.iter().all(|cell| !cell.is_empty() && cell.chars().all(|c| matches!(c, '-' | ':')))
            || !self.cells.is_empty()
        {
            self.cells.push((number, cells));
        }
        Ok(())
    }
}

/// A line of a table: its cells by the names of their columns. A cell `-` is one that isn't there.
#[derive(Debug)]
pub(super) struct Line<'t> {
    pub(super) number: usize,
    cells: Vec<(&'t str, &'t str)>,
}

impl<'t> Line<'t> {
    pub(super) fn get(&self, column: &str) -> Option<&'t str> {
        let cell = self.cells.iter().find(|(name, _)| *name == column).map(|(_, cell)| *cell);
        cell.filter(|cell| !matches!(*cell, "-" | ""))
    }

    pub(super) fn need(&self, column: &str) -> Result<&'t str, Wrong> {
        self.get(column).ok_or_else(|| self.wrong(format!("a cell under {column:?} is needed")))
    }

    /// What stands under the column, read; nothing where nothing stands there.
    pub(super) fn parse<T>(&self, column: &str) -> Result<Option<T>, Wrong>
    where
        T: std::str::FromStr<Err: fmt::Display>,
    {
        let cell = self.get(column);
        cell.map(|cell| cell.parse().map_err(|error| self.wrong(error))).transpose()
    }

    /// What stands under the column, of several things, read; none where nothing stands there.
    pub(super) fn list<T>(&self, column: &str, between: char) -> Result<Vec<T>, Wrong>
    where
        T: std::str::FromStr<Err: fmt::Display>,
    {
        let parts = self.get(column).into_iter().flat_map(|cell| cell.split(between)).map(|part| {
            let part = part.trim().trim_matches('`');
            part.parse().map_err(|error| self.wrong(format!("{part:?}: {error}")))
        });
        parts.collect()
    }

    pub(super) fn wrong(&self, why: impl fmt::Display) -> Wrong {
        Wrong::at(self.number, why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_prose_and_tables() {
        let page = Page::read(
            "# A\n\nprose\n\n## One\n\nmore\n\n| a | b |\n| --- | :-: |\n| `x` | - |\n| - | y |\n",
        )
        .unwrap();
        assert_eq!(page.head, "# A\n\nprose\n\n");
        let lines = page.lines("One", &["a", "b"]).unwrap();
        let read: Vec<_> = lines.iter().map(|line| (line.number, line.get("a"), line.get("b"))).collect();
        assert_eq!(read, [(11, Some("x"), None), (12, None, Some("y"))]);
        assert!(lines.iter().all(|line| line.get("c").is_none() && line.need("c").is_err()));
        assert!(page.lines("Two", &[]).unwrap().is_empty());
    }

    #[test]
    fn a_line_that_would_be_overlooked_is_refused() {
        let short = Page::read("## One\n| a | b |\n| --- | --- |\n| x |\n").unwrap_err();
        assert_eq!(short, Wrong::at(4, "1 cells, under 2 columns"));
        assert_eq!(Page::read("## One\n| a |\n| --- |\nx |\n").unwrap_err().line, 4);
        let page = Page::read("## One\n| a | b |\n").unwrap();
        assert_eq!(page.lines("One", &["a"]).unwrap_err().line, 1);
    }
}
