//! `haptik-bridge certify`: plays the bridge against an application's callback URL, as the bridge is and as
//! somebody who is not it, and says what the application does wrong.

mod checks;
mod events;
mod shown;
mod target;

use std::time::Duration;

use anyhow::{Context as _, anyhow, bail};
use haptik_bridge_shared::config::kind::SecretList;
use haptik_bridge_shared::net;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use self::checks::Check;
use self::shown::Shown;
use self::target::Target;
use crate::check;
use crate::terminal::{print_json, visible};

/// How long the bridge waits for an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Which application.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The application's `callback_url`. It gets events of a user `certify`: use one that is for trying.
    #[arg(value_parser = url)]
    url: Url,
    /// The connection's newest signing secret, `whsec_…`; better in the environment than here, where others on
    /// this machine see it.
    #[arg(
        long,
        value_name = "WHSEC",
        env = "HAPTIK_BRIDGE_SECRET",
        hide_env_values = true
    )]
    secret: SecretString,
    /// Where the application shows what it has taken: a URL, or a file such as its log. With it certify sees, too,
    /// whether anything counts twice, is lost, or is taken that should not be.
    #[arg(long, value_name = "URL|FILE")]
    shown: Option<String>,
    /// The id of the user in the events.
    #[arg(long, value_name = "ID", default_value = "certify")]
    user: String,
    /// Print an array of checks.
    #[arg(long)]
    json: bool,
}

fn url(text: &str) -> Result<Url, String> {
    let url = check::web_url(text)?;
    url.parse().map_err(|error| format!("{error}"))
}

pub(crate) async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let http = net::client()?;
    let shown = arguments.shown.as_deref().map(|at| Shown::new(at, &http));
    let secret = (SecretList::STANDARD_WEBHOOKS.read)(arguments.secret.expose_secret());
    let secret = secret.map_err(|wrong| {
        anyhow!("--secret is {wrong}: whsec_ and the base64 of at least 16 bytes is wanted")
    })?;
    let target = Target::new(http, arguments.url, &secret.into(), arguments.user)?;
    if let Some(shown) = &shown {
        shown.is_there().await.context("--shown")?;
    }
    let mut done = vec![checks::answers(&target).await];
    let mut seen = Ok(());
    if !done[0].failed() {
        for check in checks::ALL {
            done.push(check(&target).await);
        }
        if let Some(shown) = &shown {
            seen = shown.hold_against(&target, &mut done).await;
        }
    }
    let failed = done.iter().filter(|check| check.failed()).count();
    if arguments.json {
        let rows: Vec<_> = done.iter().map(Check::to_json).collect();
        print_json(&rows)?;
    } else {
        print(&done, shown.is_some());
    }
    seen.context("what was taken could not be looked at any more, by --shown")?;
    if failed > 0 {
        bail!("{failed} of {} checks failed", done.len());
    }
    Ok(())
}

fn print(done: &[Check], is_shown: bool) {
    for check in done {
        println!("{:8} {:17} {}", check.outcome(), check.name, check.what);
        for finding in &check.findings {
            let text = visible(&finding.text);
            println!("{:8} {:17} - {text}", "", "");
        }
    }
    if done.len() == 1 {
        println!("\nThe others were not tried: a message that is right has to be taken first.");
    } else if !is_shown {
        println!(
            "\nunseen: the answers are right. Whether anything counts twice, is lost, or is taken that was refused\n\
             is not seen from here: say with --shown where the application shows what it has taken (a URL, or a file such as its log)."
        );
    }
}
