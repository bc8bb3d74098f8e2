//! Typed identifiers.
//!
//! Every id is a newtype over a [`Uuid`], so that a user's id can't be handed in where a tenant's is asked
//! for. New ids are version 7 (ordered by time of creation, RFC 9562 §5.7), which keeps index inserts local.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{Fingerprint, PrincipalId};

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        ///
        /// Text form: hyphenated lower-case UUID.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// A new id, ordered by time (UUID version 7).
            #[must_use]
            pub fn generate() -> Self {
                Self(Uuid::now_v7())
            }

            /// The id that a store or a token holds as `uuid`.
            #[must_use]
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The bare UUID, for storing it.
            #[must_use]
            pub const fn as_uuid(&self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Uuid::try_parse(text).map(Self).map_err(|_| InvalidId)
            }
        }
    )*};
}

ids! {
    /// A tenant: who a row belongs to.
    TenantId;
    /// A realm: the name space in which an e-mail address names one user.
    RealmId;
    /// A user of a realm.
    UserId;
    /// A team of a tenant.
    TeamId;
    /// A program that a tenant runs, and that acts for itself.
    ServiceAccountId;
    /// A key that a tenant made for a program.
    ApiKeyId;
    /// An order in escrow.
    OrderId;
    /// A transfer in the ledger.
    TransferId;
    /// A refund of a part or the whole of an order.
    RefundId;
    /// An event in the outbox.
    EventId;
    /// An entry of the audit trail.
    AuditId;
    /// A batch: one atomic write.
    BatchId;
}

impl BatchId {
    /// The `n`th id that belongs to this batch: the same each time it is asked for, and never another batch's.
    ///
    /// Decisions name the rows they make with it, since a decision may not draw random numbers.
    ///
    /// ```
    /// use tenantry_core::BatchId;
    ///
    /// let batch = BatchId::generate();
    /// assert_eq!(batch.derive(0), batch.derive(0));
    /// assert_ne!(batch.derive(0), batch.derive(1));
    /// ```
    #[must_use]
    pub fn derive(&self, n: u32) -> Uuid {
        derive_uuid(&[b"batch", self.0.as_bytes(), &n.to_be_bytes()])
    }
}

impl OrderId {
    /// The id of the order that a keyed request makes: the same request names the same order, also after a
    /// crash between the payment provider's answer and the commit. Another request under the same key names
    /// another, whose commit is then refused.
    #[must_use]
    pub fn of_request(tenant: TenantId, principal: PrincipalId, key: &str, request: &Fingerprint) -> Self {
        let (tenant, principal) = (tenant.0, principal.as_uuid());
        let parts: [&[u8]; 5] =
            [b"order", tenant.as_bytes(), principal.as_bytes(), key.as_bytes(), request.as_bytes()];
        Self(derive_uuid(&parts))
    }
}

impl RefundId {
    /// The id of the `n`th refund of an order: the same after a crash, so that a retry can't pay twice.
    #[must_use]
    pub fn of_order(order: OrderId, n: u32) -> Self {
        Self(derive_uuid(&[b"refund", order.0.as_bytes(), &n.to_be_bytes()]))
    }
}

/// The text is no id.
///
/// Over HTTP an id that doesn't parse is answered like one that doesn't exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id: expected a hyphenated UUID")]
pub struct InvalidId;

/// A UUID version 8 (RFC 9562 §5.8) over the SHA-256 of the length-prefixed parts.
pub(crate) fn derive_uuid(parts: &[&[u8]]) -> Uuid {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let digest = hash.finalize();
    let mut bytes = [0_u8; 16];
    for (byte, digest) in bytes.iter_mut().zip(digest.iter()) {
        *byte = *digest;
    }
    Uuid::new_v8(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_ordered_by_creation_and_read_back() {
        let (first, second) = (TenantId::generate(), TenantId::generate());
        assert!(first < second);
        assert_eq!(first.to_string().parse(), Ok(first));
        assert_eq!("seller-one".parse::<TenantId>(), Err(InvalidId));
    }

    #[test]
    fn derived_ids_keep_their_parts_apart() {
        let (tenant, user) = (TenantId::generate(), PrincipalId::User(UserId::generate()));
        let (one, other) = (Fingerprint::of(&[b"one"]), Fingerprint::of(&[b"other"]));
        let of = |key, request| OrderId::of_request(tenant, user, key, request);
        assert_eq!(of("a", &one), of("a", &one));
        assert_ne!(of("a", &one), of("b", &one));
        assert_ne!(of("a", &one), of("a", &other));
        assert_ne!(derive_uuid(&[b"ab", b"c"]), derive_uuid(&[b"a", b"bc"]));
    }
}
