//! Whom data of one user name besides: what was tapped may be a message for another. A button says whom in its
//! callback data, or in a field, and may stand within JSON within JSON.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use haptik_bridge_shared::ids::AuthId;
use serde_json::Value;

use super::{UserId, id_bytes, read};

/// The fields that name a user: of the bridge's own data, and of Slack's buttons.
const FIELDS: [&str; 2] = ["auth_id", "a"];

/// Stands for somebody who was forgotten: nobody has this id.
const NOBODY: &str = "00000000000000000000000000000000";

/// The same, in callback data.
const NOBODY_IN_DATA: &str = "AAAAAAAAAAAAAAAAAAAAAA";

/// A name of a user in some data.
enum Named<'a> {
    Id(&'a str),
    InData(UserId),
}

/// How data name a user: a text in which none of these stands does not name the user.
#[must_use]
pub fn written_as(user: &AuthId) -> [String; 2] {
    let (whom, _) = id_bytes(user);
    [user.to_string(), URL_SAFE_NO_PAD.encode(whom)]
}

/// Everybody whom these data name. Of who is named by a digest alone it is not known who that is.
#[must_use]
pub fn users_in(data: &Value) -> BTreeSet<AuthId> {
    let mut users = BTreeSet::new();
    without(data, &mut |named| {
        users.extend(match named {
            Named::Id(id) => Some(AuthId::from(*id)),
            Named::InData(UserId::Id(id)) => Some(id.clone()),
            Named::InData(UserId::Digest(_)) => None,
        });
        false
    });
    users
}

/// These data with nobody in the place of some users; `None` where they name none of them.
#[must_use]
pub fn without_users(data: &Value, users: &BTreeSet<AuthId>) -> Option<Value> {
    without(data, &mut |named| {
        users.iter().any(|user| match named {
            Named::Id(id) => *id == user.as_str(),
            Named::InData(whom) => whom.is(user),
        })
    })
}

/// The data with nobody in the place of those whom `is_gone` chooses; `None` where that is nobody.
fn without(data: &Value, is_gone: &mut dyn FnMut(&Named<'_>) -> bool) -> Option<Value> {
    match data {
        Value::String(text) => without_in_text(text, is_gone).map(Value::String),
        Value::Array(values) => {
            let changed: Vec<_> = values.iter().map(|value| without(value, is_gone)).collect();
            changed.iter().any(Option::is_some).then(|| {
                let values = changed.into_iter().zip(values);
                values
                    .map(|(new, old)| new.unwrap_or_else(|| old.clone()))
                    .collect()
            })
        }
        Value::Object(fields) => {
            let mut changed = Vec::new();
            for (name, value) in fields {
                let id = value.as_str().filter(|_| FIELDS.contains(&name.as_str()));
                let new = match id {
                    Some(id) => is_gone(&Named::Id(id)).then(|| NOBODY.into()),
                    None => without(value, is_gone),
                };
                changed.extend(new.map(|new| (name.clone(), new)));
            }
            (!changed.is_empty()).then(|| {
                let mut fields = fields.clone();
                fields.extend(changed);
                Value::Object(fields)
            })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

fn without_in_text(text: &str, is_gone: &mut dyn FnMut(&Named<'_>) -> bool) -> Option<String> {
    if let Some(tapped) = read(text) {
        let (kind, rest) = (text.get(..1)?, text.get(1 + NOBODY_IN_DATA.len()..)?);
        return is_gone(&Named::InData(tapped.whom))
            .then(|| format!("{kind}{NOBODY_IN_DATA}{rest}"));
    }
    if !text.starts_with(['{', '[', '"']) {
        return None;
    }
    let data: Value = serde_json::from_str(text).ok()?;
    without(&data, is_gone).map(|data| data.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::callback::{Reference, Tap, write};
    use crate::size::{Size, Unit};

    fn without_user(data: &Value, user: &AuthId) -> Option<Value> {
        without_users(data, &BTreeSet::from([user.clone()]))
    }

    fn data_of(user: &AuthId) -> String {
        let reference = Reference {
            auth_id: user.clone(),
            key: "0001#message".into(),
        };
        let room = Size {
            max: 64,
            unit: Unit::Bytes,
        };
        write(&reference, &Tap::Fill, room).expect("there is room")
    }

    /// Data that name a user, however deep.
    fn naming(user: &AuthId) -> impl Strategy<Value = Value> + use<> {
        let leaf = prop_oneof![
            Just(json!({"auth_id": user.as_str(), "key": "0001#message"})),
            Just(json!({"f": "0001#message", "a": user.as_str()})),
            Just(json!(data_of(user))),
        ];
        leaf.prop_recursive(4, 16, 3, |inner| {
            prop_oneof![
                inner
                    .clone()
                    .prop_map(|data| json!({"value": data.to_string(), "text": "hi"})),
                inner.clone().prop_map(|data| json!([1, data, null])),
                inner.prop_map(|data| json!({"data": data})),
            ]
        })
    }

    fn somebody() -> impl Strategy<Value = AuthId> {
        prop_oneof!["[0-9a-f]{32}", "[a-z]{3,9}@example\\.com"]
            .prop_map(|id| AuthId::from(id.as_str()))
    }

    proptest! {
        #[test]
        fn who_is_taken_out_is_named_no_more_and_the_others_are(asha in somebody(), ben in somebody(), depth in naming(&"ca11ab1e00000000000000000000ffff".into())) {
            prop_assume!(asha != ben);
            let data = json!([{"auth_id": asha.as_str(), "x": data_of(&asha)}, {"a": ben.as_str(), "y": data_of(&ben)}, depth]);
            let left = without_user(&data, &asha).expect("it names her");
            let text = left.to_string();
            prop_assert!(!text.contains(asha.as_str()) && !text.contains(&data_of(&asha)[1..23]), "{}", text);
            prop_assert!(text.contains(ben.as_str()) && text.contains(&data_of(&ben)[1..23]), "{}", text);
            prop_assert_eq!(without_user(&left, &asha), None);
            prop_assert!(users_in(&left).contains(&ben) && !users_in(&left).contains(&asha));
        }

        #[test]
        fn who_is_named_however_deep_is_found_and_taken_out(data in naming(&"ca11ab1e00000000000000000000ffff".into())) {
            let user = AuthId::from("ca11ab1e00000000000000000000ffff");
            prop_assert!(written_as(&user).iter().any(|name| data.to_string().contains(name)), "{}", data);
            prop_assert!(users_in(&data).contains(&user), "{}", data);
            let left = without_user(&data, &user).expect("it names the user");
            prop_assert!(!left.to_string().contains(user.as_str()) && !users_in(&left).contains(&user), "{}", left);
        }
    }

    #[test]
    fn what_names_nobody_is_left_as_it_is() {
        for data in [
            json!(null),
            json!("ca11ab1e00000000000000000000ffff"),
            json!({"text": "{ca11ab1e00000000000000000000ffff", "auth_id": "other"}),
        ] {
            let user = AuthId::from("ca11ab1e00000000000000000000ffff");
            assert_eq!(without_user(&data, &user), None, "{data}");
        }
    }
}
