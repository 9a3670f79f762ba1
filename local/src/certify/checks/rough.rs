//! What networks do: slow, cut, hung up, too large.

use std::io::{Error, ErrorKind};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::sync::oneshot;

use super::{Check, say};
use crate::certify::PATIENCE;
use crate::certify::events;
use crate::certify::target::{Answer, Target};

/// What every application has to take.
const LARGE: usize = 300_000;
/// As large as few messages are: Haptik's requests have 6 MB at most where the bridge is deployed.
const VERY_LARGE: usize = 5_000_000;
/// As long as an agent's longest texts are.
const LONG_TEXT: usize = 5_000;
/// Far more than any.
const OVERSIZED: usize = 32 * 1024 * 1024;
const PIECE: usize = 64 * 1024;

fn halves(body: &str) -> (Bytes, Bytes) {
    let bytes = Bytes::copy_from_slice(body.as_bytes());
    let middle = bytes.len() / 2;
    (bytes.slice(..middle), bytes.slice(middle..))
}

pub(super) async fn slow(target: &Target) -> Check {
    let mut check = Check::new("slow", "goes on while a request dawdles");
    let mark = target.mark("slow", 1, "a message whose body came slowly");
    let signed = target.signed(&events::message(&target.user, &mark));
    let (first, second) = halves(&signed.body);
    let (go, going) = oneshot::channel::<()>();
    let parts = stream::iter([Ok(first)]).chain(stream::once(async move {
        // Whoever dropped it wants it to go on as well.
        let _ = going.await;
        Ok(second)
    }));
    let slow = target.post_parts(&signed, signed.body.len(), parts);
    let other = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let (_, answer) = say(target, "slow", "a message beside one that came slowly").await;
        drop(go);
        answer
    };
    let (slow, other) = futures_util::join!(slow, other);
    if other.is_taken() {
        check.taken("a message whose body came in two parts", &slow);
    } else {
        check.wrong(format!(
            "while half of a body had come, another message got: {other}; one slow sender stops all"
        ));
    }
    check
}

pub(super) async fn cut(target: &Target) -> Check {
    let mut check = Check::new(
        "cut",
        "forgets what broke off, and takes it when it comes whole",
    );
    let mark = target.mark("cut", 1, "a message that broke off, and then came whole");
    let signed = target.signed(&events::message(&target.user, &mark));
    let (first, _) = halves(&signed.body);
    let broken = || Err(Error::from(ErrorKind::ConnectionAborted));
    let parts = stream::iter([Ok(first)]).chain(stream::once(async move {
        tokio::time::sleep(Duration::from_millis(200)).await;
        broken()
    }));
    let answer = target.post_parts(&signed, signed.body.len(), parts).await;
    if answer.is_taken() {
        check.wrong("half a body: it was taken");
    }
    check.taken("the same, whole", &target.post_again(&signed).await);
    check
}

pub(super) async fn hung_up(target: &Target) -> Check {
    let mut check = Check::new("hung-up", "counts it once when its answer was lost");
    let mark = target.mark("hung-up", 1, "a message whose answer was lost");
    let signed = target.signed(&events::message(&target.user, &mark));
    // The answer may be there sooner: then it is as any that comes twice.
    let _ = tokio::time::timeout(Duration::from_millis(2), target.post(&signed)).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    check.taken("the same again", &target.post_again(&signed).await);
    check
}

pub(super) async fn large(target: &Target) -> Check {
    let mut check = Check::new("large", "takes a message of 300 kB, and a long text whole");
    let mark = target.mark("large", 1, "a message of 300 kB");
    let mut event = events::message(&target.user, &mark);
    event["hsl"]["data"]["padding"] = "x".repeat(LARGE).into();
    let answer = target.post(&target.signed(&event)).await;
    check.taken("a message of 300 kB", &answer);
    // Whoever cuts it loses its end.
    let mark = target.mark("large", 1, "the end of a text of 5,000 characters");
    let text = format!("{}{mark}", "long ".repeat(LONG_TEXT / 5));
    let answer = target
        .post(&target.signed(&events::message(&target.user, &text)))
        .await;
    check.taken("a text of 5,000 characters", &answer);
    let mut event = events::message(&target.user, "certify");
    event["hsl"]["data"]["padding"] = "x".repeat(VERY_LARGE).into();
    let answer = target.post(&target.signed(&event)).await;
    if !answer.is_taken() {
        check.doubtful(format!(
            "a message of 5 MB: {answer}; there are few, and such a one would not arrive. Take bodies up to 10 MB"
        ));
    }
    check
}

pub(super) async fn oversized(target: &Target) -> Check {
    let mut check = Check::new(
        "oversized",
        "refuses what is larger than anything that the bridge sends",
    );
    let mark = target.mark("oversized", 0, "32 MB that nobody has signed");
    let signed = target.forged(&target.signed(&events::message(&target.user, &mark)));
    let (read, mut whole) = oneshot::channel::<()>();
    let pieces = stream::iter((0..OVERSIZED / PIECE).map(|_| Ok(Bytes::from(vec![b' '; PIECE]))));
    let parts = pieces.chain(stream::once(async move {
        let _ = read.send(());
        Ok(Bytes::new())
    }));
    let answer = target.post_parts(&signed, OVERSIZED, parts).await;
    let was_read = whole.try_recv().is_ok();
    match &answer {
        Answer::Status(status, _) if status.as_u16() == 413 => {}
        // To hang up is an answer to that.
        Answer::Nothing(_) => {}
        Answer::Status(..) => {
            check.refused("32 MB that nobody has signed", &answer);
            if was_read {
                check.doubtful(
                    "32 MB that nobody has signed were read to their end: refuse above 10 MB with 413, for memory's sake",
                );
            }
        }
    }
    let (_, answer) = say(target, "oversized", "a message after 32 MB").await;
    check.taken("a message afterwards", &answer);
    if let Answer::Status(_, rest) = answer
        && rest.after > PATIENCE / 2
    {
        check.doubtful("a message afterwards was answered late");
    }
    check
}
