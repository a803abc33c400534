//! Every order in which the steps of several runs can fall, one after the other: exactly one gets the lock.

use super::super::{LockStore, Renewal, Take, UnlockResult};
use super::*;

/// How many turns are tried with every task: after so many whoever is first goes on to its end.
const TURNS: usize = 9;

/// Runs the tasks in every order of their steps; answers how many orders there were.
fn in_every_order<'a>(mut begin: impl FnMut() -> (Vec<Task<'a>>, Box<dyn FnOnce(&str) + 'a>)) -> usize {
    let mut turns: Vec<usize> = Vec::new();
    let mut orders = 0;
    loop {
        let (tasks, check) = begin();
        let mut tasks: Vec<(usize, Task<'a>)> = tasks.into_iter().enumerate().collect();
        let (mut taken, mut choices, mut story) = (Vec::new(), Vec::new(), String::new());
        while !tasks.is_empty() {
            let turn = turns.get(taken.len()).copied().unwrap_or(0);
            taken.push(turn);
            choices.push(if taken.len() > TURNS { 1 } else { tasks.len() });
            story += &tasks[turn].0.to_string();
            if poll(&mut tasks[turn].1) {
                drop(tasks.remove(turn));
            }
            assert!(taken.len() < 200, "this order never ends: {story}");
        }
        check(&story);
        orders += 1;
        // The next order: the last turn that another task could have had goes to it.
        while taken.pop().is_some_and(|last| {
            let others = choices.pop().is_some_and(|count| last + 1 < count);
            if others {
                taken.push(last + 1);
            }
            !others
        }) {}
        if taken.is_empty() {
            return orders;
        }
        turns = taken;
    }
}

fn hurried() -> Shared {
    Shared(Rc::new(TestClock { hurries: true, ..TestClock::default() }))
}

/// Drives one task to its end by itself.
fn alone<T>(task: impl Future<Output = T>) -> T {
    let mut task = Box::pin(task);
    loop {
        if let Poll::Ready(value) = task.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return value;
        }
    }
}

const FAULTS: [Fault; 5] = [Fault::None, Fault::AnswerLost, Fault::Dropped, Fault::Repeated, Fault::Delayed];

/// One that delivers at some moment what was held up.
fn postman<'a>(account: &Rc<Account>) -> Task<'a> {
    let account = Rc::clone(account);
    Box::pin(async move {
        step().await;
        account.deliver();
    })
}

/// Asks again for as long as no answer comes.
async fn patiently<T>(mut attempt: impl AsyncFnMut() -> Result<T, CloudError>) -> T {
    loop {
        match attempt().await {
            Ok(value) => return value,
            Err(error) => assert!(error.is(ErrorClass::Ambiguous), "{error}"),
        }
    }
}

type Outcome = Rc<RefCell<Vec<String>>>;

fn taker<'a>(name: &'a str, chain: Rc<VersionedLock<View>>, winners: &Outcome) -> Task<'a> {
    let winners = Rc::clone(winners);
    Box::pin(async move {
        if let Take::Taken { .. } = patiently(async || chain.take(&run_of(name), LEASE).await).await {
            winners.borrow_mut().push(name.to_owned());
        }
    })
}

/// Who has the lock now, read by somebody else.
fn holder(account: &Rc<Account>) -> Option<String> {
    alone(View::of(account).chain(&hurried()).current()).unwrap().map(|held| held.holder.id)
}

/// Who was told that it has the lock has it at the end, and nobody else was, whatever was held up on the way.
fn won<'a>(account: Rc<Account>, winners: Outcome, what: String) -> Box<dyn FnOnce(&str) + 'a> {
    Box::new(move |story| {
        account.deliver();
        let holder: Vec<String> = holder(&account).into_iter().collect();
        assert_eq!(*winners.borrow(), holder, "{what} {story}");
    })
}

#[test]
fn of_runs_that_start_at_once_one_gets_a_lock_that_never_was() {
    for fault in FAULTS {
        let orders = in_every_order(|| {
            let (account, winners) = (Rc::new(Account::default()), Outcome::default());
            let view = View::of(&account);
            view.faults.borrow_mut().push(fault);
            let clock = hurried();
            let mut tasks = vec![taker("a", Rc::new(view.chain(&clock)), &winners)];
            tasks.push(taker("b", Rc::new(View::of(&account).chain(&clock)), &winners));
            match fault {
                Fault::None => tasks.push(taker("c", Rc::new(View::of(&account).chain(&clock)), &winners)),
                Fault::Delayed => tasks.push(postman(&account)),
                _ => {}
            }
            (tasks, won(account, winners, format!("{fault:?}")))
        });
        assert!(orders > 10, "{fault:?}: {orders}");
    }
}

/// The holder comes back just as two others have seen its lock stand still for a whole lease.
#[test]
fn of_runs_that_find_it_run_out_one_gets_it_or_its_holder_keeps_it() {
    for fault in FAULTS {
        for faulty in 0..if fault == Fault::None { 1 } else { 2 } {
            let orders = in_every_order(|| {
                let (account, winners, clock) = (Rc::new(Account::default()), Outcome::default(), hurried());
                let chains = [0, 1, 2].map(|index| {
                    let view = View::of(&account);
                    let chain = Rc::new(view.chain(&clock));
                    let name = ["old", "b", "c"][index];
                    alone(chain.take(&run_of(name), LEASE)).unwrap();
                    if index == faulty {
                        view.faults.borrow_mut().push(fault);
                    }
                    chain
                });
                assert_eq!(holder(&account).unwrap(), "old");
                clock.0.pass(LEASE);
                let [old, b, c] = chains;
                let still = Rc::clone(&winners);
                let mut tasks: Vec<Task<'_>> = vec![Box::pin(async move {
                    let renewal = patiently(async || old.renew(&run_of("old"), LEASE).await).await;
                    if let Renewal::Renewed(_) = renewal {
                        still.borrow_mut().push("old".to_owned());
                    }
                })];
                tasks.push(taker("b", b, &winners));
                match fault {
                    Fault::None => tasks.push(taker("c", c, &winners)),
                    Fault::Delayed => tasks.push(postman(&account)),
                    _ => {}
                }
                (tasks, won(account, winners, format!("{fault:?} of {faulty}")))
            });
            assert!(orders > 10, "{fault:?} of {faulty}: {orders}");
        }
    }
}

/// A release that is held up, repeated or unanswered neither frees another's lock nor leaves two inside.
#[test]
fn runs_that_take_and_release_are_inside_one_at_a_time() {
    for fault in FAULTS {
        for nth in 0..2 {
            let orders = in_every_order(|| {
                let (account, inside, clock) = (Rc::new(Account::default()), Rc::new(Cell::new(0)), hurried());
                let faulty = View::of(&account);
                *faulty.faults.borrow_mut() = vec![Fault::None; nth];
                faulty.faults.borrow_mut().push(fault);
                let worker = |name: &'static str, view: &View, tries: usize| -> Task<'_> {
                    let (chain, inside) = (view.chain(&clock), Rc::clone(&inside));
                    Box::pin(async move {
                        for _ in 0..tries {
                            let take = patiently(async || chain.take(&run_of(name), LEASE).await).await;
                            if let Take::Taken { .. } = take {
                                inside.set(inside.get() + 1);
                                assert_eq!(inside.get(), 1, "two are inside");
                                step().await;
                                inside.set(inside.get() - 1);
                                return patiently(async || chain.release(&run_of(name)).await).await;
                            }
                        }
                    })
                };
                let mut tasks = vec![worker("a", &faulty, 1), worker("b", &View::of(&account), 2)];
                if fault == Fault::Delayed {
                    tasks.push(postman(&account));
                }
                let check = Box::new(move |story: &str| {
                    account.deliver();
                    assert_eq!(holder(&account), None, "{fault:?} {nth} {story}");
                });
                (tasks, check)
            });
            assert!(orders > 10, "{fault:?}: {orders}");
        }
    }
}

#[test]
fn reads_that_lag_behind_cost_time_and_nothing_else() {
    for (first, second) in [(1, 0), (2, 1), (3, 3)] {
        in_every_order(|| {
            let (account, winners, clock) = (Rc::new(Account::default()), Outcome::default(), hurried());
            let before = View::of(&account).chain(&clock);
            alone(before.take(&run_of("before"), LEASE)).unwrap();
            alone(before.release(&run_of("before"))).unwrap();
            let tasks = [("a", first), ("b", second)].map(|(name, stale)| {
                let view = View::of(&account);
                view.stale.set(stale);
                // A stale read shows the lock as held still: one looks again.
                let (chain, winners) = (view.chain(&clock), Rc::clone(&winners));
                let task: Task<'_> = Box::pin(async move {
                    for _ in 0..5 {
                        if let Take::Taken { .. } = chain.take(&run_of(name), LEASE).await.unwrap() {
                            return winners.borrow_mut().push(name.to_owned());
                        }
                    }
                });
                task
            });
            (tasks.into(), won(account, winners, format!("{first} and {second} stale")))
        });
    }
}

/// Two people unlock, the holder renews: nobody is unlocked who came later.
#[test]
fn unlocking_is_for_the_holder_that_was_seen() {
    let orders = in_every_order(|| {
        let (account, clock) = (Rc::new(Account::default()), hurried());
        let old = View::of(&account).chain(&clock);
        alone(old.take(&run_of("old"), LEASE)).unwrap();
        let seen = alone(old.current()).unwrap().unwrap();
        let winners = Outcome::default();
        let person = |name: &'static str| -> Task<'_> {
            let (chain, seen) = (View::of(&account).chain(&clock), seen.clone());
            Box::pin(async move {
                let unlocking = chain.unlock(&seen, &run_of(name)).await.unwrap();
                assert!(!matches!(unlocking, UnlockResult::HolderAlive));
            })
        };
        let mut tasks: Vec<Task<'_>> =
            vec![person("person"), taker("new", Rc::new(View::of(&account).chain(&clock)), &winners)];
        tasks.push(Box::pin(async move {
            old.renew(&run_of("old"), LEASE).await.unwrap();
        }));
        // Taken by the new one only after the old one was unlocked, and then nobody unlocked the new one.
        (tasks, won(account, winners, "unlocked".to_owned()))
    });
    assert!(orders > 10, "{orders}");
}

/// The holder renews while somebody unlocks it and another takes the lock; then it lets go, for it lost it.
#[test]
fn who_lost_the_lock_does_not_free_it() {
    for fault in FAULTS {
        let orders = in_every_order(|| {
            let (account, winners, clock) = (Rc::new(Account::default()), Outcome::default(), hurried());
            let view = View::of(&account);
            let old = view.chain(&clock);
            alone(old.take(&run_of("old"), LEASE)).unwrap();
            view.faults.borrow_mut().push(fault);
            let seen = alone(old.current()).unwrap().unwrap();
            let person = View::of(&account).chain(&clock);
            let taker = taker("new", Rc::new(View::of(&account).chain(&clock)), &winners);
            let mut tasks: Vec<Task<'_>> = vec![
                Box::pin(async move {
                    patiently(async || old.renew(&run_of("old"), LEASE).await).await;
                    patiently(async || old.release(&run_of("old")).await).await;
                }),
                Box::pin(async move {
                    patiently(async || person.unlock(&seen, &run_of("person")).await).await;
                    taker.await;
                }),
            ];
            if fault == Fault::Delayed {
                tasks.push(postman(&account));
            }
            (tasks, won(account, winners, format!("{fault:?}")))
        });
        assert!(orders > 10, "{fault:?}: {orders}");
    }
}

/// That a call took effect is seen by reading.
#[test]
fn answers_that_are_lost_each_time_keep_nobody_out() {
    for fault in [Fault::AnswerLost, Fault::Repeated] {
        let (account, clock) = (Rc::new(Account::default()), hurried());
        let view = View::of(&account);
        let chain = view.chain(&clock);
        *view.faults.borrow_mut() = vec![fault; 3];
        assert!(matches!(alone(chain.take(&run_of("a"), LEASE)).unwrap(), Take::Taken { .. }), "{fault:?}");
        assert!(matches!(alone(chain.renew(&run_of("a"), LEASE)).unwrap(), Renewal::Renewed(_)), "{fault:?}");
        alone(chain.release(&run_of("a"))).unwrap();
        assert_eq!(holder(&account), None, "{fault:?}");
        assert!(view.faults.borrow().is_empty(), "one write for each");
    }
}

#[test]
fn what_was_written_by_hand_is_passed_over() {
    let (account, clock) = (Rc::new(Account::default()), hurried());
    let chain = View::of(&account).chain(&clock);
    account.write("hands off");
    assert!(matches!(alone(chain.take(&run_of("a"), LEASE)).unwrap(), Take::Taken { .. }));
    account.write("{}");
    assert_eq!(holder(&account).unwrap(), "a");
    assert!(matches!(alone(chain.renew(&run_of("a"), LEASE)).unwrap(), Renewal::Renewed(_)));
    // One that was deleted by hand is not known to be ours any more.
    account.versions.borrow_mut().clear();
    assert!(alone(chain.renew(&run_of("a"), LEASE)).is_err());
    assert_eq!(holder(&account), None);

    for _ in 0..100 {
        account.write("nothing of ours");
    }
    let error = alone(chain.take(&run_of("a"), LEASE)).unwrap_err();
    assert!(error.is(ErrorClass::Rejected) && error.message.contains("delete it"), "{error}");
}
