//! What is shown to a user → messages that a channel's provider takes. Pure, and the same for all
//! channels: what differs is data ([`super::limits`]), and how a page is encoded.
//!
//! 1. A text is read into [spans](Span) ([`inline`]); how it is printed is a [`Markup`] ([`printers`]).
//! 2. A message becomes neutral [blocks](Block) (`layout`): what is too long is [split], what the
//!    provider has not is said in the next simpler way.
//! 3. Blocks are packed into [pages](Page), one request to the provider each (`pack`).
//! 4. A page that is refused all the same has a simpler form ([`Page::simpler`]).
//!
//! The way down is always the same: carousel → cards below each other → text with buttons; buttons → menu
//! → numbered choices; modal → questions in the chat; picture → link; markup → plain text. Nothing that
//! can be seen is dropped on it, with one exception: a label longer than the provider takes ends in an
//! ellipsis.
//!
//! A channel calls [`pages`] with its limits and encodes each page. In a [bubble](Shape::Bubble) a page has
//! at most one picture, one text ([`Page::text`]) and one set of buttons or rows ([`Page::choices`]).

mod block;
mod degrade;
mod fallback;
pub mod form;
pub mod inline;
mod layout;
pub(crate) mod media;
mod pack;
mod page;
pub mod printers;
mod span;
pub mod split;
mod web_address;

pub use crate::markup::Markup;
pub use block::{Block, Button, Card, Picture, Role, Target, Targets};
pub use inline::{Rich, Span, read, title};
pub use layout::pages;
pub use page::{Identity, Page};
pub use web_address::web_address;

#[cfg(doc)]
use super::limits::Shape;
