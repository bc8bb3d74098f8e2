//! The design's arrows: which package may depend on which, and what must stay out of their trees.
//!
//! Three rules, each a function of what cargo says, so that each is tested against workspaces that break it:
//!
//! 1. [`layering`]: `examples, benches, xtask → facade → adapters → core` and `facade → storage → core`.
//!    Development dependencies count: a test that needs two sides belongs to the facade's `tests/`.
//! 2. [`purity`]: core has no async runtime, database, HTTP or framework beneath it, whatever its features.
//! 3. [`without_c`]: the facade's default features build nothing from C, SQLite aside.

use std::collections::BTreeSet;

use crate::{
    error::Error,
    step::Verdict,
    tree::Tree,
    workspace::{Layer, Package, Workspace},
};

/// Packages that core must not meet, by what they are. A trailing `*` stands for any ending.
const FORBIDDEN_IN_CORE: &[(&str, &[&str])] = &[
    (
        "an async runtime",
        &[
            "tokio",
            "tokio-*",
            "async-std",
            "async-executor",
            "async-global-executor",
            "async-io",
            "smol",
            "futures-executor",
            "glommio",
            "monoio",
            "compio*",
            "embassy-*",
            "mio",
        ],
    ),
    (
        "a database",
        &[
            "sqlx",
            "sqlx-*",
            "rusqlite",
            "libsqlite3-sys",
            "libsql*",
            "diesel*",
            "sea-orm*",
            "postgres*",
            "mysql*",
            "redis",
            "fred",
            "mongodb",
            "sled",
            "redb",
            "rocksdb",
            "heed",
            "deadpool*",
            "bb8*",
            "r2d2*",
        ],
    ),
    (
        "HTTP or the network",
        &[
            "http",
            "http-*",
            "httparse",
            "headers",
            "hyper*",
            "h2",
            "h3",
            "quinn*",
            "reqwest*",
            "ureq",
            "isahc",
            "curl*",
            "surf",
            "socket2",
            "rustls*",
            "native-tls",
            "openssl*",
        ],
    ),
    (
        "a framework",
        &[
            "axum*", "actix*", "tower*", "warp", "rocket*", "poem*", "salvo*", "tide", "tonic*", "juniper*",
            "utoipa*",
        ],
    ),
];

/// Packages that find or run a C compiler: whoever depends on one builds C.
const C_BUILDERS: &[&str] = &["cc", "cmake", "bindgen", "pkg-config", "vcpkg", "autotools", "system-deps"];

/// Packages that may link natively in the default features, and why.
const C_ALLOWED: &[(&str, &str)] = &[
    ("libsqlite3-sys", "SQLite, bundled, is the embedded store"),
    ("wasm-bindgen-shared", "no C: it says `links` so that two versions of it never meet"),
];

/// Checks all three rules and prints what was checked.
pub(crate) fn run() -> Result<Verdict, Error> {
    println!("arrows: {}", check()?);
    Ok(Verdict::Passed)
}

/// Checks all three rules; the answer says how much was looked at.
///
/// # Errors
/// [`Error::Broken`] with one line for each arrow that points the wrong way or leads to what isn't wanted.
pub(crate) fn check() -> Result<String, Error> {
    let workspace = Workspace::with_dependencies()?;
    let mut broken = layering(&workspace);
    let mut looked_at = format!(
        "{} packages of the workspace, {} arrows between them",
        workspace.members().count(),
        workspace.members().flat_map(|package| arrows(&workspace, package)).count(),
    );
    for package in workspace.members() {
        match workspace.layer(package) {
            Some(Layer::Core) => {
                let tree = Tree::of(&package.name, &["--all-features"])?;
                broken.extend(purity(&tree));
                looked_at += &format!("; {} packages in the tree of {}", tree.len(), package.name);
            }
            Some(Layer::Facade) => {
                let tree = Tree::of(&package.name, &[])?;
                broken.extend(without_c(&tree, workspace.packages()));
                looked_at += &format!("; {} in the default tree of {}", tree.len(), package.name);
            }
            _ => {}
        }
    }
    if broken.is_empty() { Ok(looked_at) } else { Err(Error::Broken(broken)) }
}

/// The members that a member names as dependencies of any kind, each with the words for that kind.
fn arrows<'a>(
    workspace: &'a Workspace,
    package: &'a Package,
) -> impl Iterator<Item = (&'a Package, String)> + 'a {
    package.dependencies.iter().filter_map(|dependency| {
        let target = workspace.target(dependency)?;
        (target.name != package.name).then(|| (target, dependency.to_string()))
    })
}

/// Rule 1: one line for each arrow that the design doesn't have, and each package that stands nowhere in it.
fn layering(workspace: &Workspace) -> Vec<String> {
    let mut broken = Vec::new();
    for package in workspace.members() {
        let Some(from) = workspace.layer(package) else {
            broken.push(format!("{}: its folder is none that the design knows", package.name));
            continue;
        };
        for (target, kind) in arrows(workspace, package) {
            let points_down = workspace.layer(target).is_some_and(|to| may_depend(from, to));
            if !points_down && !brings_along(workspace, package, target) {
                broken.push(format!("{} → {} ({kind}): {}", package.name, target.name, rule_for(from)));
            }
        }
    }
    broken
}

fn may_depend(from: Layer, to: Layer) -> bool {
    match from {
        Layer::Core | Layer::Measure => false,
        Layer::Storage | Layer::Adapter => to == Layer::Core,
        Layer::Facade => to < Layer::Facade,
        Layer::Example => to < Layer::Example,
        Layer::Tool => to < Layer::Example || to == Layer::Measure,
    }
}

/// Whether `target` is the stand-in for the outside world that an example brings along: `shop-provider`, which
/// the example `shop` runs as a process of its own.
fn brings_along(workspace: &Workspace, package: &Package, target: &Package) -> bool {
    let are_examples =
        [package, target].iter().all(|package| workspace.layer(package) == Some(Layer::Example));
    let rest = target.name.strip_prefix(package.name.as_str());
    are_examples && rest.is_some_and(|rest| rest.starts_with('-'))
}

fn rule_for(from: Layer) -> &'static str {
    match from {
        Layer::Core => "core depends on no other package of the workspace",
        Layer::Storage => {
            "storage depends on core only; what needs an adapter too belongs to the facade's tests"
        }
        Layer::Adapter => {
            "an adapter depends on core only; what needs storage too belongs to the facade's tests"
        }
        Layer::Facade => "the facade depends on adapters, storage and core only",
        Layer::Measure => {
            "benches/measure depends on no other package of the workspace: every comparison can have it"
        }
        Layer::Example | Layer::Tool => {
            "examples, benches and xtask depend on libraries only (and an example on what it brings along)"
        }
    }
}

/// Rule 2: the way to each package in core's tree that is a runtime, a database, HTTP or a framework.
fn purity(tree: &Tree) -> Vec<String> {
    let mut seen = BTreeSet::new();
    tree.nodes()
        .filter_map(|(place, node)| Some((place, node, what_is(&node.name)?)))
        .filter(|(_, node, _)| seen.insert(node.name.clone()))
        .map(|(place, node, what)| format!("{}: {} is {what}", tree.path(place), node.name))
        .collect()
}

fn what_is(name: &str) -> Option<&'static str> {
    let listed = |pattern: &&str| match pattern.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => name == *pattern,
    };
    FORBIDDEN_IN_CORE.iter().find(|(_, patterns)| patterns.iter().any(listed)).map(|(what, _)| *what)
}

/// Rule 3: the way to each package that links natively or builds C, except those allowed.
fn without_c(tree: &Tree, packages: &[Package]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut broken = Vec::new();
    for (place, node) in tree.nodes() {
        let links = packages
            .iter()
            .find(|package| package.name == node.name && package.version == node.version)
            .and_then(|package| package.links.as_deref());
        let found = if let Some(library) = links {
            Some((place, node, format!("links `{library}`")))
        } else if C_BUILDERS.contains(&node.name.as_str()) {
            tree.parent(place).map(|(above, parent)| (above, parent, format!("builds with `{}`", node.name)))
        } else {
            None
        };
        let Some((place, offender, how)) = found else { continue };
        let exempt = C_ALLOWED.iter().any(|(name, _)| *name == offender.name)
            || C_BUILDERS.contains(&offender.name.as_str());
        if !exempt && seen.insert(offender.name.clone()) {
            broken.push(format!("{}: {} {how}", tree.path(place), offender.name));
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::made_up;

    const MEMBERS: &[(&str, &str)] = &[
        ("", "tenantry"),
        ("crates/core", "tenantry-core"),
        ("crates/storage", "tenantry-storage"),
        ("crates/adapters/http", "tenantry-http"),
        ("crates/adapters/identity", "tenantry-identity"),
        ("examples/shop", "shop"),
        ("examples/shop-provider", "shop-provider"),
        ("examples/other", "other"),
        ("benches", "tenantry-benches"),
        ("benches/measure", "tenantry-bench-measure"),
    ];

    fn broken_by(from: &str, to: &str, kind: Option<&str>) -> Vec<String> {
        layering(&made_up::workspace(MEMBERS, &[(from, to, kind)]))
    }

    #[test]
    fn the_designs_own_arrows_pass() {
        let arrows = [
            ("tenantry-storage", "tenantry-core", None),
            ("tenantry-storage", "tenantry-core", Some("dev")),
            ("tenantry-http", "tenantry-core", None),
            ("tenantry-identity", "tenantry-core", None),
            ("tenantry", "tenantry-core", None),
            ("tenantry", "tenantry-storage", None),
            ("tenantry", "tenantry-http", None),
            ("tenantry", "tenantry-identity", Some("dev")),
            ("shop", "tenantry", None),
            ("shop", "tenantry-identity", None),
            ("shop", "shop-provider", None),
            ("tenantry-benches", "tenantry", None),
            ("tenantry-benches", "tenantry-bench-measure", None),
        ];
        assert_eq!(layering(&made_up::workspace(MEMBERS, &arrows)), Vec::<String>::new());
    }

    #[test]
    fn every_arrow_against_the_design_is_caught_and_named() {
        let wrong = [
            ("tenantry-core", "tenantry-storage"),
            ("tenantry-core", "tenantry-http"),
            ("tenantry-core", "tenantry"),
            ("tenantry-storage", "tenantry-http"),
            ("tenantry-storage", "tenantry"),
            ("tenantry-http", "tenantry-storage"),
            ("tenantry-http", "tenantry-identity"),
            ("tenantry-identity", "tenantry"),
            ("tenantry", "shop"),
            ("shop", "tenantry-benches"),
            ("shop", "other"),
            ("shop-provider", "shop"),
            ("other", "shop-provider"),
            ("tenantry-benches", "shop"),
            ("tenantry-bench-measure", "tenantry-core"),
            ("tenantry", "tenantry-bench-measure"),
            ("shop", "tenantry-bench-measure"),
        ];
        for (from, to) in wrong {
            for (kind, words) in
                [(None, "dependency"), (Some("dev"), "dev-dependency"), (Some("build"), "build-dependency")]
            {
                let broken = broken_by(from, to, kind);
                assert!(
                    matches!(broken.as_slice(), [line] if line.starts_with(&format!("{from} → {to} ({words}): "))),
                    "{from} → {to} ({words}): {broken:?}"
                );
            }
        }
    }

    #[test]
    fn a_package_in_a_folder_of_its_own_making_is_caught() {
        let broken = layering(&made_up::workspace(&[("crates/util", "odd")], &[]));
        assert_eq!(broken, ["odd: its folder is none that the design knows"]);
    }

    #[test]
    fn an_arrow_to_a_package_that_stands_nowhere_is_caught() {
        let members = [("", "tenantry"), ("crates/util", "odd")];
        let broken = layering(&made_up::workspace(&members, &[("tenantry", "odd", None)]));
        assert!(broken.iter().any(|line| line.starts_with("tenantry → odd (dependency): ")), "{broken:?}");
    }

    #[test]
    fn what_core_may_have_passes() {
        let tree = Tree::parse(
            "0tenantry-core v0.1.0\n1async-trait v0.1.92\n1uuid v1.29.1\n2getrandom v0.4.3\n3libc v0.2.191\n",
        );
        assert_eq!(purity(&tree.unwrap()), Vec::<String>::new());
    }

    #[test]
    fn what_core_may_not_have_is_caught_with_the_way_to_it() {
        let tree = Tree::parse(
            "0tenantry-core v0.1.0\n1handy v1.0.0\n2tokio v1.54.1\n3mio v1.0.0\n1sqlx-core v0.9.0\n\
             1http v1.5.0\n1tower-layer v0.3.3\n1other v1.0.0\n2tokio v1.54.1 (*)\n",
        );
        let expected = [
            "tenantry-core → handy → tokio: tokio is an async runtime",
            "tenantry-core → handy → tokio → mio: mio is an async runtime",
            "tenantry-core → sqlx-core: sqlx-core is a database",
            "tenantry-core → http: http is HTTP or the network",
            "tenantry-core → tower-layer: tower-layer is a framework",
        ];
        assert_eq!(purity(&tree.unwrap()), expected);
    }

    #[test]
    fn a_name_is_matched_whole_unless_the_list_says_otherwise() {
        assert_eq!(what_is("tokio-util"), Some("an async runtime"));
        assert_eq!(what_is("httpdate"), None);
        assert_eq!(what_is("tokiox"), None);
        assert_eq!(what_is("actix-web"), Some("a framework"));
    }

    fn external(name: &str, links: Option<&str>) -> Package {
        serde_json::from_value(serde_json::json!({
            "id": name, "name": name, "version": "1.0.0", "links": links, "features": {},
            "manifest_path": "/elsewhere/Cargo.toml", "dependencies": [],
        }))
        .unwrap()
    }

    #[test]
    fn sqlite_and_what_builds_it_pass() {
        let tree = Tree::parse(
            "0tenantry v0.1.0\n1libsqlite3-sys v1.0.0\n2cc v1.0.0\n3shlex v1.0.0\n2pkg-config v1.0.0\n2vcpkg v1.0.0\n",
        );
        let packages = [external("libsqlite3-sys", Some("sqlite3"))];
        assert_eq!(without_c(&tree.unwrap(), &packages), Vec::<String>::new());
    }

    #[test]
    fn other_c_is_caught_whether_it_links_or_only_builds() {
        let tree = Tree::parse(
            "0tenantry v0.1.0\n1libsqlite3-sys v1.0.0\n2cc v1.0.0\n1tls v1.0.0\n2ring v1.0.0\n3cc v1.0.0 (*)\n\
             2zstd-safe v1.0.0\n3cmake v1.0.0\n4cc v1.0.0 (*)\n",
        );
        let packages = [external("libsqlite3-sys", Some("sqlite3")), external("ring", Some("ring_core"))];
        let expected = [
            "tenantry → tls → ring: ring links `ring_core`",
            "tenantry → tls → zstd-safe: zstd-safe builds with `cmake`",
        ];
        assert_eq!(without_c(&tree.unwrap(), &packages), expected);
    }
}
