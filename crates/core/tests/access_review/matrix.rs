//! The matrix: what its cells say is what checks answer, and what it shows is safe to look at.

use proptest::prelude::*;
use tenantry_core::{
    Assignee, Authority, CallerFacts, Extent, Facts, Holding, Matrix, MatrixCell, MatrixColumn, PrincipalId,
    Role,
};

use crate::world::{Document, HOME, catalog, index, request, role, scopes, user};

const LINES: [&str; 14] = [
    "*",
    "document:*",
    "*:read",
    "document:read",
    "document:share",
    "document:edit when resource.owner = caller.id",
    "document:share when resource.size < 5",
    "document:read when request.mfa_age <= 900",
    "billing:*:read",
    "deny document:delete",
    "deny document:read",
    "deny document:edit when resource.size > 6",
    "deny * when resource.owner != caller.id",
    "deny billing:*",
];

fn roles() -> Vec<Role> {
    vec![
        role("owner", "Owner", &["*"]),
        role("editor", "Editor", &["document:share", "folder:read", "deny document:delete"]),
        role(
            "author",
            "Author",
            &[
                "document:edit when resource.owner = caller.id",
                "document:edit when resource.size < 5",
                "billing:*",
            ],
        ),
        role("careful", "Careful", &["document:*", "deny document:delete when resource.size > 100"]),
        role(
            "nobody",
            "<script>alert('x')</script> & \"friends\"",
            &["deny folder:read when request.weekday in (6, 7)"],
        ),
    ]
}

fn matrix() -> Matrix {
    let (roles, catalog) = (roles(), catalog());
    let limited = MatrixColumn::of(&roles[0]).titled("owner, free").within(&[]);
    let free = scopes(&["document:*", "folder:read"]);
    let small = MatrixColumn::of(&roles[2]).titled("author, small").within(&free);
    Matrix::of_columns(&catalog, roles.iter().map(MatrixColumn::of).chain([limited, small]))
}

#[test]
fn the_text_says_each_thing_once() {
    let expected = "\
permission            owner  editor   author  careful  nobody   owner, free  author, small  danger     what it allows
billing:invoice:read  yes    -        yes     -        -        plan         plan           sensitive  Read invoices.
billing:read          yes    -        yes     -        -        plan         plan           ordinary   See what is owed.
document:delete       yes    deny     -       if       -        plan         -              critical   Delete a document.
document:edit         yes    implied  if      yes      -        plan         if             ordinary   Change a document.
document:read         yes    implied  if      yes      -        plan         if             ordinary   See a document.
document:share        yes    yes      -       yes      -        plan         -              sensitive  Hand a document to others.
folder:read           yes    yes      -       -        deny if  plan         -              ordinary   See a folder.
member:manage         yes    -        -       -        -        plan         -              critical   Give roles to people.

document:delete, careful: unless resource.size > 100
document:edit, editor: implied by document:share
document:edit, author: when resource.owner = caller.id, or when resource.size < 5
document:edit, author, small: when resource.owner = caller.id, or when resource.size < 5
document:read, editor: implied by document:share
document:read, author: when resource.owner = caller.id, or when resource.size < 5; implied by document:edit
document:read, author, small: when resource.owner = caller.id, or when resource.size < 5; implied by document:edit
folder:read, nobody: deny when request.weekday in (6, 7)

owner          role owner    no limit of a plan            \"Owner\"
editor         role editor   no limit of a plan            \"Editor\"
author         role author   no limit of a plan            \"Author\"
careful        role careful  no limit of a plan            \"Careful\"
nobody         role nobody   no limit of a plan            \"<script>alert('x')</script> & \\\"friends\\\"\"
owner, free    role owner    a plan of nothing             \"Owner\"
author, small  role author   plan document:*, folder:read  \"Author\"
";
    assert_eq!(matrix().to_string(), expected);
}

#[test]
fn one_line_of_policy_changes_one_line_of_the_table() {
    let before = Matrix::of(&catalog(), &[role("editor", "Editor", &["document:read"])]).to_string();
    let after =
        Matrix::of(&catalog(), &[role("editor", "Editor", &["document:read", "folder:read"])]).to_string();
    let changed = before.lines().zip(after.lines()).filter(|(one, two)| one != two);
    assert_eq!(changed.map(|(_, after)| &after[..11]).collect::<Vec<_>>(), ["folder:read"]);
    assert_eq!(before.lines().count(), after.lines().count());
}

#[test]
fn the_page_escapes_what_people_write_and_runs_nothing() {
    let page = matrix().to_html("<img src=x onerror=alert(1)> 'quoted'");
    assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("onerror=alert(1)>"));
    assert!(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;friends&quot;"));
    assert!(page.contains("&lt;img src=x onerror=alert(1)&gt; &#39;quoted&#39;"));
    assert!(page.contains("default-src 'none'"));
    for outside in ["http://", "https://", "url(", "@import", " src=", " href="] {
        let found = page.replace("&lt;img src=x", "").contains(outside);
        assert!(!found, "{outside}");
    }
    assert_eq!(page.matches("<td ").count(), matrix().rows().len() * matrix().columns().len());
}

#[test]
fn a_title_can_neither_break_the_table_nor_turn_its_text_around() {
    let odd = role("odd", "Odd \u{202e}eman", &["*"]);
    let text = Matrix::of_columns(&catalog(), [MatrixColumn::of(&odd).titled("a\nb\u{202e}c")]).to_string();
    assert!(text.lines().next().unwrap().contains(r"a\nb\u{202e}c"));
    assert!(text.is_ascii());
}

#[test]
fn it_is_json_too() {
    let json = serde_json::to_value(matrix()).unwrap();
    let row = json["rows"].as_array().unwrap().iter().find(|row| row["key"] == "document:delete").unwrap();
    assert_eq!(row["cells"][1], serde_json::json!({ "cell": "denied" }));
    assert_eq!(
        row["cells"][3],
        serde_json::json!({ "cell": "conditional", "unless": ["resource.size > 100"] })
    );
    assert_eq!(json["columns"][5]["plan"], serde_json::json!([]));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3_000))]

    #[test]
    fn a_cell_says_what_a_check_answers(
        lines in prop::collection::vec(prop::sample::select(&LINES[..]), 0..5),
        plan in prop::sample::select(vec!["*", "document:*", "*:read"]),
        owner in prop::option::of(1..3_u128), size in prop::option::of(0..9_i64),
    ) {
        let (catalog, plan) = (catalog(), scopes(&[plan]));
        let some = role("some", "Some", &lines);
        let caller = CallerFacts::of(PrincipalId::User(user(1)), HOME);
        let held = vec![Holding::of(some.clone(), Assignee::User(user(1)))];
        let authority = Authority::of(&catalog, caller.clone(), held, &plan);
        let document = Document { owner: owner.map(uuid::Uuid::from_u128), size, ..Document::numbered(1) };
        let request = request();
        let facts = Facts { caller: &caller, request: &request };
        for row in Matrix::of_columns(&catalog, [MatrixColumn::of(&some).within(&plan)]).rows() {
            let permission = index(row.key.as_str());
            let allowed = authority.check(permission, &document, &request).is_allowed();
            let is_told = match &row.cells[0] {
                MatrixCell::Allowed { .. } => authority.holds(permission) && allowed,
                MatrixCell::Conditional { when, unless, .. } => {
                    let extent = Extent::Conditional { when: when.clone(), unless: unless.clone() };
                    !authority.holds(permission) && allowed == extent.holds(Some(&document), &facts)
                }
                _ => !authority.may_hold(permission) && !allowed,
            };
            prop_assert!(is_told, "{:?} of {:?}, allowed: {allowed}", row, lines);
        }
    }
}
