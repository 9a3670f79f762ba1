//! What Teams sends.

use async_trait::async_trait;
use haptik_bridge_shared::config::Forms;
use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::ids::{AuthId, AuthIds};
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::hsl::Hsl;
use haptik_bridge_shared::message::{
    Addressed, Content, Inbound, MessageRef, Outgoing, Task, UserAction,
};
use haptik_bridge_shared::offers::Offers;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::config::{Config, Conversation};
use super::receive::{self, Deed, Invoke, Message, Read, Tap};
use super::verify::Verifier;
use super::{Command, Teams, encode};
use crate::adaptive_cards::form;
use crate::callback;
use crate::channel::{Edge, EdgeDeps, Effect, Receipt, Rejected, Request, Response};
use crate::limits::Size;
use crate::render::inline::verbatim;
use crate::request::json_object;

/// How long what was filled in may be where it stands in place of a form.
const FILLED: Size = Size::bytes(7_000);

/// What answers a card that wants its answer at once
/// (<https://learn.microsoft.com/adaptive-cards/authoring-cards/universal-action-model#response-format>).
const MESSAGE: &str = "application/vnd.microsoft.activity.message";
const ERROR: &str = "application/vnd.microsoft.error";

/// What a user is told who uses what is none of ours.
const NOTHING_THERE: &str = "There is nothing behind this.";

/// The side that receives.
#[derive(Debug)]
pub(super) struct TeamsEdge {
    auth_ids: AuthIds,
    conversation: Conversation,
    welcome: String,
    tell_edits: bool,
    verifier: Verifier,
    offers: Offers,
    forms: Forms,
}

impl TeamsEdge {
    pub(super) fn new(config: &Config, deps: EdgeDeps) -> Self {
        Self {
            auth_ids: deps.auth_ids,
            conversation: config.conversation,
            welcome: config.welcome.clone(),
            tell_edits: config.tell_edits,
            verifier: Verifier::new(config, deps.http),
            offers: deps.offers,
            forms: deps.forms,
        }
    }

    /// The user at Haptik: the same in a personal chat and in channels, unless each thread is one.
    fn auth_id<A>(&self, deed: &Deed<A>) -> AuthId {
        let thread = match self.conversation {
            Conversation::User => None,
            Conversation::Thread => deed.place.thread(),
        };
        self.auth_ids.of_user(&deed.user, thread)
    }

    fn inbound<A>(
        &self,
        deed: Deed<A>,
        message_id: Option<String>,
        action: UserAction,
    ) -> Effect<Teams> {
        let auth_id = self.auth_id(&deed);
        Effect::Inbound(Box::new(Inbound {
            key: deed.key,
            at: deed.at,
            auth_id,
            user: deed.user,
            address: deed.place,
            message_id,
            profile: Some(deed.profile),
            addressed: Addressed::Yes,
            action,
            mentions: Vec::new(),
        }))
    }

    fn task<A>(&self, deed: &Deed<A>, what: &str, command: Command) -> Effect<Teams> {
        Effect::Run(Task {
            key: deed.key.then(what),
            at: deed.at,
            auth_id: self.auth_id(deed),
            command,
        })
    }

    fn greeted(&self, deed: &Deed<()>) -> Effect<Teams> {
        let command = Command::Greet {
            place: deed.place.clone(),
            text: self.welcome.clone(),
        };
        self.task(deed, "welcome", command)
    }

    fn said(&self, mut deed: Deed<Message>) -> Effect<Teams> {
        let text = std::mem::take(&mut deed.action.text);
        let attachments = std::mem::take(&mut deed.action.files);
        let id = deed.action.id.take();
        self.inbound(deed, id, UserAction::Message { text, attachments })
    }

    /// A tap is told, where it is on one of our buttons; those that were used up go away.
    async fn tapped(&self, deed: Deed<Tap>) -> Result<Vec<Effect<Teams>>, Rejected> {
        let auth_id = self.auth_id(&deed);
        let Some(tapped) = callback::read(&deed.action.submitted.data) else {
            return Ok(Vec::new());
        };
        let message = tapped.message(&auth_id);
        let Some(action) = tapped.action(&auth_id) else {
            return self.filled(deed, &message).await;
        };
        let settled = self.settled(&deed, &message).await?;
        let told = self.inbound(deed, None, action);
        Ok(settled.into_iter().chain([told]).collect())
    }

    /// What takes the place of a card whose buttons were used up. Teams replaces an activity as a whole, so
    /// that it is made once more, of the message in the ledger.
    async fn settled(
        &self,
        deed: &Deed<Tap>,
        message: &MessageRef,
    ) -> Result<Option<Effect<Teams>>, Rejected> {
        let used = deed.action.submitted.used.as_ref();
        let Some(((chosen, index), id)) = used.zip(deed.action.message.as_ref()) else {
            return Ok(None);
        };
        let event = self.offers.event(message).await;
        let event = event.map_err(|error| Rejected::Unavailable(error.to_string()))?;
        let Some(event) = event else {
            return Ok(None);
        };
        let pages = encode::pages(&shown(event, &message.auth_id));
        let page = pages.get(*index);
        Ok(page.map(|page| self.replaced(deed, id, encode::settled(page, chosen))))
    }

    fn replaced(&self, deed: &Deed<Tap>, id: &str, activity: Value) -> Effect<Teams> {
        let command = Command::Replace {
            place: deed.place.clone(),
            message: id.to_owned(),
            activity,
        };
        self.task(deed, "replace", command)
    }

    /// A form that was sent is told as a message; what is wrong with it is said to the user, who has it still.
    async fn filled(
        &self,
        deed: Deed<Tap>,
        message: &MessageRef,
    ) -> Result<Vec<Effect<Teams>>, Rejected> {
        let form = self.offers.form(message).await;
        let form = form.map_err(|error| Rejected::Unavailable(error.to_string()))?;
        let inputs = &deed.action.submitted.inputs;
        let answers = match form::submission(inputs, form.as_ref(), self.forms, deed.at) {
            Ok(answers) => answers,
            Err(text) => {
                let place = deed.place.clone();
                return Ok(vec![self.task(
                    &deed,
                    "wrong",
                    Command::Notify { place, text },
                )]);
            }
        };
        let changed = deed.action.message.as_deref().map(|id| {
            let answers = format!("✓ {}", FILLED.clip(&answers));
            self.replaced(&deed, id, encode::filled(&verbatim(&answers)))
        });
        let told = UserAction::said(answers);
        let told = self.inbound(deed, None, told);
        Ok(changed.into_iter().chain([told]).collect())
    }

    /// What follows from an activity, or why it is not understood.
    async fn take(
        &self,
        activity: &Value,
    ) -> Result<Result<Receipt<Teams>, &'static str>, Rejected> {
        let is_invoke = lenient_json::text(activity, "type") == "invoke";
        let mut receipt = if is_invoke {
            Receipt::nothing(Response::json(200, &json!({})))
        } else {
            Receipt::ok()
        };
        receipt.effects = match receive::read(activity, self.tell_edits) {
            Read::Nothing => Vec::new(),
            Read::Said(deed) => vec![self.said(*deed)],
            Read::Tapped(deed) => {
                if let Some(invoke) = deed.action.invoke {
                    receipt.response = answer(invoke, Some(&deed.action));
                }
                self.tapped(*deed).await?
            }
            Read::Foreign(invoke) => {
                receipt.response = answer(invoke, None);
                Vec::new()
            }
            Read::Added(deed) => vec![self.greeted(&deed)],
            Read::UnknownInvoke => {
                receipt.response = Response::text(501, "");
                Vec::new()
            }
            Read::Odd(reason) => return Ok(Err(reason)),
        };
        Ok(Ok(receipt))
    }
}

/// What the user sees at once of a tap that wants an answer; `None` where it is on nothing of ours.
fn answer(invoke: Invoke, tap: Option<&Tap>) -> Response {
    let label = tap.and_then(|tap| tap.submitted.used.as_ref());
    let label = label.map(|(label, _)| label.as_str());
    let done = format!("✓ {}", label.unwrap_or_default());
    let body = match (invoke, tap) {
        (Invoke::Card, Some(_)) => {
            json!({"statusCode": 200, "type": MESSAGE, "value": done.trim()})
        }
        (Invoke::Card, None) => {
            let error = json!({"code": "BadRequest", "message": NOTHING_THERE});
            json!({"statusCode": 400, "type": ERROR, "value": error})
        }
        (Invoke::Task, _) => {
            let value = tap.map_or(NOTHING_THERE, |_| done.trim());
            json!({"task": {"type": "message", "value": value}})
        }
    };
    Response::json(200, &body)
}

/// A message of the ledger as it was shown. What its buttons carry does not matter here.
fn shown(event: Event, auth_id: &AuthId) -> Outgoing {
    let hsl = Hsl::read(&event.body);
    Outgoing {
        key: "settled".into(),
        auth_id: auth_id.clone(),
        user: String::new(),
        at: Timestamp::UNIX_EPOCH,
        received_at: Timestamp::UNIX_EPOCH,
        sender: event.sender,
        message_id: None,
        in_reply_to: None,
        handoff: None,
        content: Content::Message {
            hsl,
            raw: Value::Null,
        },
    }
}

#[async_trait]
impl Edge<Teams> for TeamsEdge {
    async fn receive(
        &self,
        request: &Request<'_>,
        now: Timestamp,
    ) -> Result<Receipt<Teams>, Rejected> {
        request.check_is_post()?;
        let verified = self.verifier.verify(request.headers, now).await?;
        let activity = match json_object(request.body) {
            Ok(activity) => activity,
            Err(reason) => return Ok(Receipt::not_understood(reason)),
        };
        self.verifier.check(&verified, &activity)?;
        match self.take(&activity).await? {
            Ok(receipt) => Ok(receipt),
            Err(reason) => Ok(Receipt::not_understood(reason)),
        }
    }

    async fn read_again(
        &self,
        body: &[u8],
        _: Timestamp,
    ) -> Result<Option<Receipt<Teams>>, Rejected> {
        match json_object(body) {
            // A body that could not be read was not held against its token either.
            Ok(activity) if self.verifier.check_activity(&activity).is_ok() => {
                Ok(self.take(&activity).await?.ok())
            }
            Ok(_) | Err(_) => Ok(None),
        }
    }
}
