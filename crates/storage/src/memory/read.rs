use std::collections::BTreeMap;
use std::ops::Bound;

use async_trait::async_trait;
use tenantry_core::{
    Account, AccountBalance, Balance, Currency, Cursor, Directory, Email, EscrowReader, IdentityReader, Key,
    MeterKey, Order, OrderId, OrderSide, Page, PageRequest, Party, Predicate, PrincipalFacts, PrincipalId,
    ReadScope, RealmId, Record, SealedAudit, SealedEvent, SeenOrder, Slug, StatementLine, TenancyReader,
    Tenant, TenantId, Timestamp, TrailReader, TransferId, Unavailable, UsagePeriod, UsageReader, User,
    UserId,
};
use uuid::Uuid;

use super::MemoryStore;
use super::data::Data;

#[async_trait]
impl Directory for MemoryStore {
    async fn tenant_by_slug(&self, slug: &Slug) -> Result<Option<Tenant>, Unavailable> {
        let data = self.data();
        let key = data.names.get(&Key::Slug(slug.clone()));
        Ok(key.and_then(|key| tenant_at(&data, key)).cloned())
    }

    async fn tenant(&self, id: TenantId) -> Result<Option<Tenant>, Unavailable> {
        Ok(tenant_at(&self.data(), &Key::Tenant(id)).cloned())
    }
}

#[async_trait]
impl TenancyReader for MemoryStore {
    async fn children(&self, scope: ReadScope, page: &PageRequest) -> Result<Page<Tenant>, Unavailable> {
        let from = match page.after().map(|cursor| cursor.as_str().parse().map(Key::Slug)) {
            None => Bound::Unbounded,
            Some(Ok(slug)) => Bound::Excluded(slug),
            Some(Err(_)) => return Ok(empty()),
        };
        let data = self.data();
        let slugs = data.names.range((from, Bound::Unbounded));
        let tenants = slugs
            .map_while(|(name, key)| if let Key::Slug(_) = name { Some(key) } else { None })
            .filter_map(|key| tenant_at(&data, key))
            .filter(|tenant| tenant.parent() == Some(scope.tenant()));
        let items = tenants.take(usize::from(page.limit()) + 1).cloned().collect();
        Ok(Page::of(items, page.limit(), |tenant| Cursor::after_key(&[&tenant.slug])))
    }
}

#[async_trait]
impl IdentityReader for MemoryStore {
    async fn user_by_email(&self, realm: RealmId, email: &Email) -> Result<Option<User>, Unavailable> {
        let data = self.data();
        let key = data.names.get(&Key::Email(realm, email.clone()));
        Ok(key.and_then(|key| user_at(&data, key)).cloned())
    }

    async fn user(&self, scope: ReadScope, user: UserId) -> Result<Option<User>, Unavailable> {
        let data = self.data();
        let Some(Record::Membership(membership)) = data.rows.get(&Key::Membership(scope.tenant(), user))
        else {
            return Ok(None);
        };
        let first = Key::Realm(TenantId::from_uuid(Uuid::nil()), membership.realm);
        let realms = data.rows.range(first..);
        let owner = realms
            .map_while(
                |(key, _)| if let Key::Realm(owner, realm) = key { Some((owner, realm)) } else { None },
            )
            .find_map(|(owner, realm)| (*realm == membership.realm).then_some(*owner));
        let user = owner.and_then(|owner| user_at(&data, &Key::User(owner, user))).cloned();
        Ok(user.map(|user| User { secret: None, ..user }))
    }

    async fn principal(
        &self,
        scope: ReadScope,
        principal: PrincipalId,
    ) -> Result<Option<PrincipalFacts>, Unavailable> {
        Ok(self.data().facts(scope.tenant(), principal))
    }
}

#[async_trait]
impl UsageReader for MemoryStore {
    async fn used(
        &self,
        scope: ReadScope,
        meters: &[(MeterKey, UsagePeriod)],
    ) -> Result<Vec<i64>, Unavailable> {
        let data = self.data();
        let used = |(meter, period): &(MeterKey, UsagePeriod)| {
            data.used.get(&(scope.tenant(), meter.clone(), *period)).copied().unwrap_or(0)
        };
        Ok(meters.iter().map(used).collect())
    }
}

#[async_trait]
impl EscrowReader for MemoryStore {
    async fn order(&self, scope: ReadScope, id: OrderId) -> Result<Option<Order>, Unavailable> {
        match self.data().rows.get(&Key::Order(scope.tenant(), id)) {
            Some(Record::Order(order)) => Ok(Some((**order).clone())),
            _ => Ok(None),
        }
    }

    async fn orders(
        &self,
        scope: ReadScope,
        filter: &Predicate,
        page: &PageRequest,
    ) -> Result<Page<Order>, Unavailable> {
        let data = self.data();
        let seen = |order: &Order| SeenOrder { order: order.clone(), party: Party::Operator };
        let keyed = orders_of(&data, scope.tenant()).map(|order| ((order.created_at, order.id), order));
        Ok(newest_first(keyed.collect(), page, |order| filter.evaluate(&seen(order)) == Some(true)))
    }

    async fn open_orders_of_seller(
        &self,
        scope: ReadScope,
        seller: TenantId,
        page: &PageRequest,
    ) -> Result<Page<OrderId>, Unavailable> {
        let after = match page.after().map(|cursor| cursor.as_str().parse::<OrderId>()) {
            None => None,
            Some(Ok(id)) => Some(id),
            Some(Err(_)) => return Ok(empty()),
        };
        let data = self.data();
        let ids = orders_of(&data, scope.tenant())
            .filter(|order| order.seller == seller && order.state.is_open())
            .map(|order| order.id)
            .filter(|id| after.is_none_or(|after| *id > after));
        let items = ids.take(usize::from(page.limit()) + 1).collect();
        Ok(Page::of(items, page.limit(), |id| Cursor::after_key(&[id])))
    }

    async fn order_side(&self, scope: ReadScope, id: OrderId) -> Result<Option<OrderSide>, Unavailable> {
        let data = self.data();
        let at = |party| match data.rows.get(&Key::OrderSide(scope.tenant(), party, id)) {
            Some(Record::OrderSide(side)) => Some((**side).clone()),
            _ => None,
        };
        Ok(at(Party::Buyer).or_else(|| at(Party::Seller)))
    }

    async fn order_sides(
        &self,
        scope: ReadScope,
        filter: &Predicate,
        page: &PageRequest,
    ) -> Result<Page<OrderSide>, Unavailable> {
        let data = self.data();
        let keys = Key::OrderSide(scope.tenant(), Party::Buyer, OrderId::from_uuid(Uuid::nil()))
            ..=Key::OrderSide(scope.tenant(), Party::Operator, OrderId::from_uuid(Uuid::max()));
        let keyed = data.rows.range(keys).filter_map(|(_, record)| match record {
            Record::OrderSide(side) => Some(((side.order.created_at, side.order.id), &**side)),
            _ => None,
        });
        let seen = |side: &OrderSide| SeenOrder::from(side.clone());
        Ok(newest_first(keyed.collect(), page, |side| filter.evaluate(&seen(side)) == Some(true)))
    }

    async fn statement(
        &self,
        scope: ReadScope,
        page: &PageRequest,
    ) -> Result<Page<StatementLine>, Unavailable> {
        let data = self.data();
        let tenant = scope.tenant();
        let first = (tenant, Timestamp::from_micros(i64::MIN), TransferId::from_uuid(Uuid::nil()));
        let last = (tenant, Timestamp::from_micros(i64::MAX), TransferId::from_uuid(Uuid::max()));
        let keyed = data.lines.range(first..=last).map(|(_, line)| ((line.at, line.transfer), line));
        Ok(newest_first(keyed.collect(), page, |_| true))
    }

    async fn balances(&self, scope: ReadScope) -> Result<Vec<Balance>, Unavailable> {
        let data = self.data();
        let totals = data.totals.iter().filter(|((tenant, _), _)| *tenant == scope.tenant());
        Ok(totals.map(|(_, balance)| *balance).collect())
    }

    async fn account_balances(&self, scope: ReadScope) -> Result<Vec<AccountBalance>, Unavailable> {
        let data = self.data();
        let (first, last) = (TransferId::from_uuid(Uuid::nil()), TransferId::from_uuid(Uuid::max()));
        let mut sums: BTreeMap<(Account, Currency), i64> = BTreeMap::new();
        for transfer in data.transfers.range((scope.tenant(), first)..=(scope.tenant(), last)) {
            for posting in transfer.1.postings() {
                let sum = sums.entry((posting.account, transfer.1.currency())).or_default();
                let out_of_range = || Unavailable::new("add up the books", "a balance is out of range");
                *sum = sum.checked_add(posting.amount).ok_or_else(out_of_range)?;
            }
        }
        let balances = sums.into_iter();
        Ok(balances
            .map(|((account, currency), balance)| AccountBalance { account, currency, balance })
            .collect())
    }
}

#[async_trait]
impl TrailReader for MemoryStore {
    async fn seal(&self, tenant: TenantId, limit: u16) -> Result<usize, Unavailable> {
        let mut data = self.data();
        Ok(data.trails.get_mut(&tenant).map_or(0, |trail| trail.seal(usize::from(limit))))
    }

    async fn unsealed(&self, limit: u16) -> Result<Vec<TenantId>, Unavailable> {
        let data = self.data();
        let unsealed = data.trails.iter().filter(|(_, trail)| !trail.is_sealed());
        Ok(unsealed.map(|(tenant, _)| *tenant).take(usize::from(limit)).collect())
    }

    async fn audit(&self, scope: ReadScope, page: &PageRequest) -> Result<Page<SealedAudit>, Unavailable> {
        let before = match page.after().map(|cursor| cursor.as_str().parse::<u64>()) {
            None => u64::MAX,
            Some(Ok(seq)) => seq,
            Some(Err(_)) => return Ok(empty()),
        };
        let data = self.data();
        let sealed = data.trails.get(&scope.tenant()).map_or(&[][..], |trail| &trail.sealed_audit);
        let older = sealed.iter().rev().skip_while(|entry| entry.seq >= before);
        let items = older.take(usize::from(page.limit()) + 1).cloned().collect();
        Ok(Page::of(items, page.limit(), |entry| Cursor::after_key(&[&entry.seq])))
    }

    async fn events(
        &self,
        scope: ReadScope,
        after: u64,
        limit: u16,
    ) -> Result<Vec<SealedEvent>, Unavailable> {
        let data = self.data();
        let sealed = data.trails.get(&scope.tenant()).map_or(&[][..], |trail| &trail.sealed_events);
        let newer = sealed.iter().skip_while(|event| event.seq <= after);
        Ok(newer.take(usize::from(limit)).cloned().collect())
    }
}

fn tenant_at<'a>(data: &'a Data, key: &Key) -> Option<&'a Tenant> {
    match data.rows.get(key) {
        Some(Record::Tenant(tenant)) => Some(tenant),
        _ => None,
    }
}

fn user_at<'a>(data: &'a Data, key: &Key) -> Option<&'a User> {
    match data.rows.get(key) {
        Some(Record::User(user)) => Some(user),
        _ => None,
    }
}

/// The orders that a tenant operates, by id.
fn orders_of(data: &Data, operator: TenantId) -> impl Iterator<Item = &Order> {
    let (first, last) = (OrderId::from_uuid(Uuid::nil()), OrderId::from_uuid(Uuid::max()));
    data.rows.range(Key::Order(operator, first)..=Key::Order(operator, last)).filter_map(|(_, record)| {
        match record {
            Record::Order(order) => Some(&**order),
            _ => None,
        }
    })
}

fn empty<T>() -> Page<T> {
    Page { items: vec![], next: None }
}

/// A page of the items that are kept, sorted by an instant and an id, both descending.
fn newest_first<I, T>(
    mut items: Vec<((Timestamp, I), &T)>,
    page: &PageRequest,
    is_kept: impl Fn(&T) -> bool,
) -> Page<T>
where
    I: Ord + Copy + std::fmt::Display + std::str::FromStr,
    T: Clone,
{
    if let Some(cursor) = page.after() {
        let Some(before) = place(cursor) else { return empty() };
        items.retain(|(key, _)| *key < before);
    }
    items.sort_unstable_by(|(one, _), (two, _)| two.cmp(one));
    let kept = items.into_iter().filter(|(_, item)| is_kept(item));
    let items = kept.take(usize::from(page.limit()) + 1).collect();
    let found = Page::of(items, page.limit(), |((at, id), _): &((Timestamp, I), &T)| {
        Cursor::after_key(&[&at.as_micros(), id])
    });
    found.map(|(_, item)| item.clone())
}

/// The place that a cursor over an instant and an id names.
fn place<I: std::str::FromStr>(cursor: &Cursor) -> Option<(Timestamp, I)> {
    let mut parts = cursor.parts();
    let (micros, id) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    if parts.next().is_some() { None } else { Some((Timestamp::from_micros(micros), id)) }
}
