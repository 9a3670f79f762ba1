//! What is not the bridge's, or not of now.

use jiff::Timestamp;
use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP};

use super::Check;
use crate::certify::events;
use crate::certify::target::{Signed, Target};

/// A message that must not be taken.
fn unwanted(target: &Target, check: &'static str, how: &'static str) -> Signed {
    let mark = target.mark(check, 0, how);
    target.signed(&events::message(&target.user, &mark))
}

pub(super) async fn unsigned(target: &Target) -> Check {
    let mut check = Check::new("unsigned", "answers 401 to what is not signed");
    let signed = unwanted(target, "unsigned", "a message without a signature");
    let answer = target.post_unsigned(signed.body.clone()).await;
    check.refused("without the three headers", &answer);
    let answer = target.post_unsigned(String::new()).await;
    check.refused("without headers or body", &answer);
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
    check.refused("the body has one space more", &target.post(&signed).await);
    let mut signed = unwanted(target, "altered", "a message with another id");
    signed.id.push('1');
    check.refused("the webhook-id is another", &target.post(&signed).await);
    let mut signed = unwanted(target, "altered", "a message with another time");
    signed.at = (Timestamp::now().as_second() + 7).to_string();
    check.refused(
        "the webhook-timestamp is another",
        &target.post(&signed).await,
    );
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
        check.refused(
            "the headers of one with the body of another",
            &target.post(&mixed).await,
        );
    }
    let mixed = Signed {
        id: two.id.clone(),
        ..one
    };
    check.refused("the webhook-id of another", &target.post(&mixed).await);
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
            "without its version",
            signature.trim_start_matches("v1,").to_owned(),
        ),
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
        check.refused(what, &at(target, "late", away).await);
    }
    check
}

pub(super) async fn early(target: &Target) -> Check {
    let mut check = Check::new(
        "early",
        "answers 401 to what is signed for more than 5 minutes ahead",
    );
    for (what, away) in [("of six minutes ahead", 360), ("of tomorrow", 86_400)] {
        check.refused(what, &at(target, "early", away).await);
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
