//! The vocabulary of messages, which belongs to no channel and to no provider: what a user did
//! ([`Inbound`]), what a user is shown ([`outgoing`]), Haptik's message language ([`hsl`]), how a conversation
//! ends ([`completion`]) and how a human takes one over ([`handoff`]).

use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{AuthId, EntryKey};
use crate::redacted_debug;

pub mod chat_form;
pub mod completion;
pub mod email;
mod file_name;
pub mod handoff;
pub mod hsl;
mod language;
pub mod machine_parts;
pub mod offer;
pub mod outgoing;
pub mod receipt;

pub use crate::blank::is_blank;
pub use email::{ascii_email, is_email};
pub use file_name::{file_name, safe_file_name};
pub use language::language;
pub use machine_parts::without_machine_parts;
pub use outgoing::{Content, Handback, Outgoing, Returned, Sender, SenderKind};

/// Something that a user did, to be told to Haptik. `A` is where to answer: a channel's own type at the
/// edge, [`Address`] in the ledger.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Inbound<A = Address> {
    /// Its place among the user's doings; the same on every delivery of the same thing.
    pub key: EntryKey,
    /// When the user did it, by the channel's clock.
    pub at: Timestamp,
    /// Who: Haptik's name for the user.
    pub auth_id: AuthId,
    /// Who: the channel's own id of the user.
    pub user: String,
    /// Where to answer.
    pub address: A,
    /// The provider's own id of the user's message, where there is one: what an activity indicator is
    /// shown on, and what is replied to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// What the request itself said about the user.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile>,
    /// Whether it is for the bot at all.
    #[serde(default)]
    pub addressed: Addressed,
    /// What was done.
    pub action: UserAction,
    /// What stands in the text in place of names: the channel's directory knows them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Mention>,
}

/// Where in a channel to answer: only the channel knows what is inside.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Address(pub Value);

/// Whether something said in public is for the bot.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Addressed {
    /// It is.
    #[default]
    Yes,
    /// It is, and from now on so is what this user says in this thread.
    StartsThread(String),
    /// Only if the bot was addressed in this thread before.
    IfThreadActive(String),
}

/// What stands in a text in place of a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention {
    /// What stands there, such as `@U024BE7LH`.
    pub id: String,
    /// Where, in bytes from the text's beginning; in order.
    pub at: Vec<usize>,
}

/// How long the names of all who are mentioned may take: what is said is not kept back for them.
const NAMES_TIMEOUT: Duration = Duration::from_secs(2);

impl Mention {
    /// A text with the names that are found in time, in place of these mentions: `name_of` asks for one.
    pub async fn looked_up<'a, N: Future<Output = Option<String>>>(
        text: &str,
        mentions: &'a [Self],
        name_of: impl Fn(&'a str) -> N,
    ) -> String {
        let mut names = Vec::new();
        let looking_up = async {
            for mention in mentions {
                if let Some(name) = name_of(&mention.id).await {
                    names.push((mention, name));
                }
            }
        };
        let looked_up = tokio::time::timeout(NAMES_TIMEOUT, looking_up).await;
        if looked_up.is_err() {
            tracing::warn!("it took too long to ask for the names of mentioned users");
        }
        Self::named(text, &names)
    }

    /// A text with names in place of these mentions, each at its own place only. What does not stand where
    /// it should is left as it is. One without a name, which is nobody's, goes with its space.
    #[must_use]
    pub fn named(text: &str, names: &[(&Self, String)]) -> String {
        let places = names
            .iter()
            .flat_map(|(mention, name)| mention.at.iter().map(move |at| (*at, *mention, name)));
        let mut places: Vec<_> = places.collect();
        places.sort_by_key(|(at, ..)| *at);
        let (mut out, mut done) = (String::with_capacity(text.len()), 0);
        for (at, mention, name) in places {
            let stands = text
                .get(at..)
                .is_some_and(|rest| rest.starts_with(&mention.id));
            let before = text.get(done..at).filter(|_| stands);
            let Some(before) = before else { continue };
            out.push_str(before);
            out.push_str(name);
            done = at + mention.id.len();
            if name.is_empty() {
                let rest = text.get(done..).unwrap_or_default();
                let after = rest.trim_start_matches([' ', ',', ':']);
                let begins_line = out.trim_end_matches(' ').is_empty() || out.ends_with('\n');
                if begins_line || (out.ends_with(' ') && rest.starts_with(' ')) {
                    let skipped = if begins_line {
                        after
                    } else {
                        rest.trim_start_matches(' ')
                    };
                    done += rest.len() - skipped.len();
                } else if rest.is_empty()
                    || rest.starts_with(|next: char| next == '\n' || next.is_ascii_punctuation())
                {
                    out.truncate(out.trim_end_matches(' ').len());
                }
            }
        }
        out.push_str(text.get(done..).unwrap_or_default());
        out
    }
}

/// What a user did.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum UserAction {
    /// Said something, attached something, or both.
    Message {
        /// The text as a person reads it; may be empty when there are attachments.
        text: String,
        /// The files.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        attachments: Vec<Attachment>,
    },
    /// Tapped something whose text the button did not carry: it is taken from the message that offered it.
    Choice {
        /// The message.
        message: MessageRef,
        /// Which of [`hsl::Hsl::actionables`], from 0.
        index: usize,
    },
    /// Did something of which the request carried only an id: the channel fetches it before Haptik is
    /// told.
    Unresolved {
        /// What to fetch: only the channel knows what is inside.
        reference: Value,
    },
    /// Was handed over to a human by a bot that lives elsewhere.
    Handoff {
        /// The bot's own id of it.
        id: String,
        /// What Haptik is told, message by message: the transcript, then the reason.
        says: Vec<String>,
        /// The team that it is for; `None` for the connection's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        team_name: Option<String>,
        /// Who gets the chat at Haptik; `None` for the connection's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        receiver: Option<String>,
    },
    /// Is known to the channel by another name, address or language than before: Haptik is told, where it
    /// knows the user. The user wrote nothing.
    ProfileChanged,
    /// Is to be moved to the team of a hand-off, now that Haptik's name of the user is known.
    MoveToAgent {
        /// The hand-off's id.
        handoff: String,
    },
    /// Rated the conversation.
    Feedback {
        /// 1 to 5.
        rating: u8,
        /// Whether the query was resolved; `None` where the user was not asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        resolved: Option<bool>,
        /// A remark.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        comment: Option<String>,
    },
}

impl UserAction {
    /// Said this, and attached nothing.
    #[must_use]
    pub fn said(text: impl Into<String>) -> Self {
        Self::Message {
            text: text.into(),
            attachments: Vec::new(),
        }
    }
}

/// A message that was sent to a user, as what was tapped in it names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageRef {
    /// Whom the message was for; the one who taps may be another.
    pub auth_id: AuthId,
    /// Which message.
    #[serde(flatten)]
    pub key: KeyRef,
}

/// A key, or as much of its digest as a small button carries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyRef {
    /// [`Outgoing::key`].
    Key(EntryKey),
    /// The first bytes of its SHA-256, as callback data has them.
    KeyDigest(String),
}

/// A file that a user sent.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The channel's own id of it, where the channel can be asked for more; a secret where it opens the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Where it is.
    pub url: String,
    /// Its name.
    pub name: String,
    /// Its MIME type; may be empty. It decides whether Haptik takes a file whose name has no ending.
    #[serde(default)]
    pub mime_type: String,
    /// Its size in bytes, where the channel says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
}

/// What is known about a user; every field may be missing.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Profile {
    /// The full name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The e-mail address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The mobile number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mobile_no: Option<String>,
    /// The language, as ISO 639-1 has it: `en`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language_code: Option<String>,
    /// The device's model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phone_model: Option<String>,
    /// The version of its operating system.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os_version: Option<String>,
    /// The application's package name: a bot can tell by it where the user is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package_name: Option<String>,
    /// What the user's login gives the bot's own calls to go by: a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_code: Option<AuthCode>,
    /// Anything else; flat: Haptik refuses nested values.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub custom_data: serde_json::Map<String, Value>,
}

/// A user's `auth_code`. It is in the entry of what the user did for as long as that is kept, and shown nowhere.
#[derive(Clone, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct AuthCode(SecretString);

impl From<String> for AuthCode {
    fn from(code: String) -> Self {
        Self(code.into())
    }
}

impl From<AuthCode> for String {
    fn from(code: AuthCode) -> Self {
        code.0.expose_secret().to_owned()
    }
}

impl PartialEq for AuthCode {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

impl Eq for AuthCode {}

impl Profile {
    /// This profile, to be kept: without what the user's login gives.
    #[must_use]
    pub fn without_auth_code(self) -> Self {
        Self {
            auth_code: None,
            ..self
        }
    }

    /// This profile, with what it lacks taken from another.
    #[must_use]
    pub fn or(mut self, other: Self) -> Self {
        self.name = self.name.or(other.name);
        self.email = self.email.or(other.email);
        self.mobile_no = self.mobile_no.or(other.mobile_no);
        self.language_code = self.language_code.or(other.language_code);
        self.phone_model = self.phone_model.or(other.phone_model);
        self.os_version = self.os_version.or(other.os_version);
        self.package_name = self.package_name.or(other.package_name);
        self.auth_code = self.auth_code.or(other.auth_code);
        for (key, value) in other.custom_data {
            self.custom_data.entry(key).or_insert(value);
        }
        self
    }
}

/// Something to be done in a channel on account of a request.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Task<T = Value> {
    /// Its place among the user's tasks; the same on every delivery of the same request.
    pub key: EntryKey,
    /// When the user asked for it, by the channel's clock.
    pub at: Timestamp,
    /// For whom.
    pub auth_id: AuthId,
    /// What: a channel's own command at the edge, JSON in the ledger.
    pub command: T,
}

impl<T> Task<T> {
    /// The same, with its command as another type.
    pub fn map_command<U>(self, map: impl FnOnce(T) -> U) -> Task<U> {
        Task {
            key: self.key,
            at: self.at,
            auth_id: self.auth_id,
            command: map(self.command),
        }
    }
}

impl<A> Inbound<A> {
    /// The same, with its address as another type.
    pub fn map_address<B>(self, map: impl FnOnce(A) -> B) -> Inbound<B> {
        Inbound {
            key: self.key,
            at: self.at,
            auth_id: self.auth_id,
            user: self.user,
            address: map(self.address),
            message_id: self.message_id,
            profile: self.profile,
            addressed: self.addressed,
            action: self.action,
            mentions: self.mentions,
        }
    }
}

// A user's own id, and an address, may be a number that can be called.
redacted_debug!([A] Inbound {
    key,
    at,
    auth_id,
    profile,
    addressed,
    action,
    mentions: len,
});
redacted_debug!(Address {});
redacted_debug!(enum UserAction {
    Message { text: bytes, attachments },
    Choice { message, index },
    Unresolved {},
    Handoff {},
    MoveToAgent {},
    ProfileChanged {},
    Feedback { rating, resolved },
});
// Without the name, and the id and the URL, which are often all that protects the file.
redacted_debug!(Attachment { mime_type, size });
redacted_debug!(Profile {
    name: is_some,
    email: is_some,
    mobile_no: is_some,
    language_code,
    phone_model,
    os_version,
    package_name,
    auth_code: is_some,
    custom_data: len,
});
redacted_debug!(AuthCode {});
redacted_debug!([T] Task { key, at, auth_id });
