//! Slack's limits, each with the page that says so, and how lengths are counted.

use std::borrow::Cow;

/// Characters of a message's `text`; longer ones are cut or refused
/// (<https://docs.slack.dev/reference/methods/chat.postMessage#truncating>).
pub(super) const MESSAGE_TEXT: usize = 4_000;

/// Blocks in a message (<https://docs.slack.dev/reference/block-kit/blocks>).
pub(super) const BLOCKS: usize = 50;

/// Characters over all blocks of a message. Slack answers `msg_blocks_too_long` above about 13,200,
/// which is observed, not documented (<https://github.com/slackapi/bolt-js/issues/2509>); what counts
/// is not documented either, so values and URLs are counted too, and some room is left.
pub(super) const BLOCKS_TEXT: usize = 12_000;

/// Characters of a text object, and so of a section
/// (<https://docs.slack.dev/reference/block-kit/composition-objects/text-object>).
pub(super) const SECTION_TEXT: usize = 3_000;

/// Elements of an actions block (<https://docs.slack.dev/reference/block-kit/blocks/actions-block>).
pub(super) const ACTIONS: usize = 25;

/// Elements of a context block (<https://docs.slack.dev/reference/block-kit/blocks/context-block>).
pub(super) const CONTEXT_ELEMENTS: usize = 10;

/// Characters of a button's label
/// (<https://docs.slack.dev/reference/block-kit/block-elements/button-element>).
pub(super) const BUTTON_TEXT: usize = 75;

/// Characters of a button's value; counted in bytes here, which is never less
/// (<https://docs.slack.dev/reference/block-kit/block-elements/button-element>).
pub(super) const BUTTON_VALUE: usize = 2_000;

/// Characters of a link of a button and of an image's address
/// (<https://docs.slack.dev/reference/block-kit/blocks/image-block>).
pub(super) const URL: usize = 3_000;

/// Characters of an image's alternative text
/// (<https://docs.slack.dev/reference/block-kit/blocks/image-block>).
pub(super) const ALT_TEXT: usize = 2_000;

/// Cards of a carousel (<https://docs.slack.dev/reference/block-kit/blocks/carousel-block>).
pub(super) const CARDS: usize = 10;

/// Characters of a card's title, and of its sub-title
/// (<https://docs.slack.dev/reference/block-kit/blocks/card-block>).
pub(super) const CARD_TITLE: usize = 150;

/// Characters of a card's text (<https://docs.slack.dev/reference/block-kit/blocks/card-block>).
pub(super) const CARD_BODY: usize = 200;

/// Buttons of a card: the page has no number, Slack's own clients show this many.
pub(super) const CARD_ACTIONS: usize = 3;

/// Characters of a link inside a text; what is longer stays plain text, which may be split.
pub(super) const INLINE_LINK: usize = 2_000;

/// Characters of the name that a message stands under: those of a Slack display name
/// (<https://slack.com/help/articles/360003534892>).
pub(super) const USERNAME: usize = 80;

/// Characters of a modal's title (<https://docs.slack.dev/reference/views/modal-views>).
pub(super) const VIEW_TITLE: usize = 24;

/// Blocks of a modal (<https://docs.slack.dev/reference/views/modal-views>).
pub(super) const VIEW_BLOCKS: usize = 100;

/// Characters of a modal's `private_metadata`; counted in bytes here, which is never less
/// (<https://docs.slack.dev/reference/views/modal-views>).
pub(super) const VIEW_METADATA: usize = 3_000;

/// Bytes of a whole modal: Slack answers `view_too_large` above 250 KB
/// (<https://docs.slack.dev/reference/methods/views.open#errors>).
pub(super) const VIEW_BYTES: usize = 240_000;

/// Characters of an input's label
/// (<https://docs.slack.dev/reference/block-kit/blocks/input-block>).
pub(super) const INPUT_LABEL: usize = 2_000;

/// Options of a menu, or of a group of one, and groups of a menu
/// (<https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element>).
pub(super) const OPTIONS: usize = 100;

/// Characters of an option's text
/// (<https://docs.slack.dev/reference/block-kit/composition-objects/option-object>).
pub(super) const OPTION_TEXT: usize = 75;

/// Characters of an option's value
/// (<https://docs.slack.dev/reference/block-kit/composition-objects/option-object>).
pub(super) const OPTION_VALUE: usize = 150;

/// The length of a text as Slack may count it: UTF-16 units, never fewer than characters.
pub(super) fn length(text: &str) -> usize {
    text.chars().map(char::len_utf16).sum()
}

/// Whether a text is no longer than `limit`; looks at no more of it than it must.
pub(super) fn fits(text: &str, limit: usize) -> bool {
    let mut left = limit;
    text.chars()
        .all(|character| match left.checked_sub(character.len_utf16()) {
            Some(rest) => {
                left = rest;
                true
            }
            None => false,
        })
}

/// A text of at most `limit`, with an ellipsis where something had to go.
pub(super) fn shortened(text: &str, limit: usize) -> Cow<'_, str> {
    if fits(text, limit) {
        return Cow::Borrowed(text);
    }
    let mut left = limit.saturating_sub(1);
    let kept = text.chars().take_while(|character| {
        let fits = character.len_utf16() <= left;
        left = left.saturating_sub(character.len_utf16());
        fits
    });
    let kept: String = kept.collect();
    Cow::Owned(format!("{}…", kept.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_utf_16_units() {
        assert_eq!(length("aé🔢"), 4);
        assert!(fits("aé🔢", 4) && !fits("aé🔢", 3));
    }

    #[test]
    fn a_long_label_is_cut_within_its_limit_and_a_short_one_is_left() {
        assert_eq!(shortened("short", 5), "short");
        assert_eq!(shortened("longer", 5), "long…");
        assert_eq!(shortened("🔢🔢🔢", 4), "🔢…");
        assert_eq!(shortened("a word", 3), "a…");
    }
}
