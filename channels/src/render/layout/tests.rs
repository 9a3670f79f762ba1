use serde_json::{Value, json};

use super::*;
use crate::callback;
use crate::limits::Buttons;
use crate::render::{Markup, Targets};

mod any;
mod providers;

use providers::{BUTTONS, SMS, WITH_A_MENU, WORKPLACE};

pub(in crate::render) use any::check;
pub(in crate::render) use providers::{MESSENGER, WITH_CARDS};

pub(in crate::render) fn outgoing(raw: Value) -> Outgoing {
    Outgoing {
        key: "00000000000001982371#message".into(),
        auth_id: "0123456789abcdef0123456789abcdef".into(),
        user: "U1".into(),
        at: jiff::Timestamp::UNIX_EPOCH,
        received_at: jiff::Timestamp::UNIX_EPOCH,
        sender: Sender::default(),
        message_id: None,
        in_reply_to: None,
        handoff: None,
        content: Content::Message {
            hsl: Hsl::read(&raw),
            raw,
        },
    }
}

/// What each page of a message shows, a line for each of its parts.
pub(in crate::render) fn shown(pages: &[Page]) -> Vec<String> {
    pages.iter().map(described).collect()
}

fn described(page: &Page) -> String {
    let labels = |buttons: &[Button]| -> String {
        let label = |button: &Button| match &button.target {
            Target::Callback { .. } => button.label.clone(),
            Target::Url(url) => format!("{} → {url}", button.label),
            Target::Phone(number) => format!("{} ☎ {number}", button.label),
        };
        buttons.iter().map(label).collect::<Vec<_>>().join(", ")
    };
    let mut lines = Vec::new();
    if let Some(picture) = page.picture() {
        lines.push(format!("[{} | {}]", picture.url, picture.alt));
    }
    let text = page.text(Markup::Plain);
    if !text.is_empty() {
        lines.push(text);
    }
    for block in &page.blocks {
        let cards = match block {
            Block::Card(card) => std::slice::from_ref(card),
            Block::Carousel(cards) => cards,
            _ => &[],
        };
        for card in cards {
            let texts: Vec<String> = card.texts().map(|text| Markup::Plain.print(text)).collect();
            lines.push(format!(
                "card {}: {}",
                texts.join(" / "),
                labels(&card.buttons)
            ));
        }
    }
    for targets in page.choices() {
        match targets {
            Targets::Buttons(role, buttons) => lines.push(format!("{role:?}: {}", labels(buttons))),
            Targets::Menu(_, open, rows) => lines.push(format!("{open} >> {}", labels(rows))),
            // They are in the text.
            Targets::Numbered(..) => {}
        }
    }
    lines.join("\n")
}

fn of(limits: &Limits, raw: Value) -> Vec<String> {
    let pages = pages(&outgoing(raw), limits);
    for (index, page) in pages.iter().enumerate() {
        assert_eq!(page.index, index);
        assert!(!page.fallback.trim().is_empty());
    }
    shown(&pages)
}

fn says(label: &str) -> Value {
    json!({"actionable_text": label, "payload": {"message": label}})
}

fn opens(label: &str) -> Value {
    json!({"actionable_text": label, "type": "APP_ACTION", "uri": "LINK", "payload": {"url": "https://a.example"}})
}

fn buttons(labels: &[&str]) -> Value {
    let items: Vec<Value> = labels.iter().map(|label| says(label)).collect();
    json!({"text": "Which?", "type": "BUTTON", "data": {"items": items}})
}

#[test]
fn buttons_become_a_menu_and_a_menu_numbers() {
    let (few, some) = (["A", "B"], ["A", "B", "C", "D"]);
    let many: Vec<String> = (1..=11).map(|number| format!("L{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(of(&WITH_A_MENU, buttons(&few)), ["Which?\nButtons: A, B"]);
    assert_eq!(
        of(&WITH_A_MENU, buttons(&some)),
        ["Which?\nChoose >> A, B, C, D"]
    );
    let numbered =
        "Which?\n\n1. L1\n2. L2\n3. L3\n4. L4\n5. L5\n6. L6\n7. L7\n8. L8\n9. L9\n10. L10\n11. L11";
    assert_eq!(of(&WITH_A_MENU, buttons(&many)), [numbered]);
    assert_eq!(of(&SMS, buttons(&few)), ["Which?\n\n1. A\n2. B"]);
}

#[test]
fn a_button_that_opens_something_is_a_line_where_buttons_do_not() {
    let raw =
        json!({"text": "See", "type": "BUTTON", "data": {"items": [opens("Site"), says("Yes")]}});
    assert_eq!(
        of(&MESSENGER, raw.clone()),
        ["See\nButtons: Site → https://a.example, Yes"]
    );
    assert_eq!(
        of(&WITH_A_MENU, raw.clone()),
        ["See\n\nSite: https://a.example\nButtons: Yes"]
    );
    assert_eq!(of(&SMS, raw), ["See\n\nSite: https://a.example\n\n1. Yes"]);
    let call = json!({"actionable_text": "Call", "uri": "CALL", "payload": {"phone": "+91 12"}});
    let raw = json!({"type": "BUTTON", "data": {"items": [call]}});
    assert_eq!(of(&MESSENGER, raw.clone()), ["📞 Call: +91 12"]);
    let phones = Limits {
        buttons: Some(Buttons {
            url_taps: true,
            phones: true,
            ..BUTTONS
        }),
        ..MESSENGER
    };
    assert_eq!(of(&phones, raw), ["Choose:\nButtons: Call ☎ +9112"]);
}

fn carousel() -> Value {
    let card = |title: &str, label: &str| {
        json!({
            "title": title,
            "description": "About it",
            "thumbnail": {"image": "https://a.example/a.png"},
            "actionables": [says(label)],
        })
    };
    json!({"text": "Cards", "type": "CAROUSEL", "data": {"items": [card("One", "A"), card("Two", "B")]}})
}

#[test]
fn a_carousel_becomes_cards_below_each_other_and_these_texts_with_buttons() {
    assert_eq!(
        of(&WITH_CARDS, carousel()),
        ["Cards", "card One / About it: A\ncard Two / About it: B"]
    );
    assert_eq!(
        of(&MESSENGER, carousel()),
        [
            "Cards",
            "[https://a.example/a.png | One]\nOne\nAbout it\nButtons: A",
            "[https://a.example/a.png | Two]\nTwo\nAbout it\nButtons: B",
        ]
    );
    // The numbers run on through all cards.
    let linked = |title: &str| format!("🔗 {title} (https://a.example/a.png)\n\n{title}\nAbout it");
    let (one, two) = (linked("One"), linked("Two"));
    let pages = of(&SMS, carousel());
    assert_eq!(
        pages.join("\n\n"),
        format!("Cards\n\n{one}\n\n1. A\n\n{two}\n\n2. B")
    );
    // A card that is too much for the provider's own.
    let mut long = carousel();
    long["data"]["items"][1]["description"] = "x".repeat(61).into();
    assert_eq!(of(&WITH_CARDS, long).len(), 3);
}

#[test]
fn a_text_that_is_too_long_for_a_caption_follows_its_picture() {
    let mut raw = carousel();
    raw["data"]["items"][0]["description"] = "word ".repeat(300).trim_end().into();
    let pages = of(&MESSENGER, raw);
    assert_eq!(pages.len(), 4);
    assert_eq!(pages[1], "[https://a.example/a.png | One]");
    assert!(pages[2].ends_with("word\nButtons: A"));
}

#[test]
fn a_form_is_filled_in_where_it_is_or_asked_in_the_chat() {
    let raw = json!({"type": "FORM", "title": "Address", "data": {"fields": [{"hint": "Name"}, {"hint": "City"}]}});
    let pages = pages(&outgoing(raw.clone()), &WORKPLACE);
    assert!(matches!(
        pages[0].blocks.as_slice(),
        [Block::Text(_), Block::Form { id: 0, form, button }]
            if form.fields.len() == 2 && button.label == "Send"
    ));
    // The questions follow as messages of their own.
    let asked =
        "Address\n\nPlease answer 2 questions, one after the other. /cancel leaves the form.";
    assert_eq!(of(&MESSENGER, raw.clone()), [asked]);
    let modal = Limits {
        forms: Forms::Modal { fits: |_| true },
        ..MESSENGER
    };
    let modal = of(&modal, raw.clone());
    assert_eq!(
        modal,
        ["Address\n\n• Name\n• City\nButtons: Fill in the form"]
    );
    let too_large = Limits {
        forms: Forms::Modal { fits: |_| false },
        ..MESSENGER
    };
    assert_eq!(of(&too_large, raw), [asked]);
}

#[test]
fn an_agents_name_is_above_the_text_or_beside_the_message() {
    let mut message = outgoing(json!({"text": "Hello"}));
    message.sender = Sender {
        kind: SenderKind::Agent,
        name: "Prateek".into(),
        profile_image: "https://a.example/p.png".into(),
    };
    assert_eq!(shown(&pages(&message, &MESSENGER)), ["Prateek\nHello"]);
    let own = pages(&message, &WORKPLACE);
    let sender = own[0].sender.as_ref().expect("a name of their own");
    assert_eq!((sender.name.as_str(), own.len()), ("Prateek", 1));
    assert_eq!(shown(&own), ["Hello"]);
    message.content = outgoing(carousel()).content;
    let Content::Message { hsl, .. } = &mut message.content else {
        panic!("a message")
    };
    hsl.text.clear();
    let pages = shown(&pages(&message, &MESSENGER));
    assert!(
        pages[0].ends_with("One]\nPrateek\n\nOne\nAbout it\nButtons: A"),
        "{}",
        pages[0]
    );
}

#[test]
fn a_rating_has_five_answers_however_they_are_given() {
    let raw = json!({"text": "Bye", "data": {"quick_replies": [
        {"actionable_text": "Rate us", "type": "APP_FEEDBACK"}, says("Later"),
    ]}});
    assert_eq!(
        of(&MESSENGER, raw.clone()),
        [
            "Bye\n\nRate us\nRating: 1 ★, 2 ★, 3 ★, 4 ★, 5 ★",
            "Choose:\nReplies: Later",
        ]
    );
    assert_eq!(
        of(&SMS, raw),
        ["Bye\n\nRate us\n\n1. 1 ★\n2. 2 ★\n3. 3 ★\n4. 4 ★\n5. 5 ★\n\n6. Later"]
    );
}

#[test]
fn labels_that_are_cut_to_the_same_text_are_written_out() {
    let (one, two) = ("A very long label: one", "A very long label: two");
    let narrow = Limits {
        buttons: Some(Buttons {
            label: Size::chars(12),
            ..BUTTONS
        }),
        ..MESSENGER
    };
    let pages = of(&narrow, buttons(&[one, two]));
    assert_eq!(
        pages,
        [format!(
            "Which?\n\n• {one}\n• {two}\nButtons: A very long…, A very long…"
        )]
    );
    assert_eq!(
        of(&narrow, buttons(&[one, "B"]))
            .concat()
            .matches('•')
            .count(),
        0
    );
}

#[test]
fn buttons_carry_what_comes_back_as_their_tap() {
    let pages = pages(&outgoing(buttons(&["A", "B"])), &MESSENGER);
    let buttons: Vec<&Button> = pages[0].buttons().collect();
    for (index, button) in buttons.iter().enumerate() {
        let Target::Callback { data, .. } = &button.target else {
            panic!("it says something")
        };
        let tapped = callback::read(data.as_deref().expect("data")).expect("ours");
        let text = None;
        assert_eq!(tapped.meaning, callback::Meaning::Say { index, text });
        assert!(tapped.is_of(&pages[0].key) && tapped.is_for(&pages[0].auth_id));
    }
}

#[test]
fn what_has_buttons_is_numbered_through_all_pages() {
    let pages = pages(&outgoing(carousel()), &MESSENGER);
    let ids = pages.iter().flat_map(|page| &page.blocks);
    let ids = ids.filter_map(|block| match block {
        Block::Buttons { id, .. } => Some(*id),
        _ => None,
    });
    assert_eq!(ids.collect::<Vec<_>>(), [0, 1]);
}
