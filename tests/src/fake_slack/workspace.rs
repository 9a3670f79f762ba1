//! The workspace that the fake plays: its ids, its secrets, its people.

use serde_json::{Value, json};

/// Who and what the fake workspace is. Every value can be set before the fake starts.
#[derive(Clone, Debug)]
pub struct Workspace {
    /// The workspace, `T…`.
    pub team_id: String,
    /// The organisation that it belongs to, `E…` (Enterprise Grid).
    pub enterprise_id: Option<String>,
    /// Whether the app is installed in the whole organisation.
    pub is_org_wide: bool,
    /// Its subdomain.
    pub team_domain: String,
    /// The application, `A…`.
    pub api_app_id: String,
    /// The bot's user, `U…`.
    pub bot_user_id: String,
    /// The bot, `B…`.
    pub bot_id: String,
    /// The bot's name.
    pub bot_name: String,
    /// The token that calls of the Web API must carry.
    pub bot_token: String,
    /// The secret that requests towards the application are signed with.
    pub signing_secret: String,
}

impl Workspace {
    /// What the app is installed in: the workspace or its organisation.
    #[must_use]
    pub fn installed_in(&self) -> &str {
        match &self.enterprise_id {
            Some(enterprise_id) if self.is_org_wide => enterprise_id,
            _ => &self.team_id,
        }
    }
}

impl Default for Workspace {
    fn default() -> Self {
        Self {
            team_id: "T0FAKETEAM".to_owned(),
            enterprise_id: None,
            is_org_wide: false,
            team_domain: "acme-example".to_owned(),
            api_app_id: "A0FAKEAPP".to_owned(),
            bot_user_id: "U0FAKEBOT".to_owned(),
            bot_id: "B0FAKEBOT".to_owned(),
            bot_name: "haptik".to_owned(),
            bot_token: "xoxb-fake-bot-token".to_owned(),
            signing_secret: "fake-slack-signing-secret".to_owned(),
        }
    }
}

/// A member of the workspace, as `users.info` shows one: a person with a name and an address made from
/// the id, so that every id has a profile.
pub(crate) fn member(id: &str, team_id: &str, with_locale: bool) -> Value {
    let handle = id.to_ascii_lowercase();
    let name = format!("Person {handle}");
    let mut user = json!({
        "id": id,
        "team_id": team_id,
        "name": handle,
        "deleted": false,
        "color": "9f69e7",
        "real_name": name,
        "tz": "Asia/Kolkata",
        "tz_label": "a time zone",
        "tz_offset": 19800,
        "profile": {
            "title": "",
            "phone": "",
            "skype": "",
            "real_name": name,
            "real_name_normalized": name,
            "display_name": handle,
            "display_name_normalized": handle,
            "status_text": "",
            "status_emoji": "",
            "avatar_hash": "0000000000",
            "image_72": "https://avatars.example/72.png",
            "image_192": "https://avatars.example/192.png",
            "team": team_id,
            "email": format!("{handle}@acme.example"),
        },
        "is_admin": false,
        "is_owner": false,
        "is_restricted": false,
        "is_bot": false,
        "is_app_user": false,
        "updated": 1_700_000_000,
    });
    if with_locale {
        user["locale"] = json!("en-US");
    }
    user
}
