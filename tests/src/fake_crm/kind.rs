//! The CRMs, treated alike.

use super::{FakeCrm, Ticket, freshdesk, hubspot, jira, salesforce, servicenow, zendesk};

/// A CRM: what tests have to know of it to treat them all alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Zendesk.
    Zendesk,
    /// Freshdesk.
    Freshdesk,
    /// Salesforce.
    Salesforce,
    /// HubSpot.
    HubSpot,
    /// ServiceNow.
    ServiceNow,
    /// Jira Service Management.
    Jira,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Zendesk,
        Self::Freshdesk,
        Self::Salesforce,
        Self::HubSpot,
        Self::ServiceNow,
        Self::Jira,
    ];

    /// Starts its fake.
    pub async fn start(self) -> FakeCrm {
        match self {
            Self::Zendesk => FakeCrm::zendesk().await,
            Self::Freshdesk => FakeCrm::freshdesk().await,
            Self::Salesforce => FakeCrm::salesforce().await,
            Self::HubSpot => FakeCrm::hubspot().await,
            Self::ServiceNow => FakeCrm::servicenow().await,
            Self::Jira => FakeCrm::jira().await,
        }
    }

    /// What the configuration of a sink has besides its URL and events.
    #[must_use]
    pub fn login(self) -> String {
        match self {
            Self::Zendesk => format!(
                "type = 'zendesk'\nemail = '{}'\napi_token = '{}'",
                zendesk::EMAIL,
                zendesk::API_TOKEN
            ),
            Self::Freshdesk => format!("type = 'freshdesk'\napi_key = '{}'", freshdesk::API_KEY),
            Self::Salesforce => format!(
                "type = 'salesforce'\nclient_id = '{}'\nclient_secret = ['{}', 'the-last-one']",
                salesforce::CLIENT_ID,
                salesforce::CLIENT_SECRET
            ),
            Self::HubSpot => {
                format!(
                    "type = 'hubspot'\naccess_token = '{}'",
                    hubspot::ACCESS_TOKEN
                )
            }
            Self::ServiceNow => format!(
                "type = 'servicenow'\nusername = '{}'\npassword = '{}'",
                servicenow::USERNAME,
                servicenow::PASSWORD
            ),
            Self::Jira => format!(
                "type = 'jira'\nemail = '{}'\napi_token = '{}'\nservice_desk_id = {}\nrequest_type_id = {}",
                jira::EMAIL,
                jira::API_TOKEN,
                jira::SERVICE_DESK_ID,
                jira::REQUEST_TYPE_ID
            ),
        }
    }

    /// The call that creates a ticket: its method, and a part of its path.
    #[must_use]
    pub fn creation(self) -> (&'static str, &'static str) {
        match self {
            Self::Zendesk | Self::Freshdesk => ("POST", "/api/v2/tickets"),
            Self::Salesforce => ("PATCH", "/sobjects/Case/"),
            Self::HubSpot => ("POST", "/objects/tickets"),
            Self::ServiceNow => ("POST", "/table/incident"),
            Self::Jira => ("POST", "/servicedeskapi/request"),
        }
    }

    /// The call that adds a comment: its method, and a part of its path.
    #[must_use]
    pub fn comment(self) -> (&'static str, &'static str) {
        match self {
            Self::Zendesk => ("PUT", "/tickets/"),
            Self::Freshdesk => ("POST", "/notes"),
            Self::Salesforce => ("POST", "/CaseComment"),
            Self::HubSpot => ("POST", "/objects/notes"),
            Self::ServiceNow => ("PATCH", "/table/incident/"),
            Self::Jira => ("POST", "/comment"),
        }
    }

    /// The subject of a ticket.
    #[must_use]
    pub fn subject(self, ticket: &Ticket) -> &str {
        ticket.text(match self {
            Self::Salesforce => "Subject",
            Self::ServiceNow => "short_description",
            Self::Jira => "summary",
            _ => "subject",
        })
    }

    /// The description of a ticket, as a person sees it.
    ///
    /// # Panics
    /// When it is not escaped.
    #[must_use]
    pub fn description(self, ticket: &Ticket) -> String {
        let text = ticket.text(match self {
            Self::Salesforce => "Description",
            Self::HubSpot => "content",
            _ => "description",
        });
        if self == Self::Freshdesk {
            shown(text)
        } else {
            text.to_owned()
        }
    }

    /// The comments of a ticket, as a person sees them.
    ///
    /// # Panics
    /// When a customer sees one, or it is not escaped.
    #[must_use]
    pub fn comments(self, ticket: &Ticket) -> Vec<String> {
        let html = matches!(self, Self::Freshdesk | Self::HubSpot);
        let bodies = ticket.comments.iter();
        let bodies = bodies.map(|comment| {
            assert!(!comment.public, "{self:?}: a customer sees {comment:?}");
            if html {
                shown(&comment.body)
            } else {
                comment.body.clone()
            }
        });
        bodies.collect()
    }
}

/// HTML as a browser shows it.
///
/// # Panics
/// When it has an element other than a line break.
fn shown(html: &str) -> String {
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
