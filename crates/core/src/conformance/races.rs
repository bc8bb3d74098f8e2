use std::future::IntoFuture as _;
use std::sync::Arc;

use super::Harness;
use super::members::second_owner;
use super::orders::{balance_is, state};
use super::proof::{Outcome, Proof, Stop, there};
use super::race::{Barrier, Race, Runner, commit_together, persistent};
use super::world::{EVERYTHING, PRICE, World, meter, paid, placement, registration, scope, user_id};
use crate::{
    AccessRefusal, Account, Answer, Caller, Done, Failure, Fingerprint, HoldKind, Idempotent, OrderFailure,
    OrderId, OrderRefusal, OrderState, PageRequest, PrincipalId, Registration, RegistrationRefusal, Shares,
    TenantCtx, Tenantry, UsageRefusal, WorkKind,
};

pub(super) async fn quota(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    const ROUNDS: usize = 4;
    const TASKS: usize = 64;
    let world = World::open(harness).await?;
    let race = Race::on(harness);
    let mut rounds = 0;
    while race.goes_on(rounds, ROUNDS) {
        rounds += 1;
        let caller = world.register(&format!("shop-{rounds}"), "seller@1").await?;
        let decided = if rounds % 2 == 0 { None } else { Some(Arc::new(Barrier::for_tasks(TASKS))) };
        let tasks = (0..TASKS).map(|n| consume(world.app_of(n), caller.clone(), decided.clone())).collect();
        let admitted = race.run(tasks).await?.into_iter().filter(|is_admitted| *is_admitted).count();
        proof.same("admitted of 64", admitted, 10)?;
        let used = world.app().usage(&caller).all().await?.into_iter().map(|usage| usage.used).collect();
        proof.same("used", used, vec![0, 10])?;
        proof.count("tasks", TASKS);
        proof.count("admitted", admitted);
        proof.count("refused", TASKS - admitted);
    }
    race.finish(proof)
}

fn consume(app: Tenantry, caller: Caller, decided: Option<Arc<Barrier>>) -> Runner<bool> {
    Box::pin(async move {
        let listings = meter("listings")?;
        let usage = app.usage(&caller);
        let first = match decided {
            Some(decided) => commit_together(&app, usage.consume(listings.clone(), 1), &decided).await,
            None => Err(Failure::Busy),
        };
        let result = match first {
            Err(Failure::Busy) => persistent(|| usage.consume(listings.clone(), 1).into_future()).await,
            done => done,
        };
        match result {
            Ok(()) => Ok(true),
            Err(Failure::Refused(UsageRefusal::Exceeded(_))) => Ok(false),
            Err(other) => Err(other.into()),
        }
    })
}

pub(super) async fn accept_and_dispute(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    const ROUNDS: usize = 50;
    let world = World::open(harness).await?;
    let race = Race::on(harness);
    let (seller, buyer) =
        (world.register("anna", "seller@1").await?, world.register("bela", "buyer@1").await?);
    let (mut released, mut disputed) = (0, 0);
    let mut rounds = 0;
    while race.goes_on(rounds, ROUNDS) {
        let round = rounds;
        rounds += 1;
        let order = world.buy(&buyer, &seller).await?;
        let decided = if round % 2 == 0 { None } else { Some(Arc::new(Barrier::for_tasks(2))) };
        let step = |n: usize, accepts: bool| {
            step_at_once(world.app_of(n), buyer.clone(), order.id, accepts, decided.clone())
        };
        let tasks = if round % 4 < 2 {
            vec![step(0, true), step(1, false)]
        } else {
            vec![step(0, false), step(1, true)]
        };
        let won = race.run(tasks).await?.into_iter().filter(|has_won| *has_won).count();
        proof.same("winners", won, 1)?;
        let kept = there(world.store().order(world.operator.scope(), order.id).await?, "the order")?;
        match state(&world, &order).await? {
            OrderState::Released if kept.holds.is_empty() => released += 1,
            OrderState::InReview if kept.is_held_by(HoldKind::Dispute) => disputed += 1,
            other => return Err(Stop::because(format_args!("accepted or disputed, not {other}: {kept:?}"))),
        }
        proof.same("one step was taken", kept.version, order.version + 1)?;
    }
    let net = Shares::of(PRICE, placement(OrderId::generate(), &seller, PRICE)?.terms.fee)?.net;
    let worth = |orders: usize| i64::try_from(orders).map(|orders| orders * net.amount());
    balance_is(&world, proof, &seller, worth(released)?, worth(disputed)?).await?;
    proof.holds(world.books().await?.is_balanced(), "the books balance")?;
    proof.count("rounds", rounds);
    proof.count("released", released);
    proof.count("disputed", disputed);
    race.finish(proof)
}

/// Accepts or disputes; with a barrier, only once the other has decided too. Answers whether it was done.
fn step_at_once(
    app: Tenantry,
    buyer: Caller,
    order: OrderId,
    accepts: bool,
    decided: Option<Arc<Barrier>>,
) -> Runner<bool> {
    Box::pin(async move {
        let orders = app.orders(&buyer);
        let result = match (decided, accepts) {
            (None, true) => orders.accept(order).await,
            (None, false) => orders.dispute(order, "no".to_owned()).await,
            (Some(decided), true) => commit_together(&app, orders.accept(order), &decided).await,
            (Some(decided), false) => {
                commit_together(&app, orders.dispute(order, "no".to_owned()), &decided).await
            }
        };
        match result {
            Ok(_) => Ok(true),
            Err(Failure::Contended | Failure::Busy) => Ok(false),
            Err(Failure::Refused(OrderFailure::Refused(OrderRefusal::State | OrderRefusal::Held))) => {
                Ok(false)
            }
            Err(other) => Err(other.into()),
        }
    })
}

pub(super) async fn one_key(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    const ROUNDS: usize = 25;
    const TWINS: usize = 4;
    let world = World::open(harness).await?;
    let race = Race::on(harness);
    let (seller, buyer) =
        (world.register("anna", "seller@1").await?, world.register("bela", "buyer@1").await?);
    let mut rounds = 0;
    while race.goes_on(rounds, ROUNDS) {
        let round = rounds;
        rounds += 1;
        let key = format!("key-{round}");
        let decided = if round % 2 == 0 { None } else { Some(Arc::new(Barrier::for_tasks(TWINS))) };
        let tasks = (0..TWINS).map(|n| {
            place_once(world.app_of(n), buyer.clone(), seller.clone(), key.clone(), n, decided.clone())
        });
        let answers = race.run(tasks.collect()).await?;
        let done = answers.iter().filter(|(is_new, _)| *is_new).count();
        proof.same("done once", done, 1)?;
        let first = there(answers.iter().find(|(is_new, _)| *is_new), "who did it")?.1.clone();
        for (_, answer) in answers {
            proof.same("one answer for all", answer, first.clone())?;
        }
        proof.count("sent", TWINS);
        proof.count("done", done);
    }
    let orders = world.store().orders(world.operator.scope(), EVERYTHING, &PageRequest::largest()).await?;
    proof.same("orders", orders.items.len(), rounds)?;
    race.finish(proof)
}

/// Places an order under a key, with an answer that tells the tasks apart. Answers whether it was done now.
fn place_once(
    app: Tenantry,
    buyer: Caller,
    seller: Caller,
    key: String,
    n: usize,
    decided: Option<Arc<Barrier>>,
) -> Runner<(bool, Vec<u8>)> {
    Box::pin(async move {
        let fingerprint = Fingerprint::of(&[key.as_bytes()]);
        let id = OrderId::of_request(buyer.tenant().id(), buyer.id(), &key, &fingerprint);
        let idempotent = Idempotent { operation: "order.place", key: key.parse()?, fingerprint };
        let body = format!("{id} by {n}").into_bytes();
        let answer = body.clone();
        let placement = placement(id, &seller, PRICE)?;
        let command = app
            .orders(&buyer)
            .place(placement)
            .idempotent(idempotent, move |_| Answer { status: 201, body: answer.clone() });
        let done = match decided {
            Some(decided) => commit_together(&app, command, &decided).await?,
            None => command.await?,
        };
        Ok(match done {
            Done::Now(_) => (true, body),
            Done::Before(answer) => (false, answer.body),
        })
    })
}

pub(super) async fn last_owners(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    const ROUNDS: usize = 20;
    let world = World::open(harness).await?;
    let race = Race::on(harness);
    let mut rounds = 0;
    while race.goes_on(rounds, ROUNDS) {
        let round = rounds;
        rounds += 1;
        let first = world.register(&format!("shop-{round}"), "seller@1").await?;
        let second = second_owner(&world, &first, &format!("second-{round}")).await?;
        let first = world.again(&first).await?;
        let decided = if round % 2 == 0 { None } else { Some(Arc::new(Barrier::for_tasks(2))) };
        let tasks = vec![
            leave(world.app_of(0), first.clone(), decided.clone()),
            leave(world.app_of(1), second.clone(), decided),
        ];
        let left = race.run(tasks).await?.into_iter().filter(|has_left| *has_left).count();
        proof.same("one has left", left, 1)?;
        let mut owners = 0;
        for caller in [&first, &second] {
            let member = world
                .store()
                .principal(scope(first.tenant().id()), PrincipalId::User(user_id(caller)?))
                .await?;
            owners += usize::from(
                member.is_some_and(|member| member.holdings.iter().any(|held| held.role.key().is_owner())),
            );
        }
        proof.same("one owner remains", owners, 1)?;
        proof.count("left", left);
        proof.count("remained", owners);
    }
    race.finish(proof)
}

fn leave(app: Tenantry, caller: Caller, decided: Option<Arc<Barrier>>) -> Runner<bool> {
    Box::pin(async move {
        let command = app.members(&caller).remove(user_id(&caller)?);
        let result = match decided {
            Some(decided) => commit_together(&app, command, &decided).await,
            None => command.await,
        };
        match result {
            Ok(()) => Ok(true),
            Err(Failure::Refused(AccessRefusal::LastOwner)) => Ok(false),
            Err(Failure::Contended | Failure::Busy | Failure::AuthorityChanged) => Ok(false),
            Err(other) => Err(other.into()),
        }
    })
}

pub(super) async fn payments(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    const ROUNDS: usize = 25;
    let world = World::open(harness).await?;
    let race = Race::on(harness);
    let (seller, buyer) =
        (world.register("anna", "seller@1").await?, world.register("bela", "buyer@1").await?);
    let mut funded = 0;
    let mut rounds = 0;
    while race.goes_on(rounds, ROUNDS) {
        let round = rounds;
        rounds += 1;
        let order = world.place(&buyer, &seller).await?;
        let decided = Arc::new(Barrier::for_tasks(2));
        let mut tasks: Vec<Runner<bool>> = vec![];
        for n in 0..2 {
            let ctx = world.report(order.operator, &format!("paid-{round}-{n}")).await?;
            let payment = if round % 2 == 0 { "payment-1".to_owned() } else { format!("payment-{n}") };
            let (app, id, command) = (world.app_of(n), order.id, paid(&order, &payment)?);
            let decided = if round % 4 < 2 { Some(Arc::clone(&decided)) } else { None };
            tasks.push(Box::pin(async move {
                let steps = app.order_steps(&ctx);
                let first = match decided {
                    Some(decided) => commit_together(&app, steps.take(id, command.clone()), &decided).await,
                    None => Err(Failure::Contended),
                };
                let result = match first {
                    Err(Failure::Contended | Failure::Busy) => steps.take(id, command).await,
                    done => done,
                };
                match result {
                    Ok(_) => Ok(true),
                    Err(Failure::Refused(OrderFailure::Refused(OrderRefusal::AlreadyPaid))) => {
                        app.work().end(&ctx, "another payment has funded the order".to_owned()).await?;
                        Ok(false)
                    }
                    Err(other) => Err(other.into()),
                }
            }));
        }
        let taken = race.run(tasks).await?.into_iter().filter(|is_taken| *is_taken).count();
        let expected = if round % 2 == 0 { 2 } else { 1 };
        proof.same("one payment twice is taken twice, two payments once", taken, expected)?;
        let kept = there(world.store().order(world.operator.scope(), order.id).await?, "the order")?;
        proof.same("funded in one step", kept.version, order.version + 1)?;
        proof.same("no report is left", world.claim_kind(WorkKind::Inbox).await?.len(), 0)?;
        funded += 1;
        let escrows = world.books().await?.accounts;
        let escrow = escrows.iter().find(|account| account.account == Account::Escrow(order.id));
        proof.same("escrow", escrow.map(|account| account.balance), Some(-PRICE.amount()))?;
    }
    proof.count("reports", 2 * rounds);
    proof.count("orders funded once", funded);
    let provider = world.books().await?.accounts.into_iter().find(|found| found.account == Account::Provider);
    let expected = i64::try_from(rounds)? * PRICE.amount();
    proof.same("at the provider", provider.map(|found| found.balance), Some(expected))?;
    race.finish(proof)
}

pub(super) async fn slugs(harness: &dyn Harness, proof: &mut Proof) -> Outcome {
    const ROUNDS: usize = 4;
    const TASKS: usize = 16;
    let world = World::open(harness).await?;
    let race = Race::on(harness);
    let mut rounds = 0;
    while race.goes_on(rounds, ROUNDS) {
        let round = rounds;
        rounds += 1;
        let slug = format!("wanted-{round}");
        let decided = if round % 2 == 0 { None } else { Some(Arc::new(Barrier::for_tasks(TASKS))) };
        let mut tasks = vec![];
        for n in 0..TASKS {
            let at = world.app().resolve(&"market".parse()?).await?;
            let mut wanted = registration(&slug, "seller@1")?;
            wanted.email = format!("{slug}-{n}@example.com").parse()?;
            tasks.push(register(world.app_of(n), at, wanted, decided.clone()));
        }
        let won = race.run(tasks).await?.into_iter().filter(|has_won| *has_won).count();
        proof.same("one has it", won, 1)?;
        let tenant = there(world.store().tenant_by_slug(&slug.parse()?).await?, "the tenant")?;
        let mut users = 0;
        for n in 0..TASKS {
            let email = format!("{slug}-{n}@example.com").parse()?;
            users += usize::from(world.store().user_by_email(tenant.realm, &email).await?.is_some());
        }
        proof.same("of the others no user is left", users, 1)?;
        proof.count("tasks", TASKS);
        proof.count("registered", won);
    }
    race.finish(proof)
}

fn register(
    app: Tenantry,
    at: TenantCtx,
    wanted: Registration,
    decided: Option<Arc<Barrier>>,
) -> Runner<bool> {
    Box::pin(async move {
        let command = app.register(&at, wanted);
        let result = match decided {
            Some(decided) => commit_together(&app, command, &decided).await,
            None => command.await,
        };
        match result {
            Ok(_) => Ok(true),
            Err(Failure::Refused(RegistrationRefusal::SlugTaken)) => Ok(false),
            Err(other) => Err(other.into()),
        }
    })
}
