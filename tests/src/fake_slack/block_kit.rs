//! Slack's rules for blocks, as its reference states them.
//!
//! The rules are written from <https://docs.slack.dev/reference/block-kit> alone and share nothing
//! with the code under test, so that the two check each other; `tests/slack_sdk` checks the same blocks
//! with Slack's own library. Lengths are counted in Unicode scalar values. What Slack's reference does not
//! list (a block, an element, a field) is refused, as are `null`s in the place of a value; so is what the
//! bridge does not send, until somebody writes down its rules here.

mod check;
mod elements;
mod view;

use serde_json::Value;

pub use check::Problem;
use check::{Check, Flavor};

pub use view::{check_home, check_view};

/// Blocks of one message, at most (<https://docs.slack.dev/reference/block-kit/blocks>).
pub const MAX_BLOCKS: usize = 50;
/// Characters over all blocks of one message, at most. Slack answers `msg_blocks_too_long` above
/// about this number; it has no documented value (slackapi/bolt-js#2509).
pub const MAX_CHARACTERS_OVER_ALL_BLOCKS: usize = 13_200;

/// Where blocks are shown: some blocks exist on one surface only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Surface {
    Message,
    Modal,
}

/// Why Slack would refuse blocks or a view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// Slack's error code: `invalid_blocks`, `invalid_blocks_format`, `msg_blocks_too_long` ….
    pub error: &'static str,
    /// Everything that is wrong, each with its place.
    pub problems: Vec<Problem>,
}

/// Checks the `blocks` of a message.
///
/// # Errors
///
/// Every problem found, under the error code that Slack answers with.
pub fn check_blocks(blocks: &Value) -> Result<(), Rejection> {
    let Some(list) = blocks.as_array() else {
        return Err(Rejection {
            error: "invalid_blocks_format",
            problems: vec![Problem::new("/blocks", "must be an array of blocks")],
        });
    };
    let mut check = Check::new(Surface::Message);
    check.count("/blocks", list.len(), 0, MAX_BLOCKS);
    for (index, block) in list.iter().enumerate() {
        check_block(&mut check, &format!("/blocks/{index}"), block);
    }
    let (problems, characters) = check.finish();
    if !problems.is_empty() {
        return Err(Rejection {
            error: "invalid_blocks",
            problems,
        });
    }
    if characters > MAX_CHARACTERS_OVER_ALL_BLOCKS {
        let what = format!(
            "{characters} characters over all blocks, {MAX_CHARACTERS_OVER_ALL_BLOCKS} are allowed"
        );
        return Err(Rejection {
            error: "msg_blocks_too_long",
            problems: vec![Problem::new("/blocks", what)],
        });
    }
    Ok(())
}

pub(crate) fn check_block(check: &mut Check, at: &str, block: &Value) {
    let Some(kind) = check.kind(at, block) else {
        return;
    };
    match (kind, check.surface()) {
        ("actions", _) => actions(check, at, block),
        ("card", Surface::Message) => card(check, at, block),
        ("carousel", Surface::Message) => carousel(check, at, block),
        ("context", _) => context(check, at, block),
        ("divider", _) => {
            check.object(at, block, &["type"], &["block_id"]);
        }
        ("header", _) => header(check, at, block),
        ("image", _) => image_block(check, at, block),
        ("input", _) => elements::input_block(check, at, block),
        ("section", _) => section(check, at, block),
        (other, _) => check.fail(at, format!("unsupported type: {other}")),
    }
    check.block_id(at, block);
}

fn actions(check: &mut Check, at: &str, block: &Value) {
    if check
        .object(at, block, &["type", "elements"], &["block_id"])
        .is_none()
    {
        return;
    }
    for (place, element) in check.items(at, block, "elements", 1, 25) {
        elements::element(check, &place, element, elements::IN_ACTIONS);
    }
}

fn card(check: &mut Check, at: &str, block: &Value) {
    let optional = [
        "block_id",
        "hero_image",
        "title",
        "subtitle",
        "body",
        "actions",
    ];
    let Some(fields) = check.object(at, block, &["type"], &optional) else {
        return;
    };
    if !["hero_image", "title", "actions", "body"]
        .iter()
        .any(|field| fields.contains_key(*field))
    {
        check.fail(at, "must define `hero_image`, `title`, `actions` or `body`");
    }
    if let Some(element) = fields.get("hero_image") {
        elements::element(check, &format!("{at}/hero_image"), element, &["image"]);
    }
    check.text(at, block, "title", Flavor::Any, 150);
    check.text(at, block, "subtitle", Flavor::Any, 150);
    check.text(at, block, "body", Flavor::Any, 200);
    for (place, element) in check.items(at, block, "actions", 1, 3) {
        elements::element(check, &place, element, &["button"]);
    }
}

fn carousel(check: &mut Check, at: &str, block: &Value) {
    check.object(at, block, &["type", "elements"], &["block_id"]);
    for (place, element) in check.items(at, block, "elements", 1, 10) {
        if check.kind(&place, element) == Some("card") {
            card(check, &place, element);
            check.block_id(&place, element);
        } else {
            check.fail(&place, "a carousel holds cards only");
        }
    }
}

fn context(check: &mut Check, at: &str, block: &Value) {
    check.object(at, block, &["type", "elements"], &["block_id"]);
    for (place, element) in check.items(at, block, "elements", 1, 10) {
        match check.kind(&place, element) {
            Some("image") => elements::element(check, &place, element, &["image"]),
            Some("mrkdwn" | "plain_text") => {
                check.text_object(&place, element, Flavor::Any, 3000);
            }
            Some(other) => check.fail(&place, format!("unsupported type: {other}")),
            None => {}
        }
    }
}

fn header(check: &mut Check, at: &str, block: &Value) {
    check.object(at, block, &["type", "text"], &["block_id"]);
    check.text(at, block, "text", Flavor::Plain, 150);
}

fn image_block(check: &mut Check, at: &str, block: &Value) {
    check.object(
        at,
        block,
        &["type", "alt_text"],
        &["block_id", "image_url", "title"],
    );
    check.image_source(at, block);
    check.text(at, block, "title", Flavor::Plain, 2000);
}

fn section(check: &mut Check, at: &str, block: &Value) {
    check.object(at, block, &["type", "text"], &["block_id", "accessory"]);
    check.text(at, block, "text", Flavor::Any, 3000);
    if let Some(accessory) = block.get("accessory") {
        let at = format!("{at}/accessory");
        elements::element(check, &at, accessory, elements::IN_SECTION);
    }
}
