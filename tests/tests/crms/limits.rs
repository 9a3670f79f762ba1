//! Whatever completes, no CRM is sent more than it takes, or an address or a tag that it refuses.

use fastrand::Rng;
use haptik_bridge_sinks::Delivered;
use serde_json::{Map, Value, json};

use super::scene::{Kind, Scene, completion};

/// How many completions each CRM gets in a run. `FROM=170`, `FROM=340` and so on have the next ones, of which six runs
/// are a thousand.
const COMPLETIONS: u64 = 170;

/// What texts are made of.
const PIECES: [&str; 22] = [
    "x",
    " ",
    "\n",
    "<b>",
    "&",
    "\"",
    "'",
    ",",
    "#",
    "/",
    "\\",
    "{task}",
    "é",
    "e\u{301}",
    "日本",
    "क्षि",
    "🇮🇳",
    "👩‍👩‍👧",
    "\u{200b}",
    "\u{202e}",
    "\u{0}",
    "word ",
];

/// Addresses, good and bad.
const ADDRESSES: [&str; 12] = [
    "asha@example.com",
    "o'neil+x@mail.example.co.uk",
    "john@example..com",
    "john..doe@example.com",
    ".john@example.com",
    "a@b",
    "a@-b.example",
    "a@b.123",
    "आशा@example.com",
    "asha@bücher.example",
    "\"a b\"@example.com",
    " ",
];

/// A text, often none, often just above a limit, sometimes very long.
fn text(random: &mut Rng) -> String {
    let around = [0, 1, 32, 40, 80, 150, 160, 200, 254, 255, 400, 4_000];
    let length = match random.u8(0..20) {
        0 if random.u8(0..4) == 0 => 70_000,
        0..=3 => random.usize(0..300),
        _ => random.choice(around).unwrap_or_default() + random.usize(0..3),
    };
    let mut text = String::new();
    let favourite = random.choice(PIECES).unwrap_or_default();
    let mut left = length;
    while left > 0 {
        let piece = if random.bool() {
            favourite
        } else {
            random.choice(PIECES).unwrap_or_default()
        };
        let times = if length > 1_000 { 100 } else { 1 };
        text.push_str(&piece.repeat(times));
        left = left.saturating_sub(piece.chars().count() * times);
    }
    text
}

fn value(random: &mut Rng) -> Value {
    match random.u8(0..6) {
        0 => json!(random.f64() * 1e12),
        1 => json!(918_826_755_986.0),
        2 => Value::Null,
        3 => json!([text(random), {"deep": text(random)}]),
        _ => json!(text(random)),
    }
}

/// A completion of whichever texts, numbers and addresses.
fn random_completion(random: &mut Rng, number: u64) -> Value {
    let mut event = completion();
    event["data"]["conversation_identifier"] = json!(format!("conversation-{number}"));
    let day = 1 + number % 28;
    event["timestamp"] = json!(format!("2026-10-{day:02}T{:02}:00:05Z", number % 24));
    event["user"]["auth_id"] = json!(format!("u{number}"));
    event["user"]["user_name"] = json!(text(random));
    event["data"]["completion_by"] = json!(text(random));
    for key in ["reason", "subReason", "comment"] {
        event["data"]["closing_categories"][key] = json!(text(random));
    }
    let details: Map<String, Value> = (0..random.usize(0..6))
        .map(|_| (text(random), value(random)))
        .collect();
    event["data"]["conversation_details"] = Value::Object(details);
    let longest = format!("{}@{}.example", "n".repeat(64), "l".repeat(63));
    let address = random.choice(ADDRESSES).unwrap_or_default();
    let address = if random.u8(0..10) == 0 {
        longest.as_str()
    } else {
        address
    };
    event["data"]["user_details"] =
        json!({"name": text(random), "email": address, "phone_number": value(random)});
    event
}

async fn sends_what_is_taken(kind: Kind, seed: u64) -> anyhow::Result<()> {
    let tags = if kind == Kind::Jira {
        "labels = true\n"
    } else {
        ""
    };
    let lines = format!(
        "{tags}tags = ['haptik', '{{{{ closing_categories.reason }}}}', '{{{{ user.name }}}}', ',', ' ']"
    );
    let scene = Scene::with(kind, &lines).await?;
    #[expect(
        clippy::disallowed_methods,
        reason = "it goes on with others than the usual ones on request: FROM=170"
    )]
    let from: u64 = std::env::var("FROM").map_or(Ok(0), |from| from.parse())?;
    for number in from..from + COMPLETIONS {
        let mut random = Rng::with_seed(seed * 10_000 + number);
        let said: Vec<String> = (0..random.usize(0..60))
            .map(|_| text(&mut random))
            .collect();
        let said: Vec<_> = said.iter().map(|text| ("user", text.as_str())).collect();
        scene.was_said(&said);
        let event = random_completion(&mut random, number);
        let mut tries = 0;
        loop {
            match scene.attempt(&event, false).await {
                Ok(Delivered::Ticket(_)) => break,
                // An empty transcript is waited for; here it is all there is.
                Ok(Delivered::Later(..)) if tries < 3 && said.is_empty() => {
                    tries += 1;
                    scene.was_said(&[("user", "hi")]);
                }
                other => panic!(
                    "{kind:?}, completion {number}: {other:?}\n{:#?}",
                    scene.crm.calls().last()
                ),
            }
        }
    }
    assert_eq!(scene.crm.tickets().len(), 170, "{kind:?}");
    assert_eq!(scene.crm.ignored(), Vec::<String>::new(), "{kind:?}");
    Ok(())
}

/// A test for each, so that they run side by side.
macro_rules! no_completion_makes_a_request_that_it_refuses {
    ($($crm:ident: $kind:ident, $seed:literal;)*) => {
        mod no_completion_makes_a_request_that_is_refused_by {
            $(
                #[tokio::test]
                async fn $crm() -> anyhow::Result<()> {
                    super::sends_what_is_taken(super::Kind::$kind, $seed).await
                }
            )*
        }
    };
}

no_completion_makes_a_request_that_it_refuses! {
    zendesk: Zendesk, 1;
    freshdesk: Freshdesk, 2;
    salesforce: Salesforce, 3;
    hubspot: HubSpot, 4;
    servicenow: ServiceNow, 5;
    jira: Jira, 6;
}
