//! The tables that every configuration has, whatever its channels and sinks.

use std::collections::BTreeMap;
use std::time::Duration;

use url::Url;

use super::Secrets;
use super::declare::Part as _;
use super::error::{Report, Reported};
use super::kind::{
    BaseUrl, DurationRange, Flag, FullUrl, Milliseconds, SecretList, TextOf, Whole, WholeList,
};
use super::section::Section;
use crate::section;

section! {
    /// `[haptik.NAME]`: one account at Haptik.
    pub struct Haptik {
        /// Issued by Haptik. Below it are the messaging calls: users, messages, files, feedback, enabling the webhook.
        base_url: Url = required(BaseUrl),
        /// Below it are the agent and transcript calls, where the dashboard shows another URL for them.
        integration_base_url: Url = or(BaseUrl, base_url.clone(), "`base_url`"),
        /// The complete URL of the synchronous message call, if Haptik has issued one to you.
        sync_url: Option<Url> = optional(FullUrl),
        /// How long the answer of that call may take. A message whose answer does not come in this time counts as told, and is not told again.
        sync_timeout: Duration = default(SYNC_TIMEOUT, "35s"),
        /// Sent as `client-id` with every call.
        client_id: String = required(TextOf::HEADER),
        /// Sent as `Authorization: Bearer` with every call; visible ASCII characters.
        tokens as "token": Secrets = required(SecretList::TOKENS),
        /// Sent in its place with the agent and transcript calls: Haptik's Business Manager shows a token of its own for the integration API.
        integration_tokens as "integration_token": Secrets = or(SecretList::TOKENS, tokens.clone(), "`token`"),
        /// The keys of `X-Hub-Signature`, with which Haptik signs its webhooks.
        webhook_secrets: Secrets = required(SecretList::KEYS),
        /// The Haptik queue of the account's connections that don't name their own.
        business_id: Option<u64> = optional(Whole::ID),
        /// Further queues whose webhook is enabled again, beside the account's and those of its connections: of chats that only sinks see.
        business_ids: Vec<u64> = or(WholeList::IDS, Ok(Vec::new()), "none"),
        /// Of which platforms the webhook is enabled again: 13 is what comes by the bridge, 5 the Web SDK, whose chats only sinks see.
        device_platforms: Vec<u64> = default(WholeList::IDS, [13]),
        /// How many deliveries it may bring in a second: what comes faster is answered [429](operations.md#limits-of-ones-own). Haptik disables a webhook that fails seven times with one delivery, so leave it off unless one account starves others.
        rate_per_second: Option<u32> = optional(EDGE_RATE, "no limit"),
    }
}

/// How much a connection or an account may bring in.
pub(super) const EDGE_RATE: Whole<u32> = Whole {
    min: 1,
    max: 10_000,
    of: "",
};

/// How long a synchronous answer may take: not longer than a delivery.
const SYNC_TIMEOUT: DurationRange = DurationRange {
    min: "1s",
    max: "45s",
    example: "35s",
    note: "",
};

section! {
    /// `[delivery]`: how the ledger delivers.
    #[derive(PartialEq, Eq)]
    pub struct Delivery {
        /// Milliseconds for which an entry is held from its receipt, so that what was sent before it and arrives after it can overtake it. 0 switches it off.
        reorder_window as "reorder_window_ms": Duration = default(Milliseconds { max: 10_000 }, 200),
        /// How long the bridge tries to deliver something before it counts as dead. Dead entries can be looked at and replayed.
        give_up_after: Duration = default(GIVE_UP_AFTER, "24h"),
        /// How long the bridge keeps what it has delivered or given up, for the timeline and replay; at least `give_up_after`.
        entry_ttl: Duration = default(ENTRY_TTL, "7d"),
        /// How long the [receipt](sinks.md#receipts-message_delivered-and-message_failed) of a message waits for what its channel says later, where the channel does that.
        report_within: Duration = default(REPORT_WITHIN, "1h"),
    }
    rule kept_while_tried(give_up_after, entry_ttl);
}

const GIVE_UP_AFTER: DurationRange = DurationRange {
    min: "1m",
    max: "14d",
    example: "24h",
    note: "",
};

const ENTRY_TTL: DurationRange = DurationRange {
    min: "1h",
    max: "365d",
    example: "7d",
    note: ", and at least give_up_after",
};

const REPORT_WITHIN: DurationRange = DurationRange {
    min: "1s",
    max: "3d",
    example: "1h",
    note: "",
};

fn kept_while_tried(
    section: &Section<'_>,
    give_up_after: &Result<Duration, Reported>,
    entry_ttl: &Result<Duration, Reported>,
) -> Result<(), Reported> {
    let (Ok(give_up_after), Ok(entry_ttl)) = (give_up_after, entry_ttl) else {
        return Ok(());
    };
    if entry_ttl >= give_up_after {
        return Ok(());
    }
    let found = if section.has("entry_ttl") {
        "found a duration"
    } else {
        "left out, and its default of \"7d\" is"
    };
    let message = format!(
        "{found} shorter than give_up_after; allowed: at least give_up_after, so that an entry is not \
         gone while it is still tried"
    );
    Err(section.wrong("entry_ttl", message))
}

section! {
    /// `[outbound]`: what the bridge may call.
    #[derive(PartialEq, Eq)]
    pub struct Outbound {
        /// Lets URLs that *users* supply, those of attachments, point at private and loopback addresses. For tests only. The URLs in this file are yours and always allowed.
        allow_private_networks: bool = default(Flag, false),
    }
}

pub(super) fn outbound(section: &Section<'_>) -> Result<Outbound, Reported> {
    let outbound = Outbound::read(section);
    section.refuse_unknown_keys();
    if outbound
        .as_ref()
        .is_ok_and(|read| read.allow_private_networks)
    {
        let warning = " is true: users can make the bridge fetch from private addresses; leave it off \
                       outside tests";
        section.warn("allow_private_networks", warning);
    }
    outbound
}

impl Default for Delivery {
    fn default() -> Self {
        let report = Report::default();
        let nothing = Section::root(None, &report, |_, _| Ok(()));
        Self::read(&nothing).expect("every key has a default")
    }
}

impl Default for Outbound {
    fn default() -> Self {
        let report = Report::default();
        let nothing = Section::root(None, &report, |_, _| Ok(()));
        Self::read(&nothing).expect("every key has a default")
    }
}

/// What was read of an account. Its connections need its `business_id`, whatever else is wrong.
pub(super) struct Account {
    pub(super) business_id: Result<Option<u64>, Reported>,
    pub(super) whole: Result<Haptik, Reported>,
}

pub(super) type Accounts = BTreeMap<String, Account>;

pub(super) fn account(section: &Section<'_>) -> Account {
    let whole = Haptik::read(section);
    section.refuse_unknown_keys();
    let business_id = match (&whole, section.peek("business_id", &Whole::ID)) {
        (Ok(haptik), _) => Ok(haptik.business_id),
        (Err(reported), Some(Err(_))) => Err(*reported),
        (Err(_), read) => Ok(read.and_then(Result::ok)),
    };
    Account { business_id, whole }
}
