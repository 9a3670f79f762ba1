//! What one person has names another who was tapped for: nothing of that is left, and nothing of it comes again.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use haptik_bridge_local::privacy::{Person, WayToForget, forget};
use haptik_bridge_shared::ids::AuthId;
use haptik_bridge_shared::table::Table;
use haptik_bridge_simulator::{Reply, UserMessage};
use haptik_bridge_tests::app::App;
use haptik_bridge_tests::fake_google_chat::FakeGoogleChat;
use haptik_bridge_tests::fake_slack::FakeSlack;
use haptik_bridge_tests::fake_teams::FakeTeams;
use haptik_bridge_tests::fake_telegram::FakeTelegram;
use haptik_bridge_tests::fake_webex::FakeWebex;
use haptik_bridge_tests::provider::{FakeProvider, Request};
use haptik_bridge_tests::{Options, Stage};
use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::scene::UNTIL_KNOWN;
use super::table::all_of;

const PATIENCE: Duration = Duration::from_mins(1);

/// Buttons, of which one says more than most providers let a button carry, to whoever asks for them.
fn menu(message: &UserMessage) -> Vec<Reply> {
    if message.text != "menu" {
        return vec![Reply::Text(format!("You said: {:.20}.", message.text))];
    }
    let button = |label: &str, says: &str| json!({"actionable_text": label, "type": "TEXT_ONLY", "payload": {"message": label, "gogo_message": says}});
    let long = "x".repeat(2_500);
    vec![Reply::Hsl(
        json!({"text": "Well?", "type": "BUTTON", "data": {"items": [button("Short", "s"), button("Long", &long)]}}),
    )]
}

/// The request of one, as if another had made it in the same room.
fn as_of(provider: &dyn FakeProvider, request: &Request, one: &str, other: &str) -> Request {
    let encoded =
        |id: &str| url::form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>();
    let body = String::from_utf8_lossy(request.body()).replace(one, other);
    let mut theirs = request.clone();
    *theirs.body_mut() = body.replace(&encoded(one), &encoded(other)).into_bytes();
    let signed = provider.signed_at(&theirs, Timestamp::now());
    signed
        .or_else(|| provider.signed(&theirs))
        .unwrap_or(theirs)
}

/// The items of a table that have somebody's id, as it is or as callback data have it.
async fn naming(table: &Table, user: &AuthId) -> anyhow::Result<Vec<String>> {
    let mut names = vec![user.to_string()];
    names.extend(hex::decode(user.as_str()).map(|id| URL_SAFE_NO_PAD.encode(id)));
    names.push(URL_SAFE_NO_PAD.encode(&Sha256::digest(user.as_str())[..16]));
    let items = all_of(table).await?.into_iter();
    let items = items.map(|item| format!("{item:?}"));
    Ok(items
        .filter(|item| names.iter().any(|name| item.contains(name.as_str())))
        .collect())
}

async fn forgets(stage: &Stage, name: &str) -> anyhow::Result<()> {
    let (ledger, users) = (&stage.local.bridge.ledger, &stage.local.bridge.users);
    let person = Person::named(ledger, users, name).await?;
    let way = WayToForget {
        cut_off: false,
        patience: PATIENCE,
        until_known: UNTIL_KNOWN,
    };
    forget(ledger, users, &person, way, |_| {}).await?;
    Ok(())
}

/// Ben taps twice what was for Asha, who is forgotten in between; whether an item of Ben's named her.
async fn ben_taps_for_asha(provider: Arc<dyn FakeProvider>) -> anyhow::Result<bool> {
    let options = Options {
        provider: Some(provider.clone()),
        ..Options::default()
    };
    let stage = Stage::with(options, menu).await?;
    let is_named = Box::pin(taps(&stage, &*provider)).await;
    stage.abandon();
    is_named.with_context(|| provider.connection().to_owned())
}

async fn taps(stage: &Stage, provider: &dyn FakeProvider) -> anyhow::Result<bool> {
    let (table, name) = (stage.local.bridge.ledger.table(), provider.connection());
    table.set_reread_after(UNTIL_KNOWN / 2);
    let (asha, ben) = (provider.user(1), provider.user(2));
    stage.takes(&provider.say(&ben, "hello")).await?;
    stage.takes(&provider.say(&asha, "menu")).await?;
    let shown = stage.shown(&asha, "the menu", |shown| {
        let buttons = shown.last().map(|last| last.buttons.clone());
        buttons.filter(|buttons| buttons.contains(&"Long".to_owned()))
    });
    shown.await?;
    anyhow::ensure!(stage.local.queue.idle(PATIENCE).await, "{name} is at rest");
    let taps = [provider.tap(&asha, "Long"), provider.tap(&asha, "Long")];
    let [first, second] = taps.map(|tap| as_of(provider, &tap, &asha, &ben));
    let (ledger, users) = (&stage.local.bridge.ledger, &stage.local.bridge.users);
    // Google calls her `users/ID`; the bridge, by the id.
    let her_id = asha.rsplit('/').next().unwrap_or(&asha);
    let her_name = format!("{name}/{her_id}");
    let mut person = Person::named(ledger, users, &her_name).await?;
    let asha_id = person.auth_ids.pop_first().expect("she has one");
    let before = naming(table, &asha_id).await?.len();
    stage.takes(&first).await?;
    anyhow::ensure!(stage.local.queue.idle(PATIENCE).await, "{name} is at rest");
    let is_named = naming(table, &asha_id).await?.len() > before;
    forgets(stage, &her_name).await?;
    let left = naming(table, &asha_id).await?;
    assert!(left.is_empty(), "{name}: {left:#?}");
    stage.takes(&second).await?;
    anyhow::ensure!(stage.local.queue.idle(PATIENCE).await, "{name} is at rest");
    let again = naming(table, &asha_id).await?;
    assert!(again.is_empty(), "{name}, tapped later: {again:#?}");
    Ok(is_named)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_others_names_somebody_who_was_forgotten_though_they_tapped_for_her()
-> anyhow::Result<()> {
    // All but Twilio, where nobody is in a chat of two besides.
    let everybody: [Arc<dyn FakeProvider>; 6] = [
        Arc::new(FakeSlack::start().await),
        Arc::new(App::start().await?),
        Arc::new(FakeTelegram::start().await),
        Arc::new(FakeGoogleChat::start().await),
        Arc::new(FakeTeams::start().await),
        Arc::new(FakeWebex::start().await),
    ];
    let mut naming = Vec::new();
    for provider in everybody {
        let name = provider.connection().to_owned();
        if Box::pin(ben_taps_for_asha(provider)).await? {
            naming.push(name);
        }
    }
    assert!(
        naming.len() >= 3,
        "only in {naming:?} was she named at all: the test shows nothing"
    );
    Ok(())
}
