//! Which ones: a permission as a predicate over the rows of a table.

use super::authority::Authority;
use super::compiled_role::Sort;
use super::condition::{Facts, Kind, Literal, Predicate, RequestFacts};
use super::grant::Effect;
use super::held::Rule;
use super::holding::Holding;
use super::permission_set::PermissionIndex;
use super::resource::{Resource, ResourceRef, expect_containers};

impl Authority {
    /// Which resources of type `R` the principal may do this to, as a predicate that a store turns into SQL.
    ///
    /// It keeps exactly the resources for which [`Authority::check`] allows. It says nothing of tenants: a filter is
    /// for rows of the caller's tenant.
    ///
    /// ```
    /// use tenantry_core::{
    ///     Assignee, Authority, CallerFacts, Catalog, Holding, Kind, Predicate, PrincipalId, RequestFacts, Resource, Role,
    ///     Scope, TenantId, Timestamp, UserId, Value, permissions,
    /// };
    /// use uuid::Uuid;
    ///
    /// permissions! {
    ///     /// Change listings.
    ///     pub ListingEdit = "listing:edit";
    /// }
    ///
    /// struct Listing {
    ///     id: Uuid,
    ///     seller: Uuid,
    /// }
    ///
    /// impl Resource for Listing {
    ///     const TYPE: &'static str = "listing";
    ///     const ATTRIBUTES: &'static [(&'static str, Kind)] = &[("seller", Kind::Id)];
    ///
    ///     fn id(&self) -> Value<'_> {
    ///         self.id.into()
    ///     }
    ///
    ///     fn attribute(&self, name: &str) -> Option<Value<'_>> {
    ///         if name == "seller" { Some(self.seller.into()) } else { None }
    ///     }
    /// }
    ///
    /// let catalog = Catalog::builder().permission::<ListingEdit>().build()?;
    /// let (tenant, user) = (TenantId::generate(), UserId::generate());
    /// let own = "listing:edit when resource.seller = caller.id".parse()?;
    /// let role = Role::new(tenant, "seller".parse()?, "Seller", vec![own], 1)?;
    /// let caller = CallerFacts::of(PrincipalId::User(user), tenant);
    /// let held = vec![Holding::of(role, Assignee::User(user))];
    /// let authority = Authority::of(&catalog, caller, held, &[Scope::all()]);
    ///
    /// let edit = catalog.index::<ListingEdit>().ok_or("not in the catalog")?;
    /// let request = RequestFacts::new(Timestamp::EPOCH, None);
    /// let mine = Listing { id: Uuid::from_u128(1), seller: user.as_uuid() };
    /// let theirs = Listing { id: Uuid::from_u128(2), seller: Uuid::from_u128(9) };
    /// let filter = authority.filter::<Listing>(edit, &request);
    /// assert_eq!(filter.evaluate(&mine), Some(true));
    /// assert_eq!(filter.evaluate(&theirs), Some(false));
    /// assert!(authority.check(edit, &mine, &request).is_allowed());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn filter<R: Resource>(&self, permission: PermissionIndex, request: &RequestFacts) -> Predicate {
        if self.holds(permission) {
            return Predicate::EVERYTHING;
        }
        if !self.may_hold(permission) {
            return Predicate::Constant(Some(false));
        }
        let facts = Facts { caller: self.caller(), request };
        let denied = self.any_of::<R>(Effect::Deny, permission, &facts);
        let allowed = self.any_of::<R>(Effect::Allow, permission, &facts);
        let limit = self.limit.as_ref().map(|limit| limit.filter::<R>(permission, request));
        Predicate::all([allowed, !denied].into_iter().chain(limit))
    }

    /// Where at least one of the rules applies. The resources of rules without a condition make one list for each
    /// attribute.
    fn any_of<R: Resource>(
        &self,
        effect: Effect,
        permission: PermissionIndex,
        facts: &Facts<'_>,
    ) -> Predicate {
        let when = |rule: Rule<'_>| {
            let condition = rule.grant.condition();
            condition.map_or(Predicate::EVERYTHING, |when| when.predicate(facts).fitted::<R>())
        };
        let sorts = [Sort::Plain, Sort::Conditional].into_iter();
        let general = sorts.flat_map(|sort| {
            self.held.general().flat_map(move |held| held.naming(effect, sort, permission)).map(when)
        });
        let of_rows = places::<R>().flat_map(|place| {
            let there = self.held.targeted().filter(|(on, held)| place.holds(on, held.holding));
            let literals = there.filter_map(|(on, held)| Some((place.literal(on)?, held)));
            let (mut listed, mut single) = (Vec::new(), Vec::new());
            for (literal, held) in literals {
                if held.naming(effect, Sort::Plain, permission).next().is_some() {
                    listed.push(literal.clone());
                }
                let conditional = held.naming(effect, Sort::Conditional, permission);
                single.extend(
                    conditional
                        .map(|rule| Predicate::all([place.is_one_of(vec![literal.clone()]), when(rule)])),
                );
            }
            // Those of one resource stand side by side.
            listed.dedup();
            single.push(place.is_one_of(listed));
            single
        });
        Predicate::any(general.chain(of_rows))
    }
}

/// Where a row names a resource on which a role may be assigned: itself, or what contains it.
#[derive(Clone, Copy)]
struct Place {
    attribute: &'static str,
    of: &'static str,
    kind: Kind,
    is_container: bool,
}

fn places<R: Resource>() -> impl Iterator<Item = Place> {
    expect_containers::<R>();
    let own = Place { attribute: "id", of: R::TYPE, kind: R::ID, is_container: false };
    let containers = R::CONTAINERS.iter().filter_map(|(attribute, of)| {
        let kind = R::ATTRIBUTES.iter().find(|(name, _)| name == attribute).map(|(_, kind)| *kind)?;
        Some(Place { attribute, of, kind, is_container: true })
    });
    std::iter::once(own).chain(containers)
}

impl Place {
    fn holds(&self, on: &ResourceRef, held: &Holding) -> bool {
        on.of() == self.of && (held.descends || !self.is_container)
    }

    /// Whether the row names one of these; false, and not unknown, where it names nothing.
    fn is_one_of(&self, values: Vec<Literal>) -> Predicate {
        let is_in = Predicate::is_in(self.attribute, values);
        if self.is_container && !matches!(is_in, Predicate::Constant(_)) {
            Predicate::all([Predicate::Present { attribute: self.attribute.into() }, is_in])
        } else {
            is_in
        }
    }

    fn literal(&self, on: &ResourceRef) -> Option<Literal> {
        let value = on.id().value();
        (value.kind() == self.kind).then(|| value.to_literal())
    }
}
