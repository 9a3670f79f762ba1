//! Servers that give too much, too slowly, or not what they say.

use super::*;

const LIMIT: usize = 100;

/// A fetcher that waits a fraction of a second, and connects to any address.
fn impatient() -> Fetcher {
    Fetcher {
        timeout: Duration::from_millis(300),
        ..Fetcher::new(true).expect("a fetcher")
    }
}

async fn fetch(fetcher: &Fetcher, fake: &Fake) -> Result<Bytes, FetchError> {
    fetcher.fetch(&fake.url(""), None, |_| false, LIMIT).await
}

#[tokio::test]
async fn a_server_that_drips_is_given_up_however_it_does_it() {
    let pause = Duration::from_millis(20);
    let head = "HTTP/1.1 200 OK\r\n";
    let slow = [
        // Nothing at all; headers for ever; interim answers for ever; a body, of a known length and not.
        Answer::raw("").then_endlessly("", pause),
        Answer::raw(head).then_endlessly("x", pause),
        Answer::raw("").then_endlessly("HTTP/1.1 103 Early Hints\r\n\r\n", pause),
        Answer::raw(format!("{head}content-length: 90\r\n\r\n")).then_endlessly("", pause),
        Answer::raw(format!("{head}transfer-encoding: chunked\r\n\r\n"))
            .then_endlessly("1;x=y\r\n", Duration::from_secs(1)),
    ];
    for answer in slow {
        let told = format!("{answer:?}");
        let fake = Fake::start(move |_| answer.clone()).await;
        let outcome = fetch(&impatient(), &fake).await;
        let late = unreachable(Unreachable::out_of_time());
        assert_eq!(outcome, Err(late), "{told}");
    }
}

#[tokio::test]
async fn a_redirect_does_not_begin_the_time_anew() {
    let fake = Fake::start(|_| {
        Answer::new(302, "")
            .header("location", "/")
            .after(Duration::from_millis(100))
    })
    .await;
    let outcome = fetch(&impatient(), &fake).await;
    let late = unreachable(Unreachable::out_of_time());
    assert_eq!(outcome, Err(late));
}

#[tokio::test]
async fn a_body_without_end_is_given_up_at_the_limit() {
    let none = Duration::ZERO;
    let head = "HTTP/1.1 200 OK\r\n";
    let endless = [
        // Until the connection closes, which it does not; in chunks.
        Answer::raw(format!("{head}\r\n")).then_endlessly("x".repeat(1000), none),
        Answer::raw(format!("{head}transfer-encoding: chunked\r\n\r\n"))
            .then_endlessly("8\r\nxxxxxxxx\r\n", none),
        // A chunk, and a length, of which not all is ever held.
        Answer::raw(format!(
            "{head}transfer-encoding: chunked\r\n\r\nffffffff\r\n"
        ))
        .then_endlessly("x".repeat(1000), none),
        Answer::raw(format!("{head}content-length: 99999999999\r\n\r\n")),
    ];
    for answer in endless {
        let told = format!("{answer:?}");
        let fake = Fake::start(move |_| answer.clone()).await;
        let outcome = fetch(&Fetcher::new(true).expect("a fetcher"), &fake).await;
        let large = FetchError::TooLarge { limit: LIMIT };
        assert_eq!(outcome, Err(large), "{told:.200}");
    }
}

#[tokio::test]
async fn an_answer_that_is_not_what_it_says_is_no_file() {
    let head = "HTTP/1.1 200 OK\r\n";
    let lies = [
        // Fewer bytes than told; not a number; two lengths; both framings; a chunk cut off; no HTTP.
        format!("{head}content-length: 90\r\n\r\nshort"),
        format!("{head}content-length: -1\r\n\r\nx"),
        format!("{head}content-length: 5\r\ncontent-length: 6\r\n\r\nxxxxxx"),
        format!("{head}transfer-encoding: chunked\r\n\r\n5\r\nxx"),
        format!("{head}transfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\nxx"),
        "220 mail.example ESMTP\r\n".to_owned(),
        String::new(),
        // More headers, and longer ones, than a server has a reason to send.
        format!("{head}{}\r\n", "a: b\r\n".repeat(1000)),
        format!("{head}a: {}\r\n\r\n", "b".repeat(1 << 20)),
    ];
    for lie in lies {
        let told = lie.clone();
        let fake = Fake::start(move |_| Answer::raw(lie.clone())).await;
        let outcome = fetch(&Fetcher::new(true).expect("a fetcher"), &fake).await;
        assert!(
            matches!(&outcome, Err(FetchError::Call(error)) if matches!(error.kind, CallErrorKind::Unreachable(_))),
            "{told:.200}: {outcome:?}"
        );
    }
}

#[tokio::test]
async fn no_more_than_the_length_that_was_told_is_taken() {
    let fake = Fake::start(|_| {
        Answer::raw("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfile").then_endlessly(
            "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nmore",
            Duration::ZERO,
        )
    })
    .await;
    let fetcher = Fetcher::new(true).expect("a fetcher");
    assert_eq!(fetch(&fetcher, &fake).await.expect("the file"), "file");
    assert_eq!(fetch(&fetcher, &fake).await.expect("the file"), "file");
}

#[tokio::test]
async fn what_is_packed_stays_packed() {
    // 30 bytes of gzip, whatever is inside.
    let packed: Vec<u8> = b"\x1f\x8b\x08\0\0\0\0\0\0\x03"
        .iter()
        .copied()
        .chain(0..20)
        .collect();
    let answer = packed.clone();
    let fake = Fake::start(move |request| {
        assert_eq!(request.header("accept-encoding"), "identity");
        Answer::new(200, answer.clone()).header("content-encoding", "gzip")
    })
    .await;
    let fetcher = Fetcher::new(true).expect("a fetcher");
    assert_eq!(fetch(&fetcher, &fake).await.expect("the file"), packed);
    assert_eq!(fake.requests().len(), 1);
}
