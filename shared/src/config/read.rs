//! The whole file, and the tables whose keys depend on their type.

use std::collections::BTreeMap;

use super::declare::Part as _;
use super::error::Reported;
use super::handoff::Handoff;
use super::kind::{
    Events, Forms, FormsTable, Mask, MaskedField, OneOf, TableOf, TextOf, TypeName, ValueList,
    ValueType, Whole,
};
use super::registry::{ChannelDefinition, OwnIds, Registry};
use super::section::Section;
use super::tables::{Accounts, Delivery, EDGE_RATE, account, outbound};
use super::wording::{close_to, list_of, quote, shown};
use super::{Channel, Condition, Config, Sink};
use crate::ids::AuthIdSource;
use crate::section;

section! {
    /// The keys of every connection.
    pub(super) struct ConnectionKeys {
        /// The `[haptik.NAME]` that it talks to; required when there are several.
        haptik: Option<String> = optional(ACCOUNT, "the only account"),
        /// The Haptik queue that it talks to; required where the account has none.
        business_id: Option<u64> = optional(Whole::ID, "the account's"),
        /// What its users are called at Haptik: an id that is derived and that nobody else knows, the channel's own id of the user, by which a bot can look the customer up, or, of a channel that tells it with each message, the e-mail address. [Whoever is called the same on two connections is one person](custom-channel.md#who-a-user-is). Not with `conversation = "thread"`.
        auth_id: AuthIdSource = default(AUTH_IDS, "derived"),
        /// How [forms](custom-channel.md#forms) are filled in and sent. `submit`: the answers as one message with a line `hint: value` for each (`"lines"`, the default), or as one that is a JSON object with each value by its field's key (`"json"`). `required`: only what the form itself marks has to be filled in (`"as_marked"`, the default), or all that it does not mark as optional (`"all"`).
        forms: Forms = default(FormsTable, {}, "lines, as marked"),
        /// How many requests it may bring in a second: what comes faster is answered [429](operations.md#limits-of-ones-own), with `Retry-After`, so that one connection cannot use up what the others need.
        rate_per_second: Option<u32> = optional(EDGE_RATE, "no limit"),
    }
    rule one_user_is_one_conversation(auth_id);
}

section! {
    /// The keys of every sink.
    pub(super) struct SinkKeys {
        /// The names of the events that it gets: `message`, `chat_pinned`, `chat_complete`, `webhook_conversation_complete`, and [the bridge's own](sinks.md#events-of-the-bridge), `missed_handoff` and `rating`; `"*"` is all of a conversation, those of the future too. [Receipts](sinks.md#receipts-message_delivered-and-message_failed) and [events for operators](sinks.md#events-for-operators) are named besides. Of a ticket sink, `chat_pinned` and `message` [open its tickets](sinks.md#which-ticket). A name that is neither Haptik's nor the bridge's is allowed, with a warning.
        events: Vec<String> = required(Events),
        /// What else must hold of an event: paths, with dots between the keys, and the values that there may be, one or a list. A path is looked for in the event, then in its `data`: `{ completion_type = ["agent", "autocomplete"], "agent.is_automated" = false, business_id = 343 }`. All must hold. Values are compared as text; one that is missing is `""`.
        when: Vec<(String, Vec<String>)> = default(TableOf(ValueList), {}, "nothing"),
        /// How many requests it gets at most in a second. What comes faster waits its turn; after a 429 the rate is lowered by a fifth for some minutes.
        rate_per_second: Option<u32> = optional(RATE, "no limit"),
        /// What of the user [never reaches it](sinks.md#masking): `name`, `email`, `mobile_no`, `custom_data`. Neither as a field nor in a template, a subject, a transcript or anything that was said.
        mask: Option<Vec<MaskedField>> = optional(Mask, "nothing"),
    }
}

/// The name of a `[haptik.NAME]`; whether there is one is another question.
const ACCOUNT: TextOf = TextOf {
    name: "name",
    allowed: "the name of a [haptik.NAME] of this file",
    check: |_| Ok(()),
};

const AUTH_IDS: OneOf<AuthIdSource> = OneOf {
    words: &[
        ("derived", AuthIdSource::Derived),
        ("user", AuthIdSource::User),
        ("email", AuthIdSource::Email),
    ],
};

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "a rule gets what was read by reference"
)]
fn one_user_is_one_conversation(
    section: &Section<'_>,
    auth_id: &Result<AuthIdSource, Reported>,
) -> Result<(), Reported> {
    let conversation = section.peek("conversation", &CONVERSATION);
    let by_thread = conversation.is_some_and(|read| read.is_ok_and(|read| read == "thread"));
    match auth_id {
        Ok(AuthIdSource::User | AuthIdSource::Email) if by_thread => {
            let message = "found the id of a user, and conversation = \"thread\" makes each thread a user of \
                           its own; allowed with it: \"derived\"";
            Err(section.wrong("auth_id", message.to_owned()))
        }
        _ => Ok(()),
    }
}

/// What is one conversation, where a channel has the key: it says itself what is allowed.
const CONVERSATION: TextOf = TextOf {
    name: "text",
    allowed: "text",
    check: |_| Ok(()),
};

/// Whether a type of channel knows its users by this.
fn check_auth_id(
    section: &Section<'_>,
    definition: &ChannelDefinition,
    auth_id: AuthIdSource,
) -> Result<(), Reported> {
    let allowed = match (auth_id, definition.auth_ids) {
        (AuthIdSource::Derived, _)
        | (AuthIdSource::User, OwnIds::User | OwnIds::UserOrEmail)
        | (AuthIdSource::Email, OwnIds::UserOrEmail) => return Ok(()),
        (AuthIdSource::User, OwnIds::SomeUsers) => {
            let warning = " = \"user\": some of this channel's ids have characters that Haptik refuses, \
                           and those users' stay derived";
            section.warn("auth_id", warning);
            return Ok(());
        }
        (AuthIdSource::User | AuthIdSource::Email, OwnIds::None) => "\"derived\"",
        (AuthIdSource::Email, OwnIds::User | OwnIds::SomeUsers) => "\"derived\" or \"user\"",
    };
    let found = match auth_id {
        AuthIdSource::Derived => "derived",
        AuthIdSource::User => "user",
        AuthIdSource::Email => "email",
    };
    let name = definition.name;
    let message =
        format!("found {found:?}, which {name} does not know; allowed of {name}: {allowed}");
    Err(section.wrong("auth_id", message))
}

/// Refuses connections of several accounts whose users have names of their own: whoever has the same on two
/// of them would be one person, and be answered by the other account.
fn of_one_account(
    root: &Section<'_>,
    channels: &BTreeMap<String, Result<Channel, Reported>>,
) -> Result<(), Reported> {
    let channels = channels.iter().filter_map(|(name, channel)| {
        let channel = channel.as_ref().ok()?;
        (channel.auth_id != AuthIdSource::Derived).then_some((name, &channel.haptik))
    });
    let mut first: Option<(&String, &String)> = None;
    for (name, account) in channels {
        match first {
            Some((other, of_other)) if of_other != account => {
                let (name, other) = (shown(name), shown(other));
                let message = format!(
                    "found a connection of another account than channels.{other}, whose users have ids of \
                     their own too, and the same id on both would be one person; allowed: one account, or \
                     \"derived\""
                );
                return Err(root.wrong(&format!("channels.{name}.auth_id"), message));
            }
            _ => first = Some((name, account)),
        }
    }
    Ok(())
}

const RATE: Whole<u32> = Whole {
    min: 1,
    max: 1_000,
    of: "",
};

/// The whole file.
pub(super) fn config(root: &Section<'_>, registry: &Registry) -> Result<Config, Reported> {
    let accounts = each(root, "haptik", account);
    let channels = each(root, "channels", |section| {
        channel(section, registry, &accounts)
    });
    let one_account = of_one_account(root, &channels);
    let sinks = each(root, "sinks", |section| sink(section, registry));
    let delivery = root.table("delivery").and_then(|section| {
        let delivery = Delivery::read(&section);
        section.refuse_unknown_keys();
        delivery
    });
    let outbound = root
        .table("outbound")
        .and_then(|section| outbound(&section));
    root.refuse_unknown_keys();
    if accounts.is_empty() {
        needs_one(root, "haptik", "account at Haptik, [haptik.NAME]");
    }
    if channels.is_empty() {
        needs_one(root, "channels", "connection to a channel, [channels.NAME]");
    }
    Ok(Config {
        haptik: all(accounts
            .into_iter()
            .map(|(name, account)| (name, account.whole)))?,
        channels: all(channels)?,
        sinks: all(sinks)?,
        delivery: delivery?,
        outbound: one_account.and(outbound)?,
        warnings: Vec::new(),
    })
}

fn channel(
    section: &Section<'_>,
    registry: &Registry,
    accounts: &Accounts,
) -> Result<Channel, Reported> {
    let keys = ConnectionKeys::read(section);
    let account = match section.peek("haptik", &ACCOUNT) {
        // It was reported with the keys.
        Some(Err(_)) => None,
        wanted => Some(account_of(section, wanted.and_then(Result::ok), accounts)),
    };
    // The keys that there are depend on the type: without one, none is unknown.
    let definition = section.required("type", &channel_types(registry));
    let read = definition.and_then(|index| {
        let definition = &registry.channels[index];
        section.set_defaults(definition.defaults);
        let settings = (definition.configure)(section);
        let handoff = Handoff::read(section);
        section.refuse_unknown_keys();
        let own_ids = keys.as_ref().map_or(Ok(()), |keys| {
            check_auth_id(section, definition, keys.auth_id)
        });
        own_ids.and(Ok((definition.name, settings?, handoff?)))
    });
    let keys = keys.and_then(|keys| {
        let account = account.transpose()?;
        Ok((keys, account.unwrap_or_default()))
    });
    let (keys, account) = keys?;
    let of_account = match accounts.get(&account) {
        Some(account) => account.business_id?,
        None => None,
    };
    let business_id = keys.business_id.or(of_account).ok_or_else(|| {
        let message = format!(
            "missing, and haptik.{} has none for its connections either; needed in one of the two: {}",
            shown(&account),
            Whole::ID.allowed()
        );
        section.missing("business_id", &message)
    })?;
    let (type_name, settings, handoff) = read?;
    Ok(Channel {
        haptik: account,
        business_id,
        auth_id: keys.auth_id,
        forms: keys.forms,
        handoff,
        rate_per_second: keys.rate_per_second,
        type_name,
        settings,
    })
}

fn sink(section: &Section<'_>, registry: &Registry) -> Result<Sink, Reported> {
    let definition = section.required("type", &sink_types(registry));
    let definition = definition.map(|index| &registry.sinks[index]);
    if let Ok(definition) = definition {
        section.set_defaults(definition.defaults);
    }
    let keys = SinkKeys::read(section);
    let settings = definition.and_then(|definition| {
        let settings = (definition.configure)(section);
        section.refuse_unknown_keys();
        settings
    });
    let (keys, settings, definition) = (keys?, settings?, definition?);
    let when = keys.when.into_iter();
    Ok(Sink {
        events: keys.events,
        when: when
            .map(|(path, values)| Condition { path, values })
            .collect(),
        rate_per_second: keys.rate_per_second,
        mask: keys.mask.unwrap_or_default(),
        follow_ups: definition.follow_ups.map(|of| of(&settings)),
        type_name: definition.name,
        settings,
    })
}

pub(super) fn channel_types(registry: &Registry) -> TypeName {
    TypeName {
        names: registry.channels.iter().map(|of| of.name).collect(),
        of: "channels",
    }
}

pub(super) fn sink_types(registry: &Registry) -> TypeName {
    TypeName {
        names: registry.sinks.iter().map(|of| of.name).collect(),
        of: "sinks",
    }
}

/// The account that a connection names, or the only one.
fn account_of(
    section: &Section<'_>,
    wanted: Option<String>,
    accounts: &Accounts,
) -> Result<String, Reported> {
    let names: Vec<_> = accounts.keys().map(|name| shown(name)).collect();
    match (wanted, names.as_slice()) {
        (Some(name), _) if accounts.contains_key(&name) => Ok(name),
        (Some(name), names) => {
            let hint = close_to(&name, names.iter().map(String::as_str))
                .map(|close| format!("; did you mean {close:?}?"))
                .unwrap_or_default();
            let allowed = if names.is_empty() {
                "none, there is no [haptik.NAME] in this file".to_owned()
            } else {
                format!("an account of this file: {}", list_of(names))
            };
            let message = format!("found {}{hint}; allowed: {allowed}", quote(&name));
            Err(section.wrong("haptik", message))
        }
        (None, []) => Err(section.missing("haptik", "missing, and there is no [haptik.NAME]")),
        (None, [_]) => Ok(accounts.keys().cloned().collect()),
        (None, several) => {
            let message = format!(
                "missing, and there are {} accounts; needed: one of {}",
                several.len(),
                list_of(several)
            );
            Err(section.missing("haptik", &message))
        }
    }
}

fn each<T>(
    root: &Section<'_>,
    key: &'static str,
    read: impl Fn(&Section<'_>) -> T,
) -> BTreeMap<String, T> {
    let tables = root.named_tables(key).into_iter();
    tables
        .map(|(name, section)| (name, read(&section)))
        .collect()
}

fn all<T>(
    values: impl IntoIterator<Item = (String, Result<T, Reported>)>,
) -> Result<BTreeMap<String, T>, Reported> {
    values
        .into_iter()
        .map(|(name, value)| Ok((name, value?)))
        .collect()
}

/// Reports that there must be at least one, unless what is there instead is reported already.
fn needs_one(root: &Section<'_>, key: &str, what: &str) {
    if !root.has_content(key) {
        root.missing(key, &format!("missing; needed: at least one {what}"));
    }
}
