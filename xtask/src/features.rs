//! Each feature of each library package alone: what a user builds who asks for one thing only.

use crate::{
    cargo::Cargo,
    workspace::{Package, Workspace},
};

/// One library package with one choice of features.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Case {
    package: String,
    feature: Option<String>,
}

impl Case {
    /// Every case of the workspace: each library with no feature at all, then with each that it declares.
    pub(crate) fn all(workspace: &Workspace) -> Vec<Self> {
        workspace.libraries().flat_map(Self::of).collect()
    }

    fn of(package: &Package) -> impl Iterator<Item = Self> {
        let choices = std::iter::once(None).chain(package.features.keys().cloned().map(Some));
        choices.map(|feature| Self { package: package.name.clone(), feature })
    }

    /// What to call it in the list of steps.
    pub(crate) fn name(&self) -> String {
        match &self.feature {
            None => format!("{} without features", self.package),
            Some(feature) => format!("{} with `{feature}`", self.package),
        }
    }

    /// The call that checks it. Warnings are denied through clippy's own arguments rather than `RUSTFLAGS`,
    /// which would build every dependency anew.
    pub(crate) fn call(&self) -> Cargo {
        let call = Cargo::new(["clippy", "--package", &self.package, "--no-default-features"]);
        let call = match &self.feature {
            None => call,
            Some(feature) => call.and(["--features", feature]),
        };
        call.and(["--", "-D", "warnings"])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::made_up;

    #[test]
    fn programs_are_left_out_and_libraries_begin_bare() {
        let workspace = made_up::workspace(
            &[("", "tenantry"), ("crates/core", "tenantry-core"), ("xtask", "xtask")],
            &[],
        );
        let names: Vec<_> = Case::all(&workspace).iter().map(Case::name).collect();
        assert_eq!(names, ["tenantry without features", "tenantry-core without features"]);
    }

    #[test]
    fn each_feature_of_this_workspace_is_a_case() {
        let cases = Case::all(&Workspace::members_only().unwrap());
        let sqlite = Case { package: "tenantry-storage".into(), feature: Some("sqlite".into()) };
        assert!(cases.contains(&sqlite));
        assert_eq!(
            sqlite.call().to_string(),
            "cargo clippy --package tenantry-storage --no-default-features --features sqlite -- -D warnings"
        );
    }
}
