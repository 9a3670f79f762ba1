//! The bridge: the program, in a process of its own, and what `/proc` says of it.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use http::StatusCode;
use tokio::process::{Child, Command};

use crate::Load;
use crate::fakes::{BUSINESS_ID, WEBHOOK_SECRET};
use crate::peer::Caller;
use crate::users::SECRET;

/// How long it may take until it answers.
const START: Duration = Duration::from_mins(1);

/// How many ticks a second has in `/proc` (`man 5 proc`): 100 on every Linux of today.
const TICKS: f64 = 100.0;

/// A bridge that runs. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Bridge {
    process: Child,
    pub(crate) url: String,
    metrics: Option<String>,
}

/// What the bridge has used so far.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Usage {
    /// Processor time, in seconds: of the program, and of the kernel for it.
    pub(crate) user: f64,
    pub(crate) system: f64,
    /// Memory now and at most, in bytes.
    pub(crate) resident: u64,
    pub(crate) most_resident: u64,
}

impl Bridge {
    /// Starts it with its ledger in `directory`, between fakes at `fakes`; with metrics where its calls are counted.
    pub(crate) async fn start(
        load: &Load,
        directory: &Path,
        fakes: SocketAddr,
        counts_calls: bool,
    ) -> anyhow::Result<Self> {
        Self::begin(load, directory, fakes, "", counts_calls).await
    }

    /// Starts it with more lines for the connection and behind it.
    pub(crate) async fn start_with(
        load: &Load,
        directory: &Path,
        fakes: SocketAddr,
        more: &str,
    ) -> anyhow::Result<Self> {
        Self::begin(load, directory, fakes, more, false).await
    }

    async fn begin(
        load: &Load,
        directory: &Path,
        fakes: SocketAddr,
        more: &str,
        counts_calls: bool,
    ) -> anyhow::Result<Self> {
        let config = directory.join("bridge.toml");
        fs::write(&config, configuration(load, fakes, more))?;
        let (listen, metrics) = (free_port()?, free_port()?);
        let mut command = Command::new(&load.bridge);
        command.arg("serve").arg("--config").arg(&config);
        command.arg("--listen").arg(listen.to_string());
        command.arg("--data-dir").arg(directory.join("data"));
        command.arg("--log-format").arg("json");
        if counts_calls {
            command.arg("--metrics").arg(metrics.to_string());
        }
        let log = fs::File::create(directory.join("errors"))?;
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(log).kill_on_drop(true);
        let process = command.spawn();
        let process =
            process.with_context(|| format!("{} does not start", load.bridge.display()))?;
        let mut bridge = Self {
            process,
            url: format!("http://{listen}"),
            metrics: counts_calls.then(|| format!("http://{metrics}/metrics")),
        };
        let (caller, began) = (Caller::new(), Instant::now());
        loop {
            let health = caller.get(&format!("{}/health", bridge.url)).await;
            if health.is_ok_and(|(status, _)| status == StatusCode::OK) {
                return Ok(bridge);
            }
            let ended = bridge.process.try_wait()?;
            if ended.is_some() || began.elapsed() > START {
                let said = fs::read_to_string(directory.join("errors")).unwrap_or_default();
                bail!("the bridge does not answer: {said}");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What it has used so far.
    pub(crate) fn usage(&self) -> anyhow::Result<Usage> {
        let id = self.process.id().context("the bridge has ended")?;
        let (user, system) = processor_time(&format!("/proc/{id}/stat"))?;
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
            number.unwrap_or_default() * 1024
        };
        Ok(Usage {
            user,
            system,
            resident: bytes("VmRSS:"),
            most_resident: bytes("VmHWM:"),
        })
    }

    /// How often it has called AWS so far, by kind. Empty for a build that does not count it.
    pub(crate) async fn calls(&self) -> anyhow::Result<Vec<(String, f64)>> {
        let Some(metrics) = &self.metrics else {
            return Ok(Vec::new());
        };
        let (_, text) = Caller::new().get(metrics).await?;
        let series = text.lines().filter_map(|line| {
            let rest = line.strip_prefix("haptik_bridge_aws_calls_total{call=\"")?;
            let (call, count) = rest.split_once("\"} ")?;
            Some((call.to_owned(), count.parse().ok()?))
        });
        Ok(series.collect())
    }

    /// Lets it end as a service is stopped.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        if let Some(id) = self.process.id() {
            let mut kill = Command::new("kill");
            kill.arg("-TERM").arg(id.to_string()).status().await?;
        }
        let ended = tokio::time::timeout(START, self.process.wait()).await;
        ended.context("the bridge does not stop")??;
        Ok(())
    }
}

/// The processor time in a file `stat` of `/proc`, in seconds: in user mode and in the kernel.
pub(crate) fn processor_time(stat: &str) -> anyhow::Result<(f64, f64)> {
    let stat = fs::read_to_string(stat)?;
    // The name of the program, in brackets, may have spaces.
    let fields = stat.rsplit_once(')').context("a stat without a name")?.1;
    let mut ticks = fields.split_whitespace().skip(11).map(str::parse::<f64>);
    let mut next = || ticks.next().and_then(Result::ok).context("a short stat");
    Ok((next()? / TICKS, next()? / TICKS))
}

/// A connection of an application, as the configuration has it.
pub(crate) fn connection(name: &str, fakes: SocketAddr) -> String {
    format!(
        r#"
        [channels.{name}]
        type = "custom"
        signing_secrets = ["{SECRET}"]
        callback_url = "http://{fakes}/callback"
        "#
    )
}

fn configuration(load: &Load, fakes: SocketAddr, more: &str) -> String {
    let window = load
        .reorder_window_ms
        .map(|window| format!("reorder_window_ms = {window}"));
    format!(
        r#"
        [haptik.main]
        base_url = "http://{fakes}/haptik"
        client_id = "load"
        token = "load"
        webhook_secrets = ["{WEBHOOK_SECRET}"]
        business_id = {BUSINESS_ID}

        {}{more}

        [delivery]
        {}
        "#,
        connection("load", fakes),
        window.unwrap_or_default()
    )
}

/// An address that nobody listens at.
fn free_port() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}
