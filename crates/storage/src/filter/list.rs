use std::num::NonZeroU16;

use sqlx::QueryBuilder;
use tenantry_core::{Literal, Predicate, Resource, ResourceId, TenantId};
use uuid::Uuid;

use super::columns::Columns;
use super::dialect::{FilterDialect, Merges};
use super::layout::{Layout, TableOf};
use super::push::{FilterTooLarge, MAX_VALUES, push, values};

/// What is listed: rows of one table that holds resources of one type.
#[derive(Debug, Clone, Copy)]
pub struct Listed {
    /// The table, whose key is led by `tenant_id`.
    pub table: &'static str,
    /// What is selected of each row, such as `*`. The id's column has to be among it.
    pub select: &'static str,
    /// Where the table has the resource's attributes.
    pub columns: Columns,
}

/// The statement for a page of what `filter` keeps of a tenant's rows, ordered by id, after `after`.
///
/// Each way in which a role may reach a row becomes a branch of its own, which an index that begins with `tenant_id` and
/// that way's attribute serves in the order of the ids; the branches are merged and read no further than the page. Give
/// the table an index over (`tenant_id`, attribute, id) for each attribute that roles or containers go by: `owner`, or
/// `folder`. Roles on several containers are a way for each container. A filter of more than eight ways is asked in one
/// go, over the rows of the tenant.
///
/// Ask for one row more than the page has, to know whether there is another page.
///
/// # Errors
/// [`FilterTooLarge`].
pub fn list<DB: FilterDialect, R: Resource>(
    listed: &Listed,
    tenant: TenantId,
    filter: &Predicate,
    after: Option<&ResourceId>,
    limit: NonZeroU16,
) -> Result<QueryBuilder<DB>, FilterTooLarge> {
    let Listed { table, select, columns } = listed;
    let (layout, sorted) = (&TableOf::<R>::new(columns), Sorted::ById { after });
    page(&Rows { table, select, layout, tenant, sorted, limit }, filter)
}

/// The same, the newest first: by `created_at` and id, before this place. Both are among what is selected.
pub(crate) fn newest<DB: FilterDialect, R: Resource>(
    listed: &Listed,
    tenant: TenantId,
    filter: &Predicate,
    before: (i64, Uuid),
    limit: NonZeroU16,
) -> Result<QueryBuilder<DB>, FilterTooLarge> {
    let Listed { table, select, columns } = listed;
    let (layout, sorted) = (&TableOf::<R>::new(columns), Sorted::Newest { before });
    page(&Rows { table, select, layout, tenant, sorted, limit }, filter)
}

pub(super) fn page<DB: FilterDialect>(
    rows: &Rows<'_, impl Layout>,
    filter: &Predicate,
) -> Result<QueryBuilder<DB>, FilterTooLarge> {
    let branches = Branches::of(rows.layout.fitted(filter), rows.layout);
    let bound = branches.values();
    if bound > MAX_VALUES {
        return Err(FilterTooLarge { values: bound });
    }
    let mut query = QueryBuilder::new("");
    match &*branches.ways {
        [only] => {
            rows.push_branch(&mut query, only, &[], &branches.common);
            rows.push_end(&mut query);
        }
        ways if DB::MERGES == Merges::Branches => {
            for (place, way) in ways.iter().enumerate() {
                query.push(if place > 0 { " UNION ALL " } else { "" });
                let (earlier, _) = ways.split_at(place);
                rows.push_branch(&mut query, way, earlier, &branches.common);
            }
            rows.push_end(&mut query);
        }
        ways => {
            query.push("SELECT * FROM (");
            for (place, way) in ways.iter().enumerate() {
                query.push(if place > 0 { " UNION ALL SELECT * FROM (" } else { "SELECT * FROM (" });
                let (earlier, _) = ways.split_at(place);
                rows.push_branch(&mut query, way, earlier, &branches.common);
                rows.push_end(&mut query);
                query.push(") AS way_").push(place);
            }
            query.push(") AS ways");
            rows.push_end(&mut query);
        }
    }
    Ok(query)
}

/// A filter as ways in which a row may be reached, and what holds for all of them.
struct Branches {
    ways: Vec<Predicate>,
    common: Vec<Predicate>,
}

impl Branches {
    /// The most ways that are asked one by one.
    const MOST: usize = 8;

    fn of(filter: Predicate, layout: &impl Layout) -> Self {
        let mut common = match filter {
            Predicate::All(parts) => parts,
            whole => vec![whole],
        };
        let several = |part: &Predicate| matches!(part, Predicate::Any(ways) if ways.len() <= Self::MOST);
        if let Some(place) = common.iter().position(several)
            && let Predicate::Any(ways) = common.swap_remove(place)
        {
            return Self { ways: each_container(ways, layout), common };
        }
        let named = |part: &Predicate| containers(part, layout).is_some();
        let ways = match common.iter().position(named) {
            Some(place) => each_container(vec![common.swap_remove(place)], layout),
            None => vec![Predicate::EVERYTHING],
        };
        Self { ways, common }
    }

    /// How many values the statement binds: a way appears in itself and in each that comes after it.
    fn values(&self) -> usize {
        let common: usize = self.common.iter().map(values).sum();
        let ways = self.ways.iter().rev().zip(1..).map(|(way, times)| values(way) * times);
        ways.sum::<usize>() + common * self.ways.len()
    }
}

/// These ways, with one for each container where a way goes by several, as far as there may be so many: a list of
/// containers has its rows container by container, and so in no order of their ids.
fn each_container(ways: Vec<Predicate>, layout: &impl Layout) -> Vec<Predicate> {
    let mut left = Branches::MOST.saturating_sub(ways.len());
    let mut all = Vec::with_capacity(Branches::MOST);
    for way in ways {
        match containers(&way, layout) {
            Some(each) if each.len() <= left + 1 => {
                left = (left + 1).saturating_sub(each.len());
                all.extend(each);
            }
            _ => all.push(way),
        }
    }
    all
}

/// What a way through several containers asks of each of them; nothing where it goes through none, or through more than
/// are asked one by one.
fn containers(way: &Predicate, layout: &impl Layout) -> Option<Vec<Predicate>> {
    match way {
        Predicate::In { attribute, values } if !values.is_empty() && layout.is_container(attribute) => {
            let mut once: Vec<&Literal> = Vec::with_capacity(Branches::MOST);
            for value in values {
                if once.contains(&value) {
                    continue;
                }
                if once.len() == Branches::MOST {
                    return None;
                }
                once.push(value);
            }
            let each = once.into_iter().map(|value| Predicate::is_in(attribute, vec![value.clone()]));
            Some(each.collect())
        }
        Predicate::All(parts) => {
            let (place, each) = parts
                .iter()
                .enumerate()
                .find_map(|(place, part)| Some((place, containers(part, layout)?)))?;
            let others = || parts.iter().enumerate().filter(|(other, _)| *other != place);
            let one = |container| {
                Predicate::all(std::iter::once(container).chain(others().map(|(_, part)| part.clone())))
            };
            Some(each.into_iter().map(one).collect())
        }
        _ => None,
    }
}

/// Which rows of which table make a page.
pub(super) struct Rows<'a, L> {
    pub(super) table: &'a str,
    pub(super) select: &'a str,
    pub(super) layout: &'a L,
    pub(super) tenant: TenantId,
    pub(super) sorted: Sorted<'a>,
    pub(super) limit: NonZeroU16,
}

/// In which order rows are listed, and where a page of them begins.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sorted<'a> {
    /// By their ids.
    ById { after: Option<&'a ResourceId> },
    /// By `created_at` and then by their ids, both descending.
    Newest { before: (i64, Uuid) },
}

impl<L: Layout> Rows<'_, L> {
    /// The rows that this way reaches and no earlier one.
    fn push_branch<DB: FilterDialect>(
        &self,
        query: &mut QueryBuilder<DB>,
        way: &Predicate,
        earlier: &[Predicate],
        common: &[Predicate],
    ) {
        query.push("SELECT ").push(self.select).push(" FROM ").push(self.table);
        query.push(" WHERE tenant_id = ");
        DB::bind(query, self.tenant.as_uuid().into());
        match self.sorted {
            Sorted::ById { after: None } => {}
            Sorted::ById { after: Some(after) } => {
                query.push(" AND ").push(self.layout.id()).push(" > ");
                DB::bind(query, after.value());
            }
            Sorted::Newest { before: (at, id) } => {
                query.push(" AND (created_at, ").push(self.layout.id()).push(") < (");
                DB::bind(query, at.into());
                query.push(", ");
                DB::bind(query, id.into());
                query.push(")");
            }
        }
        for part in std::iter::once(way).chain(common) {
            query.push(" AND ");
            push(query, part, self.layout);
        }
        for other in earlier {
            query.push(" AND ");
            push(query, other, self.layout);
            query.push(" IS NOT TRUE");
        }
    }

    /// In their order, no further than the page.
    fn push_end<DB: FilterDialect>(&self, query: &mut QueryBuilder<DB>) {
        match self.sorted {
            Sorted::ById { .. } => query.push(" ORDER BY ").push(self.layout.id()),
            Sorted::Newest { .. } => {
                query.push(" ORDER BY created_at DESC, ").push(self.layout.id()).push(" DESC")
            }
        };
        query.push(" LIMIT ").push(self.limit);
    }
}
