//! Whether the lines of a role mean anything, asked before it is stored.

use super::catalog::{Catalog, UnknownScope};
use super::condition::UnfitCondition;
use super::grant::Grant;

impl Catalog {
    /// Refuses lines whose scope matches nothing, and lines whose condition looks at what a resource that the scope is
    /// about doesn't have: for when a role is about to be stored, where either is a slip of the pen. One that was stored
    /// earlier and means nothing any more allows nothing; one that denies and can't be told denies.
    ///
    /// # Errors
    /// [`UnfitGrant`].
    pub fn check_grants(&self, grants: &[Grant]) -> Result<(), UnfitGrant> {
        let scopes: Vec<_> = grants.iter().map(|grant| grant.scope().clone()).collect();
        self.check_scopes(&scopes)?;
        grants.iter().try_for_each(|grant| self.check_condition(grant))
    }

    fn check_condition(&self, grant: &Grant) -> Result<(), UnfitGrant> {
        let Some(condition) = grant.condition() else { return Ok(()) };
        let named = self.iter().filter(|known| grant.scope().matches(known.key));
        named.into_iter().try_for_each(|known| {
            let fits = condition.fits(self.attributes(known.key), self.declared());
            fits.map_err(|why| UnfitGrant::Condition {
                grant: Box::new(grant.clone()),
                permission: known.key.to_string(),
                why,
            })
        })
    }
}

/// A line of a role that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnfitGrant {
    /// Its scope matches no permission.
    #[error(transparent)]
    Scope(#[from] UnknownScope),
    /// Its condition can't be told of what its scope is about.
    #[error("{grant:?} can't be told for {permission}: {why}")]
    Condition {
        /// The line.
        grant: Box<Grant>,
        /// The permission that the scope matches, on whose resources the condition can't be told.
        permission: String,
        /// Why not.
        why: UnfitCondition,
    },
}
