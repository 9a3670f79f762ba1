//! A stand-in for Haptik's platform: its calls, its webhook, a scripted bot, an agent, and faults on
//! request.
//!
//! It is written from Haptik's public documentation alone and shares no code with the bridge, so that
//! each checks the other. It is for demonstrations and tests; it keeps everything in memory and its
//! control routes ask for no password.
//!
//! ```no_run
//! use std::time::Duration;
//! use haptik_bridge_local::simulator::{Settings, Simulator};
//!
//! # async fn test() -> Result<(), Box<dyn std::error::Error>> {
//! let haptik = Simulator::new(Settings { time_scale: 0.001, ..Settings::default() });
//! let running = haptik.serve("127.0.0.1:0").await?;
//! haptik.set_webhook_url("http://127.0.0.1:3000/haptik/main");
//! // … let the bridge call `running.base_url()`, then:
//! haptik
//!     .wait_until(Duration::from_secs(5), |seen| seen.messages.iter().any(|said| said.text == "hi"))
//!     .await?;
//! # Ok(()) }
//! ```
//!
//! # Modules
//!
//! [`Settings`] describe the account. The calls lie in `api` (with the refusals that Haptik
//! documents), what the platform knows in `state`, the payloads in `events` and their way to the
//! webhook in `deliveries`. A [`Bot`] answers what users say; [`DemoBot`] is the script that shows
//! every element of HSL. `agent` has what a human agent does, driven by that script or from outside.
//! `faults` holds what goes wrong on request, [`Records`] what was received and delivered, and
//! `control` the routes under `/_simulator/`.
//!
//! # Control routes
//!
//! They answer JSON, and take it with `Content-Type: application/json`.
//!
//! | route | what it does |
//! |---|---|
//! | `GET /_simulator/state` | the webhook, the number of users and of records |
//! | `GET /_simulator/records/{kind}` | records: `users`, `messages`, `files`, `feedback`, `agent_moves`, `webhook_enables`, `calls`, `deliveries` |
//! | `PUT /_simulator/webhook` | `{"url": "…", "enabled": true}`, either may be left out |
//! | `POST /_simulator/clock` | `{"seconds": 3600}`: lets so much time pass for events that wait for the webhook |
//! | `GET`, `POST`, `DELETE /_simulator/faults/calls` | the [`CallFault`]s in force; add one; clear them |
//! | `GET`, `POST`, `DELETE /_simulator/faults/deliveries` | the same for [`DeliveryFault`]s |
//! | `POST /_simulator/users/{auth_id}/says` | `{"text": "…"}` or `{"hsl": {…}}`: the bot says it |
//! | `POST /_simulator/users/{auth_id}/agent_joins` | `{"team_name": "…"}`, which may be left out |
//! | `POST /_simulator/users/{auth_id}/agent_says` | as `says`, by the agent |
//! | `POST /_simulator/users/{auth_id}/completes` | `{"by": "agent"}`, or `bot`, `timeout` |
//! | `POST /_simulator/deliver` | delivers the body as it is, signed |
//! | `GET /_simulator/chats/{user_name}` | a user's chat as plain text |
//! | `GET /_simulator/files/{message_id}` | what is known about a file |
//! | `GET /_simulator/images/{name}` | a picture for the demo's cards |

use std::{
    fmt, io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use axum::Router;
use jiff::Timestamp;
use tokio::{
    net::{TcpListener, ToSocketAddrs},
    runtime::Handle,
    sync::{oneshot, watch},
    task::JoinHandle,
};

mod agent;
mod api;
mod bot;
mod control;
mod deliveries;
mod events;
mod faults;
mod records;
mod settings;
mod state;

pub use self::{
    agent::UnknownUser,
    api::{
        AGENT_PATH, FEEDBACK_PATH, FILE_PATH, HISTORY_PATH, MESSAGE_PATH, SYNCHRONOUS_PATH,
        USER_PATH, WEBHOOK_PATH,
    },
    bot::{Bot, DemoBot, FileSent, Reply, UserMessage},
    deliveries::signature,
    events::CompletedBy,
    faults::{CallFault, CallOutcome, DeliveryFault, DeliveryOutcome},
    records::{
        AgentMove, Attempt, Call, Delivery, DeliveryKind, DeliveryState, Log, LoggedFeedback,
        LoggedFile, LoggedMessage, Records, UserCall, WebhookEnable,
    },
    settings::{AgentJoins, CompletionEvents, Settings},
};
use state::State;

/// A simulated Haptik account. Clones share it.
#[derive(Clone)]
pub struct Simulator {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    bot: Box<dyn Bot>,
    /// `None` when no HTTP client can be built, which each delivery then says.
    client: Option<reqwest::Client>,
    /// Where deliveries run that are asked for from outside a runtime.
    runtime: OnceLock<Handle>,
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

impl Simulator {
    /// An account with the scripted bot that shows every element of HSL.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self::with_bot(settings, DemoBot)
    }

    /// An account with a bot of one's own: a [`Bot`], or a closure from a [`UserMessage`] to the
    /// [`Reply`]s.
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

    /// The platform's routes and the control routes, to be served by any server. It can be merged
    /// into another router.
    pub fn router(&self) -> Router {
        api::router(self).merge(control::router(self))
    }

    /// Serves the account at this address, such as `127.0.0.1:0` for any free port.
    ///
    /// # Errors
    ///
    /// When the address cannot be listened on.
    pub async fn serve(&self, address: impl ToSocketAddrs) -> io::Result<Running> {
        self.serve_on(TcpListener::bind(address).await?)
    }

    /// Serves the account on a listener that is already bound.
    ///
    /// # Errors
    ///
    /// When the listener cannot say its address.
    pub fn serve_on(&self, listener: TcpListener) -> io::Result<Running> {
        let address = listener.local_addr()?;
        self.change(|state| {
            state
                .public_url
                .get_or_insert_with(|| format!("http://{address}"));
        });
        // A handle that is set already is as good.
        let _ = self.inner.runtime.set(Handle::current());
        let (stop, stopped) = oneshot::channel();
        let server = axum::serve(listener, self.router()).with_graceful_shutdown(async {
            // Either a message or the sender's end means: stop.
            let _ = stopped.await;
        });
        let task = tokio::spawn(async { server.await });
        Ok(Running {
            simulator: self.clone(),
            address,
            stop: Some(stop),
            task,
        })
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

    fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.lock())
    }

    fn change<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let result = act(&mut self.lock());
        self.inner.changed.send_replace(());
        result
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
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

/// A simulator being served; it stops when this is dropped. The account itself goes on: it can be
/// served again, on the same port too, as after an outage.
#[derive(Debug)]
pub struct Running {
    simulator: Simulator,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<io::Result<()>>,
}

impl Running {
    /// The address to give to a bridge as `base_url`, without a slash at the end.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The account that is served.
    #[must_use]
    pub fn simulator(&self) -> &Simulator {
        &self.simulator
    }

    /// Stops and waits until the port is free. Calls under way are finished, those that a fault
    /// delays for long are not waited for.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        // Whether the server ended well, or at all, no longer matters to anybody.
        let _ = tokio::time::timeout(Duration::from_secs(2), &mut self.task).await;
        self.task.abort();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
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
