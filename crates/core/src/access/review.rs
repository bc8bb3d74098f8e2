//! Who can: everybody who holds a permission on a resource, and through what.

use std::fmt;

use serde::Serialize;

use super::authority::Authority;
use super::condition::RequestFacts;
use super::evaluate::Question;
use super::explain::Path;
use super::holding::PrincipalId;
use super::permission_set::PermissionIndex;
use super::resource::{NoResource, Resource};
use crate::store::{Cursor, Page, PageRequest};

/// Somebody who may, and every way in which they may: whoever is to lose it must lose all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Holder {
    /// Who.
    pub principal: PrincipalId,
    /// Who acts as the principal, where somebody does; that one may too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<PrincipalId>,
    /// The lines that allow it, each on its own; at most [`Holder::MAX_PATHS`].
    pub through: Vec<Path>,
    /// How many more lines allow it.
    pub more: usize,
}

impl Holder {
    /// The most lines that are named.
    pub const MAX_PATHS: usize = 16;
}

/// Who of these may do this to `resource` in such a request, ordered by the text of the principal; a page of them.
///
/// Each is asked by [`Authority::check`], so that whoever is on the list may, and whoever isn't may not. The list names
/// roles, teams and conditions of the tenant: show it to those who may read them.
///
/// ```
/// use tenantry_core::{
///     AccessDocument, AssignmentEntry, Assignee, Catalog, Kind, PageRequest, RequestFacts, Resource, Role, Scope, Target,
///     TenantId, Timestamp, UserId, Value, permissions, review,
/// };
///
/// permissions! {
///     /// Change listings.
///     pub ListingEdit = "listing:edit";
/// }
///
/// struct Listing(i64);
///
/// impl Resource for Listing {
///     const TYPE: &'static str = "listing";
///     const ID: Kind = Kind::Integer;
///
///     fn id(&self) -> Value<'_> {
///         self.0.into()
///     }
///
///     fn attribute(&self, _: &str) -> Option<Value<'_>> {
///         None
///     }
/// }
///
/// let catalog = Catalog::builder().permission::<ListingEdit>().build()?;
/// let (tenant, user) = (TenantId::generate(), UserId::generate());
/// let editor = Role::new(tenant, "editor".parse()?, "Editor", vec!["listing:*".parse()?], 1)?;
/// let held = AssignmentEntry {
///     role: editor.key().clone(),
///     assignee: Assignee::User(user),
///     on: Target::Resource("listing/42".parse()?),
///     descends: false,
/// };
/// let document = AccessDocument::new(vec![(&editor).into()], vec![], vec![held])?;
///
/// let everybody = document.authorities(&catalog, tenant, &[Scope::all()]);
/// let edit = catalog.index::<ListingEdit>().ok_or("not in the catalog")?;
/// let request = RequestFacts::new(Timestamp::EPOCH, None);
/// let editors = review(&everybody, edit, &Listing(42), &request, &PageRequest::first());
/// assert_eq!(editors.items.len(), 1);
/// assert_eq!(editors.items[0].through[0].role.as_str(), "editor");
/// assert!(review(&everybody, edit, &Listing(43), &request, &PageRequest::first()).items.is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use]
pub fn review<'a, R: Resource>(
    authorities: impl IntoIterator<Item = &'a Authority>,
    permission: PermissionIndex,
    resource: &R,
    request: &RequestFacts,
    page: &PageRequest,
) -> Page<Holder> {
    holders(authorities, &Question { permission, resource: Some(resource), request }, page)
}

/// The same where there is no resource: who may make one, or do this to the tenant as a whole.
#[must_use]
pub fn review_tenant<'a>(
    authorities: impl IntoIterator<Item = &'a Authority>,
    permission: PermissionIndex,
    request: &RequestFacts,
    page: &PageRequest,
) -> Page<Holder> {
    holders(authorities, &Question::<NoResource> { permission, resource: None, request }, page)
}

fn holders<'a, R: Resource>(
    authorities: impl IntoIterator<Item = &'a Authority>,
    question: &Question<'_, R>,
    page: &PageRequest,
) -> Page<Holder> {
    let named =
        authorities.into_iter().map(|authority| (authority.caller().principal().to_string(), authority));
    let is_after = |name: &str| page.after().is_none_or(|after| name > after.as_str());
    let mut following: Vec<(String, &Authority)> = named.filter(|(name, _)| is_after(name)).collect();
    following.sort_by(|(one, _), (two, _)| one.cmp(two));
    let may = following.iter().filter(|(_, authority)| authority.answer(question).is_allowed());
    let one_more = usize::from(page.limit()).saturating_add(1);
    let holders = may.take(one_more).map(|(_, authority)| Holder::of(authority, question)).collect();
    Page::of(holders, page.limit(), |holder: &Holder| Cursor::after_key(&[&holder.principal]))
}

impl Holder {
    fn of<R: Resource>(authority: &Authority, question: &Question<'_, R>) -> Self {
        let rules = authority.allowing(question).into_iter();
        let mut through: Vec<Path> =
            rules.filter_map(|rule| authority.path(rule, question.permission)).collect();
        let more = through.len().saturating_sub(Self::MAX_PATHS);
        through.truncate(Self::MAX_PATHS);
        Self {
            principal: authority.caller().principal(),
            actor: authority.limit.as_ref().map(|actor| actor.caller().principal()),
            through,
            more,
        }
    }
}

/// As a line for each way.
impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.principal)?;
        if let Some(actor) = &self.actor {
            write!(f, ", as whom {actor} acts")?;
        }
        self.through.iter().try_for_each(|path| write!(f, "\n  {path}"))?;
        if self.more == 0 { Ok(()) } else { write!(f, "\n  and {} more ways", self.more) }
    }
}
