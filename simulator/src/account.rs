//! A simulated account: its [`Simulator`], and waiting for what it has seen.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{runtime::Handle, sync::watch};

use super::{
    behaviour::Behaviour,
    bot::{Bot, DemoBot},
    faults::{CallFault, DeliveryFault},
    records::Records,
    settings::Settings,
    state::State,
};

/// A simulated Haptik account. Clones share it.
#[derive(Clone)]
pub struct Simulator {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) settings: Settings,
    pub(super) bot: Box<dyn Bot>,
    /// `None` when no HTTP client can be built, which each delivery then says.
    pub(super) client: Option<reqwest::Client>,
    /// Where deliveries run that are asked for from outside a runtime.
    pub(super) runtime: OnceLock<Handle>,
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

impl Simulator {
    /// An account with the scripted bot that shows every element of HSL.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self::with_bot(settings, DemoBot)
    }

    /// An account with a bot of one's own: a [`Bot`], or a closure from a [`UserMessage`](super::UserMessage) to the
    /// [`Reply`](super::Reply)s.
    #[must_use]
    pub fn with_bot(settings: Settings, bot: impl Bot) -> Self {
        let state = State::new(&settings, Timestamp::now());
        Self {
            inner: Arc::new(Inner {
                settings,
                bot: Box::new(bot),
                client: http_client(),
                runtime: OnceLock::new(),
                state: Mutex::new(state),
                changed: watch::Sender::new(()),
            }),
        }
    }

    /// How the account is set up. The webhook's URL and the public URL may have changed since.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    /// Looks at what was received and delivered.
    pub fn records<T>(&self, look: impl FnOnce(&Records) -> T) -> T {
        self.read(|state| look(&state.records))
    }

    /// Waits until the records are as they should be. They are looked at again after each change.
    ///
    /// # Errors
    ///
    /// When they are still not so after that time.
    pub async fn wait_until(
        &self,
        at_most: Duration,
        mut so: impl FnMut(&Records) -> bool,
    ) -> Result<(), TimedOut> {
        self.wait_for(at_most, |records| so(records).then_some(()))
            .await
    }

    /// Waits until something can be found in the records.
    ///
    /// # Errors
    ///
    /// When it cannot be found within that time.
    pub async fn wait_for<T>(
        &self,
        at_most: Duration,
        mut find: impl FnMut(&Records) -> Option<T>,
    ) -> Result<T, TimedOut> {
        let mut changes = self.inner.changed.subscribe();
        let found = async {
            loop {
                changes.mark_unchanged();
                if let Some(found) = self.records(&mut find) {
                    return found;
                }
                if changes.changed().await.is_err() {
                    // The sender lies in `self`, so this does not happen.
                    std::future::pending::<()>().await;
                }
            }
        };
        tokio::time::timeout(at_most, found)
            .await
            .map_err(|_| TimedOut { after: at_most })
    }

    /// Makes calls go wrong.
    pub fn add_call_fault(&self, fault: CallFault) {
        self.change(|state| state.faults.calls.push(fault));
    }

    /// Makes deliveries go wrong.
    pub fn add_delivery_fault(&self, fault: DeliveryFault) {
        self.change(|state| state.faults.deliveries.push(fault));
    }

    /// How the account behaves.
    #[must_use]
    pub fn behaviour(&self) -> Behaviour {
        self.read(|state| state.behaviour.clone())
    }

    /// Changes how the account behaves, from now on.
    pub fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        self.change(|state| change(&mut state.behaviour));
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.change(|state| {
            state.faults.calls.clear();
            state.faults.deliveries.clear();
        });
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic in a test's closure must not hide behind a second one here.
        self.inner
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock())
    }

    pub(super) fn change<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let result = act(&mut self.lock());
        self.inner.changed.send_replace(());
        result
    }

    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let runtime = Handle::try_current().ok();
        if let Some(runtime) = runtime.as_ref().or_else(|| self.inner.runtime.get()) {
            runtime.spawn(task);
        }
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator")
            .field("settings", &self.inner.settings)
            .finish_non_exhaustive()
    }
}

/// What was waited for did not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimedOut {
    after: Duration,
}

impl fmt::Display for TimedOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the simulator did not see it within {:?}", self.after)
    }
}

impl std::error::Error for TimedOut {}

/// The client of all deliveries. It never follows a redirect, which is not a 2xx.
fn http_client() -> Option<reqwest::Client> {
    // Another part of the process may have chosen the provider already; that one is good too.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent("haptik-simulator")
        .build()
        .ok()
}
