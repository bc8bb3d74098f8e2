//! A small world in which conditions are often true, often false and often unknown.

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::{ApiKeyId, PrincipalId, ServiceAccountId, TenantId, Timestamp, UserId};

mod facts;
mod fits;
mod meaning;
mod texts;

const STATES: [&str; 3] = ["draft", "user", "it's"];
const INTEGERS: [i64; 5] = [i64::MIN, 0, 5, 900, i64::MAX];
const MICROS: [i64; 3] = [-1, 0, 1_767_225_600_000_000];

#[derive(Debug, Clone, Copy, Default)]
struct Paper {
    owner: Option<Uuid>,
    editor: Option<Uuid>,
    amount: Option<i64>,
    limit: Option<i64>,
    state: Option<&'static str>,
    locked: Option<bool>,
    shared: Option<bool>,
    due: Option<Timestamp>,
}

impl Resource for Paper {
    const TYPE: &'static str = "paper";
    const ID: Kind = Kind::Integer;
    const ATTRIBUTES: &'static [(&'static str, Kind)] = &[
        ("owner", Kind::Id),
        ("editor", Kind::Id),
        ("amount", Kind::Integer),
        ("limit", Kind::Integer),
        ("state", Kind::Text),
        ("locked", Kind::Bool),
        ("shared", Kind::Bool),
        ("due", Kind::Time),
    ];

    fn id(&self) -> Value<'_> {
        Value::Integer(5)
    }

    fn attribute(&self, name: &str) -> Option<Value<'_>> {
        match name {
            "owner" => self.owner.map(Value::Id),
            "editor" => self.editor.map(Value::Id),
            "amount" => self.amount.map(Value::Integer),
            "limit" => self.limit.map(Value::Integer),
            "state" => self.state.map(Value::Text),
            "locked" => self.locked.map(Value::Bool),
            "shared" => self.shared.map(Value::Bool),
            "due" => self.due.map(Value::Time),
            _ => None,
        }
    }
}

#[derive(Debug, Clone)]
struct World {
    paper: Paper,
    caller: CallerFacts,
    request: RequestFacts,
}

impl World {
    fn facts(&self) -> Facts<'_> {
        Facts { caller: &self.caller, request: &self.request }
    }

    fn says(&self, condition: &Condition) -> Option<bool> {
        condition.evaluate(Some(&self.paper), &self.facts())
    }

    /// One in which everything has a value: the paper is the caller's, who is in tenant 2 and proved a second factor 60 s ago.
    fn full() -> Self {
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let now = Timestamp::from_micros(MICROS[2]);
        let paper = Paper {
            owner: Some(one),
            editor: Some(two),
            amount: Some(5),
            limit: Some(900),
            state: Some("draft"),
            locked: Some(false),
            shared: Some(true),
            due: Some(now),
        };
        let caller = CallerFacts::of(PrincipalId::User(UserId::from_uuid(one)), TenantId::from_uuid(two))
            .with_attributes([("state", Literal::Text("draft".into())), ("level", Literal::Integer(5))])
            .unwrap();
        let mfa_at = Timestamp::from_micros(MICROS[2] - 60_500_000);
        let request =
            RequestFacts::new(now, Some(mfa_at)).with_attributes([("risk", Literal::Integer(0))]).unwrap();
        Self { paper, caller, request }
    }
}

fn declared() -> Declared {
    Declared::new(&[("state", Kind::Text), ("level", Kind::Integer)], &[("risk", Kind::Integer)]).unwrap()
}

fn condition(text: &str) -> Condition {
    text.parse().unwrap_or_else(|refused| panic!("{text}: {refused}"))
}

fn some_of<T: Clone + fmt::Debug + 'static>(values: &[T]) -> impl Strategy<Value = T> + use<T> {
    prop::sample::select(values.to_vec())
}

fn maybe<T: fmt::Debug>(value: impl Strategy<Value = T>) -> impl Strategy<Value = Option<T>> {
    prop::option::weighted(0.9, value)
}

fn uuid() -> impl Strategy<Value = Uuid> {
    some_of(&[Uuid::from_u128(1), Uuid::from_u128(2)])
}

fn time() -> impl Strategy<Value = Timestamp> {
    some_of(&MICROS).prop_map(Timestamp::from_micros)
}

fn paper() -> impl Strategy<Value = Paper> {
    let owners = (maybe(uuid()), maybe(uuid()));
    let numbers = (maybe(some_of(&INTEGERS)), maybe(some_of(&INTEGERS)));
    let flags = (maybe(any::<bool>()), maybe(any::<bool>()));
    (owners, numbers, maybe(some_of(&STATES)), flags, maybe(time())).prop_map(
        |((owner, editor), (amount, limit), state, (locked, shared), due)| Paper {
            owner,
            editor,
            amount,
            limit,
            state,
            locked,
            shared,
            due,
        },
    )
}

fn world() -> impl Strategy<Value = World> {
    let kind: fn(Uuid) -> PrincipalId = |id| PrincipalId::User(UserId::from_uuid(id));
    let kind = some_of(&[
        kind,
        |id| PrincipalId::ServiceAccount(ServiceAccountId::from_uuid(id)),
        |id| PrincipalId::ApiKey(ApiKeyId::from_uuid(id)),
    ]);
    let given = (maybe(some_of(&STATES)), maybe(some_of(&INTEGERS)));
    let caller = (uuid(), kind, uuid(), given).prop_map(|(id, kind, tenant, (state, level))| {
        let state = state.map(|state| ("state", Literal::Text(state.into())));
        let level = level.map(|level| ("level", Literal::Integer(level)));
        CallerFacts::of(kind(id), TenantId::from_uuid(tenant))
            .with_attributes(state.into_iter().chain(level))
            .unwrap()
    });
    let risk = maybe(some_of(&INTEGERS));
    let request = (time(), maybe(time()), risk).prop_map(|(now, mfa_at, risk)| {
        let risk = risk.map(|risk| ("risk", Literal::Integer(risk)));
        RequestFacts::new(now, mfa_at).with_attributes(risk).unwrap()
    });
    (paper(), caller, request).prop_map(|(paper, caller, request)| World { paper, caller, request })
}

fn literal(kind: Kind) -> BoxedStrategy<String> {
    match kind {
        Kind::Bool => any::<bool>().prop_map(|value| Literal::Bool(value).to_string()).boxed(),
        Kind::Integer => some_of(&INTEGERS).prop_map(|value| Literal::Integer(value).to_string()).boxed(),
        Kind::Text => some_of(&STATES).prop_map(|value| Literal::Text(value.into()).to_string()).boxed(),
        Kind::Id => uuid().prop_map(|value| Literal::Id(value).to_string()).boxed(),
        Kind::Time => time().prop_map(|value| Literal::Time(value).to_string()).boxed(),
    }
}

/// What conditions of the tests look at, and of which kind it is.
const NAMED: [(&str, Kind); 19] = [
    ("resource.id", Kind::Integer),
    ("resource.owner", Kind::Id),
    ("resource.editor", Kind::Id),
    ("resource.amount", Kind::Integer),
    ("resource.limit", Kind::Integer),
    ("resource.state", Kind::Text),
    ("resource.locked", Kind::Bool),
    ("resource.shared", Kind::Bool),
    ("resource.due", Kind::Time),
    ("caller.id", Kind::Id),
    ("caller.tenant", Kind::Id),
    ("caller.kind", Kind::Text),
    ("caller.state", Kind::Text),
    ("caller.level", Kind::Integer),
    ("request.time", Kind::Time),
    ("request.mfa_age", Kind::Integer),
    ("request.time_of_day", Kind::Integer),
    ("request.weekday", Kind::Integer),
    ("request.risk", Kind::Integer),
];

/// Mostly one that asks for no order where there is none.
fn sign(kind: Kind) -> impl Strategy<Value = Comparison> {
    let equality = if kind.is_ordered() { &Comparison::ALL[..] } else { &Comparison::ALL[..2] };
    prop_oneof![9 => some_of(equality), 1 => some_of(&Comparison::ALL)]
}

/// A comparison, mostly of one kind with itself.
fn comparison() -> impl Strategy<Value = String> {
    (some_of(&NAMED), some_of(&NAMED), prop::bool::weighted(0.9)).prop_flat_map(
        |((left, kind), (other, other_kind), of_one_kind)| {
            let kind = if of_one_kind { kind } else { other_kind };
            let peers: Vec<&str> =
                NAMED.iter().filter(|(_, of)| *of == kind).map(|(name, _)| *name).collect();
            let right = prop_oneof![
                literal(kind),
                prop::sample::select(peers).prop_map(str::to_owned),
                Just(if of_one_kind { left } else { other }.to_owned()),
            ];
            prop_oneof![
                4 => (sign(kind), right).prop_map(move |(sign, right)| format!("{left}{sign}{right}")),
                1 => prop::collection::vec(literal(kind), 1..4)
                    .prop_map(move |values| format!("{left}\tin({})", values.join(" ,"))),
            ]
        },
    )
}

/// A condition as a person might write it, with parentheses that it doesn't need.
fn any_condition() -> impl Strategy<Value = Condition> {
    let leaf = prop_oneof![4 => comparison(), 1 => comparison().prop_map(|text| format!("( {text})"))];
    leaf.prop_recursive(3, 27, 3, |inner| {
        let joined = |join: &'static str| {
            prop::collection::vec(inner.clone().prop_map(|text| format!("({text})")), 2..=3)
                .prop_map(move |parts| parts.join(join))
        };
        prop_oneof![joined(" and "), joined("\nor "), inner.clone().prop_map(|text| format!("not({text} )"))]
    })
    .prop_filter_map("too long", |text| match text.parse() {
        Err(InvalidCondition::Length) => None,
        parsed => Some(parsed.unwrap_or_else(|refused| panic!("{text}: {refused}"))),
    })
}
