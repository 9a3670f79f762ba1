//! Whether the bot's token is good, and whether Webex sends what is said to this connection
//! (<https://developer.webex.com/docs/api/v1/webhooks/list-webhooks>). Nobody sees either.

use super::api::WebexApi;
use super::webhooks;
use crate::channel::{Finding, Verdict};

/// Tries the token, then where the webhooks lead; `url` is where they have to.
pub(super) async fn try_bot(api: WebexApi, tell_edits: bool, url: Option<String>) -> Vec<Finding> {
    let names = match api.me().await {
        Ok(me) => me.names.clone(),
        Err(error) => {
            let mend = "Make a new token of the bot at developer.webex.com, My Apps";
            return vec![Finding::new("bot_token", error.verdict(mend))];
        }
    };
    let name = names.first().map_or("without a name", String::as_str);
    let known = Verdict::Accepted(format!("Webex knows the bot {name}"));
    let how = "only a request of Webex's shows whether it is right: `register` gives it to Webex";
    vec![
        Finding::new("bot_token", known),
        Finding::new("the webhooks", try_webhooks(&api, tell_edits, url).await),
        Finding::untried("webhook_secrets", how),
    ]
}

/// Whether all that is done comes here.
async fn try_webhooks(api: &WebexApi, tell_edits: bool, url: Option<String>) -> Verdict {
    let there = match api.webhooks().await {
        Ok(there) => there,
        Err(error) => return error.verdict("Try again"),
    };
    let Some(url) = url else {
        let how = "name the bridge's own URL with --url to compare";
        return Verdict::Untried(how.to_owned());
    };
    let refused = |why: String| Verdict::Refused {
        why,
        mend: "Run `haptik-bridge register` for this connection".to_owned(),
    };
    for wanted in webhooks::wanted(tell_edits) {
        let (resource, event) = wanted;
        let found = webhooks::find(&there, wanted, &url);
        let leads_here = found.filter(|found| found["targetUrl"] == url.as_str());
        match leads_here {
            None => return refused(format!("Webex does not send {resource} {event} here")),
            Some(found) if !webhooks::is_active(found) => {
                return refused(format!(
                    "Webex has ended the webhook of {resource} {event}, since it was not answered"
                ));
            }
            Some(_) => {}
        }
    }
    Verdict::Accepted("Webex sends what is said and what is tapped here".to_owned())
}
