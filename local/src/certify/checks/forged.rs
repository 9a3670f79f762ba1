//! What is not the bridge's, or not of now.

use jiff::Timestamp;
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP};

use super::Check;
use crate::certify::events;
use crate::certify::target::{Signed, Target};

/// What follows where the time is not looked at.
const OVERHEARD: &str =
    "what was overheard can be sent again later. Compare webhook-timestamp with the clock";
/// What follows where a signature counts that is not of these bytes, this id and this time.
const CHANGED: &str = "what was overheard can be changed, and sent as the bot's. Verify webhook-id, webhook-timestamp and the body";

/// A message that must not be taken.
fn unwanted(target: &Target, check: &'static str, how: &'static str) -> Signed {
    let mark = target.mark(check, 0, how);
    target.signed(&events::message(&target.user, &mark))
}

pub(super) async fn unsigned(target: &Target) -> Check {
    let mut check = Check::new("unsigned", "answers 401 to what is not signed");
    let signed = unwanted(target, "unsigned", "a message without a signature");
    let answer = target.post_unsigned(signed.body.clone()).await;
    check.refused_though_garbled("without the three headers", &answer);
    let answer = target.post_unsigned(String::new()).await;
    check.refused_though_garbled("without headers or body", &answer);
    for header in [
        HEADER_WEBHOOK_ID,
        HEADER_WEBHOOK_TIMESTAMP,
        HEADER_WEBHOOK_SIGNATURE,
    ] {
        let answer = target.post_without(header, &signed).await;
        check.refused_though_garbled(&format!("without {header}"), &answer);
    }
    for (what, change) in [
        (
            "an empty signature",
            Signed {
                signature: String::new(),
                ..signed.clone()
            },
        ),
        (
            "a timestamp that is no number",
            Signed {
                at: "today".to_owned(),
                ..signed.clone()
            },
        ),
        (
            "a timestamp of thirty digits",
            Signed {
                at: "9".repeat(30),
                ..signed
            },
        ),
    ] {
        check.refused_though_garbled(what, &target.post(&change).await);
    }
    check
}

pub(super) async fn forged(target: &Target) -> Check {
    let mut check = Check::new("forged", "answers 401 to what another secret has signed");
    let signed = unwanted(target, "forged", "a message that another secret has signed");
    let forged = target.forged(&signed);
    check.refused("another secret", &target.post(&forged).await);
    let text = "a message that is signed with nothing";
    let zeros = Signed {
        signature: "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned(),
        ..unwanted(target, "forged", text)
    };
    check.refused("a signature of zeros", &target.post(&zeros).await);
    check
}

pub(super) async fn altered(target: &Target) -> Check {
    let mut check = Check::new("altered", "answers 401 where anything of it was changed");
    let mut signed = unwanted(target, "altered", "a message with one space more");
    signed.body.push(' ');
    let answer = target.post(&signed).await;
    check.refused_or("the body has one space more", &answer, CHANGED);
    let mut signed = unwanted(target, "altered", "a message with another id");
    signed.id.push('1');
    let answer = target.post(&signed).await;
    check.refused_or("the webhook-id is another", &answer, CHANGED);
    let mut signed = unwanted(target, "altered", "a message with another time");
    signed.at = (Timestamp::now().as_second() + 7).to_string();
    let answer = target.post(&signed).await;
    check.refused_or("the webhook-timestamp is another", &answer, CHANGED);
    check
}

pub(super) async fn swapped(target: &Target) -> Check {
    let mut check = Check::new(
        "swapped",
        "answers 401 where two requests have exchanged something",
    );
    let [one, two] =
        [(), ()].map(|()| unwanted(target, "swapped", "a message with another's signature"));
    for (body, head) in [(&one, &two), (&two, &one)] {
        let mixed = Signed {
            body: body.body.clone(),
            ..head.clone()
        };
        let answer = target.post(&mixed).await;
        check.refused_or(
            "the headers of one with the body of another",
            &answer,
            CHANGED,
        );
    }
    let mixed = Signed {
        id: two.id.clone(),
        ..one
    };
    let answer = target.post(&mixed).await;
    check.refused_or("the webhook-id of another", &answer, CHANGED);
    check
}

pub(super) async fn nearly(target: &Target) -> Check {
    let mut check = Check::new("nearly", "wants the whole signature, and its version");
    let whole = unwanted(target, "nearly", "a message with a part of its signature");
    let (signature, half) = (&whole.signature, whole.signature.len() / 2);
    for (what, part) in [
        ("the signature's first half", signature[..half].to_owned()),
        ("v1, and no more", "v1,".to_owned()),
        (
            "in capitals",
            format!("v1,{}", signature[3..].to_uppercase()),
        ),
    ] {
        let nearly = Signed {
            signature: part,
            ..whole.clone()
        };
        check.refused_though_garbled(what, &target.post(&nearly).await);
    }
    let signed = target.signed(&events::message(&target.user, "certify"));
    let bare = Signed {
        signature: signed.signature.trim_start_matches("v1,").to_owned(),
        ..signed
    };
    let (what, answer) = ("without its version", target.post(&bare).await);
    if answer.is_taken() {
        // Nobody else can make it.
        check.doubtful(format!(
            "{what}: {answer}; the signature is right, but one of another kind could be taken for it. Answer 401"
        ));
    } else {
        check.refused_though_garbled(what, &answer);
    }
    check
}

pub(super) async fn late(target: &Target) -> Check {
    let mut check = Check::new(
        "late",
        "answers 401 to what was signed more than 5 minutes ago",
    );
    for (what, away) in [
        ("of six minutes ago", -360),
        ("of yesterday", -86_400),
        ("of 1970", i64::MIN),
    ] {
        check.refused_or(what, &at(target, "late", away).await, OVERHEARD);
    }
    check
}

pub(super) async fn early(target: &Target) -> Check {
    let mut check = Check::new(
        "early",
        "answers 401 to what is signed for more than 5 minutes ahead",
    );
    for (what, away) in [("of six minutes ahead", 360), ("of tomorrow", 86_400)] {
        check.refused_or(what, &at(target, "early", away).await, OVERHEARD);
    }
    check
}

/// Posts a message with a good signature of another time; before 1970 is 1970.
async fn at(target: &Target, check: &'static str, away: i64) -> crate::certify::target::Answer {
    let how = "a message whose time is past, or not come yet";
    let mark = target.mark(check, 0, how);
    let body = events::message(&target.user, &mark).to_string();
    let at = Timestamp::now().as_second().saturating_add(away).max(1);
    target.post(&target.signed_text(body, at)).await
}
