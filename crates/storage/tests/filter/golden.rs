//! The published models of access control on a store: their tenants, their tables, and what every statement binds.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;

use sqlx::QueryBuilder;
use tenantry_core::conformance::access::{self, Model, Table};
use tenantry_core::{
    Catalog, Founding, Interval, Kind, NewRole, Plan, Plans, Reach, Registration, Store, StoredSecret,
    TenantCtx, TenantId, Tenantry,
};
use tenantry_storage::filter::{FilterDialect, NamedTable};

/// The tenants of all models, each registered with the store.
pub(crate) struct Tenants(BTreeMap<String, TenantCtx>);

impl Tenants {
    pub(crate) async fn register(store: impl Store + 'static) -> Self {
        let plans =
            Plans::builder().plan(Plan::new("any@1".parse().unwrap(), Interval::Month)).build().unwrap();
        let app = Tenantry::new(Arc::new(store), Catalog::builder().build().unwrap(), plans);
        app.found(&founding()).await.unwrap();
        let mut tenants = BTreeMap::new();
        for name in names() {
            let market = app.resolve(&"market".parse().unwrap()).await.unwrap();
            let slug = format!("golden-{name}");
            app.register(&market, registration(&slug)).await.unwrap();
            tenants.insert(name, app.resolve(&slug.parse().unwrap()).await.unwrap());
        }
        Self(tenants)
    }

    pub(crate) fn of(&self, table: &Table) -> &TenantCtx {
        &self.0[table.tenant_name()]
    }

    /// How many tenants share the table that shares the most.
    pub(crate) fn most_in_one_table() -> usize {
        let models = access::models().unwrap();
        let mut shared: BTreeMap<String, usize> = BTreeMap::new();
        for table in models.iter().flat_map(Model::tables) {
            *shared.entry(name(table)).or_default() += 1;
        }
        shared.into_values().max().unwrap()
    }
}

fn names() -> BTreeSet<String> {
    let models = access::models().unwrap();
    models.iter().flat_map(Model::tables).map(|table| table.tenant_name().to_owned()).collect()
}

/// What the store calls the table of a model's resources of one type, of whichever tenant.
pub(crate) fn name(table: &Table) -> String {
    format!("{}_{}", table.model(), table.of().replace(':', "_"))
}

/// The same as filters know it.
pub(crate) fn named(table: &Table) -> NamedTable {
    let named = NamedTable::new(name(table).parse().unwrap(), "id".parse().unwrap(), table.id_kind());
    table
        .columns()
        .iter()
        .fold(named, |named, (attribute, kind)| named.with(attribute, *kind, attribute.parse().unwrap()))
}

/// The statement that makes the table, where values of a kind have these types.
pub(crate) fn create(table: &Table, tenant: &str, type_of: fn(Kind) -> &'static str) -> String {
    let mut sql = format!("CREATE TABLE {} (tenant_id {tenant} NOT NULL, ", name(table));
    write!(sql, "id {} NOT NULL, ", type_of(table.id_kind())).unwrap();
    for (attribute, kind) in table.columns() {
        write!(sql, "\"{attribute}\" {}, ", type_of(*kind)).unwrap();
    }
    sql + "PRIMARY KEY (tenant_id, id))"
}

/// The tables that the store has to have for a model: one for each type of resource.
pub(crate) fn distinct(model: &Model) -> impl Iterator<Item = &Table> {
    let mut seen = BTreeSet::new();
    model.tables().filter(move |table| seen.insert(table.of()))
}

/// The statement that puts every item of the table into it, as rows of this tenant.
pub(crate) fn insert<DB: FilterDialect>(table: &Table, tenant: TenantId) -> QueryBuilder<DB> {
    let mut query = QueryBuilder::new(format!("INSERT INTO {} (tenant_id, id", name(table)));
    for (attribute, _) in table.columns() {
        query.push(", \"").push(attribute).push("\"");
    }
    for (place, item) in table.items().iter().enumerate() {
        query.push(if place == 0 { ") VALUES (" } else { ", (" });
        DB::bind(&mut query, tenant.as_uuid().into());
        query.push(", ");
        DB::bind(&mut query, item.id().value());
        for value in item.values() {
            query.push(", ");
            match value {
                Some(value) => DB::bind(&mut query, value.value()),
                None => drop(query.push("NULL")),
            }
        }
        query.push(")");
    }
    query
}

fn founding() -> Founding {
    Founding {
        slug: "market".parse().unwrap(),
        name: "Market".to_owned(),
        kind: "platform".parse().unwrap(),
        plan: "any@1".parse().unwrap(),
        roles: vec![NewRole::owner()],
        reach: Reach::Here,
        email: "market@example.com".parse().unwrap(),
        user_name: "Root".to_owned(),
        secret: StoredSecret::new("$fake$".to_owned()),
    }
}

fn registration(slug: &str) -> Registration {
    Registration {
        slug: slug.parse().unwrap(),
        name: slug.to_owned(),
        kind: "party".parse().unwrap(),
        plan: "any@1".parse().unwrap(),
        roles: vec![NewRole::owner()],
        reach: Reach::Here,
        email: format!("{slug}@example.com").parse().unwrap(),
        user_name: slug.to_owned(),
        secret: StoredSecret::new("$fake$".to_owned()),
    }
}
