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

    /// The most reads that [`Page::filter_map`] makes for one page.
    pub const MOST_READS: usize = 8;

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

    /// A page of what `item` makes of a list that `read` reads page by page: for what somebody may see of a list whose store
    /// can't be asked for just that. A table of the application's own can: with a filter.
    ///
    /// After [`PageRequest::MOST_READS`] reads the page ends where they did, however few items it has: `next` says whether the list
    /// does, as in [AIP-158](https://google.aip.dev/158).
    ///
    /// ```
    /// use tenantry_core::{Cursor, Page, PageRequest, Unavailable};
    ///
    /// # async fn numbers(page: PageRequest) -> Result<Page<u32>, Unavailable> {
    /// #     let after = page.after().and_then(|cursor| cursor.as_str().parse().ok()).unwrap_or(0);
    /// #     let items: Vec<u32> = (after + 1..=10).take(usize::from(page.limit()) + 1).collect();
    /// #     Ok(Page::of(items, page.limit(), |number| Cursor::after_key(&[number])))
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let wanted = PageRequest::new(3, None)?;
    /// let page = Page::filter_map(&wanted, numbers, |number| (number % 2 == 0).then_some(number)).await?;
    /// assert_eq!(page.items, [2, 4, 6]);
    /// assert!(page.next.is_some());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// What `read` says.
    pub async fn filter_map<U, E, F>(
        request: &PageRequest,
        mut read: impl FnMut(PageRequest) -> F,
        mut item: impl FnMut(T) -> Option<U>,
    ) -> Result<Page<U>, E>
    where
        F: Future<Output = Result<Self, E>>,
    {
        let mut wanted = request.clone();
        let mut items = Vec::new();
        for _ in 0..PageRequest::MOST_READS {
            let page = read(wanted.clone()).await?;
            let kept = items.len();
            items.extend(page.items.into_iter().filter_map(&mut item));
            wanted.limit = wanted.limit.saturating_sub(u16::try_from(items.len() - kept).unwrap_or(u16::MAX));
            wanted.after = page.next;
            if wanted.after.is_none() || wanted.limit == 0 {
                break;
            }
        }
        Ok(Page { items, next: wanted.after })
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::convert::Infallible;

    use proptest::prelude::*;

    use super::{Cursor, Page, PageRequest};

    /// A page of the numbers below `end`, counted.
    async fn numbers(end: u16, reads: &Cell<usize>, page: PageRequest) -> Result<Page<u16>, Infallible> {
        reads.set(reads.get() + 1);
        let after = page.after().map_or(0, |cursor| cursor.as_str().parse::<u16>().unwrap() + 1);
        let items: Vec<u16> = (after..end).take(usize::from(page.limit()) + 1).collect();
        Ok(Page::of(items, page.limit(), |number| Cursor::after_key(&[number])))
    }

    proptest! {
        #[test]
        fn what_is_kept_is_walked_once_and_in_order(
            kept in prop::collection::vec(any::<bool>(), 0..400),
            limit in 1..=20_u16,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let end = u16::try_from(kept.len()).unwrap();
            let keep = |number: u16| kept[usize::from(number)].then_some(number);
            let mut walked = Vec::new();
            let mut wanted = PageRequest::new(limit, None).unwrap();
            loop {
                let reads = Cell::new(0);
                let read = |page| numbers(end, &reads, page);
                let Ok(page) = runtime.block_on(Page::filter_map(&wanted, read, keep));
                prop_assert!(page.items.len() <= usize::from(limit) && reads.get() <= PageRequest::MOST_READS);
                walked.extend(page.items);
                let Some(next) = page.next else { break };
                wanted = wanted.following(next);
            }
            let all: Vec<u16> = (0..end).filter_map(keep).collect();
            prop_assert_eq!(walked, all);
        }
    }

    #[tokio::test]
    async fn nothing_for_many_pages_is_an_empty_page_with_a_next() {
        let reads = Cell::new(0);
        let wanted = PageRequest::new(10, None).unwrap();
        let read = |page| numbers(1_000, &reads, page);
        let Ok(page) = Page::filter_map(&wanted, read, |_| None::<u16>).await;
        assert_eq!((page.items.len(), reads.get()), (0, PageRequest::MOST_READS));
        assert_eq!(page.next, Some(Cursor::after_key(&[&79])));
    }
}
