//! Blocks: what a message is made of, in no provider's terms. They are an internal step, never stored and
//! never an interface.

use super::inline::{self, Rich, Span};
use crate::callback::Tap;
use crate::choices;
use haptik_bridge_shared::message::hsl::Form;

/// A part of a message that is shown as one.
#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    /// A text, within [`Limits::section`](crate::limits::Limits::section).
    Text(Rich),
    /// Small print: what is about the conversation rather than in it.
    Notice {
        /// The text.
        text: Rich,
        /// A small picture before it, such as an agent's.
        picture: Option<Picture>,
    },
    /// A picture.
    Picture(Picture),
    /// A card of the provider's own ([`Cards`](crate::limits::Cards)).
    Card(Card),
    /// Several of them, side by side.
    Carousel(Vec<Card>),
    /// Buttons.
    Buttons {
        /// Its number among the message's blocks that have buttons, cards included.
        id: usize,
        /// What they are for.
        role: Role,
        /// The buttons, in order; never none.
        buttons: Vec<Button>,
    },
    /// A menu, from which one row is chosen.
    Menu {
        /// Its number, as that of [`Block::Buttons`].
        id: usize,
        /// What they are for.
        role: Role,
        /// What opens it.
        open: String,
        /// The rows, in order; never none.
        rows: Vec<Button>,
    },
    /// Choices that are answered with a number, or with the label, in the chat: the lines are those of
    /// [`super::super::choices::line`].
    Numbered {
        /// The number of the first: they run on through all of a message.
        first: usize,
        /// The choices, in order; never none.
        choices: Vec<Button>,
    },
    /// A form that is filled in in the message itself ([`Forms::Inline`](crate::limits::Forms)).
    Form {
        /// Its number, as that of [`Block::Buttons`].
        id: usize,
        /// The form.
        form: Form,
        /// What sends it.
        button: Button,
    },
}

/// What buttons are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Quick replies: they go away once one is used.
    Replies,
    /// Buttons that stay.
    Buttons,
    /// The five of a rating, which go away once one is used.
    Rating,
}

impl Role {
    /// Whether the buttons go away once one is used.
    #[must_use]
    pub const fn vanishes(self) -> bool {
        match self {
            Self::Replies | Self::Rating => true,
            Self::Buttons => false,
        }
    }
}

/// A picture on the web.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Where it is: an http or https address.
    pub url: String,
    /// What it shows, for those who do not see it.
    pub alt: String,
}

/// A card; it has at least a picture, a title, a text or buttons.
#[derive(Debug, Clone, PartialEq)]
pub struct Card {
    /// Its number, as that of [`Block::Buttons`].
    pub id: usize,
    /// The picture.
    pub picture: Option<Picture>,
    /// The title; may be empty, as every text here.
    pub title: Rich,
    /// The line below it.
    pub subtitle: Rich,
    /// The text.
    pub body: Rich,
    /// The buttons, often none.
    pub buttons: Vec<Button>,
}

/// Something that can be tapped, or chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct Button {
    /// Its place in [`Hsl::actionables`](haptik_bridge_shared::message::hsl::Hsl::actionables); the same for the five
    /// buttons of a rating. 0 for a form's.
    pub index: usize,
    /// The label: one line, within the provider's limit, never empty.
    pub label: String,
    /// What a tap does.
    pub target: Target,
    /// What a button carries that opens a link and says something by it, where the provider reports such taps
    /// ([`Buttons::url_taps`](crate::limits::Buttons)); `None` for any other.
    pub says: Option<String>,
    /// Whether it is the one to highlight.
    pub is_default: bool,
}

impl Button {
    /// Whether a number can stand for it that it has not yet.
    pub(super) fn becomes_number(&self) -> bool {
        match &self.target {
            // The questions of a form are in the message already.
            Target::Callback { tap: Tap::Fill, .. } | Target::Url(_) | Target::Phone(_) => false,
            Target::Callback { data, .. } => data.is_some(),
        }
    }
}

/// What a tap does.
#[derive(Debug, Clone, PartialEq)]
pub enum Target {
    /// It comes back to us.
    Callback {
        /// What it means.
        tap: Tap,
        /// What the button carries, within the provider's limit; `None` for a numbered choice, which
        /// carries nothing.
        data: Option<String>,
    },
    /// A link opens: an http or https address.
    Url(String),
    /// A number is called: digits, `+`, `*`, `#`.
    Phone(String),
}

/// What a page offers to choose from, and how.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Targets<'a> {
    /// By buttons.
    Buttons(Role, &'a [Button]),
    /// By a menu, which has a label that opens it.
    Menu(Role, &'a str, &'a [Button]),
    /// By typing a number or a label; the number of the first.
    Numbered(usize, &'a [Button]),
}

impl Block {
    /// What it adds to [`Page::text`](super::Page::text); empty for what is no text.
    #[must_use]
    pub fn text(&self) -> Rich {
        match self {
            Self::Text(text) | Self::Notice { text, .. } => text.clone(),
            Self::Numbered { first, choices } => numbered(*first, choices),
            Self::Picture(_)
            | Self::Card(_)
            | Self::Carousel(_)
            | Self::Buttons { .. }
            | Self::Menu { .. }
            | Self::Form { .. } => Rich::new(),
        }
    }
}

impl Card {
    /// The title, the line below it and the text, in order, without those that are empty.
    pub fn texts(&self) -> impl Iterator<Item = &Rich> {
        [&self.title, &self.subtitle, &self.body]
            .into_iter()
            .filter(|text| !text.is_empty())
    }
}

/// The lines of numbered choices.
pub(super) fn numbered(first: usize, choices: &[Button]) -> Rich {
    let lines = (first..).zip(choices);
    inline::lines(lines.map(|(number, choice)| {
        let line = choices::line(number, &choice.label);
        vec![Span::Text(line)]
    }))
}
