use uuid::Uuid;

use crate::{
    ApiKey, ApiKeyId, Assignee, Assignment, Email, Membership, Order, OrderId, OrderSide, Party, PrincipalId,
    Realm, RealmId, Role, RoleKey, ServiceAccount, ServiceAccountId, Slug, Target, Team, TeamId, TeamMember,
    Tenant, TenantId, Timestamp, User, UserId,
};

/// A row that a batch writes whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A realm.
    Realm(Realm),
    /// A tenant; claims its slug. Where it lies never changes.
    Tenant(Tenant),
    /// A user; claims its address in its realm.
    User(User),
    /// A membership.
    Membership(Membership),
    /// A role.
    Role(Role),
    /// A team.
    Team(Team),
    /// Somebody in a team.
    TeamMember(TeamMember),
    /// A service account.
    ServiceAccount(ServiceAccount),
    /// An API key.
    ApiKey(ApiKey),
    /// A role that somebody has.
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
            Self::Team(team) => Key::Team(team.tenant, team.id),
            Self::TeamMember(member) => Key::TeamMember(member.tenant, member.team, member.member),
            Self::ServiceAccount(account) => Key::ServiceAccount(account.tenant, account.id),
            Self::ApiKey(key) => Key::ApiKey(key.tenant, key.id),
            Self::Assignment(assignment) => Key::of_assignment(assignment),
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
    /// A team.
    Team(TenantId, TeamId),
    /// Somebody in a team.
    TeamMember(TenantId, TeamId, PrincipalId),
    /// A service account.
    ServiceAccount(TenantId, ServiceAccountId),
    /// An API key.
    ApiKey(TenantId, ApiKeyId),
    /// A role that somebody has on something.
    Assignment(TenantId, Assignee, RoleKey, Target),
    /// An order, in the operator's rows.
    Order(TenantId, OrderId),
    /// An order, in a party's rows.
    OrderSide(TenantId, Party, OrderId),
    /// A report from outside.
    Inbox(TenantId, Uuid),
}

impl Key {
    /// The key of an assignment.
    pub(crate) fn of_assignment(assignment: &Assignment) -> Self {
        let Assignment { tenant, assignee, role, on, descends: _ } = assignment;
        Self::Assignment(*tenant, *assignee, role.clone(), on.clone())
    }

    /// What must be there for somebody to be an assignee.
    pub(crate) fn of_assignee(tenant: TenantId, assignee: Assignee) -> Self {
        match assignee {
            Assignee::User(user) => Self::Membership(tenant, user),
            Assignee::Team(team) => Self::Team(tenant, team),
            Assignee::ServiceAccount(account) => Self::ServiceAccount(tenant, account),
            Assignee::ApiKey(key) => Self::ApiKey(tenant, key),
        }
    }

    /// The tenant whose row it names; `None` for names that are unique among all tenants.
    #[must_use]
    pub fn tenant(&self) -> Option<TenantId> {
        match self {
            Self::Realm(tenant, _)
            | Self::Tenant(tenant)
            | Self::User(tenant, _)
            | Self::Membership(tenant, _)
            | Self::Role(tenant, _)
            | Self::Team(tenant, _)
            | Self::TeamMember(tenant, _, _)
            | Self::ServiceAccount(tenant, _)
            | Self::ApiKey(tenant, _)
            | Self::Assignment(tenant, _, _, _)
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
