//! Conditions: what is read is written so that it reads the same, in bounds; and what it says obeys the laws of logic.

mod facts;
mod shape;

use facts::{Loose, Pool, Strict};
use shape::Shape;
use tenantry_core::{
    CallerFacts, Condition, Declared, Facts, InvalidCondition, Predicate, RequestFacts, Resource,
};

/// How many callers, requests and resources a condition is asked about.
const SAMPLES: u64 = 8;

/// Reads one condition, or two with a line between them that is `;`, and asks them about resources made of the values
/// that they name, of neighbours of these and of nothing.
pub fn condition(text: &str) {
    let (first, second) = text.split_once("\n;\n").unwrap_or((text, "resource.size <= 5"));
    let (Some(one), Some(two)) = (read(first), read(second)) else { return };
    let pool = Pool::of(&[one.to_string(), two.to_string()]);
    let joined = Joined::of(&one, &two);
    joined.implications();
    for seed in 0..SAMPLES {
        let (caller, request) = (pool.caller(seed), pool.request(seed));
        let facts = Facts { caller: &caller, request: &request };
        joined.obey_logic(Some(&pool.loose(seed)), &facts);
        joined.obey_logic(Some(&pool.strict(seed)), &facts);
        joined.obey_logic::<Loose<'_>>(None, &facts);
        filters_say_the_same(&one, &pool, seed);
    }
    what_fits_is_told(&one, &pool);
}

/// The condition, if the text is one, having checked all that its text promises.
fn read(text: &str) -> Option<Condition> {
    let read = text.parse::<Condition>();
    assert_eq!(serde_json::from_value::<Condition>(text.into()).ok(), read.as_ref().ok().cloned());
    let condition = match read {
        Ok(condition) => condition,
        Err(InvalidCondition::Length) => {
            assert!(text.len() > Condition::MAX_TEXT / 2, "too long? {text:?}");
            return None;
        }
        Err(error) => {
            assert!(text.len() <= Condition::MAX_TEXT && text.is_char_boundary(error.position()), "{error}");
            assert!(error.to_string().contains(&format!("byte {} ", error.position())), "{error}");
            return None;
        }
    };
    let written = condition.to_string();
    assert!(text.len() <= Condition::MAX_TEXT && written.len() <= Condition::MAX_TEXT);
    assert_eq!(written.parse::<Condition>().as_ref(), Ok(&condition), "{written}");
    assert_eq!(written.parse::<Condition>().map(|again| again.to_string()).as_ref(), Ok(&written));
    assert_eq!(serde_json::to_value(&condition).ok(), Some(written.as_str().into()));
    let shape = Shape::of(&written);
    assert!(shape.comparisons <= Condition::MAX_COMPARISONS, "{written}");
    assert!(shape.depth <= Condition::MAX_DEPTH, "{written}");
    assert!(shape.longest_list <= Condition::MAX_LIST, "{written}");
    Some(condition)
}

/// Two conditions, and what can be made of them within bounds.
struct Joined<'a> {
    one: &'a Condition,
    two: &'a Condition,
    not: Option<Condition>,
    both: Option<Condition>,
    either: Option<Condition>,
}

impl<'a> Joined<'a> {
    fn of(one: &'a Condition, two: &'a Condition) -> Self {
        let not = made(&format!("not ({one})"));
        let both = made(&format!("({one}) and ({two})"));
        let either = made(&format!("({one}) or ({two})"));
        Self { one, two, not, both, either }
    }

    /// What is joined by `and` implies each part, as the text shows.
    fn implications(&self) {
        let Self { one, two, .. } = *self;
        assert!(one.implies(one) && two.implies(two));
        if let Some(both) = &self.both {
            assert!(both.implies(one) && both.implies(two), "{both}");
        }
        if let Some(either) = &self.either {
            assert!(!either.implies(one) || !one.implies(two) || either.implies(two), "{either}");
        }
    }

    fn obey_logic<R: Resource>(&self, resource: Option<&R>, facts: &Facts<'_>) {
        let said = |condition: &Condition| condition.evaluate(resource, facts);
        let (one, two) = (said(self.one), said(self.two));
        let opposite = |said: Option<bool>| said.map(|is_true| !is_true);
        if let Some(not) = &self.not {
            assert_eq!(said(not), opposite(one), "{not}");
        }
        if let Some(both) = &self.both {
            assert_eq!(said(both), lesser(one, two), "{both}");
        }
        if let Some(either) = &self.either {
            assert_eq!(said(either), opposite(lesser(opposite(one), opposite(two))), "{either}");
        }
        let implied = [(self.one, one, self.two, two), (self.two, two, self.one, one)];
        for (narrow, of_narrow, wide, of_wide) in implied {
            let holds = of_narrow != Some(true) || of_wide == Some(true);
            assert!(!narrow.implies(wide) || holds, "{narrow} is said to imply {wide}");
        }
        let Some(resource) = resource else { return };
        let predicates = [self.one.predicate(facts), self.two.predicate(facts)];
        let [first, second] = &predicates;
        assert_eq!(first.evaluate(resource), one, "{first:?}");
        assert_eq!((!first.clone()).evaluate(resource), opposite(one), "not {first:?}");
        assert_eq!((!!first.clone()).evaluate(resource), one, "not not {first:?}");
        let all = Predicate::all(predicates.clone());
        assert_eq!(all.evaluate(resource), lesser(one, two), "{all:?}");
        let any = Predicate::any([first.clone(), second.clone()]);
        assert_eq!(any.evaluate(resource), opposite(lesser(opposite(one), opposite(two))), "{any:?}");
    }
}

/// The condition of this text, which says nothing wrong, but may be too long, too deep or too much.
fn made(text: &str) -> Option<Condition> {
    match text.parse() {
        Ok(condition) => Some(condition),
        Err(
            InvalidCondition::Length | InvalidCondition::Depth { .. } | InvalidCondition::Comparisons { .. },
        ) => None,
        Err(error) => panic!("{text}: {error}"),
    }
}

/// Kleene's conjunction, by its definition: the lesser, where false is less than unknown, and unknown than true.
fn lesser(one: Option<bool>, two: Option<bool>) -> Option<bool> {
    let rank = |said: &Option<bool>| said.map_or(1, |is_true| if is_true { 2 } else { 0 });
    std::cmp::min_by_key(one, two, rank)
}

/// Fitted to a type, a predicate says of its resources what it said.
fn filters_say_the_same(condition: &Condition, pool: &Pool, seed: u64) {
    let (caller, request) = (pool.caller(seed), pool.request(seed));
    let resource = pool.strict(seed);
    let predicate = condition.predicate(&Facts { caller: &caller, request: &request });
    let fitted = predicate.clone().fitted::<Strict<'_>>();
    assert_eq!(fitted.evaluate(&resource), predicate.evaluate(&resource), "{predicate:?} became {fitted:?}");
    assert_eq!(fitted.clone().fitted::<Strict<'_>>(), fitted);
}

/// A condition that fits is never unknown where all that it looks at is there; and then it is fitted as it is.
fn what_fits_is_told(condition: &Condition, pool: &Pool) {
    let Ok(declared) = Declared::new(facts::OF_CALLER, facts::OF_REQUEST) else {
        panic!("the attributes of the samples can't be declared");
    };
    if condition.fits(Strict::ATTRIBUTES_AND_ID, &declared).is_err() {
        return;
    }
    for seed in 0..SAMPLES {
        let (caller, request): (CallerFacts, RequestFacts) = (pool.caller(seed), pool.whole_request(seed));
        let facts = Facts { caller: &caller, request: &request };
        let resource = pool.whole(seed);
        assert!(condition.evaluate(Some(&resource), &facts).is_some(), "{condition}");
        let predicate = condition.predicate(&facts);
        assert_eq!(predicate.clone().fitted::<Strict<'_>>(), predicate, "{condition}");
    }
}
