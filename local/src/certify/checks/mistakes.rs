//! Why an application refuses what is right: the usual mistakes in verifying, each by a request that only whoever makes it
//! takes.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::StatusCode;
use serde_json::Value;
use sha2::{Sha256, Sha512};

use super::Check;
use crate::certify::events;
use crate::certify::target::{Rest, Signed, Target};

/// How far apart two clocks may be, in seconds, for what is signed by the one to be taken by the other.
const TOLERANCE: i64 = 300;

/// What is signed how, in place of what the bridge does.
struct Mistake {
    what: &'static str,
    signed: fn(&Target, Signed, &Value) -> Signed,
}

const MISTAKES: [Mistake; 11] = [
    Mistake {
        what: "it reads webhook-timestamp as milliseconds: it is in seconds",
        signed: |target, signed, _| {
            let at = format!("{}000", signed.at);
            let signature = over(&key(target), &format!("{}.{at}.{}", signed.id, signed.body));
            Signed {
                at,
                signature,
                ..signed
            }
        },
    },
    Mistake {
        what: "it verifies the JSON as it would write it: verify the bytes that came",
        signed: |target, signed, event| {
            let written = format!("{}.{}.{}", signed.id, signed.at, with_spaces(event));
            with(signed, over(&key(target), &written))
        },
    },
    Mistake {
        what: "its key is the secret's text without whsec_: the key is what that base64 decodes to",
        signed: |target, signed, _| {
            let text = target.secret().trim_start_matches("whsec_").as_bytes();
            let signature = over(text, &content(&signed));
            with(signed, signature)
        },
    },
    Mistake {
        what: "its key is the secret's text: the key is what the base64 behind whsec_ decodes to",
        signed: |target, signed, _| {
            let signature = over(target.secret().as_bytes(), &content(&signed));
            with(signed, signature)
        },
    },
    Mistake {
        what: "it verifies the body alone: what is signed is `webhook-id.webhook-timestamp.body`",
        signed: |target, signed, _| {
            let signature = over(&key(target), &signed.body);
            with(signed, signature)
        },
    },
    Mistake {
        what: "it verifies without the webhook-id: what is signed is `webhook-id.webhook-timestamp.body`",
        signed: |target, signed, _| {
            let signature = over(&key(target), &format!("{}.{}", signed.at, signed.body));
            with(signed, signature)
        },
    },
    Mistake {
        what: "it compares the signature in hexadecimal: it is base64",
        signed: |target, signed, _| {
            let mac = mac(&key(target), &content(&signed));
            with(signed, format!("v1,{}", hex::encode(mac)))
        },
    },
    Mistake {
        what: "it compares the signature in base64url: it is base64, with + and /",
        signed: |target, signed, _| {
            let mac = mac(&key(target), &content(&signed));
            with(signed, format!("v1,{}", URL_SAFE.encode(mac)))
        },
    },
    Mistake {
        what: "it compares the signature without the = at the end of its base64",
        signed: |_, signed, _| {
            let bare = signed.signature.trim_end_matches('=').to_owned();
            with(signed, bare)
        },
    },
    Mistake {
        what: "it signs by SHA-512: it is HMAC-SHA256",
        signed: |target, signed, _| {
            let mac = Hmac::<Sha512>::new_from_slice(&key(target));
            let mut mac = mac.unwrap_or_else(|_| unreachable!("a key of HMAC may have any length"));
            mac.update(content(&signed).as_bytes());
            let mac = STANDARD.encode(mac.finalize().into_bytes());
            with(signed, format!("v1,{mac}"))
        },
    },
    Mistake {
        what: "it compares the signature without its version: what comes is `v1,` and the base64",
        signed: |_, signed, _| {
            let bare = signed.signature.trim_start_matches("v1,").to_owned();
            with(signed, bare)
        },
    },
];

/// Tries them all, and says of each that explains the refusal how to mend it.
pub(super) async fn find(target: &Target, check: &mut Check, status: StatusCode, rest: Rest) {
    let found = check.findings.len();
    if let Some(ahead) = rest.ahead.filter(|ahead| ahead.abs() > TOLERANCE) {
        check.wrong(format!(
            "by the header `Date` its clock is {} s {} this machine's: with more than {TOLERANCE} s it takes nothing",
            ahead.abs(),
            if ahead > 0 { "ahead of" } else { "behind" },
        ));
    }
    for mistake in &MISTAKES {
        let event = events::message(&target.user, "certify");
        let signed = (mistake.signed)(target, target.signed(&event), &event);
        if target.post(&signed).await.is_taken() {
            check.wrong(mistake.what);
        }
    }
    let is_unverified = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    if is_unverified && check.findings.len() == found {
        check.wrong(
            "none of the usual mistakes explains it: has it this very secret, and does it read the headers \
             webhook-id, webhook-timestamp and webhook-signature?",
        );
    }
}

fn with(signed: Signed, signature: String) -> Signed {
    Signed {
        signature,
        ..signed
    }
}

fn content(signed: &Signed) -> String {
    format!("{}.{}.{}", signed.id, signed.at, signed.body)
}

fn key(target: &Target) -> Vec<u8> {
    let text = target.secret().trim_start_matches("whsec_");
    STANDARD.decode(text).unwrap_or_default()
}

fn over(key: &[u8], content: &str) -> String {
    format!("v1,{}", STANDARD.encode(mac(key, content)))
}

fn mac(key: &[u8], content: &str) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key);
    let mut mac = mac.unwrap_or_else(|_| unreachable!("a key of HMAC may have any length"));
    mac.update(content.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

/// As Python and others write JSON: with a space behind each colon and comma.
fn with_spaces(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(with_spaces).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(members) => {
            let member = |(key, value): (&String, &Value)| {
                format!("{}: {}", Value::from(key.as_str()), with_spaces(value))
            };
            let members: Vec<_> = members.iter().map(member).collect();
            format!("{{{}}}", members.join(", "))
        }
        plain => plain.to_string(),
    }
}
