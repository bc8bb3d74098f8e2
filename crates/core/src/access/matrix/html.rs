//! The matrix as a page.

use std::fmt::{self, Write as _};

use super::super::permission::Danger;
use super::super::scope::Scope;
use super::{Matrix, MatrixCell, MatrixHead, MatrixRow};

const STYLE: &str = include_str!("page.css");

impl Matrix {
    /// The matrix as a page of its own, for a reviewer: no script, nothing loaded from elsewhere, light and dark.
    ///
    /// All that comes from outside (`title`, the names of roles, the texts in conditions) is escaped, and the page's
    /// own policy forbids scripts.
    #[must_use]
    pub fn to_html(&self, title: &str) -> String {
        Page { matrix: self, title }.to_string()
    }
}

struct Page<'a> {
    matrix: &'a Matrix,
    title: &'a str,
}

impl fmt::Display for Page<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let title = Escaped(self.title);
        write!(
            f,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n\
             <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
             <header>\n<h1><bdi>{title}</bdi></h1>\n{}\n{LEGEND}</header>\n",
            Counts(self.matrix),
        )?;
        f.write_str("<div class=\"sheet\" tabindex=\"0\" role=\"region\" aria-label=\"Permissions by role\">\n<table>\n")?;
        write_head(f, &self.matrix.columns)?;
        write_groups(f, self.matrix)?;
        f.write_str("</table>\n</div>\n</body>\n</html>\n")
    }
}

const LEGEND: &str = r#"<ul class="legend">
<li><span class="mark yes">✓</span> allowed</li>
<li><span class="mark if">◐</span> allowed under a condition</li>
<li><span class="mark no">✕</span> denied, whatever another role allows</li>
<li><span class="mark plan">▲</span> allowed, but not by the plan</li>
<li><span class="mark none">·</span> not named by the role</li>
<li><span class="tag sensitive">sensitive</span> shows or changes what is private or costs money</li>
<li><span class="tag critical">critical</span> hands out rights, destroys for good, or moves money out</li>
</ul>
"#;

fn write_head(f: &mut fmt::Formatter<'_>, columns: &[MatrixHead]) -> fmt::Result {
    f.write_str("<thead>\n<tr><th scope=\"col\" class=\"corner\">Permission</th>")?;
    for column in columns {
        let (title, name) = (Escaped(&column.title), Escaped(&column.name));
        write!(
            f,
            "<th scope=\"col\"><bdi class=\"title\">{title}</bdi><bdi class=\"name\" title=\"{name}\">{name}</bdi>"
        )?;
        match column.plan.as_deref() {
            Some([]) => f.write_str("<span class=\"ceiling\">a plan of nothing</span>")?,
            Some(plan) => write!(
                f,
                "<span class=\"ceiling\">plan: <code>{}</code></span>",
                Escaped(&Scope::list(plan))
            )?,
            None => {}
        }
        f.write_str("</th>")?;
    }
    f.write_str("</tr>\n</thead>\n")
}

/// The rows, those about one type of resource together.
fn write_groups(f: &mut fmt::Formatter<'_>, matrix: &Matrix) -> fmt::Result {
    let span = matrix.columns.len().saturating_add(1);
    for group in matrix.rows.chunk_by(|one, two| one.subject() == two.subject()) {
        let subject = group.first().map_or("", MatrixRow::subject);
        write!(
            f,
            "<tbody>\n<tr class=\"group\"><th scope=\"rowgroup\" colspan=\"{span}\"><span>{}</span></th></tr>\n",
            Escaped(if subject.is_empty() { "general" } else { subject }),
        )?;
        for row in group {
            write_row(f, row)?;
        }
        f.write_str("</tbody>\n")?;
    }
    Ok(())
}

fn write_row(f: &mut fmt::Formatter<'_>, row: &MatrixRow) -> fmt::Result {
    let danger = row.danger.as_str();
    write!(f, "<tr class=\"{danger}\"><th scope=\"row\"><code>{}</code>", Escaped(row.key.as_str()))?;
    if row.danger != Danger::Ordinary {
        write!(f, " <span class=\"tag {danger}\">{danger}</span>")?;
    }
    write!(f, "<small>{}</small></th>", Escaped(row.description))?;
    for cell in &row.cells {
        write_cell(f, cell)?;
    }
    f.write_str("</tr>\n")
}

fn write_cell(f: &mut fmt::Formatter<'_>, cell: &MatrixCell) -> fmt::Result {
    let (class, mark, said) = match cell {
        MatrixCell::Unnamed => ("none", '·', "not named"),
        MatrixCell::Allowed { .. } => ("yes", '✓', "allowed"),
        MatrixCell::Conditional { .. } => ("if", '◐', "allowed under a condition"),
        MatrixCell::Denied { .. } => ("no", '✕', "denied"),
        MatrixCell::AbovePlan => ("plan", '▲', "not in the plan"),
    };
    write!(
        f,
        "<td class=\"{class}\"><span class=\"mark {class}\" role=\"img\" aria-label=\"{said}\" title=\"{said}\">{mark}</span>"
    )?;
    match cell {
        MatrixCell::Unnamed | MatrixCell::AbovePlan => {}
        MatrixCell::Allowed { implied_by } => write_implied(f, implied_by.as_ref().map(AsRef::as_ref))?,
        MatrixCell::Conditional { when, unless, implied_by } => {
            for condition in when {
                write_condition(f, "when", &condition.to_string())?;
            }
            for condition in unless {
                write_condition(f, "unless", &condition.to_string())?;
            }
            write_implied(f, implied_by.as_ref().map(AsRef::as_ref))?;
        }
        MatrixCell::Denied { unless_false } => {
            for condition in unless_false {
                write_condition(f, "when", &condition.to_string())?;
            }
        }
    }
    f.write_str("</td>")
}

fn write_condition(f: &mut fmt::Formatter<'_>, word: &str, condition: &str) -> fmt::Result {
    write!(f, "<p class=\"when\"><b>{word}</b> <code>{}</code></p>", Escaped(condition))
}

fn write_implied(f: &mut fmt::Formatter<'_>, by: Option<&str>) -> fmt::Result {
    by.map_or(Ok(()), |by| write!(f, "<p class=\"implied\">by <code>{}</code></p>", Escaped(by)))
}

impl MatrixRow {
    /// The type of resource that the permission is about.
    fn subject(&self) -> &str {
        self.key.as_str().rsplit_once(':').map_or("", |(subject, _)| subject)
    }
}

/// How much there is to look at.
struct Counts<'a>(&'a Matrix);

impl fmt::Display for Counts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of = |danger| self.0.rows.iter().filter(|row| row.danger == danger).count();
        let (rows, columns) = (self.0.rows.len(), self.0.columns.len());
        write!(
            f,
            "<p class=\"counts\">{rows} permissions, {} of them sensitive and {} critical, in {columns} columns.</p>",
            of(Danger::Sensitive),
            of(Danger::Critical),
        )
    }
}

/// Text as HTML shows it, between tags or in a quoted attribute.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '&' => f.write_str("&amp;"),
            '<' => f.write_str("&lt;"),
            '>' => f.write_str("&gt;"),
            '"' => f.write_str("&quot;"),
            '\'' => f.write_str("&#39;"),
            _ => f.write_char(character),
        })
    }
}
