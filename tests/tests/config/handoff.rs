//! The keys that say how a connection's users get to a human, and back.

use super::*;

const CUSTOM: &str = "\n[channels.custom]\ntype = \"custom\"\ncallback_url = \"https://app.example\"\n\
     signing_secrets = \"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"\n";

fn of<'a>(config: &'a Config, connection: &str) -> &'a Handoff {
    &config.channels[connection].handoff
}

#[test]
fn nobody_is_handed_over_by_default_and_a_bot_waits_for_five_minutes() {
    let config = minimal_and(CUSTOM);
    let slack = of(&config, "slack");
    assert_eq!(
        (
            &slack.team_name,
            slack.countdown,
            slack.rating,
            slack.no_agent_after
        ),
        (&None, None, false, None)
    );
    assert!(slack.agent_phrases.is_empty() && slack.completed_notice.is_none());
    let five_minutes = Some(Duration::from_mins(5));
    assert_eq!(of(&config, "custom").no_agent_after, five_minutes);
    let custom: &Custom = config.channels["custom"]
        .settings
        .get()
        .expect("a custom channel");
    assert_eq!(
        (custom.handoff_only, custom.transcript),
        (false, Transcript::Message)
    );
}

#[test]
fn the_keys_are_read() {
    let config = minimal_and(&format!(
        "team_name = \"Help\"\ncountdown = 5\nagent_phrases = [\"agent\"]\nno_agent_after = \"90s\"\n\
         rating = true\nrating_prompt = \"Well?\"\nmissed_notice = \"Nobody.\"\n\
         completed_notice = \"Bye.\"\n{CUSTOM}handoff_only = true\ntranscript = \"lines\"\n\
         no_agent_after = \"never\"\n"
    ));
    let slack = of(&config, "slack");
    assert_eq!(
        (slack.team_name.as_deref(), slack.countdown, slack.rating),
        (Some("Help"), Some(5), true)
    );
    assert_eq!(slack.no_agent_after, Some(Duration::from_secs(90)));
    assert_eq!(
        (slack.rating_prompt.as_str(), slack.missed_notice.as_str()),
        ("Well?", "Nobody.")
    );
    assert_eq!(slack.completed_notice.as_deref(), Some("Bye."));
    assert!(slack.is_request("Agent") && slack.requested_notice.starts_with("One moment"));
    assert_eq!(of(&config, "custom").no_agent_after, None);
}

#[test]
fn what_is_wrong_is_named_with_what_is_allowed() {
    refused(
        "agent_phrases = [\"agent\"]\n",
        &[
            "channels.slack.team_name",
            "missing, and there are agent_phrases",
        ],
    );
    let mistakes = r#"
        countdown = 4 => from 5 to 10
        countdown = 11 => from 5 to 10
        no_agent_after = "soon" => or "never"
        no_agent_after = "1s" => from "10s"
        rating = "yes" => true or false
        team_name = "" => text of 1 to 100 characters
        missed_notice = 5 => text of 1 to 1000 characters
        agent_phrases = [] => a list of 1 to 50 texts"#;
    for mistake in mistakes.trim().lines() {
        let key = mistake.trim().split(' ').next().unwrap_or_default();
        each_refused("", &format!("{mistake} & channels.slack.{key}"));
    }
    refused(
        &format!("{CUSTOM}transcript = \"line\"\n"),
        &["transcript", "\"lines\""],
    );
    refused("handoff_only = true\n", &["handoff_only", "unknown key"]);
}
