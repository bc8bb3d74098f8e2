//! A resource together with the decision about it, and never without.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use super::authority::Authority;
use super::condition::{Predicate, RequestFacts};
use super::permission::Permission;
use super::resource::Resource;

/// A resource that was loaded, and that nobody may look at yet.
///
/// Whatever loads resources for handlers returns this, so that a handler that forgets the check doesn't compile: the
/// one way to the resource is [`Unchecked::authorize`].
///
/// ```
/// use tenantry_core::{
///     Assignee, Authority, CallerFacts, Catalog, Denied, Holding, PrincipalId, Readable, RequestFacts, Resource, Role,
///     Scope, TenantId, Timestamp, Unchecked, UserId, Value, permissions,
/// };
///
/// permissions! {
///     /// See a document.
///     pub DocumentRead = "document:read";
///     /// Change a document.
///     pub DocumentEdit = "document:edit";
/// }
///
/// #[derive(Debug)]
/// struct Document {
///     id: i64,
///     text: String,
/// }
///
/// impl Resource for Document {
///     const TYPE: &'static str = "document";
///
///     fn id(&self) -> Value<'_> {
///         self.id.into()
///     }
///
///     fn attribute(&self, _: &str) -> Option<Value<'_>> {
///         None
///     }
/// }
///
/// impl Readable for Document {
///     type Read = DocumentRead;
/// }
///
/// let load = |id| Unchecked::new(Document { id, text: "Plans".to_owned() });
///
/// let catalog = Catalog::builder().permission::<DocumentRead>().permission::<DocumentEdit>().build()?;
/// let (tenant, user) = (TenantId::generate(), UserId::generate());
/// let reader = Role::new(tenant, "reader".parse()?, "Reader", vec!["document:read".parse()?], 1)?;
/// let held = vec![Holding::of(reader, Assignee::User(user)).on("document/1".parse()?)];
/// let caller = CallerFacts::of(PrincipalId::User(user), tenant);
/// let authority = Authority::of(&catalog, caller, held, &[Scope::all()]);
/// let request = RequestFacts::new(Timestamp::EPOCH, None);
///
/// let document = load(1).authorize::<DocumentRead>(&authority, &request)?;
/// assert_eq!(document.text, "Plans");
/// assert_eq!(load(1).authorize::<DocumentEdit>(&authority, &request).unwrap_err(), Denied::Forbidden);
/// assert_eq!(load(2).authorize::<DocumentEdit>(&authority, &request).unwrap_err(), Denied::Hidden);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Unchecked, it tells nothing:
///
/// ```compile_fail
/// fn leak(document: tenantry_core::Unchecked<String>) -> usize {
///     document.len()
/// }
/// ```
pub struct Unchecked<R>(R);

/// A resource that has a permission to see it, which tells "you may not" from "there is no such thing".
pub trait Readable: Resource {
    /// What it takes to know that the resource is there.
    type Read: Permission;
}

impl<R: Readable> Unchecked<R> {
    /// Wraps what was just loaded.
    #[must_use]
    pub const fn new(resource: R) -> Self {
        Self(resource)
    }

    /// The resource, if the principal may do `P` to it: [`Authority::require`].
    ///
    /// # Errors
    /// [`Denied::Forbidden`] where it may see the resource, [`Denied::Hidden`] where it may not, and
    /// [`Denied::NotInCatalog`] where the catalog has no `P` or no permission to read.
    pub fn authorize<P: Permission>(
        self,
        authority: &Authority,
        request: &RequestFacts,
    ) -> Result<Authorized<R, P>, Denied> {
        authority.require::<P, R>(&self.0, request)?;
        Ok(Authorized { resource: self.0, by: PhantomData })
    }
}

impl Authority {
    /// Refuses unless the principal may do `P` to the resource, and tells apart what it may not see.
    ///
    /// That `P` is about resources of this type (its key is `TYPE:…`) is checked when the program is compiled.
    ///
    /// # Errors
    /// [`Denied`].
    pub fn require<P: Permission, R: Readable>(
        &self,
        resource: &R,
        request: &RequestFacts,
    ) -> Result<(), Denied> {
        const {
            assert!(is_about(P::KEY, R::TYPE), "the permission isn't about resources of this type");
        };
        const {
            assert!(
                is_about(R::Read::KEY, R::TYPE),
                "the permission to read isn't about resources of this type"
            );
        };
        let (Some(asked), Some(read)) = (self.catalog.index::<P>(), self.catalog.index::<R::Read>()) else {
            return Err(Denied::NotInCatalog);
        };
        if self.check(asked, resource, request).is_allowed() {
            Ok(())
        } else if self.check(read, resource, request).is_allowed() {
            Err(Denied::Forbidden)
        } else {
            Err(Denied::Hidden)
        }
    }

    /// Which resources of type `R` the principal may do `P` to: [`Authority::filter`], for a permission by its type.
    /// One that the catalog doesn't have keeps nothing.
    ///
    /// That `P` is about resources of this type is checked when the program is compiled.
    #[must_use]
    pub fn filter_of<P: Permission, R: Resource>(&self, request: &RequestFacts) -> Predicate {
        const {
            assert!(is_about(P::KEY, R::TYPE), "the permission isn't about resources of this type");
        };
        let nothing = Predicate::Constant(Some(false));
        self.catalog.index::<P>().map_or(nothing, |asked| self.filter::<R>(asked, request))
    }
}

/// Tells nothing of what it holds.
impl<R: Resource> fmt::Debug for Unchecked<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unchecked<{}>", R::TYPE)
    }
}

/// A resource to which the principal may do `P`: from [`Unchecked::authorize`], and from nowhere else.
///
/// A function that changes a document takes `Authorized<Document, DocumentEdit>`, and so can't be called without the
/// decision.
pub struct Authorized<R, P> {
    resource: R,
    by: PhantomData<fn() -> P>,
}

impl<R, P> Authorized<R, P> {
    /// The resource, without the proof.
    #[must_use]
    pub fn into_inner(self) -> R {
        self.resource
    }
}

impl<R, P> Deref for Authorized<R, P> {
    type Target = R;

    fn deref(&self) -> &R {
        &self.resource
    }
}

impl<R: fmt::Debug, P: Permission> fmt::Debug for Authorized<R, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorized").field("resource", &self.resource).field("permission", &P::KEY).finish()
    }
}

/// Why a resource isn't handed out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Denied {
    /// The principal may not know that it exists: the answer is that of a resource that doesn't.
    #[error("there is no such resource")]
    Hidden,
    /// The principal may see it, but not do this to it.
    #[error("you may see this, but not do that to it: ask somebody who administers roles")]
    Forbidden,
    /// A mistake of the service: the catalog that the authority was made with lacks the permission.
    #[error("the catalog doesn't have the permission: add it where the catalog is built")]
    NotInCatalog,
}

/// Whether `key` is `TYPE:ACTION`.
const fn is_about(key: &str, of: &str) -> bool {
    let (mut key, mut of) = (key.as_bytes(), of.as_bytes());
    while let ([key_first, key_rest @ ..], [of_first, of_rest @ ..]) = (key, of) {
        if *key_first != *of_first {
            return false;
        }
        (key, of) = (key_rest, of_rest);
    }
    match (key, of) {
        ([b':', action @ ..], []) => is_segment(action),
        _ => false,
    }
}

const fn is_segment(mut text: &[u8]) -> bool {
    if text.is_empty() {
        return false;
    }
    while let [first, rest @ ..] = text {
        if *first == b':' {
            return false;
        }
        text = rest;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::is_about;

    #[test]
    fn a_permission_is_about_what_stands_before_its_last_segment() {
        for (key, of, expected) in [
            ("document:read", "document", true),
            ("billing:invoice:read", "billing:invoice", true),
            ("billing:invoice:read", "billing", false),
            ("documents:read", "document", false),
            ("document", "document", false),
            ("document:", "document", false),
            ("folder:read", "document", false),
        ] {
            assert_eq!(is_about(key, of), expected, "{key} about {of}");
        }
    }
}
