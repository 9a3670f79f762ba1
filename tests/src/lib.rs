//! haptik-bridge end to end: the real handlers on one machine, with the real AWS SDK against embedded
//! DynamoDB, between the simulator of Haptik and a fake Slack.
//!
//! [`Stage`] sets the scene, and fails a test that leaves a ledger entry or a ring behind.
//! [`provider`] is what every fake provider of a channel can do, and [`faults`] what goes wrong with calls
//! to any fake. [`fake_slack`] is Slack, [`fake_telegram`] Telegram, [`fake_google_chat`] Google Chat,
//! [`fake_teams`] Microsoft Teams, [`fake_twilio`] Twilio and [`fake_webex`] Webex, strict about
//! what they document;
//! [`fake_crm`] are CRMs; [`app`] is an application on a custom channel, [`browser`] what somebody installs
//! an app with. [`log`] is what the bridge logs. [`chaos`] is a load under faults and kills, and a checker of what came of it; [`database`] is the ledger's over HTTP; [`parsers`]
//! is what reads what others send; [`random_hsl`] is what Haptik may send; [`openapi`] holds answers and
//! callbacks against `docs/openapi.yaml`.

pub mod app;
pub mod browser;
pub mod chaos;
pub mod database;
pub mod fake_crm;
pub mod fake_google_chat;
pub mod fake_slack;
pub mod fake_teams;
pub mod fake_telegram;
pub mod fake_twilio;
pub mod fake_webex;
pub mod faults;
pub mod log;
pub mod openapi;
pub mod parsers;
pub mod provider;
pub mod random_completion;
pub mod random_hsl;
pub mod stage;

pub use stage::{Options, Stage};

/// The channels: the name of each, which is its module's, and how its fake is started, in an asynchronous function that can
/// fail. A macro of this form is called with all of them, the two that many tests have by themselves first.
#[macro_export]
macro_rules! each_channel {
    ($with:ident) => {
        $with! {
            slack: $crate::fake_slack::FakeSlack::start().await;
            custom: $crate::app::App::start().await?;
            telegram: $crate::fake_telegram::FakeTelegram::start().await;
            google_chat: $crate::fake_google_chat::FakeGoogleChat::start().await;
            webex: $crate::fake_webex::FakeWebex::start().await;
            teams: $crate::fake_teams::FakeTeams::start().await;
            twilio: $crate::fake_twilio::FakeTwilio::start().await;
        }
    };
}
