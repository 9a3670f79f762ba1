//! Pictures and documents, both ways, and cards with pictures.

use std::time::Duration;

use haptik_bridge_simulator::{Reply, UserMessage};
use haptik_bridge_tests::fake_telegram::SentMessage;
use haptik_bridge_tests::faults::{Calls, Fault};
use haptik_bridge_tests::provider::FakeProvider as _;
use serde_json::json;

use super::{ASHA, Scene, echo, reasons, say};

#[tokio::test]
async fn photos_and_documents_reach_haptik_with_their_captions_once() -> anyhow::Result<()> {
    let scene = Scene::with(|_: &UserMessage| Vec::new()).await?;
    let telegram = &scene.telegram;
    let photo = telegram.add_photo("a large photo");
    let bill = telegram.add_document("bill.pdf", "application/pdf", "PDF", None);
    let large = telegram.add_document("all.pdf", "application/pdf", "…", Some(21 << 20));
    scene
        .update(&telegram.said(&SentMessage::new(ASHA, "It came broken").with_file(&photo)))
        .await?;
    scene
        .update(&telegram.said(&SentMessage::new(ASHA, "").with_file(&bill)))
        .await?;
    scene
        .update(&telegram.said(&SentMessage::new(ASHA, "").with_file(&large)))
        .await?;
    let told = scene.told(2).await?;
    assert_eq!(told, ["It came broken", "📎 all.pdf"]);
    scene.stage.simulator().records(|seen| {
        let files: Vec<_> = seen
            .files
            .iter()
            .map(|file| (file.name.clone(), file.size))
            .collect();
        assert_eq!(
            files,
            [("photo.jpg".to_owned(), 13), ("bill.pdf".to_owned(), 3)]
        );
    });
    let shown = telegram.wait_for_messages(ASHA, 1).await;
    assert!(shown[0].text.contains("larger than 10 MB"), "{shown:?}");
    scene.finish().await
}

#[tokio::test]
async fn pictures_cards_and_documents_are_shown_and_what_cannot_be_loaded_is_a_link()
-> anyhow::Result<()> {
    let bot = |message: &UserMessage| {
        let card = |url: &str| json!({"title": "Blue", "sub_title": "In stock", "thumbnail": {"image": url}, "actionables": [say("Buy", "Buy it")]});
        let file = |url: &str| json!({"thumbnail": {"image": url}});
        let item = match message.text.as_str() {
            "card" => card("https://pictures.example/blue.png"),
            "gone" => card("https://pictures.example/gone.png"),
            _ => file("https://files.example/bill.pdf"),
        };
        vec![Reply::Hsl(
            json!({"text": "", "type": "CAROUSEL", "data": {"items": [item]}}),
        )]
    };
    let scene = Scene::with(bot).await?;
    let telegram = &scene.telegram;
    telegram.refuse_url(
        "https://pictures.example/gone.png",
        "wrong type of the web page content",
    );
    scene.says(ASHA, "card").await?;
    let shown = telegram.wait_for_messages(ASHA, 1).await;
    assert_eq!(
        shown[0].photo.as_deref(),
        Some("https://pictures.example/blue.png")
    );
    assert!(shown[0].text.contains("Blue") && shown[0].text.contains("In stock"));
    assert_eq!(shown[0].buttons(), ["Buy"]);
    scene.says(ASHA, "gone").await?;
    let shown = telegram.wait_for_messages(ASHA, 2).await;
    assert_eq!(shown[1].photo, None);
    assert!(
        shown[1]
            .links()
            .iter()
            .any(|(_, url)| url == "https://pictures.example/gone.png")
    );
    assert_eq!(shown[1].buttons(), ["Buy"]);
    scene.says(ASHA, "bill").await?;
    let shown = telegram.wait_for_messages(ASHA, 3).await;
    assert_eq!(
        shown[2].document.as_deref(),
        Some("https://files.example/bill.pdf")
    );
    let dead = scene.stage.finish_with_dead().await?;
    assert!(dead.is_empty(), "{:?}", reasons(&dead));
    assert_eq!(telegram.refusals().len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_file_that_is_unavailable_for_a_while_reaches_haptik_all_the_same() -> anyhow::Result<()>
{
    let scene = Scene::with(echo).await?;
    let faults = scene.telegram.server().faults();
    let words = "wrong file_id or the file is temporarily unavailable";
    let unavailable = Fault::Refused(format!("400 Bad Request: {words}"));
    faults.add(Calls::to("/getFile"), 1, unavailable);
    let user = ASHA.to_string();
    let request = scene
        .telegram
        .attach(&user, "bill.pdf", "application/pdf", b"%PDF-1.4")
        .expect("a file");
    scene.stage.takes(&request).await?;
    assert!(scene.stage.local.queue.idle(Duration::from_secs(30)).await);
    let files = scene.stage.simulator().records(|seen| seen.files.len());
    assert_eq!(files, 1);
    scene.telegram.wait_for_messages(ASHA, 1).await;
    scene.finish().await
}
