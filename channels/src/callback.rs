//! Callback data: what a button carries, and comes back with when it is tapped. The smallest provider
//! takes 64 bytes (Telegram), so a button names the message that it stands in and its place there, and the
//! tap is looked up in the ledger; 38 bytes at most. Where there is room for it, the text is carried too,
//! so that the button lives on after the message has gone from the ledger.
//!
//! ```text
//! kind  whom (16 bytes)         message (9 bytes)  place    text
//! 1     ASNFZ4mrze8BI0VniavN7w  AL6XCxW8Jxzm       2        .{"m":"Yes"}
//! ```

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

mod users;

pub use users::{users_in, without_users, written_as};

use super::size::Size;
use haptik_bridge_shared::ids::{AuthId, EntryKey};
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::hsl::{Actionable, TapMessage, visible_text};
use haptik_bridge_shared::message::{KeyRef, MessageRef, UserAction};

/// The message that a button stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// Whom it is for.
    pub auth_id: AuthId,
    /// Which: [`Outgoing::key`](haptik_bridge_shared::message::Outgoing).
    pub key: EntryKey,
}

/// What a tap means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tap {
    /// The user says what an actionable has.
    Say {
        /// Which of [`Hsl::actionables`](haptik_bridge_shared::message::hsl::Hsl::actionables).
        index: usize,
        /// What people see said, with the machine parts in braces.
        message: String,
        /// What the bot receives instead; empty: the same.
        gogo_message: String,
    },
    /// The user rates the conversation.
    Rate {
        /// Which of [`Hsl::actionables`](haptik_bridge_shared::message::hsl::Hsl::actionables) asks for it.
        index: usize,
        /// 1 to 5.
        rating: u8,
    },
    /// The user opens, or sends, the message's form.
    Fill,
}

impl Tap {
    /// What tapping an actionable says.
    #[must_use]
    pub fn say(index: usize, actionable: &Actionable, said: &TapMessage) -> Self {
        let message = actionable.payload.message.trim();
        // The whole message, where it is what people see said: it is sent where the bot gets nothing else.
        let message = if !message.is_empty() && visible_text(message) == said.shown {
            &actionable.payload.message
        } else {
            &said.shown
        };
        let same = *message == said.sent || actionable.payload.gogo_message.trim().is_empty();
        let (message, gogo_message) = if same {
            (&said.sent, "")
        } else {
            (message, said.sent.as_str())
        };
        Self::Say {
            index,
            message: message.clone(),
            gogo_message: gogo_message.to_owned(),
        }
    }

    /// What the bot receives of a text; empty for anything else.
    #[must_use]
    pub fn sent(&self) -> &str {
        match self {
            Self::Say {
                message,
                gogo_message,
                ..
            } if gogo_message.trim().is_empty() => message,
            Self::Say { gogo_message, .. } => gogo_message,
            Self::Rate { .. } | Self::Fill => "",
        }
    }
}

/// From how much room on the text is carried too.
const ROOM_FOR_TEXT: usize = 512;

/// The highest place that two digits to the base of 36 have room for.
const LAST_INDEX: usize = 36 * 36 - 1;

/// Writes what a button carries; `None` when there is no room for it, or when it is one of more than 1,296.
#[must_use]
pub fn write(reference: &Reference, tap: &Tap, room: Size) -> Option<String> {
    let (index, kind) = match tap {
        Tap::Say { index, .. } => (*index, "1"),
        Tap::Rate { index, rating } => {
            let rating = usize::from(*rating).checked_sub(1)?;
            (*index, *RATINGS.get(rating)?)
        }
        Tap::Fill => (0, "F"),
    };
    let (whom, is_digest) = id_bytes(&reference.auth_id);
    // What is no derived id is named by its digest.
    let kind = if is_digest {
        kind.to_ascii_lowercase().replace('1', "2")
    } else {
        kind.to_owned()
    };
    let mut data = format!(
        "{kind}{}{}{}",
        URL_SAFE_NO_PAD.encode(whom),
        reference.key.digest(),
        base36(index)?
    );
    if let Tap::Say {
        message,
        gogo_message,
        ..
    } = tap
        && room.max >= ROOM_FOR_TEXT
    {
        let text = match gogo_message.as_str() {
            "" => json!({"m": message}),
            _ => json!({"m": message, "g": gogo_message}),
        };
        let with_text = format!("{data}.{text}");
        if room.fits(&with_text) {
            data = with_text;
        }
    }
    Some(data).filter(|data| room.fits(data))
}

/// The kinds of the five ratings; in lower case for ids that are no derived ones.
const RATINGS: [&str; 5] = ["A", "B", "C", "D", "E"];

/// What a button came back with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tapped {
    whom: UserId,
    /// [`EntryKey::digest`] of the message's key.
    key: String,
    /// What it means.
    pub meaning: Meaning,
}

/// What a tapped button means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meaning {
    /// The user says what an actionable has.
    Say {
        /// Which of [`Hsl::actionables`](haptik_bridge_shared::message::hsl::Hsl::actionables) of the message.
        index: usize,
        /// The text, where the button carried it: then nothing has to be looked up.
        text: Option<Tap>,
    },
    /// The user rates the conversation, 1 to 5.
    Rate(u8),
    /// The user opens, or sends, the message's form.
    Fill,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum UserId {
    Id(AuthId),
    Digest([u8; 16]),
}

impl UserId {
    fn is(&self, auth_id: &AuthId) -> bool {
        match self {
            Self::Id(named) => named == auth_id,
            Self::Digest(named) => *named == digest(auth_id.as_str()),
        }
    }
}

/// Reads what a button came back with; `None` when it is not one of ours.
#[must_use]
pub fn read(data: &str) -> Option<Tapped> {
    let kind = data.chars().next()?;
    let whom: [u8; 16] = decoded(data.get(1..23)?)?;
    let key = data.get(23..35)?;
    decoded::<9>(key)?;
    let rest = data.get(35..)?;
    let (index, text) = match rest.split_once('.') {
        Some((index, text)) => (index, Some(text)),
        None => (rest, None),
    };
    let index = read_base36(index)?;
    let meaning = match kind.to_ascii_uppercase() {
        '1' | '2' => Meaning::Say {
            index,
            text: text.and_then(|text| carried(index, text)),
        },
        'F' => Meaning::Fill,
        rating => {
            let place = RATINGS.iter().position(|kind| kind.starts_with(rating))?;
            Meaning::Rate(u8::try_from(place + 1).ok()?)
        }
    };
    let whom = if kind == '1' || kind.is_ascii_uppercase() {
        UserId::Id(hex::encode(whom).into())
    } else {
        UserId::Digest(whom)
    };
    Some(Tapped {
        whom,
        key: key.to_owned(),
        meaning,
    })
}

impl Tapped {
    /// Whom the message was for, where that is a derived id; the one who taps may be another.
    #[must_use]
    pub fn auth_id(&self) -> Option<&AuthId> {
        match &self.whom {
            UserId::Id(auth_id) => Some(auth_id),
            UserId::Digest(_) => None,
        }
    }

    /// Whether the message was for this user.
    #[must_use]
    pub fn is_for(&self, auth_id: &AuthId) -> bool {
        self.whom.is(auth_id)
    }

    /// Whether it is the message with this key.
    #[must_use]
    pub fn is_of(&self, key: &EntryKey) -> bool {
        self.key == key.digest()
    }

    /// What the user did by it, to be told to Haptik; `None` where the message's form is opened or sent
    /// ([`Meaning::Fill`]), which only a channel with forms of its own has buttons for.
    #[must_use]
    pub fn action(&self, message: MessageRef) -> Option<UserAction> {
        match self.meaning {
            Meaning::Say { index, .. } => Some(UserAction::Choice { message, index }),
            Meaning::Rate(rating) => Some(UserAction::Feedback {
                rating,
                resolved: None,
                comment: None,
            }),
            Meaning::Fill => None,
        }
    }

    /// The message, to be looked up in the ledger; `otherwise` is whom it was for where the button does not
    /// say.
    #[must_use]
    pub fn message(&self, otherwise: &AuthId) -> MessageRef {
        MessageRef {
            auth_id: self.auth_id().unwrap_or(otherwise).clone(),
            key: KeyRef::KeyDigest(self.key.clone()),
        }
    }
}

/// Sixteen bytes for an id: its own where it is a derived one, else its digest.
fn id_bytes(auth_id: &AuthId) -> ([u8; 16], bool) {
    let mut own = [0; 16];
    let id = auth_id.as_str();
    let is_derived = hex::decode_to_slice(id, &mut own).is_ok() && hex::encode(own) == id;
    if is_derived {
        (own, false)
    } else {
        (digest(id), true)
    }
}

/// The first bytes of a text's SHA-256.
fn digest(text: &str) -> [u8; 16] {
    let whole: [u8; 32] = Sha256::digest(text).into();
    std::array::from_fn(|at| whole.get(at).copied().unwrap_or_default())
}

fn decoded<const BYTES: usize>(text: &str) -> Option<[u8; BYTES]> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

/// The text that a button carried.
fn carried(index: usize, text: &str) -> Option<Tap> {
    let text: Value = serde_json::from_str(text).ok()?;
    let tap = Tap::Say {
        index,
        message: lenient_json::text(&text, "m"),
        gogo_message: lenient_json::text(&text, "g"),
    };
    Some(tap).filter(|tap| !tap.sent().trim().is_empty())
}

fn base36(number: usize) -> Option<String> {
    let digit = |value: usize| char::from_digit(u32::try_from(value).ok()?, 36);
    match number {
        0..36 => Some(digit(number)?.to_string()),
        36..=LAST_INDEX => Some([digit(number / 36)?, digit(number % 36)?].iter().collect()),
        _ => None,
    }
}

fn read_base36(text: &str) -> Option<usize> {
    let canonical = matches!(text.len(), 1 | 2)
        && text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
        && !(text.len() == 2 && text.starts_with('0'));
    usize::from_str_radix(text, 36).ok().filter(|_| canonical)
}

#[cfg(test)]
mod tests;
