use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;

use tenantry_storage::{Rule, Severity};

const HEAD: &str = "\
# The boot audit

What PostgreSQL's catalogs say about how far tenants are kept apart, judged by the rules below, over the library's \
tables and the application's. It reads `pg_catalog` only, from any login, and changes nothing.

- **At start-up** the PostgreSQL store runs it and doesn't serve while a rule that *refuses* is broken.
- **In a test**, `tenantry_storage::audit(&pool, &scope).await?` answers an `AuditReport`: assert that `is_clean()`.
- **As a command**, print the report: each finding names its object, and gives the statement that mends it.

`AuditScope` names the four roles (*app* serves requests, *writer* is the write door, *admin* the bypass, *door* owns \
the definer functions and doesn't log in) and what is meant to be as it is. A table without `tenant_id` that holds \
nothing but what is public says so itself: `COMMENT ON TABLE catalogue IS 'tenantry: public'`. Objects that belong to \
an extension are left out, except for the functions of those that reach other servers.

In the statements `<names>` stand for the quoted names that a finding fills in. `<remake>` is the whole statement that \
drops a key and makes it again, `tenant_id` first.
";

fn page() -> String {
    let refuses = Rule::ALL.iter().filter(|rule| rule.severity() == Severity::Refuses).count();
    let mut page = String::from(HEAD);
    let _ = writeln!(
        page,
        "\n{} rules: {refuses} refuse, {} warn.\n\n| id | severity | what it means | how to mend it |\n| --- | --- | --- | --- |",
        Rule::ALL.len(),
        Rule::ALL.len() - refuses
    );
    for rule in Rule::ALL {
        let sql = if rule.sql().is_empty() { String::new() } else { format!(" `{}`", rule.sql()) };
        let _ = writeln!(
            page,
            "| `{}` | {} | {} | {}{sql} |",
            rule.id(),
            rule.severity(),
            rule.meaning(),
            rule.mend()
        );
    }
    page
}

/// Set `WRITE_BOOT_AUDIT_PAGE` to write the page anew.
#[test]
fn the_page_of_the_rules_says_what_the_code_does() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/boot-audit.md");
    if std::env::var_os("WRITE_BOOT_AUDIT_PAGE").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == page(),
        "docs/boot-audit.md is out of date: run this test with WRITE_BOOT_AUDIT_PAGE=1"
    );
}

#[test]
fn ids_are_stable_names_and_told_apart() {
    let ids: BTreeSet<&str> = Rule::ALL.iter().map(|rule| rule.id()).collect();
    assert_eq!(ids.len(), Rule::ALL.len());
    for rule in Rule::ALL {
        let id = rule.id();
        assert!(id.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-'), "{id}");
        assert!(rule.meaning().ends_with('.') && rule.mend().ends_with('.'), "{id}");
    }
}
