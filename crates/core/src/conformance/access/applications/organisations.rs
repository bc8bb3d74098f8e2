//! Organisations with teams and repositories; a cluster and its namespaces.

use super::{Application, shape};
use crate::Kind;
use crate::conformance::access::items::Schema;

pub(super) const REPOSITORIES: Application = Application {
    name: "repositories",
    text: include_str!("../../../../tests/golden/access/repositories.md"),
    permissions: repositories::declared,
    shapes: &[&shape::<Repo>()],
    caller: &[],
    request: &[],
};

mod repositories {
    crate::permissions! {
        pub(super) fn declared;

        /// Read a repository.
        pub(super) RepoRead = "repo:read";
        /// Triage its issues.
        pub(super) RepoTriage = "repo:triage", implies ["repo:read"];
        /// Write to it.
        pub(super) RepoWrite = "repo:write", implies ["repo:triage"];
        /// Maintain it.
        pub(super) RepoMaintain = "repo:maintain", implies ["repo:write"];
        /// Administer it.
        pub(super) RepoAdmin = "repo:admin", implies ["repo:maintain"];
    }
}

struct Repo;

impl Schema for Repo {
    const TYPE: &'static str = "repo";
}

pub(super) const REPOSITORY_ROLES: Application = Application {
    name: "repository_roles",
    text: include_str!("../../../../tests/golden/access/repository_roles.md"),
    permissions: actions::declared,
    shapes: &[&shape::<Repository>()],
    caller: &[],
    request: &[],
};

mod actions {
    crate::permissions! {
        pub(super) fn declared;

        /// Pull from a repository.
        pub(super) Pull = "repository:pull";
        /// Edit its wiki.
        pub(super) EditWiki = "repository:edit_wiki";
        /// Apply and dismiss labels.
        pub(super) ApplyLabel = "repository:apply_label";
        /// Create, edit and delete labels.
        pub(super) EditLabel = "repository:edit_label";
        /// Merge a pull request.
        pub(super) Merge = "repository:merge";
        /// Edit the description.
        pub(super) EditDescription = "repository:edit_description";
        /// Push to protected branches.
        pub(super) PushProtected = "repository:push_protected";
        /// Change the visibility.
        pub(super) ChangeVisibility = "repository:change_visibility", danger Critical;
        /// Delete a repository.
        pub(super) Delete = "repository:delete", danger Critical;
    }
}

struct Repository;

impl Schema for Repository {
    const TYPE: &'static str = "repository";
    const ID: Kind = Kind::Id;
    const ATTRIBUTES: &'static [(&'static str, Kind)] = &[("private", Kind::Bool)];
}

pub(super) const CLUSTER_NAMESPACES: Application = Application {
    name: "cluster_namespaces",
    text: include_str!("../../../../tests/golden/access/cluster_namespaces.md"),
    permissions: cluster::declared,
    shapes: &[
        &shape::<Pod>(),
        &shape::<PodLog>(),
        &shape::<Secret>(),
        &shape::<ConfigMap>(),
        &shape::<RoleObject>(),
        &shape::<Quota>(),
    ],
    caller: &[],
    request: &[],
};

mod cluster {
    crate::permissions! {
        pub(super) fn declared;

        /// Read a pod.
        pub(super) PodGet = "pod:get";
        /// Delete a pod.
        pub(super) PodDelete = "pod:delete";
        /// Read a pod's log.
        pub(super) PodLogGet = "pod:log:get";
        /// Read a secret.
        pub(super) SecretGet = "secret:get";
        /// Change a secret.
        pub(super) SecretUpdate = "secret:update";
        /// Read a config map.
        pub(super) ConfigMapGet = "configmap:get";
        /// Change a config map.
        pub(super) ConfigMapUpdate = "configmap:update";
        /// Delete a config map.
        pub(super) ConfigMapDelete = "configmap:delete";
        /// Change a role.
        pub(super) RoleUpdate = "role:update";
        /// Change a quota.
        pub(super) QuotaUpdate = "quota:update";
    }
}

struct Pod;

impl Schema for Pod {
    const TYPE: &'static str = "pod";
}

struct PodLog;

impl Schema for PodLog {
    const TYPE: &'static str = "pod:log";
}

struct Secret;

impl Schema for Secret {
    const TYPE: &'static str = "secret";
}

struct ConfigMap;

impl Schema for ConfigMap {
    const TYPE: &'static str = "configmap";
}

struct RoleObject;

impl Schema for RoleObject {
    const TYPE: &'static str = "role";
}

struct Quota;

impl Schema for Quota {
    const TYPE: &'static str = "quota";
}
