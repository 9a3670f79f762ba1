//! What of a user a sink is not told (`mask`): the values are taken out of the event before the sink sees it, and out
//! of transcripts, wherever they stand.
//!
//! What the values are is known from the event itself, from what Haptik was told of the user, which is kept for that,
//! and from what came with the messages that the ledger still has. Besides, a field that is called as one of them is masked whatever it
//! says.

use async_trait::async_trait;
use haptik_bridge_shared::config::MaskedField;
use haptik_bridge_shared::haptik::webhook::Event;
use haptik_bridge_shared::lane::Lane;
use haptik_bridge_shared::ledger::{Ledger, Payload};
use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::{Inbound, Profile};
use haptik_bridge_shared::net::api::Preview;
use haptik_bridge_shared::net::online::Finding;
use haptik_bridge_shared::table::TableError;
use haptik_bridge_shared::users::UserMap;
use serde_json::Value;

use crate::{Delivered, Delivery, Sink, SinkError};

mod event;
mod find;
mod values;

use event::{EventMask, is_other_id};
pub(crate) use values::MaskedValues;

/// What stands in the place of a value.
const MASKED: &str = "[masked]";

/// The channel's own id of the user, in the bridge's own events.
const CHANNEL_USER: &str = "channel_user";

/// Haptik's own name of the user.
const USER_NAME: &str = "user_name";

/// How many of the last things that a user did are looked at for what is known of the user.
const NEWEST: usize = 100;

/// The keys under which a field may stand, in an event, in what the bot collected and in what Haptik knows.
const KEYS: [(MaskedField, &[&str]); 4] = [
    (
        MaskedField::Name,
        &[
            "name",
            "full_name",
            "user_full_name",
            "first_name",
            "last_name",
            USER_NAME,
        ],
    ),
    (
        MaskedField::Email,
        &["email", "email_id", "email_address", "user_email"],
    ),
    (
        MaskedField::MobileNo,
        &[
            "phone",
            "phone_number",
            "mobile_no",
            "mobile_number",
            "mobile",
            CHANNEL_USER,
        ],
    ),
    (MaskedField::CustomData, &["custom_data"]),
];

/// What a sink is not told.
#[derive(Debug, Clone)]
pub(crate) struct Mask {
    fields: Vec<MaskedField>,
    ledger: Ledger,
}

impl Mask {
    pub(crate) fn new(fields: Vec<MaskedField>, ledger: Ledger) -> Self {
        Self { fields, ledger }
    }

    /// The values that are not told of the user whom a delivery is about.
    ///
    /// # Errors
    /// When the table does not answer.
    pub(crate) async fn values(&self, delivery: &Delivery<'_>) -> Result<MaskedValues, TableError> {
        let mut values = MaskedValues::default();
        let event = lenient_json::read(delivery.unmasked.as_bytes()).unwrap_or_default();
        self.add_of_event(&event, &mut values);
        let Some(auth_id) = &delivery.event.auth_id else {
            return Ok(values);
        };
        let users = UserMap::new(self.ledger.table().clone());
        if let Some(profile) = users.get(auth_id).await?.and_then(|user| user.profile) {
            self.add_of_profile(&profile, &mut values);
        }
        let lane = Lane::Haptik(auth_id.clone());
        for entry in self.ledger.newest(&lane, NEWEST, |_| true).await? {
            if let Payload::Inbound { inbound, .. } = &entry.payload {
                self.add_of_act(inbound, &mut values);
            }
        }
        Ok(values)
    }

    fn has(&self, field: MaskedField) -> bool {
        self.fields.contains(&field)
    }

    /// Adds what an event says of the user.
    fn add_of_event(&self, event: &Value, values: &mut MaskedValues) {
        let data = event.get("data").map(lenient_json::unwrapped);
        let details = data.as_deref().and_then(|data| data.get("user_details"));
        let details = details.map(lenient_json::unwrapped);
        let user = event.get("user").map(lenient_json::unwrapped);
        let own = data.as_deref();
        for part in [user.as_deref(), details.as_deref(), own]
            .into_iter()
            .flatten()
        {
            for (field, keys) in KEYS {
                if !self.has(field) {
                    continue;
                }
                let found = keys.iter().filter_map(|key| Some((*key, part.get(*key)?)));
                for (key, value) in found.filter(|(key, value)| !is_other_id(key, value)) {
                    match value.as_str().filter(|_| key == USER_NAME) {
                        Some(user_name) => values.add_user_name(user_name),
                        None => values.add(field, value),
                    }
                }
            }
        }
    }

    /// Adds what is said of the user with what the user did.
    fn add_of_act(&self, inbound: &Inbound, values: &mut MaskedValues) {
        if self.has(MaskedField::MobileNo) && values::is_callable(&inbound.user) {
            values.add_text(MaskedField::MobileNo, &inbound.user);
        }
        if let Some(profile) = &inbound.profile {
            self.add_of_profile(profile, values);
        }
    }

    /// Adds what is known of the user.
    fn add_of_profile(&self, profile: &Profile, values: &mut MaskedValues) {
        let texts = [
            (MaskedField::Name, &profile.name),
            (MaskedField::Email, &profile.email),
            (MaskedField::MobileNo, &profile.mobile_no),
        ];
        for (field, text) in texts {
            if let (Some(text), true) = (text, self.has(field)) {
                values.add_text(field, text);
            }
        }
        if self.has(MaskedField::CustomData) {
            let custom = profile.custom_data.values();
            custom.for_each(|value| values.add(MaskedField::CustomData, value));
        }
    }

    /// The event without what is masked.
    fn masked(&self, body: &str, values: &MaskedValues) -> String {
        let event = lenient_json::read(body.as_bytes()).unwrap_or_default();
        let mut masked = event.clone();
        EventMask::new(self, values).mask(&mut masked);
        // Where nothing is masked it stays as it was written, with its numbers.
        if masked == event {
            return body.to_owned();
        }
        masked.to_string()
    }
}

/// A sink that is not told everything.
#[derive(Debug)]
pub(crate) struct MaskedSink {
    sink: Box<dyn Sink>,
    mask: Mask,
}

impl MaskedSink {
    pub(crate) fn new(sink: Box<dyn Sink>, mask: Mask) -> Self {
        Self { sink, mask }
    }

    /// The body and the event of a delivery, without what is masked: the same event, of the same user, for what is
    /// looked up here.
    async fn masked(&self, delivery: &Delivery<'_>) -> Result<(String, Event), SinkError> {
        let values = self.mask.values(delivery).await?;
        let body = self.mask.masked(delivery.body, &values);
        let read = Event::read(body.as_bytes());
        let read = read.map_err(|error| SinkError::Unsendable(error.to_string()))?;
        let mut event = delivery.event.clone();
        (event.body, event.data) = (read.body, read.data);
        Ok((body, event))
    }
}

#[async_trait]
impl Sink for MaskedSink {
    async fn deliver(&self, delivery: &Delivery<'_>) -> Result<Delivered, SinkError> {
        let (body, event) = self.masked(delivery).await?;
        let delivery = Delivery {
            event: &event,
            body: &body,
            ..*delivery
        };
        self.sink.deliver(&delivery).await
    }

    async fn preview(&self, delivery: &Delivery<'_>) -> Result<Vec<Preview>, SinkError> {
        let (body, event) = self.masked(delivery).await?;
        let delivery = Delivery {
            event: &event,
            body: &body,
            ..*delivery
        };
        self.sink.preview(&delivery).await
    }

    async fn online(&self) -> Vec<Finding> {
        self.sink.online().await
    }

    fn requests(&self) -> u32 {
        self.sink.requests()
    }

    fn sends(&self, event: &Event) -> bool {
        self.sink.sends(event)
    }
}

#[cfg(test)]
mod tests;
