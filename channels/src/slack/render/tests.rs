use serde_json::{Value, json};

use super::*;
use crate::slack::tap::Tap;
use haptik_bridge_shared::message::hsl::Hsl;
use haptik_bridge_shared::message::{Content, Outgoing, Sender, SenderKind};

mod block_kit;

fn parts(outgoing: &Outgoing) -> Vec<Part> {
    super::parts(
        outgoing,
        Style {
            agent_identity: false,
            carousels: true,
            link_says: true,
        },
    )
}

/// A message of the bot.
pub(super) fn outgoing(raw: Value) -> Outgoing {
    let at = "2026-11-22T10:00:00Z".parse().expect("a time");
    Outgoing {
        key: "00000000000001982371#message".into(),
        auth_id: "0123456789abcdef0123456789abcdef".into(),
        user: "U1".into(),
        at,
        received_at: at,
        sender: Sender::default(),
        message_id: Some(1_982_371),
        in_reply_to: None,
        handoff: None,
        content: Content::Message {
            hsl: Hsl::read(&raw),
            raw,
        },
    }
}

fn render(raw: Value) -> Vec<Part> {
    let parts = parts(&outgoing(raw));
    block_kit::validate(&parts);
    parts
}

/// A block, or the cards of a carousel.
fn with_cards(block: &Value) -> &[Value] {
    let cards = block["elements"]
        .as_array()
        .filter(|_| block["type"] == "carousel");
    cards.map_or(std::slice::from_ref(block), Vec::as_slice)
}

fn buttons(parts: &[Part]) -> Vec<&Value> {
    let blocks = parts
        .iter()
        .filter_map(|part| part.body.get("blocks")?.as_array())
        .flatten();
    blocks
        .flat_map(with_cards)
        .filter_map(|block| match block["type"].as_str()? {
            "actions" => block["elements"].as_array(),
            "card" => block["actions"].as_array(),
            _ => None,
        })
        .flatten()
        .collect()
}

fn labels(parts: &[Part]) -> Vec<&str> {
    buttons(parts)
        .into_iter()
        .filter_map(|button| button.pointer("/text/text")?.as_str())
        .collect()
}

fn texts(parts: &[Part]) -> Vec<&str> {
    parts
        .iter()
        .filter_map(|part| part.body["text"].as_str())
        .collect()
}

macro_rules! samples {
    ($($name:ident: $file:literal,)*) => {
        $(
            #[test]
            fn $name() {
                let sample = include_str!(concat!("../../../../shared/tests/samples/hsl-", $file, ".json"));
                let parts = render(serde_json::from_str(sample).expect("a sample is JSON"));
                let bodies: Vec<Value> = parts.into_iter().map(|part| part.body).collect();
                insta::assert_json_snapshot!(concat!("hsl-", $file), bodies);
            }
        )*
    };
}

samples! {
    a_button_that_says_something: "button-message",
    a_button_that_opens_a_link: "button",
    a_card_with_a_mini_actionable: "carousel-mini-actionable",
    a_card_with_a_video: "carousel-video",
    cards_with_details: "carousel",
    a_form: "form",
    an_image: "image",
    a_native_action: "native-action",
    quick_replies: "quick-replies",
    a_silent_message: "silent",
    a_system_message: "system",
    a_text: "text",
}

#[test]
fn an_agents_message_carries_the_agents_name() {
    let mut message = outgoing(json!({"text": "Hello <!here>"}));
    message.sender = Sender {
        kind: SenderKind::Agent,
        name: "Prateek".into(),
        profile_image: String::new(),
    };
    let parts = parts(&message);
    block_kit::validate(&parts);
    assert_eq!(parts[0].body["text"], "*Prateek*\nHello &lt;!here&gt;");
    assert_eq!(parts[0].body["blocks"][0]["type"], "context");
}

#[test]
fn an_agent_speaks_under_a_name_and_picture_of_their_own_and_else_in_the_bots() {
    let mut message = outgoing(json!({"text": "Hello"}));
    message.sender = Sender {
        kind: SenderKind::Agent,
        name: "Prateek".into(),
        profile_image: "https://a.example/p.png".into(),
    };
    let own = super::parts(&message, Style::default());
    let body = &own[0].body;
    assert_eq!(
        (&body["text"], &body["username"], &body["icon_url"]),
        (
            &json!("Hello"),
            &json!("Prateek"),
            &json!("https://a.example/p.png")
        )
    );
    let bots = in_the_bots_name(body).expect("it was the agent's");
    assert_eq!(bots["text"], "*Prateek*\nHello");
    assert_eq!((bots.get("username"), bots.get("icon_url")), (None, None));
    assert_eq!(in_the_bots_name(&bots), None);
    message.sender.kind = SenderKind::Bot;
    assert_eq!(
        super::parts(&message, Style::default())[0]
            .body
            .get("username"),
        None
    );
}

#[test]
fn an_agents_name_never_stands_alone() {
    let mut message = outgoing(json!({"text": "word ".repeat(780)}));
    message.sender.kind = SenderKind::Agent;
    message.sender.name = "Prateek".repeat(20);
    let parts = parts(&message);
    block_kit::validate(&parts);
    let blocks = parts[0].body["blocks"].as_array().expect("blocks");
    assert_eq!((parts.len(), blocks.len()), (2, 2));
}

#[test]
fn an_agent_who_says_nothing_shows_nothing() {
    let mut message = outgoing(json!({"text": "", "type": "CAROUSEL", "data": {"items": [{}]}}));
    message.sender = Sender {
        kind: SenderKind::Agent,
        name: "Prateek".into(),
        profile_image: String::new(),
    };
    assert!(parts(&message).is_empty());
}

#[test]
fn who_joined_is_shown_with_a_picture() {
    let mut message = outgoing(json!({}));
    message.sender.name = "Prateek".into();
    message.sender.profile_image = "https://cdn.example/p.jpg".into();
    message.content = Content::AgentJoined {
        team_name: "Support".into(),
        notice: "Prateek has entered the Conversation".into(),
    };
    let parts = parts(&message);
    block_kit::validate(&parts);
    let body = &parts[0].body;
    assert_eq!(
        body["text"],
        "*Prateek* (Support) has joined the conversation."
    );
    let elements = &body["blocks"][0]["elements"];
    assert_eq!(
        (&elements[0]["image_url"], &elements[0]["alt_text"]),
        (&json!("https://cdn.example/p.jpg"), &json!("Prateek"))
    );
    let simple = parts[0].simpler(encode).expect("simpler").body;
    assert_eq!(simple["blocks"][0]["elements"][0]["type"], "mrkdwn");
}

#[test]
fn joining_and_completing_are_notices() {
    let render = |sender: &str, content: Content| {
        let mut message = outgoing(json!({}));
        message.sender.name = sender.to_owned();
        message.content = content;
        let parts = parts(&message);
        block_kit::validate(&parts);
        parts
            .first()
            .map(|part| part.body["text"].as_str().expect("a text").to_owned())
    };
    let joined = |team: &str, notice: &str| Content::AgentJoined {
        team_name: team.into(),
        notice: notice.into(),
    };
    let complete = |by: &str, notice: &str| Content::ConversationComplete {
        completed_by: by.into(),
        notice: notice.into(),
        data: Value::Null,
    };
    assert_eq!(
        render("", joined("", "P has entered")).as_deref(),
        Some("P has entered")
    );
    assert_eq!(
        render("P", joined("", "P has entered")).as_deref(),
        Some("*P* has joined the conversation.")
    );
    assert_eq!(
        render("P", joined("Help", "")).as_deref(),
        Some("*P* (Help) has joined the conversation.")
    );
    assert_eq!(
        render("", joined("", " ")).as_deref(),
        Some("An agent has joined the conversation.")
    );
    assert_eq!(
        render("", complete("agent", "")).as_deref(),
        Some("This conversation is complete.")
    );
    assert_eq!(render("", complete("bot", "Bye")).as_deref(), Some("Bye"));
    assert_eq!(render("", complete("bot", "")), None);
}

#[test]
fn forty_thousand_characters_arrive_whole_in_several_messages() {
    let words: Vec<String> = (0..7_000).map(|number| format!("w{number}&")).collect();
    let parts = render(json!({"text": words.join(" "), "type": "TEXT", "data": {}}));
    assert!(parts.len() > 10);
    let joined = texts(&parts).join(" ").replace("&amp;", "&");
    assert_eq!(joined.split(' ').collect::<Vec<_>>(), words);
    let places: Vec<usize> = parts.iter().map(|part| part.index).collect();
    assert_eq!(places, (0..parts.len()).collect::<Vec<_>>());
}

#[test]
fn sixty_buttons_are_all_there_in_order() {
    let items: Vec<Value> = (0..60)
        .map(|number| json!({"actionable_text": format!("B{number}"), "is_default": 1}))
        .collect();
    let parts = render(json!({"text": "Choose", "type": "BUTTON", "data": {"items": items}}));
    let expected: Vec<String> = (0..60).map(|number| format!("B{number}")).collect();
    assert_eq!(labels(&parts), expected);
    assert_eq!(parts.len(), 1);
}

#[test]
fn thirty_cards_are_all_there_within_fifty_blocks_a_message() {
    let items: Vec<Value> = (0..30)
        .map(|number| {
            json!({
                "title": format!("Card{number}"),
                "thumbnail": {"image": "https://a.example/a.png"},
                "actionables": [{"actionable_text": format!("B{number}")}],
            })
        })
        .collect();
    let raw = json!({"text": "Cards", "type": "CAROUSEL", "data": {"items": items}});
    let carousels = render(raw.clone());
    for part in &carousels {
        let blocks = part.body["blocks"].as_array().expect("blocks");
        assert_eq!(blocks.last().expect("one")["type"], "carousel");
        // Where Slack does not take them so, they fit below each other.
        let simpler = part.simpler(encode).expect("a simpler form");
        let count = simpler.body["blocks"].as_array().expect("blocks").len();
        assert!((30..=50).contains(&count), "{count} blocks");
    }
    assert_eq!((carousels.len(), labels(&carousels).len()), (3, 30));
    let below_each_other = Style {
        carousels: false,
        ..Style::default()
    };
    let parts = super::parts(&outgoing(raw), below_each_other);
    block_kit::validate(&parts);
    assert_eq!(labels(&parts), labels(&carousels));
    let all = texts(&parts).join("\n");
    assert_eq!(all.matches("*Card").count(), 30);
    for part in &parts {
        let blocks = part.body["blocks"].as_array().expect("blocks");
        // A card is not torn apart.
        assert_eq!(blocks.last().expect("one")["type"], "actions");
    }
}

#[test]
fn a_link_carries_what_it_says_where_the_connection_lets_it() {
    let raw = json!({"type": "BUTTON", "data": {"items": [
        {"actionable_text": "Pay{x}", "uri": "LINK", "payload": {"url": "www.a.example/?a=1&amp;b=2", "message": "Paid{y}"}},
        {"actionable_text": "Read", "uri": "LINK", "payload": {"url": "a.example/help"}},
        {"actionable_text": "Share", "type": "SHARE", "payload": {"message": "A **tip**{z}"}},
    ]}});
    let parts = render(raw.clone());
    assert_eq!(labels(&parts), ["Pay", "Read"]);
    let [pay, read] = buttons(&parts)[..] else {
        panic!("two buttons")
    };
    assert_eq!(pay["url"], "https://www.a.example/?a=1&b=2");
    assert_eq!(pay["value"], r#"{"m":"Paid{y}"}"#);
    assert_eq!(read["url"], "https://a.example/help");
    assert_eq!(read.get("value"), None);
    // Nobody says what is to be shared: there is no app here that would share it.
    assert!(texts(&parts)[0].contains("Share: A *tip*"));
    let quiet = Style {
        link_says: false,
        ..Style::default()
    };
    let parts = super::parts(&outgoing(raw), quiet);
    assert!(
        buttons(&parts)
            .iter()
            .all(|button| button.get("value").is_none())
    );
}

#[test]
fn a_label_is_cut_after_a_whole_character_and_has_no_markup() {
    let flag = format!("{}🇮🇳 India", "x".repeat(72));
    let raw = json!({"data": {"quick_replies": [{"actionable_text": flag}, {"actionable_text": "**Yes** [a](https://a.example)"}]}});
    let parts = render(raw);
    assert_eq!(
        labels(&parts),
        [format!("{}…", "x".repeat(72)), "Yes a".to_owned()]
    );
}

#[test]
fn a_style_is_not_cut_open() {
    let text = format!(
        "{}**please do not share this code with anybody** end",
        "word ".repeat(792)
    );
    let parts = render(json!({ "text": text }));
    assert!(parts.len() > 1);
    for text in texts(&parts) {
        assert_eq!(text.matches('*').count() % 2, 0, "{text}");
    }
}

#[test]
fn a_detail_has_its_buttons_and_its_cards() {
    let card = json!({"title": "Card", "actionables": [{"actionable_text": "On it"}]});
    let raw = json!({"type": "BUTTON", "data": {"items": [
        {"actionable_text": "More", "uri": "CAROUSEL_DETAIL", "payload": {"title": "T", "actionables": [{"actionable_text": "Inner"}]}},
        {"actionable_text": "All", "uri": "CAROUSEL_DEFAULT", "payload": {"items": [card]}},
        {"actionable_text": "Last"},
    ]}});
    let parts = render(raw);
    assert_eq!(labels(&parts), ["Inner", "On it", "Last"]);
    let ids: Vec<&Value> = buttons(&parts)
        .into_iter()
        .map(|one| &one["action_id"])
        .collect();
    assert_eq!(ids, ["say-1", "say-3", "say-4"]);
}

#[test]
fn a_tap_carries_its_message_or_where_to_find_it() {
    let long = "x".repeat(3_000);
    let parts = render(json!({"type": "BUTTON", "data": {"items": [
        {"actionable_text": "Short", "payload": {"message": "Hi{task}", "gogo_message": "go"}},
        {"actionable_text": "Long", "payload": {"message": long}},
    ]}}));
    let taps: Vec<Tap> = buttons(&parts)
        .into_iter()
        .map(|button| Tap::read(button["value"].as_str().expect("a value")).expect("ours"))
        .collect();
    assert_eq!(
        taps,
        [
            Tap::Say {
                message: "Hi{task}".into(),
                gogo_message: "go".into()
            },
            Tap::Offered {
                auth_id: "0123456789abcdef0123456789abcdef".into(),
                key: "00000000000001982371#message".into(),
                index: 1,
            },
        ]
    );
}

#[test]
fn what_slack_has_no_button_for_is_a_line_of_text() {
    let action = |uri: &str, payload: Value| json!({"actionable_text": "Go", "type": "APP_ACTION", "uri": uri, "payload": payload});
    let parts = render(json!({"text": "", "type": "BUTTON", "data": {"items": [
        action("CALL", json!({"phone": "+91 (12) 34"})),
        action("CALL", json!({"phone": "*123#"})),
        action("SEND_LOCATION", json!({})),
        action("IMAGE_UPLOAD", json!({})),
        action("LINK", json!({"url": format!("https://a.example/{}", "x".repeat(4_000))})),
    ]}}));
    let all = texts(&parts).join("\n");
    for expected in [
        "📞 Go: <tel:+911234|+91 (12) 34>",
        "📞 Go: <tel:*123%23|*123#>",
        "📍 Go\n",
        "📎 Go\n",
        "Go:\nhttps://a.example/xxx",
    ] {
        assert!(all.contains(expected), "{expected} in {all}");
    }
    assert_eq!(buttons(&parts).len(), 0);
}

#[test]
fn a_rating_has_five_buttons() {
    let parts = render(
        json!({"text": "Bye", "type": "TEXT", "data": {"quick_replies": [
            {"actionable_text": "Rate us", "type": "APP_FEEDBACK", "payload": {}},
            {"actionable_text": "Later"},
        ]}}),
    );
    assert_eq!(labels(&parts), ["1 ★", "2 ★", "3 ★", "4 ★", "5 ★", "Later"]);
    assert_eq!(
        parts[0].body["text"],
        "Bye\nRate us\nChoose: 1 ★ · 2 ★ · 3 ★ · 4 ★ · 5 ★\nChoose: Later"
    );
    // A remark goes along with the rating of the same number.
    let blocks = parts[0].body["blocks"].as_array().expect("blocks").clone();
    let id = |kind: &str| {
        let mut ids = blocks.iter().filter_map(|block| block["block_id"].as_str());
        ids.find_map(|id| id.strip_prefix(kind))
            .map(ToOwned::to_owned)
    };
    assert!(id("remark-").is_some() && id("remark-") == id("rating-"));
}

#[test]
fn a_message_of_buttons_alone_says_what_can_be_chosen() {
    let parts = render(
        json!({"type": "BUTTON", "data": {"items": [{"actionable_text": "A & B"}, {"actionable_text": "C"}]}}),
    );
    assert_eq!(texts(&parts), ["Choose: A &amp; B · C"]);
}

#[test]
fn pictures_that_slack_cannot_show_are_links() {
    let card = |image: &str| json!({"title": "T", "thumbnail": {"image": image}});
    let parts = render(json!({"type": "CAROUSEL", "data": {"items": [
        card("https://a.example/a.svg"),
        card("https://cdn.example/film.MP4?x=1"),
        card("not a url"),
        card("ftp://a.example/a.png"),
        card(&format!("https://a.example/{}.png", "x".repeat(3_500))),
        card("https://a.example/a.png"),
        card("https://player.vimeo.com/video/1"),
    ]}}));
    let blocks = parts
        .iter()
        .filter_map(|part| part.body["blocks"].as_array())
        .flatten();
    assert_eq!(blocks.filter(|block| block["type"] == "image").count(), 1);
    let all = texts(&parts).join("\n");
    for expected in [
        "🔗 <https://a.example/a.svg|T>",
        "▶ <https://cdn.example/film.MP4?x=1|Watch the video>",
        "not a url",
        "ftp://a.example/a.png",
        "vimeo",
    ] {
        assert!(all.contains(expected), "{expected} in {all}");
    }
}
