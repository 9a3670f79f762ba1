//! What the application shows of what it has taken: the only place where one sees from outside whether anything
//! counts twice.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use reqwest::header::LOCATION;
use url::Url;

use super::checks::{Check, ORDER};
use super::target::{Expected, Target};
use crate::terminal::visible;

/// How often it is looked at, and for how long in between.
const LOOKS: u32 = 25;
const PAUSE: Duration = Duration::from_millis(200);

/// Where the application shows what it has taken.
pub(super) enum Shown {
    Page(reqwest::Client, Url),
    File(PathBuf),
}

impl Shown {
    /// A URL of http or https, or else a file.
    pub(super) fn new(at: &str, http: &reqwest::Client) -> Self {
        match Url::parse(at) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Self::Page(http.clone(), url),
            _ => Self::File(at.into()),
        }
    }

    /// Whether it can be read at all, before anything is sent.
    pub(super) async fn is_there(&self) -> anyhow::Result<()> {
        self.read().await.map(drop)
    }

    /// Adds to each check what is shown otherwise than it should be, once there was time to show it.
    pub(super) async fn hold_against(
        &self,
        target: &Target,
        done: &mut [Check],
    ) -> anyhow::Result<()> {
        let expected = target.expected();
        let mut text = self.read().await?;
        for _ in 0..LOOKS {
            if expected
                .iter()
                .all(|one| text.matches(&one.mark).count() >= one.times)
            {
                break;
            }
            tokio::time::sleep(PAUSE).await;
            text = self.read().await?;
        }
        // What should not be there may come a moment later.
        tokio::time::sleep(PAUSE).await;
        text = self.read().await?;
        done.iter_mut().for_each(Check::is_seen);
        for one in &expected {
            let times = text.matches(&one.mark).count();
            if let (true, Some(check)) = (
                times != one.times,
                done.iter_mut().find(|check| check.name == one.check),
            ) {
                check.wrong(format!("{}: {}", one.how, told(times, one.times)));
            }
        }
        if let Some(check) = done.iter_mut().find(|check| check.name == ORDER)
            && !in_order(&text, &expected)
        {
            check.wrong("messages that came one after the other are shown in another order");
        }
        Ok(())
    }

    async fn read(&self) -> anyhow::Result<String> {
        match self {
            Self::Page(http, url) => {
                let shows_nothing = || format!("{url} shows nothing");
                let response = http.get(url.clone()).send().await;
                let response = response.with_context(shows_nothing)?;
                let status = response.status();
                if status.is_redirection() {
                    let to = response.headers().get(LOCATION);
                    let to = to.and_then(|to| to.to_str().ok()).unwrap_or("elsewhere");
                    bail!("{url} leads to {}: say that", visible(to));
                }
                ensure!(status.is_success(), "{url} answers {}", status.as_u16());
                response.text().await.with_context(shows_nothing)
            }
            Self::File(file) => {
                let read = std::fs::read(file);
                let read = read.with_context(|| format!("cannot read {}", file.display()))?;
                Ok(String::from_utf8_lossy(&read).into_owned())
            }
        }
    }
}

fn told(times: usize, expected: usize) -> String {
    match (times, expected) {
        (0, _) => "it is not shown, and so it is lost".to_owned(),
        (_, 0) => "it is shown, and so it was taken".to_owned(),
        (times, expected) => format!("it is shown {times} times, and not {expected}"),
    }
}

fn in_order(text: &str, expected: &[Expected]) -> bool {
    let of_order = expected.iter().filter(|one| one.check == ORDER);
    let places: Vec<_> = of_order.filter_map(|one| text.find(&one.mark)).collect();
    places.is_sorted()
}
