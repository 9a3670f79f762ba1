//! Asking a form in the chat, where its message was shown.

use haptik_bridge_shared::ledger::Entry;
use haptik_bridge_shared::message::chat_form::AskedForm;
use haptik_bridge_shared::message::hsl::Element;
use haptik_bridge_shared::message::{Content, KeyRef, MessageRef, Outgoing};
use haptik_bridge_shared::retry::Failure;
use haptik_bridge_shared::users::User;

use super::ToChannel;
use crate::attempt::{connection, outlet};
use crate::question::Question;

impl ToChannel<'_> {
    /// Begins to ask a form whose message was shown, where it is filled in in the chat.
    pub(super) async fn ask_form(
        &self,
        entry: &Entry,
        user: &User,
        outgoing: &Outgoing,
    ) -> Result<(), Failure> {
        let Content::Message { hsl, .. } = &outgoing.content else {
            return Ok(());
        };
        let Element::Form(form) = &hsl.element else {
            return Ok(());
        };
        let connection = connection(self.bridge, &user.connection)?;
        if !outlet(self.outlets, &user.connection)?.asks_in_chat(form) {
            return Ok(());
        }
        let asked = AskedForm {
            message: MessageRef {
                auth_id: user.auth_id.clone(),
                key: KeyRef::Key(entry.key.clone()),
            },
            connection: user.connection.clone(),
            at: entry.received_at.as_millisecond(),
        };
        let users = &self.bridge.users;
        users.put_asked_form(&user.auth_id, &asked).await?;
        let question = Question {
            form,
            settings: connection.forms,
            place: 0,
            wrong: None,
        };
        let (name, at) = (format!("form-{}", entry.key), entry.at.as_millisecond());
        Ok(question.ask(self.bridge, user, &name, at).await?)
    }
}
