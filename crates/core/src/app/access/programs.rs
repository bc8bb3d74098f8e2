use serde_json::json;

use super::escalation::{Whose, may_take};
use super::{AccessChange, AccessRefusal, Draft, Refused, all, command, command_of, refuse};
use crate::app::{Command, Operation, Tenantry};
use crate::store::{Key, Record};
use crate::{
    ApiKey, ApiKeyId, Assignee, Caller, Page, PageRequest, PrincipalId, Scope, ServiceAccount,
    ServiceAccountId, Timestamp, Unavailable,
};

impl Tenantry {
    /// The service accounts and keys of the caller's tenant.
    #[must_use]
    pub fn programs<'a>(&'a self, caller: &'a Caller) -> Programs<'a> {
        Programs { app: self, caller }
    }
}

/// Who acts in a tenant without being a person: its service accounts and its keys.
///
/// Each begins with nothing: what it may do is what is assigned to it afterwards, a key's within what it carries.
///
/// ```
/// use std::time::Duration;
/// use tenantry_core::{ApiKeyId, Caller, NewApiKey, Tenantry};
///
/// /// A key that reads listings at most, for ninety days.
/// async fn key(app: &Tenantry, caller: &Caller) -> Result<ApiKeyId, Box<dyn std::error::Error>> {
///     let key = NewApiKey {
///         name: "Nightly export".to_owned(),
///         scopes: vec!["listing:read".parse()?],
///         expires_at: app.now().after(Duration::from_secs(90 * 24 * 3600)),
///     };
///     Ok(app.programs(caller).create_api_key(key).await?)
/// }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Programs<'a> {
    app: &'a Tenantry,
    caller: &'a Caller,
}

/// A key that is to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewApiKey {
    /// The name for people.
    pub name: String,
    /// What it carries; `*` for all that its roles allow.
    pub scopes: Vec<Scope>,
    /// From when on it is nobody.
    pub expires_at: Timestamp,
}

impl<'a> Programs<'a> {
    /// A page of the service accounts, by id.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    pub async fn service_accounts(&self, page: &PageRequest) -> Result<Page<ServiceAccount>, Unavailable> {
        self.app.store().service_accounts(self.caller.scope(), page).await
    }

    /// A page of the keys, by id.
    ///
    /// # Errors
    /// [`Unavailable`] when the store can't answer.
    pub async fn api_keys(&self, page: &PageRequest) -> Result<Page<ApiKey>, Unavailable> {
        self.app.store().api_keys(self.caller.scope(), page).await
    }

    /// Makes a service account, and answers its id; at most [`ServiceAccount::MAX`].
    pub fn create_service_account(
        &self,
        name: &str,
    ) -> Command<'a, impl Operation<Outcome = ServiceAccountId, Refusal = AccessRefusal> + use<>> {
        let account = ServiceAccountId::generate();
        let change = ProgramChange::Account(account, name.to_owned());
        command_of(self.app, self.caller, AccessChange::Program(change), account)
    }

    /// Makes a key, and answers its id; at most [`ApiKey::MAX`].
    pub fn create_api_key(
        &self,
        key: NewApiKey,
    ) -> Command<'a, impl Operation<Outcome = ApiKeyId, Refusal = AccessRefusal> + use<>> {
        let id = ApiKeyId::generate();
        command_of(self.app, self.caller, AccessChange::Program(ProgramChange::Key(id, key)), id)
    }

    /// Ends a service account and all that hangs on it.
    pub fn delete_service_account(
        &self,
        account: ServiceAccountId,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = AccessRefusal> + use<>> {
        self.change(ProgramChange::Delete(PrincipalId::ServiceAccount(account)))
    }

    /// Ends a key and all that hangs on it.
    pub fn revoke_api_key(
        &self,
        key: ApiKeyId,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = AccessRefusal> + use<>> {
        self.change(ProgramChange::Delete(PrincipalId::ApiKey(key)))
    }

    fn change(
        &self,
        change: ProgramChange,
    ) -> Command<'a, impl Operation<Outcome = (), Refusal = AccessRefusal> + use<>> {
        command(self.app, self.caller, AccessChange::Program(change))
    }
}

#[derive(Debug, Clone)]
pub(super) enum ProgramChange {
    Account(ServiceAccountId, String),
    Key(ApiKeyId, NewApiKey),
    Delete(PrincipalId),
}

impl ProgramChange {
    pub(super) async fn write(&self, draft: &mut Draft<'_>) -> Result<(), Refused> {
        match self {
            Self::Account(account, name) => create_account(draft, *account, name).await,
            Self::Key(id, key) => create_key(draft, *id, key).await,
            Self::Delete(program) => delete(draft, *program).await,
        }
    }
}

async fn create_account(draft: &mut Draft<'_>, id: ServiceAccountId, name: &str) -> Result<(), Refused> {
    let (store, scope) = (draft.app.store(), draft.caller.scope());
    let (what, most) = ("service accounts", ServiceAccount::MAX);
    let known = all(what, most, |page| async move { store.service_accounts(scope, &page).await }).await?;
    if known.len() >= most {
        return refuse(AccessRefusal::TooMany { what, most });
    }
    let account = match ServiceAccount::new(scope.tenant(), id, name, draft.batch.at()) {
        Ok(account) => account,
        Err(invalid) => return refuse(invalid),
    };
    draft.batch.insert(Record::ServiceAccount(account));
    draft.note("service_account.create", format!("service_account:{id}"), json!({ "name": name }));
    Ok(())
}

async fn create_key(draft: &mut Draft<'_>, id: ApiKeyId, new: &NewApiKey) -> Result<(), Refused> {
    if let Err(unknown) = draft.app.catalog().check_scopes(&new.scopes) {
        return refuse(unknown);
    }
    let (store, scope) = (draft.app.store(), draft.caller.scope());
    let (what, most) = ("keys", ApiKey::MAX);
    let known = all(what, most, |page| async move { store.api_keys(scope, &page).await }).await?;
    if known.len() >= most {
        return refuse(AccessRefusal::TooMany { what, most });
    }
    let NewApiKey { name, scopes, expires_at } = new.clone();
    let detail = json!({ "name": name, "scopes": scopes, "expires_at": expires_at });
    let key = ApiKey { tenant: scope.tenant(), id, name, scopes, expires_at, created_at: draft.batch.at() };
    if let Err(invalid) = key.check() {
        return refuse(invalid);
    }
    draft.batch.insert(Record::ApiKey(key));
    draft.note("api_key.create", format!("api_key:{id}"), detail);
    Ok(())
}

async fn delete(draft: &mut Draft<'_>, program: PrincipalId) -> Result<(), Refused> {
    let tenant = draft.caller.tenant().id();
    let facts = draft.principal(program).await?;
    if draft.whose(program) == Whose::Others {
        may_take(draft.caller, Whose::Others, facts.holdings.iter().filter(|held| held.tenant == tenant))?;
    }
    let assignee = Assignee::from(program);
    draft.strip(assignee, &facts).await?;
    draft.delete(Key::of_assignee(tenant, assignee));
    draft.note_change(&format!("{}.delete", program.kind()), program);
    Ok(())
}
