//! All channels at once, in one configuration on one machine. The test is alone in its binary: it captures all
//! that is logged.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use haptik_bridge_channels::facts::Repeats;
use haptik_bridge_channels::registry::{self, CHANNELS};
use haptik_bridge_simulator::{Reply, UserMessage};
use haptik_bridge_tests::log::Log;
use haptik_bridge_tests::provider::{FakeProvider, Shown};
use haptik_bridge_tests::{Options, Stage};
use secrecy::ExposeSecret as _;

/// Stands in everything that people say.
const SAID: &str = "between-you-and-me";

/// By which a person is known to three of the channels.
const PERSON: &str = "7000000009";

const PATIENCE: Duration = Duration::from_mins(1);

/// How many people write in each channel at the same time.
const PEOPLE: usize = 3;

fn echo(message: &UserMessage) -> Vec<Reply> {
    vec![Reply::Text(format!("You said: {}.", message.text))]
}

/// Everybody but Slack and the application, who are in every scene.
async fn others() -> anyhow::Result<Vec<Arc<dyn FakeProvider>>> {
    macro_rules! others {
        (slack: $slack:expr; custom: $custom:expr; $($channel:ident: $start:expr;)*) => {
            vec![$(Arc::new($start) as Arc<dyn FakeProvider>),*]
        };
    }
    Ok(haptik_bridge_tests::each_channel!(others))
}

/// A bridge with all channels. `more` are further lines of the tables of these others.
async fn everybody(
    others: &[Arc<dyn FakeProvider>],
    options: Options,
    more: &str,
) -> anyhow::Result<Stage> {
    let tables = others.iter().map(|provider| {
        let (name, table) = (
            provider.connection(),
            provider.toml(provider.server().origin()),
        );
        format!("[channels.{name}]\n{table}{more}\n")
    });
    let tables = tables.collect();
    let stage = Stage::with(Options { tables, ..options }, echo).await?;
    for provider in others {
        let url = stage.channel_url(provider.connection());
        provider.set_webhook(&url);
    }
    Ok(stage)
}

/// Waits until a user is shown a text, which is there once.
async fn sees(provider: &dyn FakeProvider, user: &str, text: &str) -> anyhow::Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let times = |shown: &[Shown]| shown.iter().filter(|one| one.text.contains(text)).count();
    while times(&provider.shown(user)) == 0 {
        let name = provider.connection();
        anyhow::ensure!(Instant::now() < deadline, "{name} never shows {text:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(times(&provider.shown(user)), 1, "{}", provider.connection());
    Ok(())
}

/// Several people write twice, and are answered, each in their own words.
async fn round_trips(stage: &Stage, provider: &dyn FakeProvider) -> anyhow::Result<()> {
    let name = provider.connection();
    for round in 0..2 {
        let people = (1..=PEOPLE).map(async |number| {
            let user = provider.user(number);
            let said = format!("{SAID} {name} {number} {round}");
            let (status, body) = stage.receives(&provider.say(&user, &said)).await?;
            assert!((200..300).contains(&status), "{name}: {status} {body}");
            sees(provider, &user, &format!("You said: {said}.")).await
        });
        try_join_all(people).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_channels_talk_at_once_and_nothing_of_it_is_printed() -> anyhow::Result<()> {
    let log = Log::start();
    let others = others().await?;
    let stage = everybody(&others, Options::default(), "").await?;
    let (slack, app): (Arc<dyn FakeProvider>, Arc<dyn FakeProvider>) =
        (Arc::new(stage.slack.clone()), Arc::new(stage.app.clone()));
    let everybody: Vec<_> = [slack, app].into_iter().chain(others).collect();
    every_type_is_there(&everybody);
    try_join_all(
        everybody
            .iter()
            .map(|provider| round_trips(&stage, &**provider)),
    )
    .await?;
    stage.haptik_was_told(everybody.len() * PEOPLE * 2).await?;
    // Nobody was shown what somebody else was told, and as many users are known as there are people.
    for provider in &everybody {
        for number in 1..=PEOPLE {
            let shown = provider.shown(&provider.user(number));
            let own = format!("{SAID} {} {number} ", provider.connection());
            assert!(
                shown.iter().all(|one| one.text.contains(&own)),
                "{} {number}",
                provider.connection()
            );
        }
        assert_eq!(provider.refusals(), Vec::<String>::new());
    }
    let known = stage.simulator().records(|seen| {
        let created = seen.users.iter().filter(|call| call.created);
        created.count()
    });
    assert_eq!(known, everybody.len() * PEOPLE);
    let haptik = stage.simulator().settings();
    let mut unprintable = vec![
        SAID.to_owned(),
        haptik.token.expose_secret().to_owned(),
        haptik.webhook_secret.expose_secret().to_owned(),
    ];
    unprintable.extend(everybody.iter().flat_map(|provider| provider.secrets()));
    let debug = format!("{:?}", stage.local.bridge.config);
    stage.finish().await?;
    let text = log.text();
    assert!(text.lines().count() > 100, "too little is logged");
    for secret in &unprintable {
        for (what, printed) in [("the log", &text), ("the configuration's Debug", &debug)] {
            let line = printed.lines().find(|line| line.contains(secret));
            assert!(line.is_none(), "{what} has {secret:?}: {line:?}");
        }
    }
    one_person_on_three_is_one_user_and_answered_where_she_wrote_last().await
}

/// That there is a fake of each registered type, and that each fake repeats what its type is said to.
fn every_type_is_there(everybody: &[Arc<dyn FakeProvider>]) {
    let mut missing: Vec<&str> = CHANNELS.iter().map(|channel| channel.name).collect();
    for provider in everybody {
        let table = provider.toml(provider.server().origin());
        let table: toml::Table = table.parse().expect("TOML");
        let name = table["type"].as_str().expect("a type");
        missing.retain(|other| *other != name);
        let repeats = registry::find(name).expect("a type").facts.repeats;
        assert_eq!(
            matches!(repeats, Repeats::Unrecognised(_)),
            provider.may_show_twice(),
            "what {name} says of repeats"
        );
    }
    assert_eq!(
        missing,
        Vec::<&str>::new(),
        "a fake of each type belongs here"
    );
}

/// A number by which Telegram and Google know her, and the application calls her.
async fn one_person_on_three_is_one_user_and_answered_where_she_wrote_last() -> anyhow::Result<()> {
    let others = others().await?;
    let options = Options {
        app: "auth_id = 'user'",
        ..Options::default()
    };
    let stage = everybody(&others, options, "auth_id = 'user'").await?;
    let app: Arc<dyn FakeProvider> = Arc::new(stage.app.clone());
    let three = [
        (&app, PERSON.to_owned()),
        (&others[0], PERSON.to_owned()),
        (&others[1], format!("users/{PERSON}")),
    ];
    for round in 0..2 {
        for (provider, user) in &three {
            let said = format!("{} {round}", provider.connection());
            stage.takes(&provider.say(user, &said)).await?;
            sees(&***provider, user, &format!("You said: {said}.")).await?;
        }
        // What Haptik says of itself goes where she wrote last.
        let text = format!("An agent here, {round}");
        stage.simulator().agent_says_text(PERSON, &text)?;
        let (last, user) = &three[2];
        sees(&***last, user, &text).await?;
    }
    stage.simulator().records(|seen| {
        let created = seen.users.iter().filter(|call| call.created);
        let created: Vec<&str> = created.map(|call| call.auth_id.as_str()).collect();
        assert_eq!(created, [PERSON]);
        assert!(
            seen.messages
                .iter()
                .all(|message| message.auth_id == PERSON)
        );
    });
    for (provider, user) in &three[..2] {
        let agent = |shown: &Shown| shown.text.contains("An agent here");
        assert!(
            !provider.shown(user).iter().any(agent),
            "{}",
            provider.connection()
        );
    }
    stage.finish().await
}
