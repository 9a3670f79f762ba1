//! Requests that the provider did not send.

use haptik_bridge_tests::Stage;
use haptik_bridge_tests::provider::Request;
use http::HeaderValue;
use jiff::{SignedDuration, Timestamp};

use super::{Start, echo, is_answered, scene, sees};

/// What nobody is to hear.
const SAID: &str = "between you and me";

pub(super) async fn what_was_changed_or_not_signed_is_refused_and_nothing_is_stored(
    start: Start,
) -> anyhow::Result<()> {
    let stage = scene(start, echo).await?;
    let user = stage.provider.user(1);
    let genuine = stage.provider.say(&user, SAID);
    let mut forged = 0;
    for name in stage.provider.credentials() {
        let value = genuine.headers()[*name].as_bytes().to_vec();
        let mut without = genuine.clone();
        without.headers_mut().remove(*name);
        is_refused(&stage, &without).await?;
        for at in 0..value.len() {
            let mut value = value.clone();
            value[at] ^= 1;
            let mut changed = genuine.clone();
            let Ok(value) = HeaderValue::from_bytes(&value) else {
                continue;
            };
            changed.headers_mut().insert(*name, value);
            is_refused(&stage, &changed).await?;
            forged += 1;
        }
    }
    assert!(forged > 10, "{forged}");
    if stage.provider.signs_the_body() {
        for at in (0..genuine.body().len()).step_by(7) {
            let mut changed = genuine.clone();
            changed.body_mut()[at] ^= 1 << (at % 8);
            is_refused(&stage, &changed).await?;
        }
    }
    assert!(stage.local.bridge.ledger.lanes().await?.is_empty());
    // The genuine one is taken after all of that.
    stage.takes(&genuine).await?;
    is_answered(&stage, &user, "hello").await?;
    assert_eq!(stage.haptik_was_told(2).await?[0], SAID);
    stage.finish().await
}

pub(super) async fn what_was_signed_long_ago_or_will_be_is_refused(
    start: Start,
) -> anyhow::Result<()> {
    let stage = scene(start, echo).await?;
    let user = stage.provider.user(1);
    let request = stage.provider.say(&user, SAID);
    let now = Timestamp::now();
    for seconds in [-400, 400] {
        let at = now.checked_add(SignedDuration::from_secs(seconds))?;
        if let Some(request) = stage.provider.signed_at(&request, at) {
            is_refused(&stage, &request).await?;
        }
    }
    assert!(stage.local.bridge.ledger.lanes().await?.is_empty());
    if let Some(request) = stage.provider.signed_at(&request, now) {
        stage.takes(&request).await?;
        sees(&stage, &user, &format!("You said: {SAID}."), 1).await?;
    }
    stage.finish().await
}

async fn is_refused(stage: &Stage, request: &Request) -> anyhow::Result<()> {
    let (status, body) = stage.receives(request).await?;
    assert_eq!(status, 401, "{body} {:?}", request.headers());
    assert!(!body.contains(SAID), "{body}");
    Ok(())
}
