//! A tenant's documents, who sees a thousand of them and by what, and the statements that somebody would write by hand.

use sqlx::QueryBuilder;
use tenantry::{
    Assignee, Authority, CallerFacts, Catalog, Grant, Holding, Kind, Predicate, PrincipalId, RequestFacts,
    Resource, Role, Scope, TenantId, Timestamp, UserId, Value,
};
use tenantry_storage::filter::{Columns, FilterDialect, Listed};
use uuid::Uuid;

use super::Fault;

tenantry::permissions! {
    /// Read a document.
    pub(crate) DocumentRead = "document:read";
}

/// How many of a tenant's documents somebody sees.
pub(crate) const SEEN: i64 = 1_000;

/// The document of this number in a tenant of so many. Owners and folders have a thousand each, evenly spread; amounts
/// are all different, in another order than the ids.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Document {
    number: i64,
    among: i64,
}

impl Document {
    pub(crate) const fn new(number: i64, among: i64) -> Self {
        Self { number, among }
    }

    pub(crate) fn uuid(self) -> Uuid {
        uuid(self.number)
    }

    const fn group(self) -> i64 {
        self.number % groups(self.among)
    }
}

/// How many owners there are, and folders.
const fn groups(among: i64) -> i64 {
    among / SEEN
}

/// A number as an id.
pub(crate) fn uuid(number: i64) -> Uuid {
    Uuid::from_u128(u128::from(number.unsigned_abs()))
}

/// What the owner's number is moved by, so that nobody has a document's id.
const USERS: i64 = 1 << 40;

/// The factor that sends each number to another amount: a prime.
const FACTOR: i64 = 7_919;

impl Resource for Document {
    const TYPE: &'static str = "document";
    const ATTRIBUTES: &'static [(&'static str, Kind)] =
        &[("owner", Kind::Id), ("folder", Kind::Integer), ("amount", Kind::Integer)];
    const CONTAINERS: &'static [(&'static str, &'static str)] = &[("folder", "folder")];

    fn id(&self) -> Value<'_> {
        self.uuid().into()
    }

    fn attribute(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "owner" => Some(uuid(USERS + self.group()).into()),
            "folder" => Some((self.number / 2 % groups(self.among)).into()),
            "amount" => Some((self.number * FACTOR % self.among).into()),
            _ => None,
        }
    }
}

/// The values of a row of number `n` in a table of `among`, as SQL; `id` makes an id of a number.
pub(crate) fn values(among: i64, id: fn(&str) -> String) -> String {
    let groups = groups(among);
    let (own, owner) = (id("n"), id(&format!("({USERS} + n % {groups})")));
    format!("{own}, {owner}, n / 2 % {groups}, n * {FACTOR} % {among}, 'Document ' || n")
}

/// The table of so many documents, for both databases.
pub(crate) fn create(table: &str, uuid: &str, bigint: &str) -> String {
    format!(
        "CREATE TABLE {table} (tenant_id {uuid} NOT NULL, document_id {uuid} NOT NULL, owner {uuid}, folder {bigint}, \
         amount {bigint}, title text NOT NULL, PRIMARY KEY (tenant_id, document_id))"
    )
}

/// Its indexes, which the documentation of lists asks for.
pub(crate) fn indexes(table: &str) -> String {
    format!(
        "CREATE INDEX {table}_owner ON {table} (tenant_id, owner, document_id);
         CREATE INDEX {table}_folder ON {table} (tenant_id, folder, document_id)"
    )
}

/// The same as filters know it.
pub(crate) const fn listed(table: &'static str) -> Listed {
    Listed { table, select: "*", columns: Columns::new("document_id") }
}

/// By what somebody sees documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Seen {
    /// As the owner of a thousand.
    Own,
    /// By a role on a folder that holds a thousand.
    Folder,
    /// By both.
    OwnOrFolder,
    /// By a role on each of four folders.
    Folders,
    /// By a role on each of a hundred documents.
    Named,
    /// By a role on the whole tenant.
    All,
    /// By a condition on an attribute that no index serves.
    Amount,
}

impl Seen {
    pub(crate) const EACH: [Self; 7] =
        [Self::Own, Self::Folder, Self::OwnOrFolder, Self::Folders, Self::Named, Self::All, Self::Amount];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Own => "as owner of 1,000",
            Self::Folder => "role on a folder of 1,000",
            Self::OwnOrFolder => "as owner, and role on a folder",
            Self::Folders => "role on each of 4 folders",
            Self::Named => "role on each of 100 documents",
            Self::All => "role on the whole tenant",
            Self::Amount => "condition without an index, true of 1,000",
        }
    }

    /// Whether the table has an index for it, so that a page touches a page.
    pub(crate) const fn is_indexed(self) -> bool {
        !matches!(self, Self::Amount)
    }

    /// Who sees them among so many.
    pub(crate) fn authority(self, among: i64) -> Result<(Authority, Catalog), Fault> {
        let catalog = Catalog::builder().permission::<DocumentRead>().resource::<Document>().build()?;
        let tenant = TenantId::from_uuid(uuid(USERS - 1));
        let user = UserId::from_uuid(uuid(USERS + 1));
        let role = |line: &str| {
            let grants: Vec<Grant> = vec![line.parse()?];
            let role = Role::new(tenant, "reader".parse()?, "Reader", grants, 1)?;
            Ok::<_, Fault>(Holding::of(role, Assignee::User(user)))
        };
        let own = || role("document:read when resource.owner = caller.id");
        let on = |of: String| Ok::<_, Fault>(role("document:read")?.on(of.parse()?).descending());
        let held = match self {
            Self::Own => vec![own()?],
            Self::Folder => vec![on("folder/2".to_owned())?],
            Self::OwnOrFolder => vec![own()?, on("folder/2".to_owned())?],
            Self::Folders => (2..6).map(|folder| on(format!("folder/{folder}"))).collect::<Result<_, _>>()?,
            Self::Named => {
                let numbers = (1..=100).map(|place| among / 100 * place);
                numbers.map(|number| on(format!("document/{}", uuid(number)))).collect::<Result<_, _>>()?
            }
            Self::All => vec![role("document:read")?],
            Self::Amount => vec![role("document:read when resource.amount < 1000")?],
        };
        let caller = CallerFacts::of(PrincipalId::User(user), tenant);
        Ok((Authority::of(&catalog, caller, held, &[Scope::all()]), catalog))
    }

    /// What of so many documents they see: the filter, and the ids in their order by a check of each.
    pub(crate) fn found(self, among: i64) -> Result<(Predicate, Vec<Uuid>), Fault> {
        let (authority, catalog) = self.authority(among)?;
        let read = catalog.index::<DocumentRead>().ok_or("no such permission")?;
        let request = RequestFacts::new(Timestamp::EPOCH, None);
        let all = (1..=among).map(|number| Document::new(number, among));
        let seen = all.filter(|document| authority.check(read, document, &request).is_allowed());
        Ok((authority.filter::<Document>(read, &request), seen.map(Document::uuid).collect()))
    }

    /// The condition that somebody would write by hand, with the values bound; nothing where there is none.
    pub(crate) fn by_hand<DB: FilterDialect>(self, among: i64, query: &mut QueryBuilder<DB>) {
        match self {
            Self::Own => {
                query.push(" AND owner = ");
                DB::bind(query, uuid(USERS + 1).into());
            }
            Self::Folder => {
                query.push(" AND folder = ");
                DB::bind(query, 2.into());
            }
            Self::OwnOrFolder => {
                query.push(" AND (owner = ");
                DB::bind(query, uuid(USERS + 1).into());
                query.push(" OR folder = ");
                DB::bind(query, 2.into());
                query.push(")");
            }
            Self::Folders => {
                query.push(" AND folder IN (");
                in_list(query, (2..6).map(Value::from));
            }
            Self::Named => {
                query.push(" AND document_id IN (");
                in_list(query, (1..=100).map(|place| Value::from(uuid(among / 100 * place))));
            }
            Self::All => {}
            Self::Amount => {
                query.push(" AND amount < ");
                DB::bind(query, 1_000.into());
            }
        }
    }
}

fn in_list<DB: FilterDialect>(query: &mut QueryBuilder<DB>, values: impl Iterator<Item = Value<'static>>) {
    for (place, value) in values.enumerate() {
        if place > 0 {
            query.push(", ");
        }
        DB::bind(query, value);
    }
    query.push(")");
}
