//! What Twilio sends: a message of a user's
//! (<https://www.twilio.com/docs/messaging/guides/webhook-request>), or what became of one of ours
//! (<https://www.twilio.com/docs/messaging/guides/track-outbound-message-status>). Both are flat lists of
//! fields, of which new ones come without notice.

use std::collections::BTreeMap;

use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::{Attachment, Profile, is_blank};
use haptik_bridge_shared::redacted_debug;
use serde_json::Value;
use url::form_urlencoded;

use super::config::is_number;
use super::consent::{self, Consent};
use super::refusal;

/// The most files of a message that are read; Twilio takes ten.
const MOST_FILES: usize = 20;

/// What a request was.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Read {
    /// Nothing for the bot.
    Nothing,
    /// A user said something, or tapped a button.
    Said(Box<Message>),
    /// What became of a message of ours.
    Reported {
        /// Its SID.
        id: String,
        /// Why it did not reach the user; `None` when it did.
        failed: Option<String>,
    },
    /// It is not understood, for this reason.
    Odd(&'static str),
}

/// What a user said.
#[derive(Clone, PartialEq)]
pub(super) struct Message {
    /// Its SID.
    pub(super) id: String,
    /// Who: the address that it came from.
    pub(super) user: String,
    /// The text; empty where there are files alone.
    pub(super) text: String,
    /// What the button that was tapped carries; empty where none was.
    pub(super) payload: String,
    /// The files.
    pub(super) files: Vec<Attachment>,
    /// What Twilio says of the user.
    pub(super) profile: Profile,
    /// What it says of whether the user wants messages.
    pub(super) consent: Option<Consent>,
}

redacted_debug!(Message {
    id,
    text: bytes,
    payload: bytes,
    files: len,
    profile,
    consent
});

/// The fields of a request.
struct Fields(BTreeMap<String, String>);

impl Fields {
    /// Those of a form, or of a flat JSON object; `None` of anything else.
    fn read(body: &[u8]) -> Option<Self> {
        let is_json = body
            .trim_ascii_start()
            .first()
            .is_some_and(|byte| b"{[".contains(byte));
        if !is_json {
            let mut fields = BTreeMap::new();
            for (name, value) in form_urlencoded::parse(body) {
                fields
                    .entry(name.into_owned())
                    .or_insert_with(|| value.into_owned());
            }
            return Some(Self(fields));
        }
        let value = lenient_json::read(body).ok()?;
        let fields = value.as_object()?.keys();
        let fields = fields.map(|name| (name.clone(), lenient_json::text(&value, name)));
        Some(Self(fields.collect()))
    }

    fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// The first of these that says something.
    fn first(&self, names: &[&str]) -> &str {
        let mut texts = names.iter().map(|name| self.text(name));
        texts
            .find(|text| !text.trim().is_empty())
            .unwrap_or_default()
    }
}

/// Reads a body that was verified.
pub(super) fn read(body: &[u8]) -> Read {
    let Some(fields) = Fields::read(body) else {
        return Read::Odd("JSON that is not an object");
    };
    let id = fields.first(&["MessageSid", "SmsMessageSid", "SmsSid"]);
    if id.is_empty() {
        return Read::Odd("a request without a MessageSid");
    }
    let status = fields.text("MessageStatus");
    if !["", "received", "receiving"].contains(&status) {
        return reported(id, status, &fields);
    }
    said(id, &fields)
}

/// What became of a message of ours. What only passes says nothing.
fn reported(id: &str, status: &str, fields: &Fields) -> Read {
    let failed = match status {
        "delivered" | "read" => None,
        "undelivered" | "failed" | "canceled" => {
            Some(refusal::of_report(status, fields.text("ErrorCode")))
        }
        _ => return Read::Nothing,
    };
    Read::Reported {
        id: id.to_owned(),
        failed,
    }
}

fn said(id: &str, fields: &Fields) -> Read {
    let user = fields.text("From").trim();
    if user.is_empty() {
        return Read::Odd("a message without a From");
    }
    // Our own, by way of a number that is ours too.
    if user == fields.text("To").trim() {
        return Read::Nothing;
    }
    let files = files(fields);
    let payload = fields.first(&["ButtonPayload", "ListId"]).to_owned();
    let text = words(fields);
    let number = fields.text("To").trim();
    let consent = consent::said(user, number, fields.text("OptOutType"), &text)
        .filter(|_| payload.is_empty() && files.is_empty());
    if is_blank(&text) && files.is_empty() && payload.is_empty() && consent.is_none() {
        // A reaction, a sticker that was taken back, what is new.
        return Read::Nothing;
    }
    Read::Said(Box::new(Message {
        id: id.to_owned(),
        user: user.to_owned(),
        text,
        payload,
        files,
        profile: profile(user, fields),
        consent,
    }))
}

/// What a message says in words.
fn words(fields: &Fields) -> String {
    let body = fields.text("Body");
    let place = place(fields);
    match place {
        Some(place) if place.contains(body.trim()) => place,
        Some(place) => format!("{body}\n{place}"),
        None if body.trim().is_empty() => fields.first(&["ButtonText", "ListTitle"]).to_owned(),
        None => body.to_owned(),
    }
}

/// A location, as a person writes one: `Office, 1 Main St (12.97, 77.59)`.
fn place(fields: &Fields) -> Option<String> {
    let is_number = |text: &&str| text.parse::<f64>().is_ok_and(f64::is_finite);
    let latitude = Some(fields.text("Latitude").trim()).filter(is_number)?;
    let longitude = Some(fields.text("Longitude").trim()).filter(is_number)?;
    let coordinates = format!("{latitude}, {longitude}");
    let named: Vec<&str> = [fields.text("Label").trim(), fields.text("Address").trim()]
        .into_iter()
        .filter(|text| !text.is_empty())
        .collect();
    Some(if named.is_empty() {
        coordinates
    } else {
        format!("{} ({coordinates})", named.join(", "))
    })
}

/// The files: each has a URL, which wants the account's credentials, and a MIME type, and no name.
fn files(fields: &Fields) -> Vec<Attachment> {
    let count = fields.text("NumMedia").trim().parse::<usize>();
    let count = count.unwrap_or_default().min(MOST_FILES);
    let files = (0..count).filter_map(|index| {
        let url = fields.text(&format!("MediaUrl{index}")).trim();
        let mime_type = fields.text(&format!("MediaContentType{index}")).trim();
        (!url.is_empty()).then(|| Attachment {
            id: None,
            url: url.to_owned(),
            name: file_name(index + 1, mime_type),
            mime_type: mime_type.to_owned(),
            size: None,
        })
    });
    files.collect()
}

/// The endings of the files that telephones send, by their MIME type
/// (<https://www.twilio.com/docs/messaging/guides/accepted-mime-types>).
const ENDINGS: &[(&str, &str)] = &[
    ("image/jpeg", "jpg"),
    ("image/png", "png"),
    ("image/gif", "gif"),
    ("image/webp", "webp"),
    ("image/heic", "heic"),
    ("audio/ogg", "ogg"),
    ("audio/mpeg", "mp3"),
    ("audio/mp4", "m4a"),
    ("audio/amr", "amr"),
    ("audio/3gpp", "3gp"),
    ("video/mp4", "mp4"),
    ("video/3gpp", "3gp"),
    ("video/quicktime", "mov"),
    ("application/pdf", "pdf"),
    ("text/vcard", "vcf"),
    ("text/x-vcard", "vcf"),
    ("text/plain", "txt"),
    ("text/csv", "csv"),
];

fn file_name(number: usize, mime_type: &str) -> String {
    let kind = mime_type.split(';').next().unwrap_or_default().trim();
    let known = ENDINGS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(kind));
    let noun = match kind.split('/').next() {
        Some("image") => "picture",
        Some("audio") => "audio",
        Some("video") => "video",
        _ => "file",
    };
    match known {
        Some((_, ending)) => format!("{noun}-{number}.{ending}"),
        None => format!("{noun}-{number}"),
    }
}

/// The number is the address itself; WhatsApp has a name beside it, and sometimes no number.
fn profile(user: &str, fields: &Fields) -> Profile {
    let number = user.rsplit(':').next().unwrap_or_default();
    let mut profile = Profile {
        name: Some(fields.text("ProfileName").trim().to_owned()).filter(|name| !name.is_empty()),
        mobile_no: Some(number.to_owned()).filter(|number| is_number(number)),
        ..Profile::default()
    };
    let country = fields.text("FromCountry").trim();
    if !country.is_empty() {
        profile
            .custom_data
            .insert("twilio_country".to_owned(), Value::from(country));
    }
    profile
}

#[cfg(test)]
mod tests;
