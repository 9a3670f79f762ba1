//! Requests that nobody honest sends, through the real routers: as HTTP, and as the events that API
//! Gateway makes of it.

use std::cell::Cell;

use haptik_bridge_simulator::UserMessage;
use haptik_bridge_tests::{Options, Stage};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use self::door::{Door, Signed};
use self::edge::{Edge, Way};

#[path = "hostile/door.rs"]
mod door;
#[path = "hostile/edge.rs"]
mod edge;

/// What is wrong with a request.
#[derive(Debug, Clone)]
enum Forgery {
    /// Signed with another secret.
    Secret,
    /// Signed so many seconds from now.
    Time(i64),
    /// A bit of the body is another.
    Flipped(Index, u8),
    /// The body is cut off.
    Cut(Index),
    /// The body has more.
    Longer(String),
    /// The body is the same text in another encoding.
    Encoded(Encoding),
    /// A header is missing, there twice, not text, has something before it, or is cut off.
    Header(Index, Blemish),
}

#[derive(Debug, Clone, Copy)]
enum Encoding {
    Base64,
    Percent,
    Utf16,
    ByteOrderMark,
}

#[derive(Debug, Clone, Copy)]
enum Blemish {
    Missing,
    Twice,
    Empty,
    NotText,
    Before,
    Cut,
}

fn forgeries() -> impl Strategy<Value = Forgery> {
    let encoding = prop::sample::select(vec![
        Encoding::Base64,
        Encoding::Percent,
        Encoding::Utf16,
        Encoding::ByteOrderMark,
    ]);
    let blemish = prop::sample::select(vec![
        Blemish::Missing,
        Blemish::Twice,
        Blemish::Empty,
        Blemish::NotText,
        Blemish::Before,
        Blemish::Cut,
    ]);
    prop_oneof![
        Just(Forgery::Secret),
        // Less leaves room for a slow machine between signing and looking at the clock.
        prop_oneof![330..1_000_000_i64, -1_000_000..-330_i64].prop_map(Forgery::Time),
        (any::<Index>(), 0..8_u8).prop_map(|(at, bit)| Forgery::Flipped(at, bit)),
        any::<Index>().prop_map(Forgery::Cut),
        "[ \\n}a-z]{1,20}".prop_map(Forgery::Longer),
        encoding.prop_map(Forgery::Encoded),
        (any::<Index>(), blemish).prop_map(|(at, blemish)| Forgery::Header(at, blemish)),
    ]
}

impl Forgery {
    /// A request of this door with this wrong about it.
    fn of(&self, door: Door) -> Signed {
        let body = door.request("1");
        let now = Timestamp::now();
        let mut signed = match self {
            Self::Secret => door.signed_by_another(&body, now),
            // There is no time in what Haptik signs.
            Self::Time(_) if door == Door::Haptik => door.signed_by_another(&body, now),
            Self::Time(seconds) => {
                let at = now.checked_add(SignedDuration::from_secs(*seconds));
                door.signed(&body, at.expect("in range"))
            }
            _ => door.signed(&body, now),
        };
        let body = &mut signed.body;
        match self {
            Self::Secret | Self::Time(_) => {}
            Self::Flipped(at, bit) => {
                let at = at.index(body.len());
                body[at] ^= 1 << bit;
            }
            Self::Cut(at) => body.truncate(at.index(body.len())),
            Self::Longer(more) => body.extend(more.bytes()),
            Self::Encoded(encoding) => *body = encoding.of(body),
            Self::Header(at, blemish) => {
                let at = at.index(signed.headers.len());
                let (name, value) = signed.headers[at].clone();
                match blemish {
                    Blemish::Missing => drop(signed.headers.remove(at)),
                    Blemish::Twice => signed.headers.push((name, value)),
                    Blemish::Empty => signed.headers[at].1.clear(),
                    Blemish::NotText => signed.headers[at].1 = vec![0xff; 40],
                    Blemish::Before => signed.headers[at].1.splice(0..0, *b"x").for_each(drop),
                    Blemish::Cut => drop(signed.headers[at].1.pop()),
                }
            }
        }
        signed
    }
}

impl Encoding {
    fn of(self, body: &[u8]) -> Vec<u8> {
        let text = String::from_utf8_lossy(body);
        match self {
            Self::Base64 => edge::base64(body).into_bytes(),
            Self::Percent => url::form_urlencoded::byte_serialize(body)
                .collect::<String>()
                .into_bytes(),
            Self::Utf16 => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Self::ByteOrderMark => [b"\xef\xbb\xbf", body].concat(),
        }
    }
}

fn cases(cases: u32) -> TestRunner {
    TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    })
}

fn doors() -> impl Strategy<Value = Door> {
    prop::sample::select(Door::ALL.to_vec())
}

fn ways() -> impl Strategy<Value = Way> {
    prop::sample::select(vec![Way::Http, Way::Gateway, Way::GatewayInBase64])
}

#[test]
fn no_forged_request_is_accepted_and_nothing_of_it_is_stored() {
    let edge = Edge::start();
    cases(600)
        .run(&(doors(), ways(), forgeries()), |(door, way, forgery)| {
            let answer = edge.post(way, door.path(), forgery.of(door));
            prop_assert_eq!(answer.status, 401, "{}", answer.body);
            prop_assert!(!answer.body.contains(Door::SAID), "{}", answer.body);
            Ok(())
        })
        .expect("every one of them is refused");
    assert_eq!(edge.entries().len(), 0);
    assert_eq!(edge.rings(), 0);
    // That it can fail.
    let good = Door::Haptik.signed(&Door::Haptik.request("1"), Timestamp::now());
    assert_eq!(edge.post(Way::Http, Door::Haptik.path(), good).status, 200);
    assert_eq!(edge.entries().len(), 1);
}

#[test]
fn a_genuine_request_is_one_entry_however_it_is_dressed_and_however_often_it_is_replayed() {
    let edge = Edge::start();
    let dress = prop::collection::vec((ways(), any::<u64>(), any::<bool>()), 1..4);
    let sent = Cell::new(0);
    cases(60)
        .run(&(doors(), dress), |(door, deliveries)| {
            sent.set(sent.get() + 1);
            let body = door.request(&sent.get().to_string());
            let signed = door.signed(&body, Timestamp::now());
            for (way, case, more) in deliveries {
                let mut signed = signed.clone();
                for (name, _) in &mut signed.headers {
                    *name = in_case(name, case);
                }
                if more {
                    let other = ("x-Forwarded-For".to_owned(), b"127.0.0.1".to_vec());
                    signed.headers.insert(0, other);
                }
                let answer = edge.post(way, door.path(), signed);
                prop_assert!(
                    [200, 202].contains(&answer.status),
                    "{}: {}",
                    answer.status,
                    answer.body
                );
            }
            let stored = edge.entries().len();
            prop_assert_eq!(stored, sent.get());
            Ok(())
        })
        .expect("each of them is one entry");
}

/// A name in capitals and small letters, as the bits say.
fn in_case(name: &str, bits: u64) -> String {
    let letter = |(at, letter): (usize, char)| match bits >> (at % 64) & 1 {
        1 => letter.to_ascii_uppercase(),
        _ => letter,
    };
    name.chars().enumerate().map(letter).collect()
}

/// What a sender who has the secret can send all the same.
fn odd_values() -> impl Strategy<Value = String> {
    let fixed = prop::sample::select(vec![
        "null",
        "true",
        "-0",
        "1e400",
        "-1e-400",
        "1.5",
        "[]",
        "{}",
        r#""""#,
        r#""\u0000""#,
        r#""a\u0000b""#,
        r#""\ud800""#,
        r#""\udc00\ud800""#,
        r#""\ud83d\ude00""#,
        r#""\u202e\u2066""#,
        "123456789012345678901234567890",
        "18446744073709551616",
        "-9223372036854775809",
        r#""9999999999.999999""#,
        r#""-1""#,
        r#""2026-13-45T99:99:99Z""#,
        r#""+275760-09-13T00:00:00Z""#,
        "\"#/../%00\"",
        r#""{\"text\": \"{}\"}""#,
        "NaN",
        "'x'",
        "\"\u{0}\"",
    ]);
    let deep = (
        1..140_usize,
        prop::sample::select(vec![("[", "]"), ("{\"a\":", "}")]),
    );
    prop_oneof![
        4 => fixed.prop_map(str::to_owned),
        2 => deep.prop_map(|(depth, (open, close))| format!("{}1{}", open.repeat(depth), close.repeat(depth))),
        1 => (0..3000_usize).prop_map(|length| json!("é".repeat(length)).to_string()),
        1 => any::<String>().prop_map(|text| json!(text).to_string()),
    ]
}

#[test]
fn whatever_is_genuine_is_answered_and_what_is_stored_of_it_can_be_read() {
    let edge = Edge::start();
    let odd = prop::collection::vec((any::<Index>(), odd_values()), 1..4);
    let sent = Cell::new(0);
    cases(400)
        .run(&(doors(), odd), |(door, odd)| {
            sent.set(sent.get() + 1);
            let body = door.odd_request(&sent.get().to_string(), &odd);
            let signed = door.signed(body.as_bytes(), Timestamp::now());
            let answer = edge.post(Way::Http, door.path(), signed);
            let expected: &[u16] = match door {
                Door::Custom => &[202, 400],
                Door::Slack | Door::Haptik => &[200],
            };
            prop_assert!(
                expected.contains(&answer.status),
                "{}: {}",
                answer.status,
                body
            );
            Ok(())
        })
        .expect("each of them is answered");
    let entries = edge.entries();
    assert!(entries.len() > 100, "{}", entries.len());
    for (lane, key) in entries {
        if let Err(error) = edge.entry(&lane, &key) {
            panic!("{lane} {key} is in the ledger and cannot be read: {error}");
        }
    }
}

#[test]
fn bytes_that_are_no_text_are_kept_as_they_came() {
    let edge = Edge::start();
    for door in [Door::Slack, Door::Haptik] {
        let bodies = [
            b"\xff\xfe\x00".to_vec(),
            b"{\"a\":\"\xc3\x28\"}".to_vec(),
            vec![0; 9],
        ];
        for body in bodies {
            for way in [Way::Http, Way::GatewayInBase64] {
                let signed = door.signed(&body, Timestamp::now());
                assert_eq!(edge.post(way, door.path(), signed).status, 200);
            }
        }
    }
    let entries = edge.entries();
    assert_eq!(entries.len(), 6);
    for (lane, key) in entries {
        edge.entry(&lane, &key).expect("readable");
    }
}

#[test]
fn a_body_of_the_limit_is_taken_and_one_byte_more_is_not() {
    const LIMIT: usize = 10 * 1024 * 1024;
    let edge = Edge::start();
    for door in Door::ALL {
        for (length, status) in [(LIMIT, 401), (LIMIT + 1, 413)] {
            let body = vec![b'x'; length];
            let unsigned = Signed {
                headers: Vec::new(),
                body,
            };
            for way in [Way::Http, Way::HttpWithoutLength, Way::Gateway] {
                let answer = edge.post(way, door.path(), unsigned.clone());
                assert_eq!(answer.status, status, "{door:?} {way:?} {length}");
            }
        }
    }
    assert_eq!(edge.entries().len(), 0);
    // Genuine, and to the last byte.
    let text = |length: usize| {
        let start = r#"{"event_name":"message","user":{"auth_id":"x"},"message":{"id":1,"body":""#;
        format!("{start}{}\"}}}}", "x".repeat(length - start.len() - 3))
    };
    for (length, status) in [(LIMIT, 200), (LIMIT + 1, 413)] {
        let signed = Door::Haptik.signed(text(length).as_bytes(), Timestamp::now());
        let answer = edge.post(Way::Http, Door::Haptik.path(), signed);
        assert_eq!(answer.status, status, "{}", answer.body);
    }
    let entries = edge.entries();
    let [(lane, key)] = &entries[..] else {
        panic!("one entry, not {entries:?}");
    };
    edge.entry(lane, key).expect("whole");
}

#[test]
fn no_path_leads_around_the_signature() {
    let edge = Edge::start();
    let body = Door::Haptik.request("1");
    for (path, status) in [
        ("/channels/acme%2Dslack", 401),
        ("/haptik/%6dain", 401),
        ("/haptik/main?x=/channels/my-app", 401),
        ("/haptik/main/", 404),
        ("/haptik//main", 404),
        ("//haptik/main", 404),
        ("/channels/../haptik/main", 404),
        ("/channels/%2e%2e/haptik/main", 404),
        ("/channels/my-app%2f", 404),
        ("/channels/my-app%00", 404),
        ("/channels/MY-APP", 404),
        ("/channels/my-app/anything", 404),
        ("/channels/%ff", 400),
    ] {
        let unsigned = Signed {
            headers: Vec::new(),
            body: body.clone(),
        };
        let answer = edge.post(Way::Http, path, unsigned);
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
    }
    assert_eq!(edge.entries().len(), 0);
}

/// Whoever can have a file fetched cannot have anything fetched from here: not by its address, not by a
/// name, and not as a file of Slack.
#[tokio::test]
async fn nothing_that_a_user_links_to_is_fetched_from_this_machine() -> anyhow::Result<()> {
    let inside = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let port = inside.local_addr()?.port();
    let options = Options {
        tables: "[outbound]\nallow_private_networks = false".to_owned(),
        ..Options::default()
    };
    let stage = Stage::with(options, |_: &UserMessage| Vec::new()).await?;
    let urls = [
        format!("http://127.0.0.1:{port}/a.png"),
        format!("http://localhost:{port}/b.png"),
        format!("http://[::ffff:127.0.0.1]:{port}/c.png"),
        format!("http://2130706433:{port}/d.png"),
    ];
    let attachments: Vec<_> = urls
        .iter()
        .map(|url| json!({"url": url, "name": "x.png", "mime_type": "image/png"}))
        .collect();
    let message = json!({"type": "message", "id": "m-1", "timestamp": Timestamp::now().to_string(),
                         "text": "", "user": {"id": "u-42"}, "attachments": attachments});
    let url = stage.channel_url("my-app");
    assert_eq!(stage.app.send(&url, &message).await?.0, 202);
    let mut file = stage.slack.add_file("x.png", "image/png", "a picture");
    for key in ["url_private", "url_private_download"] {
        file[key] = json!(urls[0]);
    }
    let channel = stage.slack.dm_channel("U00000ASHA");
    let event = stage.slack.file_share(&channel, "U00000ASHA", "", &[file]);
    let url = stage.channel_url("acme-slack");
    assert!(
        stage
            .slack
            .client()
            .send(&url, &event)
            .await
            .is_acknowledged()
    );
    // Haptik is told of each file in words.
    stage
        .simulator()
        .wait_until(std::time::Duration::from_secs(20), |seen| {
            seen.messages.len() == urls.len() + 1
        })
        .await?;
    stage
        .simulator()
        .records(|seen| assert!(seen.files.is_empty()));
    let nobody = tokio::time::timeout(std::time::Duration::ZERO, inside.accept()).await;
    assert!(nobody.is_err(), "something was fetched from this machine");
    stage.finish().await
}
