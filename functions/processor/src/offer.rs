//! Numbered choices: what a message offers, and what the user's next message makes of it. Pure: who stores
//! it is [`crate::to_channel`] and [`crate::to_haptik`].

use haptik_bridge_channels::callback::Tap;
use haptik_bridge_channels::channel::Part;
use haptik_bridge_channels::choices;
use haptik_bridge_channels::render::{Button, Page, Target};
use haptik_bridge_shared::ids::{ConnectionId, EntryKey};
use haptik_bridge_shared::message::offer::{Chosen, Offer, OfferEnd, OfferedChoice};
use haptik_bridge_shared::message::{KeyRef, MessageRef};
use haptik_bridge_shared::users::User;
use jiff::Timestamp;

/// How many choices are kept. A message with more is one that nobody reads to its end.
const MOST_CHOICES: usize = 300;

/// What a message offers whose parts are being sent.
#[derive(Debug)]
pub(crate) struct Offering {
    pub(crate) offer: Offer,
    /// Whether it has something to choose from.
    pub(crate) has_choices: bool,
}

impl Offering {
    /// Of the message with this key, which was received then. What an earlier try had noted stays.
    pub(crate) fn of(user: &User, key: &EntryKey, received_at: Timestamp) -> Self {
        let message = MessageRef {
            auth_id: user.auth_id.clone(),
            key: KeyRef::Key(key.clone()),
        };
        let before = user.offer.clone();
        let before =
            before.filter(|offer| offer.message == message && is_shown_at(offer, &user.connection));
        Self {
            has_choices: before.is_some(),
            offer: before.unwrap_or_else(|| Offer {
                message,
                choices: Vec::new(),
                connection: Some(user.connection.clone()),
                at: received_at.as_millisecond(),
                until: None,
            }),
        }
    }

    /// Adds what a part offers that is in the channel now; whether it offers something.
    pub(crate) fn add(&mut self, part: &Part) -> bool {
        let numbered = part.page.iter().flat_map(Page::numbered);
        let choices: Vec<OfferedChoice> = numbered
            .filter_map(|(number, choice)| offered(part.index, number, choice))
            .collect();
        if choices.is_empty() {
            return false;
        }
        let all = &mut self.offer.choices;
        all.retain(|choice| choice.part < part.index);
        all.extend(choices);
        all.truncate(MOST_CHOICES);
        self.has_choices = true;
        true
    }
}

fn offered(part: usize, number: usize, choice: &Button) -> Option<OfferedChoice> {
    let Target::Callback { tap, .. } = &choice.target else {
        return None;
    };
    let (index, rating) = match tap {
        Tap::Say { index, .. } => (*index, None),
        Tap::Rate { index, rating } => (*index, Some(*rating)),
        // Its questions are in the message.
        Tap::Fill => return None,
    };
    Some(OfferedChoice {
        part,
        number,
        label: choice.label.clone(),
        index,
        rating,
    })
}

/// The offer that a message without choices ends which was received then, as it is afterwards.
pub(crate) fn ended_by_message(user: &User, received_at: Timestamp) -> Option<Offer> {
    let offer = user.offer.as_ref()?;
    let is_over = is_ended(user.offer_end.as_ref(), offer);
    (!is_over && offer.is_ended_by(received_at)).then(|| Offer {
        until: Some(received_at.as_millisecond()),
        ..offer.clone()
    })
}

/// How something that the user did, and that was received then, ends the offer that stands; `None` where
/// none does. `text` is what was said, where it was a text alone. What an earlier try of the same decided
/// stays as it is, whatever was offered since.
pub(crate) fn ended_by_user(
    user: &User,
    by: &EntryKey,
    received_at: Timestamp,
    text: Option<&str>,
) -> Option<OfferEnd> {
    let last = user.offer_end.as_ref();
    if let Some(last) = last.filter(|last| last.by == *by) {
        return Some(last.clone());
    }
    let offer = user.offer.as_ref()?;
    if is_ended(last, offer) || !offer.is_open_at(received_at) {
        return None;
    }
    Some(OfferEnd {
        by: by.clone(),
        offer: offer.message.clone(),
        chosen: text.and_then(|text| chosen(offer, text)),
    })
}

/// Whether a message's choices were shown by this connection.
pub(crate) fn is_shown_at(offer: &Offer, connection: &ConnectionId) -> bool {
    offer.connection.as_ref().is_none_or(|at| at == connection)
}

fn is_ended(last: Option<&OfferEnd>, offer: &Offer) -> bool {
    last.is_some_and(|last| last.offer == offer.message)
}

fn chosen(offer: &Offer, text: &str) -> Option<Chosen> {
    let choices = offer.choices.iter();
    let choices: Vec<(usize, &str)> = choices
        .map(|choice| (choice.number, choice.label.as_str()))
        .collect();
    let choice = offer.choices.get(choices::chosen(text, &choices)?)?;
    Some(Chosen {
        index: choice.index,
        rating: choice.rating,
    })
}

#[cfg(test)]
mod tests;
