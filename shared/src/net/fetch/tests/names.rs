//! Names and what they resolve to.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Mutex;

use super::*;

/// A resolver whose answers are known, one after the other.
#[derive(Debug, Clone)]
struct Script(Arc<Mutex<VecDeque<Vec<IpAddr>>>>);

impl Script {
    fn new(answers: &[&[&str]]) -> Self {
        let ip = |text: &&str| text.parse().expect("an address");
        let answers = answers.iter().map(|ips| ips.iter().map(ip).collect());
        Self(Arc::new(Mutex::new(answers.collect())))
    }

    fn left(&self) -> usize {
        self.0.lock().expect("no panic before").len()
    }
}

impl Resolve for Script {
    fn resolve(&self, _: Name) -> Resolving {
        let answer = self.0.lock().expect("no panic before").pop_front();
        let ips = answer.expect("no more questions than answers");
        let found = ips.into_iter().map(|ip| SocketAddr::new(ip, 0));
        Box::pin(async move { Ok(Box::new(found) as Addrs) })
    }
}

/// A fetcher that asks `names`, for which this is public.
fn fetcher(names: &Script, is_public: fn(IpAddr) -> bool) -> Fetcher {
    let resolver = PublicOnly {
        names: names.clone(),
        is_public,
    };
    Fetcher::guarded_by(resolver).expect("a fetcher")
}

#[tokio::test]
async fn a_name_leads_only_to_its_public_addresses() {
    let found = async |ips: &[&str]| {
        let resolver = PublicOnly {
            names: Script::new(&[ips]),
            is_public: address::is_public,
        };
        let addresses = resolver
            .resolve("example.com".parse().expect("a name"))
            .await;
        addresses.map(|found| {
            found
                .map(|found| found.ip().to_string())
                .collect::<Vec<_>>()
        })
    };
    for none in [
        &["10.0.0.1", "::1"] as &[_],
        &["::ffff:8.8.8.8"],
        &["169.254.169.254"],
        &[],
    ] {
        assert!(found(none).await.is_err(), "{none:?}");
    }
    let one = found(&["10.0.0.1", "8.8.8.8", "fd00:ec2::254"]).await;
    assert_eq!(one.expect("one"), ["8.8.8.8"]);
}

#[tokio::test]
async fn a_name_that_resolves_to_a_private_address_is_refused() {
    // The resolver's own refusal, through all the layers that wrap it; and the system's resolver.
    let resolver = PublicOnly {
        names: SystemNames,
        is_public: address::is_public,
    };
    let client = build(|builder| builder.dns_resolver(Arc::new(resolver))).expect("a client");
    let error = client
        .get("http://localhost:1/")
        .send()
        .await
        .expect_err("refused");
    assert_eq!(FetchError::from(&error), FetchError::ForbiddenAddress);
}

/// For this test 127.0.0.1 is public, and 127.0.0.2 is what a guarded fetcher must not reach.
#[tokio::test]
async fn the_address_that_was_checked_is_the_one_that_is_connected_to() {
    let fake = Fake::start(|_| Answer::new(200, "file")).await;
    let target = url(&format!("http://rebinding.example:{}/", fake.port()));
    let names = Script::new(&[&["127.0.0.1"], &["127.0.0.2"], &["127.0.0.2", "127.0.0.1"]]);
    let fetcher = fetcher(&names, |ip| ip != IpAddr::from([127, 0, 0, 2]));
    let fetch = async || fetcher.fetch(&target, None, |_| false, 100).await;
    // One question for one connection: there is no second answer that could be another.
    assert_eq!(fetch().await.expect("the public address"), "file");
    assert_eq!(names.left(), 2);
    // The name has another address now, and is judged anew.
    assert_eq!(fetch().await, Err(FetchError::ForbiddenAddress));
    // Of two addresses only the public one is tried.
    assert_eq!(fetch().await.expect("the public address"), "file");
    assert_eq!((names.left(), fake.requests().len()), (0, 2));
}

#[tokio::test]
async fn a_name_is_judged_after_a_redirect_too() {
    let target = Arc::new(Mutex::new(String::new()));
    let location = Arc::clone(&target);
    let fake = Fake::start(move |_| {
        let location = location.lock().expect("no panic before");
        Answer::new(302, "").header("location", &location)
    })
    .await;
    *target.lock().expect("no panic before") = format!("http://inside.example:{}/", fake.port());
    let names = Script::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let fetcher = fetcher(&names, |ip| ip != IpAddr::from([127, 0, 0, 2]));
    let start = url(&format!("http://outside.example:{}/", fake.port()));
    let outcome = fetcher.fetch(&start, None, |_| false, 100).await;
    assert_eq!(outcome, Err(FetchError::ForbiddenAddress));
    assert_eq!((names.left(), fake.requests().len()), (0, 1));
}
