use haptik_bridge_channels::limits::{Counted, Forms, Limits, Pace, Pictures, Shape, Size};
use haptik_bridge_channels::render::Markup;
use haptik_bridge_shared::message::hsl::Hsl;
use haptik_bridge_shared::message::{Address, Content, Outgoing, Sender};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// A provider that takes texts and nothing else.
const TEXTS: Limits = Limits {
    text: Size::utf16(1_600),
    counted: Counted::AsSent,
    markup: Markup::Plain,
    shape: Shape::Bubble,
    address: Size::utf16(2_000),
    buttons: None,
    menu: None,
    cards: None,
    pictures: Pictures::LinkOnly,
    forms: Forms::Chat,
    notices: false,
    agent_identity: None,
    pace: Pace::FREE,
    reply_window: None,
};

fn user() -> User {
    User::new("a1".into(), "c".into(), "u".into(), Address(Value::Null))
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

fn parts(raw: Value) -> Vec<Part> {
    let outgoing = Outgoing {
        key: "k".into(),
        auth_id: "a1".into(),
        user: "u".into(),
        at: at(0),
        received_at: at(0),
        sender: Sender::default(),
        message_id: None,
        in_reply_to: None,
        handoff: None,
        content: Content::Message {
            hsl: Hsl::read(&raw),
            raw,
        },
    };
    Part::of_pages(&outgoing, &TEXTS, |_| Value::Null)
}

fn quick_replies(labels: &[&str]) -> Value {
    let replies = labels.iter().map(|label| json!({"actionable_text": label}));
    json!({"text": "Well?", "data": {"quick_replies": replies.collect::<Vec<_>>()}})
}

/// What the delivery of a message notes.
fn show(user: &mut User, key: &str, received_at: Timestamp, raw: Value) {
    let mut offering = Offering::of(user, &key.into(), received_at);
    for part in parts(raw) {
        if offering.add(&part) {
            user.offer = Some(offering.offer.clone());
        }
    }
    if !offering.has_choices
        && let Some(ended) = ended_by_message(user, received_at)
    {
        user.offer = Some(ended);
    }
}

/// What the delivery of a user's text notes, and which choice it makes.
fn says(user: &mut User, key: &str, received_at: Timestamp, text: Option<&str>) -> Option<usize> {
    let end = ended_by_user(user, &key.into(), received_at, text)?;
    user.offer_end = Some(end.clone());
    end.chosen.map(|chosen| chosen.index)
}

#[test]
fn ratings_are_chosen_by_their_numbers() {
    let mut user = user();
    let rating = json!({"actionable_text": "Rate", "type": "APP_FEEDBACK", "payload": {}});
    let raw = json!({"text": "Well?", "type": "BUTTON", "data": {"items": [rating]}});
    show(&mut user, "1", at(1), raw);
    let end = ended_by_user(&user, &"2".into(), at(2), Some("4")).expect("it is ended");
    let chosen = end.chosen.expect("a choice");
    assert_eq!((chosen.index, chosen.rating), (0, Some(4)));
}

#[test]
fn an_offer_is_of_all_parts_that_are_in_the_channel() {
    let cards = (0..40).map(|card| {
        let text = "x".repeat(60);
        json!({"title": format!("Card {card}"), "description": text, "actionables": [{"actionable_text": format!("B{card}")}]})
    });
    let raw = json!({"text": "", "type": "CAROUSEL", "data": {"items": cards.collect::<Vec<_>>()}});
    let parts = parts(raw.clone());
    assert!(parts.len() > 1, "{} parts", parts.len());
    let mut user = user();
    show(&mut user, "1", at(1), raw.clone());
    // A try that was killed did all of it before.
    show(&mut user, "1", at(1), raw);
    let offer = user.offer.clone().expect("an offer");
    let numbers: Vec<usize> = offer.choices.iter().map(|choice| choice.number).collect();
    assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
    assert_eq!(says(&mut user, "2", at(2), Some("1")), Some(0));
    // One that comes back after its first part knows what that offered.
    let mut offering = Offering::of(&user, &"1".into(), at(1));
    assert!(offering.add(&parts[1]));
    assert_eq!(offering.offer.choices[..2], offer.choices[..2]);
}

/// What happens in a conversation.
#[derive(Debug, Clone)]
enum Event {
    Offers(usize),
    Tells,
    Says(&'static str),
    Attaches,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => (1..4_usize).prop_map(Event::Offers),
        2 => Just(Event::Tells),
        4 => prop::sample::select(vec!["1", " 2.", "3", "4", "b1", "B2", "hello", "1 please"])
            .prop_map(Event::Says),
        1 => Just(Event::Attaches),
    ]
}

/// What the rules say, in so many words: what each event of the user's chooses. What the user says in the moment in which
/// a message ends the offer still answers it: nobody has seen that message by then.
fn by_the_rules(events: &[(i64, Event)]) -> Vec<Option<usize>> {
    let mut offer: Option<(i64, usize)> = None;
    let mut ended = None;
    let mut chosen = Vec::new();
    for (now, event) in events {
        match event {
            Event::Offers(count) => (offer, ended) = (Some((*now, *count)), None),
            Event::Tells if offer.is_some_and(|(since, _)| now - since > 60) => {
                ended = ended.or(Some(*now));
            }
            Event::Tells => {}
            Event::Attaches => {
                offer = None;
                chosen.push(None);
            }
            Event::Says(text) => {
                let place = match *text {
                    "1" | "b1" => Some(0),
                    " 2." | "B2" => Some(1),
                    "3" => Some(2),
                    "4" => Some(3),
                    _ => None,
                };
                let is_open = ended.is_none_or(|ended| *now <= ended);
                let offered = offer.take_if(|_| is_open).map_or(0, |(_, count)| count);
                chosen.push(place.filter(|place| *place < offered));
            }
        }
    }
    chosen
}

proptest! {
    /// Also where a try is made again, and where what the user said is told only after later messages
    /// were shown.
    #[test]
    fn an_offer_is_answered_by_the_rules(
        events in prop::collection::vec((0..100_i64, event(), 1..4_usize, any::<bool>()), 0..30),
    ) {
        let mut now = 0;
        let mut timed = Vec::new();
        for (gap, event, tries, late) in events {
            now += gap;
            timed.push((now, event, tries, late));
        }
        let expected = by_the_rules(
            &timed.iter().map(|(now, event, ..)| (*now, event.clone())).collect::<Vec<_>>(),
        );
        let mut order: Vec<usize> = (0..timed.len()).collect();
        for place in 1..order.len() {
            let (first, second) = (&timed[order[place - 1]], &timed[order[place]]);
            if first.3 && matches!((&first.1, &second.1), (Event::Says(_) | Event::Attaches, Event::Tells))
                && first.0 < second.0
            {
                order.swap(place - 1, place);
            }
        }
        let mut user = user();
        let mut chosen = Vec::new();
        for place in order {
            let (now, event, tries, _) = &timed[place];
            let key = format!("{place:03}");
            let mut results = Vec::new();
            for _ in 0..*tries {
                match event {
                    Event::Offers(count) => {
                        let labels = &["B1", "B2", "B3"][..*count];
                        show(&mut user, &key, at(*now), quick_replies(labels));
                    }
                    Event::Tells => show(&mut user, &key, at(*now), json!({"text": "So."})),
                    Event::Says(text) => results.push(says(&mut user, &key, at(*now), Some(text))),
                    Event::Attaches => results.push(says(&mut user, &key, at(*now), None)),
                }
            }
            results.dedup();
            prop_assert!(results.len() <= 1, "tries decide differently: {results:?}");
            chosen.extend(results);
        }
        prop_assert_eq!(chosen, expected);
    }
}
