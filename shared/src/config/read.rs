//! One function for each table of the configuration.
//!
//! Each reads all of its keys before it gives up on one, so that everything is reported at once.

mod crms;
mod sinks;

use std::collections::BTreeMap;
use std::time::Duration;

use url::Url;

use super::error::Reported;
use super::handoff::{CUSTOM_NO_AGENT_AFTER, TRANSCRIPTS, handoff};
use super::kind::{
    BaseUrl, Between, Emoji, Flag, FullUrl, HeaderText, Kind, Name, OneOf, SecretList, Text, Texts,
    Whole,
};
use super::section::Section;
use super::wording::{close_to, list_of, quote, shown};
use super::{
    Channel, ChannelKind, Config, Conversation, Custom, Delivery, Haptik, Outbound, Slack,
    Transcript,
};

mod workspaces;

/// What was read of an account. Its connections need its `business_id`, whatever else is wrong.
struct Account {
    business_id: Result<Option<u64>, Reported>,
    whole: Result<Haptik, Reported>,
}

/// `business_id` is a number of Haptik's.
const BUSINESS_ID: Whole = Whole::ID;

/// The whole file.
pub(super) fn config(root: &Section<'_>) -> Result<Config, Reported> {
    let accounts = each(root, "haptik", account);
    let channels = each(root, "channels", |section| channel(section, &accounts));
    let sinks = each(root, "sinks", sinks::sink);
    let delivery = or_default(root, "delivery", delivery);
    let outbound = or_default(root, "outbound", outbound);
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
        outbound: outbound?,
    })
}

fn account(section: &Section<'_>) -> Account {
    let business_id = section.optional("business_id", &BUSINESS_ID);
    let whole = haptik(section, business_id);
    section.refuse_unknown_keys();
    Account { business_id, whole }
}

fn haptik(
    section: &Section<'_>,
    business_id: Result<Option<u64>, Reported>,
) -> Result<Haptik, Reported> {
    let base_url = section.required("base_url", &BaseUrl);
    let integration_base_url = section.optional("integration_base_url", &BaseUrl);
    let sync_url = section.optional("sync_url", &FullUrl);
    let client_id = section.required("client_id", &HeaderText);
    let tokens = section.required("token", &SecretList::TOKENS);
    let webhook_secrets = section.required("webhook_secrets", &SecretList::KEYS);
    let base_url = base_url?;
    Ok(Haptik {
        integration_base_url: integration_base_url?.unwrap_or_else(|| base_url.clone()),
        base_url,
        sync_url: sync_url?,
        client_id: client_id?,
        tokens: tokens?,
        webhook_secrets: webhook_secrets?,
        business_id: business_id?,
    })
}

fn channel(
    section: &Section<'_>,
    accounts: &BTreeMap<String, Account>,
) -> Result<Channel, Reported> {
    let haptik = account_of(section, accounts);
    let business_id = section.optional("business_id", &BUSINESS_ID);
    // The keys that there are depend on the type: without one, none is unknown.
    let kind = section
        .required("type", &CHANNEL_TYPES)
        .and_then(|(kind, no_agent_after)| {
            let kind = kind(section);
            let handoff = handoff(section, no_agent_after);
            section.refuse_unknown_keys();
            Ok((kind?, handoff?))
        });
    let haptik = haptik?;
    let of_account = match accounts.get(&haptik) {
        Some(account) => account.business_id?,
        None => None,
    };
    let business_id = business_id?.or(of_account).ok_or_else(|| {
        let message = format!(
            "missing, and haptik.{} has none for its connections either; \
             needed in one of the two: {}",
            shown(&haptik),
            BUSINESS_ID.allowed()
        );
        section.missing("business_id", &message)
    })?;
    let (kind, handoff) = kind?;
    Ok(Channel {
        haptik,
        business_id,
        handoff,
        kind,
    })
}

fn slack(section: &Section<'_>) -> Result<ChannelKind, Reported> {
    let signing_secrets = section.required("signing_secrets", &SecretList::KEYS);
    let workspaces = workspaces::read(section);
    let api_base_url = section.or("api_base_url", &BaseUrl, slack_api());
    let conversation = section.or("conversation", &CONVERSATIONS, Conversation::default());
    let agent_identity = section.or("agent_identity", &Flag, true);
    let carousels = section.or("carousels", &Flag, true);
    let reaction = section.optional("reaction", &Emoji);
    let tell_edits = section.or("tell_edits", &Flag, false);
    let welcome = section.or("welcome", &Text { max: 1_000 }, WELCOME.to_owned());
    let suggested_prompts = section.or(
        "suggested_prompts",
        &Texts { count: 4, max: 75 },
        Vec::new(),
    );
    Ok(ChannelKind::Slack(Slack {
        signing_secrets: signing_secrets?,
        workspaces: workspaces?,
        api_base_url: api_base_url?,
        conversation: conversation?,
        agent_identity: agent_identity?,
        carousels: carousels?,
        reaction: reaction?
            .or_else(|| Some("eyes".to_owned()))
            .filter(|name| !name.is_empty()),
        tell_edits: tell_edits?,
        welcome: welcome?,
        suggested_prompts: suggested_prompts?,
    }))
}

fn custom(section: &Section<'_>) -> Result<ChannelKind, Reported> {
    let signing_secrets = section.required("signing_secrets", &SecretList::STANDARD_WEBHOOKS);
    let callback_url = section.required("callback_url", &FullUrl);
    let handoff_only = section.or("handoff_only", &Flag, false);
    let transcript = section.or("transcript", &TRANSCRIPTS, Transcript::default());
    Ok(ChannelKind::Custom(Custom {
        signing_secrets: signing_secrets?,
        callback_url: callback_url?,
        handoff_only: handoff_only?,
        transcript: transcript?,
    }))
}

fn delivery(section: &Section<'_>) -> Result<Delivery, Reported> {
    let default = Delivery::default();
    let reorder_window = section.optional("reorder_window_ms", &Whole { max: 10_000 });
    let give_up_after = section.or("give_up_after", &GIVE_UP_AFTER, default.give_up_after);
    let entry_ttl = section.or("entry_ttl", &ENTRY_TTL, default.entry_ttl);
    section.refuse_unknown_keys();
    let (give_up_after, entry_ttl) = (give_up_after?, entry_ttl?);
    if entry_ttl < give_up_after {
        let found = if section.has("entry_ttl") {
            "found a duration"
        } else {
            "left out, and its default of \"7d\" is"
        };
        let message = format!(
            "{found} shorter than give_up_after; allowed: at least give_up_after, so that an \
             entry is not gone while it is still tried"
        );
        return Err(section.wrong("entry_ttl", message));
    }
    let reorder_window = reorder_window?.map_or(default.reorder_window, Duration::from_millis);
    Ok(Delivery {
        reorder_window,
        give_up_after,
        entry_ttl,
    })
}

fn outbound(section: &Section<'_>) -> Result<Outbound, Reported> {
    let allow_private_networks = section.or("allow_private_networks", &Flag, false);
    section.refuse_unknown_keys();
    Ok(Outbound {
        allow_private_networks: allow_private_networks?,
    })
}

/// Reads the keys that come with a type.
type Reader<T> = fn(&Section<'_>) -> Result<T, Reported>;

/// With how long an agent may take to join by default.
const CHANNEL_TYPES: OneOf<(Reader<ChannelKind>, Option<Duration>)> = OneOf {
    words: &[
        ("slack", (slack, None)),
        ("custom", (custom, Some(CUSTOM_NO_AGENT_AFTER))),
    ],
    note: " (the channels of this version)",
};

const CONVERSATIONS: OneOf<Conversation> = OneOf {
    words: &[
        ("user", Conversation::User),
        ("thread", Conversation::Thread),
    ],
    note: "",
};

const GIVE_UP_AFTER: Between = Between {
    min: Duration::from_mins(1),
    max: Duration::from_hours(14 * 24),
    allowed: "a duration such as \"24h\", from \"1m\" to \"14d\"",
};

const ENTRY_TTL: Between = Between {
    min: Duration::from_hours(1),
    max: Duration::from_hours(365 * 24),
    allowed: "a duration such as \"7d\", from \"1h\" to \"365d\", and at least give_up_after",
};

const WELCOME: &str = "Hello! Ask me anything here. Where I cannot help, a colleague will.";

fn slack_api() -> Url {
    Url::parse("https://slack.com/api/").expect("the default is a URL")
}

/// The account that a connection names, or the only one.
fn account_of(
    section: &Section<'_>,
    accounts: &BTreeMap<String, Account>,
) -> Result<String, Reported> {
    let wanted = section.optional("haptik", &Name)?;
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

fn or_default<T: Default>(
    root: &Section<'_>,
    key: &'static str,
    read: impl Fn(&Section<'_>) -> Result<T, Reported>,
) -> Result<T, Reported> {
    root.table(key)?
        .map_or_else(|| Ok(T::default()), |section| read(&section))
}

/// Reports that there must be at least one, unless what is there instead is reported already.
fn needs_one(root: &Section<'_>, key: &str, what: &str) {
    if !root.has_content(key) {
        root.missing(key, &format!("missing; needed: at least one {what}"));
    }
}
