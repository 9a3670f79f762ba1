//! `users.info`, reactions, modals, the status of an assistant's thread.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::fake_slack::{
    arguments::Arguments,
    block_kit::{check_home, check_view},
    state::{OpenView, State},
    workspace::member,
};

use super::conversation;
use crate::fake_slack::refused::Refused;

/// How long a `trigger_id` can be exchanged
/// (<https://docs.slack.dev/interactivity/handling-user-interaction>).
const TRIGGER_LIFETIME: SignedDuration = SignedDuration::from_secs(3);

/// A member: anybody whose id is one.
pub(crate) fn user_info(state: &State, arguments: &Arguments) -> Result<Value, Refused> {
    let id = arguments.text("user").unwrap_or_default();
    let well_formed = id.len() >= 3
        && id.starts_with(['U', 'W'])
        && id
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if !well_formed {
        return Err(Refused::new("user_not_found").because(id));
    }
    let with_locale = arguments.flag("include_locale");
    Ok(json!({"user": member(&id, &state.workspace.team_id, with_locale)}))
}

pub(crate) fn add_reaction(state: &State, arguments: &Arguments) -> Result<Value, Refused> {
    let (channel, ts, reaction) = reaction(state, arguments)?;
    state.change(|store| {
        let message = store
            .message_mut(&channel, &ts)
            .ok_or_else(|| Refused::new("message_not_found").because(&ts))?;
        if message.reactions.contains(&reaction) {
            return Err(Refused::new("already_reacted"));
        }
        message.reactions.push(reaction);
        Ok(json!({}))
    })
}

pub(crate) fn remove_reaction(state: &State, arguments: &Arguments) -> Result<Value, Refused> {
    let (channel, ts, reaction) = reaction(state, arguments)?;
    state.change(|store| {
        let message = store
            .message_mut(&channel, &ts)
            .ok_or_else(|| Refused::new("message_not_found").because(&ts))?;
        let count = message.reactions.len();
        message.reactions.retain(|other| *other != reaction);
        if message.reactions.len() == count {
            return Err(Refused::new("no_reaction"));
        }
        Ok(json!({}))
    })
}

pub(crate) fn open_view(state: &State, arguments: &Arguments) -> Result<Value, Refused> {
    let trigger_id = arguments
        .text("trigger_id")
        .or_else(|| arguments.text("interactivity_pointer"))
        .ok_or_else(|| {
            Refused::new("invalid_arguments").because("missing required field: trigger_id")
        })?;
    let view = arguments
        .structure("view", "invalid_arguments")?
        .ok_or_else(|| Refused::new("invalid_arguments").because("missing required field: view"))?;
    check_view(&view)?;
    let now = Timestamp::now();
    let (id, workspace) = state.change(|store| {
        let trigger = store
            .triggers
            .get_mut(&trigger_id)
            .ok_or_else(|| Refused::new("invalid_trigger_id"))?;
        if trigger.used {
            return Err(Refused::new("exchanged_trigger_id"));
        }
        if now.duration_since(trigger.issued) > TRIGGER_LIFETIME {
            return Err(Refused::new("expired_trigger_id"));
        }
        trigger.used = true;
        let id = store.next_id("V");
        store.views.push(OpenView {
            id: id.clone(),
            view: view.clone(),
        });
        Ok((id, &state.workspace))
    })?;
    Ok(json!({"view": shown_view(workspace, &id, &view)}))
}

/// The Home tab of one user.
pub(crate) fn publish_view(state: &State, arguments: &Arguments) -> Result<Value, Refused> {
    let user = arguments.required("user_id")?;
    let view = arguments
        .structure("view", "invalid_arguments")?
        .ok_or_else(|| Refused::new("invalid_arguments").because("missing required field: view"))?;
    check_home(&view)?;
    let id = state.change(|store| {
        let id = store.next_id("V");
        let published = OpenView {
            id: id.clone(),
            view: view.clone(),
        };
        store.homes.insert(user, published);
        id
    });
    Ok(json!({"view": shown_view(&state.workspace, &id, &view)}))
}

/// What is suggested to say in a thread with an assistant: at most four things
/// (<https://docs.slack.dev/reference/methods/assistant.threads.setSuggestedPrompts>).
pub(crate) fn set_prompts(state: &State, arguments: &Arguments) -> Result<Value, Refused> {
    conversation(&arguments.required("channel_id")?)?;
    arguments.required("thread_ts")?;
    let prompts = arguments.structure("prompts", "invalid_arguments")?;
    let prompts = prompts.as_ref().and_then(Value::as_array);
    let is_good = |prompt: &Value| {
        ["title", "message"].iter().all(|name| {
            prompt
                .get(name)
                .is_some_and(|text| text.as_str().is_some_and(|text| !text.is_empty()))
        })
    };
    match prompts {
        Some(prompts) if (1..=4).contains(&prompts.len()) && prompts.iter().all(is_good) => {
            let titles = prompts.iter().filter_map(|prompt| prompt["title"].as_str());
            let titles: Vec<String> = titles.map(str::to_owned).collect();
            state.change(|store| store.prompts.push(titles));
            Ok(json!({}))
        }
        _ => Err(Refused::new("invalid_arguments").because("prompts")),
    }
}

/// A view as Slack shows it: what the application gave, and where it is.
pub(crate) fn shown_view(
    workspace: &crate::fake_slack::Workspace,
    id: &str,
    view: &Value,
) -> Value {
    let mut shown = json!({
        "id": id,
        "team_id": workspace.team_id,
        "app_id": workspace.api_app_id,
        "bot_id": workspace.bot_id,
        "app_installed_team_id": workspace.installed_in(),
        "root_view_id": id,
        "previous_view_id": null,
        "external_id": "",
        "callback_id": "",
        "private_metadata": "",
        "hash": "1700000000.fakehash",
        "clear_on_close": false,
        "notify_on_close": false,
        "close": null,
        "submit": null,
        "state": {"values": {}},
    });
    if let (Some(shown), Some(given)) = (shown.as_object_mut(), view.as_object()) {
        shown.extend(given.clone());
    }
    shown
}

/// The status line of a thread with an assistant; an empty status clears it.
pub(crate) fn set_status(state: &State, arguments: &Arguments) -> Result<Value, Refused> {
    let channel = conversation(&arguments.required("channel_id")?)?;
    let thread_ts = arguments.required("thread_ts")?;
    let status = arguments.text("status").unwrap_or_default();
    state.change(|store| store.statuses.push((channel, thread_ts, status)));
    Ok(json!({}))
}

type Reaction = (String, String, (String, String));

fn reaction(state: &State, arguments: &Arguments) -> Result<Reaction, Refused> {
    let channel = conversation(&arguments.required("channel")?)?;
    let ts = arguments.required("timestamp")?;
    let name = arguments.required("name")?;
    let well_named =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-+':".contains(&byte);
    if !name.bytes().all(well_named) || name.starts_with(':') {
        return Err(Refused::new("invalid_name").because(name));
    }
    Ok((channel, ts, (name, state.workspace.bot_user_id.clone())))
}
