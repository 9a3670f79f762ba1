//! `type = "google_chat"` in the configuration.

use haptik_bridge_shared::config::kind::{
    BaseUrl, DeValue, Fault, Faults, FullUrl, Given, Text, ValueType, probably_not_meant, quote,
};
use haptik_bridge_shared::config::{ChannelDefinition, OwnIds, Settings};
use haptik_bridge_shared::{redacted_debug, section};
use url::Url;

use crate::conversation::CONVERSATIONS;
pub(super) use crate::conversation::Conversation;
use crate::signed_token::service_account::ServiceAccount;

/// The type.
pub(super) const DEFINITION: ChannelDefinition = ChannelDefinition {
    auth_ids: OwnIds::UserOrEmail,
    setup,
    ..ChannelDefinition::of::<Config>("google_chat")
};

section! {
    /// `type = "google_chat"`: a Google Chat app.
    pub struct Config {
        /// Whom Google's tokens are for, as the app's *Authentication Audience* says: the HTTP endpoint URL, exactly as it is pasted there, or the project number.
        audience: Audience = required(Audiences),
        /// The number of the app's Google Cloud project. It is needed where the audience is a URL and the app is a Google Workspace add-on.
        project_number: Option<String> = optional(ProjectNumber),
        /// The JSON key of the app's service account, as text: the whole file.
        service_account: Vec<Account> = required(Accounts),
        /// What is one user, and so one conversation, at Haptik: a person, or each thread of a person.
        conversation: Conversation = default(CONVERSATIONS, "user"),
        /// What the app says where it was added; up to 1,000 characters.
        welcome: String = default(Text { max: 1_000 }, "Hello! Ask me anything here. Where I cannot help, a colleague will.", "a greeting"),
        /// Below it are the API's methods.
        api_base_url: Url = default(BaseUrl, "https://chat.googleapis.com/v1"),
        /// Where Google publishes the keys of its tokens.
        certs_url: Option<Url> = optional(FullUrl, "Google's, for the kind of audience"),
        /// Where the service account gets its access tokens.
        token_url: Url = default(FullUrl, "https://oauth2.googleapis.com/token"),
    }
}

/// Whom Google's tokens are for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audience {
    /// The URL that Google calls, as it is written in Google's console.
    Url(String),
    /// The number of the app's project.
    Project(String),
}

#[derive(Debug)]
struct Audiences;

impl ValueType for Audiences {
    type Value = Audience;

    fn name(&self) -> String {
        "URL or project number".to_owned()
    }

    fn allowed(&self) -> String {
        "the https URL that Google calls, or the digits of a project number".to_owned()
    }

    fn read(&self, given: &Given<'_>) -> Result<Audience, Faults> {
        if let Ok(number) = ProjectNumber.read(given) {
            return Ok(Audience::Project(number));
        }
        let text = given.text()?;
        let url = Url::parse(text).ok();
        let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        // Google shows it as it is written there, not as the standard would.
        url.map(|_| Audience::Url(text.to_owned()))
            .ok_or_else(|| Fault::new(quote(text)).into())
    }
}

/// The number of a project, which may be written without quotes.
#[derive(Debug)]
struct ProjectNumber;

impl ValueType for ProjectNumber {
    type Value = String;

    fn name(&self) -> String {
        "project number".to_owned()
    }

    fn allowed(&self) -> String {
        "the digits of a project number".to_owned()
    }

    fn read(&self, given: &Given<'_>) -> Result<String, Faults> {
        let digits = match given.value() {
            DeValue::Integer(integer) if integer.radix() == 10 => integer.as_str().to_owned(),
            _ => given.text()?.to_owned(),
        };
        let is_number =
            (1..=20).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        if is_number {
            Ok(digits)
        } else {
            Err(Fault::new(quote(&digits)).into())
        }
    }
}

/// The key of a service account.
#[derive(Clone)]
pub enum Account {
    /// One that can sign.
    Key(ServiceAccount),
    /// The one of the example, which is none.
    Example,
}

redacted_debug!(
    enum Account {
        Key {},
        Example {},
    }
);

/// One service account or several, newest first.
#[derive(Debug)]
struct Accounts;

impl ValueType for Accounts {
    type Value = Vec<Account>;

    const SECRET: bool = true;

    fn name(&self) -> String {
        "secret or list".to_owned()
    }

    fn allowed(&self) -> String {
        "the text of the JSON file that Google's console gives as the key of a service account, \
         or a list of such, newest first"
            .to_owned()
    }

    fn read(&self, given: &Given<'_>) -> Result<Vec<Account>, Faults> {
        given.each(|text| {
            let is_example = !probably_not_meant(text.trim()).is_empty();
            match ServiceAccount::read(text) {
                Err(_) if is_example => Ok(Account::Example),
                read => read.map(Account::Key),
            }
        })
    }

    fn warnings(&self, accounts: &Vec<Account>) -> Vec<String> {
        let accounts = accounts.iter().enumerate();
        let examples = accounts.filter(|(_, account)| matches!(account, Account::Example));
        let of_example = probably_not_meant("example-");
        examples
            .flat_map(|(index, _)| {
                of_example
                    .iter()
                    .map(move |words| format!("[{index}]{words}"))
            })
            .collect()
    }
}

impl Config {
    /// The service accounts that can sign.
    pub(super) fn accounts(&self) -> Vec<ServiceAccount> {
        let accounts = self.service_account.iter();
        let accounts = accounts.filter_map(|account| match account {
            Account::Key(account) => Some(account.clone()),
            Account::Example => None,
        });
        accounts.collect()
    }
}

fn setup(settings: &Settings, url: &str) -> Vec<(&'static str, String)> {
    let mut setup = vec![(
        "Paste into Google's console, Chat API, Configuration, as the HTTP endpoint URL",
        url.to_owned(),
    )];
    let config: Option<&Config> = settings.get();
    if let Some(Audience::Url(audience)) = config.map(|config| &config.audience)
        && audience != url
    {
        let how = "Google's tokens are for `audience`, so the endpoint URL there has to be exactly";
        setup.push((how, audience.clone()));
    }
    setup
}
