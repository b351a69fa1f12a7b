//! Starting an engine and talking to it.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

use crate::record::MinuteReport;

use super::dispatcher::Dispatcher;
use super::load::Waiter;
use super::{Command, EngineSetup, EngineSnapshot};

/// What the dispatcher is told from outside.
pub(super) enum Order {
    Command(Command),
    WhenOver(Waiter),
    Report(Option<mpsc::Sender<MinuteReport>>),
    Stop,
}

/// Sends commands to an engine. Commands to an engine that is gone are dropped.
#[derive(Clone, Debug)]
pub struct CommandSender(mpsc::UnboundedSender<Order>);

impl CommandSender {
    /// Sends one. Never blocks: commands come from people.
    pub fn send(&self, command: Command) {
        let _ = self.0.send(Order::Command(command));
    }

    /// Hands each minute to `reader` once it is over, and the last one, as far as it has come, when the engine ends or
    /// somebody else reads (`None`: nobody). Nothing waits for the reader: what it has no room for is lost, which the
    /// numbers of the minutes tell.
    pub fn report_to(&self, reader: Option<mpsc::Sender<MinuteReport>>) {
        let _ = self.0.send(Order::Report(reader));
    }
}

/// A running engine.
#[derive(Debug)]
pub struct EngineHandle {
    orders: mpsc::UnboundedSender<Order>,
    snapshot: watch::Receiver<Arc<EngineSnapshot>>,
    task: JoinHandle<()>,
}

/// Starts an engine on `runtime`.
#[must_use]
pub fn start(mut setup: EngineSetup, runtime: &Handle) -> EngineHandle {
    let (orders, incoming) = mpsc::unbounded_channel();
    let (ended, outcomes) = mpsc::unbounded_channel();
    let (stored, reports) = mpsc::unbounded_channel();
    let load = setup.load.take();
    let (publisher, snapshot) = watch::channel(Arc::new(EngineSnapshot::empty(&setup)));
    let dispatcher = Dispatcher::new(setup, ended, stored, publisher);
    let task = runtime.spawn(dispatcher.run(incoming, outcomes, reports, load));
    EngineHandle { orders, snapshot, task }
}

impl EngineHandle {
    /// The latest snapshot, and word of every new one.
    #[must_use]
    pub fn snapshot(&self) -> watch::Receiver<Arc<EngineSnapshot>> {
        self.snapshot.clone()
    }

    /// A way to send commands.
    #[must_use]
    pub fn sender(&self) -> CommandSender {
        CommandSender(self.orders.clone())
    }

    /// Waits until the load at hand is over (at once if there is none) and gives the last snapshot.
    pub async fn load_finished(&self) -> Arc<EngineSnapshot> {
        let (waiter, over) = oneshot::channel();
        let _ = self.orders.send(Order::WhenOver(waiter));
        match over.await {
            Ok(last) => last,
            Err(_) => Arc::clone(&self.snapshot.borrow()),
        }
    }

    /// Ends the engine: attempts in flight are abandoned, results handed over are stored.
    pub async fn shutdown(self) {
        let _ = self.orders.send(Order::Stop);
        let _ = self.task.await;
    }
}
