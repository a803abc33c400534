use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::LocalBoxFuture;
use serde_json::{Value, json};

use crate::applied::Applied;
use crate::aws::{CloudError, ErrorClass};
use crate::clock::{Clock, SimulatedClock, SystemClock};
use crate::cloud::{Cloud, Context, Kinds, Observed, State};
use crate::kinds::{AnyKind, Create, Delete, Goal, Live, Outputs, Poll, PollTarget, Update, WriteResult};
use crate::lock::{InMemoryLock, LockStore};
use crate::spec::Environment;
use crate::value::{Address, SecretStore};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Call {
    Create,
    Update,
    Delete,
    /// Whether what was written is ready, or what was deleted is gone.
    Poll,
    /// A read of all objects of the address's kind.
    Find,
}

/// What a call comes to. Without a script it takes effect and succeeds.
#[derive(Clone, Copy, Debug)]
pub enum Answer {
    Succeeds,
    /// It takes no effect.
    Fails(ErrorClass),
    /// It takes effect, and the answer is lost.
    Lost,
    /// It takes effect, and then one more call that belongs to it fails so.
    Half(ErrorClass),
    /// Of an update: the object moves, though not to what is wanted, and the call fails so.
    Part(ErrorClass),
    /// Of a poll: it says that it is not done.
    Waits,
    /// Of a poll: it says that it never will be.
    Hopeless,
    /// No answer ever comes.
    Hangs,
}

/// An object that is there.
#[derive(Clone)]
pub struct Object {
    pub kind: &'static dyn AnyKind,
    pub address: Address,
    pub id: String,
    pub attrs: Value,
}

type Script = HashMap<(Call, Address), VecDeque<Answer>>;

/// A cloud that answers as a test says.
#[derive(Clone, Default)]
pub struct Scripted {
    pub clock: SimulatedClock,
    pub objects: Rc<RefCell<Vec<Object>>>,
    script: Rc<RefCell<Script>>,
    /// What every call of an operation comes to once its script is over.
    always: Rc<RefCell<HashMap<(Call, Address), Answer>>>,
    /// How long each call takes.
    pub latency: Rc<Cell<Duration>>,
    /// Each call that changes something or may have, in the order in which they were made.
    pub calls: Rc<RefCell<Vec<(Duration, Call, Address)>>>,
    /// By id, also of what is gone.
    addresses: Rc<RefCell<HashMap<String, Address>>>,
    next: Rc<Cell<u32>>,
}

impl Scripted {
    pub fn script(&self, call: Call, address: &str, answers: impl IntoIterator<Item = Answer>) {
        let key = (call, address.parse().unwrap());
        self.script.borrow_mut().entry(key).or_default().extend(answers);
    }

    pub fn always(&self, call: Call, address: &str, answer: Answer) {
        self.always.borrow_mut().insert((call, address.parse().unwrap()), answer);
    }

    pub fn add(&self, kind: &'static dyn AnyKind, address: &Address, attrs: Value) -> String {
        self.next.set(self.next.get() + 1);
        let id = format!("{}-{}", kind.name(), self.next.get());
        self.addresses.borrow_mut().insert(id.clone(), address.clone());
        self.objects.borrow_mut().push(Object { kind, address: address.clone(), id: id.clone(), attrs });
        id
    }

    pub fn ids(&self, address: &str) -> Vec<String> {
        let objects = self.objects.borrow();
        objects.iter().filter(|one| one.address.to_string() == address).map(|one| one.id.clone()).collect()
    }

    async fn answer(&self, call: Call, address: &Address) -> Answer {
        self.calls.borrow_mut().push((self.clock.monotonic(), call, address.clone()));
        if !self.latency.get().is_zero() {
            self.clock.sleep(self.latency.get()).await;
        }
        let key = (call, address.clone());
        let scripted = self.script.borrow_mut().get_mut(&key).and_then(VecDeque::pop_front);
        let answer = scripted.or_else(|| self.always.borrow().get(&key).copied()).unwrap_or(Answer::Succeeds);
        if matches!(answer, Answer::Hangs) {
            return std::future::pending().await;
        }
        answer
    }

    /// Lets the call take effect, or not, and answers as the script says.
    async fn does<T>(&self, call: Call, address: &Address, effect: impl FnOnce() -> T) -> Result<T, CloudError> {
        Self::takes_effect(call, self.answer(call, address).await, effect)
    }

    fn takes_effect<T>(call: Call, answer: Answer, effect: impl FnOnce() -> T) -> Result<T, CloudError> {
        match answer {
            Answer::Succeeds => Ok(effect()),
            Answer::Lost => {
                effect();
                Err(error(call, ErrorClass::Ambiguous))
            }
            Answer::Half(class) => {
                effect();
                Err(error(call, class))
            }
            Answer::Fails(class) => Err(error(call, class)),
            other => panic!("{other:?} is no answer to {call:?}"),
        }
    }
}

pub fn error(call: Call, class: ErrorClass) -> CloudError {
    CloudError {
        class,
        ..CloudError::new(&format!("scripted:{call:?}"), &format!("{class:?}"), "as the test says")
    }
}

impl Cloud for Scripted {
    fn place(&self) -> String {
        "a script".to_owned()
    }

    fn secret_store(&self) -> SecretStore {
        SecretStore::new(vec![1; 32])
    }

    fn guard<'a>(&'a self, _: &'a Environment) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async { Ok(()) })
    }

    fn lock(&self, _: &Environment) -> Box<dyn LockStore> {
        Box::new(InMemoryLock::new(SystemClock::shared()))
    }

    fn state<'a>(&'a self, _: Context<'a>, _: Kinds) -> LocalBoxFuture<'a, Result<State, Vec<CloudError>>> {
        unreachable!("an apply is given its plan")
    }

    fn observe_kinds<'a>(
        &'a self,
        _: Context<'a>,
        _: &'a [&'static dyn AnyKind],
    ) -> LocalBoxFuture<'a, Result<Vec<Observed>, Vec<CloudError>>> {
        unreachable!("an apply reads kind by kind")
    }

    fn observe_kind<'a>(
        &'a self,
        _: Context<'a>,
        kind: &'static dyn AnyKind,
    ) -> LocalBoxFuture<'a, Result<Vec<Observed>, CloudError>> {
        Box::pin(async move {
            let found = || -> Vec<Observed> {
                let objects = self.objects.borrow();
                let own = objects.iter().filter(|object| object.kind.name() == kind.name());
                let found = own.map(|Object { kind, address, id, attrs }| Observed {
                    kind: *kind,
                    live: Live::new(Some(address.clone()), id, attrs.clone()),
                });
                found.collect()
            };
            self.does(Call::Find, &Address::new(kind.name(), "*"), found).await
        })
    }

    fn refresh<'a>(&'a self, _: Context<'a>, _: &'a mut Observed) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async { Ok(()) })
    }

    fn save_applied<'a>(
        &'a self,
        _: &'a Environment,
        _: &'a Applied,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async { Ok(()) })
    }

    fn create<'a>(
        &'a self,
        _: Context<'a>,
        kind: &'static dyn AnyKind,
        new: Create<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<WriteResult, CloudError>> {
        Box::pin(async move {
            let effect = || WriteResult::new(self.add(kind, new.address, new.attrs.clone()));
            self.does(Call::Create, new.address, effect).await
        })
    }

    fn update<'a>(
        &'a self,
        _: Context<'a>,
        _: &'static dyn AnyKind,
        change: Update<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<WriteResult, CloudError>> {
        Box::pin(async move {
            let put = |attrs: Value| {
                let mut objects = self.objects.borrow_mut();
                let object = objects.iter_mut().find(|object| object.id == change.id).expect("it is there");
                object.attrs = attrs;
                WriteResult::new(change.id)
            };
            match self.answer(Call::Update, change.address).await {
                Answer::Part(class) => {
                    put(json!({ "size": -1 }));
                    Err(error(Call::Update, class))
                }
                answer => Self::takes_effect(Call::Update, answer, || put(change.attrs.clone())),
            }
        })
    }

    fn delete<'a>(
        &'a self,
        _: &'static dyn AnyKind,
        gone: Delete<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<(), CloudError>> {
        Box::pin(async move {
            let effect = || self.objects.borrow_mut().retain(|object| object.id != gone.id);
            self.does(Call::Delete, gone.address, effect).await
        })
    }

    fn poll<'a>(
        &'a self,
        _: &'static dyn AnyKind,
        target: PollTarget<'a, Value>,
    ) -> LocalBoxFuture<'a, Result<Poll, CloudError>> {
        Box::pin(async move {
            let address = self.addresses.borrow().get(target.id).cloned().expect("it was there once");
            match self.answer(Call::Poll, &address).await {
                Answer::Succeeds => {
                    let is_there = self.objects.borrow().iter().any(|object| object.id == target.id);
                    assert_eq!(is_there, target.goal == Goal::Ready, "{} as it was left", target.id);
                    Ok(Poll::Done(Outputs::new()))
                }
                Answer::Waits => Ok(Poll::Waiting("pending".to_owned())),
                Answer::Hopeless => Ok(Poll::Failed("it failed, as the test says".to_owned())),
                Answer::Fails(class) => Err(error(Call::Poll, class)),
                other => panic!("{other:?} is no answer to a poll"),
            }
        })
    }
}

/// The attributes that objects have in these tests.
pub fn attrs(size: u32) -> Value {
    json!({ "size": size })
}
