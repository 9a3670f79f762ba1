//! `haptik-bridge outages`.

use haptik_bridge_shared::outage::{Cause, Findings, Outage, Proof};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::clock::{Clock, ClockArguments};
use super::{Target, time_range};
use crate::terminal::{print_json, visible};

/// Which outages to list.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Only those that began since then: a time as 2026-11-23T10:00:00Z, or an age as 90m, 36h or 2d.
    #[arg(long, value_name = "WHEN", default_value = "7d")]
    since: String,
    /// Only those that began until then.
    #[arg(long, value_name = "WHEN", default_value = "0m")]
    until: String,
    /// Only this account's, by its name in the configuration.
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Only those that something proves.
    #[arg(long)]
    proven: bool,
    /// Print JSON: an array of records.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    clock: ClockArguments,
    #[command(flatten)]
    place: Target,
}

pub(crate) async fn run(
    arguments: Arguments,
    variable: fn(&str) -> Option<String>,
) -> anyhow::Result<()> {
    let (since, until) = time_range(&arguments.since, &arguments.until)?;
    let operated = arguments.place.open(variable).await?;
    let mut outages = operated.outages.list(since, until).await?;
    if let Some(account) = &arguments.account {
        let mut known = operated.accounts().await?;
        known.extend(outages.iter().map(|outage| outage.account.to_string()));
        operated.named("account", account, &known)?;
    }
    outages.retain(|outage| {
        let account = arguments.account.as_deref();
        account.is_none_or(|account| account == outage.account.as_str())
            && (outage.proof.is_some() || !arguments.proven)
    });
    let mut records = Vec::with_capacity(outages.len());
    for outage in outages {
        let findings = operated.outages.findings(&outage).await?;
        records.push((outage, findings));
    }
    if arguments.json {
        let records = records.iter();
        let records = records.map(|(outage, findings)| as_json(outage, findings));
        let records: Vec<_> = records.collect();
        return print_json(&records);
    }
    let clock = arguments.clock.clock();
    for (outage, findings) in &records {
        let lines = as_lines(outage, findings, Timestamp::now(), &clock);
        println!("{}", visible(&lines));
    }
    println!("{} in all", records.len());
    Ok(())
}

/// A record, as `--json` prints it.
pub(crate) fn as_json(outage: &Outage, findings: &Findings) -> Value {
    json!({
        "account": outage.account,
        "began": outage.began,
        "noticed": outage.noticed,
        "ended": outage.ended,
        "closed": outage.closed,
        "cause": outage.cause,
        "proof": outage.proof,
        "enabled": outage.enabled,
        "failed_enables": outage.failed_enables,
        "reason": outage.reason,
        "checked": outage.checked,
        "recovered": findings.recovered,
        "unchecked": findings.unchecked,
    })
}

fn as_lines(outage: &Outage, findings: &Findings, now: Timestamp, clock: &Clock) -> String {
    let what = match (outage.proof, outage.cause) {
        (Some(Proof::DeliveriesHadWaited), _) => "outage: deliveries had waited",
        (Some(Proof::MissingInTheLedger), _) => "outage: a transcript had what was never delivered",
        (None, Cause::Unattended) => {
            "unattended: no housekeeping for hours, nothing known to be lost"
        }
        (None, _) => "silence: nothing proves an outage, perhaps nobody answered",
    };
    let end = outage.ended.map_or_else(
        || "goes on".to_owned(),
        |ended| {
            let ended = clock.moment(ended);
            format!("until {ended}, {} s", outage.length(now).as_secs())
        },
    );
    let state = if outage.closed.is_some() {
        ""
    } else {
        "  (being reconciled)"
    };
    let mut lines = vec![
        format!(
            "{}  {}  {end}  {what}{state}",
            clock.moment(outage.began),
            outage.account
        ),
        format!(
            "    noticed {}; {} conversations compared, {} messages recovered, {} conversations not compared",
            clock.moment(outage.noticed),
            outage.checked,
            findings.recovered.len(),
            findings.unchecked.len()
        ),
    ];
    if outage.failed_enables > 0 {
        lines.push(format!(
            "    enabling failed {} times",
            outage.failed_enables
        ));
    }
    let reason = outage.reason.iter();
    lines.extend(reason.map(|reason| format!("    last failure: {reason}")));
    let recovered = findings.recovered.iter();
    lines.extend(recovered.map(|late| format!("    recovered  {} {}", late.auth_id, late.key)));
    let unchecked = findings.unchecked.iter();
    lines.extend(
        unchecked.map(|user| format!("    unchecked  {}  ({})", user.auth_id, user.reason)),
    );
    lines.join("\n")
}
