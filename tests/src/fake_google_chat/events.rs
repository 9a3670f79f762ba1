//! The events that Google sends, in either dialect
//! (<https://developers.google.com/workspace/chat/api/reference/rest/v1/Event>,
//! <https://developers.google.com/workspace/add-ons/concepts/event-objects#chat-event-object>).

use bytes::Bytes;
use http::Method;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{APP, FakeGoogleChat, Kind, tokens};
use crate::provider::Request;

/// Something that a user says.
#[derive(Clone, Debug)]
pub struct SentMessage {
    user: String,
    text: String,
    space: Option<String>,
    thread: Option<String>,
    files: Vec<Value>,
}

impl SentMessage {
    /// A text, in the direct message with the app.
    #[must_use]
    pub fn new(user: &str, text: &str) -> Self {
        Self {
            user: user.to_owned(),
            text: text.to_owned(),
            space: None,
            thread: None,
            files: Vec::new(),
        }
    }

    /// In a space, where it mentions the app, in this thread.
    #[must_use]
    pub fn in_space(mut self, space: &str, thread: &str) -> Self {
        self.space = Some(space.to_owned());
        self.thread = Some(format!("{space}/threads/{thread}"));
        self
    }

    /// With this attachment.
    #[must_use]
    pub fn with(mut self, file: Value) -> Self {
        self.files.push(file);
        self
    }
}

impl FakeGoogleChat {
    /// The request that brings an event to the bridge, with a token of now.
    ///
    /// # Panics
    /// Before the webhook is set.
    #[must_use]
    pub fn request(&self, event: &Value) -> Request {
        let key_id = self.state.read(|store| store.key_id.clone());
        let claims = tokens::claims(self.state.kind, Timestamp::now().as_second());
        let token = tokens::signed(&tokens::header(&key_id), &claims, &key_id);
        self.request_with(event, &token)
    }

    /// The request that brings an event, with this token.
    ///
    /// # Panics
    /// Before the webhook is set.
    #[must_use]
    pub fn request_with(&self, event: &Value, token: &str) -> Request {
        http::Request::builder()
            .method(Method::POST)
            .uri(self.state.read(|store| store.webhook_url.clone()))
            .header("content-type", "application/json; charset=UTF-8")
            .header("user-agent", "Google-Dynamite")
            .header("authorization", format!("Bearer {token}"))
            .body(event.to_string().into_bytes())
            .expect("a request")
    }

    /// A file that was uploaded; gives the attachment.
    #[must_use]
    pub fn add_file(&self, name: &str, mime_type: &str, content: &[u8]) -> Value {
        let number = self.state.change(|store| {
            let number = store.next_id();
            let content = Bytes::copy_from_slice(content);
            store.files.insert(format!("ClxzcGFjZXM{number}"), content);
            number
        });
        json!({
            "name": format!("spaces/AAA/messages/BBB/attachments/A{number}"), "contentName": name,
            "contentType": mime_type, "source": "UPLOADED_CONTENT",
            "attachmentDataRef": {"resourceName": format!("ClxzcGFjZXM{number}")},
            "downloadUri": "https://chat.google.com/for-people-only",
        })
    }

    /// A message, as an event.
    #[must_use]
    pub fn said(&self, said: &SentMessage) -> Value {
        let number = self.state.change(super::state::Store::next_id);
        let now = Timestamp::now();
        let space = self.space(&said.user, said.space.as_deref());
        let space_name = space["name"].as_str().unwrap_or_default();
        let own_thread = format!("{space_name}/threads/U{number}");
        let mut message = json!({
            "name": format!("{space_name}/messages/U{number}.U{number}"), "sender": user(&said.user),
            "createTime": now.to_string(), "text": said.text, "argumentText": said.text,
            "formattedText": said.text, "space": space,
            "thread": {"name": said.thread.as_ref().unwrap_or(&own_thread)},
        });
        if said.space.is_some() {
            message["text"] = format!("@Help {}", said.text).into();
            message["argumentText"] = format!(" {}", said.text).into();
            message["annotations"] = json!([{
                "type": "USER_MENTION", "startIndex": 0.0, "length": 5.0,
                "userMention": {"user": {"name": APP, "displayName": "Help", "type": "BOT"}, "type": "MENTION"},
            }]);
        }
        if !said.files.is_empty() {
            message["attachment"] = said.files.clone().into();
        }
        self.event(
            "MESSAGE",
            "messagePayload",
            &said.user,
            &json!({"space": space, "message": message}),
        )
    }

    /// A tap on a button of one of the app's messages, with what is filled in there.
    #[must_use]
    pub fn tapped(&self, by: &str, message: &Value, button: &Value, inputs: &Value) -> Value {
        let action = &button["onClick"]["action"];
        let listed = action["parameters"].as_array().into_iter().flatten();
        let parameters: serde_json::Map<String, Value> = listed
            .filter_map(|each| Some((each["key"].as_str()?.to_owned(), each["value"].clone())))
            .collect();
        let space = message["space"]["name"].as_str().unwrap_or_default();
        let is_direct = space.starts_with("spaces/DM");
        let space = self.space(by, Some(space).filter(|_| !is_direct));
        // What is recorded of such messages has neither text nor cards.
        let tapped = json!({
            "name": message["name"], "sender": {"name": APP, "displayName": "Help", "type": "BOT"},
            "createTime": message["createTime"], "thread": message["thread"], "space": space,
        });
        let mut event = self.event(
            "CARD_CLICKED",
            "buttonClickedPayload",
            by,
            &json!({"space": space, "message": tapped}),
        );
        let common = if self.state.kind == Kind::AddOn {
            &mut event["commonEventObject"]
        } else {
            event["action"] = json!({
                "actionMethodName": action["function"], "parameters": action["parameters"],
            });
            event["common"]["invokedFunction"] = action["function"].clone();
            &mut event["common"]
        };
        common["parameters"] = parameters.into();
        common["formInputs"] = inputs.clone();
        event
    }

    /// An event of a type, which is a payload of an add-on, with its fields.
    #[must_use]
    pub fn event(&self, kind: &str, payload: &str, by: &str, fields: &Value) -> Value {
        let now = Timestamp::now().to_string();
        let common = json!({
            "userLocale": "en-IN", "hostApp": "CHAT", "platform": "WEB",
            "timeZone": {"id": "Asia/Kolkata", "offset": 1.98e7},
        });
        if self.state.kind == Kind::AddOn {
            let mut chat = json!({"user": user(by), "eventTime": now});
            chat[payload] = fields.clone();
            return json!({
                "commonEventObject": common, "chat": chat,
                "authorizationEventObject": {"systemIdToken": "eyJ-fake-system-id-token"},
            });
        }
        let mut event = json!({"type": kind, "eventTime": now, "user": user(by), "common": common});
        for (name, value) in fields.as_object().into_iter().flatten() {
            event[name] = value.clone();
        }
        event
    }

    /// The space of this name, or the direct message with a user.
    #[must_use]
    pub fn space(&self, user: &str, name: Option<&str>) -> Value {
        match name {
            Some(name) => json!({
                "name": name, "type": "ROOM", "spaceType": "SPACE", "displayName": "Support",
                "spaceThreadingState": "THREADED_MESSAGES",
            }),
            None => json!({
                "name": self.direct(user), "type": "DM", "spaceType": "DIRECT_MESSAGE", "singleUserBotDm": true,
            }),
        }
    }
}

/// A person.
fn user(name: &str) -> Value {
    let number = name.trim_start_matches("users/");
    json!({
        "name": name, "displayName": format!("User {number}"), "email": format!("u{number}@acme.example"),
        "avatarUrl": "https://lh3.example/a", "type": "HUMAN", "domainId": "12ju",
    })
}
