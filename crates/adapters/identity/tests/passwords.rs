//! Passwords: right, wrong, outdated, of nobody, and too many at once.

#[cfg(test)]
mod passwords {
    use std::future::Future;
    use std::num::NonZeroU16;
    use std::sync::mpsc;
    use std::task::{Context, Poll, Waker};

    use tenantry_identity::{Cost, HashingError, Limits, Password, PasswordHash, Passwords, Verdict};
    use tokio::runtime::{Builder, Runtime};

    const RIGHT: &str = "correct horse battery";

    fn cheap() -> Cost {
        Cost::new(64, 1, 1).unwrap()
    }

    fn right() -> Password {
        Password::attempt(RIGHT)
    }

    #[tokio::test]
    async fn the_right_password_is_right_and_every_other_wrong() {
        let passwords = Passwords::new(cheap()).unwrap();
        let hash = passwords.hash(Password::new(RIGHT).unwrap()).await.unwrap();
        assert_eq!(passwords.verify(right(), Some(&hash)).await.unwrap(), Verdict::Right);
        for wrong in ["", "correct horse batter", "correct horse battery ", "Correct horse battery"] {
            let verdict = passwords.verify(Password::attempt(wrong), Some(&hash)).await.unwrap();
            assert_eq!(verdict, Verdict::Wrong, "{wrong:?}");
        }
    }

    #[tokio::test]
    async fn a_stored_hash_is_as_good_as_a_fresh_one_and_has_its_own_salt() {
        let passwords = Passwords::new(cheap()).unwrap();
        let hash = passwords.hash(right()).await.unwrap();
        let stored: PasswordHash = hash.as_str().parse().unwrap();
        assert_eq!(passwords.verify(right(), Some(&stored)).await.unwrap(), Verdict::Right);
        assert_ne!(passwords.hash(right()).await.unwrap().as_str(), hash.as_str());
    }

    /// Made by the reference implementation: `echo -n password | argon2 somesalt -id -t 2 -k 65536 -p 1`.
    #[tokio::test]
    async fn a_hash_of_the_reference_implementation_is_understood() {
        let hash: PasswordHash =
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
                .parse()
                .unwrap();
        let passwords = Passwords::new(cheap()).unwrap();
        let verdict = passwords.verify(Password::attempt("password"), Some(&hash)).await.unwrap();
        assert_eq!(verdict, Verdict::RightButOutdated);
        assert_eq!(passwords.verify(right(), Some(&hash)).await.unwrap(), Verdict::Wrong);
    }

    #[tokio::test]
    async fn a_hash_of_another_cost_is_right_but_outdated_until_it_is_replaced() {
        let before = Passwords::new(cheap()).unwrap();
        let now = Passwords::new(Cost::new(128, 2, 1).unwrap()).unwrap();
        let hash = before.hash(right()).await.unwrap();
        assert_eq!(now.verify(right(), Some(&hash)).await.unwrap(), Verdict::RightButOutdated);
        assert_eq!(now.verify(Password::attempt("wrong"), Some(&hash)).await.unwrap(), Verdict::Wrong);
        let replaced = now.hash(right()).await.unwrap();
        assert_eq!(replaced.cost(), now.cost());
        assert_eq!(now.verify(right(), Some(&replaced)).await.unwrap(), Verdict::Right);
    }

    #[tokio::test]
    async fn every_check_runs_argon2_once_whoever_asks() {
        let passwords = Passwords::new(cheap()).unwrap();
        let hash = passwords.hash(right()).await.unwrap();
        let too_long = || Password::attempt("x".repeat(1025));
        for (what, attempt, known, expected) in [
            ("right", right(), Some(&hash), Verdict::Right),
            ("wrong", Password::attempt("wrong"), Some(&hash), Verdict::Wrong),
            ("too long", too_long(), Some(&hash), Verdict::Wrong),
            ("unknown", right(), None, Verdict::Wrong),
            ("unknown and too long", too_long(), None, Verdict::Wrong),
        ] {
            let before = passwords.hashings();
            assert_eq!(passwords.verify(attempt, known).await.unwrap(), expected, "{what}");
            assert_eq!(passwords.hashings() - before, 1, "{what}");
        }
        assert_eq!(hash.cost(), passwords.cost());
        assert_eq!(passwords.hash(too_long()).await.unwrap_err(), HashingError::TooLong);
    }

    /// A hash of the empty password, which is what is hashed in place of an attempt that is too long.
    #[tokio::test]
    async fn an_attempt_that_is_too_long_is_wrong_even_for_an_empty_password() {
        let passwords = Passwords::new(cheap()).unwrap();
        let hash = passwords.hash(Password::attempt("")).await.unwrap();
        let attempt = Password::attempt("x".repeat(1025));
        assert_eq!(passwords.verify(attempt, Some(&hash)).await.unwrap(), Verdict::Wrong);
    }

    /// A runtime whose only blocking thread is busy until the sender is used: so a hashing that was started
    /// has not ended, for as long as the test likes.
    fn stalled() -> (Runtime, mpsc::Sender<()>) {
        let runtime = Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
        let (release, held) = mpsc::channel::<()>();
        drop(runtime.spawn_blocking(move || held.recv()));
        (runtime, release)
    }

    fn one_and_one_waiting() -> Passwords {
        let limits = Limits { at_once: NonZeroU16::MIN, waiting: 1 };
        Passwords::with_limits(cheap(), limits).unwrap()
    }

    fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[track_caller]
    fn refused_at_once(passwords: &Passwords) {
        let outcome = poll(Box::pin(passwords.verify(right(), None)).as_mut());
        assert_eq!(outcome, Poll::Ready(Err(HashingError::Busy)));
    }

    #[test]
    fn more_than_may_wait_are_refused_at_once_and_the_others_served() {
        let (runtime, release) = stalled();
        let passwords = one_and_one_waiting();
        runtime.block_on(async {
            let mut running = Box::pin(passwords.verify(right(), None));
            let mut waiting = Box::pin(passwords.verify(right(), None));
            assert!(poll(running.as_mut()).is_pending());
            assert!(poll(waiting.as_mut()).is_pending());
            refused_at_once(&passwords);
            release.send(()).unwrap();
            assert_eq!(running.await, Ok(Verdict::Wrong));
            assert_eq!(waiting.await, Ok(Verdict::Wrong));
            assert_eq!(passwords.verify(right(), None).await, Ok(Verdict::Wrong));
        });
    }

    #[test]
    fn a_caller_that_leaves_while_waiting_gives_its_place_back_and_one_being_served_does_not() {
        let (runtime, release) = stalled();
        let passwords = one_and_one_waiting();
        runtime.block_on(async {
            let mut running = Box::pin(passwords.verify(right(), None));
            let mut waiting = Box::pin(passwords.verify(right(), None));
            assert!(poll(running.as_mut()).is_pending());
            assert!(poll(waiting.as_mut()).is_pending());
            drop((running, waiting));
            let mut next = Box::pin(passwords.verify(right(), None));
            assert!(poll(next.as_mut()).is_pending());
            refused_at_once(&passwords);
            release.send(()).unwrap();
            assert_eq!(next.await, Ok(Verdict::Wrong));
        });
    }

    #[test]
    fn a_runtime_that_was_shut_down_is_a_failure_and_not_a_wrong_password() {
        let runtime = Builder::new_current_thread().build().unwrap();
        let handle = runtime.handle().clone();
        runtime.shutdown_background();
        let _inside = handle.enter();
        let passwords = one_and_one_waiting();
        let outcome = poll(Box::pin(passwords.verify(right(), None)).as_mut());
        assert!(matches!(outcome, Poll::Ready(Err(HashingError::Failed(_)))), "{outcome:?}");
    }
}
