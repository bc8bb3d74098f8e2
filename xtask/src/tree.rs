//! What `cargo tree` says: which packages come along with one, and by which path.

use std::collections::BTreeSet;

use crate::{cargo::Cargo, error::Error};

/// A package and everything that is built for it on any platform, development dependencies aside.
///
/// The lines of `cargo tree` in its order: a package's dependencies follow it, one deeper. A package met again
/// is listed again, without what lies beneath.
#[derive(Debug)]
pub(crate) struct Tree {
    nodes: Vec<Node>,
}

/// One line of the tree.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Node {
    depth: usize,
    pub(crate) name: String,
    pub(crate) version: String,
}

impl Tree {
    /// Asks cargo for the tree of one package, with cargo's own flags for its features.
    pub(crate) fn of(package: &str, features: &[&str]) -> Result<Self, Error> {
        let call = Cargo::new(["tree", "--package", package, "--edges", "normal,build"])
            .and(["--target", "all", "--prefix", "depth", "--charset", "ascii"])
            .and(features.iter().copied());
        let tree = Self::parse(&call.output()?).map_err(|line| call.unreadable(format!("`{line}`")))?;
        match tree.nodes.first() {
            Some(root) if root.name == package => Ok(tree),
            _ => Err(call.unreadable(format!("`{package}` isn't at its root"))),
        }
    }

    /// Reads lines such as `2getrandom v0.4.3`; the error is the line that isn't one.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let lines = text.lines().filter(|line| !line.is_empty());
        let nodes = lines.map(|line| Node::parse(line).ok_or_else(|| line.to_owned()));
        Ok(Self { nodes: nodes.collect::<Result<_, _>>()? })
    }

    /// Every line, each with its place for [`Tree::path`].
    pub(crate) fn nodes(&self) -> impl Iterator<Item = (usize, &Node)> {
        self.nodes.iter().enumerate()
    }

    /// How many packages there are, each version counted once.
    pub(crate) fn len(&self) -> usize {
        self.nodes.iter().map(|node| (&node.name, &node.version)).collect::<BTreeSet<_>>().len()
    }

    /// The package that a line's package is a dependency of, on that line.
    pub(crate) fn parent(&self, place: usize) -> Option<(usize, &Node)> {
        let above = self.nodes.get(place)?.depth.checked_sub(1)?;
        let before = self.nodes.iter().enumerate().take(place);
        before.rev().find(|(_, node)| node.depth == above)
    }

    /// The way from the root to a line: `tenantry-core → uuid → getrandom`.
    pub(crate) fn path(&self, place: usize) -> String {
        let mut names: Vec<&str> = self.nodes.get(place).map(|node| node.name.as_str()).into_iter().collect();
        let mut at = place;
        while let Some((above, node)) = self.parent(at) {
            names.push(&node.name);
            at = above;
        }
        names.reverse();
        names.join(" → ")
    }
}

impl Node {
    fn parse(line: &str) -> Option<Self> {
        let name_at = line.find(|character: char| !character.is_ascii_digit())?;
        let (depth, package) = line.split_at(name_at);
        let mut words = package.split_whitespace();
        let name = words.next()?.to_owned();
        let version = words.next()?.strip_prefix('v')?.to_owned();
        Some(Self { depth: depth.parse().ok()?, name, version })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
0tenantry-core v0.1.0 (/w/crates/core)
1async-trait v0.1.92 (proc-macro)
2syn v3.0.9
1uuid v1.29.1
2getrandom v0.4.3
3libc v0.2.191
2syn v3.0.9 (*)
";

    #[test]
    fn a_path_leads_from_the_root_to_the_line() {
        let tree = Tree::parse(TEXT).unwrap();
        assert_eq!(tree.path(5), "tenantry-core → uuid → getrandom → libc");
        assert_eq!(tree.path(6), "tenantry-core → uuid → syn");
        assert_eq!(tree.path(0), "tenantry-core");
    }

    #[test]
    fn a_package_met_twice_counts_once() {
        assert_eq!(Tree::parse(TEXT).unwrap().len(), 6);
    }

    #[test]
    fn a_line_in_another_form_is_an_error_rather_than_skipped() {
        assert_eq!(Tree::parse("0core v0.1.0\n|-- syn v3.0.9\n").unwrap_err(), "|-- syn v3.0.9");
        assert_eq!(Tree::parse("0core\n").unwrap_err(), "0core");
    }

    #[test]
    fn cargo_still_prints_this_form() {
        let tree = Tree::of("xtask", &[]).unwrap();
        assert!(tree.nodes().any(|(_, node)| node.name == "serde_json"));
    }
}
