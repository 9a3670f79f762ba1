//! Every kind of item that the table holds, in one list: its key, what it may hold of a person, how long it lives,
//! and what an export and an erasure make of it. A channel that keeps items of its own lists them beside its code.
//!
//! `docs/privacy.md` has this list as a table, and a test holds the two against each other. Another test finds no
//! item of a kind that is not here. The names of a person's `auth_id` in keys is what [`owner_in_key`] reads, so that
//! nothing is written of somebody who was forgotten ([`crate::table`]).

use aws_sdk_dynamodb::types::AttributeValue;
use std::collections::HashMap;

use crate::ids::AuthId;

mod key_shape;

pub use key_shape::KeyShape;

/// An item, as DynamoDB has it.
type Item = HashMap<String, AttributeValue>;

/// A kind of item.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// What one calls several of them.
    pub name: &'static str,
    /// Its keys.
    pub shapes: &'static [KeyShape],
    /// What it may hold of a person.
    pub holds: &'static str,
    /// How long it lives.
    pub kept: &'static str,
    /// How it is known whose it is.
    pub whose: Whose,
}

/// How it is known whose an item is, and what an export and an erasure make of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The `auth_id` is a part of its key: `{user}`.
    User,
    /// The connection and the channel's own id of the user are parts of its key: `{connection}`, `{channel user}`.
    ChannelUser,
    /// An attribute has the lane of the user: `lane`.
    Lane,
    /// Nothing says so. It is that of everybody whom its body names by an id, an e-mail address or a number.
    Named,
    /// Its key lists the users: `{users..}`.
    Listed,
    /// It is nobody's, but may have an `auth_id` in the attribute `cursor.after`, which is taken out.
    Cursor,
    /// It is nobody's and stays.
    Nobody,
}

impl Whose {
    /// What an export and an erasure make of it.
    #[must_use]
    pub fn treatment(self) -> &'static str {
        match self {
            Self::User | Self::ChannelUser | Self::Lane | Self::Listed => "exported, removed",
            Self::Named => "exported and removed where it names the person",
            Self::Cursor => "the person is taken out of it",
            Self::Nobody => "stays",
        }
    }

    /// Whether a person's are exported and removed.
    #[must_use]
    pub fn is_removed(self) -> bool {
        !matches!(self, Self::Cursor | Self::Nobody)
    }
}

impl Kind {
    /// Whether an item with this key is one.
    #[must_use]
    pub fn has(&self, pk: &str, sk: &str) -> bool {
        self.shapes.iter().any(|shape| shape.is_of(pk, sk))
    }

    /// What the part of an item's key is that is called so, where an item with this key is one.
    #[must_use]
    pub fn part<'a>(&self, name: &str, pk: &'a str, sk: &'a str) -> Option<&'a str> {
        let mut shapes = self.shapes.iter();
        shapes.find_map(|shape| shape.is_of(pk, sk).then(|| shape.part(name, pk, sk))?)
    }

    /// The `auth_id` of whose an item is: in its key, or in its attributes, of which `lane` has to be there.
    #[must_use]
    pub fn user(&self, item: &Item) -> Option<AuthId> {
        let text = |name: &str| item.get(name)?.as_s().ok().map(String::as_str);
        let (pk, sk) = (text("pk")?, text("sk")?);
        match self.whose {
            Whose::User => self.part("user", pk, sk).map(AuthId::from),
            Whose::Lane => text("lane")?
                .parse::<crate::lane::Lane>()
                .ok()?
                .user()
                .cloned(),
            Whose::ChannelUser | Whose::Named | Whose::Listed | Whose::Cursor | Whose::Nobody => {
                None
            }
        }
    }
}

/// The kind of an item with this key, of [`KINDS`] and these others.
#[must_use]
pub fn kind_of(others: &[&'static Kind], pk: &str, sk: &str) -> Option<&'static Kind> {
    let all = KINDS.iter().chain(others.iter().copied());
    all.into_iter().find(|kind| kind.has(pk, sk))
}

/// The `auth_id` that the key of an item has in it, where it is that of the user whose the item is.
#[must_use]
pub fn owner_in_key<'a>(pk: &'a str, sk: &'a str) -> Option<&'a str> {
    let kind = KINDS.iter().find(|kind| kind.has(pk, sk))?;
    let is_by_key = kind.whose == Whose::User;
    is_by_key.then(|| kind.part("user", pk, sk)).flatten()
}

/// How long what was said is kept.
const ENTRY_TTL: &str = "`entry_ttl` (7 days) from its receipt or its last replay";

/// For good.
const UNTIL_FORGOTTEN: &str = "until the person is forgotten";

/// The kinds. Of several that a key could be, the first.
pub static KINDS: &[Kind] = &[
    Kind {
        name: "events of nobody",
        shapes: &[KeyShape("sink#{sink}#nobody", "{key..}")],
        holds: "what Haptik sent without a user, as it came; what happened to the bridge itself",
        kept: ENTRY_TTL,
        whose: Whose::Named,
    },
    Kind {
        name: "entries",
        shapes: &[
            KeyShape("haptik#{user}", "{key..}"),
            KeyShape("channel#{user}", "{key..}"),
            KeyShape("task#{user}", "{key..}"),
            KeyShape("sink#{sink}#{user}", "{key..}"),
        ],
        holds: "what was said, both ways, as it came: words, names, e-mail addresses, phone numbers, files' names \
                and links; what a provider said of a failure; ids of messages and tickets",
        kept: "`entry_ttl` (7 days) from its receipt or its last replay; with an open receipt, at least a day longer \
               than `report_within`",
        whose: Whose::User,
    },
    Kind {
        name: "bodies that were not understood",
        shapes: &[KeyShape("not_understood#{edge}", "{hash}")],
        holds: "a request as it came, of a channel's the fields that hold secrets left out: anything",
        kept: ENTRY_TTL,
        whose: Whose::Named,
    },
    Kind {
        name: "pieces of what is nobody's",
        shapes: &[
            KeyShape("pieces#not_understood#{edge}#{rest..}", "{number}"),
            KeyShape("pieces#sink#{sink}#nobody#{rest..}", "{number}"),
        ],
        holds: "the body of one of these that is above 300 kB",
        kept: "as long as what they are of",
        whose: Whose::Named,
    },
    Kind {
        name: "pieces of entries",
        shapes: &[
            KeyShape("pieces#haptik#{user}#{rest..}", "{number}"),
            KeyShape("pieces#channel#{user}#{rest..}", "{number}"),
            KeyShape("pieces#task#{user}#{rest..}", "{number}"),
            KeyShape("pieces#sink#{sink}#{user}#{rest..}", "{number}"),
        ],
        holds: "what was said in an entry above 300 kB",
        kept: "as long as its entry had when it was written",
        whose: Whose::User,
    },
    Kind {
        name: "users",
        shapes: &[KeyShape("user#{user}", "user")],
        holds: "where to answer: the connection, the channel's own id and address; what Haptik was told, as a hash, and where a sink has `mask` as it was told (but no `auth_code`); \
                Haptik's `user_name`; the last hand-off, completion and choices",
        kept: UNTIL_FORGOTTEN,
        whose: Whose::User,
    },
    Kind {
        name: "answers of forms",
        shapes: &[KeyShape("user#{user}", "form")],
        holds: "what was answered of a form that is filled in in the chat",
        kept: "2 days",
        whose: Whose::User,
    },
    Kind {
        name: "records of hand-offs",
        shapes: &[KeyShape("user#{user}", "handoff#{hash}")],
        holds: "that a hand-off was asked for, and by which entry",
        kept: "`entry_ttl` and a day",
        whose: Whose::User,
    },
    Kind {
        name: "threads",
        shapes: &[KeyShape("user#{user}", "thread#{thread..}")],
        holds: "in which thread the bot was addressed",
        kept: "30 days",
        whose: Whose::User,
    },
    Kind {
        name: "numbers of conversations",
        shapes: &[KeyShape("user#{user}", "conversation")],
        holds: "Haptik's number of the last conversation that completed",
        kept: UNTIL_FORGOTTEN,
        whose: Whose::User,
    },
    Kind {
        name: "due times of hand-offs",
        shapes: &[KeyShape("due#handoff", "{time}#{user}#{hash}")],
        holds: "when a hand-off is to be looked after, and its id",
        kept: "until it was looked after",
        whose: Whose::User,
    },
    Kind {
        name: "due times of receipts",
        shapes: &[KeyShape("due#receipt", "{time}#{receipt}")],
        holds: "of which entry a receipt is open",
        kept: "until it is closed; at most a day longer than `report_within`",
        whose: Whose::Lane,
    },
    Kind {
        name: "delivery reports",
        shapes: &[KeyShape("report#{connection}#{message..}", "report")],
        holds: "of which entry a provider's message is, and what the provider said of it",
        kept: "`entry_ttl`, a day at least",
        whose: Whose::Lane,
    },
    Kind {
        name: "records of tickets",
        shapes: &[KeyShape("tickets#{sink}#{user}", "{name..}")],
        holds: "the number and the link of a ticket in a CRM, and of which events it is",
        kept: "`entry_ttl` and 30 days from the last change",
        whose: Whose::User,
    },
    Kind {
        name: "hours of activity",
        shapes: &[KeyShape("active#{account}#{hour}", "{user}")],
        holds: "that the person wrote in this hour",
        kept: "10 days",
        whose: Whose::User,
    },
    Kind {
        name: "findings of outages",
        shapes: &[
            KeyShape("outage#{account}#{time}", "recovered#{user}#{key..}"),
            KeyShape("outage#{account}#{time}", "unchecked#{user}"),
        ],
        holds: "that a message was delivered late, or a conversation could not be compared, and why",
        kept: "90 days from when the outage was noticed",
        whose: Whose::User,
    },
    Kind {
        name: "outages",
        shapes: &[KeyShape("outages", "{time}#{account}")],
        holds: "while conversations are compared with their transcripts, who was looked at last",
        kept: "90 days from when it was noticed",
        whose: Whose::Cursor,
    },
    Kind {
        name: "runs that fill a sink",
        shapes: &[KeyShape("fills", "{sink}#{users..}")],
        holds: "for whom `replay --delivered --user` was begun and not ended",
        kept: "30 days",
        whose: Whose::Listed,
    },
    Kind {
        name: "causes of dead letters",
        shapes: &[KeyShape("causes", "{day}#{cause}")],
        holds: "nothing of a user: the reason for which something was given up, without the provider's words",
        kept: "`entry_ttl` and a day",
        whose: Whose::Nobody,
    },
    Kind {
        name: "webhook health",
        shapes: &[KeyShape("account#{account}", "webhook")],
        holds: "nothing",
        kept: "as long as the table",
        whose: Whose::Nobody,
    },
    Kind {
        name: "circuit breakers",
        shapes: &[KeyShape("breaker#{sink}", "breaker")],
        holds: "nothing; the words with which a sink refuses the credentials",
        kept: "as long as the table",
        whose: Whose::Nobody,
    },
    Kind {
        name: "rates",
        shapes: &[KeyShape("rate#{place..}", "rate")],
        holds: "nothing",
        kept: "an hour",
        whose: Whose::Nobody,
    },
    Kind {
        name: "used links of installations",
        shapes: &[KeyShape("installations#{connection}", "state#{hash}")],
        holds: "nothing",
        kept: "10 minutes",
        whose: Whose::Nobody,
    },
    Kind {
        name: "installations",
        shapes: &[KeyShape("installations#{connection}", "{tenant..}")],
        holds: "nothing of a user: a workspace's id and its token, encrypted",
        kept: "as long as the app is installed, and that it was for 30 days",
        whose: Whose::Nobody,
    },
    Kind {
        name: "audit records",
        shapes: &[KeyShape("audit#{month}", "{time}#{number}")],
        holds: "which operator did what and when; of whom, as a hash, and of which message, as its correlation id",
        kept: "400 days",
        whose: Whose::Nobody,
    },
    Kind {
        name: "salt",
        shapes: &[KeyShape("forgotten", "salt")],
        holds: "nothing: a random number, of which the hashes are made",
        kept: "as long as the table",
        whose: Whose::Nobody,
    },
    Kind {
        name: "tombstones",
        shapes: &[KeyShape("forgotten", "{hash}")],
        holds: "when somebody was forgotten, and wrote again: of whom, as a hash",
        kept: "400 days",
        whose: Whose::Nobody,
    },
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::EntryKey;
    use crate::lane::Lane;

    fn name(pk: &str, sk: &str) -> Option<&'static str> {
        kind_of(&[], pk, sk).map(|kind| kind.name)
    }

    #[test]
    fn an_item_is_of_the_first_kind_whose_key_it_has() {
        for (pk, sk, kind, owner) in [
            ("haptik#a", "0001#m#x", "entries", Some("a")),
            ("sink#crm#a", "0001#message", "entries", Some("a")),
            ("sink#crm#nobody", "0001#message", "events of nobody", None),
            ("user#a", "user", "users", Some("a")),
            ("user#a", "handoff#00ff", "records of hand-offs", Some("a")),
            ("user#a", "thread#1.2", "threads", Some("a")),
            (
                "due#handoff",
                "0001#a#00ff",
                "due times of hand-offs",
                Some("a"),
            ),
            (
                "active#main#12",
                "a@b.example",
                "hours of activity",
                Some("a@b.example"),
            ),
            (
                "outage#main#1",
                "recovered#a#1#message",
                "findings of outages",
                Some("a"),
            ),
            (
                "pieces#sink#crm#a#0001#message#ff",
                "00000",
                "pieces of entries",
                Some("a"),
            ),
            (
                "installations#c",
                "state#ff",
                "used links of installations",
                None,
            ),
            ("forgotten", "salt", "salt", None),
            ("rate#channels/acme", "rate", "rates", None),
        ] {
            assert_eq!(name(pk, sk), Some(kind), "{pk} {sk}");
            assert_eq!(owner_in_key(pk, sk), owner, "{pk} {sk}");
        }
        for (pk, sk) in [
            ("user#a", "odd"),
            ("haptik", "1"),
            ("mail#a", "1"),
            ("outages", "1"),
        ] {
            assert_eq!(name(pk, sk), None, "{pk} {sk}");
        }
    }

    #[test]
    fn kinds_have_names_of_their_own_and_say_everything() {
        for (at, kind) in KINDS.iter().enumerate() {
            assert!(!kind.holds.is_empty() && !kind.kept.is_empty());
            assert!(KINDS[..at].iter().all(|other| other.name != kind.name));
            let has_user = kind.shapes.iter().all(KeyShape::names_user);
            assert_eq!(has_user, kind.whose == Whose::User, "{}", kind.name);
        }
    }

    proptest! {
        /// Whatever a user is called and whatever an entry's key is, the entry is the user's.
        #[test]
        fn an_entry_and_its_pieces_are_those_of_its_lanes_user(
            user in "[!-~&&[^#/?{}]]{1,80}", key in "[!-~]{1,60}", sink in "[a-z-]{1,8}", which in 0..4,
        ) {
            prop_assume!(AuthId::chosen(&user).is_ok());
            let user = AuthId::from(user);
            let lane = match which {
                0 => Lane::Haptik(user.clone()),
                1 => Lane::Channel(user.clone()),
                2 => Lane::Task(user.clone()),
                _ => Lane::Sink { sink, auth_id: user.clone() },
            };
            let (lane, key) = (lane.to_string(), EntryKey::from(key));
            prop_assert_eq!(owner_in_key(&lane, key.as_str()), Some(user.as_str()));
            let pieces = format!("pieces#{lane}#{key}#00ff");
            prop_assert_eq!(owner_in_key(&pieces, "00000"), Some(user.as_str()));
        }
    }
}
