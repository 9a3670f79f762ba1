//! The CRMs, treated alike.

use serde_json::Value;

use super::{Api, FakeCrm, Ticket};

/// The CRMs: the name of each, which is its module's, and its kind. A macro of this form is called with all of them.
#[macro_export]
macro_rules! each_crm {
    ($with:ident) => {
        $with! {
            zendesk: Zendesk;
            freshdesk: Freshdesk;
            salesforce: Salesforce;
            hubspot: HubSpot;
            servicenow: ServiceNow;
            jira: Jira;
        }
    };
}

macro_rules! kinds {
    ($($module:ident: $kind:ident;)+) => {
        /// A CRM: what tests have to know of it to treat them all alike.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind {
            $(
                #[doc = concat!("See [`", stringify!($module), "`](super::", stringify!($module), ").")]
                $kind,
            )+
        }

        impl Kind {
            /// All of them.
            pub const ALL: [Self; [$(stringify!($kind)),+].len()] = [$(Self::$kind),+];

            /// The value of `type` in the configuration.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$kind => stringify!($module),)+
                }
            }

            fn api(self) -> Box<dyn Api> {
                match self {
                    $(Self::$kind => Box::new(super::$module::$kind),)+
                }
            }
        }
    };
}

each_crm!(kinds);

impl Kind {
    /// Starts its fake.
    pub async fn start(self) -> FakeCrm {
        FakeCrm::start(self.api()).await
    }

    /// What the configuration of a sink has besides its URL and events.
    #[must_use]
    pub fn login(self) -> String {
        format!("type = '{}'\n{}", self.name(), self.api().login())
    }

    /// The credentials that it takes, and what else its clients have to know.
    #[must_use]
    pub fn credentials(self) -> Value {
        self.api().credentials()
    }

    /// The call that creates a ticket: its method, and a part of its path.
    #[must_use]
    pub fn creation(self) -> (&'static str, &'static str) {
        self.api().creation()
    }

    /// The call that adds a comment: its method, and a part of its path.
    #[must_use]
    pub fn comment(self) -> (&'static str, &'static str) {
        self.api().comment()
    }

    /// The call that adds a file to a ticket, the last one where there are several: its method, and a part of its path.
    #[must_use]
    pub fn attachment(self) -> (&'static str, &'static str) {
        self.api().attachment()
    }

    /// The subject of a ticket.
    #[must_use]
    pub fn subject(self, ticket: &Ticket) -> String {
        self.api().subject(ticket)
    }

    /// The description of a ticket, as a person sees it.
    ///
    /// # Panics
    /// When it is not escaped.
    #[must_use]
    pub fn description(self, ticket: &Ticket) -> String {
        self.api().description(ticket)
    }

    /// The comments of a ticket, as a person sees them.
    ///
    /// # Panics
    /// When a customer sees one, or it is not escaped.
    #[must_use]
    pub fn comments(self, ticket: &Ticket) -> Vec<String> {
        let api = self.api();
        let comments = ticket.comments.iter().map(|comment| {
            assert!(!comment.public, "{self:?}: a customer sees {comment:?}");
            api.comment_text(&comment.body)
        });
        comments.collect()
    }
}

/// HTML as a browser shows it.
///
/// # Panics
/// When it has an element other than a line break.
pub(super) fn html_as_shown(html: &str) -> String {
    let text = html.replace("<br>", "\n");
    assert!(!text.contains(['<', '>']), "not escaped: {text}");
    let entities = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ];
    entities.iter().fold(text, |text, (entity, character)| {
        text.replace(entity, character)
    })
}
