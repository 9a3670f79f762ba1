//! One example of each element of HSL (docs.haptik.ai, hsl and bot-builder/basic/chat-elements).

use std::fmt::Write as _;

use serde_json::{Value, json};

/// An entry of the menu.
pub(super) struct Element {
    /// What the user says to see it, in lower case.
    pub(super) keyword: &'static str,
    /// What the menu calls it.
    pub(super) label: &'static str,
    /// What the bot then says. It is given the URL of the simulator's pictures.
    pub(super) messages: fn(&str) -> Vec<Value>,
}

/// Everything that the menu offers, in its order.
pub(super) const ELEMENTS: &[Element] = &[
    element("text", "Text", |_| vec![text()]),
    element("quick replies", "Quick replies", |_| vec![quote()]),
    element("buttons", "Buttons", |_| vec![buttons()]),
    element("carousel", "Carousel", |pictures| vec![carousel(pictures)]),
    element("image", "Image", |pictures| vec![image(pictures)]),
    element("video", "Video", |_| vec![video()]),
    element("form", "Form", |_| vec![form()]),
    element("location", "Location", |_| vec![locations()]),
    element("call", "Call", |_| vec![call()]),
    element("upload", "Upload", |_| vec![uploads()]),
    element("share", "Share", |pictures| vec![share(pictures)]),
    element("feedback", "Feedback", |_| vec![feedback()]),
    element("more actions", "More actions", |_| vec![more_actions()]),
    element("tab list", "Tab list", |_| vec![tab_list()]),
    element("receipt", "Receipt", |_| vec![receipt()]),
    element("native action", "Native action", |_| vec![native_action()]),
    element("silent", "Silent", |_| vec![silent()]),
    element("system", "System", |_| vec![system()]),
    element("unknown type", "Unknown type", |_| vec![unknown()]),
    element("string", "HSL in a string", |_| {
        vec![Value::String(buttons().to_string())]
    }),
    element("long text", "Long text", |_| vec![long_text()]),
    element("several", "Several at once", |_| several()),
];

const fn element(
    keyword: &'static str,
    label: &'static str,
    messages: fn(&str) -> Vec<Value>,
) -> Element {
    Element {
        keyword,
        label,
        messages,
    }
}

/// A tappable reply that says `message`, while the bot receives `gogo_message` if that is not empty.
pub(super) fn quick_reply(label: &str, message: &str, gogo_message: &str) -> Value {
    json!({
        "actionable_text": label,
        "location_required": false,
        "is_default": 0,
        "type": "TEXT_ONLY",
        "uri": "",
        "payload": {"message": message, "gogo_message": gogo_message},
    })
}

/// A text with quick replies whose messages have machine parts in braces.
pub(super) fn quote() -> Value {
    json!({
        "text": "“Simplicity is prerequisite for reliability.” (E. W. Dijkstra)",
        "type": "TEXT",
        "data": {"quick_replies": [
            quick_reply("Show another quote", "Show another quote{task}", ""),
            quick_reply("Thanks", "Thanks", ""),
            quick_reply(
                "❌ Stop updates",
                "❌ Stop updates{reminder_list: 170, user_id: 202308, offset: 0}{task}",
                "",
            ),
        ]},
    })
}

fn text() -> Value {
    json!({
        "text": "This is *bold*, this a link: https://www.haptik.ai, this an emoji: 🎉\nand this a second line with <angle> & ampersand.",
        "type": "TEXT",
        "data": {"quick_replies": []},
    })
}

fn buttons() -> Value {
    json!({
        "text": "Buttons stay where they are.",
        "type": "BUTTON",
        "data": {"items": [
            quick_reply("Say hi", "hi", ""),
            // The chat shows the first text, the bot receives the second.
            quick_reply("Surprise me", "Surprise me", "Show another quote{task}"),
            app_action("Open Haptik", "LINK", json!({"url": "https://www.haptik.ai", "message": "", "gogo_message": ""})),
        ]},
    })
}

fn carousel(pictures: &str) -> Value {
    let card = |number: u32, title: &str| {
        json!({
            "thumbnail": {"image": format!("{pictures}/card-{number}.svg")},
            "title": title,
            "sub_title": format!("Card {number}"),
            "description": "A picture, a title, a line below it and buttons.",
            "actionables": [
                quick_reply("Choose", &format!("I choose {title}{{card: {number}}}"), ""),
                app_action("Details", "CAROUSEL_DETAIL", json!({
                    "title": title,
                    "sub_title": "In detail",
                    "description": "This is shown when the details are opened.",
                    "images": [format!("{pictures}/detail-{number}.svg")],
                    "gogo_message": "",
                    "link": "",
                })),
                app_action("Website", "LINK", json!({"url": "https://www.haptik.ai", "gogo_message": ""})),
            ],
        })
    };
    json!({
        "text": "Cards, to be looked through sideways",
        "type": "CAROUSEL",
        "data": {
            "image_aspect_ratio": "1.67",
            "width": "MEDIUM",
            "items": [card(1, "Mountains"), card(2, "Sea"), card(3, "Forest")],
        },
    })
}

fn image(pictures: &str) -> Value {
    json!({
        "text": "One card with only a picture is an image.",
        "type": "CAROUSEL",
        "data": {
            "image_aspect_ratio": 1.77,
            "width": "FAT",
            "items": [{
                "thumbnail": {"image": format!("{pictures}/image.svg"), "type": "LANDSCAPE"},
                "actionables": [],
            }],
        },
    })
}

fn video() -> Value {
    json!({
        "text": "A card's picture may be a video.",
        "type": "CAROUSEL",
        "data": {
            "image_aspect_ratio": "1.77",
            "width": "THIN",
            "items": [{
                "thumbnail": {"image": "https://www.youtube.com/embed/hNQFjqDvPhA"},
                "title": "A video",
                "sub_title": "From YouTube",
                "description": "",
                "actionables": [{
                    "actionable_text": "Carousel default",
                    "is_default": 1,
                    "type": "APP_ACTION",
                    "uri": "CAROUSEL_DEFAULT",
                    "payload": {"gogo_message": "hi"},
                }],
            }],
        },
        "isNew": false,
    })
}

fn form() -> Value {
    let field =
        |order: u32, key: &str, kind: &str, keyboard: &str, hint: &str, options: &[&str]| {
            json!({
                "key": key, "type": kind, "keyboard_type": keyboard, "order": order, "icon": "user",
                "hint": hint, "options": options, "search_source": "", "search_placeholder": "",
                "autofill": "", "autofill_source": "",
            })
        };
    json!({
        "title": "Please help me with your delivery address",
        "subtitle": "We deliver all over India",
        "type": "FORM",
        "data": {"fields": [
            field(1, "name", "text", "normal", "Name", &[]),
            field(2, "email", "text", "email", "Email", &[]),
            field(3, "city", "picker", "normal", "City", &["Mumbai", "Pune", "Delhi"]),
            field(4, "date", "date", "normal", "Delivery date", &[]),
            field(5, "time", "time", "normal", "Delivery time", &[]),
            field(6, "boxes", "text", "number", "Boxes", &[]),
        ]},
    })
}

fn locations() -> Value {
    json!({
        "text": "Where are you?",
        "type": "BUTTON",
        "data": {"items": [
            app_action("Send my location", "SEND_LOCATION", json!({
                "message": "Here I am", "lat_key": "lat", "lng_key": "lng", "gogo_message": "",
            })),
            app_action("Send two places", "SEND_MULTIPLE_LOCATIONS", json!({
                "message": "From here to there", "items": [], "gogo_message": "",
            })),
        ]},
    })
}

fn call() -> Value {
    json!({
        "text": "Rather speak to somebody?",
        "type": "BUTTON",
        "data": {"items": [
            app_action("Call us", "CALL", json!({"url": "tel:+912200000000", "message": "", "gogo_message": ""})),
        ]},
    })
}

fn uploads() -> Value {
    json!({
        "text": "Send me a file.",
        "type": "BUTTON",
        "data": {"items": [
            app_action("From the gallery", "GALLERY_PICKER", json!({"gogo_message": ""})),
            app_action("Upload an image", "IMAGE_UPLOAD", json!({"gogo_message": ""})),
            app_action("Choose a document", "DOCUMENT_PICKER", json!({"gogo_message": ""})),
        ]},
    })
}

fn share(pictures: &str) -> Value {
    json!({
        "text": "Here is a saving tip for you",
        "type": "CAROUSEL",
        "data": {
            "image_aspect_ratio": "1.67",
            "width": "FAT",
            "items": [{
                "thumbnail": {"image": format!("{pictures}/tip.svg?w=1068&amp;h=639")},
                "actionables": [],
                "mini_actionable": {
                    "actionable_text": ":share: Share",
                    "location_required": "false",
                    "is_default": 0,
                    "type": "SHARE",
                    "uri": "",
                    "payload": {
                        "show_share_option": true,
                        "image": format!("{pictures}/tip.svg"),
                        "message": "A great saving tip for you!",
                        "gogo_message": "",
                    },
                },
            }],
        },
    })
}

fn feedback() -> Value {
    json!({
        "text": "How was it?",
        "type": "BUTTON",
        "data": {"items": [action("Rate this chat", "APP_FEEDBACK", json!({"message": "", "gogo_message": ""}))]},
    })
}

/// The kinds of actionable that the other entries do not have.
fn more_actions() -> Value {
    let saying = |message: &str| json!({"message": message, "gogo_message": ""});
    json!({
        "text": "Made for Haptik's own apps; elsewhere these say their message, or nothing.",
        "type": "BUTTON",
        "data": {"items": [
            action("Fill in the message bar", "MESSAGE_BAR", saying("I would like to ")),
            action("Plain text", "TEXT", saying("text")),
            action("Text of a tab list", "TAB_LIST_TEXT_ONLY", saying("tab list")),
            action("Show a form", "FORM_SHOW", saying("form")),
            action("Share the receipt", "SHARE_RECEIPT", saying("receipt")),
            action("Refer a friend", "SHARE_REFERRAL", saying("Join me here")),
            app_action("Saved addresses", "SAVED_ADDRESSES", saying("My home")),
            app_action("Another channel", "LAUNCH_CHANNEL", json!({"via_name": "support", "gogo_message": ""})),
            app_action("Self service", "SELF_SERVE_WEB", json!({"url": "https://www.haptik.ai", "gogo_message": ""})),
        ]},
    })
}

fn tab_list() -> Value {
    json!({
        "text": "A list with tabs",
        "type": "TAB_LIST",
        "data": {"tabs": [
            {"title": "Starters", "items": [{"title": "Soup", "sub_title": "Tomato"}]},
            {"title": "Mains", "items": [{"title": "Thali", "sub_title": "Gujarati"}]},
        ]},
    })
}

fn receipt() -> Value {
    json!({
        "text": "Your receipt: 2 tickets, ₹ 500",
        "type": "RECEIPT",
        "data": {"title": "Receipt", "amount": "500", "items": [{"title": "Ticket", "quantity": 2, "price": "250"}]},
    })
}

fn native_action() -> Value {
    json!({
        "text": "Opening your profile",
        "type": "NATIVE_ACTION",
        "voice_text": "",
        "data": {"method": "OPEN_PROFILE"},
    })
}

fn silent() -> Value {
    json!({
        "text": "",
        "type": "SILENT",
        "voice_text": "",
        "data": {"silent_actions": [{"type": "LAUNCH", "data": {"Id": 7, "via_name": "support"}}]},
    })
}

fn system() -> Value {
    json!({
        "text": "Your chat is in the queue",
        "type": "SYSTEM",
        "voice_text": "",
        "data": {"event_name": "queued", "payload": {}},
    })
}

fn unknown() -> Value {
    json!({
        "text": "A type that nobody has heard of yet; its text can still be shown.",
        "type": "HOLOGRAM",
        "data": {"depth": 3},
    })
}

/// Ten thousand characters in numbered sentences, so that a lost part shows.
fn long_text() -> Value {
    let mut text = String::new();
    for number in 1.. {
        if text.len() >= 10_000 {
            break;
        }
        let end = if number % 10 == 0 { "\n" } else { " " };
        // Writing into a string does not fail.
        let _ = write!(
            text,
            "This is sentence number {number} of a long text.{end}"
        );
    }
    text.truncate(10_000);
    json!({"text": text, "type": "TEXT", "data": {"quick_replies": []}})
}

fn several() -> Vec<Value> {
    ["first", "second", "third", "fourth", "fifth"]
        .map(|ordinal| {
            json!({
                "text": format!("This is the {ordinal} of five messages."),
                "type": "TEXT",
                "data": {"quick_replies": []},
            })
        })
        .into()
}

pub(super) fn app_action(label: &str, uri: &str, payload: Value) -> Value {
    let mut action = action(label, "APP_ACTION", payload);
    if let Some(fields) = action.as_object_mut() {
        fields.insert("uri".into(), Value::from(uri));
    }
    action
}

fn action(label: &str, kind: &str, payload: Value) -> Value {
    let mut action = json!({
        "actionable_text": label,
        "location_required": false,
        "is_default": 0,
        "uri": "",
        "type": kind,
        "payload": {},
        "emoji": "",
    });
    action["payload"] = payload;
    action
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_long_text_has_ten_thousand_characters() {
        assert_eq!(
            long_text()["text"]
                .as_str()
                .map(|text| text.chars().count()),
            Some(10_000)
        );
    }
}
