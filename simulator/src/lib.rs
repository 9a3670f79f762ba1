//! A stand-in for Haptik's platform: its calls, its webhook, a scripted bot, an agent, and faults on
//! request.
//!
//! It is written from Haptik's public documentation alone and shares no code with the bridge, so that
//! each checks the other. It is for demonstrations and tests; it keeps everything in memory and its
//! control routes ask for no password.
//!
//! ```no_run
//! use std::time::Duration;
//! use haptik_bridge_simulator::{Settings, Simulator};
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
//! [`Settings`] describe the account, [`Behaviour`] what may change while it runs, [`Simulator`] is it, and
//! `server` puts it behind a listener. The calls lie in `api` (with the refusals that Haptik documents), what
//! the platform knows in `state`, its webhook in `webhook`, the payloads in `events` and their way to the
//! webhook in `deliveries`. A [`Bot`] answers what users say; [`DemoBot`] is the script that shows every
//! element of HSL, and what real accounts do besides. `agent` has what a human agent does, driven by that
//! script or from outside, `idle` what eight minutes without a word do. `faults` holds what goes wrong on
//! request, [`Records`] what was received and delivered, and `control` the routes under `/_simulator/`.
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
//! | `POST /_simulator/clock` | `{"seconds": 3600}`: lets so much time pass for events that wait for the webhook, and for chats without a word |
//! | `GET`, `PUT /_simulator/behaviour` | how the account behaves: the fields of [`Behaviour`], any of which may be left out |
//! | `GET`, `POST`, `DELETE /_simulator/faults/calls` | the [`CallFault`]s in force; add one; clear them |
//! | `GET`, `POST`, `DELETE /_simulator/faults/deliveries` | the same for [`DeliveryFault`]s |
//! | `POST /_simulator/users/{auth_id}/says` | `{"text": "…"}` or `{"hsl": {…}}`: the bot says it |
//! | `POST /_simulator/users/{auth_id}/agent_joins` | `{"team_name": "…"}`, which may be left out |
//! | `POST /_simulator/users/{auth_id}/agent_says` | as `says`, by the agent |
//! | `POST /_simulator/users/{auth_id}/completes` | `{"by": "agent"}`, or `bot`, `timeout`, `team_offline`; with `"completion_by"`, where it is not the usual one |
//! | `POST /_simulator/users/{auth_id}/unknown_event` | `{"event_name": "…"}`: an event of a name that no documentation has |
//! | `POST /_simulator/deliver` | delivers the body as it is, signed |
//! | `GET /_simulator/chats/{user_name}` | a user's chat as plain text |
//! | `GET /_simulator/files/{message_id}` | what is known about a file |
//! | `GET /_simulator/images/{name}` | a picture for the demo's cards |
//! | `GET /_simulator/search?query=…` | what a search field of a form asks |

mod account;
mod agent;
mod api;
mod behaviour;
mod bot;
mod control;
mod deliveries;
mod events;
mod faults;
mod idle;
mod paths;
mod records;
mod server;
mod settings;
mod state;
mod webhook;

pub use self::{
    account::{Simulator, TimedOut},
    agent::UnknownUser,
    behaviour::{Behaviour, Transcripts, WhenOffline},
    bot::{Bot, DemoBot, FileSent, Reply, UserMessage},
    deliveries::signature,
    events::CompletedBy,
    faults::{CallFault, CallOutcome, DeliveryFault, DeliveryOutcome},
    paths::{
        AGENT_PATH, AGENT_TOOL_PATH, FEEDBACK_PATH, FILE_PATH, HISTORY_PATH, MESSAGE_PATH,
        SYNCHRONOUS_PATH, USER_PATH, WEBHOOK_PATH,
    },
    records::{
        AgentMove, Attempt, Call, Delivery, DeliveryKind, DeliveryState, Log, LoggedFeedback,
        LoggedFile, LoggedMessage, Records, UserCall, WebhookEnable,
    },
    server::Running,
    settings::{AgentJoins, CompletionEvents, Settings},
};
