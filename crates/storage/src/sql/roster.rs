/// Who belongs to a tenant and what it has assigned, which is read the same on every database; but for who is let in from
/// above, for which each has a statement of its own.
macro_rules! implement_roster {
    ($store:ty, $principals_above:path) => {
        #[async_trait::async_trait]
        impl tenantry_core::AccessReader for $store {
            async fn role(
                &self,
                scope: tenantry_core::ReadScope,
                key: &tenantry_core::RoleKey,
            ) -> Result<Option<tenantry_core::Role>, tenantry_core::Unavailable> {
                use $crate::sql::{Reads as _, RoleRow, list};
                self.one_of::<RoleRow>(scope.tenant(), list::role(scope.tenant(), key), "read a role").await
            }

            async fn assigned(
                &self,
                scope: tenantry_core::ReadScope,
                assignee: tenantry_core::Assignee,
            ) -> Result<Vec<tenantry_core::Holding>, tenantry_core::Unavailable> {
                use $crate::sql::{HoldingRow, Reads as _, list};
                let ask = list::assigned(scope.tenant(), assignee);
                self.all_of::<HoldingRow>(scope.tenant(), ask, "read what is assigned").await
            }

            async fn assignments_of(
                &self,
                scope: tenantry_core::ReadScope,
                role: &tenantry_core::RoleKey,
                reach: tenantry_core::Reach,
                limit: u16,
            ) -> Result<Vec<tenantry_core::Assignment>, tenantry_core::Unavailable> {
                use $crate::sql::{AssignmentRow, Reads as _, list};
                let ask = list::assignments_of(scope.tenant(), role, reach, limit);
                self.all_of::<AssignmentRow>(scope.tenant(), ask, "read who has a role").await
            }

            async fn roles(
                &self,
                scope: tenantry_core::ReadScope,
                page: &tenantry_core::PageRequest,
            ) -> Result<tenantry_core::Page<tenantry_core::Role>, tenantry_core::Unavailable> {
                use $crate::sql::{Listing, Reads as _, RoleRow, list, nothing};
                let first = Listing::of(page, String::new(), |cursor| Some(cursor.as_str().to_owned()));
                let Some(listing) = first else { return Ok(nothing()) };
                let ask = list::roles(scope.tenant(), &listing);
                let roles = self.all_of::<RoleRow>(scope.tenant(), ask, "list roles").await?;
                Ok(listing.page(roles, |role| tenantry_core::Cursor::after_key(&[role.key()])))
            }

            async fn assignments(
                &self,
                scope: tenantry_core::ReadScope,
                page: &tenantry_core::PageRequest,
            ) -> Result<tenantry_core::Page<tenantry_core::Assignment>, tenantry_core::Unavailable> {
                use $crate::sql::{AssignmentPlace, AssignmentRow, Listing, Reads as _, list, nothing};
                let first = Listing::of(page, AssignmentPlace::default(), AssignmentPlace::read);
                let Some(listing) = first else { return Ok(nothing()) };
                let ask = list::assignments(scope.tenant(), &listing);
                let found = self.all_of::<AssignmentRow>(scope.tenant(), ask, "list assignments").await?;
                Ok(listing.page(found, AssignmentPlace::cursor))
            }

            async fn members(
                &self,
                scope: tenantry_core::ReadScope,
                page: &tenantry_core::PageRequest,
            ) -> Result<tenantry_core::Page<tenantry_core::Membership>, tenantry_core::Unavailable> {
                use $crate::sql::{Listing, MembershipRow, Reads as _, list, nothing};
                let Some(listing) = Listing::by_key(page, uuid::Uuid::nil()) else { return Ok(nothing()) };
                let ask = list::members(scope.tenant(), &listing);
                let found = self.all_of::<MembershipRow>(scope.tenant(), ask, "list members").await?;
                Ok(listing.page(found, |member| tenantry_core::Cursor::after_key(&[&member.user])))
            }

            async fn teams(
                &self,
                scope: tenantry_core::ReadScope,
                page: &tenantry_core::PageRequest,
            ) -> Result<tenantry_core::Page<tenantry_core::Team>, tenantry_core::Unavailable> {
                use $crate::sql::{Listing, Reads as _, TeamRow, list, nothing};
                let Some(listing) = Listing::by_key(page, uuid::Uuid::nil()) else { return Ok(nothing()) };
                let ask = list::teams(scope.tenant(), &listing);
                let found = self.all_of::<TeamRow>(scope.tenant(), ask, "list teams").await?;
                Ok(listing.page(found, |team| tenantry_core::Cursor::after_key(&[&team.id])))
            }

            async fn members_of(
                &self,
                scope: tenantry_core::ReadScope,
                team: tenantry_core::TeamId,
                page: &tenantry_core::PageRequest,
            ) -> Result<tenantry_core::Page<tenantry_core::TeamMember>, tenantry_core::Unavailable> {
                use $crate::sql::{Listing, Reads as _, TeamMemberPlace, TeamMemberRow, list, nothing};
                let first = Listing::of(page, TeamMemberPlace::default(), TeamMemberPlace::read);
                let Some(listing) = first else { return Ok(nothing()) };
                let ask = list::members_of(scope.tenant(), team, &listing);
                let found =
                    self.all_of::<TeamMemberRow>(scope.tenant(), ask, "list who is in a team").await?;
                Ok(listing.page(found, TeamMemberPlace::cursor))
            }

            async fn team_members(
                &self,
                scope: tenantry_core::ReadScope,
                page: &tenantry_core::PageRequest,
            ) -> Result<tenantry_core::Page<tenantry_core::TeamMember>, tenantry_core::Unavailable> {
                use $crate::sql::{Listing, Reads as _, TeamMemberPlace, TeamMemberRow, list, nothing};
                let first = Listing::of(page, TeamMemberPlace::default(), TeamMemberPlace::read);
                let Some(listing) = first else { return Ok(nothing()) };
                let ask = list::team_members(scope.tenant(), &listing);
                let found = self.all_of::<TeamMemberRow>(scope.tenant(), ask, "list who is in teams").await?;
                Ok(listing.page(found, TeamMemberPlace::cursor))
            }

            async fn service_accounts(
                &self,
                scope: tenantry_core::ReadScope,
                page: &tenantry_core::PageRequest,
            ) -> Result<tenantry_core::Page<tenantry_core::ServiceAccount>, tenantry_core::Unavailable> {
                use $crate::sql::{Listing, Reads as _, ServiceAccountRow, list, nothing};
                let Some(listing) = Listing::by_key(page, uuid::Uuid::nil()) else { return Ok(nothing()) };
                let ask = list::service_accounts(scope.tenant(), &listing);
                let doing = "list service accounts";
                let found = self.all_of::<ServiceAccountRow>(scope.tenant(), ask, doing).await?;
                Ok(listing.page(found, |account| tenantry_core::Cursor::after_key(&[&account.id])))
            }

            async fn api_keys(
                &self,
                scope: tenantry_core::ReadScope,
                page: &tenantry_core::PageRequest,
            ) -> Result<tenantry_core::Page<tenantry_core::ApiKey>, tenantry_core::Unavailable> {
                use $crate::sql::{ApiKeyRow, Listing, Reads as _, list, nothing};
                let Some(listing) = Listing::by_key(page, uuid::Uuid::nil()) else { return Ok(nothing()) };
                let ask = list::api_keys(scope.tenant(), &listing);
                let found = self.all_of::<ApiKeyRow>(scope.tenant(), ask, "list keys").await?;
                Ok(listing.page(found, |key| tenantry_core::Cursor::after_key(&[&key.id])))
            }

            async fn principals_above(
                &self,
                scope: tenantry_core::ReadScope,
                page: &tenantry_core::PageRequest,
            ) -> Result<tenantry_core::Page<tenantry_core::PrincipalId>, tenantry_core::Unavailable> {
                use $crate::sql::{Listing, PrincipalPlace, PrincipalRow, Reads as _, nothing};
                let first = Listing::of(page, PrincipalPlace::default(), PrincipalPlace::read);
                let Some(listing) = first else { return Ok(nothing()) };
                let ask = $principals_above(scope.tenant(), &listing);
                let doing = "list who is let in from above";
                let found = self.all_of::<PrincipalRow>(scope.tenant(), ask, doing).await?;
                Ok(listing.page(found, PrincipalPlace::cursor))
            }
        }
    };
}

pub(crate) use implement_roster;
