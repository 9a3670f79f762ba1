//! Who a user is.

use serde_json::{Map, Value};

use haptik_bridge_shared::lenient_json;
use haptik_bridge_shared::message::{Profile, language};

/// A user object (<https://docs.slack.dev/reference/objects/user-object>).
pub(super) fn profile(user: &Value) -> Profile {
    let nothing = Value::Null;
    let details = user.get("profile").unwrap_or(&nothing);
    let first = |fields: &[(&Value, &str)]| {
        fields.iter().find_map(|(object, key)| {
            Some(lenient_json::text(object, key).trim().to_owned()).filter(|text| !text.is_empty())
        })
    };
    let custom_data = [
        ("slack_user_id", first(&[(user, "id")])),
        (
            "slack_team_id",
            first(&[(user, "team_id"), (details, "team")]),
        ),
        ("time_zone", first(&[(user, "tz")])),
        ("locale", first(&[(user, "locale")])),
        ("title", first(&[(details, "title")])),
    ];
    let custom_data: Map<String, Value> = custom_data
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value?.into())))
        .collect();
    Profile {
        name: first(&[
            (details, "real_name"),
            (user, "real_name"),
            (details, "display_name"),
            (user, "name"),
        ]),
        email: first(&[(details, "email")]),
        mobile_no: None,
        language_code: language(&lenient_json::text(user, "locale")),
        custom_data,
        ..Profile::default()
    }
}
