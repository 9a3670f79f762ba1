use super::super::fake::{Answer, Fake};
use super::*;

mod limits;
mod names;

fn url(text: &str) -> Url {
    Url::parse(text).expect("a URL")
}

#[test]
fn what_is_not_a_host_is_not_an_url() {
    for odd in [
        "http://[fe80::1%25eth0]/",
        "http://[fe80::1%eth0]/",
        "http://[::ffff:0x7f.0.0.1]/",
        "http://127.0.0.1.256/",
        "http://4294967296/",
        "http://[::1/",
        "http://",
        "http://example.com:65536/",
        "http://exa mple.com/",
        "http://a%00b.com/",
    ] {
        assert!(Url::parse(odd).is_err(), "{odd}");
    }
}

fn bearer() -> SecretString {
    SecretString::from("xoxb-secret")
}

async fn guarded(target: &Url) -> Result<Bytes, FetchError> {
    let fetcher = Fetcher::new(false).expect("a fetcher");
    fetcher.fetch(target, Some(&bearer()), |_| false, 100).await
}

#[tokio::test]
async fn private_addresses_are_refused_however_they_are_written() {
    let fake = Fake::start(|_| Answer::new(200, "inside")).await;
    let port = fake.port();
    let hosts = [
        // Loopback, however it is written.
        "127.0.0.1",
        "127.255.255.254",
        "2130706433",
        "017700000001",
        "0x7f000001",
        "0177.0.0.1",
        "0x7f.1",
        "127.1",
        "127.0.0.1.",
        "%31%32%37.0.0.1",
        "１２７.0.0.1",
        "127。0。0。1",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "x.localhost",
        "[::1]",
        "[0:0:0:0:0:0:0:1]",
        // This host.
        "0",
        "0.0.0.0",
        "0.1.2.3",
        "[::]",
        // IPv4 inside IPv6: mapped, compatible, translated, NAT64 (twice), 6to4, Teredo.
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[::ffff:0:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[64:ff9b:1::7f00:1]",
        "[2002:7f00:1::]",
        "[2001:0:7f00:1::]",
        // Private, shared, link-local, site-local, unique local.
        "10.0.0.1",
        "172.16.0.1",
        "192.168.0.1",
        "100.64.0.1",
        "169.254.1.1",
        "[fe80::1]",
        "[fec0::1]",
        "[fc00::1]",
        "[fd12:3456::1]",
        // The clouds' metadata services.
        "169.254.169.254",
        "0xa9fea9fe",
        "[fd00:ec2::254]",
        "[::ffff:169.254.169.254]",
        "169.254.170.2",
        "100.100.100.200",
        "192.0.0.192",
        // Protocol assignments, documentation, benchmarks, multicast, reserved, broadcast.
        "192.0.0.8",
        "192.0.2.1",
        "198.51.100.1",
        "203.0.113.1",
        "198.18.0.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "[2001:db8::1]",
        "[3fff::1]",
        "[ff02::1]",
    ];
    for host in hosts {
        let target = url(&format!("http://{host}:{port}/"));
        assert_eq!(
            guarded(&target).await,
            Err(FetchError::ForbiddenAddress),
            "{host}"
        );
    }
    // Host and something else, so that one reader sees another host than the next.
    for odd in [
        format!("http:127.0.0.1:{port}"),
        format!("http:///127.0.0.1:{port}/"),
        format!("http://127.0.0.1:{port}\\@example.com/"),
        format!("http://127.0.0.1:{port}#@example.com/"),
        format!("http://127.0.0.1:{port}?@example.com/"),
        format!("http://127.0.0.1\t:{port}\n/"),
        format!("HTTP://127.0.0.1:{port}/"),
    ] {
        let outcome = guarded(&url(&odd)).await;
        assert_eq!(outcome, Err(FetchError::ForbiddenAddress), "{odd}");
    }
    assert!(fake.requests().is_empty());
}

#[tokio::test]
async fn only_http_without_credentials_is_fetched() {
    for refused in [
        "ftp://example.com/",
        "file:///etc/passwd",
        "data:,x",
        "gopher://example.com/",
        "ws://example.com/",
        "http://me:secret@example.com/",
        "http://secret@example.com/",
        "http://:secret@example.com/",
        "http://example.com:80@127.0.0.1/secret",
        "http://example.com:25/",
        "https://example.com:22/",
        "http://example.com:6667/",
    ] {
        let error = guarded(&url(refused)).await.expect_err(refused);
        assert!(matches!(error, FetchError::BadUrl(_)), "{refused}: {error}");
        assert!(!error.to_string().contains("secret"));
    }
}

#[tokio::test]
async fn a_redirect_to_a_private_address_is_refused_and_gets_no_token() {
    let inside = Fake::start(|_| Answer::new(200, "inside")).await;
    let target = inside.url("").to_string();
    let outside = Fake::start(move |_| Answer::new(302, "").header("location", &target)).await;
    let (fetcher, start) = (Fetcher::new(false).expect("a fetcher"), outside.url("file"));
    let is_outside = |url: &Url| url.port() == start.port();
    let outcome = fetcher
        .fetch(&start, Some(&bearer()), is_outside, 100)
        .await;
    assert_eq!(outcome, Err(FetchError::ForbiddenAddress));
    assert_eq!(
        outside.requests()[0].header("authorization"),
        "Bearer xoxb-secret"
    );
    assert!(inside.requests().is_empty());
}

#[tokio::test]
async fn the_token_stays_with_trusted_urls() {
    let other = Fake::start(|_| Answer::new(200, "file")).await;
    let target = other.url("").to_string();
    let own = Fake::start(move |_| Answer::new(307, "").header("location", &target)).await;
    let fetcher = Fetcher::new(true).expect("a fetcher");
    let is_own = |url: &Url| url.port() == Some(own.port());
    let body = fetcher
        .fetch(&own.url(""), Some(&bearer()), is_own, 100)
        .await;
    assert_eq!(body.expect("the file"), "file");
    assert_eq!(other.requests()[0].header("authorization"), "");
}

#[tokio::test]
async fn what_comes_from_outside_is_not_trusted_when_it_comes_back() {
    // An URL from outside redirects to the operator's own server.
    let own = Fake::start(|_| Answer::new(200, "inside")).await;
    let target = own.url("admin").to_string();
    let other = Fake::start(move |_| Answer::new(302, "").header("location", &target)).await;
    let is_own = |url: &Url| url.port() == Some(own.port());
    let fetcher = Fetcher::new(true).expect("a fetcher");
    let body = fetcher
        .fetch(&other.url(""), Some(&bearer()), is_own, 100)
        .await;
    assert_eq!(body.expect("allowed here"), "inside");
    assert_eq!(own.requests()[0].header("authorization"), "");
    // And where private networks are not for users: a trusted URL may be there, and goes out only to
    // where nothing is.
    let fetcher = Fetcher::new(false).expect("a fetcher");
    let body = fetcher.fetch(&own.url("file"), None, is_own, 100).await;
    assert_eq!(body.expect("the operator's"), "inside");
    let outcome = fetcher.fetch(&other.url(""), None, is_own, 100).await;
    assert_eq!(outcome, Err(FetchError::ForbiddenAddress));
    assert_eq!(own.requests().len(), 2);
}

#[tokio::test]
async fn a_redirect_to_what_is_not_http_is_refused() {
    let fake = Fake::start(|request| {
        let targets = [
            "file:///etc/passwd",
            "ftp://example.com/",
            "http://me:x@example.com/",
        ];
        let index: usize = request.path[1..].parse().expect("a number");
        Answer::new(302, "").header("location", targets[index])
    })
    .await;
    let fetcher = Fetcher::new(true).expect("a fetcher");
    for path in ["0", "1", "2"] {
        let outcome = fetcher.fetch(&fake.url(path), None, |_| false, 100).await;
        assert!(matches!(outcome, Err(FetchError::BadUrl(_))), "{path}");
    }
}

#[tokio::test]
async fn redirects_end_after_five_and_files_at_the_limit() {
    let fake = Fake::start(|request| match request.path.as_str() {
        "/large" => Answer::new(200, "x".repeat(101)).chunked(),
        "/nowhere" => Answer::new(302, ""),
        path => match path.trim_start_matches('/').parse::<usize>() {
            Ok(0) => Answer::new(200, "end"),
            Ok(left) => Answer::new(302, "").header("location", &format!("/{}", left - 1)),
            Err(_) => Answer::new(404, ""),
        },
    })
    .await;
    let fetcher = Fetcher::new(true).expect("a fetcher");
    let fetch = async |path: &str| fetcher.fetch(&fake.url(path), None, |_| false, 100).await;
    assert_eq!(fetch("5").await.expect("five redirects"), "end");
    assert_eq!(fetch("6").await, Err(FetchError::TooManyRedirects));
    assert_eq!(
        fetch("large").await,
        Err(FetchError::TooLarge { limit: 100 })
    );
    for (path, code) in [("nowhere", "302"), ("gone", "404")] {
        let Err(FetchError::Call(error)) = fetch(path).await else {
            panic!("{path} is refused")
        };
        let told = (error.kind, error.code.as_str());
        assert_eq!(told, (CallErrorKind::Refused, code), "{path}");
    }
}

#[tokio::test]
async fn an_overloaded_server_is_asked_again_and_a_refusing_one_is_not() {
    let fake = Fake::start(|request| {
        let status = request
            .path
            .trim_start_matches('/')
            .parse()
            .expect("a status");
        Answer::new(status, "").header("retry-after", "7")
    })
    .await;
    let fetcher = Fetcher::new(true).expect("a fetcher");
    let seven = Retry::Later(Some(Duration::from_secs(7)));
    for (status, retry) in [
        ("400", Retry::Never),
        ("401", Retry::Never),
        ("403", Retry::Never),
        ("404", Retry::Never),
        ("410", Retry::Never),
        ("408", seven),
        ("429", seven),
        ("500", seven),
        ("503", seven),
    ] {
        let error = fetcher
            .fetch(&fake.url(status), None, |_| true, 100)
            .await
            .expect_err(status);
        assert_eq!(error.retry(), retry, "{status}");
    }
}
