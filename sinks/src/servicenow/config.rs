//! `type = "servicenow"`.

use url::Url;

use haptik_bridge_shared::config::kind::{BaseUrl, SecretList, TextOf};
use haptik_bridge_shared::config::{KeyDoc, Part, Reported, Secrets, Section};
use haptik_bridge_shared::section;

use crate::config::kinds::API_NAME;
use crate::config::ticket::{TicketSink, TicketTexts};

section! {
    /// `type = "servicenow"`: an instance of ServiceNow.
    pub struct Config {
        /// `https://INSTANCE.service-now.com`.
        base_url: Url = required(BaseUrl),
        /// How to log in.
        login: Login = part(),
        /// The table: `incident`, or one that extends `task` and has its columns.
        table: String = default(API_NAME, "incident"),
        /// What its incidents say.
        ticket: Box<TicketTexts> = part(),
    }
}

impl TicketSink for Config {
    fn ticket(&self) -> &TicketTexts {
        &self.ticket
    }
}

/// How to log in to ServiceNow.
#[derive(Debug, Clone)]
pub enum Login {
    /// As a user, with each request.
    Password {
        /// `username`.
        username: String,
        /// `password`.
        secrets: Secrets,
    },
    /// As an OAuth client by its credentials.
    Client {
        /// `client_id`.
        id: String,
        /// `client_secret`.
        secrets: Secrets,
    },
}

section! {
    /// A user.
    struct User {
        /// The user.
        username: String = required(TextOf::USER_NAME, "these two or the next two"),
        /// The user's password.
        password: Secrets = required(SecretList::KEYS, ""),
    }
}

section! {
    /// An OAuth client.
    struct Client {
        /// An OAuth client that gets its tokens by its credentials.
        client_id: String = required(TextOf::USER_NAME, ""),
        /// Its secret.
        client_secret: Secrets = required(SecretList::TOKENS, ""),
    }
}

impl Part for Login {
    /// A user with a password or an OAuth client with a secret, and not parts of both.
    fn read(section: &Section<'_>) -> Result<Self, Reported> {
        let (of_user, of_client) = (User::keys(), Client::keys());
        section.know_all(&Self::keys());
        let there = |keys: &[KeyDoc]| {
            let mut keys = keys.iter().map(|key| key.key);
            keys.find(|key| section.has(key))
        };
        let needed = "needed: username and password, or client_id and client_secret";
        match (there(&of_user), there(&of_client)) {
            (Some(_), None) => User::read(section).map(|user| Self::Password {
                username: user.username,
                secrets: user.password,
            }),
            (None, Some(_)) => Client::read(section).map(|client| Self::Client {
                id: client.client_id,
                secrets: client.client_secret,
            }),
            (None, None) => Err(section.missing("username", &format!("missing; {needed}"))),
            (Some(user), Some(client)) => {
                Err(section.wrong(client, format!("found beside {user}; {needed}")))
            }
        }
    }

    fn keys() -> Vec<KeyDoc> {
        [User::keys(), Client::keys()].concat()
    }
}
