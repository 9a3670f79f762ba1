//! What every channel does, whoever its provider is: one suite for all of them.
//!
//! A new channel passes it with one line at the end of this file and a fake provider
//! ([`haptik_bridge_tests::provider`]).

#[path = "contract/failing.rs"]
mod failing;
#[path = "contract/forged.rs"]
mod forged;
#[path = "contract/log.rs"]
mod log;
#[path = "contract/people.rs"]
mod people;
#[path = "contract/reading.rs"]
mod reading;
#[path = "contract/talking.rs"]
mod talking;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use haptik_bridge_simulator::{Bot, Reply, UserMessage};
use haptik_bridge_tests::fake_twilio::FakeTwilio;
use haptik_bridge_tests::log::Log;
use haptik_bridge_tests::provider::{FakeProvider, Shown};
use haptik_bridge_tests::{Options, Stage};

/// Starts the other side of the channel that is tested.
type Start = fn() -> BoxFuture<'static, anyhow::Result<Arc<dyn FakeProvider>>>;

/// A scene with a provider.
async fn scene(start: Start, bot: impl Bot) -> anyhow::Result<Stage> {
    let options = Options {
        provider: Some(start().await?),
        ..Options::default()
    };
    Stage::with(options, bot).await
}

fn echo(message: &UserMessage) -> Vec<Reply> {
    vec![Reply::Text(format!("You said: {}.", message.text))]
}

/// How many messages have this in them.
fn count(shown: &[Shown], text: &str) -> usize {
    shown.iter().filter(|one| one.text.contains(text)).count()
}

/// Waits until the user is shown this so many times.
async fn sees(stage: &Stage, user: &str, text: &str, times: usize) -> anyhow::Result<()> {
    let enough = |shown: &[Shown]| (count(shown, text) >= times).then_some(());
    stage.shown(user, text, enough).await?;
    assert_eq!(count(&stage.provider.shown(user), text), times, "{text:?}");
    Ok(())
}

/// The user says something, and sees the answer of [`echo`].
async fn is_answered(stage: &Stage, user: &str, text: &str) -> anyhow::Result<()> {
    stage.takes(&stage.provider.say(user, text)).await?;
    sees(stage, user, &format!("You said: {text}."), 1).await
}

/// The scenarios, as tests of one channel.
macro_rules! contract {
    ($channel:ident, $start:expr) => {
        contract! { $channel, $start;
            talking::a_message_is_answered_where_it_was_said,
            talking::what_a_button_says_comes_back_from_a_tap_on_it,
            talking::what_is_written_is_seen_as_it_is_meant,
            talking::a_message_that_is_delivered_again_is_one_message,
            talking::own_messages_say_nothing,
            talking::what_cannot_be_seen_is_not_said,
            talking::a_file_goes_both_ways,
            forged::what_was_changed_or_not_signed_is_refused_and_nothing_is_stored,
            forged::what_was_signed_long_ago_or_will_be_is_refused,
            reading::what_is_broken_in_a_body_costs_that_alone,
            reading::what_is_odd_beside_a_tap_costs_that_alone,
            reading::a_body_that_is_encoded_is_not_acknowledged,
            reading::a_body_in_utf_16_is_read,
            reading::a_whole_number_may_be_written_as_a_float,
            reading::a_language_is_known_in_every_form_or_left_out,
            reading::a_files_name_stays_but_for_what_no_name_should_have,
            failing::a_pause_that_is_asked_for_is_made_and_nobody_else_waits,
            failing::what_fails_in_passing_is_sent_again,
            failing::what_was_taken_unheard_is_not_lost_and_holds_up_nothing,
            failing::what_is_refused_for_good_is_a_dead_letter_and_the_next_goes_on,
            failing::one_who_cannot_be_reached_holds_up_nobody_else,
            failing::a_kill_before_or_after_any_step_costs_nothing,
            people::a_form_comes_back_as_its_answers,
            people::a_human_joins_answers_and_is_done,
            people::a_rating_reaches_haptik,
            log::no_secret_and_nothing_that_was_said_is_in_a_line_of_the_log,
        }
    };
    ($channel:ident, $start:expr; $($module:ident::$scenario:ident,)*) => {
        mod $channel {
            use super::*;

            fn start() -> BoxFuture<'static, anyhow::Result<Arc<dyn FakeProvider>>> {
                Box::pin(async { anyhow::Ok(Arc::new($start) as Arc<dyn FakeProvider>) })
            }

            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $scenario() -> anyhow::Result<()> {
                    let _log = Log::start();
                    $module::$scenario(start).await
                }
            )*
        }
    };
}

macro_rules! contracts {
    ($($channel:ident: $start:expr;)*) => {
        $(contract!($channel, $start);)*
    };
}

haptik_bridge_tests::each_channel!(contracts);
contract!(twilio_whatsapp, FakeTwilio::whatsapp().await);
