use uuid::Uuid;

use crate::{
    Assignment, Email, Membership, Order, OrderId, OrderSide, Party, Realm, RealmId, Role, RoleKey, Slug,
    Tenant, TenantId, Timestamp, User, UserId,
};

/// A row that a batch writes whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A realm.
    Realm(Realm),
    /// A tenant; claims its slug.
    Tenant(Tenant),
    /// A user; claims its address in its realm.
    User(User),
    /// A membership.
    Membership(Membership),
    /// A role.
    Role(Role),
    /// A role on a membership.
    Assignment(Assignment),
    /// An order, in the operator's rows.
    Order(Box<Order>),
    /// An order, in the rows of a party.
    OrderSide(Box<OrderSide>),
    /// A report from outside, stored before it is acted on.
    Inbox(Inbox),
}

impl Record {
    /// Its key.
    #[must_use]
    pub fn key(&self) -> Key {
        match self {
            Self::Realm(realm) => Key::Realm(realm.owner, realm.id),
            Self::Tenant(tenant) => Key::Tenant(tenant.id),
            Self::User(user) => Key::User(user.owner, user.id),
            Self::Membership(membership) => Key::Membership(membership.tenant, membership.user),
            Self::Role(role) => Key::Role(role.tenant, role.key.clone()),
            Self::Assignment(assignment) => {
                Key::Assignment(assignment.tenant, assignment.user, assignment.role.clone())
            }
            Self::Order(order) => Key::Order(order.operator, order.id),
            Self::OrderSide(side) => Key::OrderSide(side.tenant, side.party, side.order.id),
            Self::Inbox(inbox) => Key::Inbox(inbox.tenant, inbox.id),
        }
    }
}

/// What names a row, or a name that must be unique.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A realm, in its owner's rows.
    Realm(TenantId, RealmId),
    /// A tenant.
    Tenant(TenantId),
    /// A slug, unique among all tenants.
    Slug(Slug),
    /// A user, in the rows of the realm's owner.
    User(TenantId, UserId),
    /// An address, unique in its realm.
    Email(RealmId, Email),
    /// A membership.
    Membership(TenantId, UserId),
    /// A role.
    Role(TenantId, RoleKey),
    /// A role on a membership.
    Assignment(TenantId, UserId, RoleKey),
    /// An order, in the operator's rows.
    Order(TenantId, OrderId),
    /// An order, in a party's rows.
    OrderSide(TenantId, Party, OrderId),
    /// A report from outside.
    Inbox(TenantId, Uuid),
}

impl Key {
    /// The tenant whose row it names; `None` for names that are unique among all tenants.
    #[must_use]
    pub fn tenant(&self) -> Option<TenantId> {
        match self {
            Self::Realm(tenant, _)
            | Self::Tenant(tenant)
            | Self::User(tenant, _)
            | Self::Membership(tenant, _)
            | Self::Role(tenant, _)
            | Self::Assignment(tenant, _, _)
            | Self::Order(tenant, _)
            | Self::OrderSide(tenant, _, _)
            | Self::Inbox(tenant, _) => Some(*tenant),
            Self::Slug(_) | Self::Email(_, _) => None,
        }
    }
}

/// A report from outside (a payment provider's event), stored once before it is acted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inbox {
    /// The tenant that it was sent to.
    pub tenant: TenantId,
    /// Derived from the sender and its name for the report, so that the same one can't be stored twice.
    pub id: Uuid,
    /// Who sent it, such as `provider`.
    pub source: String,
    /// The sender's name for it.
    pub event: String,
    /// What it says, at most 64 KiB as text.
    pub payload: serde_json::Value,
    /// When it came.
    pub received_at: Timestamp,
}
