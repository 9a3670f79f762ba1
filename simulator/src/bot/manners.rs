//! What a real account does beside the elements of its messages: what its bot may do besides answering, and
//! texts that are not what they seem. The demo's second menu leads through it.

use std::time::Duration;

use serde_json::{Value, json};

use super::{
    Reply,
    elements::{app_action, quick_reply},
};
use crate::{
    behaviour::Transcripts,
    events::CompletedBy,
    faults::{CallFault, CallOutcome},
    paths::HISTORY_PATH,
};

/// An entry of the second menu.
pub(super) struct Manner {
    /// What the user says to see it, in lower case.
    pub(super) keyword: &'static str,
    /// What the menu calls it.
    pub(super) label: &'static str,
    /// What the bot then does. It is given the URL of the simulator's pictures.
    pub(super) replies: fn(&str) -> Vec<Reply>,
}

/// Everything that the second menu offers, in its order.
pub(super) const MANNERS: &[Manner] = &[
    manner("did you mean", "Did you mean?", |_| vec![did_you_mean()]),
    manner("skip", "A text that is skipped", |_| {
        vec![
            says("{}"),
            says("There was a message of just {} before this one."),
        ]
    }),
    manner("feedback tag", "{feedback}", |_| vec![says("{feedback}")]),
    manner("task box", "{taskbox}", |_| vec![says("{taskbox}")]),
    manner("html", "HTML in a text", |_| vec![html()]),
    manner("payment link", "A link that says something", |_| {
        vec![payment_link()]
    }),
    manner("optional form", "A form with optional fields", |pictures| {
        vec![optional_form(pictures)]
    }),
    manner("queue", "Wait for an agent", |_| queue()),
    manner("offline", "Nobody is online", |_| offline()),
    manner("no answer", "Eight minutes without a word", |_| {
        vec![
            says("As if you had said nothing for eight minutes …"),
            Reply::Completes(CompletedBy::Timeout),
        ]
    }),
    manner("last step", "Completed by its last step", |_| {
        vec![
            says("The completion names the bot's last step, not a person."),
            Reply::CompletesAs(CompletedBy::Bot, "Order status".to_owned()),
        ]
    }),
    manner("unknown event", "An unknown event", |_| {
        vec![
            Reply::UnknownEvent("conversation_labelled".to_owned()),
            says("There was an event before this, of a name that nobody knows yet."),
        ]
    }),
    manner("slow", "A slow answer", |_| {
        vec![
            Reply::Waits(Duration::from_secs(12)),
            says("That took a bot's slow step 12 seconds."),
        ]
    }),
    manner("masked", "Masked transcripts", |_| masked()),
    manner("types", "Transcripts without words", |_| types()),
    manner("plain transcripts", "Plain transcripts", |_| {
        vec![
            Reply::Behaves(|behaviour| {
                behaviour.transcripts = Transcripts::Words;
                behaviour.masking = false;
            }),
            says("From now on transcripts have every word."),
        ]
    }),
    manner("invalid token", "Invalid token", |_| invalid_token()),
    manner("late rating", "Ratings after the end", |_| {
        vec![
            Reply::Behaves(|behaviour| behaviour.ratings_after_completion = true),
            says("From now on ratings are taken after the conversation, too."),
        ]
    }),
];

const fn manner(
    keyword: &'static str,
    label: &'static str,
    replies: fn(&str) -> Vec<Reply>,
) -> Manner {
    Manner {
        keyword,
        label,
        replies,
    }
}

/// The second menu.
pub(super) fn menu() -> Reply {
    let quick_replies: Vec<Value> = MANNERS
        .iter()
        .map(|manner| quick_reply(manner.label, manner.keyword, ""))
        .collect();
    Reply::Hsl(json!({
        "text": "What a real account does, too. Tap one, or say *hi* for the first menu.",
        "type": "TEXT",
        "data": {"quick_replies": quick_replies},
    }))
}

fn says(text: &str) -> Reply {
    Reply::Text(text.to_owned())
}

/// The choices are no quick replies: they lie beside the text.
fn did_you_mean() -> Reply {
    Reply::Hsl(json!({
        "text": "Did you mean one of these?",
        "type": "TEXT",
        "data": {
            "quick_replies": [],
            "intents": ["Show another quote", "Talk to an agent", "None of the above"],
        },
    }))
}

fn html() -> Reply {
    says(
        "<strong>Your order</strong> is <em>on its way</em>.<br>It comes&nbsp;today &amp; needs \
         <a href=\"https://www.haptik.ai\">a signature</a>.<ul><li>2 boxes</li><li>1 letter</li></ul>\
         3 < 5 is no tag.",
    )
}

fn payment_link() -> Reply {
    Reply::Hsl(json!({
        "text": "Please pay, and come back.",
        "type": "BUTTON",
        "data": {"items": [app_action("Pay", "LINK", json!({
            "url": "https://www.haptik.ai",
            "message": "I have paid",
            "gogo_message": "",
        }))]},
    }))
}

/// Only the name must be given. The keys of what the form builder offers (a mandatory field, what is
/// valid, the text of an error, the button) are not published: these are those that read most naturally.
fn optional_form(pictures: &str) -> Reply {
    let base = pictures.trim_end_matches("/images");
    let field = |order: u32, key: &str, kind: &str, keyboard: &str, hint: &str| {
        json!({
            "key": key, "type": kind, "keyboard_type": keyboard, "order": order, "icon": "user",
            "hint": hint, "options": [], "search_source": "", "search_placeholder": "",
            "autofill": "", "autofill_source": "",
        })
    };
    let mut name = field(1, "name", "text", "normal", "Name");
    name["required"] = json!(true);
    let mut middle = field(2, "middle_name", "text", "normal", "Middle name");
    middle["required"] = json!(false);
    let mut city = field(3, "city", "search", "normal", "City");
    city["search_source"] = json!(format!("{base}/search"));
    city["search_placeholder"] = json!("Search your city");
    let mut born = field(4, "born", "dob", "normal", "Date of birth");
    born["error_message"] = json!("Please choose a day that is past");
    Reply::Hsl(json!({
        "title": "Who are you?",
        "subtitle": "Only the name is needed",
        "type": "FORM",
        "data": {
            "fields": [name, middle, city, born],
            "submit_button_text": {"before": "Register", "after": "Registered"},
        },
    }))
}

fn queue() -> Vec<Reply> {
    vec![
        says("I am moving you to our agents. The bot says nothing until one has come."),
        Reply::MovesToTeam { team_name: None },
        Reply::Waits(Duration::from_secs(3)),
        says("You are number 2 in the queue."),
    ]
}

fn offline() -> Vec<Reply> {
    vec![
        says("I am moving you to our agents."),
        says("Sorry, no agents are available at the moment."),
        Reply::Completes(CompletedBy::TeamOffline),
    ]
}

fn masked() -> Vec<Reply> {
    vec![
        Reply::Behaves(|behaviour| behaviour.masking = true),
        says("Order 4417123456, asha@example.com: a transcript from now on has ****** for both."),
    ]
}

fn types() -> Vec<Reply> {
    vec![
        Reply::Behaves(|behaviour| behaviour.transcripts = Transcripts::Types),
        says("From now on a transcript has TEXT where I say something."),
    ]
}

fn invalid_token() -> Vec<Reply> {
    let outcome = CallOutcome::Status {
        status: 200,
        retry_after: None,
        body: Some(json!({"error_message": "Invalid token"})),
    };
    let fault = CallFault {
        times: Some(1),
        ..CallFault::on(HISTORY_PATH, outcome)
    };
    vec![
        Reply::Fails(fault),
        says(
            "The next transcript is refused once: 200, and “Invalid token”. Say *bye* for a ticket.",
        ),
    ]
}
