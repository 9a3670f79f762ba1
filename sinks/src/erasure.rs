//! How what a sink was given of a person is removed there, by the type of the sink, as its vendor documents it: no
//! bridge does that. `docs/privacy.md` has it.

/// How it is removed at a sink of this type; `None` where there is no such type.
#[must_use]
pub fn erasure(type_name: &str) -> Option<&'static str> {
    Some(match type_name {
        "webhook" => "by who receives the webhook: the events name the auth_id",
        "http" => "by the service that is called",
        "eventbridge" => {
            "by the rules' targets; an archive of the bus keeps events for its retention"
        }
        "zendesk" => {
            "delete the tickets and the user, then the user for good (`DELETE /api/v2/deleted_users/{id}`)"
        }
        "freshdesk" => {
            "delete the tickets, and the contact for good (`DELETE /api/v2/contacts/{id}/hard_delete`)"
        }
        "salesforce" => "delete the cases and the contact, and empty the recycle bin",
        "hubspot" => {
            "delete the tickets, and the contact for good (`POST /crm/v3/objects/contacts/gdpr-delete`)"
        }
        "servicenow" => {
            "delete the incidents with their attachments, or let data privacy make them anonymous"
        }
        "jira" => {
            "delete the requests and the customer; an Atlassian account is its owner's to delete"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::types;

    #[test]
    fn it_is_said_of_every_type() {
        assert!(types().all(|name| erasure(name).is_some()));
        assert_eq!(erasure("zendesky"), None);
    }
}
