//! What is said and answered when nothing goes wrong.

use std::time::Duration;

use haptik_bridge_shared::message::is_blank;
use haptik_bridge_simulator::{Reply, UserMessage};
use haptik_bridge_tests::provider::Shown;
use serde_json::{Value, json};

use super::{Start, count, echo, is_answered, scene, sees};

pub(super) async fn a_message_is_answered_where_it_was_said(start: Start) -> anyhow::Result<()> {
    let stage = scene(start, echo).await?;
    let (asha, ravi) = (stage.provider.user(1), stage.provider.user(2));
    is_answered(&stage, &asha, "hello").await?;
    is_answered(&stage, &ravi, "good morning").await?;
    assert_eq!(count(&stage.provider.shown(&asha), "good morning"), 0);
    stage.haptik_was_told(2).await?;
    stage.finish().await
}

pub(super) async fn what_cannot_be_seen_is_not_said(start: Start) -> anyhow::Result<()> {
    let stage = scene(start, echo).await?;
    let user = stage.provider.user(1);
    for unseen in ["\u{200b}", "\u{2060}\u{feff}", " \u{ad}\n"] {
        let request = stage.provider.say(&user, unseen);
        let (status, answer) = stage.receives(&request).await?;
        // Where the interface is ours, who writes it is told.
        let is_told = status == 400 && answer.contains("text");
        assert!((200..300).contains(&status) || is_told, "{status} {answer}");
    }
    is_answered(&stage, &user, "hello").await?;
    stage.simulator().records(|seen| {
        for message in seen.messages.iter() {
            assert!(!is_blank(&message.text), "{message:?}");
        }
    });
    stage.finish().await
}

/// What the user says to get buttons, Haptik's message with them, and each label with what it says.
type Offer = (&'static str, Value, Vec<(String, String)>);

fn offers() -> Vec<Offer> {
    let label = |kind: &str, number: usize| format!("{kind} {number}");
    let says = |kind: &str, number: usize| format!("I take {kind} {number}{{task: {number}}}");
    let button = |kind: &str, number: usize| json!({"actionable_text": label(kind, number), "type": "TEXT_ONLY", "payload": {"message": says(kind, number), "gogo_message": ""}});
    let buttons = |kind: &str, count: usize| {
        let numbers = 1..=count;
        numbers
            .map(|number| button(kind, number))
            .collect::<Vec<_>>()
    };
    let pairs = |kind: &str, count: usize| {
        let numbers = 1..=count;
        numbers
            .map(|number| (label(kind, number), says(kind, number)))
            .collect::<Vec<_>>()
    };
    let card = |number: usize| json!({"title": format!("Card {number}"), "actionables": [button("card", number)]});
    let mut long = button("long", 1);
    let much = "x".repeat(1_500);
    long["payload"]["gogo_message"] = json!(much);
    vec![
        (
            "replies",
            json!({"text": "Well?", "type": "TEXT", "data": {"quick_replies": buttons("reply", 3)}}),
            pairs("reply", 3),
        ),
        (
            "buttons",
            json!({"text": "Well?", "type": "BUTTON", "data": {"items": buttons("button", 2)}}),
            pairs("button", 2),
        ),
        (
            "cards",
            json!({"text": "Well?", "type": "CAROUSEL", "data": {"items": [card(1), card(2)]}}),
            pairs("card", 2),
        ),
        (
            "long",
            json!({"text": "Well?", "type": "BUTTON", "data": {"items": [long]}}),
            vec![("long 1".to_owned(), much)],
        ),
    ]
}

pub(super) async fn what_a_button_says_comes_back_from_a_tap_on_it(
    start: Start,
) -> anyhow::Result<()> {
    let stage = scene(start, |message: &UserMessage| {
        let offers = offers().into_iter();
        let mut offers = offers.filter(|(name, ..)| *name == message.text);
        offers
            .next()
            .map(|(_, hsl, _)| Reply::Hsl(hsl))
            .into_iter()
            .collect::<Vec<_>>()
    })
    .await?;
    let (user, mut told) = (stage.provider.user(1), 0);
    for (name, _, buttons) in offers() {
        for (label, says) in buttons {
            let provider = &stage.provider;
            let offered = count(&provider.shown(&user), "Well?");
            stage.takes(&provider.say(&user, name)).await?;
            let new = |shown: &[Shown]| {
                // Of this answer: a message of several parts comes one after the other.
                let asked = shown.iter().rposition(|one| one.text.contains("Well?"))?;
                let last = shown[asked..]
                    .iter()
                    .rev()
                    .find(|one| one.buttons.contains(&label))?;
                (count(shown, "Well?") > offered).then(|| last.clone())
            };
            stage.shown(&user, &label, new).await?;
            let tap = provider.tap(&user, &label);
            for _ in 0..2 {
                stage.takes(&tap).await?;
            }
            told += 2;
            assert_eq!(
                stage.haptik_was_told(told).await?.last(),
                Some(&says),
                "{label}"
            );
        }
    }
    stage.finish().await
}

/// What bots write, and what must not be seen of it, on any channel.
const WRITTEN: &str = "Done{task: 1}. 这是**重要**通知<br>[[Doc] Title](https://a.example/?a=1&amp;b=2 \"T\") ***x*** \
    <b>bold &amp; big</b>\n```json\n{\"kept\": 1}\n```\n见 https://a.example/c_。谢谢";

pub(super) async fn what_is_written_is_seen_as_it_is_meant(start: Start) -> anyhow::Result<()> {
    let stage = scene(start, |_: &UserMessage| {
        vec![Reply::Hsl(
            json!({"text": WRITTEN, "type": "TEXT", "data": {}}),
        )]
    })
    .await?;
    let user = stage.provider.user(1);
    stage.takes(&stage.provider.say(&user, "hello")).await?;
    let there = |shown: &[Shown]| shown.iter().find(|one| one.text.contains("谢谢")).cloned();
    let shown = stage.shown(&user, "谢谢", there).await?;
    let links = shown
        .links
        .iter()
        .map(|(label, url)| format!("{label} {url}"));
    let all = links.fold(shown.text.clone(), |all, link| format!("{all}\n{link}"));
    for seen in [
        "Done.",
        "重要",
        "通知\n",
        "[Doc] Title",
        "kept",
        "见",
        "https://a.example/c_",
        "。谢谢",
    ] {
        assert!(all.contains(seen), "{seen} is not in {all:?}");
    }
    for unseen in [
        "task", "**", "](", "<br>", "\"T\"", "json", "amp;amp;", "{task",
    ] {
        assert!(!all.contains(unseen), "{unseen} is in {all:?}");
    }
    let is_cut = |url: &str| url.is_ascii() && !url.contains('%');
    assert!(shown.links.iter().all(|(_, url)| is_cut(url)), "{shown:?}");
    stage.finish().await
}

pub(super) async fn a_message_that_is_delivered_again_is_one_message(
    start: Start,
) -> anyhow::Result<()> {
    let stage = scene(start, echo).await?;
    let user = stage.provider.user(1);
    let request = stage.provider.say(&user, "once");
    for again in [&request, &request, &stage.provider.again(&request)] {
        stage.takes(again).await?;
    }
    sees(&stage, &user, "You said: once.", 1).await?;
    stage.takes(&stage.provider.again(&request)).await?;
    is_answered(&stage, &user, "twice").await?;
    sees(&stage, &user, "You said: once.", 1).await?;
    assert_eq!(stage.haptik_was_told(2).await?, ["once", "twice"]);
    stage.finish().await
}

pub(super) async fn own_messages_say_nothing(start: Start) -> anyhow::Result<()> {
    let stage = scene(start, echo).await?;
    let user = stage.provider.user(1);
    is_answered(&stage, &user, "one").await?;
    for own in stage.provider.own(&user) {
        stage.takes(&own).await?;
    }
    is_answered(&stage, &user, "two").await?;
    assert_eq!(stage.haptik_was_told(2).await?, ["one", "two"]);
    stage.finish().await
}

pub(super) async fn a_file_goes_both_ways(start: Start) -> anyhow::Result<()> {
    const PICTURE: &str = "https://pictures.example/hat.png";
    let stage = scene(start, |message: &UserMessage| {
        let hat = json!({"text": "A hat", "type": "CAROUSEL", "data": {"items": [
            {"title": "Hat", "thumbnail": {"image": PICTURE}},
        ]}});
        let is_asked = message.text == "show me";
        is_asked
            .then_some(Reply::Hsl(hat))
            .into_iter()
            .collect::<Vec<_>>()
    })
    .await?;
    let user = stage.provider.user(1);
    stage.takes(&stage.provider.say(&user, "show me")).await?;
    let has = |one: &Shown| {
        let links = one.links.iter().map(|(_, address)| address);
        one.files
            .iter()
            .chain(links)
            .any(|address| address == PICTURE)
            || one.text.contains(PICTURE)
    };
    stage
        .shown(&user, "the picture", |shown| {
            shown.iter().any(has).then_some(())
        })
        .await?;
    let content = [7; 2_000];
    if let Some(file) = stage
        .provider
        .attach(&user, "bill.png", "image/png", &content)
    {
        for _ in 0..2 {
            stage.takes(&file).await?;
        }
        let simulator = stage.simulator();
        let came = simulator.wait_until(Duration::from_secs(30), |seen| !seen.files.is_empty());
        came.await?;
        simulator.records(|seen| {
            let file = seen.files.last().expect("a file");
            assert_eq!((seen.files.len(), file.size), (1, 2_000), "{}", file.name);
        });
    }
    stage.finish().await
}
