use crate::{BasisPoints, Money, MoneyError};

/// How the gross of an order is divided: `fee + net = gross`, to the unit.
///
/// The fee is `floor(gross × basis points / 10,000)`; the rest is the seller's.
///
/// ```
/// use tenantry_core::{BasisPoints, Currency, Money, Shares};
///
/// let shares = Shares::of(Money::new(4999, Currency::USD), BasisPoints::new(800)?)?;
/// assert_eq!((shares.fee.amount(), shares.net.amount()), (399, 4600));
/// # Ok::<(), tenantry_core::MoneyError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    /// The operator's.
    pub fee: Money,
    /// The seller's.
    pub net: Money,
}

impl Shares {
    /// The shares of an order of which nothing was refunded.
    ///
    /// # Errors
    /// [`MoneyError`] when the amount is out of range.
    pub fn of(gross: Money, fee: BasisPoints) -> Result<Self, MoneyError> {
        let fee = fee.of(gross)?;
        Ok(Self { fee, net: gross.checked_sub(fee)? })
    }

    /// The shares of what is left of an order after `refunded` of it went back, in whatever parts.
    ///
    /// The fee that goes back is taken on the *cumulative* refund ([`refundable_fee`]), so the order in which
    /// parts were refunded doesn't matter and no unit is lost or made:
    /// `fee + net + refunded = gross`.
    ///
    /// # Errors
    /// [`MoneyError`] when currencies differ or an amount is out of range.
    pub fn after_refund(gross: Money, fee: BasisPoints, refunded: Money) -> Result<Self, MoneyError> {
        let all = Self::of(gross, fee)?;
        let fee = all.fee.checked_sub(refundable_fee(gross, all.fee, refunded)?)?;
        let net = gross.checked_sub(refunded)?.checked_sub(fee)?;
        Ok(Self { fee, net })
    }
}

/// How much of the `fee` goes back when `refunded` of the `gross` does: `floor(fee × refunded / gross)`.
///
/// # Errors
/// [`MoneyError::Overflow`] for a gross of zero.
pub fn refundable_fee(gross: Money, fee: Money, refunded: Money) -> Result<Money, MoneyError> {
    fee.scaled(refunded.amount(), gross.amount())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Currency, Terms};

    proptest! {
        #[test]
        fn shares_always_add_up(
            gross in 1..=Terms::MAX_GROSS,
            points in 0..=10_000_u16,
            cuts in proptest::collection::vec(0..=Terms::MAX_GROSS, 0..8),
        ) {
            let gross = Money::new(gross, Currency::USD);
            let fee = BasisPoints::new(points).unwrap();
            let mut refunded = Money::zero(Currency::USD);
            let mut before = Shares::of(gross, fee).unwrap();
            prop_assert_eq!(before.fee.checked_add(before.net).unwrap(), gross);
            for cut in cuts {
                let left = gross.amount() - refunded.amount();
                let part = Money::new(cut % (left + 1), Currency::USD);
                refunded = refunded.checked_add(part).unwrap();
                let shares = Shares::after_refund(gross, fee, refunded).unwrap();
                let sum = shares.fee.amount() + shares.net.amount() + refunded.amount();
                prop_assert_eq!(sum, gross.amount());
                prop_assert!((0..=before.fee.amount()).contains(&shares.fee.amount()));
                prop_assert!((0..=before.net.amount()).contains(&shares.net.amount()));
                before = shares;
            }
            let all_back = Shares::after_refund(gross, fee, gross).unwrap();
            prop_assert!(all_back.fee.is_zero() && all_back.net.is_zero());
        }
    }
}
