//! Work that goes on for as long as the gateway is up, and must not end unnoticed.

use std::{sync::Arc, thread};

use tokio::{sync::Notify, task::JoinSet};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Tasks {
    set: JoinSet<()>,
    broken: Arc<Notify>,
}

/// Tells where work ends by a panic.
struct Alarm(Arc<Notify>);

impl Tasks {
    /// Begins some work.
    pub(crate) fn spawn(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        let alarm = Alarm(Arc::clone(&self.broken));
        self.set.spawn(async move {
            let _alarm = alarm;
            work.await;
        });
    }

    /// Waits until all of it has ended.
    pub(crate) async fn ended(&mut self) {
        while self.set.join_next().await.is_some() {}
    }

    /// Waits until some of it has ended by a panic.
    pub(crate) async fn broken(&self) {
        self.broken.notified().await;
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_breaks_is_noticed_and_what_ends_is_not() {
        let mut tasks = Tasks::default();
        tasks.spawn(async {});
        tasks.ended().await;
        let quiet = tokio::time::timeout(std::time::Duration::ZERO, tasks.broken());
        assert!(quiet.await.is_err());
        tasks.spawn(async { panic!("as a test") });
        tasks.broken().await;
        tasks.ended().await;
    }
}
