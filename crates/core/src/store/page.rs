use std::fmt;

/// A page of a list that is asked for.
///
/// ```
/// use tenantry_core::PageRequest;
///
/// assert_eq!(PageRequest::first().limit(), 50);
/// assert!(PageRequest::new(201, None).is_err());
/// # Ok::<(), tenantry_core::InvalidPage>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    limit: u16,
    after: Option<Cursor>,
}

impl PageRequest {
    /// The most items on a page.
    pub const MAX: u16 = 200;
    /// The items on a page when nobody says how many.
    pub const DEFAULT: u16 = 50;

    /// The page of `limit` items that follows `after`; the first one without it.
    ///
    /// # Errors
    /// [`InvalidPage::Limit`] unless the limit lies between 1 and [`PageRequest::MAX`].
    pub fn new(limit: u16, after: Option<Cursor>) -> Result<Self, InvalidPage> {
        if (1..=Self::MAX).contains(&limit) { Ok(Self { limit, after }) } else { Err(InvalidPage::Limit) }
    }

    /// The first page, of [`PageRequest::DEFAULT`] items.
    #[must_use]
    pub fn first() -> Self {
        Self { limit: Self::DEFAULT, after: None }
    }

    /// The first page, of [`PageRequest::MAX`] items.
    #[must_use]
    pub fn largest() -> Self {
        Self { limit: Self::MAX, after: None }
    }

    /// How many items at the most.
    #[must_use]
    pub fn limit(&self) -> u16 {
        self.limit
    }

    /// The cursor of the page before.
    #[must_use]
    pub fn after(&self) -> Option<&Cursor> {
        self.after.as_ref()
    }

    /// The same page size, after `cursor`.
    #[must_use]
    pub fn following(&self, cursor: Cursor) -> Self {
        Self { limit: self.limit, after: Some(cursor) }
    }
}

/// Where a page ended: the sort key of its last item, as text. It names nothing of another tenant's: a store
/// applies it within the scope that is asked, whatever it says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor(String);

impl Cursor {
    /// The cursor after an item with this sort key.
    #[must_use]
    pub fn after_key(parts: &[&dyn fmt::Display]) -> Self {
        let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
        Self(parts.join("~"))
    }

    /// The cursor that a client sends back.
    ///
    /// # Errors
    /// [`InvalidPage::Cursor`] unless it has 1 to 200 characters of those that a cursor is made of.
    pub fn parse(text: &str) -> Result<Self, InvalidPage> {
        let fits = (1..=200).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~:".contains(&byte));
        if fits { Ok(Self(text.to_owned())) } else { Err(InvalidPage::Cursor) }
    }

    /// The parts of the sort key, as text.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.0.split('~')
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The items, in the list's order.
    pub items: Vec<T>,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<Cursor>,
}

impl<T> Page<T> {
    /// A page from up to `limit + 1` items: the one too many says that there is a next page.
    #[must_use]
    pub fn of(mut items: Vec<T>, limit: u16, cursor: impl Fn(&T) -> Cursor) -> Self {
        let more = items.len() > usize::from(limit);
        items.truncate(usize::from(limit));
        let next = if more { items.last().map(cursor) } else { None };
        Self { items, next }
    }

    /// The page with each item made into another.
    #[must_use]
    pub fn map<U>(self, item: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(item).collect(), next: self.next }
    }
}

/// A page that can't be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPage {
    /// Bad limit.
    #[error("limit goes from 1 to 200")]
    Limit,
    /// Bad cursor.
    #[error("not a cursor: send back what `next` said")]
    Cursor,
}
