//! What is logged, by all tests of this binary at once.

use haptik_bridge_tests::faults::Fault;
use haptik_bridge_tests::log::Log;
use secrecy::ExposeSecret as _;

use super::{Start, echo, is_answered, scene};

pub(super) async fn no_secret_and_nothing_that_was_said_is_in_a_line_of_the_log(
    start: Start,
) -> anyhow::Result<()> {
    let stage = scene(start, echo).await?;
    let provider = &stage.provider;
    let user = provider.user(1);
    // Nobody else says this.
    let said = format!("between-{}-and-me", provider.connection());
    let faults = provider.server().faults();
    for (number, fault) in [
        Fault::RateLimited(1),
        Fault::Status(500),
        Fault::CutBefore,
        Fault::Status(401),
        provider.refusal(),
    ]
    .into_iter()
    .enumerate()
    {
        faults.add(provider.showing(None), 1, fault);
        stage
            .takes(&provider.say(&user, &format!("{said} {number}")))
            .await?;
    }
    let request = provider.say(&user, &said);
    let mut forged = request.clone();
    for name in provider.credentials() {
        forged.headers_mut().insert(*name, "no".parse()?);
    }
    assert_eq!(stage.receives(&forged).await?.0, 401);
    if let Some(file) = provider.attach(&user, &format!("{said}.png"), "image/png", b"png") {
        stage.takes(&file).await?;
    }
    is_answered(&stage, &user, &format!("{said}, at last")).await?;
    let haptik = stage.simulator().settings();
    let mut unprintable = provider.secrets();
    unprintable.extend([said, haptik.token.expose_secret().to_owned()]);
    assert_eq!(stage.finish_with_dead().await?.len(), 1);
    let log = Log::start().text();
    assert!(log.lines().count() > 20, "too little is logged:\n{log}");
    for text in unprintable {
        let lines = log.lines().filter(|line| line.contains(&text));
        let lines: Vec<_> = lines.take(3).collect();
        assert!(lines.is_empty(), "{text:?} is in {lines:#?}");
    }
    Ok(())
}
