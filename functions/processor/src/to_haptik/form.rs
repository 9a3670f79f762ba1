//! Forms that are filled in in the chat: what the user says answers a question, until all are answered and
//! told as one message.

use haptik_bridge_channels::render::form;
use haptik_bridge_channels::render::form::chat::{self, Given};
use haptik_bridge_shared::ledger::Entry;
use haptik_bridge_shared::message::UserAction;
use haptik_bridge_shared::message::chat_form::{AskedForm, FormAnswers, FormStep};
use haptik_bridge_shared::message::handoff::Handoff;
use haptik_bridge_shared::message::hsl::{Element, Form};
use haptik_bridge_shared::offers::Offers;
use haptik_bridge_shared::retry::Failure;
use haptik_bridge_shared::table::TableError;
use haptik_bridge_shared::users::Mode;
use jiff::Timestamp;

use super::{Conversation, ToHaptik, agent};
use crate::question::Question;

/// What becomes of something that the user did while a form was asked.
pub(super) enum Filling {
    /// It is no answer, and is told as it is.
    Nothing,
    /// It is an answer, or ends the form: nothing is told.
    Kept,
    /// With it all is answered, which is what is told.
    Whole(UserAction, Box<FormAnswers>),
}

/// What the user did, as far as it is known what it says.
#[derive(Clone, Copy)]
pub(super) struct Did<'a> {
    pub(super) action: &'a UserAction,
    /// Whether it is what a choice says that was made by its number.
    pub(super) is_choice: bool,
}

impl ToHaptik<'_> {
    /// Takes what the user did as an answer, where a form is asked. What is decided is kept before anything
    /// follows from it, and is the same on every try.
    pub(super) async fn fill_in(
        &self,
        conversation: &Conversation<'_>,
        entry: &Entry,
        did: Did<'_>,
    ) -> Result<Filling, Failure> {
        let asked = conversation.user.asked_form.as_ref();
        let Some(asked) = asked.filter(|asked| asked.may_concern(entry.received_at)) else {
            return Ok(Filling::Nothing);
        };
        let (users, auth_id) = (&self.bridge.users, &conversation.user.auth_id);
        let before = users.form_answers(auth_id).await?;
        let known = before.as_ref().filter(|before| before.by == entry.key);
        let message = known.map_or(&asked.message, |known| &known.form);
        let offers = Offers::new(self.bridge.ledger.clone());
        let offered = offers.offered(message).await?;
        let Some(Element::Form(form)) = offered.map(|hsl| hsl.element) else {
            return Ok(Filling::Nothing);
        };
        let answers = if let Some(known) = known {
            known.clone()
        } else {
            if !asked.is_open_at(entry.received_at, before.as_ref()) {
                return Ok(Filling::Nothing);
            }
            let Some(given) = self.given(did).await? else {
                return Ok(Filling::Nothing);
            };
            let now = answered(conversation, entry, asked, before, (&form, &given));
            users
                .put_form_answers(auth_id, &now, Timestamp::now())
                .await?;
            now
        };
        self.follow(conversation, entry, &form, answers).await
    }

    /// What a text or a choice says; `None` of anything else.
    async fn given(&self, did: Did<'_>) -> Result<Option<Said>, TableError> {
        Ok(match did.action {
            UserAction::Message { text, attachments } if attachments.is_empty() => Some(Said {
                text: text.clone(),
                is_choice: did.is_choice,
            }),
            UserAction::Choice { message, index } => {
                let text = self.chosen(message, *index).await?;
                text.map(|text| Said {
                    text,
                    is_choice: true,
                })
            }
            _ => None,
        })
    }

    /// Does what follows from an answer.
    async fn follow(
        &self,
        conversation: &Conversation<'_>,
        entry: &Entry,
        form: &Form,
        answers: FormAnswers,
    ) -> Result<Filling, Failure> {
        let settings = conversation.connection.forms;
        let name = format!("form-{}", entry.key);
        let wrong = match &answers.step {
            FormStep::Leave => return Ok(Filling::Nothing),
            // It was told, and only that was not recorded.
            FormStep::Sent => return Ok(Filling::Kept),
            FormStep::Send => {
                let action = UserAction::said(form::said(form, &answers.answers, settings));
                return Ok(Filling::Whole(action, Box::new(answers)));
            }
            FormStep::Empty | FormStep::Cancel => {
                let text = if answers.step == FormStep::Empty {
                    chat::EMPTY
                } else {
                    chat::CANCELLED
                };
                let at = conversation.inbound.at;
                self.notify(conversation, &name, text, at).await?;
                return Ok(Filling::Kept);
            }
            FormStep::Ask => None,
            FormStep::AskAgain { wrong } => Some(wrong.as_str()),
        };
        let question = Question {
            form,
            settings,
            place: answers.answers.len(),
            wrong,
        };
        let at = conversation.inbound.at.as_millisecond();
        question
            .ask(self.bridge, conversation.user, &name, at)
            .await?;
        Ok(Filling::Kept)
    }

    /// Notes that a form was told, and forgets what was answered.
    pub(super) async fn note_form_sent(
        &self,
        conversation: &Conversation<'_>,
        answers: FormAnswers,
    ) -> Result<(), TableError> {
        let sent = FormAnswers {
            answers: Vec::new(),
            step: FormStep::Sent,
            ..answers
        };
        let (users, auth_id) = (&self.bridge.users, &conversation.user.auth_id);
        users
            .put_form_answers(auth_id, &sent, Timestamp::now())
            .await
    }
}

/// What the user said.
struct Said {
    text: String,
    is_choice: bool,
}

/// The answers with what the user said, and what follows from it.
fn answered(
    conversation: &Conversation<'_>,
    entry: &Entry,
    asked: &AskedForm,
    before: Option<FormAnswers>,
    (form, said): (&Form, &Said),
) -> FormAnswers {
    let before = before.filter(|before| before.form == asked.message);
    let mut answers = before.map(|before| before.answers).unwrap_or_default();
    let given = if said.is_choice {
        Given::Chosen(&said.text)
    } else {
        Given::Typed(&said.text)
    };
    let user = conversation.user;
    let is_with_human =
        user.mode == Mode::Agent || user.handoff.as_ref().is_some_and(Handoff::is_on);
    let is_elsewhere = asked.connection != *conversation.connection_id;
    let step = if is_with_human || is_elsewhere || agent::is_asked_for(conversation, &said.text) {
        FormStep::Leave
    } else {
        let settings = conversation.connection.forms;
        chat::next(form, settings, &mut answers, given, entry.received_at)
    };
    if !step.goes_on() && step != FormStep::Send {
        answers.clear();
    }
    FormAnswers {
        form: asked.message.clone(),
        answers,
        by: entry.key.clone(),
        at: entry.received_at.as_millisecond(),
        step,
    }
}
