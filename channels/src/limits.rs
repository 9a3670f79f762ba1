//! Limits are data: what a provider takes, as a constant of its channel. The renderer lays messages out
//! within them; tables, documentation and contract tests read the same numbers.

use std::time::Duration;

use super::callback::{Reference, Tap};
use super::markup::Markup;
pub use super::size::{Size, Unit};
use haptik_bridge_shared::message::hsl::Form;

/// All that the shared renderer has to know of a channel.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The text of a message.
    pub text: Size,
    /// Whether [`Limits::text`] counts markup.
    pub counted: Counted,
    /// The markup that texts are printed in.
    pub markup: Markup,
    /// What one message is made of.
    pub shape: Shape,
    /// The longest address of a picture, or of a link of a button.
    pub address: Size,
    /// Buttons; `None` where there are none.
    pub buttons: Option<Buttons>,
    /// A menu, for more choices than there are buttons; `None` where there is none.
    pub menu: Option<Menu>,
    /// Cards of the provider's own; `None` where cards are a picture, a text and buttons below each other.
    pub cards: Option<Cards>,
    /// How a picture is shown.
    pub pictures: Pictures,
    /// How a form is filled in.
    pub forms: Forms,
    /// Whether there is small print for what is about the conversation; else it is text in italics.
    pub notices: bool,
    /// The longest name of its own that an agent's message may stand under; `None` where it stands in the
    /// text.
    pub agent_identity: Option<Size>,
    /// How fast messages may follow each other: [`super::pace`] sees to it.
    pub pace: Pace,
    /// For how long after a user's message answers are taken; `None`: always.
    pub reply_window: Option<Duration>,
}

/// What one message is made of.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// A text, with at most one picture above it, and buttons or a menu below it: Telegram, WhatsApp, LINE,
    /// Viber, SMS.
    Bubble,
    /// A list of blocks of any kind: Slack, Google Chat, Teams, Webex.
    Blocks {
        /// How many.
        most: usize,
        /// The text of one of them.
        section: Size,
        /// What all of them hold together: texts, addresses and what buttons carry.
        weight: Size,
    },
}

/// What counts towards a length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Counted {
    /// The text as it is sent, with its markup.
    AsSent,
    /// The text as it is seen: Telegram counts "after entities parsing".
    AsShown,
}

/// Buttons.
#[derive(Debug, Clone, Copy)]
pub struct Buttons {
    /// How many stand in one block: in a [bubble](Shape::Bubble), in one message.
    pub most: usize,
    /// A label.
    pub label: Size,
    /// What a button may carry and comes back with when it is tapped.
    pub data: Size,
    /// How that is written: [`super::callback::write`], but for channels that have a form of their own.
    pub codec: Codec,
    /// Whether buttons can open a link.
    pub urls: bool,
    /// Whether the provider says that such a button was tapped.
    pub url_taps: bool,
    /// Whether buttons can call a number.
    pub phones: bool,
}

/// Writes what a button carries, given the message it stands in, what it does, and the room that there is;
/// `None` when there is not enough.
pub type Codec = fn(&Reference, &Tap, Size) -> Option<String>;

/// A menu: a list to choose one thing from.
#[derive(Debug, Clone, Copy)]
pub struct Menu {
    /// How many rows.
    pub rows: usize,
    /// The title of a row.
    pub title: Size,
    /// The text below it.
    pub description: Size,
    /// What a row may carry.
    pub data: Size,
    /// How that is written.
    pub codec: Codec,
}

/// Cards of the provider's own.
#[derive(Debug, Clone, Copy)]
pub struct Cards {
    /// How many stand side by side; 1 where they cannot.
    pub most: usize,
    /// The title, and the line below it.
    pub title: Size,
    /// The text.
    pub body: Size,
    /// How many buttons.
    pub actions: usize,
}

/// How a picture is shown.
#[derive(Debug, Clone, Copy)]
pub enum Pictures {
    /// As a block among others. In a [bubble](Shape::Bubble) there are none: it is [`Pictures::ByUrl`].
    Inline {
        /// Its description for those who do not see it.
        alt: Size,
        /// The types that are shown.
        types: PictureTypes,
    },
    /// As a message, which the provider fetches from its address.
    ByUrl {
        /// What the provider fetches.
        max_bytes: u64,
        /// The text below it.
        caption: Size,
        /// The types that are shown.
        types: PictureTypes,
    },
    /// As a link to it.
    LinkOnly,
}

/// Types of pictures, by how their addresses end. An address that ends otherwise may be a picture of any type.
pub type PictureTypes = &'static [&'static str];

/// PNG and JPEG.
pub const STILL: PictureTypes = &[".png", ".jpg", ".jpeg"];

/// These, and GIF.
pub const WITH_GIF: PictureTypes = &[".png", ".jpg", ".jpeg", ".gif"];

/// These, and WebP.
pub const WITH_WEBP: PictureTypes = &[".png", ".jpg", ".jpeg", ".gif", ".webp"];

impl Pictures {
    /// The types that are shown.
    #[must_use]
    pub const fn types(&self) -> PictureTypes {
        match self {
            Self::Inline { types, .. } | Self::ByUrl { types, .. } => types,
            Self::LinkOnly => &[],
        }
    }
}

/// How a form is filled in.
#[derive(Debug, Clone, Copy)]
pub enum Forms {
    /// In a window of its own, which a button opens.
    Modal {
        /// Whether a form fits into one.
        fits: fn(&Form) -> bool,
    },
    /// In the message itself.
    Inline {
        /// Whether a form fits into one.
        fits: fn(&Form) -> bool,
    },
    /// In the chat: [`Limits::asks_in_chat`].
    Chat,
}

/// How fast messages may follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The time between two messages of one conversation.
    pub per_conversation: Option<Duration>,
    /// Whether short bursts pass until the provider says otherwise.
    pub learn_bursts: bool,
    /// What a conversation of several people takes besides, bursts or not.
    pub per_group: Option<Rate>,
}

/// So many messages in so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub messages: u32,
    /// In any time of this length.
    pub per: Duration,
}

impl Pace {
    /// Without a limit of its own: the provider says when it is too much.
    pub const FREE: Self = Self {
        per_conversation: None,
        learn_bursts: false,
        per_group: None,
    };
}

impl Limits {
    /// Whether a form is filled in in the chat, one question after the other: the provider has no forms, or
    /// none that this one fits into.
    #[must_use]
    pub fn asks_in_chat(&self, form: &Form) -> bool {
        let has_own = match self.forms {
            Forms::Modal { fits } | Forms::Inline { fits } => self.buttons.is_some() && fits(form),
            Forms::Chat => false,
        };
        !form.fields.is_empty() && !has_own
    }

    /// The room for a text block of a message that has others too.
    #[must_use]
    pub const fn section(&self) -> Size {
        match self.shape {
            Shape::Bubble => self.text,
            Shape::Blocks { section, .. } => section,
        }
    }
}
