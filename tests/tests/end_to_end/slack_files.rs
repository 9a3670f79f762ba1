//! Files that people send: what reaches Haptik, as what, and what is said of the others.

use std::time::Duration;

use haptik_bridge_simulator::UserMessage;
use haptik_bridge_tests::Stage;
use serde_json::{Value, json};

const ASHA: &str = "U00000ASHA";

/// Sends files in one message and waits until Haptik was told of each, as a file or as a line.
async fn shared(stage: &Stage, files: &[Value]) -> anyhow::Result<()> {
    let channel = stage.slack.dm_channel(ASHA);
    let event = stage.slack.file_share(&channel, ASHA, "", files);
    stage.slack_sends(&event).await;
    stage
        .simulator()
        .wait_until(Duration::from_secs(20), |seen| {
            seen.files.len() + seen.messages.len() == files.len()
        })
        .await?;
    Ok(())
}

#[tokio::test]
async fn a_file_is_an_image_or_a_document_by_its_name_else_by_its_type() -> anyhow::Result<()> {
    let stage = Stage::with_bot(|_: &UserMessage| Vec::new()).await?;
    let expected = [
        ("photo.png", "image/png", "photo.png", 1),
        ("PHOTO.JPEG", "image/jpeg", "PHOTO.JPEG", 1),
        ("bill.pdf", "application/pdf", "bill.pdf", 52),
        // Slack names what is pasted without an extension.
        ("image from iOS", "image/jpeg", "image from iOS.jpg", 1),
        (
            "report",
            "application/pdf; charset=binary",
            "report.pdf",
            52,
        ),
        ("renamed.png", "application/octet-stream", "renamed.png", 1),
        ("photo.webp", "image/png", "photo.webp.png", 1),
        ("table.csv", "text/plain", "table.csv", 52),
        (
            "we\"ird; ñäme\\ (1) 📎\r\n.pdf",
            "application/pdf",
            "we_ird; ñäme_ (1) 📎.pdf",
            52,
        ),
    ];
    let files: Vec<Value> = expected
        .iter()
        .map(|(name, kind, ..)| stage.slack.add_file(name, kind, vec![7_u8; 100]))
        .collect();
    shared(&stage, &files).await?;
    let seen: Vec<_> = stage.simulator().records(|seen| {
        let files = seen.files.iter();
        files
            .map(|file| (file.name.clone(), file.message_type, file.size))
            .collect()
    });
    assert_eq!(seen.len(), expected.len(), "{seen:?}");
    for ((.., name, kind), (seen_name, seen_kind, size)) in expected.iter().zip(&seen) {
        assert_eq!((seen_kind, *size), (kind, 100), "{seen_name}");
        assert_eq!(seen_name, name);
    }
    stage.finish().await
}

#[tokio::test]
async fn what_haptik_does_not_take_is_named_to_the_agent_and_the_user() -> anyhow::Result<()> {
    let stage = Stage::with_bot(|_: &UserMessage| Vec::new()).await?;
    let add = |name: &str, kind: &str, size| stage.slack.add_file(name, kind, vec![7_u8; size]);
    let deleted = add("gone.png", "image/png", 10);
    stage.slack.delete_file(&deleted);
    let mut external = add("Plan.pdf", "application/pdf", 10);
    external["is_external"] = json!(true);
    external["url_private"] = json!("https://drive.example/plan");
    external["url_private_download"] = Value::Null;
    let files = [
        add("tool.exe", "application/octet-stream", 10),
        add("voice.m4a", "audio/mp4", 10),
        add("snippet.txt", "text/plain", 10),
        add("A canvas", "application/vnd.slack-docs", 10),
        add("large.png", "image/png", 11 * 1024 * 1024),
        deleted,
        external,
        json!({"id": "F0TOMBSTONE", "mode": "tombstone"}),
    ];
    shared(&stage, &files).await?;
    let channel = stage.slack.dm_channel(ASHA);
    let taken = "Pictures (jpg, png, gif) and documents";
    for notice in [
        format!("“tool.exe” could not be passed on. {taken}"),
        format!("“voice.m4a” could not be passed on. {taken}"),
        format!("“snippet.txt” could not be passed on. {taken}"),
        format!("“A canvas” could not be passed on. {taken}"),
        "“large.png” could not be passed on: it is larger than 10 MB".to_owned(),
        "“gone.png” could not be passed on: it could not be opened".to_owned(),
        "“Plan.pdf” could not be passed on: it could not be opened".to_owned(),
        "The file could not be passed on: it could not be opened".to_owned(),
    ] {
        stage.slack.wait_for_text(&channel, &notice).await;
    }
    let told: Vec<String> = stage.simulator().records(|seen| {
        assert_eq!(seen.files.len(), 0);
        seen.messages.iter().map(|said| said.text.clone()).collect()
    });
    let begins = [
        "📎 tool.exe (",
        "📎 voice.m4a (",
        "📎 snippet.txt (",
        "📎 A canvas (",
        "📎 large.png (",
        "📎 gone.png (",
        "📎 Plan.pdf (https://drive.example/plan)",
        "📎 a file",
    ];
    for (line, begin) in told.iter().zip(begins) {
        assert!(line.starts_with(begin), "{line}");
    }
    let refused = stage.slack.take_refusals();
    assert!(
        refused
            .iter()
            .all(|refusal| refusal.error == "file_not_found"),
        "{refused:?}"
    );
    stage.finish().await
}
