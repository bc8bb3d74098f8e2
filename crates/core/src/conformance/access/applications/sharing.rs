//! Documents, folders and photos that people share.

use super::{Application, shape};
use crate::Kind;
use crate::conformance::access::items::Schema;

pub(super) const DOCUMENTS_OF_ZANZIBAR: Application = Application {
    name: "documents_of_zanzibar",
    text: include_str!("../../../../tests/golden/access/documents_of_zanzibar.md"),
    permissions: zanzibar::declared,
    shapes: &[&shape::<Doc>(), &shape::<Folder>()],
    caller: &[],
    request: &[],
};

mod zanzibar {
    crate::permissions! {
        pub(super) fn declared;

        /// View a document.
        pub(super) DocView = "doc:view";
        /// Edit a document.
        pub(super) DocEdit = "doc:edit", implies ["doc:view"];
        /// Own a document.
        pub(super) DocOwn = "doc:own", implies ["doc:edit"];
        /// View a folder.
        pub(super) FolderView = "folder:view";
        /// Edit a folder.
        pub(super) FolderEdit = "folder:edit", implies ["folder:view"];
    }
}

struct Doc;

impl Schema for Doc {
    const TYPE: &'static str = "doc";
    const ATTRIBUTES: &'static [(&'static str, Kind)] = &[("parent", Kind::Text)];
    const CONTAINERS: &'static [(&'static str, &'static str)] = &[("parent", "folder")];
}

struct Folder;

impl Schema for Folder {
    const TYPE: &'static str = "folder";
}

pub(super) const DRIVE: Application = Application {
    name: "drive",
    text: include_str!("../../../../tests/golden/access/drive.md"),
    permissions: drive::declared,
    shapes: &[&shape::<File>(), &shape::<DriveFolder>()],
    caller: &[],
    request: &[],
};

mod drive {
    crate::permissions! {
        pub(super) fn declared;

        /// Read a document.
        pub(super) DocRead = "doc:read";
        /// Write to a document.
        pub(super) DocWrite = "doc:write";
        /// Share a document.
        pub(super) DocShare = "doc:share";
        /// Give a document to another owner.
        pub(super) DocChangeOwner = "doc:change_owner";
        /// View a folder.
        pub(super) FolderView = "folder:view";
        /// Create a file in a folder.
        pub(super) FolderCreateFile = "folder:create_file";
    }
}

struct File;

impl Schema for File {
    const TYPE: &'static str = "doc";
    const ID: Kind = Kind::Id;
    const ATTRIBUTES: &'static [(&'static str, Kind)] = &[("folder", Kind::Id), ("public", Kind::Bool)];
    const CONTAINERS: &'static [(&'static str, &'static str)] = &[("folder", "folder")];
}

struct DriveFolder;

impl Schema for DriveFolder {
    const TYPE: &'static str = "folder";
    const ID: Kind = Kind::Id;
}

pub(super) const PHOTOS: Application = Application {
    name: "photos",
    text: include_str!("../../../../tests/golden/access/photos.md"),
    permissions: photos::declared,
    shapes: &[&shape::<Photo>()],
    caller: &[("department", Kind::Text), ("level", Kind::Integer)],
    request: &[],
};

mod photos {
    crate::permissions! {
        pub(super) fn declared;

        /// View a photo.
        pub(super) PhotoView = "photo:view";
        /// Comment on a photo.
        pub(super) PhotoComment = "photo:comment";
        /// Edit a photo.
        pub(super) PhotoEdit = "photo:edit";
        /// Delete a photo.
        pub(super) PhotoDelete = "photo:delete";
    }
}

struct Photo;

impl Schema for Photo {
    const TYPE: &'static str = "photo";
    const ATTRIBUTES: &'static [(&'static str, Kind)] =
        &[("album", Kind::Text), ("owner", Kind::Id), ("private", Kind::Bool)];
    const CONTAINERS: &'static [(&'static str, &'static str)] = &[("album", "album")];
}
