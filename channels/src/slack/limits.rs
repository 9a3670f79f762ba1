//! Slack's limits, each with the page that says so.

use crate::limits::Size;

/// Characters of a message's `text`; longer ones are cut or refused
/// (<https://docs.slack.dev/reference/methods/chat.postMessage#truncating>).
pub(super) const MESSAGE_TEXT: Size = Size::utf16(4_000);

/// Blocks in a message (<https://docs.slack.dev/reference/block-kit/blocks>).
pub(super) const BLOCKS: usize = 50;

/// Characters over all blocks of a message. Slack answers `msg_blocks_too_long` above about 13,200,
/// which is observed, not documented (<https://github.com/slackapi/bolt-js/issues/2509>); what counts
/// is not documented either, so values and URLs are counted too, and some room is left.
pub(super) const BLOCKS_TEXT: Size = Size::utf16(12_000);

/// Characters of a text object, and so of a section
/// (<https://docs.slack.dev/reference/block-kit/composition-objects/text-object>).
pub(super) const SECTION_TEXT: Size = Size::utf16(3_000);

/// Elements of an actions block (<https://docs.slack.dev/reference/block-kit/blocks/actions-block>).
pub(super) const ACTIONS: usize = 25;

/// Elements of a context block (<https://docs.slack.dev/reference/block-kit/blocks/context-block>).
pub(super) const CONTEXT_ELEMENTS: usize = 10;

/// Characters of a button's label
/// (<https://docs.slack.dev/reference/block-kit/block-elements/button-element>).
pub(super) const BUTTON_TEXT: Size = Size::utf16(75);

/// Characters of a button's value; counted in bytes here, which is never less
/// (<https://docs.slack.dev/reference/block-kit/block-elements/button-element>).
pub(super) const BUTTON_VALUE: Size = Size::bytes(2_000);

/// Characters of a link of a button and of an image's address
/// (<https://docs.slack.dev/reference/block-kit/blocks/image-block>).
pub(super) const URL: Size = Size::utf16(3_000);

/// Characters of an image's alternative text
/// (<https://docs.slack.dev/reference/block-kit/blocks/image-block>).
pub(super) const ALT_TEXT: Size = Size::utf16(2_000);

/// Cards of a carousel (<https://docs.slack.dev/reference/block-kit/blocks/carousel-block>).
pub(super) const CARDS: usize = 10;

/// Characters of a card's title, and of its sub-title
/// (<https://docs.slack.dev/reference/block-kit/blocks/card-block>).
pub(super) const CARD_TITLE: Size = Size::utf16(150);

/// Characters of a card's text (<https://docs.slack.dev/reference/block-kit/blocks/card-block>).
pub(super) const CARD_BODY: Size = Size::utf16(200);

/// Buttons of a card: the page has no number, Slack's own clients show this many.
pub(super) const CARD_ACTIONS: usize = 3;

/// Characters of the name that a message stands under: those of a Slack display name
/// (<https://slack.com/help/articles/360003534892>).
pub(super) const USERNAME: Size = Size::utf16(80);

/// Characters of a modal's title (<https://docs.slack.dev/reference/views/modal-views>).
pub(super) const VIEW_TITLE: Size = Size::utf16(24);

/// Blocks of a modal (<https://docs.slack.dev/reference/views/modal-views>).
pub(super) const VIEW_BLOCKS: usize = 100;

/// Characters of a modal's `private_metadata`
/// (<https://docs.slack.dev/reference/views/modal-views>).
pub(super) const VIEW_METADATA: Size = Size::utf16(3_000);

/// Bytes of a whole modal: Slack answers `view_too_large` above 250 KB
/// (<https://docs.slack.dev/reference/methods/views.open#errors>).
pub(super) const VIEW_BYTES: usize = 240_000;

/// Characters of an input's label
/// (<https://docs.slack.dev/reference/block-kit/blocks/input-block>).
pub(super) const INPUT_LABEL: Size = Size::utf16(2_000);

/// Options of a menu, or of a group of one, and groups of a menu
/// (<https://docs.slack.dev/reference/block-kit/block-elements/select-menu-element>).
pub(super) const OPTIONS: usize = 100;

/// Characters of an option's text
/// (<https://docs.slack.dev/reference/block-kit/composition-objects/option-object>).
pub(super) const OPTION_TEXT: Size = Size::utf16(75);

/// Characters of an option's value
/// (<https://docs.slack.dev/reference/block-kit/composition-objects/option-object>).
pub(super) const OPTION_VALUE: Size = Size::utf16(150);
