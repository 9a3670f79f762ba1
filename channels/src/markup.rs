//! The markups of texts; [`render`](crate::render) prints them.

/// A markup that providers take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Markup {
    /// Slack's (<https://docs.slack.dev/messaging/formatting-message-text>).
    Mrkdwn,
    /// The tags that Telegram has (<https://core.telegram.org/bots/api#html-style>).
    Html,
    /// Google Chat's (<https://developers.google.com/workspace/chat/format-messages>).
    Chat,
    /// `CommonMark`, with `~~` for what is struck through.
    CommonMark,
    /// The part of Markdown that Adaptive Cards show
    /// (<https://learn.microsoft.com/adaptive-cards/authoring-cards/text-features>).
    Card,
    /// None: a link is its label with its address behind it.
    Plain,
}
