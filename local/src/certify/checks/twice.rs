//! What comes twice, and what only looks so.

use super::{Check, LATER, say};
use crate::certify::events;
use crate::certify::target::{Answer, Signed, Target};

pub(super) async fn doubled(target: &Target) -> Check {
    let mut check = Check::new(
        "doubled",
        "answers 2xx to what it has seen, and counts it once",
    );
    let (signed, first) = say(target, "doubled", "a message that came three times").await;
    check.taken("the first", &first);
    check.taken("the same again", &target.post_again(&signed).await);
    let (_, other) = say(target, "doubled", "a message between").await;
    check.taken("a message between", &other);
    let third = target.post_again(&signed).await;
    check.taken("and a third time, after another", &third);
    check
}

pub(super) async fn doubled_at_once(target: &Target) -> Check {
    let mut check = Check::new(
        "doubled-at-once",
        "counts it once also when two come together",
    );
    let mark = target.mark("doubled-at-once", 1, "a message that came twice at a time");
    let signed = target.signed(&events::message(&target.user, &mark));
    let (one, two) = futures_util::join!(target.post(&signed), target.post(&signed));
    if !one.is_taken() && !two.is_taken() {
        check.taken("two of the same together: neither was taken", &one);
    }
    for answer in [&one, &two] {
        // "Not now" is right as well: then it comes again.
        if let Answer::Status(status, _) = answer
            && status.is_client_error()
            && !answer.is_not_now()
        {
            check.taken("two of the same together", answer);
        }
    }
    check.taken("the same once more", &target.post_again(&signed).await);
    check
}

/// A message that comes again when everything else has come.
pub(super) async fn begun(target: &Target) {
    let (signed, _) = say(target, LATER, "a message that came again after all others").await;
    target.keep(signed);
}

/// The bridge sends a message again for up to a day, while those of other users come.
pub(super) async fn doubled_later(target: &Target) -> Check {
    let mut check = Check::new(LATER, "counts it once also when much has come in between");
    if let Some(signed) = target.kept() {
        let answer = target.post_again(&signed).await;
        check.taken("a message again, after all others", &answer);
    }
    check
}

pub(super) async fn alike(target: &Target) -> Check {
    let mut check = Check::new("alike", "tells two messages apart that say the same");
    let mark = target.mark("alike", 2, "two messages with the same text");
    let event = events::message(&target.user, &mark);
    for what in ["a message", "another message with the same words"] {
        check.taken(what, &target.post(&target.signed(&event)).await);
    }
    check
}

/// A `webhook-id` is a text of which nothing is known: whoever shortens it, or takes two for one that differ in their
/// case, loses the second.
pub(super) async fn ids(target: &Target) -> Check {
    let mut check = Check::new("ids", "takes each webhook-id as it is, to its last letter");
    let stem = format!("msg_{:030x}", fastrand::u128(..) >> 8);
    for (how, ids) in [
        ("two ids that differ in their last letter", ["x0", "x1"]),
        ("two ids that differ in the case of a letter", ["ya", "yA"]),
    ] {
        for end in ids {
            let mark = target.mark("ids", 1, how);
            let event = events::message(&target.user, &mark);
            let signed = target.signed_as(&format!("{stem}{end}"), &event);
            check.taken(how, &target.post(&signed).await);
        }
    }
    check
}

/// Whoever remembers an id before having verified lets anybody who guesses it, or sees it, suppress a message.
pub(super) async fn forged_before(target: &Target) -> Check {
    let mut check = Check::new(
        "forged-before",
        "takes what is right though a forgery had its id",
    );
    let forgery = target.mark("forged-before", 0, "a forgery");
    let mark = target.mark("forged-before", 1, "a message whose id a forgery had");
    let signed = target.signed(&events::message(&target.user, &mark));
    let forged = target.forged(&Signed {
        body: events::message(&target.user, &forgery).to_string(),
        ..signed.clone()
    });
    check.refused("a forgery", &target.post(&forged).await);
    let answer = target.post_again(&signed).await;
    check.taken("the message whose id it had", &answer);
    check
}
