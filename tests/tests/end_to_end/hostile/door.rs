//! What is sent to each of the edges, correctly signed.

use haptik_bridge_simulator::signature;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use proptest::sample::Index;
use sha2::Sha256;
use standardwebhooks::Webhook;

/// An edge, and who calls there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Door {
    Slack,
    Custom,
    Haptik,
}

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Signed {
    pub(super) headers: Vec<(String, Vec<u8>)>,
    pub(super) body: Vec<u8>,
}

/// The secrets of the configuration, and one that it does not have.
const SLACK: &str = "8f742231b10e8888abcd99yyyzzz85a5";
const CUSTOM: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const HAPTIK: &str = "It's a Secret to Everybody";
const ANOTHER: &str = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

impl Door {
    pub(super) const ALL: [Self; 3] = [Self::Slack, Self::Custom, Self::Haptik];

    /// What everybody says.
    pub(super) const SAID: &str = "between you and me";

    /// A configuration with all of them.
    pub(super) fn configuration() -> String {
        format!(
            r#"
            [haptik.main]
            base_url = "http://127.0.0.1:1"
            client_id = "client"
            token = "token"
            webhook_secrets = ["{HAPTIK}"]
            business_id = 343

            [channels.acme-slack]
            type = "slack"
            signing_secrets = ["{SLACK}"]
            bot_token = "xoxb-1"

            [channels.my-app]
            type = "custom"
            signing_secrets = ["{CUSTOM}"]
            callback_url = "http://127.0.0.1:1"
            "#
        )
    }

    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Slack => "/channels/acme-slack",
            Self::Custom => "/channels/my-app",
            Self::Haptik => "/haptik/main",
        }
    }

    /// A body that is understood and makes one entry; `id` is what tells it from others.
    pub(super) fn request(self, id: &str) -> Vec<u8> {
        self.odd_request(id, &[]).into_bytes()
    }

    /// The same, with some of the values replaced by others, which need not be JSON.
    pub(super) fn odd_request(self, id: &str, odd: &[(Index, String)]) -> String {
        let said = format!("\"{}\"", Self::SAID);
        let number = format!("{id:0>6}");
        let mut values: Vec<(&str, String)> = match self {
            Self::Slack => vec![
                ("type", r#""event_callback""#.into()),
                ("team_id", r#""T1""#.into()),
                ("event_id", format!("\"Ev{id}\"")),
                ("event_time", "1".into()),
                ("event.type", r#""message""#.into()),
                ("event.channel", r#""D1""#.into()),
                ("event.channel_type", r#""im""#.into()),
                ("event.user", r#""U1""#.into()),
                ("event.text", said),
                ("event.ts", format!("\"1795341600.{number}\"")),
                ("event.event_ts", format!("\"1795341600.{number}\"")),
                ("event.files", "[]".into()),
                ("event.blocks", "[]".into()),
            ],
            Self::Custom => vec![
                ("type", r#""message""#.into()),
                ("id", format!("\"m-{id}\"")),
                ("timestamp", r#""2026-11-22T10:00:00Z""#.into()),
                ("text", said),
                ("attachments", "[]".into()),
                ("user.id", r#""u-1""#.into()),
                ("user.name", r#""Asha""#.into()),
                ("user.custom_data", "{}".into()),
            ],
            Self::Haptik => vec![
                ("event_name", r#""message""#.into()),
                ("timestamp", r#""2026-11-22T10:00:00Z""#.into()),
                ("business_id", "343".into()),
                ("user.auth_id", r#""abc""#.into()),
                ("user.user_name", r#""def""#.into()),
                ("agent.name", r#""gogo""#.into()),
                ("agent.is_automated", "true".into()),
                ("message.id", format!("1{number}")),
                (
                    "message.body",
                    format!(r#"{{"type":"TEXT","text":{said}}}"#),
                ),
                ("data", "{}".into()),
            ],
        };
        for (at, value) in odd {
            let at = at.index(values.len());
            values[at].1.clone_from(value);
        }
        let plain = values.iter().filter(|(name, _)| !name.contains('.'));
        let mut members: Vec<String> = plain
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect();
        for object in ["event", "user", "agent", "message"] {
            let of_it: Vec<String> = values
                .iter()
                .filter_map(|(name, value)| {
                    let name = name.strip_prefix(object)?.strip_prefix('.')?;
                    Some(format!("\"{name}\":{value}"))
                })
                .collect();
            if !of_it.is_empty() {
                members.push(format!("\"{object}\":{{{}}}", of_it.join(",")));
            }
        }
        format!("{{{}}}", members.join(","))
    }

    /// A body, signed as it is to be.
    pub(super) fn signed(self, body: &[u8], at: Timestamp) -> Signed {
        let secret = match self {
            Self::Slack => SLACK,
            Self::Custom => CUSTOM,
            Self::Haptik => HAPTIK,
        };
        self.signed_with(secret, body, at)
    }

    /// A body, signed by somebody who does not have the secret.
    pub(super) fn signed_by_another(self, body: &[u8], at: Timestamp) -> Signed {
        self.signed_with(ANOTHER, body, at)
    }

    fn signed_with(self, secret: &str, body: &[u8], at: Timestamp) -> Signed {
        let seconds = at.as_second().to_string();
        let headers = match self {
            Self::Slack => {
                let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any key");
                let mac = mac
                    .chain_update(format!("v0:{seconds}:"))
                    .chain_update(body);
                let signature = format!("v0={}", hex::encode(mac.finalize().into_bytes()));
                vec![
                    ("x-slack-request-timestamp", seconds),
                    ("x-slack-signature", signature),
                ]
            }
            Self::Custom => {
                let key = Webhook::new(secret).expect("a key");
                let signature = key.sign("msg_1", at.as_second(), body).expect("text");
                vec![
                    ("webhook-id", "msg_1".to_owned()),
                    ("webhook-timestamp", seconds),
                    ("webhook-signature", signature),
                ]
            }
            Self::Haptik => vec![(
                "x-hub-signature",
                format!("sha1={}", signature(secret, body)),
            )],
        };
        Signed {
            headers: headers
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value.into_bytes()))
                .collect(),
            body: body.to_vec(),
        }
    }
}
