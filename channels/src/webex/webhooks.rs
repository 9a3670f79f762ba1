//! Telling Webex where to send hooks (<https://developer.webex.com/docs/api/v1/webhooks>): one webhook for each
//! kind of event. Webex ends one that does not answer for long (`inactive`): what is registered again works
//! again.

use haptik_bridge_shared::ids::ConnectionId;
use haptik_bridge_shared::lenient_json;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use url::Url;

use super::api::{self, WebexApi};
use crate::channel::SendError;

/// A kind of event: its resource, and what happened to that.
pub(super) type Wanted = (&'static str, &'static str);

/// The events that are read. Without `attachmentActions`, nothing comes of a button.
const ALWAYS: [Wanted; 3] = [
    ("messages", "created"),
    ("attachmentActions", "created"),
    ("memberships", "created"),
];
const EDITS: [Wanted; 2] = [("messages", "updated"), ("messages", "deleted")];

/// The events of a connection.
pub(super) fn wanted(tell_edits: bool) -> Vec<Wanted> {
    let edits = EDITS.into_iter().filter(|_| tell_edits);
    ALWAYS.into_iter().chain(edits).collect()
}

/// How the names of a connection's begin: another bridge, with the same bot, has others.
fn names(connection: &str) -> String {
    format!("haptik-bridge {connection} ")
}

/// What one is called: each by a name of its own.
fn name((resource, event): Wanted, url: &str) -> String {
    let connection = connection(url).unwrap_or_default();
    format!("{}{resource} {event}", names(&connection))
}

/// The connection that a URL of the bridge's leads to.
fn connection(url: &str) -> Option<String> {
    let url = Url::parse(url).ok()?;
    let mut parts = url.path_segments()?.rev();
    let name = parts.find(|part| !part.is_empty())?;
    (parts.next() == Some("channels")).then(|| name.to_owned())
}

/// The webhook of a connection for these events, among all of the bot: the one that leads to `url`, or else the
/// one that an earlier registration made.
pub(super) fn find<'a>(webhooks: &'a [Value], wanted: Wanted, url: &str) -> Option<&'a Value> {
    let (resource, event) = wanted;
    let mut of_these = webhooks.iter().filter(|webhook| {
        lenient_json::text(webhook, "resource") == resource
            && lenient_json::text(webhook, "event") == event
    });
    let here = |webhook: &&Value| lenient_json::text(webhook, "targetUrl") == url;
    let named = |webhook: &&Value| lenient_json::text(webhook, "name") == name(wanted, url);
    of_these.clone().find(here).or_else(|| of_these.find(named))
}

/// Whether Webex sends to it.
pub(super) fn is_active(webhook: &Value) -> bool {
    lenient_json::text(webhook, "status") != "inactive"
}

/// Whether it is of this connection: it leads there, or `register` has made it.
fn is_of(webhook: &Value, of: &str) -> bool {
    let url = lenient_json::text(webhook, "targetUrl");
    connection(&url).is_some_and(|name| name == of)
        || lenient_json::text(webhook, "name").starts_with(&names(of))
}

/// Makes the webhooks that are missing, and gives those that are there this URL and the newest secret, and
/// makes them active. Webhooks of others stay as they are.
pub(super) async fn register(
    api: WebexApi,
    secret: SecretString,
    wanted: Vec<Wanted>,
    url: String,
) -> Result<String, SendError> {
    let there = api.webhooks().await?;
    for wanted in &wanted {
        let mut webhook = api::webhook(&name(*wanted, &url), &url, wanted.0, wanted.1);
        webhook["secret"] = secret.expose_secret().into();
        let found = find(&there, *wanted, &url);
        let id = found.and_then(|found| lenient_json::some_text(found, "id"));
        if id.is_some()
            && let Some(fields) = webhook.as_object_mut()
        {
            // What it is for cannot be changed.
            fields.remove("resource");
            fields.remove("event");
            fields.insert("status".to_owned(), "active".into());
        }
        api.put_webhook(id.as_deref(), webhook).await?;
    }
    let names = api.me().await?.names.clone();
    let name = names.first().map_or("the bot", String::as_str);
    Ok(format!(
        "Webex sends what is said to {name} to {url}, by {} webhooks",
        wanted.len()
    ))
}

/// Makes those of a connection active again that Webex has ended, with the URL that they have, and says how many
/// that were. Webhooks of others stay as they are.
pub(super) async fn revive(
    api: &WebexApi,
    of: &ConnectionId,
    secret: &SecretString,
) -> Result<Option<String>, SendError> {
    let there = api.webhooks().await?;
    let ended = there
        .iter()
        .filter(|webhook| is_of(webhook, of.as_str()) && !is_active(webhook));
    let mut revived = 0_usize;
    for webhook in ended {
        let Some(id) = lenient_json::some_text(webhook, "id") else {
            continue;
        };
        let changed = json!({
            "name": lenient_json::text(webhook, "name"),
            "targetUrl": lenient_json::text(webhook, "targetUrl"),
            "secret": secret.expose_secret(),
            "status": "active",
        });
        api.put_webhook(Some(&id), changed).await?;
        revived += 1;
    }
    Ok(
        (revived > 0)
            .then(|| format!("Webex had ended {revived} webhooks, which are active again")),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_found_by_its_url_or_by_our_name() {
        let of = |id: &str, name: &str, url: &str| json!({"id": id, "name": name, "targetUrl": url, "resource": "messages", "event": "created"});
        let all = [
            of("others", "another tool", "https://else.example"),
            of(
                "named",
                "haptik-bridge acme messages created",
                "https://old.example",
            ),
            of("here", "by hand", "https://b.example/channels/acme"),
        ];
        let found = |all: &[Value], url: &str| {
            let found = find(all, ("messages", "created"), url);
            found.map(|found| lenient_json::text(found, "id"))
        };
        assert_eq!(
            found(&all, "https://b.example/channels/acme").as_deref(),
            Some("here")
        );
        assert_eq!(
            found(&all[..2], "https://b.example/channels/acme").as_deref(),
            Some("named")
        );
        assert_eq!(found(&all[..1], "https://b.example/channels/acme"), None);
        assert!(find(&all, ("messages", "deleted"), "https://old.example").is_none());
    }

    #[test]
    fn one_is_of_the_connection_that_it_leads_to_or_is_named_after() {
        let of = |name: &str, url: &str| json!({"name": name, "targetUrl": url});
        for (name, url) in [
            ("haptik-bridge acme messages created", "https://b.example"),
            ("by hand", "https://b.example/channels/acme"),
            ("by hand", "https://b.example/prod/channels/acme/"),
        ] {
            assert!(is_of(&of(name, url), "acme"), "{name} {url}");
        }
        for (name, url) in [
            ("haptik-bridge acme-2 messages created", "https://b.example"),
            ("by hand", "https://b.example/channels/acme-2"),
            ("by hand", "https://b.example/acme"),
            ("by hand", "not a URL"),
        ] {
            assert!(!is_of(&of(name, url), "acme"), "{name} {url}");
        }
    }

    #[test]
    fn one_that_has_ended_is_told_from_others() {
        assert!(!is_active(&json!({"status": "inactive"})));
        assert!(is_active(&json!({"status": "active"})) && is_active(&json!({})));
    }
}
