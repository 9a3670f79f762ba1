//! The pages by which somebody installs the app: what goes wrong there is said, and nothing of it is
//! believed.

use haptik_bridge_simulator::{Reply, UserMessage};
use haptik_bridge_tests::Stage;
use haptik_bridge_tests::browser::{Browser, Shown};
use haptik_bridge_tests::fake_slack::Fault;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::slack_workspaces::many;

fn echo(message: &UserMessage) -> Vec<Reply> {
    vec![Reply::Text(format!("You said: {}", message.text))]
}

struct Scene {
    stage: Stage,
    browser: Browser,
}

impl Scene {
    async fn start() -> anyhow::Result<Self> {
        let stage = Stage::with(many(), echo).await?;
        let browser = Browser::default();
        Ok(Self { stage, browser })
    }

    /// Goes to the installation page, and says where that sends the browser.
    async fn begin(&self) -> anyhow::Result<String> {
        let url = self.stage.channel_url("acme-slack");
        let shown = self.browser.get(&format!("{url}/install")).await?;
        assert_eq!(shown.status, 302, "{}", shown.body);
        Ok(shown.location().to_owned())
    }

    /// Whether a token was kept.
    async fn is_installed(&self) -> anyhow::Result<bool> {
        let table = self.stage.local.bridge.ledger.table();
        let item = table.get("installations#acme-slack", "T0FAKETEAM").await?;
        Ok(item.is_some_and(|item| item.contains_key("encrypted_token")))
    }

    /// The browser came back from Slack in vain.
    async fn assert_not_installed(
        &self,
        shown: &Shown,
        status: u16,
        says: &str,
    ) -> anyhow::Result<()> {
        assert_eq!(shown.status, status, "{}", shown.body);
        assert!(
            shown.body.contains(says),
            "{says:?} is not in {}",
            shown.body
        );
        let kind = shown.headers.get("content-type");
        assert!(kind.is_some_and(|kind| kind == "text/html; charset=utf-8"));
        assert!(!self.is_installed().await?, "{}", shown.body);
        Ok(())
    }
}

#[tokio::test]
async fn the_page_sends_the_browser_to_slack_with_what_the_app_needs() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let url = scene.stage.channel_url("acme-slack");
    let shown = scene.browser.get(&format!("{url}/install")).await?;
    let location = shown.location();
    for part in [
        "/oauth/v2/authorize?client_id=1111111111.2222222222&",
        "scope=app_mentions%3Aread%2Cassistant%3Awrite%2C",
        "channels%2Facme-slack%2Foauth",
    ] {
        assert!(location.contains(part), "{part} is not in {location}");
    }
    let cookie = shown
        .headers
        .get("set-cookie")
        .and_then(|one| one.to_str().ok());
    let cookie = cookie.unwrap_or_default();
    assert!(
        cookie.starts_with("__Host-install-acme-slack=")
            && cookie.ends_with("; Path=/; Max-Age=600; Secure; HttpOnly; SameSite=Lax"),
        "{cookie}"
    );
    let shown = scene
        .browser
        .get(&scene.stage.slack.consent(location))
        .await?;
    assert_eq!(shown.status, 200);
    assert!(
        shown.body.contains("The app is installed in acme-example."),
        "{}",
        shown.body
    );
    assert!(scene.browser.cookies().is_empty(), "the cookie has served");
    assert!(scene.is_installed().await?);
    scene.stage.finish().await
}

#[tokio::test]
async fn a_link_serves_once() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let back = scene.stage.slack.consent(&scene.begin().await?);
    let cookies = scene.browser.cookies();
    assert_eq!(scene.browser.get(&back).await?.status, 200);
    for (name, value) in &cookies {
        scene.browser.set_cookie(name, value);
    }
    let again = scene.browser.get(&back).await?;
    assert_eq!(again.status, 403);
    assert!(again.body.contains("used already"), "{}", again.body);
    assert_eq!(scene.stage.slack.calls("oauth.v2.access").len(), 1);
    scene.stage.finish().await
}

#[tokio::test]
async fn another_browser_or_a_forged_state_installs_nothing() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let back = scene.stage.slack.consent(&scene.begin().await?);
    let (before, state) = back.split_once("state=").expect("a state");
    let says = "This link was not made for this browser";
    // Somebody else's link, followed by one who did not begin, and by one who began something else.
    let victim = Browser::default();
    let shown = victim.get(&back).await?;
    scene.assert_not_installed(&shown, 403, says).await?;
    let url = scene.stage.channel_url("acme-slack");
    victim.get(&format!("{url}/install")).await?;
    let shown = victim.get(&back).await?;
    scene.assert_not_installed(&shown, 403, says).await?;
    let longer = state.replacen("17", "27", 1);
    for forged in ["", "x", "9999999999.00", longer.as_str(), &state[..20]] {
        let cookies = scene.browser.cookies();
        let shown = scene
            .browser
            .get(&format!("{before}state={forged}"))
            .await?;
        scene.assert_not_installed(&shown, 403, says).await?;
        for (name, value) in &cookies {
            scene.browser.set_cookie(name, value);
        }
    }
    assert!(scene.stage.slack.calls("oauth.v2.access").is_empty());
    // None of that has used the link up.
    assert_eq!(scene.browser.get(&back).await?.status, 200);
    scene.stage.finish().await
}

#[tokio::test]
async fn a_state_is_good_for_ten_minutes() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    scene.begin().await?;
    let cookies = scene.browser.cookies();
    let nonce = cookies.values().next().expect("a cookie");
    // As the bridge itself would have made it, but eleven minutes ago.
    let expires = (jiff::Timestamp::now().as_second() - 60).to_string();
    let sign = |key: &[u8], parts: &[&[u8]]| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("keys of any length");
        for part in parts {
            mac.update(part);
        }
        mac.finalize().into_bytes()
    };
    let label = b"haptik-bridge: state of a Slack installation";
    let key = sign(b"0123456789abcdef0123456789abcdef", &[label]);
    let length = |text: &str| (text.len() as u64).to_be_bytes();
    let connection = "acme-slack";
    let mac = sign(
        &key,
        &[
            &length(connection),
            connection.as_bytes(),
            &length(nonce),
            nonce.as_bytes(),
            &length(&expires),
            expires.as_bytes(),
        ],
    );
    let url = scene.stage.channel_url("acme-slack");
    let back = format!("{url}/oauth?code=c&state={expires}.{}", hex::encode(mac));
    let shown = scene.browser.get(&back).await?;
    let says = "This took longer than ten minutes";
    scene.assert_not_installed(&shown, 403, says).await?;
    scene.stage.finish().await
}

#[tokio::test]
async fn who_does_not_consent_is_told_that_nothing_was_installed() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let back = scene.stage.slack.refuse_consent(&scene.begin().await?);
    let shown = scene.browser.get(&back).await?;
    scene
        .assert_not_installed(&shown, 403, "Nothing was installed")
        .await?;
    let url = scene.stage.channel_url("acme-slack");
    let hostile = format!("{url}/oauth?error=%3Cscript%3Ealert(1)%3C/script%3E&state=x");
    let shown = scene.browser.get(&hostile).await?;
    let says = "Slack says: &lt;script&gt;alert(1)&lt;/script&gt;.";
    scene.assert_not_installed(&shown, 400, says).await?;
    assert!(!shown.body.contains("<script"), "{}", shown.body);
    let policy = shown.headers.get("content-security-policy");
    assert!(policy.is_some_and(|policy| policy.as_bytes().starts_with(b"default-src 'none'")));
    scene.stage.finish().await
}

#[tokio::test]
async fn what_slack_refuses_is_said_with_its_code() -> anyhow::Result<()> {
    let scene = Scene::start().await?;
    let slack = &scene.stage.slack;
    let back = slack.consent(&scene.begin().await?);
    let (before, state) = back.split_once("&state=").expect("a state");
    let (before, _) = before.split_once("code=").expect("a code");
    let wrong = format!("{before}code=wrong&state={state}");
    let shown = scene.browser.get(&wrong).await?;
    let says = "Slack refused with the code invalid_code";
    scene.assert_not_installed(&shown, 400, says).await?;
    let _ = slack.take_refusals();
    for (fault, status, says) in [
        (Fault::CutBefore, 502, "Slack did not answer"),
        (Fault::Status(503), 400, "Slack refused with the code 503"),
        (
            Fault::Refused("<b>".to_owned()),
            400,
            "Slack refused with the code an unknown error",
        ),
    ] {
        let back = slack.consent(&scene.begin().await?);
        slack.fail_next("oauth.v2.access", 1, fault);
        let shown = scene.browser.get(&back).await?;
        scene.assert_not_installed(&shown, status, says).await?;
    }
    slack.switch_token_rotation_on();
    let back = slack.consent(&scene.begin().await?);
    let shown = scene.browser.get(&back).await?;
    let says = "token rotation switched on, which this bridge does not support";
    scene.assert_not_installed(&shown, 400, says).await?;
    scene.stage.finish().await
}

#[tokio::test]
async fn a_connection_with_a_token_has_no_pages() -> anyhow::Result<()> {
    let stage = Stage::with_bot(echo).await?;
    let browser = Browser::default();
    for page in ["install", "oauth", "oauth?error=access_denied"] {
        let url = format!("{}/{page}", stage.channel_url("acme-slack"));
        let shown = browser.get(&url).await?;
        assert_eq!(shown.status, 404, "{}", shown.body);
    }
    stage.finish().await
}
