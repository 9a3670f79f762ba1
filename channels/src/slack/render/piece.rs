//! Pieces: blocks, with what stands in for them.

use serde_json::{Value, json};

use super::fallback::of_block;
use crate::slack::limits;
use crate::slack::split::split;

/// One block, with what it adds to its message.
#[derive(Debug)]
pub(super) struct Piece {
    /// The block.
    pub(super) block: Value,
    /// What stands for it in the message's text.
    pub(super) text: String,
    /// What it counts towards [`limits::BLOCKS_TEXT`].
    pub(super) weight: usize,
    /// What it counts towards [`limits::BLOCKS`]: one, but for what may have to be taken apart.
    pub(super) blocks: usize,
}

impl Piece {
    /// A text, in as many sections as it takes; none for an empty one.
    pub(super) fn sections(text: &str) -> Vec<Self> {
        let section = |text: &str| json!({"type": "section", "text": text_object(text)});
        Self::texts(text, section)
    }

    /// A text in small grey print; none for an empty one.
    pub(super) fn notices(text: &str) -> Vec<Self> {
        Self::texts(text, context)
    }

    /// A text in small grey print, with a small picture before it.
    pub(super) fn notices_with(text: &str, picture: Option<&str>, alt_text: &str) -> Vec<Self> {
        let mut notices = Self::notices(text);
        let picture = picture.filter(|picture| picture.starts_with("https:"));
        if let (Some(first), Some(picture)) = (notices.first_mut(), picture)
            && let Some(elements) = first.block["elements"].as_array_mut()
        {
            let alt_text = limits::shortened(alt_text, limits::ALT_TEXT);
            let image = json!({"type": "image", "image_url": picture, "alt_text": alt_text});
            elements.insert(0, image);
        }
        notices
    }

    /// An image, from the web.
    pub(super) fn image(address: &str, alt_text: &str) -> Self {
        let block = json!({"type": "image", "image_url": address, "alt_text": alt_text});
        Self {
            text: of_block(&block),
            weight: limits::length(address) + limits::length(alt_text),
            blocks: 1,
            block,
        }
    }

    fn texts(text: &str, block: impl Fn(&str) -> Value) -> Vec<Self> {
        let piece = |text: String| Self {
            block: block(&text),
            weight: limits::length(&text),
            blocks: 1,
            text,
        };
        split(text, limits::SECTION_TEXT)
            .into_iter()
            .map(piece)
            .collect()
    }
}

/// A text as mrkdwn. `verbatim` keeps Slack from reading names in plain text as mentions; links are
/// made in [`crate::slack::markup`].
pub(in crate::slack) fn text_object(text: &str) -> Value {
    json!({"type": "mrkdwn", "text": text, "verbatim": true})
}

/// A block of small grey print.
pub(in crate::slack) fn context(text: &str) -> Value {
    json!({"type": "context", "elements": [text_object(text)]})
}
