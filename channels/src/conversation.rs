//! What is one conversation, where a channel has threads: a key that several channels have.

use haptik_bridge_shared::config::kind::OneOf;

/// What is one conversation, and so one user at Haptik.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Conversation {
    /// `"user"`: everything that a person writes is one conversation.
    #[default]
    User,
    /// `"thread"`: every thread of a person is one.
    Thread,
}

/// The key.
pub const CONVERSATIONS: OneOf<Conversation> = OneOf {
    words: &[
        ("user", Conversation::User),
        ("thread", Conversation::Thread),
    ],
};
