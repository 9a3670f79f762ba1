//! `type = "slack"` in the configuration.

mod kinds;
mod workspaces;

use url::Url;

use haptik_bridge_shared::config::kind::{BaseUrl, Flag, SecretList, Text, Texts};
use haptik_bridge_shared::config::{ChannelDefinition, OwnIds, Secrets, Settings};
use haptik_bridge_shared::section;
use kinds::Emoji;
pub(super) use workspaces::SCOPES;
pub use workspaces::{OAuth, Workspaces};

use crate::conversation::CONVERSATIONS;
pub use crate::conversation::Conversation;

/// The type.
pub const DEFINITION: ChannelDefinition = ChannelDefinition {
    setup,
    auth_ids: OwnIds::User,
    ..ChannelDefinition::of::<Slack>("slack")
};

section! {
    /// `type = "slack"`: one app, in a Slack workspace or in many.
    pub struct Slack {
        /// The app's signing secret, from its *Basic Information* page.
        signing_secrets: Secrets = required(SecretList::KEYS),
        /// The workspaces in which the app is.
        workspaces: Workspaces = part(),
        /// Below it are the Web API's methods.
        api_base_url: Url = default(BaseUrl, "https://slack.com/api"),
        /// What is one user, and so one conversation, at Haptik: a person, or each thread of a person.
        conversation: Conversation = default(CONVERSATIONS, "user"),
        /// Whether agents speak under their own name and picture, which needs the scope `chat:write.customize`; else their name stands above what they say.
        agent_identity: bool = default(Flag, true),
        /// Whether cards stand side by side, as Slack's own carousel, where it holds what they say; else below each other.
        carousels: bool = default(Flag, true),
        /// Whether a link that has something to say says it when its button is tapped, as Haptik documents.
        link_says: bool = default(Flag, true),
        /// The reaction on a message that is being answered, taken away with the answer; `""` for none.
        reaction: Option<String> = default(Emoji, "eyes"),
        /// Whether Haptik is told, as a message of the user's, that a message was edited or deleted.
        tell_edits: bool = default(Flag, false),
        /// What the app's Home tab and the assistant say first; up to 1,000 characters.
        welcome: String = default(Text { max: 1_000 }, "Hello! Ask me anything here. Where I cannot help, a colleague will.", "a greeting"),
        /// What the assistant offers to say: up to 4 texts of up to 75 characters.
        suggested_prompts: Vec<String> = or(Texts { count: 4, max: 75 }, Ok(Vec::new()), "none"),
    }
}

fn setup(settings: &Settings, url: &str) -> Vec<(&'static str, String)> {
    let mut setup = vec![(
        "Paste into the Slack app, as the request URL of Event Subscriptions and Interactivity",
        url.to_owned(),
    )];
    let slack: Option<&Slack> = settings.get();
    if slack.is_some_and(|slack| matches!(slack.workspaces, Workspaces::Many(_))) {
        setup.push((
            "Paste into the Slack app, as the redirect URL of OAuth & Permissions",
            format!("{url}/oauth"),
        ));
        setup.push((
            "Give to those who install the app in their workspace",
            format!("{url}/install"),
        ));
    }
    setup
}
