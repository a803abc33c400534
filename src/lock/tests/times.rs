//! Leases as time passes: kept while renewed, taken over when not, and never believed in for too long.

use super::super::{Lock, LockError, LockLost, LockOptions, LockStore, NotStarted, Renewal, RenewalError};
use super::*;

/// What the tests have of a run: its lock, once there is one.
type Slot = Rc<RefCell<Option<Rc<Lock>>>>;

async fn acquire(name: &str, view: &View, clock: &Shared, timeout: Duration) -> Result<Rc<Lock>, LockError> {
    let (store, clock) = (Box::new(view.chain(clock)), Rc::new(clock.clone()));
    let terms = LockOptions { lease: LEASE, timeout };
    Lock::acquire(store, run_of(name), terms, clock, &|_| {}, std::future::pending())
        .await
        .map(|(lock, _)| Rc::new(lock))
}

/// A lock held by `a`, at the beginning of time.
fn held_by_a(account: &Rc<Account>, clock: &Shared) -> Rc<Lock> {
    let slot = Slot::default();
    let task = async { *slot.borrow_mut() = acquire("a", &View::of(account), clock, LEASE).await.ok() };
    in_time(clock, vec![Box::pin(task)]);
    slot.take().unwrap()
}

fn kept(lock: &Rc<Lock>) -> Task<'static> {
    let lock = Rc::clone(lock);
    Box::pin(async move { lock.keep().await })
}

fn seconds(clock: &Shared) -> u64 {
    clock.0.now.get().as_secs()
}

#[test]
fn who_waits_for_one_that_lives_is_told_who_it_is() {
    let (account, clock) = (Rc::new(Account::default()), Shared::default());
    let a = held_by_a(&account, &clock);
    let wait = async {
        let Err(LockError::Held(held)) = acquire("b", &View::of(&account), &clock, 3 * LEASE).await else {
            panic!("a holds it")
        };
        assert_eq!(held.holder.by, "a@host");
        assert!(held.idle < LEASE / 2, "it was renewed: {:?}", held.idle);
    };
    in_time(&clock, vec![Box::pin(wait), kept(&a)]);
    assert_eq!(seconds(&clock), 180);
    assert!(account.calls.get() < 150, "{} calls", account.calls.get());
}

#[test]
fn one_that_died_is_waited_out() {
    let (account, clock) = (Rc::new(Account::default()), Shared::default());
    let a = held_by_a(&account, &clock);
    let b = async {
        let b = acquire("b", &View::of(&account), &clock, 2 * LEASE).await.ok().unwrap();
        assert_eq!(a.left(), Duration::ZERO, "nobody takes it before the lease has run out");
        let NotStarted(LockLost::HeldBy(holder)) = a.fence().await.unwrap_err() else { panic!("b holds it") };
        assert_eq!(holder.by, "b@host");
        assert!(b.fence().await.is_ok());
        // The late release of the first does not free the lock of the second.
        a.release().await.unwrap();
        let Renewal::Renewed(_) = View::of(&account).chain(&clock).renew(&run_of("b"), LEASE).await.unwrap() else {
            panic!("it is still b's")
        };
    };
    in_time(&clock, vec![Box::pin(b)]);
    assert!((60..=63).contains(&seconds(&clock)), "after {} s", seconds(&clock));
}

#[test]
fn released_it_is_free_at_once() {
    let (account, clock) = (Rc::new(Account::default()), Shared::default());
    let a = held_by_a(&account, &clock);
    let b = async {
        a.release().await.unwrap();
        let before = account.calls.get();
        acquire("b", &View::of(&account), &clock, Duration::ZERO).await.ok().unwrap();
        assert_eq!(account.calls.get() - before, 2, "one look, one write");
    };
    in_time(&clock, vec![Box::pin(b)]);
    assert_eq!(seconds(&clock), 0);
}

/// Reads are answered, writes never arrive.
#[test]
fn who_cannot_write_does_not_try_for_ever() {
    let (account, clock) = (Rc::new(Account::default()), Shared::default());
    let view = View::of(&account);
    *view.faults.borrow_mut() = vec![Fault::Dropped; 1000];
    let a = async {
        let Err(LockError::Cloud(error)) = acquire("a", &view, &clock, LEASE).await else { panic!("no lock") };
        assert!(error.is(ErrorClass::Ambiguous), "{error}");
    };
    in_time(&clock, vec![Box::pin(a)]);
    assert_eq!(seconds(&clock), 60);
    assert!(account.calls.get() < 100, "{} calls", account.calls.get());
}

/// The answer is lost, and the first look after it shows nothing.
#[test]
fn who_gives_up_leaves_no_lock_behind() {
    let (account, clock) = (Rc::new(Account::default()), Shared::default());
    let view = View::of(&account);
    view.faults.borrow_mut().push(Fault::AnswerLost);
    view.stale.set(1);
    let a = async {
        let Err(LockError::Cloud(_)) = acquire("a", &view, &clock, Duration::ZERO).await else { panic!("unknown") };
        assert_eq!(account.versions.borrow().len(), 2, "taken and freed");
        assert_eq!(View::of(&account).chain(&clock).current().await.unwrap(), None);
    };
    in_time(&clock, vec![Box::pin(a)]);
}

#[test]
fn a_release_that_gets_no_answer_is_tried_until_the_lease_is_over() {
    let (account, clock) = (Rc::new(Account::default()), Shared::default());
    let a = held_by_a(&account, &clock);
    account.down.set(true);
    in_time(&clock, vec![Box::pin(async { assert!(a.release().await.is_err()) })]);
    assert!((60..=63).contains(&seconds(&clock)), "after {} s", seconds(&clock));
    account.down.set(false);
    let a = held_by_a(&account, &clock);
    account.down.set(true);
    let up = async {
        clock.sleep(Duration::from_secs(30)).await;
        account.down.set(false);
        std::future::pending::<()>().await;
    };
    in_time(&clock, vec![Box::pin(async { a.release().await.unwrap() }), Box::pin(up)]);
}

#[test]
fn a_fence_costs_a_call_only_when_it_is_not_certain() {
    let (account, clock) = (Rc::new(Account::default()), Shared::default());
    let a = held_by_a(&account, &clock);
    let calls = account.calls.get();
    in_time(&clock, vec![Box::pin(async { a.fence().await.unwrap() })]);
    assert_eq!(account.calls.get(), calls);
    // Three quarters of the lease are over.
    clock.0.pass(Duration::from_secs(45));
    in_time(&clock, vec![Box::pin(async { a.fence().await.unwrap() })]);
    assert_eq!(account.calls.get(), calls + 2);
    // The lid was closed for an hour: only the clock on the wall knows. Nobody came in the meantime.
    clock.0.slept.set(Duration::from_secs(3600));
    assert_eq!(a.left(), Duration::ZERO);
    in_time(&clock, vec![Box::pin(async { a.fence().await.unwrap() })]);
    assert_eq!(account.calls.get(), calls + 4);
}

#[test]
fn what_cannot_be_renewed_is_given_up_before_anybody_takes_it() {
    let (account, clock) = (Rc::new(Account::default()), Shared::default());
    let a = held_by_a(&account, &clock);
    account.down.set(true);
    let lost = async {
        let LockLost::NotRenewed { source: RenewalError::NoResponse(_), .. } = a.lost().await else {
            panic!("there was no response")
        };
        assert!(a.fence().await.is_err());
        assert_eq!(a.left(), LEASE / 4, "time for what is in flight to land");
    };
    in_time(&clock, vec![Box::pin(lost), kept(&a)]);
    assert_eq!(seconds(&clock), 45);
}

#[test]
fn a_short_outage_does_no_harm() {
    let (account, clock) = (Rc::new(Account::default()), Shared::default());
    let a = held_by_a(&account, &clock);
    account.down.set(true);
    let watch = async {
        clock.sleep(Duration::from_secs(32)).await;
        account.down.set(false);
        clock.sleep(Duration::from_secs(300)).await;
        a.fence().await.unwrap();
    };
    in_time(&clock, vec![Box::pin(watch), kept(&a)]);
}

#[test]
fn one_that_was_unlocked_notices_at_its_next_renewal() {
    let (account, clock) = (Rc::new(Account::default()), Shared::default());
    let a = held_by_a(&account, &clock);
    let person = View::of(&account).chain(&clock);
    let lost = async {
        let held = person.current().await.unwrap().unwrap();
        person.unlock(&held, &run_of("person")).await.unwrap();
        let LockLost::Unlocked(holder) = a.lost().await else { panic!("it was unlocked") };
        assert_eq!(holder.by, "person@host");
    };
    in_time(&clock, vec![Box::pin(lost), kept(&a)]);
    assert_eq!(seconds(&clock), 20);
}
