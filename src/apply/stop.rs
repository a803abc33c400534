use std::cell::Cell;

use tokio::sync::Notify;

/// A request to stop, from a signal.
#[derive(Default)]
pub struct Stop {
    requested: Cell<bool>,
    notify: Notify,
}

impl Stop {
    pub fn request(&self) {
        self.requested.set(true);
        self.notify.notify_waiters();
    }

    /// Waits until it is asked for.
    pub async fn wait(&self) {
        if !self.requested.get() {
            self.notify.notified().await;
        }
    }
}
