//! Steps: one after another, each announced, timed and listed in a table at the end.

use std::time::{Duration, Instant};

use crate::error::Error;

/// How a whole command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing was found wrong.
    Passed,
    /// Something was, and has been printed.
    Failed,
}

/// The steps of one command, and what became of those that ran.
#[derive(Debug)]
pub(crate) struct Steps {
    total: usize,
    began: Instant,
    finished: Vec<Finished>,
}

#[derive(Debug)]
struct Finished {
    name: String,
    took: Duration,
    verdict: Verdict,
    note: String,
}

impl Steps {
    /// A run of this many steps, from now on.
    pub(crate) fn of(total: usize) -> Self {
        Self { total, began: Instant::now(), finished: Vec::new() }
    }

    /// Runs the next step. What it returns is shown beside its name: a count, or a few words.
    pub(crate) fn run(&mut self, name: &str, action: impl FnOnce() -> Result<String, Error>) -> Verdict {
        let title = format!("[{}/{}] {name}", self.finished.len().saturating_add(1), self.total);
        println!("{title}");
        let began = Instant::now();
        let (verdict, note) = match action() {
            Ok(note) => (Verdict::Passed, note),
            Err(error) => (Verdict::Failed, error.to_string()),
        };
        let took = began.elapsed();
        println!("{title}: {}, {} of {} so far", word(verdict), shown(took), shown(self.began.elapsed()));
        if verdict == Verdict::Failed {
            println!("{note}");
        }
        println!();
        self.finished.push(Finished { name: name.to_owned(), took, verdict, note });
        verdict
    }

    /// Prints one line for each step that ran, and says whether all of them did and passed.
    pub(crate) fn summary(&self) -> Verdict {
        let wide = self.finished.iter().map(|step| step.name.chars().count()).max().unwrap_or(0);
        for Finished { name, took, verdict, note } in &self.finished {
            let note = note.lines().next().unwrap_or("");
            let line = format!("{name:wide$}  {:>8}  {:6}  {note}", shown(*took), word(*verdict));
            println!("{}", line.trim_end());
        }
        println!("{:wide$}  {:>8}", "in all", shown(self.began.elapsed()));
        let all_ran = self.finished.len() == self.total;
        let all_passed = self.finished.iter().all(|step| step.verdict == Verdict::Passed);
        if all_ran && all_passed { Verdict::Passed } else { Verdict::Failed }
    }
}

fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "ok",
        Verdict::Failed => "FAILED",
    }
}

/// A length of time as people say it: `4.2 s`, `3 m 05 s`.
pub(crate) fn shown(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        format!("{seconds}.{} s", time.subsec_millis() / 100)
    } else {
        format!("{} m {:02} s", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        assert_eq!(shown(Duration::from_millis(4_250)), "4.2 s");
        assert_eq!(shown(Duration::from_millis(59_999)), "59.9 s");
        assert_eq!(shown(Duration::from_secs(185)), "3 m 05 s");
    }

    #[test]
    fn one_failure_fails_the_run_and_the_rest_still_runs() {
        let mut steps = Steps::of(2);
        let broken = || Err(Error::Broken(vec!["a line".into()]));
        assert_eq!(steps.run("first", broken), Verdict::Failed);
        assert_eq!(steps.run("second", || Ok("2 of 2".into())), Verdict::Passed);
        assert_eq!(steps.summary(), Verdict::Failed);
    }

    #[test]
    fn a_step_that_never_ran_fails_the_run() {
        let mut steps = Steps::of(2);
        steps.run("first", || Ok(String::new()));
        assert_eq!(steps.summary(), Verdict::Failed);
        steps.run("second", || Ok(String::new()));
        assert_eq!(steps.summary(), Verdict::Passed);
    }
}
