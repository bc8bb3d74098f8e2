use sqlx::SqliteConnection;
use tenantry_core::{
    Batch, Change, CommitError, Guard, GuardFailure, Key, RoleKey, TenantId, Timestamp, Unavailable,
};

use super::own;
use super::statement::next_fence;
use crate::sql::{Connection as _, KeyRow, Posted, SqlError, Statement, look, posted, write as row};

/// Applies a batch inside the transaction or savepoint that the caller has begun, and undoes if this fails: the
/// idempotency key, then every guard, then the changes in their order, the trail and the key.
pub(super) async fn apply(
    connection: &mut SqliteConnection,
    batch: &Batch,
    now: Timestamp,
) -> Result<(), CommitError> {
    batch.check_size()?;
    check_key(connection, batch, now).await?;
    judge(connection, batch).await?;
    for change in batch.changes() {
        write_change(connection, change, now).await?;
    }
    for entry in batch.audit() {
        write(connection, row::audit(entry)).await?;
    }
    for event in batch.events() {
        write(connection, row::event(event)).await?;
    }
    if let Some(keyed) = batch.keyed() {
        for statement in row::key(keyed, now) {
            write(connection, statement).await?;
        }
    }
    Ok(())
}

async fn check_key(
    connection: &mut SqliteConnection,
    batch: &Batch,
    now: Timestamp,
) -> Result<(), CommitError> {
    let Some(keyed) = batch.keyed() else { return Ok(()) };
    let found: Option<KeyRow> =
        connection.row(look::unexpired_key(&keyed.owner, now)).await.map_err(failed)?;
    match found.map(|row| row.answer_to(&keyed.fingerprint)).transpose().map_err(Unavailable::from)? {
        None => Ok(()),
        Some(Some(answer)) => Err(CommitError::Answered(answer)),
        Some(None) => Err(CommitError::KeyMismatch),
    }
}

/// Judges every guard, those that postings imply included, and counts each use that fits.
async fn judge(connection: &mut SqliteConnection, batch: &Batch) -> Result<(), CommitError> {
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

async fn judge_one(
    connection: &mut SqliteConnection,
    guard: &Guard,
    batch: &Batch,
    posted: &Posted,
) -> Result<Option<GuardFailure>, CommitError> {
    let found = match guard {
        Guard::Epoch { tenant, .. } => find(connection, own::epoch(*tenant)).await?,
        Guard::Claimed { tenant, kind, subject, .. } => {
            find(connection, look::fence(*tenant, *kind, *subject)).await?
        }
        Guard::Absent(key) | Guard::Present(key) | Guard::Version { key, .. } => {
            find(connection, look::key(key)).await?
        }
        Guard::Consume { tenant, meter, period, amount, ceiling } => {
            if let Some(most) = ceiling.checked_sub(*amount) {
                let counts = own::consume(*tenant, meter, *period, *amount, most);
                if find(connection, counts).await?.is_some() {
                    return Ok(None);
                }
            }
            let found = find(connection, look::used(*tenant, meter, *period)).await?;
            let refused = guard.judge(found).ok_or_else(|| broken("a use that fits wasn't counted"))?;
            return Ok(Some(refused));
        }
        Guard::Floor { operator, account, currency } => {
            let before = find(connection, look::balance(*operator, *account, *currency)).await?;
            let posted = posted.get(&(*operator, *account, *currency)).copied().unwrap_or(0);
            Some(before.unwrap_or(0).checked_add(posted).ok_or_else(out_of_range)?)
        }
        Guard::Remain { tenant, role, .. } => Some(remaining(connection, batch, *tenant, role).await?),
    };
    Ok(guard.judge(found))
}

/// How many members hold the role once the batch has taken it from those who leave.
async fn remaining(
    connection: &mut SqliteConnection,
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
    let mut remaining = find(connection, own::holders(of, which)).await?.unwrap_or(0);
    for user in leaving {
        remaining -= find(connection, own::holds(of, which, user)).await?.unwrap_or(0);
    }
    Ok(remaining)
}

async fn write_change(
    connection: &mut SqliteConnection,
    change: &Change,
    now: Timestamp,
) -> Result<(), CommitError> {
    match change {
        Change::Insert(record) => {
            for statement in row::insert(record).map_err(failed)? {
                write(connection, statement).await?;
            }
        }
        Change::Update(record) => {
            for statement in row::update(record).map_err(failed)? {
                write_one(connection, statement, "a changed row isn't there").await?;
            }
        }
        Change::Delete(Key::Slug(_) | Key::Email(_, _)) => {
            return Err(broken("a name can't be deleted without its row"));
        }
        Change::Delete(key) => {
            for statement in row::delete(key) {
                write_one(connection, statement, "a deleted row isn't there").await?;
            }
        }
        Change::MoveEpoch(tenant) => {
            let statement = own::move_epoch(*tenant);
            write_one(connection, statement, "a tenant whose epoch moves isn't there").await?;
            for statement in own::tell(*tenant, now) {
                write(connection, statement).await?;
            }
        }
        Change::GiveBack { tenant, meter, period, amount } => {
            write(connection, own::give_back(*tenant, meter, *period, *amount)).await?;
        }
        Change::Post(transfer) => {
            for statement in own::post(transfer) {
                write(connection, statement).await?;
            }
        }
        Change::Statement(line) => {
            write(connection, row::statement_line(line)).await?;
            let balance = row::party_balance(line.tenant, line.currency, line.available, line.held);
            write(connection, balance).await?;
        }
        Change::Schedule(item) => {
            let fence = next_fence(connection).await.map_err(failed)?;
            write(connection, row::schedule(item, fence)).await?;
        }
        Change::Unschedule { tenant, kind, subject } => {
            write(connection, row::unschedule(*tenant, *kind, *subject)).await?;
        }
    }
    Ok(())
}

async fn find(connection: &mut SqliteConnection, statement: Statement) -> Result<Option<i64>, CommitError> {
    connection.number(statement).await.map_err(failed)
}

async fn write(connection: &mut SqliteConnection, statement: Statement) -> Result<u64, CommitError> {
    connection.run(statement).await.map_err(failed)
}

async fn write_one(
    connection: &mut SqliteConnection,
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
