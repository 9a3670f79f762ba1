//! `haptik-bridge check --online`: tries every credential of a configuration without anybody seeing it, the
//! clock, and whether the public URL leads to a bridge with this configuration.

use std::time::Duration;

use anyhow::bail;
use haptik_bridge_channels::channel::OnlineDeps;
use haptik_bridge_channels::registry::TRIALS;
use haptik_bridge_local::database::EmbeddedDynamoDb;
use haptik_bridge_shared::config::{self, Config};
use haptik_bridge_shared::haptik::online::try_account;
use haptik_bridge_shared::net::aws::AwsEnvironment;
use haptik_bridge_shared::net::online::{CHECK_HEADER, Finding, Verdict, proof};
use haptik_bridge_shared::net::{self, Unreachable};
use haptik_bridge_sinks::{SinkDeps, Sinks};
use http::header::DATE;
use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use url::Url;

use crate::terminal::visible;

/// How far our clock may be from another's: signatures of Slack's and of Standard Webhooks are good for five
/// minutes, and both clocks may be off.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_mins(1);

/// How long any one thing may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// The largest answer of a bridge that is read, in bytes.
const LARGEST_ANSWER: usize = 64 * 1024;

/// Tries everything and prints a line each; `url` is the bridge's public URL, where it is known.
///
/// # Errors
/// When something was refused, or did not answer.
pub(super) async fn run(config: &Config, url: Option<&str>) -> anyhow::Result<()> {
    println!("Tried, without anybody seeing it:\n");
    let http = net::client()?;
    let mut bad = 0_usize;
    let mut print = |place: &str, findings: Vec<Finding>| {
        for mut finding in findings {
            bad += usize::from(finding.verdict.is_bad());
            finding.item = format!("{place}{}", finding.item);
            println!("  {}", visible(&finding.to_string()));
        }
    };
    for (name, account) in &config.haptik {
        let tried = within(accounts(config, name.as_str(), account, &http)).await;
        print(&format!("haptik.{name}, "), tried);
    }
    for (name, channel) in &config.channels {
        let place = format!("channels.{name}, ");
        print(
            &place,
            within(connection(channel, name.as_str(), &http, url)).await,
        );
    }
    let database = EmbeddedDynamoDb::start(None).await?;
    let aws = AwsEnvironment::read(crate::variable);
    let deps = SinkDeps::new(config, &database.table, &http, &aws);
    let sinks = Sinks::new(config, &deps);
    for name in sinks.names() {
        if let Some(sink) = sinks.get(name) {
            print(&format!("sinks.{name}, "), within(sink.online()).await);
        }
    }
    print("", vec![clock(config, url, &http).await]);
    print("", within(public_url(config, url, &http)).await);
    println!();
    match bad {
        0 => Ok(()),
        1 => bail!("one of these is to be mended"),
        count => bail!("{count} of these are to be mended"),
    }
}

/// What is tried, or that it took too long.
async fn within(trial: impl Future<Output = Vec<Finding>>) -> Vec<Finding> {
    let late = |_| {
        let why = format!("there was no answer within {} s", PATIENCE.as_secs());
        vec![Finding::new("all", Verdict::Unreached(why))]
    };
    tokio::time::timeout(PATIENCE, trial)
        .await
        .unwrap_or_else(late)
}

async fn accounts(
    config: &Config,
    name: &str,
    account: &config::Haptik,
    http: &reqwest::Client,
) -> Vec<Finding> {
    let mut connections = config.channels.values();
    let of_account = connections.find(|channel| channel.haptik.as_str() == name);
    let business_id = of_account.map(|channel| channel.business_id);
    let nobody = format!("haptikbridgecheck{:016x}", fastrand::u64(..));
    try_account(account, http.clone(), business_id, &nobody).await
}

async fn connection(
    channel: &config::Channel,
    name: &str,
    http: &reqwest::Client,
    url: Option<&str>,
) -> Vec<Finding> {
    let deps = OnlineDeps {
        http: http.clone(),
        url: url.map(|url| format!("{url}/channels/{name}")),
    };
    let mut trials = TRIALS.iter();
    let found = trials.find(|(type_name, _)| *type_name == channel.type_name);
    match found.map(|(_, online)| online(channel, deps)) {
        Some(Ok(trial)) => trial.await,
        Some(Err(error)) => {
            let mend = "Mend its table in the configuration".to_owned();
            let why = error.to_string();
            vec![Finding::new("all", Verdict::Refused { why, mend })]
        }
        None => Vec::new(),
    }
}

/// Whether our clock is right, by the first server that says what time it has.
async fn clock(config: &Config, url: Option<&str>, http: &reqwest::Client) -> Finding {
    let ours = url.and_then(|url| url.parse::<Url>().ok());
    let accounts = config
        .haptik
        .values()
        .map(|account| account.base_url.clone());
    for server in accounts.chain(ours) {
        let asked = http.get(server).timeout(PATIENCE).send().await;
        let Some(theirs) = asked.ok().and_then(|answer| time_of(&answer)) else {
            continue;
        };
        return Finding::new("the clock", clock_verdict(theirs, Timestamp::now()));
    }
    Finding::untried("the clock", "no server said what time it has")
}

fn time_of(answer: &reqwest::Response) -> Option<Timestamp> {
    let date = answer.headers().get(DATE)?.to_str().ok()?;
    Some(rfc2822::parse(date).ok()?.timestamp())
}

fn clock_verdict(theirs: Timestamp, ours: Timestamp) -> Verdict {
    let ahead = ours.duration_since(theirs);
    if ahead.abs() <= CLOCK_TOLERANCE {
        return Verdict::Accepted("within a minute of Haptik's".to_owned());
    }
    let way = if ahead.is_positive() {
        "ahead"
    } else {
        "behind"
    };
    Verdict::Refused {
        why: format!("this machine is {} s {way}", ahead.abs().as_secs()),
        mend: "Set its time by NTP: signatures are good for five minutes".to_owned(),
    }
}

/// Whether the public URL leads to a bridge that has this configuration's accounts.
async fn public_url(config: &Config, url: Option<&str>, http: &reqwest::Client) -> Vec<Finding> {
    let Some(url) = url else {
        let how = "name the bridge's with --url, once it runs";
        return vec![Finding::untried("the public URL", how)];
    };
    let mut findings = Vec::new();
    for (name, account) in &config.haptik {
        let secret = account.webhook_secrets.newest();
        let asking = proof(name.as_str(), secret, Timestamp::now());
        let request = http
            .get(format!("{url}/health"))
            .header(CHECK_HEADER, asking);
        let verdict = match answered(request).await {
            Ok((status, body)) => bridge_verdict(name.as_str(), status, &body),
            Err(error) => Verdict::Unreached(format!("{error}; the bridge has to run")),
        };
        findings.push(Finding::new(
            format!("the public URL, haptik.{name}"),
            verdict,
        ));
    }
    if url.starts_with("http:") {
        let why = "Haptik and the channels call https only".to_owned();
        let mend = "Name an https URL that leads to the bridge".to_owned();
        findings.push(Finding::new(
            "the public URL",
            Verdict::Refused { why, mend },
        ));
    }
    findings
}

async fn answered(request: reqwest::RequestBuilder) -> Result<(u16, Value), String> {
    let answer = request.send().await;
    let answer = answer.map_err(|error| Unreachable::from(&error).to_string())?;
    let status = answer.status().as_u16();
    let body = net::read(answer, LARGEST_ANSWER).await;
    let body = body.map_err(|error| error.to_string())?;
    Ok((status, serde_json::from_slice(&body).unwrap_or_default()))
}

/// How much is shown of what a server says.
const LONGEST_SAID: usize = 200;

fn bridge_verdict(account: &str, status: u16, body: &Value) -> Verdict {
    if body.get("account").and_then(Value::as_str) == Some(account) {
        return Verdict::Accepted("it leads to a bridge with this account and secret".to_owned());
    }
    let is_bridge = body.get("status").and_then(Value::as_str) == Some("ok");
    let (why, mend) = if is_bridge {
        (
            "it leads to a bridge that has not this account with this webhook secret, or to an older one"
                .to_owned(),
            "Give that bridge this configuration, or name another --url",
        )
    } else if status == 503 {
        let said = body.get("error").and_then(Value::as_str);
        let said: String = said
            .unwrap_or("it does not say why")
            .chars()
            .take(LONGEST_SAID)
            .collect();
        (
            format!("it leads to a bridge that is not well (503): {said}"),
            "On AWS, put a configuration there with scripts/put-config; on one machine, see whether the disk is full",
        )
    } else {
        (
            format!("what answers there ({status}) is no bridge"),
            "See where the proxy or tunnel leads, and that the bridge runs",
        )
    };
    Verdict::Refused {
        why,
        mend: mend.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_clock_may_be_off_by_a_minute() {
        let now = Timestamp::UNIX_EPOCH;
        for (seconds, is_good) in [
            (0, true),
            (60, true),
            (-60, true),
            (61, false),
            (-900, false),
        ] {
            let ours = now + SignedDuration::from_secs(seconds);
            let verdict = clock_verdict(now, ours);
            assert_eq!(!verdict.is_bad(), is_good, "{seconds}: {verdict:?}");
        }
    }

    #[test]
    fn a_bridge_is_known_by_the_account_that_it_names() {
        let of = |status, body: Value| bridge_verdict("main", status, &body);
        assert!(!of(200, json!({"status": "ok", "account": "main"})).is_bad());
        for (status, body) in [
            (200, json!({"status": "ok"})),
            (200, json!({"status": "ok", "account": "other"})),
            (503, json!(null)),
            (404, json!(null)),
        ] {
            assert!(of(status, body).is_bad());
        }
        let full = json!({"error": "the ledger does not take what is written: the disk is full"});
        let verdict = format!("{:?}", of(503, full));
        assert!(verdict.contains("the disk is full"), "{verdict}");
    }
}
