//! Random purchases by several tenants, on every store and in a plain model at once: each answers alike, and after
//! each step each holds the same orders, statements, balances and books, and the books add up.

#[cfg(test)]
mod action;
#[cfg(test)]
mod deal;
#[cfg(test)]
mod market;
#[cfg(test)]
mod model;
#[cfg(test)]
mod run;

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::path::Path;

    use proptest::test_runner::{Config, TestRunner};

    use super::action;
    use super::run::{Answers, Run};

    /// Where few runs are too few for every refusal to show, many are cheap.
    #[test]
    fn the_memory_store_does_what_the_model_does() {
        let answers = runs(128, &async |_| Run::in_memory().await);
        proved_something(&answers);
        showed_every_refusal(&answers);
    }

    #[cfg(feature = "sqlite")]
    #[test]
    fn every_store_does_what_the_model_does() {
        let answers = runs(12, &async |folder| Run::in_memory().await.and_in_sqlite(folder).await);
        proved_something(&answers);
    }

    /// So many random runs, or as many as `PURCHASE_CASES` says.
    fn runs(cases: u32, begin: &impl AsyncFn(&Path) -> Run) -> Answers {
        let cases =
            std::env::var("PURCHASE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(cases);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let total: RefCell<Answers> = RefCell::default();
        let config = Config { cases, failure_persistence: None, max_shrink_iters: 100, ..Config::default() };
        let outcome = TestRunner::new(config).run(&action::actions(), |actions| {
            let folder = tempfile::tempdir().unwrap();
            let answers = runtime.block_on(async {
                let mut run = begin(folder.path()).await;
                for action in &actions {
                    run.step(action).await;
                }
                run.end().await
            });
            for (answer, count) in answers {
                *total.borrow_mut().entry(answer).or_default() += count;
            }
            Ok(())
        });
        if let Err(failed) = outcome {
            panic!("{failed}");
        }
        total.into_inner()
    }

    /// A run in which nothing happens, or nothing is refused, passes as well: so these have to be there.
    fn proved_something(answers: &Answers) {
        let all: u64 = answers.values().sum();
        for ((what, answer), count) in answers {
            eprintln!("{count:>7}  {what:<8} {answer}");
        }
        let share = |good: bool| -> u64 {
            let some = answers.iter().filter(|((_, answer), _)| (answer == "Ok" || answer == "New") == good);
            some.map(|(_, count)| count).sum()
        };
        for (what, count) in [("done", share(true)), ("not done", share(false))] {
            assert!(
                count * 20 >= all,
                "only {count} of {all} answers were {what}: the test proves too little"
            );
        }
    }

    fn showed_every_refusal(answers: &Answers) {
        let needed = [
            ("buyer", "Refused(Refused(Held))"),
            ("buyer", "AuthorityChanged"),
            ("operator", "Refused(NotFound)"),
            ("operator", "Refused(Refused(NotDisputed))"),
            ("operator", "Refused(Refused(RefundAmount))"),
            ("place", "Refused(Exists)"),
            ("place", "Refused(Seller)"),
            ("receive", "Known"),
            ("seller", "not paid while suspended"),
            ("work", "Ok"),
            ("work", "Superseded"),
            ("work", "Refused(Refused(AlreadyPaid)), Ok"),
            ("work", "Refused(Refused(WrongAmount)), Ok"),
        ];
        for (what, answer) in needed {
            let seen = answers.get(&(what, answer.to_owned())).is_some_and(|count| *count > 0);
            assert!(seen, "nothing answered {answer} to {what}: the test proves too little");
        }
    }
}
