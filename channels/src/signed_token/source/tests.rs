use std::sync::atomic::{AtomicUsize, Ordering};

use haptik_bridge_shared::net::client;
use haptik_bridge_shared::net::fake::{Answer, Fake};
use http::HeaderName;
use serde_json::json;

use super::super::service_account::sign;
use super::super::tests::{FIRST, SECOND, claims, expected, header, jwk, key, now, token};
use super::*;

/// A provider whose keys can be exchanged, and which can be out of reach.
struct Provider {
    fake: Fake,
    /// 0: it fails; 1: it has the first key; 2: it has the second as well.
    has: Arc<AtomicUsize>,
}

impl Provider {
    async fn new(cache_control: &'static str) -> Self {
        let has = Arc::new(AtomicUsize::new(1));
        let keys = [jwk("k1", FIRST), jwk("k2", SECOND)];
        let known = Arc::clone(&has);
        let fake = Fake::start(move |_| {
            let answer = match known.load(Ordering::SeqCst) {
                0 => Answer::new(503, ""),
                count => Answer::new(200, json!({"keys": keys[..count]}).to_string()),
            };
            let answer = answer.after(Duration::from_millis(50));
            answer.header("cache-control", cache_control)
        })
        .await;
        Self { fake, has }
    }

    fn has(&self, what: usize) {
        self.has.store(what, Ordering::SeqCst);
    }

    fn source(&self) -> KeySource {
        KeySource::new(client().expect("a client"), self.fake.url("keys"))
    }

    fn asked(&self) -> usize {
        self.fake.requests().len()
    }
}

fn after(seconds: i64) -> Timestamp {
    now()
        .checked_add(SignedDuration::from_secs(seconds))
        .expect("a time")
}

/// What a token of the key with this name leads to.
async fn shown(source: &KeySource, id: &str, at: i64) -> &'static str {
    let mut claims = claims();
    claims["exp"] = (after(at).as_second() + 3_600).into();
    let by = key(if id == "k2" { SECOND } else { FIRST });
    let token = sign(&by, &header(id), &claims).expect("a signature");
    match source.verify(&token, &expected(), after(at)).await {
        Ok(_) => "good",
        Err(TokenError::Refused(_)) => "refused",
        Err(TokenError::NoKeys(_)) => "not now",
    }
}

#[tokio::test]
async fn ten_at_once_fetch_the_keys_once_and_a_hundred_more_do_not() {
    let provider = Provider::new("public, max-age=20000").await;
    let source = provider.source();
    let good = token(&header("k1"), &claims());
    let expected = expected();
    let ten = (0..10).map(|_| source.verify(&good, &expected, now()));
    for verified in join_all(ten).await {
        assert!(verified.is_ok(), "{verified:?}");
    }
    for second in 0..100 {
        assert_eq!(shown(&source, "k1", second).await, "good");
    }
    assert_eq!(provider.asked(), 1);
}

#[tokio::test]
async fn a_new_key_is_known_within_a_minute_and_unknown_ones_are_no_flood() {
    let provider = Provider::new("max-age=20000").await;
    let source = provider.source();
    assert_eq!(shown(&source, "k1", 0).await, "good");
    for number in 0..60 {
        assert_eq!(shown(&source, &format!("x{number}"), 1).await, "refused");
    }
    assert_eq!(provider.asked(), 1);
    provider.has(2);
    assert_eq!(shown(&source, "k2", 2).await, "refused");
    assert_eq!(shown(&source, "k2", 60).await, "good");
    assert_eq!(shown(&source, "k1", 61).await, "good");
    assert_eq!(provider.asked(), 2);
    // Long after, it is known at once.
    provider.has(1);
    for number in 0..60 {
        assert_eq!(
            shown(&source, &format!("x{number}"), 1_000).await,
            "refused"
        );
    }
    assert_eq!(shown(&source, "k2", 1_000).await, "refused");
    assert_eq!(provider.asked(), 3);
}

#[tokio::test]
async fn without_keys_nothing_is_refused_nor_taken_until_there_are_some() {
    let provider = Provider::new("max-age=20000").await;
    provider.has(0);
    let source = provider.source();
    let good = token(&header("k1"), &claims());
    let expected = expected();
    let ten = (0..10).map(|_| source.verify(&good, &expected, now()));
    for verified in join_all(ten).await {
        assert!(
            matches!(verified, Err(TokenError::NoKeys(_))),
            "{verified:?}"
        );
    }
    assert_eq!(provider.asked(), 1);
    for second in 1..10 {
        assert_eq!(shown(&source, "k1", second).await, "not now");
    }
    assert_eq!(provider.asked(), 1);
    assert_eq!(shown(&source, "k1", 10).await, "not now");
    provider.has(1);
    assert_eq!(shown(&source, "k1", 20).await, "good");
    // One that is unknown cannot be told from a new one while they are out of reach again.
    provider.has(0);
    assert_eq!(shown(&source, "k2", 90).await, "not now");
    assert_eq!(shown(&source, "k1", 90).await, "good");
    provider.has(2);
    assert_eq!(shown(&source, "k2", 150).await, "good");
}

#[tokio::test]
async fn keys_are_kept_as_long_as_the_provider_says_and_renewed_before() {
    let provider = Provider::new("max-age=1000").await;
    let source = provider.source();
    for (at, asked, is) in [
        (0, 1, "good"),
        (749, 1, "good"),
        (750, 2, "good"),
        (1_499, 2, "good"),
    ] {
        assert_eq!(shown(&source, "k1", at).await, is, "{at}");
        assert_eq!(provider.asked(), asked, "{at}");
    }
    provider.has(0);
    // They are still good, and are asked for once a minute.
    assert_eq!(shown(&source, "k1", 1_500).await, "good");
    assert_eq!(shown(&source, "k1", 1_510).await, "good");
    assert_eq!(provider.asked(), 3);
    assert_eq!(shown(&source, "k1", 1_749).await, "good");
    assert_eq!(shown(&source, "k1", 1_750).await, "not now");
    provider.has(1);
    assert_eq!(shown(&source, "k1", 1_760).await, "good");
}

#[tokio::test]
async fn the_place_of_the_keys_is_discovered() {
    let document = json!({"keys": [jwk("k1", FIRST)]}).to_string();
    let port = Arc::new(AtomicUsize::new(0));
    let known = Arc::clone(&port);
    let fake = Fake::start(move |request| {
        let own = known.load(Ordering::SeqCst);
        Answer::new(
            200,
            match request.path.as_str() {
                "/good" => json!({"jwks_uri": format!("http://127.0.0.1:{own}/keys")}).to_string(),
                "/elsewhere" => json!({"jwks_uri": "http://keys.example/keys"}).to_string(),
                "/none" => "{}".to_owned(),
                _ => document.clone(),
            },
        )
    })
    .await;
    port.store(fake.port().into(), Ordering::SeqCst);
    for (path, is) in [
        ("good", "good"),
        ("elsewhere", "not now"),
        ("none", "not now"),
    ] {
        let http = client().expect("a client");
        let source = KeySource::discovered(http, fake.url(path));
        assert_eq!(shown(&source, "k1", 0).await, is, "{path}");
    }
}

#[tokio::test]
async fn what_is_no_set_of_keys_is_as_none() {
    let bodies = [
        "",
        "[]",
        "{}",
        "not JSON",
        r#"{"keys":1}"#,
        r#"{"k1":"PEM"}"#,
    ];
    for body in bodies {
        let fake = Fake::start(move |_| Answer::new(200, body)).await;
        let source = KeySource::new(client().expect("a client"), fake.url("keys"));
        assert_eq!(shown(&source, "k1", 0).await, "not now", "{body}");
    }
    let nobody = Url::parse("http://127.0.0.1:1/keys").expect("a URL");
    let source = KeySource::new(client().expect("a client"), nobody);
    assert_eq!(shown(&source, "k1", 0).await, "not now");
}

#[test]
fn how_long_keys_are_kept_is_in_the_headers() {
    let lasts = |headers: &[(HeaderName, &str)]| {
        let headers = headers.iter();
        let headers = headers.map(|(name, value)| (name.clone(), value.parse().expect("a header")));
        lifetime(&headers.collect(), now()).as_secs()
    };
    let expires = (EXPIRES, "Sat, 28 Nov 2026 12:00:00 GMT");
    assert_eq!(lasts(&[]), 3_600);
    assert_eq!(
        lasts(&[(CACHE_CONTROL, "public, max-age=19845, must-revalidate")]),
        19_845
    );
    assert_eq!(lasts(&[(CACHE_CONTROL, "MAX-AGE=\"700\"")]), 700);
    assert_eq!(
        lasts(&[
            (CACHE_CONTROL, "max-age=700"),
            (AGE, "100"),
            expires.clone()
        ]),
        600
    );
    assert_eq!(lasts(&[(CACHE_CONTROL, "no-store")]), 60);
    assert_eq!(lasts(&[(CACHE_CONTROL, "max-age=0")]), 60);
    assert_eq!(lasts(&[(CACHE_CONTROL, "max-age=31536000")]), 86_400);
    assert_eq!(lasts(&[(CACHE_CONTROL, "private"), expires.clone()]), 7_200);
    assert_eq!(
        lasts(&[expires, (DATE, "Sat, 28 Nov 2026 11:00:00 GMT")]),
        3_600
    );
    assert_eq!(lasts(&[(EXPIRES, "0")]), 3_600);
}

/// The outcomes of some futures, which run side by side.
async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.map(Box::pin).collect();
    let mut outcomes: Vec<Option<F::Output>> = futures.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, outcome) in futures.iter_mut().zip(&mut outcomes) {
            if outcome.is_none()
                && let std::task::Poll::Ready(ready) = future.as_mut().poll(context)
            {
                *outcome = Some(ready);
            }
        }
        if outcomes.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    outcomes.into_iter().flatten().collect()
}
