//! The questions of a form that is filled in in the chat, as the bridge asks them.

use haptik_bridge_channels::render::form::chat;
use haptik_bridge_shared::bridge::Bridge;
use haptik_bridge_shared::config::Forms;
use haptik_bridge_shared::ingest::{NotDurable, RequestContext};
use haptik_bridge_shared::message::hsl::Form;
use haptik_bridge_shared::users::User;
use jiff::Timestamp;

/// A question.
pub(crate) struct Question<'a> {
    pub(crate) form: &'a Form,
    pub(crate) settings: Forms,
    /// The field that is asked for.
    pub(crate) place: usize,
    /// What was wrong with the answer before.
    pub(crate) wrong: Option<&'a str>,
}

impl Question<'_> {
    /// Asks it, once for each name and time.
    pub(crate) async fn ask(
        &self,
        bridge: &Bridge,
        user: &User,
        name: &str,
        at: i64,
    ) -> Result<(), NotDurable> {
        let asked = chat::question(self.form, self.settings, self.place, self.wrong);
        let context = RequestContext::new("processor", Timestamp::now());
        bridge.say(context, user, name, &asked, at).await
    }
}
