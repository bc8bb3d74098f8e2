use std::fmt;

use super::{Rule, Severity};

/// What the boot audit found.
///
/// Its `Display` is a line for each finding with its mend below it, the gravest first, and a line that counts them.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a report that nobody reads refuses nothing"]
pub struct AuditReport {
    /// The findings: refusals before warnings, in the order of the catalogue, then by object.
    pub findings: Vec<Finding>,
    /// How many tables, views and sequences were looked at: 0 means that the scope or the database is the wrong one.
    pub relations: usize,
}

impl AuditReport {
    pub(super) fn of(mut findings: Vec<Finding>, relations: usize) -> Self {
        findings.sort_by(|a, b| {
            (a.severity, a.rule, &a.object, &a.detail).cmp(&(b.severity, b.rule, &b.object, &b.detail))
        });
        findings.dedup();
        Self { findings, relations }
    }

    /// Whether there is nothing to say, not even a warning.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.findings.is_empty()
    }

    /// The findings that forbid to serve.
    pub fn refusals(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Refuses)
    }

    /// The findings that only warn.
    pub fn warnings(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.severity == Severity::Warns)
    }

    /// Whether nothing forbids to serve.
    #[must_use]
    pub fn may_serve(&self) -> bool {
        self.refusals().next().is_none()
    }
}

impl fmt::Display for AuditReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for finding in &self.findings {
            writeln!(f, "{finding}")?;
        }
        let (refusals, warnings) = (self.refusals().count(), self.warnings().count());
        write!(f, "{refusals} to mend before serving, {warnings} to mind; looked at {}", self.relations)
    }
}

/// One object that breaks one rule.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// How grave it is here: the rule's own severity, unless the scope makes it graver.
    pub severity: Severity,
    /// The object's name, quoted as in SQL where it needs to be.
    pub object: String,
    /// What was found.
    pub detail: String,
    /// The statement that mends it, names filled in; empty where only [`Rule::mend`] can say.
    pub sql: String,
}

impl Finding {
    /// A finding whose statement is the rule's, with `names` (such as `("table", "public.listings")`) filled in.
    pub(super) fn new(rule: Rule, object: &str, detail: impl Into<String>, names: &[(&str, &str)]) -> Self {
        Self {
            rule,
            severity: rule.severity(),
            object: object.to_owned(),
            detail: detail.into(),
            sql: fill(rule.sql(), names),
        }
    }

    pub(super) fn refusing(mut self) -> Self {
        self.severity = Severity::Refuses;
        self
    }

    pub(super) fn in_words_only(mut self) -> Self {
        self.sql = String::new();
        self
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}: {}", self.severity, self.rule, self.object, self.detail)?;
        write!(f, "\n    mend: {}", self.rule.mend())?;
        if !self.sql.is_empty() {
            write!(f, "\n    {}", self.sql)?;
        }
        Ok(())
    }
}

/// Fills the `<names>` of a template in one pass, so that a name that looks like a blank stays what it is.
fn fill(template: &str, names: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(template.len() + 64);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('<') {
        filled.push_str(before);
        let known = after.split_once('>').and_then(|(blank, after)| {
            names.iter().find(|(name, _)| *name == blank).map(|(_, value)| (*value, after))
        });
        match known {
            Some((value, after)) => {
                filled.push_str(value);
                rest = after;
            }
            None => {
                filled.push('<');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_filled_in_once() {
        let names = [("table", "public.\"<role>\""), ("role", "app")];
        assert_eq!(
            fill("REVOKE ALL ON <table> FROM <role>;", &names),
            "REVOKE ALL ON public.\"<role>\" FROM app;"
        );
        assert_eq!(fill("a < b, <other>", &names), "a < b, <other>");
    }

    #[test]
    fn refusals_come_first_and_are_counted() {
        let report = AuditReport::of(
            vec![
                Finding::new(
                    Rule::SequenceOpen,
                    "public.s",
                    "SELECT",
                    &[("sequence", "public.s"), ("role", "app")],
                ),
                Finding::new(Rule::RowSecurityOff, "public.t", "off", &[("table", "public.t")]),
            ],
            2,
        );
        assert!(!report.is_clean() && !report.may_serve());
        assert_eq!(report.refusals().count(), 1);
        let text = report.to_string();
        assert!(text.starts_with("refuses row-security-off: public.t: off\n"), "{text}");
        assert!(text.contains("\n    ALTER TABLE public.t ENABLE ROW LEVEL SECURITY;\n"), "{text}");
        assert!(text.ends_with("1 to mend before serving, 1 to mind; looked at 2"), "{text}");
    }
}
