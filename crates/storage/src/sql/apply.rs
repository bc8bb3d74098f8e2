use std::collections::BTreeMap;

use sqlx::{Database, FromRow};
use tenantry_core::{
    Account, Batch, Change, CommitError, Currency, Guard, GuardFailure, Key, RoleKey, TenantId, Timestamp,
    Unavailable,
};

use super::rows::KeyRow;
use super::statement::{Connection, SqlError, Statement};
use super::{change, guard, record};

/// What a batch posts to each account that has a floor.
type Posted = BTreeMap<(TenantId, Account, Currency), i64>;

/// Applies a batch inside the transaction or savepoint that the caller has begun, and undoes if this fails: the
/// idempotency key, then every guard, then the changes in their order, the trail and the key.
pub(crate) async fn apply<C>(connection: &mut C, batch: &Batch, now: Timestamp) -> Result<(), CommitError>
where
    C: Connection,
    for<'r> KeyRow: FromRow<'r, <C::Db as Database>::Row>,
{
    batch.check_size()?;
    check_key(connection, batch, now).await?;
    judge(connection, batch).await?;
    for change in batch.changes() {
        write_change(connection, change).await?;
    }
    for entry in batch.audit() {
        write(connection, change::audit(entry)).await?;
    }
    for event in batch.events() {
        write(connection, change::event(event)).await?;
    }
    if let Some(keyed) = batch.keyed() {
        for statement in change::key(keyed, now) {
            write(connection, statement).await?;
        }
    }
    Ok(())
}

async fn check_key<C>(connection: &mut C, batch: &Batch, now: Timestamp) -> Result<(), CommitError>
where
    C: Connection,
    for<'r> KeyRow: FromRow<'r, <C::Db as Database>::Row>,
{
    let Some(keyed) = batch.keyed() else { return Ok(()) };
    let found: Option<KeyRow> =
        connection.row(guard::unexpired_key(&keyed.owner, now)).await.map_err(failed)?;
    match found.map(|row| row.answer_to(&keyed.fingerprint)).transpose().map_err(Unavailable::from)? {
        None => Ok(()),
        Some(Some(answer)) => Err(CommitError::Answered(answer)),
        Some(None) => Err(CommitError::KeyMismatch),
    }
}

/// Judges every guard, those that postings imply included, and counts each use that fits.
async fn judge<C: Connection>(connection: &mut C, batch: &Batch) -> Result<(), CommitError> {
    let posted = posted(batch)?;
    let mut failures = Vec::new();
    for guard in batch.guards() {
        failures.extend(judge_one(connection, guard, batch, &posted).await?);
    }
    for (operator, account, currency) in posted.keys().copied() {
        let guard = Guard::Floor { operator, account, currency };
        if !batch.guards().contains(&guard) {
            failures.extend(judge_one(connection, &guard, batch, &posted).await?);
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(CommitError::Refused(failures)) }
}

async fn judge_one<C: Connection>(
    connection: &mut C,
    guard: &Guard,
    batch: &Batch,
    posted: &Posted,
) -> Result<Option<GuardFailure>, CommitError> {
    let found = match guard {
        Guard::Epoch { tenant, .. } => find(connection, guard::epoch(*tenant)).await?,
        Guard::Claimed { tenant, kind, subject, .. } => {
            find(connection, guard::fence(*tenant, *kind, *subject)).await?
        }
        Guard::Absent(key) | Guard::Present(key) | Guard::Version { key, .. } => {
            find(connection, guard::key(key)).await?
        }
        Guard::Consume { tenant, meter, period, amount, ceiling } => {
            if let Some(most) = ceiling.checked_sub(*amount) {
                let counts = guard::consume(*tenant, meter, *period, *amount, most);
                if find(connection, counts).await?.is_some() {
                    return Ok(None);
                }
            }
            let found = find(connection, guard::used(*tenant, meter, *period)).await?;
            let refused = guard.judge(found).ok_or_else(|| broken("a use that fits wasn't counted"))?;
            return Ok(Some(refused));
        }
        Guard::Floor { operator, account, currency } => {
            let before = find(connection, guard::balance(*operator, *account, *currency)).await?;
            let posted = posted.get(&(*operator, *account, *currency)).copied().unwrap_or(0);
            Some(before.unwrap_or(0).checked_add(posted).ok_or_else(out_of_range)?)
        }
        Guard::Remain { tenant, role, .. } => Some(remaining(connection, batch, *tenant, role).await?),
    };
    Ok(guard.judge(found))
}

/// How many members hold the role once the batch has taken it from those who leave.
async fn remaining<C: Connection>(
    connection: &mut C,
    batch: &Batch,
    of: TenantId,
    which: &RoleKey,
) -> Result<i64, CommitError> {
    let mut leaving: Vec<_> = batch
        .guards()
        .iter()
        .filter_map(|guard| match guard {
            Guard::Remain { tenant, role, leaving, .. } if *tenant == of && role == which => Some(*leaving),
            _ => None,
        })
        .collect();
    leaving.sort_unstable();
    leaving.dedup();
    let mut remaining = find(connection, guard::holders(of, which)).await?.unwrap_or(0);
    for user in leaving {
        remaining -= find(connection, guard::holds(of, which, user)).await?.unwrap_or(0);
    }
    Ok(remaining)
}

fn posted(batch: &Batch) -> Result<Posted, CommitError> {
    let mut posted = Posted::new();
    for change in batch.changes() {
        let Change::Post(transfer) = change else { continue };
        for posting in transfer.postings().iter().filter(|posting| posting.account.has_floor()) {
            let sum = posted.entry((transfer.operator(), posting.account, transfer.currency())).or_default();
            *sum = sum.checked_add(posting.amount).ok_or_else(out_of_range)?;
        }
    }
    Ok(posted)
}

async fn write_change<C: Connection>(connection: &mut C, change: &Change) -> Result<(), CommitError> {
    match change {
        Change::Insert(record) => {
            for statement in record::insert(record).map_err(failed)? {
                write(connection, statement).await?;
            }
        }
        Change::Update(record) => {
            for statement in record::update(record).map_err(failed)? {
                write_one(connection, statement, "a changed row isn't there").await?;
            }
        }
        Change::Delete(Key::Slug(_) | Key::Email(_, _)) => {
            return Err(broken("a name can't be deleted without its row"));
        }
        Change::Delete(key) => {
            for statement in record::delete(key) {
                write_one(connection, statement, "a deleted row isn't there").await?;
            }
        }
        Change::MoveEpoch(tenant) => {
            let statement = change::move_epoch(*tenant);
            write_one(connection, statement, "a tenant whose epoch moves isn't there").await?;
        }
        Change::GiveBack { tenant, meter, period, amount } => {
            write(connection, change::give_back(*tenant, meter, *period, *amount)).await?;
        }
        Change::Post(transfer) => {
            for statement in change::post(transfer) {
                write(connection, statement).await?;
            }
        }
        Change::Statement(line) => {
            for statement in change::statement_line(line) {
                write(connection, statement).await?;
            }
        }
        Change::Schedule(item) => {
            let fence = connection.next_fence().await.map_err(failed)?;
            write(connection, change::schedule(item, fence)).await?;
        }
        Change::Unschedule { tenant, kind, subject } => {
            write(connection, change::unschedule(*tenant, *kind, *subject)).await?;
        }
    }
    Ok(())
}

async fn find<C: Connection>(connection: &mut C, statement: Statement) -> Result<Option<i64>, CommitError> {
    connection.number(statement).await.map_err(failed)
}

async fn write<C: Connection>(connection: &mut C, statement: Statement) -> Result<u64, CommitError> {
    connection.run(statement).await.map_err(failed)
}

async fn write_one<C: Connection>(
    connection: &mut C,
    statement: Statement,
    otherwise: &'static str,
) -> Result<(), CommitError> {
    match write(connection, statement).await? {
        1 => Ok(()),
        _ => Err(broken(otherwise)),
    }
}

fn failed(error: SqlError) -> CommitError {
    error.while_doing("apply a batch")
}

fn broken(why: &'static str) -> CommitError {
    Unavailable::new("apply a batch", why).into()
}

fn out_of_range() -> CommitError {
    broken("a number would be out of range")
}
