//! What cargo says about the workspace: its packages, their features, and who names whom as a dependency.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::{cargo::Cargo, error::Error};

/// The part of `cargo metadata` that the commands read.
#[derive(Debug, Deserialize)]
pub(crate) struct Workspace {
    packages: Vec<Package>,
    workspace_members: Vec<String>,
    workspace_root: PathBuf,
    target_directory: PathBuf,
}

/// One package, of this workspace or from outside.
#[derive(Debug, Deserialize)]
pub(crate) struct Package {
    id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    manifest_path: PathBuf,
    /// The native library that it says it links, which cargo allows one package to say.
    pub(crate) links: Option<String>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
    pub(crate) dependencies: Vec<Dependency>,
    #[serde(default)]
    targets: Vec<Target>,
}

/// One thing that cargo builds of a package.
#[derive(Debug, Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// One line of a package's dependency tables.
#[derive(Debug, Deserialize)]
pub(crate) struct Dependency {
    kind: Option<Kind>,
    path: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Dev,
    Build,
}

/// Where a package stands in the design. Arrows point downwards only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Layer {
    /// `crates/core`: the model and the decisions.
    Core,
    /// `crates/storage`: the stores.
    Storage,
    /// `crates/adapters/…`: one crate for each outside world.
    Adapter,
    /// The root package, which users depend on.
    Facade,
    /// `examples/…`: the reference servers and what they speak to.
    Example,
    /// `benches/measure`: what the comparisons measure with, also those that are workspaces of their own.
    Measure,
    /// `benches` and `xtask`.
    Tool,
}

impl Workspace {
    /// Asks cargo about the packages of the workspace itself.
    pub(crate) fn members_only() -> Result<Self, Error> {
        Self::ask(&Cargo::new(["metadata", "--format-version", "1", "--no-deps"]))
    }

    /// Asks cargo about every package that the lock file names.
    pub(crate) fn with_dependencies() -> Result<Self, Error> {
        Self::ask(&Cargo::new(["metadata", "--format-version", "1", "--all-features"]))
    }

    fn ask(call: &Cargo) -> Result<Self, Error> {
        serde_json::from_str(&call.output()?).map_err(|error| call.unreadable(error))
    }

    /// Where cargo puts what it builds.
    pub(crate) fn target_folder(&self) -> &Path {
        &self.target_directory
    }

    /// Every package that cargo named.
    pub(crate) fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// The workspace's own packages.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.workspace_members.contains(&package.id))
    }

    /// The workspace's own packages that users can depend on.
    pub(crate) fn libraries(&self) -> impl Iterator<Item = &Package> {
        self.members().filter(|package| self.layer(package).is_some_and(|layer| layer <= Layer::Facade))
    }

    /// The member that a dependency leads to, if it leads to one. Its path decides, so renaming it hides nothing.
    pub(crate) fn target(&self, dependency: &Dependency) -> Option<&Package> {
        let path = dependency.path.as_deref()?;
        self.members().find(|package| package.folder() == path)
    }

    /// Where a member stands, told by its folder; `None` for a folder that the design doesn't know.
    pub(crate) fn layer(&self, package: &Package) -> Option<Layer> {
        let folder = package.folder().strip_prefix(&self.workspace_root).ok()?;
        let parts: Vec<&str> = folder.iter().filter_map(|part| part.to_str()).collect();
        match parts.as_slice() {
            [] => Some(Layer::Facade),
            ["crates", "core"] => Some(Layer::Core),
            ["crates", "storage"] => Some(Layer::Storage),
            ["crates", "adapters", _] => Some(Layer::Adapter),
            ["examples", _] => Some(Layer::Example),
            ["benches", "measure"] => Some(Layer::Measure),
            ["benches"] | ["xtask"] => Some(Layer::Tool),
            _ => None,
        }
    }

    /// The members that stand in one layer.
    pub(crate) fn members_of(&self, layer: Layer) -> impl Iterator<Item = &Package> {
        self.members().filter(move |package| self.layer(package) == Some(layer))
    }
}

impl Package {
    /// The names of its integration tests.
    pub(crate) fn integration_tests(&self) -> impl Iterator<Item = &str> {
        let tests = self.targets.iter().filter(|target| target.kind.iter().any(|kind| kind == "test"));
        tests.map(|target| target.name.as_str())
    }

    fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(&self.manifest_path)
    }
}

impl fmt::Display for Dependency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.kind {
            None => "dependency",
            Some(Kind::Dev) => "dev-dependency",
            Some(Kind::Build) => "build-dependency",
        })
    }
}

#[cfg(test)]
pub(crate) mod made_up {
    //! Workspaces that don't exist, for the tests of the rules.

    use serde_json::{Value, json};

    use super::Workspace;

    /// A workspace at `/w` of these (folder, name) members, with (from, to, kind) arrows between them by name.
    pub(crate) fn workspace(members: &[(&str, &str)], arrows: &[(&str, &str, Option<&str>)]) -> Workspace {
        let folder = |folder: &str| format!("/w/{folder}").trim_end_matches('/').to_owned();
        let folder_of =
            |name: &str| members.iter().find(|(_, known)| *known == name).map(|(at, _)| folder(at));
        let packages: Vec<Value> = members
            .iter()
            .map(|(at, name)| {
                let dependencies: Vec<Value> = arrows
                    .iter()
                    .filter(|(from, ..)| from == name)
                    .map(|(_, to, kind)| json!({ "name": to, "kind": kind, "path": folder_of(to) }))
                    .collect();
                json!({
                    "id": name, "name": name, "version": "0.1.0", "links": null, "features": {},
                    "manifest_path": format!("{}/Cargo.toml", folder(at)), "dependencies": dependencies,
                    "targets": [
                        { "name": format!("postgres_{name}"), "kind": ["test"] },
                        { "name": name, "kind": ["lib"] },
                        { "name": "memory", "kind": ["test"] },
                    ],
                })
            })
            .collect();
        let ids: Vec<&str> = members.iter().map(|(_, name)| *name).collect();
        let described = json!({
            "packages": packages, "workspace_members": ids, "workspace_root": "/w", "target_directory": "/w/target",
        });
        serde_json::from_value(described).unwrap()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_of_this_workspace_stands_somewhere() {
        let workspace = Workspace::members_only().unwrap();
        for package in workspace.members() {
            assert!(workspace.layer(package).is_some(), "{} stands in no layer", package.name);
        }
    }

    #[test]
    fn the_folder_tells_the_layer() {
        let members = [
            ("", "facade"),
            ("crates/core", "core"),
            ("crates/storage", "storage"),
            ("crates/adapters/http", "http"),
            ("examples/shop", "shop"),
            ("benches", "benches"),
            ("benches/measure", "measure"),
            ("tools/odd", "odd"),
        ];
        let workspace = made_up::workspace(&members, &[]);
        let layers: Vec<_> = workspace.members().map(|package| workspace.layer(package)).collect();
        let expected = [
            Some(Layer::Facade),
            Some(Layer::Core),
            Some(Layer::Storage),
            Some(Layer::Adapter),
            Some(Layer::Example),
            Some(Layer::Tool),
            Some(Layer::Measure),
            None,
        ];
        assert_eq!(layers, expected);
        let libraries: Vec<_> = workspace.libraries().map(|package| package.name.as_str()).collect();
        assert_eq!(libraries, ["facade", "core", "storage", "http"]);
        let examples: Vec<_> =
            workspace.members_of(Layer::Example).map(|package| package.name.as_str()).collect();
        assert_eq!(examples, ["shop"]);
    }
}
