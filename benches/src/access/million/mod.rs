//! Whether it matters how many tenants there are: the same among a thousand and among a million, on PostgreSQL.

mod counted;
mod filled;
mod report;

use std::num::NonZeroU16;
use std::time::Instant;

use serde::Serialize;
use stats_alloc::Region;
use tenantry::{Caller, PrincipalId, RealmId, RequestFacts, TenantCtx, Timestamp, UserId};
use tenantry_bench_measure::{Draw, Spread, order};
use tenantry_storage::filter::list;
use tokio::runtime::Runtime;

use super::Fault;
use super::documents::{Document, DocumentRead, listed};
use super::postgres::{ids, touched};
use crate::machine::Machine;
use counted::Counted;
use filled::{Filled, MEMBERS, Room};

/// How many tenants there are where there are few.
const FEW: u32 = 1_000;
/// How many there are at least where the report goes to `docs/`.
const WHOLE: u32 = 1_000_000;

/// What was found.
#[derive(Debug, Serialize)]
struct Million {
    is_quick: bool,
    machine: Machine,
    few: Among,
    many: Among,
    /// Bytes in this process of a tenant that was resolved, and of a member that was admitted.
    held: [usize; 2],
    effort: Effort,
}

/// What was found among so many tenants.
#[derive(Debug, Serialize)]
struct Among {
    tenants: u32,
    filled_in_seconds: u64,
    /// What each table takes on disk.
    room: Vec<Room>,
    /// What a tenant's being resolved and a member's being admitted touches.
    counted: Counted,
    /// Rows that the page of a list touches, which has one row.
    touched: i64,
    /// Nanoseconds, of each of [`QUESTIONS`].
    took: [Spread; 4],
}

/// What is measured.
const QUESTIONS: [&str; 4] = [
    "a tenant resolved by its slug",
    "a member admitted",
    "the store's read of a member",
    "a page of what a member may read",
];

/// How much is measured.
#[derive(Debug, Clone, Copy, Serialize)]
struct Effort {
    /// How often each question is asked.
    turns: usize,
    /// For how many resolves the server's counts are compared.
    counted: u32,
    /// How many tenants and members are held in memory.
    holding: usize,
}

const FULL: Effort = Effort { turns: 4_000, counted: 2_000, holding: 10_000 };

const QUICK: Effort = Effort { turns: 200, counted: 100, holding: 500 };

/// Fills both, measures, prints, and writes `target/bench/access-million.json` and the report.
///
/// # Errors
/// Whatever keeps it from measuring: a page that isn't what the member owns, too.
pub(crate) fn run(many: u32, is_quick: bool) -> Result<(), Fault> {
    let many = if is_quick { many.min(10 * FEW) } else { many };
    if many < FEW {
        return Err(format!("{many} tenants are fewer than the {FEW} that they are compared with").into());
    }
    let effort = if is_quick { QUICK } else { FULL };
    let runtime = Runtime::new()?;
    let began = Instant::now();
    let say = |what: &str| eprintln!("  {:>4} s  {what}", began.elapsed().as_secs());
    let (mut machine, few, many) = runtime.block_on(async {
        let few = Filled::with(FEW, &say).await?;
        let machine = Machine::of(few.database()).await?;
        Ok::<_, Fault>((machine, few, Filled::with(many, &say).await?))
    })?;
    say("asked in turn");
    let took = runtime.block_on(measure([&few, &many], effort.turns))?;
    say("counted by the server");
    let counted = runtime.block_on(counted::count([&few, &many], effort.counted))?;
    say("held in memory");
    let held = runtime.block_on(hold(&many, effort.holding))?;
    let [of_few, of_many] = took;
    let [few_counted, many_counted] = counted;
    let few = runtime.block_on(Among::of(few, of_few, few_counted))?;
    let many = runtime.block_on(Among::of(many, of_many, many_counted))?;
    machine.ended();
    Million { is_quick, machine, few, many, held, effort }.end()
}

impl Among {
    async fn of(filled: Filled, took: [Vec<f64>; 4], counted: Counted) -> Result<Self, Fault> {
        Ok(Self {
            tenants: filled.tenants,
            filled_in_seconds: filled.took.as_secs(),
            touched: page_touches(&filled, Member { tenant: 1, place: 1 }).await?,
            counted,
            took: took.map(Spread::of),
            room: filled.room,
        })
    }
}

/// A member of a tenant, both by number.
#[derive(Debug, Clone, Copy)]
struct Member {
    tenant: u32,
    place: u32,
}

impl Member {
    fn ids(self, filled: &Filled) -> (RealmId, UserId) {
        filled.member(self.tenant, self.place)
    }

    /// From the store, and its tenant too.
    async fn admitted(self, filled: &Filled) -> Result<(TenantCtx, Caller), Fault> {
        let ctx = filled.tenant(self.tenant).await?;
        let (realm, user) = self.ids(filled);
        let caller = filled.app.admit(&ctx, realm, user).await?;
        Ok((ctx, caller))
    }
}

impl Filled {
    /// Any member of any tenant but its owner.
    fn drawn(&self, draw: &mut Draw) -> Member {
        let number = |drawn: usize| u32::try_from(drawn).unwrap_or(0);
        let below = |bound: u32| usize::try_from(bound).unwrap_or(usize::MAX);
        let tenant = number(draw.below(below(self.tenants)));
        Member { tenant, place: 1 + number(draw.below(below(MEMBERS - 1))) }
    }
}

/// Each question in turn among few and among many; the first tenth isn't counted.
async fn measure(both: [&Filled; 2], turns: usize) -> Result<[[Vec<f64>; 4]; 2], Fault> {
    let mut took: [[Vec<f64>; 4]; 2] = Default::default();
    let mut draw = Draw::new(7);
    for turn in 0..turns + turns / 10 {
        for side in order(both.len(), turn) {
            let (Some(filled), Some(all)) = (both.get(side), took.get_mut(side)) else { continue };
            let nanos = ask(filled, &mut draw).await?;
            for (all, nanos) in all.iter_mut().zip(nanos) {
                if turn >= turns / 10 {
                    all.push(nanos);
                }
            }
        }
    }
    Ok(took)
}

/// Nanoseconds of each question. The admission, the read and the page are each of a member of another tenant: what one
/// brought into the server's memory serves none of the others.
async fn ask(filled: &Filled, draw: &mut Draw) -> Result<[f64; 4], Fault> {
    let member = filled.drawn(draw);
    let (realm, user) = member.ids(filled);
    let began = Instant::now();
    let ctx = filled.tenant(member.tenant).await?;
    let resolved = nanos(began);
    let began = Instant::now();
    std::hint::black_box(filled.app.admit(&ctx, realm, user).await?);
    let admitted = nanos(began);

    let member = filled.drawn(draw);
    let (ctx, (_, user)) = (filled.tenant(member.tenant).await?, member.ids(filled));
    let began = Instant::now();
    let facts = filled.app.store().principal(ctx.scope(), PrincipalId::User(user)).await?;
    let read = nanos(began);
    std::hint::black_box(facts.ok_or("no such member")?);

    let member = filled.drawn(draw);
    let (ctx, caller) = member.admitted(filled).await?;
    let began = Instant::now();
    let ids = ids_of(filled, &ctx, &caller).await?;
    let listed = nanos(began);
    if ids != [Filled::document(member.tenant, member.place)] {
        return Err(format!("{member:?} is shown {ids:?}").into());
    }
    Ok([resolved, admitted, read, listed])
}

async fn ids_of(filled: &Filled, ctx: &TenantCtx, caller: &Caller) -> Result<Vec<uuid::Uuid>, Fault> {
    let mut tx = filled.store.read(ctx).await?;
    ids(tx.connection(), statement(filled, ctx, caller)?).await
}

fn statement(
    filled: &Filled,
    ctx: &TenantCtx,
    caller: &Caller,
) -> Result<sqlx::QueryBuilder<sqlx::Postgres>, Fault> {
    let read = filled.catalog.index::<DocumentRead>().ok_or("no such permission")?;
    let request = RequestFacts::new(Timestamp::EPOCH, None);
    let filter = caller.principal().authority().filter::<Document>(read, &request);
    let limit = NonZeroU16::new(50).ok_or("a page of nothing")?;
    Ok(list::<_, Document>(&listed("documents"), ctx.id(), &filter, None, limit)?)
}

/// How many rows the page of a member touches.
async fn page_touches(filled: &Filled, member: Member) -> Result<i64, Fault> {
    let (ctx, caller) = member.admitted(filled).await?;
    let mut tx = filled.store.read(&ctx).await?;
    touched(tx.connection(), statement(filled, &ctx, &caller)?).await
}

/// Bytes that a resolved tenant, and then an admitted member of it, keep while they are held.
async fn hold(filled: &Filled, count: usize) -> Result<[usize; 2], Fault> {
    let mut draw = Draw::new(11);
    let drawn: Vec<Member> = (0..count).map(|_| filled.drawn(&mut draw)).collect();
    let (mut tenants, mut callers) = (Vec::with_capacity(count), Vec::with_capacity(count));
    let region = Region::new(crate::ALLOCATOR);
    for member in &drawn {
        tenants.push(filled.tenant(member.tenant).await?);
    }
    let resolved = kept(&region);
    for (ctx, member) in tenants.iter().zip(&drawn) {
        let (realm, user) = member.ids(filled);
        callers.push(filled.app.admit(ctx, realm, user).await?);
    }
    let admitted = kept(&region).saturating_sub(resolved);
    Ok([resolved / count, admitted / count])
}

fn kept(region: &Region<'_, std::alloc::System>) -> usize {
    let change = region.change();
    change.bytes_allocated.saturating_sub(change.bytes_deallocated)
}

#[expect(clippy::float_arithmetic, reason = "a measurement, not money")]
fn nanos(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e9
}
