//! What has to be true of money at the end.

use std::collections::BTreeMap;

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tenantry_core::{Account, Caller, Currency, Order, OrderId, OrderState, PageRequest, Predicate};

use super::journal::Fate;
use super::stage::Stage;

/// Questions whose answer is 0.
const NOUGHTS: [(&str, &str); 8] = [
    (
        "proved: transfers add up to nothing",
        "SELECT count(*) FROM (SELECT FROM tenantry.tenantry_entries GROUP BY tenant_id, transfer_id, currency \
         HAVING sum(amount) <> 0) AS wrong",
    ),
    (
        "proved: guarded balances are the sums of their entries",
        "SELECT count(*) FROM tenantry.tenantry_account_balances AS kept FULL JOIN \
         (SELECT tenant_id, account, currency, sum(amount) AS balance FROM tenantry.tenantry_entries \
          WHERE account LIKE 'escrow:%' OR account LIKE 'payable:%' GROUP BY tenant_id, account, currency) AS added \
         USING (tenant_id, account, currency) WHERE COALESCE(kept.balance, 0) <> COALESCE(added.balance, 0)",
    ),
    ("proved: floors hold", "SELECT count(*) FROM tenantry.tenantry_account_balances WHERE balance > 0"),
    (
        "proved: parties' balances are the sums of their lines",
        "SELECT count(*) FROM tenantry.tenantry_party_balances AS kept FULL JOIN \
         (SELECT tenant_id, currency, sum(available) AS available, sum(held) AS held \
          FROM tenantry.tenantry_statement_lines GROUP BY tenant_id, currency) AS added USING (tenant_id, currency) \
         WHERE (COALESCE(kept.available, 0), COALESCE(kept.held, 0)) \
            <> (COALESCE(added.available, 0), COALESCE(added.held, 0))",
    ),
    (
        "proved: both sides of each order are its operator's",
        "SELECT count(*) FROM tenantry.tenantry_orders AS kept LEFT JOIN tenantry.tenantry_order_sides AS side \
         ON side.order_id = kept.order_id AND side.operator_id = kept.tenant_id \
         AND side.tenant_id = CASE side.party WHEN 'buyer' THEN kept.buyer_id ELSE kept.seller_id END \
         GROUP BY kept.tenant_id, kept.order_id, kept.version, kept.state \
         HAVING count(side.*) <> 2 OR bool_or(side.version <> kept.version OR side.state <> kept.state)",
    ),
    (
        "proved: no side without its order",
        "SELECT count(*) FROM tenantry.tenantry_order_sides AS side WHERE NOT EXISTS \
         (SELECT FROM tenantry.tenantry_orders AS kept WHERE (kept.tenant_id, kept.order_id) = (side.operator_id, side.order_id))",
    ),
    (
        "proved: each version of an aggregate was told once",
        "SELECT count(*) FROM (SELECT FROM tenantry.tenantry_events \
         GROUP BY tenant_id, aggregate_kind, aggregate_id, version, kind HAVING count(*) > 1) AS wrong",
    ),
    (
        "proved: no order leaves a version out",
        "SELECT count(*) FROM tenantry.tenantry_orders AS kept WHERE kept.version <> (SELECT count(DISTINCT version) \
         FROM tenantry.tenantry_events WHERE aggregate_kind = 'order' AND aggregate_id = kept.order_id \
         AND tenant_id = kept.tenant_id)",
    ),
];

pub(crate) async fn prove_books(stage: &Stage) {
    let mut connection = PgConnection::connect(&stage.superuser()).await.unwrap();
    for (what, question) in NOUGHTS {
        let question =
            AssertSqlSafe(format!("SELECT COALESCE(sum(count), 0)::bigint FROM ({question}) AS told(count)"));
        let wrong: i64 = sqlx::query_scalar(question).fetch_one(&mut connection).await.unwrap();
        stage.tally.holds(wrong == 0, what, || format!("{wrong} aren't so"));
    }
    let mut orders = BTreeMap::new();
    for operator in &stage.operators {
        let operated = operated(stage, operator).await;
        balances(stage, operator, &operated).await;
        orders.extend(operated.into_iter().map(|order| (order.id, order)));
    }
    deals(stage, &orders);
}

async fn operated(stage: &Stage, operator: &Caller) -> Vec<Order> {
    let (mut orders, mut page) = (vec![], PageRequest::largest());
    loop {
        let found =
            stage.processes[1].app.orders(operator).operated(&Predicate::EVERYTHING, &page).await.unwrap();
        orders.extend(found.items.into_iter().map(|seen| seen.order));
        match found.next {
            Some(next) => page = page.following(next),
            None => return orders,
        }
    }
}

/// The books add up, and say what the orders say.
async fn balances(stage: &Stage, operator: &Caller, orders: &[Order]) {
    let books = stage.processes[0].app.ledger(operator).books().await.unwrap();
    stage.tally.holds(books.is_balanced(), "proved: books are balanced", || format!("{books:?}"));
    let mut expected: BTreeMap<(Account, Currency), i64> = BTreeMap::new();
    for order in orders {
        let (gross, currency) = (order.terms.gross.amount(), order.terms.gross.currency());
        let left = gross - order.refunded().unwrap().amount();
        let mut owes = |account, amount| *expected.entry((account, currency)).or_default() -= amount;
        match order.state {
            OrderState::Funded | OrderState::InReview => owes(Account::Escrow(order.id), left),
            OrderState::Released => {
                let shares = order.shares().unwrap();
                owes(Account::Payable(order.seller), shares.net.amount());
                owes(Account::Fees, shares.fee.amount());
            }
            _ => {}
        }
        stage.tally.count(format!("orders at the end: {}", order.state.as_str()));
    }
    let found =
        books.accounts.iter().filter(|of| !matches!(of.account, Account::Provider | Account::Refunds));
    let found: BTreeMap<_, _> = found.map(|of| ((of.account, of.currency), of.balance)).collect();
    let of = |books: &BTreeMap<_, i64>| -> BTreeMap<_, _> {
        books
            .iter()
            .filter(|(_, balance)| **balance != 0)
            .map(|(account, balance)| (*account, *balance))
            .collect()
    };
    let (expected, found) = (of(&expected), of(&found));
    stage.tally.holds(expected == found, "proved: books say what the orders say", || {
        format!("expected {expected:?}, found {found:?}")
    });
    stage.tally.count_all("accounts", u64::try_from(found.len()).unwrap());
}

/// Orders are as their parties were told.
fn deals(stage: &Stage, orders: &BTreeMap<OrderId, Order>) {
    let (tally, deals) = (&stage.tally, stage.deals.lock().unwrap());
    for (id, deal) in &*deals {
        let order = orders.get(id);
        tally.holds(deal.placed.agrees(order.is_some()), "proved: orders are as they were told", || {
            format!("{id} is {:?}, there: {}", deal.placed, order.is_some())
        });
        let Some(order) = order else { continue };
        tally.holds(order.version >= deal.version, "proved: no step was undone", || {
            format!("{id} is at {}, was shown at {}", order.version, deal.version)
        });
        let is_paid = order.payment.is_some();
        tally.holds(deal.paid.agrees(is_paid), "proved: payments are as they were told", || {
            format!("{id} is {} and paid {is_paid}, and was told {:?}", order.state.as_str(), deal.paid)
        });
        tally.holds(order.terms.gross == deal.gross, "proved: orders are whole", || id.to_string());
    }
    for id in orders.keys() {
        tally.holds(deals.contains_key(id), "proved: no order from nowhere", || id.to_string());
    }
    let undecided = deals.values().filter(|deal| deal.placed == Fate::Unknown).count();
    tally.count_all("orders nobody was told about", u64::try_from(undecided).unwrap());
}
