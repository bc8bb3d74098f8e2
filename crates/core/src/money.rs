//! Integer money.
//!
//! An amount is `i64` minor units of a currency; products are taken in `i128`; percentages are basis points.
//! No float is involved anywhere.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A currency: three capital letters, as in ISO 4217.
///
/// ```
/// use tenantry_core::Currency;
///
/// assert_eq!("USD".parse::<Currency>()?.as_str(), "USD");
/// assert!("usd".parse::<Currency>().is_err());
/// # Ok::<(), tenantry_core::MoneyError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

impl Currency {
    /// United States dollar.
    pub const USD: Self = Self(*b"USD");
    /// Euro.
    pub const EUR: Self = Self(*b"EUR");

    /// The three letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, MoneyError> {
        match text.as_bytes() {
            [a @ b'A'..=b'Z', b @ b'A'..=b'Z', c @ b'A'..=b'Z'] => Ok(Self([*a, *b, *c])),
            _ => Err(MoneyError::Currency),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = MoneyError;

    fn try_from(text: String) -> Result<Self, MoneyError> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An amount in the minor units of its currency: `4900 USD` is 49 dollars.
///
/// ```
/// use tenantry_core::{Currency, Money};
///
/// let price = Money::new(4900, Currency::USD);
/// assert_eq!(price.checked_sub(Money::new(392, Currency::USD))?.amount(), 4508);
/// assert!(price.checked_add(Money::new(1, Currency::EUR)).is_err());
/// # Ok::<(), tenantry_core::MoneyError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    amount: i64,
    currency: Currency,
}

impl Money {
    /// `amount` minor units of `currency`.
    #[must_use]
    pub const fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// Nothing, in `currency`.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// Minor units.
    #[must_use]
    pub const fn amount(&self) -> i64 {
        self.amount
    }

    /// The currency.
    #[must_use]
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// The currency's three letters.
    pub(crate) fn currency_code(&self) -> &str {
        self.currency.as_str()
    }

    /// Whether the amount is zero.
    #[must_use]
    pub const fn is_zero(&self) -> bool {
        self.amount == 0
    }

    /// Whether the amount is above zero.
    #[must_use]
    pub const fn is_positive(&self) -> bool {
        self.amount > 0
    }

    /// The sum.
    ///
    /// # Errors
    /// [`MoneyError::Mixed`] when the currencies differ, [`MoneyError::Overflow`] past 64 bits.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.amount
            .checked_add(other.amount)
            .map(|amount| Self::new(amount, self.currency))
            .ok_or(MoneyError::Overflow)
    }

    /// The difference.
    ///
    /// # Errors
    /// [`MoneyError::Mixed`] when the currencies differ, [`MoneyError::Overflow`] past 64 bits.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.amount
            .checked_sub(other.amount)
            .map(|amount| Self::new(amount, self.currency))
            .ok_or(MoneyError::Overflow)
    }

    /// `floor(amount × numerator / denominator)`, the product taken in 128 bits.
    ///
    /// # Errors
    /// [`MoneyError::Overflow`] when the result doesn't fit 64 bits or the denominator is zero.
    pub fn scaled(self, numerator: i64, denominator: i64) -> Result<Self, MoneyError> {
        if denominator == 0 {
            return Err(MoneyError::Overflow);
        }
        let product = i128::from(self.amount) * i128::from(numerator);
        i64::try_from(product.div_euclid(i128::from(denominator)))
            .map(|amount| Self::new(amount, self.currency))
            .map_err(|_| MoneyError::Overflow)
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency { Ok(()) } else { Err(MoneyError::Mixed) }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount, self.currency)
    }
}

/// Hundredths of a percent, from 0 to 10,000: `800` is 8 %.
///
/// ```
/// use tenantry_core::{BasisPoints, Currency, Money};
///
/// let fee = BasisPoints::new(800)?.of(Money::new(4999, Currency::USD))?;
/// assert_eq!(fee.amount(), 399); // floor(4999 × 800 / 10,000)
/// # Ok::<(), tenantry_core::MoneyError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct BasisPoints(u16);

impl BasisPoints {
    /// The whole: 100 %.
    pub const WHOLE: Self = Self(10_000);

    /// `points` hundredths of a percent.
    ///
    /// # Errors
    /// [`MoneyError::BasisPoints`] above 10,000.
    pub const fn new(points: u16) -> Result<Self, MoneyError> {
        if points <= 10_000 { Ok(Self(points)) } else { Err(MoneyError::BasisPoints) }
    }

    /// Hundredths of a percent.
    #[must_use]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// `floor(amount × points / 10,000)`.
    ///
    /// # Errors
    /// None for amounts of 64 bits; the type says so for amounts below `i64::MIN / 2`.
    pub fn of(self, money: Money) -> Result<Money, MoneyError> {
        money.scaled(i64::from(self.0), 10_000)
    }
}

impl TryFrom<u16> for BasisPoints {
    type Error = MoneyError;

    fn try_from(points: u16) -> Result<Self, MoneyError> {
        Self::new(points)
    }
}

impl From<BasisPoints> for u16 {
    fn from(points: BasisPoints) -> Self {
        points.0
    }
}

/// A calculation with money that has no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MoneyError {
    /// Not three capital letters.
    #[error("a currency is three capital letters, as in ISO 4217")]
    Currency,
    /// More than the whole.
    #[error("basis points go from 0 to 10000")]
    BasisPoints,
    /// Amounts of two currencies met.
    #[error("amounts of different currencies can't be combined")]
    Mixed,
    /// The result doesn't fit 64 bits.
    #[error("the amount is out of range")]
    Overflow,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_do_not_overflow_on_the_way() {
        let all = Money::new(i64::MAX, Currency::EUR);
        assert_eq!(BasisPoints::WHOLE.of(all), Ok(all));
        assert_eq!(all.checked_add(Money::new(1, Currency::EUR)), Err(MoneyError::Overflow));
    }

    #[test]
    fn bad_text_is_refused() {
        for text in ["", "US", "USDX", "usd", "U$D", "ÜSD"] {
            assert_eq!(text.parse::<Currency>(), Err(MoneyError::Currency), "{text}");
        }
        assert!(serde_json::from_str::<BasisPoints>("10001").is_err());
    }
}
